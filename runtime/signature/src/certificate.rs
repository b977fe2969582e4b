//! Certificates for minutes: whether an authority of the trusted root gave them, whom they name, and whether a log of
//! certificates promised to show them.

use std::time::Duration;

use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use crate::der::{self, Element};
use crate::error::SignatureError;
use crate::key::{Hash, PublicKey};
use crate::trusted_root::{Authority, Log};
use crate::wire::sha256;

/// What a certificate may be used for.
pub(crate) const CODE_SIGNING: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x03];
pub(crate) const TIME_STAMPING: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x08];

const KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x0f];
const ALTERNATIVE_NAMES: &[u8] = &[0x55, 0x1d, 0x11];
const PROMISES: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0xd6, 0x79, 0x02, 0x04, 0x02];
/// Fulcio's issuer, as bare text and as DER.
const ISSUER_V1: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x83, 0xbf, 0x30, 0x01, 0x01];
const ISSUER_V2: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x83, 0xbf, 0x30, 0x01, 0x08];

/// The most promises of logs that a certificate may have.
const MOST_PROMISES: usize = 8;

/// A certificate, taken apart.
pub(crate) struct Certificate {
    pub(crate) der: Vec<u8>,
    pub(crate) key: PublicKey,
    issuer: Vec<u8>,
    subject: Vec<u8>,
    /// Names and values.
    extensions: Vec<(Vec<u8>, Vec<u8>)>,
    /// What was signed, without the promises: a log made them before they were put in.
    without_promises: Vec<u8>,
}

impl Certificate {
    /// Takes a certificate apart; `None`: it is none, or its key is of a kind that is not used.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let parts = der::sequence(bytes)?;
        let signed = parts.first().filter(|_| parts.len() == 3)?;
        let fields = der::sequence(signed.whole)?;
        // Version, serial number, algorithm, issuer, validity, subject, key, and at the end the extensions.
        let [version, _, _, issuer, _, subject, key, ..] = fields.as_slice() else {
            return None;
        };
        let last = fields.last().filter(|last| last.tag == 0xa3)?;
        if version.tag != 0xa0 {
            return None;
        }
        let mut extensions = Vec::new();
        let mut kept = Vec::new();
        for one in der::sequence(last.value)? {
            let (name, value) = extension(one)?;
            if extensions.iter().any(|(known, _)| known == name) {
                return None;
            }
            if name != PROMISES {
                kept.extend_from_slice(one.whole);
            }
            extensions.push((name.to_owned(), value.to_owned()));
        }
        let mut without: Vec<u8> = Vec::new();
        for field in &fields[..fields.len() - 1] {
            without.extend_from_slice(field.whole);
        }
        without.extend(der::element(0xa3, &der::element(der::SEQUENCE, &kept)));
        Some(Self {
            key: PublicKey::from_spki(key.whole)?,
            issuer: issuer.whole.to_owned(),
            subject: subject.whole.to_owned(),
            extensions,
            without_promises: der::element(der::SEQUENCE, &without),
            der: bytes.to_owned(),
        })
    }

    fn extension(&self, name: &[u8]) -> Option<&[u8]> {
        let mut all = self.extensions.iter();
        all.find(|(known, _)| known == name)
            .map(|(_, value)| value.as_slice())
    }

    /// Whether the key may sign messages.
    pub(crate) fn signs(&self) -> bool {
        let bits = self
            .extension(KEY_USAGE)
            .and_then(|value| der::only(value, der::BIT_STRING));
        bits.and_then(|bits| bits.get(1))
            .is_some_and(|first| first & 0x80 != 0)
    }

    /// Whom it names: one address of the web or of mail.
    pub(crate) fn identity(&self) -> Result<String, SignatureError> {
        let names = self.extension(ALTERNATIVE_NAMES).and_then(der::sequence);
        match names.as_deref() {
            Some([one]) if matches!(one.tag, 0x81 | 0x86) => text(one.value),
            _ => Err(SignatureError::Certificate(
                "it names nobody, or several".into(),
            )),
        }
    }

    /// Who vouched for that name: an issuer of OpenID Connect.
    pub(crate) fn issuer(&self) -> Result<String, SignatureError> {
        let v2 = self.extension(ISSUER_V2);
        let found = match v2 {
            Some(value) => der::only(value, der::UTF8_STRING),
            None => self.extension(ISSUER_V1),
        };
        match found {
            Some(found) => text(found),
            None => Err(SignatureError::Certificate("it names no issuer".into())),
        }
    }

    /// Whether one of these authorities gave it, at this time and for this use.
    ///
    /// # Errors
    ///
    /// None did; the text is what the last of them lacks.
    pub(crate) fn check_path(
        &self,
        authorities: &[Authority],
        usage: &'static [u8],
        at: u64,
    ) -> Result<(), SignatureError> {
        let leaf = CertificateDer::from(self.der.as_slice());
        let leaf = EndEntityCert::try_from(&leaf)
            .map_err(|error| SignatureError::Certificate(error.to_string()))?;
        let mut why = "none of its authorities was in force when it was made".to_owned();
        for authority in authorities.iter().filter(|one| one.period.contains(at)) {
            let Some((root, between)) = authority.chain.split_last() else {
                continue;
            };
            let root = CertificateDer::from(root.as_slice());
            let Ok(anchor) = anchor_from_trusted_cert(&root) else {
                continue;
            };
            // A chain of timestamps' authorities begins with the one that signs.
            let between: Vec<CertificateDer<'_>> = between
                .iter()
                .filter(|one| **one != self.der)
                .map(|one| CertificateDer::from(one.as_slice()))
                .collect();
            let anchors = [anchor];
            let found = leaf.verify_for_usage(
                webpki::ALL_VERIFICATION_ALGS,
                &anchors,
                &between,
                UnixTime::since_unix_epoch(Duration::from_secs(at)),
                KeyUsage::required(usage),
                None,
                None,
            );
            match found {
                Ok(_) => return Ok(()),
                Err(error) => why = format!("{error}, at {}", crate::trusted_root::date(at)),
            }
        }
        Err(SignatureError::Certificate(why))
    }

    /// Whether a log of certificates promised to show this one (RFC 6962, 3.2).
    ///
    /// # Errors
    ///
    /// None of the logs did.
    pub(crate) fn check_promises(
        &self,
        authorities: &[Authority],
        logs: &[Log],
    ) -> Result<(), SignatureError> {
        let failed = |why: &str| SignatureError::CertificateLog(why.into());
        let list = self
            .extension(PROMISES)
            .ok_or_else(|| failed("it has no promise of one"))?;
        let list = der::only(list, der::OCTET_STRING).and_then(promises);
        let list = list.ok_or_else(|| failed("its promises are malformed"))?;
        let keys: Vec<[u8; 32]> = authorities
            .iter()
            .flat_map(|authority| &authority.chain)
            .filter_map(|one| Self::read(one))
            .filter(|one| one.subject == self.issuer)
            .map(|one| sha256(one.key.spki()))
            .collect();
        for promise in &list {
            let seconds = promise.milliseconds / 1000;
            let known = logs
                .iter()
                .filter(|log| log.id == promise.log && log.period.contains(seconds));
            for log in known {
                for issuer in &keys {
                    let message = promise.message(issuer, &self.without_promises);
                    if log
                        .key
                        .signed_with(Hash::Sha256, &message, promise.signature)
                    {
                        return Ok(());
                    }
                }
            }
        }
        Err(failed("no promise is signed by one of these logs"))
    }
}

fn extension(one: Element<'_>) -> Option<(&[u8], &[u8])> {
    let parts = der::sequence(one.whole)?;
    let (name, value) = match parts.as_slice() {
        [name, value] => (name, value),
        [name, critical, value] if critical.tag == der::BOOLEAN => (name, value),
        _ => return None,
    };
    (name.tag == der::OID && value.tag == der::OCTET_STRING).then_some((name.value, value.value))
}

/// Text that people are shown and that is compared: plain ASCII.
fn text(bytes: &[u8]) -> Result<String, SignatureError> {
    let plain = bytes.len() <= 1024 && bytes.iter().all(|byte| byte.is_ascii_graphic());
    let text = str::from_utf8(bytes)
        .ok()
        .filter(|_| plain && !bytes.is_empty());
    text.map(str::to_owned)
        .ok_or_else(|| SignatureError::Certificate("a name in it is no plain text".into()))
}

/// What a log promised.
struct Promise<'a> {
    log: Vec<u8>,
    milliseconds: u64,
    extensions: &'a [u8],
    signature: &'a [u8],
}

impl Promise<'_> {
    /// What the log signed.
    fn message(&self, issuer: &[u8; 32], certificate: &[u8]) -> Vec<u8> {
        let long = u32::try_from(certificate.len())
            .unwrap_or(u32::MAX)
            .to_be_bytes();
        let short = u16::try_from(self.extensions.len())
            .unwrap_or(u16::MAX)
            .to_be_bytes();
        let time = self.milliseconds.to_be_bytes();
        // Version 1, a promise; then an entry that is a certificate before its promises.
        [
            &[0, 0][..],
            &time,
            &[0, 1],
            issuer,
            &long[1..],
            certificate,
            &short,
            self.extensions,
        ]
        .concat()
    }
}

fn promises(list: &[u8]) -> Option<Vec<Promise<'_>>> {
    let mut rest = list;
    let mut list = block(&mut rest)?;
    if !rest.is_empty() {
        return None;
    }
    let mut found = Vec::new();
    while !list.is_empty() && found.len() < MOST_PROMISES {
        let mut one = block(&mut list)?;
        let (version, after) = one.split_first()?;
        let (log, after) = after.split_at_checked(32)?;
        let (time, after) = after.split_at_checked(8)?;
        one = after;
        let extensions = block(&mut one)?;
        // The algorithm: SHA-256 with what key the log has.
        let (algorithm, after) = one.split_at_checked(2)?;
        one = after;
        let signature = block(&mut one)?;
        if *version != 0 || algorithm[0] != 4 || !one.is_empty() {
            return None;
        }
        found.push(Promise {
            log: log.to_owned(),
            milliseconds: u64::from_be_bytes(time.try_into().ok()?),
            extensions,
            signature,
        });
    }
    Some(found)
}

/// Bytes behind a length of two.
fn block<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, after) = rest.split_at_checked(2)?;
    let length = usize::from(u16::from_be_bytes(length.try_into().ok()?));
    let (value, after) = after.split_at_checked(length)?;
    *rest = after;
    Some(value)
}

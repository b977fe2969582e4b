//! Timestamps (RFC 3161): an authority of the trusted root saw the signature at a time.

use std::time::UNIX_EPOCH;

use ring::digest;

use crate::certificate::{Certificate, TIME_STAMPING};
use crate::der::{self, Element};
use crate::error::SignatureError;
use crate::key::Hash;
use crate::trusted_root::Authority;

const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
const TIMESTAMP: &[u8] = &[
    0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x04,
];
const CONTENT_TYPE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x03];
const MESSAGE_DIGEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x04];
const SHA256: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
const SHA384: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02];
const SHA512: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03];
/// `[0]`, with parts and without.
const CONTEXT: u8 = 0xa0;

/// Checks one timestamp of these bytes, and returns its time in seconds since 1970.
///
/// # Errors
///
/// It is of other bytes, or no authority signed it.
pub(crate) fn check(
    timestamp: &[u8],
    stamped: &[u8],
    authorities: &[Authority],
) -> Result<u64, SignatureError> {
    let failed = |why: &str| SignatureError::Timestamp(why.into());
    let token = Token::read(timestamp).ok_or_else(|| failed("it is malformed"))?;
    let (time, hash, imprint) = info(token.info).ok_or_else(|| failed("it is malformed"))?;
    if digest(hash, stamped) != imprint {
        return Err(failed("it is of another signature"));
    }
    if digest(token.hash, token.info) != token.digest {
        return Err(failed("what was signed is not what it says"));
    }
    // The attributes are signed as the set that they are, and not under the tag that they stand under.
    let message = der::element(der::SET, token.attributes);
    let own = authorities.iter().filter_map(|one| one.chain.first());
    let signers = own
        .map(Vec::as_slice)
        .chain(token.certificates.iter().copied());
    let mut why = failed("no authority of the trusted root signed it");
    for signer in signers.filter_map(Certificate::read) {
        if !signer
            .key
            .signed_with(token.hash, &message, token.signature)
        {
            continue;
        }
        match signer.check_path(authorities, TIME_STAMPING, time) {
            Ok(()) => return Ok(time),
            Err(error) => why = failed(&error.to_string()),
        }
    }
    Err(why)
}

/// What a timestamp's answer holds.
struct Token<'a> {
    info: &'a [u8],
    certificates: Vec<&'a [u8]>,
    hash: Hash,
    /// Of `info`, as the attributes have it.
    digest: &'a [u8],
    attributes: &'a [u8],
    signature: &'a [u8],
}

impl<'a> Token<'a> {
    /// Reads a `TimeStampResp` whose token one signer signed.
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let answer = der::sequence(bytes)?;
        let status = der::sequence(answer.first()?.whole)?;
        let status = status.first().filter(|status| status.tag == der::INTEGER)?;
        // Granted, or granted with changes.
        if !matches!(status.value, [0 | 1]) {
            return None;
        }
        let content = der::sequence(answer.get(1)?.whole)?;
        let [kind, data] = content.as_slice() else {
            return None;
        };
        if (kind.tag, kind.value, data.tag) != (der::OID, SIGNED_DATA, CONTEXT) {
            return None;
        }
        let data = der::sequence(data.value)?;
        let [_, _, encapsulated, more @ .., signers] = data.as_slice() else {
            return None;
        };
        let encapsulated = der::sequence(encapsulated.whole)?;
        let [kind, info] = encapsulated.as_slice() else {
            return None;
        };
        if (kind.tag, kind.value, info.tag) != (der::OID, TIMESTAMP, CONTEXT) {
            return None;
        }
        let given = more.iter().find(|one| one.tag == CONTEXT);
        let given = match given {
            Some(given) => der::all(given.value)?,
            None => Vec::new(),
        };
        let signers = der::all(der::only(signers.whole, der::SET)?)?;
        let [signer] = signers.as_slice() else {
            return None;
        };
        let signer = der::sequence(signer.whole)?;
        let [_, _, algorithm, attributes, _, signature, ..] = signer.as_slice() else {
            return None;
        };
        if (attributes.tag, signature.tag) != (CONTEXT, der::OCTET_STRING) {
            return None;
        }
        let kind = der::only(attribute(attributes.value, CONTENT_TYPE)?, der::OID)?;
        Some(Self {
            info: der::only(info.value, der::OCTET_STRING)?,
            certificates: given.iter().map(|one| one.whole).collect(),
            hash: hash(*algorithm)?,
            digest: der::only(
                attribute(attributes.value, MESSAGE_DIGEST)?,
                der::OCTET_STRING,
            )?,
            attributes: attributes.value,
            signature: signature.value,
        })
        .filter(|_| kind == TIMESTAMP)
    }
}

/// The one value of an attribute that is there once.
fn attribute<'a>(attributes: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let mut found = None;
    for one in der::all(attributes)? {
        let parts = der::sequence(one.whole)?;
        let [known, values] = parts.as_slice() else {
            return None;
        };
        if known.value == name && found.replace(der::only(values.whole, der::SET)?).is_some() {
            return None;
        }
    }
    found
}

/// Time, hash and digest of a `TSTInfo`.
fn info(bytes: &[u8]) -> Option<(u64, Hash, &[u8])> {
    let parts = der::sequence(bytes)?;
    let [_, _, imprint, _, time, ..] = parts.as_slice() else {
        return None;
    };
    let imprint = der::sequence(imprint.whole)?;
    let [algorithm, value] = imprint.as_slice() else {
        return None;
    };
    let time = Some(time).filter(|time| time.tag == der::GENERALIZED_TIME)?;
    Some((seconds(time.value)?, hash(*algorithm)?, value.value))
}

fn hash(algorithm: Element<'_>) -> Option<Hash> {
    match der::sequence(algorithm.whole)?.first()?.value {
        SHA256 => Some(Hash::Sha256),
        SHA384 => Some(Hash::Sha384),
        SHA512 => Some(Hash::Sha512),
        _ => None,
    }
}

fn digest(hash: Hash, bytes: &[u8]) -> Vec<u8> {
    let algorithm = match hash {
        Hash::Sha256 => &digest::SHA256,
        Hash::Sha384 => &digest::SHA384,
        Hash::Sha512 => &digest::SHA512,
    };
    digest::digest(algorithm, bytes).as_ref().to_owned()
}

/// A time such as `20261130135813Z`, with or without a fraction.
fn seconds(text: &[u8]) -> Option<u64> {
    let text = str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() != 14 || !digits(whole) || fraction.is_empty() || !digits(fraction) {
        return None;
    }
    let [year, month, day, hour, minute, second] =
        [0..4, 4..6, 6..8, 8..10, 10..12, 12..14].map(|range| &whole[range]);
    let text = format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z");
    let time = humantime::parse_rfc3339(&text).ok()?;
    time.duration_since(UNIX_EPOCH)
        .ok()
        .map(|since| since.as_secs())
}

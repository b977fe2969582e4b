//! Whom signatures are believed by: authorities of certificates, logs, and authorities of timestamps, each with the
//! time in which it is believed. Sigstore's `trusted_root.json`.

use std::time::{Duration, UNIX_EPOCH};

use serde::Deserialize;

use crate::key::PublicKey;
use crate::wire::Bytes;

/// Sigstore's public instance, as its TUF repository had it in November 2026. Nothing is fetched: a newer one is a
/// file.
const PUBLIC: &str = include_str!("trusted_root.json");
const KIND: &str = "application/vnd.dev.sigstore.trustedroot";
/// The most entries of one kind.
const MOST: usize = 64;

/// Whom keyless signatures are believed by.
#[derive(Clone, Debug)]
pub struct TrustedRoot {
    pub(crate) authorities: Vec<Authority>,
    pub(crate) logs: Vec<Log>,
    pub(crate) certificate_logs: Vec<Log>,
    pub(crate) timestamps: Vec<Authority>,
}

/// An authority: certificates, the root's last.
#[derive(Clone, Debug)]
pub(crate) struct Authority {
    pub(crate) chain: Vec<Vec<u8>>,
    pub(crate) period: Period,
}

/// A log and its key.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    pub(crate) id: Vec<u8>,
    pub(crate) key: PublicKey,
    pub(crate) period: Period,
}

/// A time in seconds since 1970, its ends included.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Period {
    start: u64,
    end: u64,
}

/// Why a text is no trusted root.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum TrustedRootError {
    #[error("it is no trusted root of Sigstore ({KIND}): {0}")]
    Shape(String),
    #[error("it has no {0}, and no signature could be verified with it")]
    Lacks(&'static str),
    #[error("it has a chain of no certificate, or of more than 8")]
    Chain,
}

impl Period {
    pub(crate) fn contains(self, at: u64) -> bool {
        (self.start..=self.end).contains(&at)
    }
}

/// A time for people.
pub(crate) fn date(seconds: u64) -> String {
    // Beyond the year 9999 there is no such text.
    let seconds = seconds.min(253_402_300_799);
    humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_secs(seconds)).to_string()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    media_type: String,
    #[serde(default)]
    tlogs: Vec<WrittenLog>,
    #[serde(default)]
    certificate_authorities: Vec<WrittenAuthority>,
    #[serde(default)]
    ctlogs: Vec<WrittenLog>,
    #[serde(default)]
    timestamp_authorities: Vec<WrittenAuthority>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WrittenLog {
    public_key: WrittenKey,
    log_id: WrittenId,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WrittenKey {
    raw_bytes: Bytes,
    valid_for: Option<WrittenPeriod>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WrittenId {
    key_id: Bytes,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WrittenAuthority {
    cert_chain: WrittenChain,
    valid_for: Option<WrittenPeriod>,
}

#[derive(Deserialize)]
struct WrittenChain {
    certificates: Vec<WrittenCertificate>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WrittenCertificate {
    raw_bytes: Bytes,
}

#[derive(Deserialize)]
struct WrittenPeriod {
    start: Option<String>,
    end: Option<String>,
}

impl TrustedRoot {
    /// Sigstore's public instance.
    ///
    /// # Errors
    ///
    /// None, or the program was built with another file.
    pub fn public() -> Result<Self, TrustedRootError> {
        Self::parse(PUBLIC)
    }

    /// Reads a trusted root.
    ///
    /// # Errors
    ///
    /// The text is none, or lacks what a signature needs: an authority of certificates, a log of them, and a
    /// transparency log.
    pub fn parse(text: &str) -> Result<Self, TrustedRootError> {
        let written: Written = serde_json::from_str(text)
            .map_err(|error| TrustedRootError::Shape(error.to_string()))?;
        if !written.media_type.starts_with(KIND) {
            return Err(TrustedRootError::Shape(format!(
                "its `mediaType` is {:?}",
                written.media_type.chars().take(80).collect::<String>()
            )));
        }
        let most = [
            written.tlogs.len(),
            written.ctlogs.len(),
            written.certificate_authorities.len(),
            written.timestamp_authorities.len(),
        ];
        if most.iter().any(|&number| number > MOST) {
            let why = format!("it has more than {MOST} entries of a kind");
            return Err(TrustedRootError::Shape(why));
        }
        let root = Self {
            authorities: authorities(written.certificate_authorities)?,
            logs: logs(written.tlogs)?,
            certificate_logs: logs(written.ctlogs)?,
            timestamps: authorities(written.timestamp_authorities)?,
        };
        for (lacks, what) in [
            (root.authorities.is_empty(), "`certificateAuthorities`"),
            (root.logs.is_empty(), "`tlogs`"),
            (root.certificate_logs.is_empty(), "`ctlogs`"),
        ] {
            if lacks {
                return Err(TrustedRootError::Lacks(what));
            }
        }
        Ok(root)
    }
}

/// The logs whose keys are of a kind that is used: what no key here can have signed, no other is believed for.
fn logs(written: Vec<WrittenLog>) -> Result<Vec<Log>, TrustedRootError> {
    let mut logs = Vec::new();
    for log in written {
        let period = period(log.public_key.valid_for.as_ref())?;
        if let Some(key) = PublicKey::from_spki(&log.public_key.raw_bytes.0) {
            logs.push(Log {
                id: log.log_id.key_id.0,
                key,
                period,
            });
        }
    }
    Ok(logs)
}

fn authorities(written: Vec<WrittenAuthority>) -> Result<Vec<Authority>, TrustedRootError> {
    let authority = |authority: WrittenAuthority| {
        let chain = authority.cert_chain.certificates;
        let chain: Vec<Vec<u8>> = chain.into_iter().map(|one| one.raw_bytes.0).collect();
        if chain.is_empty() || chain.len() > 8 {
            return Err(TrustedRootError::Chain);
        }
        Ok(Authority {
            chain,
            period: period(authority.valid_for.as_ref())?,
        })
    };
    written.into_iter().map(authority).collect()
}

fn period(written: Option<&WrittenPeriod>) -> Result<Period, TrustedRootError> {
    let read = |text: &Option<String>, else_: u64| match text {
        None => Ok(else_),
        Some(text) => humantime::parse_rfc3339(text)
            .ok()
            .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
            .map(|since| since.as_secs())
            .ok_or_else(|| TrustedRootError::Shape(format!("{text:?} is no time"))),
    };
    Ok(Period {
        start: read(&written.and_then(|one| one.start.clone()), 0)?,
        end: read(&written.and_then(|one| one.end.clone()), u64::MAX)?,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_public_root_is_read_and_a_lesser_one_is_none() {
        TrustedRoot::public().unwrap();
        for (from, to, words) in [
            ("\"tlogs\"", "\"others\"", "it has no `tlogs`"),
            ("\"ctlogs\"", "\"others\"", "it has no `ctlogs`"),
            (
                "\"certificateAuthorities\"",
                "\"others\"",
                "`certificateAuthorities`",
            ),
            ("trustedroot+json", "bundle+json", "no trusted root"),
            (
                "\"rawBytes\": \"MFkw",
                "\"rawBytes\": \"MFkx",
                "it has no `ctlogs`",
            ),
            ("2021-01-12T", "yesterday", "is no time"),
        ] {
            assert!(PUBLIC.contains(from), "{from}");
            let said = TrustedRoot::parse(&PUBLIC.replace(from, to))
                .unwrap_err()
                .to_string();
            assert!(said.contains(words), "{words:?} is not in {said}");
        }
        assert!(TrustedRoot::parse("").is_err());
    }
}

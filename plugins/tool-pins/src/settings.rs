//! The settings.

use list_kind::Kind;
use sandgate_sdk::Issues;

use crate::canonical::Digest;
use crate::lock::{self, Lock};

/// The settings, as `plugin.toml` describes them.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Settings {
    pub(crate) lock: Option<String>,
    pub(crate) unlisted: Unlisted,
    pub(crate) harmless: Harmless,
    pub(crate) dangerous: Dangerous,
    pub(crate) approve: Vec<String>,
    pub(crate) ignore: Vec<String>,
    pub(crate) kinds: Vec<Kind>,
}

/// What happens to a tool that is not in the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Unlisted {
    Quarantine,
    FirstUse,
}

/// What happens to a tool that changed harmlessly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Harmless {
    Accept,
    Record,
    Quarantine,
}

/// What happens to a tool that changed dangerously.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Dangerous {
    Quarantine,
    Record,
}

/// An approved definition.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Approval {
    /// `SERVER/NAME`.
    pub(crate) target: String,
    pub(crate) digest: Digest,
}

/// The settings as they are applied.
pub(crate) struct Checked {
    pub(crate) lock: Option<Lock>,
    pub(crate) approvals: Vec<Approval>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            lock: None,
            unlisted: Unlisted::Quarantine,
            harmless: Harmless::Accept,
            dangerous: Dangerous::Quarantine,
            approve: Vec::new(),
            ignore: Vec::new(),
            kinds: vec![Kind::Tools],
        }
    }
}

impl Settings {
    /// The lock and the approvals. The error lists everything that is wrong.
    pub(crate) fn checked(&self) -> Result<Checked, Issues> {
        let mut issues = Issues::new();
        let lock = self.lock.as_ref().and_then(|text| match lock::read(text) {
            Ok(lock) => Some(lock),
            Err(error) => {
                issues.add("/lock", error.to_string());
                None
            }
        });
        let mut approvals = Vec::new();
        for (n, text) in self.approve.iter().enumerate() {
            match approval(text) {
                Some(approval) => approvals.push(approval),
                None => issues.add(
                    format!("/approve/{n}"),
                    format!("{text:?} is not SERVER/NAME@sha256: with 64 hexadecimal digits; `sandgate why` prints the entry"),
                ),
            }
        }
        for (n, glob) in self.ignore.iter().enumerate() {
            match glob.split_once('/') {
                Some((server, name)) if !server.is_empty() && !name.is_empty() => {
                    if glob.chars().all(|c| matches!(c, '*' | '?' | '/')) {
                        issues.add(
                            format!("/ignore/{n}"),
                            "would leave nothing pinned; remove the interceptor instead",
                        );
                    }
                }
                _ => issues.add(
                    format!("/ignore/{n}"),
                    format!("{glob:?} is not SERVER/NAME; for all of a server: \"SERVER/*\""),
                ),
            }
        }
        if self.kinds.is_empty() {
            issues.add(
                "/kinds",
                "empty: nothing would be pinned; leave it out for tools",
            );
        }
        issues.or(Checked { lock, approvals })
    }
}

fn approval(text: &str) -> Option<Approval> {
    let (target, digest) = text.rsplit_once('@')?;
    let (server, name) = target.split_once('/')?;
    (!server.is_empty() && !name.is_empty()).then_some(Approval {
        target: target.into(),
        digest: Digest::parse(digest)?,
    })
}

//! A line of the call log, as far as a story needs it. Unknown members are ignored, so that an older program reads a
//! newer log.

use sandgate_message::Explanation;
use serde::Deserialize;
use serde_json::value::RawValue;

/// The record of a call's forwarding or of its end.
#[derive(Debug, Deserialize)]
#[allow(missing_docs)]
pub(super) struct Record {
    pub record: Kind,
    pub time: String,
    pub id: String,
    pub era: String,
    #[serde(default)]
    pub client: Option<Client>,
    #[serde(default)]
    pub principal: Option<String>,
    #[serde(default)]
    pub issuer: Option<String>,
    #[serde(default)]
    pub session: Option<String>,
    pub direction: String,
    pub server: String,
    pub method: String,
    #[serde(default)]
    pub target: Option<String>,
    #[serde(default)]
    pub decision: Option<String>,
    #[serde(default)]
    pub failed: bool,
    pub request_bytes: u64,
    #[serde(default)]
    pub reply_bytes: Option<u64>,
    #[serde(default)]
    pub us: Option<u64>,
    #[serde(default)]
    pub server_us: Option<u64>,
    #[serde(default)]
    pub refused_by: Option<RefusedBy>,
    #[serde(default)]
    pub trail: Trail,
    #[serde(default)]
    pub params: Option<Box<RawValue>>,
    #[serde(default)]
    pub reply: Option<Box<RawValue>>,
    #[serde(default)]
    pub too_large: bool,
}

/// The gateway's own rule that refused the call.
#[derive(Debug, Deserialize)]
#[allow(missing_docs)]
pub(super) struct RefusedBy {
    pub code: String,
    #[serde(default)]
    pub view: Option<String>,
    #[serde(default)]
    pub pattern: Option<String>,
    #[serde(default)]
    pub stopped: Option<String>,
    #[serde(default)]
    pub why: Option<String>,
}

/// The kind of record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub(super) enum Kind {
    Forwarded,
    Ended,
}

/// A client as it describes itself.
#[derive(Debug, Deserialize)]
#[allow(missing_docs)]
pub(super) struct Client {
    pub name: String,
    #[serde(default)]
    pub version: Option<String>,
}

/// The hook runs of a call.
#[derive(Debug, Default, Deserialize)]
#[allow(missing_docs)]
pub(super) struct Trail {
    pub version: u64,
    pub entries: Vec<Entry>,
}

/// A hook run.
#[derive(Debug, Deserialize)]
#[allow(missing_docs)]
pub(super) struct Entry {
    pub interceptor: String,
    pub digest: String,
    pub hook: String,
    pub mode: String,
    pub decision: String,
    pub applied: bool,
    #[serde(default)]
    pub code: Option<String>,
    #[serde(default)]
    pub pointer: Option<String>,
    #[serde(default)]
    pub explanation: Option<Explanation>,
    #[serde(default)]
    pub failure: Option<String>,
    #[serde(default)]
    pub fault: Option<Malfunction>,
    #[serde(default)]
    pub findings: Vec<Noticed>,
    pub us: u64,
}

/// The details of a run's own failure.
#[derive(Debug, Deserialize)]
#[allow(missing_docs)]
pub(super) struct Malfunction {
    pub kind: String,
    #[serde(default)]
    pub frames: Vec<String>,
}

/// A finding of a run.
#[derive(Debug, Deserialize)]
#[allow(missing_docs)]
pub(super) struct Noticed {
    pub rule: String,
    pub severity: String,
    pub part: String,
    #[serde(default)]
    pub pointer: Option<String>,
    pub message: String,
    #[serde(default)]
    pub details: Option<Box<RawValue>>,
}

//! A record of a call, read from the call log. Unknown members are ignored, so that an older program reads a newer log.

use sandgate_message::Explanation;
use serde::Deserialize;
use serde_json::value::RawValue;

/// The record of a call's forwarding or of its end.
#[derive(Debug, Deserialize)]
#[allow(missing_docs)]
pub struct Record {
    pub record: Kind,
    #[serde(default)]
    pub time: String,
    #[serde(default)]
    pub id: String,
    #[serde(default)]
    pub era: String,
    #[serde(default)]
    pub client: Option<Client>,
    #[serde(default)]
    pub principal: Option<String>,
    #[serde(default)]
    pub issuer: Option<String>,
    #[serde(default)]
    pub session: Option<String>,
    #[serde(default)]
    pub direction: String,
    #[serde(default)]
    pub server: String,
    #[serde(default)]
    pub method: String,
    #[serde(default)]
    pub target: Option<String>,
    #[serde(default)]
    pub decision: Option<String>,
    #[serde(default)]
    pub failed: bool,
    #[serde(default)]
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
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
#[allow(missing_docs)]
pub struct RefusedBy {
    pub code: String,
    pub view: Option<String>,
    pub pattern: Option<String>,
    pub stopped: Option<String>,
    pub why: Option<String>,
}

/// The kind of record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Kind {
    Forwarded,
    Ended,
}

/// A client as it describes itself.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
#[allow(missing_docs)]
pub struct Client {
    pub name: String,
    pub version: Option<String>,
}

/// The hook runs of a call.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
#[allow(missing_docs)]
pub struct Trail {
    pub version: u64,
    pub entries: Vec<Entry>,
}

/// A hook run.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
#[allow(missing_docs)]
pub struct Entry {
    pub interceptor: String,
    pub digest: String,
    pub hook: String,
    pub mode: String,
    pub decision: String,
    pub applied: bool,
    pub code: Option<String>,
    pub pointer: Option<String>,
    pub explanation: Option<Explanation>,
    pub failure: Option<String>,
    pub fault: Option<Malfunction>,
    pub findings: Vec<Noticed>,
    pub us: u64,
}

/// The details of a run's own failure.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
#[allow(missing_docs)]
pub struct Malfunction {
    pub kind: String,
    pub frames: Vec<String>,
}

/// A finding of a run.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
#[allow(missing_docs)]
pub struct Noticed {
    pub rule: String,
    pub severity: String,
    pub part: String,
    pub pointer: Option<String>,
    pub message: String,
    pub details: Option<Box<RawValue>>,
}

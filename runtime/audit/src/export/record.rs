//! A record of the call log, as far as other systems have words for it.

use std::time::SystemTime;

use serde::Deserialize;
use serde_json::Value;

/// What the call log says of one call.
#[derive(Clone, Debug, Deserialize)]
pub struct CallRecord {
    record: String,
    /// The number of the line in the log. `None`: the log has no chain.
    pub seq: Option<u64>,
    /// RFC 3339.
    pub time: String,
    /// The call's id.
    pub id: String,
    /// The era of the protocol: `legacy` or `modern`.
    pub era: String,
    /// The client's program, as it says itself.
    pub client: Option<ClientProgram>,
    /// The client by the gateway's configuration.
    pub principal: Option<String>,
    /// The session's id.
    pub session: Option<String>,
    /// Who asks whom.
    pub direction: String,
    /// The server's name.
    pub server: String,
    /// The MCP method.
    pub method: String,
    /// The tool, prompt or resource.
    pub target: Option<String>,
    decision: Option<String>,
    failed: Option<bool>,
    /// The size of the request in bytes.
    pub request_bytes: u64,
    /// The size of the reply in bytes.
    pub reply_bytes: Option<u64>,
    /// How long it took, in microseconds.
    pub us: Option<u64>,
    /// What each interceptor decided.
    #[serde(default)]
    pub trail: Value,
    /// How it ended.
    #[serde(skip)]
    pub outcome: Outcome,
}

/// A client's program.
#[derive(Clone, Debug, Deserialize)]
pub struct ClientProgram {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: Option<String>,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Outcome {
    /// The log does not say: it was forwarded, and the gateway ended before it did.
    #[default]
    Unknown,
    /// It was answered.
    Success,
    /// It was answered with an error, or could not be.
    Failure,
    /// A policy or the gateway refused it.
    Refused,
}

impl CallRecord {
    /// Reads a line. `None`: it is no record of a call.
    pub(super) fn read(text: &[u8]) -> Option<Self> {
        let mut record: Self = serde_json::from_slice(text).ok()?;
        record.outcome = match (record.record.as_str(), record.decision.as_deref()) {
            ("forwarded", _) => Outcome::Unknown,
            ("ended", Some("refused" | "overloaded")) => Outcome::Refused,
            ("ended", Some("forwarded" | "answered")) if record.failed != Some(true) => {
                Outcome::Success
            }
            ("ended", _) => Outcome::Failure,
            _ => return None,
        };
        Some(record)
    }

    /// The call log's word for how it ended. `forwarded`: it does not say.
    pub(super) fn decision(&self) -> &str {
        self.decision.as_deref().unwrap_or("forwarded")
    }

    /// Milliseconds since 1970.
    pub(super) fn milliseconds(&self) -> u64 {
        let time = humantime::parse_rfc3339_weak(&self.time).unwrap_or(SystemTime::UNIX_EPOCH);
        let since = time
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }

    /// The interceptor that refused the call, with the digest of its plugin and the code of the refusal.
    pub(super) fn refusing(&self) -> Option<(&str, &str, Option<&str>)> {
        if self.outcome != Outcome::Refused {
            return None;
        }
        let refuses = |entry: &&Value| {
            entry["applied"] == true
                && (entry["decision"] == "refuse" || entry["decision"] == "fault")
        };
        let entry = self.trail["entries"].as_array()?.iter().find(refuses)?;
        let name = entry["interceptor"].as_str()?;
        Some((name, entry["digest"].as_str()?, entry["code"].as_str()))
    }

    /// The rules of everything that interceptors noticed.
    pub(super) fn rules(&self) -> Vec<&str> {
        let entries = self.trail["entries"].as_array().into_iter().flatten();
        let findings = entries.flat_map(|entry| entry["findings"].as_array().into_iter().flatten());
        findings
            .filter_map(|finding| finding["rule"].as_str())
            .collect()
    }
}

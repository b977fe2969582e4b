//! `sandgate status`: the status of the running gateway.

mod interceptors;
mod servers;
mod state;
mod text;

use std::path::PathBuf;

use sandgate_pipeline::Mode;
use sandgate_recording::RecordingStatus;
use sandgate_telemetry::call_log::RemoteSinkStatus;
use sandgate_telemetry::conditions::ConditionStatus;
use sandgate_telemetry::logging;
use sandgate_telemetry::recent_calls::{Calls, Tally};
use sandgate_telemetry::recent_connections::EgressTally;
use serde::{Deserialize, Serialize};

use crate::candidate::CandidateStatus;
use crate::stops::StopStatus;

pub use sandgate_alerts::{AlertStatus, TestReport};

/// The status of a gateway. Times are RFC 3339, in UTC.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Status {
    /// The program's version.
    pub version: String,
    /// The process id.
    pub process: u32,
    /// The path of the configuration's file, as it was given to the gateway.
    pub config: PathBuf,
    /// When the gateway began to serve.
    pub started: String,
    /// Seconds since the start.
    pub uptime_s: u64,
    /// The edition in force.
    pub edition: EditionStatus,
    /// The last reload that was refused.
    pub failed_reload: Option<FailedReload>,
    /// Keys of the file that take effect at the next start only, for example `gateway.listen`.
    #[serde(default)]
    pub needs_restart: Vec<String>,
    /// The addresses on which clients connect.
    pub listeners: Vec<String>,
    /// The number of calls by outcome.
    pub calls: Calls,
    /// The number of open connections of clients.
    pub connections: usize,
    /// The number of open sessions of legacy clients.
    pub sessions: usize,
    /// The number of calls that have not ended yet.
    pub under_way: usize,
    /// The number of those calls that wait for their turn with the interceptors.
    #[serde(default)]
    pub waiting: usize,
    /// The status of the recording, if calls are recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recording: Option<RecordingStatus>,
    /// What the operator has stopped, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stops: Vec<StopStatus>,
    /// The gateway's conditions: what is wrong with it. Empty if nothing is.
    #[serde(default)]
    pub conditions: Vec<ConditionStatus>,
    /// The rules of alerts, in the file's order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alerts: Vec<AlertStatus>,
    /// The issuers of clients' tokens, in the file's order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub issuers: Vec<IssuerStatus>,
    /// When the certificate that clients are shown ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_until: Option<String>,
    /// The number of call records that could not be written since the start.
    #[serde(default)]
    pub unwritten_records: u64,
    /// The sinks of the call log, in the file's order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub call_log_sinks: Vec<RemoteSinkStatus>,
    /// The status of the gateway's own log.
    #[serde(default)]
    pub log: LogStatus,
    /// The interceptors, in the file's order.
    pub interceptors: Vec<InterceptorStatus>,
    /// The servers, in the order of their names.
    pub servers: Vec<ServerStatus>,
}

/// The condition of an issuer of tokens.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct IssuerStatus {
    /// The issuer's identifier.
    pub issuer: String,
    /// The number of its keys that are held; 0 where it is asked about each token.
    pub keys: usize,
    /// When it last gave its keys, or an answer. `None` if it never did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered: Option<String>,
    /// Since when it gives no usable answer. `None` if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<String>,
    /// What was wrong the last time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// The edition in force.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EditionStatus {
    /// The edition's number: 1 at the start, one more with each reload.
    pub number: u64,
    /// When the edition was published.
    pub since: String,
}

/// A reload that was refused.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FailedReload {
    /// When the reload was refused.
    pub at: String,
    /// Everything that was wrong.
    pub error: String,
    /// Whether a later reload succeeded.
    pub mended: bool,
}

/// The status of the gateway's own log.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct LogStatus {
    /// The number of lines that were lost since the start.
    pub dropped: u64,
    /// Why the log cannot be written at present. `None` if it can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing: Option<String>,
}

impl LogStatus {
    /// The status of this process's log.
    pub(crate) fn of_process() -> Self {
        logging::queue().map_or_else(Self::default, |queue| Self {
            dropped: queue.dropped(),
            failing: queue.failure(),
        })
    }
}

/// The status of an interceptor.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct InterceptorStatus {
    /// The name that the operator gave the interceptor.
    pub name: String,
    /// The plugin's own name.
    pub plugin: String,
    /// The plugin's version.
    pub plugin_version: String,
    /// The digest of the plugin's file, `sha256:…`.
    pub digest: String,
    /// The reference of a plugin of a registry, with the digest of its manifest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// By whom a plugin of a registry is signed. `None`: nobody asks for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_by: Option<String>,
    /// Bytes that the plugin takes while it does not run: its machine code, and the memory with which each instance
    /// begins. 0: not known.
    #[serde(default)]
    pub memory: u64,
    /// Whether the interceptor's decisions count.
    pub mode: Mode,
    /// Whether the interceptor's failures let calls pass.
    pub fail_open: bool,
    /// The counts of interceptors of this name since the start.
    #[serde(flatten)]
    pub tally: Tally,
    /// The candidate that is tried beside the interceptor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub candidate: Option<CandidateStatus>,
}

/// The status of a server.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ServerStatus {
    /// The server's name.
    pub name: String,
    /// The transport: `stdio` or `http`.
    pub transport: String,
    /// The server's command or URL, without arguments, query and secrets.
    pub at: String,
    /// The eras that the server is known to speak: `legacy`, `modern`.
    pub eras: Vec<String>,
    /// What the gateway's probes found: `unknown` (no probe was needed), `probing`, `up` or `down`.
    #[serde(default)]
    pub availability: String,
    /// When the server went down. `None` if it is not down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub down_since: Option<String>,
    /// Whether modern clients of `/mcp` do not see the server, because it speaks the legacy protocol only and `/mcp`
    /// serves the modern one.
    #[serde(default)]
    pub hidden_from_modern: bool,
    /// When the server began to fail without a success since. `None` if it answered last, or was never asked.
    pub failing_since: Option<String>,
    /// The last failure, however long ago.
    pub last_error: Option<LastError>,
    /// The number of the server's running processes.
    pub children: usize,
    /// The number of requests that the server has not answered yet.
    pub under_way: usize,
    /// Names of the server's tools and prompts that look the same, and are left out of its lists.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lookalikes: Vec<String>,
    /// Of a program, what held the one that was started last, as the kernel told it; or what will hold it; or that nothing
    /// does. `None` where the server is reached by HTTP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contained: Option<String>,
    /// By whom a server's image is signed: verified when the edition in force was made. `None`: nobody was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_by: Option<String>,
    /// Of a contained server that may reach hosts, which, and what became of its connections.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub egress: Option<EgressStatus>,
    /// The number of the server's messages that were dropped because they belong to nothing that it was asked.
    #[serde(default)]
    pub dropped: u64,
}

/// What a contained server may reach, and what became of its connections.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EgressStatus {
    /// The list, as the configuration writes it.
    pub hosts: Vec<String>,
    /// Until when every public host is let through. `None`: the list alone counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit_until: Option<String>,
    /// The connections that ended since the start, by what became of them.
    #[serde(flatten)]
    pub tally: EgressTally,
}

/// A failure of a server.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LastError {
    /// When the server failed.
    pub at: String,
    /// What failed.
    pub error: String,
}

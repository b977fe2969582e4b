//! `sandgate status`: how the running gateway is.

mod text;

use std::path::PathBuf;

use sandgate_pipeline::Mode;
use sandgate_recording::RecordingStatus;
use sandgate_telemetry::conditions::ConditionStatus;
use sandgate_telemetry::logging;
use sandgate_telemetry::recent_calls::{Calls, Tally};
use serde::{Deserialize, Serialize};

use crate::candidate::CandidateStatus;

/// How a gateway is. Times are RFC 3339, in UTC.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Status {
    /// Of the program.
    pub version: String,
    /// Its number.
    pub process: u32,
    /// The configuration's file, as the gateway was given it.
    pub config: PathBuf,
    /// When it began to serve.
    pub started: String,
    /// Seconds since then.
    pub uptime_s: u64,
    /// What is in force.
    pub edition: EditionStatus,
    /// The last change that was refused.
    pub failed_reload: Option<FailedReload>,
    /// Keys of the file that are in force at the next start only, for example `gateway.listen`.
    #[serde(default)]
    pub needs_restart: Vec<String>,
    /// Where clients come in.
    pub listeners: Vec<String>,
    /// What became of calls.
    pub calls: Calls,
    /// Connections of clients that are open.
    pub connections: usize,
    /// Sessions of legacy clients that are open.
    pub sessions: usize,
    /// Calls that have not ended yet.
    pub under_way: usize,
    /// Of those: wait for their turn with the interceptors.
    #[serde(default)]
    pub waiting: usize,
    /// What is recorded, where calls are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recording: Option<RecordingStatus>,
    /// What is wrong with the gateway itself; empty where nothing is.
    #[serde(default)]
    pub conditions: Vec<ConditionStatus>,
    /// When the certificate that clients are shown ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_until: Option<String>,
    /// Records of calls that could not be written since the start.
    #[serde(default)]
    pub unwritten_records: u64,
    /// The gateway's own log.
    #[serde(default)]
    pub log: LogStatus,
    /// In the file's order.
    pub interceptors: Vec<InterceptorStatus>,
    /// In the order of their names.
    pub servers: Vec<ServerStatus>,
}

/// What is in force.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EditionStatus {
    /// 1 at the start, one more with each reload.
    pub number: u64,
    /// Since when.
    pub since: String,
}

/// A change that was refused.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FailedReload {
    /// When.
    pub at: String,
    /// All that was wrong.
    pub error: String,
    /// A good change came after it.
    pub mended: bool,
}

/// How the gateway's own log is.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct LogStatus {
    /// Lines that were lost since the start.
    pub dropped: u64,
    /// Why it cannot be written at present.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing: Option<String>,
}

impl LogStatus {
    /// Of this process.
    pub(crate) fn of_process() -> Self {
        logging::queue().map_or_else(Self::default, |queue| Self {
            dropped: queue.dropped(),
            failing: queue.failure(),
        })
    }
}

/// An interceptor.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct InterceptorStatus {
    /// The name the operator gave it.
    pub name: String,
    /// Its plugin's own name.
    pub plugin: String,
    /// Its plugin's version.
    pub plugin_version: String,
    /// `sha256:…` of the plugin's file.
    pub digest: String,
    /// Whether its decisions count.
    pub mode: Mode,
    /// Its failures let calls pass.
    pub fail_open: bool,
    /// What an interceptor of that name did since the start.
    #[serde(flatten)]
    pub tally: Tally,
    /// What is tried beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub candidate: Option<CandidateStatus>,
}

/// A server.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ServerStatus {
    /// Its name.
    pub name: String,
    /// `stdio` or `http`.
    pub transport: String,
    /// Its command or URL, without arguments, query and secrets.
    pub at: String,
    /// Eras that it is known to speak: `legacy`, `modern`.
    pub eras: Vec<String>,
    /// What the gateway's probes found: `unknown` (no probe was needed), `probing`, `up` or `down`.
    #[serde(default)]
    pub availability: String,
    /// Since when it is down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub down_since: Option<String>,
    /// Modern clients of `/mcp` do not see it: it speaks the legacy protocol only, and they came first.
    #[serde(default)]
    pub hidden_from_modern: bool,
    /// Since when it has let the gateway down each time.
    pub failing_since: Option<String>,
    /// What failed last, however long ago.
    pub last_error: Option<LastError>,
    /// Processes of it that run.
    pub children: usize,
    /// Requests that it has not answered yet.
    pub under_way: usize,
    /// Names of its tools and prompts that look the same, and are left out of its lists.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lookalikes: Vec<String>,
    /// What it sent that was dropped: it belongs to nothing that the server was asked.
    #[serde(default)]
    pub dropped: u64,
}

/// What failed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LastError {
    /// When.
    pub at: String,
    /// What.
    pub error: String,
}

/// Enough of a digest to tell one from another.
pub fn short(digest: &str) -> String {
    digest.chars().take("sha256:".len() + 12).collect()
}

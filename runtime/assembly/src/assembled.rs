//! An edition that is ready to be published.

use std::collections::BTreeMap;

use sandgate_config::{Issue, Loaded, Receiver, ResolvedSink, Secret};
use sandgate_gateway::{Edition, Identity};
use zeroize::Zeroizing;

use crate::{authorization, candidates, plugins, servers};

/// An edition ready to be published, with its warnings.
pub struct Assembled {
    /// The edition: chain and servers.
    pub edition: Edition,
    /// Warnings about what is probably a mistake, and notes.
    pub warnings: Vec<Issue>,
    /// The certificate that the gateway shows its clients.
    pub identity: Option<Identity>,
    /// Values that the gateway brings to servers and plugins, none of which may be among the kept words. Empty unless
    /// words are kept.
    pub managed: Vec<Zeroizing<String>>,
    /// The headers of requests to the collector.
    pub otlp_headers: Vec<(String, Secret)>,
    /// The sinks of the call log, in the file's order.
    pub call_log_sinks: Vec<ResolvedSink>,
    /// What tells each value of the servers' secrets from another one, by `SERVER/NAME`.
    pub secrets: BTreeMap<String, u64>,
    /// The receivers of alerts, in the file's order.
    pub alerts: Vec<Receiver>,
    pub(crate) plugins: plugins::PreparedPlugins,
    pub(crate) servers: servers::KnownServers,
    pub(crate) candidates: candidates::HeldCandidates,
    pub(crate) issuers: authorization::Issuers,
}

impl Assembled {
    /// Logs the warnings and notes to the gateway's own log.
    pub fn log(&self, loaded: &Loaded) {
        for issue in &self.warnings {
            let text = loaded.report(vec![issue.clone()]).render(false);
            match issue.severity {
                sandgate_config::Severity::Note => tracing::info!("{}", text.trim_end()),
                sandgate_config::Severity::Warning | sandgate_config::Severity::Error => {
                    tracing::warn!("{}", text.trim_end())
                }
            }
        }
    }
}

//! Conditions: what is wrong with the gateway itself, as `status`, `/readyz` and metrics show it. A failing server is
//! not a condition: the other servers are still served, and only calls tell the gateway that the server works again.

use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use sandgate_config::{ConditionName, Config};
use sandgate_gateway::{Condition, Conditions, Gateway};
use sandgate_text::time;
use serde::{Deserialize, Serialize};

use crate::call_log::{CallLogWriter, RemoteSinkFigures};
use crate::logging;

/// A certificate counts as expiring this long before its end: time enough to get another one.
const EXPIRING: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// How often the certificate's end is checked.
const LOOK: Duration = Duration::from_secs(60);
/// How often a call log that cannot be written is retried.
const RETRY: Duration = Duration::from_secs(1);

/// The conditions of one gateway.
pub struct GatewayConditions {
    gateway: Weak<Gateway>,
    call_log: Arc<CallLogWriter>,
    /// Returns why the interceptors' state cannot be written, if it cannot.
    state: Box<dyn Fn() -> Option<String> + Send + Sync>,
    /// The conditions that make `/readyz` answer 503.
    unready: ArcSwap<Vec<ConditionName>>,
}

/// A condition, as operators see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConditionStatus {
    /// The condition's name in `[gateway] not-ready-when`.
    pub condition: String,
    /// What is wrong.
    pub detail: String,
    /// Whether the condition makes `/readyz` answer 503.
    pub unready: bool,
}

impl GatewayConditions {
    /// The conditions of this gateway and its logs. `state` returns why the interceptors' state cannot be written, if
    /// it cannot.
    pub fn new(
        gateway: &Arc<Gateway>,
        call_log: Arc<CallLogWriter>,
        state: impl Fn() -> Option<String> + Send + Sync + 'static,
        config: &Config,
    ) -> Arc<Self> {
        Arc::new(Self {
            gateway: Arc::downgrade(gateway),
            call_log,
            state: Box::new(state),
            unready: ArcSwap::from_pointee(config.not_ready_when()),
        })
    }

    /// Takes over the settings of another configuration.
    pub fn adopt(&self, config: &Config) {
        self.unready.store(Arc::new(config.not_ready_when()));
    }

    /// The conditions that hold, in words.
    pub fn status(&self) -> Vec<ConditionStatus> {
        let unready = self.unready.load();
        let all = ConditionName::ALL.iter().filter_map(|name| {
            Some(ConditionStatus {
                condition: name.as_str().to_owned(),
                detail: self.detail(*name)?,
                unready: unready.contains(name),
            })
        });
        all.collect()
    }

    /// Every condition, and whether it holds.
    pub fn each(&self) -> impl Iterator<Item = (&'static str, bool)> {
        let all = ConditionName::ALL.iter();
        all.map(|name| (name.as_str(), self.detail(*name).is_some()))
    }

    /// The number of call records that could not be written.
    pub fn unwritten(&self) -> u64 {
        self.call_log.unwritten()
    }

    /// What became of records, by sink of the call log.
    pub fn sinks(&self) -> Vec<RemoteSinkFigures> {
        self.call_log.sink_figures()
    }

    /// When the certificate that clients are shown ends.
    pub fn certificate_until(&self) -> Option<SystemTime> {
        self.gateway.upgrade()?.certificate_until()
    }

    /// What is wrong. `None` if the condition does not hold.
    fn detail(&self, name: ConditionName) -> Option<String> {
        let left = |until: SystemTime| until.duration_since(SystemTime::now());
        match name {
            ConditionName::CallLog => {
                let Some(failure) = self.call_log.failure() else {
                    let (sink, why) = self.call_log.full_sink()?;
                    return Some(format!("no more records can wait for {sink}: {why}"));
                };
                let (count, since) = (failure.count, time(failure.since));
                let why = failure.why;
                Some(format!(
                    "cannot be written: {why}; {count} records lost since {since}"
                ))
            }
            ConditionName::Audit => {
                let (since, why) = self.call_log.auditor()?.failure()?;
                Some(format!(
                    "no checkpoint is kept since {}: {why}",
                    time(since)
                ))
            }
            ConditionName::CertificateExpiring => {
                let until = self.certificate_until()?;
                let soon = left(until).ok().filter(|left| *left < EXPIRING)?;
                let days = soon.as_secs() / (24 * 60 * 60);
                Some(format!("ends in {days} days, at {}", time(until)))
            }
            ConditionName::CertificateExpired => {
                let until = self.certificate_until()?;
                left(until)
                    .is_err()
                    .then(|| format!("ended at {}", time(until)))
            }
            ConditionName::State => (self.state)(),
            ConditionName::Log => {
                let why = logging::queue()?.failure()?;
                Some(format!("cannot be written: {why}"))
            }
            ConditionName::Reload => self.gateway.upgrade()?.status().reload_error(),
        }
    }

    /// Retries a call log that cannot be written, forgets matched words that are too old, and warns of a certificate
    /// that ends. Never returns.
    pub async fn watch(&self) {
        let mut warned = None;
        let mut looked: Option<tokio::time::Instant> = None;
        loop {
            self.call_log.retry();
            self.call_log.matched_values().forget();
            if looked.is_none_or(|at| at.elapsed() >= LOOK) {
                looked = Some(tokio::time::Instant::now());
                let certificate = [
                    ConditionName::CertificateExpired,
                    ConditionName::CertificateExpiring,
                ];
                let found = certificate
                    .into_iter()
                    .find_map(|name| Some((name, self.detail(name)?)));
                if let Some((name, detail)) = &found
                    && warned != Some(*name)
                {
                    tracing::warn!("the certificate that clients are shown {detail}");
                }
                warned = found.map(|(name, _)| name);
            }
            tokio::time::sleep(RETRY).await;
        }
    }
}

impl Conditions for GatewayConditions {
    fn current(&self) -> Vec<Condition> {
        let unready = self.unready.load();
        let all = ConditionName::ALL.iter();
        all.filter(|name| self.detail(**name).is_some())
            .map(|name| Condition {
                name: name.as_str(),
                unready: unready.contains(name),
            })
            .collect()
    }
}

//! What Prometheus reads: counters of calls, decisions, faults and reloads, how long things take, and how much there is.
//!
//! Counting is a few atomic additions on counters that were found by name; nothing is allocated and nothing locked.

mod exposition;
mod histogram;
mod listener;
mod meters;
mod page;

use std::collections::HashMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock, Weak};

use arc_swap::ArcSwap;
use sandgate_config::Config;
use sandgate_gateway::{CallTimings, Ended, Gateway};

pub use self::listener::{bind, serve};
use self::meters::{InterceptorMeters, ServerMeters, one_more};
pub(crate) use self::meters::{method_label, mode_label, outcome_label};
use crate::conditions::GatewayConditions;
use crate::traces::SpanCounts;

/// Everything that is counted.
#[derive(Default)]
pub struct Metrics {
    table: ArcSwap<Table>,
    applied: AtomicU64,
    refused: AtomicU64,
    /// Whom to ask how much there is. It has us too: neither may keep the other.
    gateway: OnceLock<Weak<Gateway>>,
    /// What is wrong with it.
    conditions: OnceLock<Arc<GatewayConditions>>,
    /// What became of spans, where there are any.
    spans: OnceLock<Arc<SpanCounts>>,
}

/// The counters by name. Names come from configurations alone; those of earlier ones stay, since a counter only rises.
#[derive(Clone, Default)]
struct Table {
    servers: HashMap<String, Arc<ServerMeters>>,
    interceptors: HashMap<String, Arc<InterceptorMeters>>,
}

impl Metrics {
    /// Counters for whatever a configuration names. To be called before any call can meet it.
    pub fn adopt(&self, config: &Config) {
        let mut table = Table::clone(&self.table.load());
        for name in config.servers.keys() {
            let fresh = || Arc::new(ServerMeters::new());
            table.servers.entry(name.clone()).or_insert_with(fresh);
        }
        for interceptor in &config.interceptors {
            let fresh = || Arc::new(InterceptorMeters::new());
            let name = interceptor.name.clone();
            table.interceptors.entry(name).or_insert_with(fresh);
        }
        self.table.store(Arc::new(table));
    }

    /// A change of configuration is in force, or was refused.
    pub fn reloaded(&self, applied: bool) {
        one_more(if applied {
            &self.applied
        } else {
            &self.refused
        });
    }

    /// A call has ended.
    pub fn ended(&self, record: &Ended<'_>, timings: &CallTimings<'_>) {
        let table = self.table.load();
        if let Some(meters) = table.servers.get(&*record.call.server) {
            meters.ended(record, timings);
        }
        for entry in &record.trail.entries {
            if let Some(meters) = table.interceptors.get(&*entry.interceptor) {
                meters.ran(entry);
            }
        }
    }

    /// Whom to ask how much there is. The first counts.
    pub fn ask(&self, gateway: &Arc<Gateway>) {
        let _ = self.gateway.set(Arc::downgrade(gateway));
    }

    /// Whom to ask what is wrong. The first counts.
    pub fn watch_conditions(&self, conditions: Arc<GatewayConditions>) {
        let _ = self.conditions.set(conditions);
    }

    /// Spans are sent, and this counts what becomes of them. The first counts.
    pub fn count_spans(&self, told: Arc<SpanCounts>) {
        let _ = self.spans.set(told);
    }
}

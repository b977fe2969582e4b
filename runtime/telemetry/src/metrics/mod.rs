//! Metrics for Prometheus: counters of calls, decisions, faults and reloads, histograms of durations, and gauges.
//!
//! Counting costs a few atomic additions on counters found by name. Nothing is allocated and nothing is locked.

mod exposition;
mod families;
mod family;
mod histogram;
mod listener;
mod meters;
mod page;

use std::collections::HashMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock, Weak};

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use sandgate_config::Config;
use sandgate_egress::Connection;
use sandgate_gateway::{CallTimings, Ended, Gateway};

pub(crate) use self::family::{Buckets, Exemplar, Family, Labels, Series};
pub use self::listener::{bind, serve};
use self::meters::{InterceptorMeters, RULES, ServerMeters, one_more};
pub(crate) use self::meters::{method_label, mode_label, outcome_label};
use crate::call_log::RecordWatcher;
use crate::conditions::GatewayConditions;
use crate::export_counts::ExportCounts;

/// All metrics of a gateway.
#[derive(Default)]
pub struct Metrics {
    table: ArcSwap<Table>,
    applied: AtomicU64,
    refused: AtomicU64,
    /// Calls that the gateway's own rules refused, by code.
    ruled: [AtomicU64; RULES.len()],
    /// The gateway whose gauges are read. It holds these metrics too, so this is a weak reference.
    gateway: OnceLock<Weak<Gateway>>,
    /// The gateway's conditions.
    conditions: OnceLock<Arc<GatewayConditions>>,
    /// What is sent to a collector, by the name and description of its counter.
    exports: Mutex<Vec<(&'static str, &'static str, Arc<ExportCounts>)>>,
    /// Who watches records, and has the figures of alerts.
    alerts: OnceLock<Arc<dyn RecordWatcher>>,
}

/// The counters by name. Names come from configurations only. Those of earlier configurations stay, since a counter
/// never falls.
#[derive(Clone, Default)]
struct Table {
    servers: HashMap<String, Arc<ServerMeters>>,
    interceptors: HashMap<String, Arc<InterceptorMeters>>,
}

impl Metrics {
    /// Makes counters for whatever a configuration names. Call it before any call can use the configuration.
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

    /// Counts a reload: `applied`, or refused.
    pub fn reloaded(&self, applied: bool) {
        one_more(if applied {
            &self.applied
        } else {
            &self.refused
        });
    }

    /// Counts a call that has ended.
    pub fn ended(&self, record: &Ended<'_>, timings: &CallTimings<'_>) {
        let table = self.table.load();
        if let Some(meters) = table.servers.get(&*record.call.server) {
            meters.ended(record, timings);
        }
        let ruled = record.refused_by.map(|rule| rule.code);
        if let Some(place) = RULES.iter().position(|code| ruled == Some(*code)) {
            one_more(&self.ruled[place]);
        }
        for entry in &record.trail.entries {
            if let Some(meters) = table.interceptors.get(&*entry.interceptor) {
                meters.ran(entry);
            }
        }
    }

    /// Counts a connection of a contained server that has ended.
    pub fn connection(&self, connection: &Connection) {
        if let Some(meters) = self.table.load().servers.get(&*connection.server) {
            meters.connection(connection);
        }
    }

    /// Sets the gateway whose gauges are read. Only the first call counts.
    pub fn ask(&self, gateway: &Arc<Gateway>) {
        let _ = self.gateway.set(Arc::downgrade(gateway));
    }

    /// Sets the gateway's conditions. Only the first call counts.
    pub fn watch_conditions(&self, conditions: Arc<GatewayConditions>) {
        let _ = self.conditions.set(conditions);
    }

    /// Sets who has the figures of alerts. Only the first call counts.
    pub fn watch_alerts(&self, watcher: Arc<dyn RecordWatcher>) {
        let _ = self.alerts.set(watcher);
    }

    /// Counts what is sent to a collector, under the name of a counter.
    pub(crate) fn count_exports(
        &self,
        name: &'static str,
        help: &'static str,
        counts: Arc<ExportCounts>,
    ) {
        self.exports.lock().push((name, help, counts));
    }
}

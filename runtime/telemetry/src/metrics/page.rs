//! The metrics page in OpenMetrics' text format.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::SystemTime;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};
use sandgate_egress::Verdict;
use sandgate_gateway::{Availability, StopKind};

use super::Metrics;
use super::meters::{DECISIONS, FAULTS, HOOKS, METHODS, MODES, OUTCOMES, RULES};
use crate::logging;

const SERVER: &str = "server";
const METHOD: &str = "mcp_method_name";
const INTERCEPTOR: &str = "interceptor";

/// An encoder of metric families.
struct Family<'a, 'b>(&'a mut DescriptorEncoder<'b>);

impl Metrics {
    /// The metrics page in OpenMetrics' text format.
    ///
    /// # Errors
    ///
    /// The page cannot be encoded. No such case is known, since it is written to memory.
    pub fn page(self: &Arc<Self>) -> Result<String, fmt::Error> {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Page(self.clone())));
        let mut page = String::new();
        text::encode(&mut page, &registry)?;
        Ok(page)
    }

    fn calls(&self, family: &mut Family<'_, '_>) -> fmt::Result {
        let table = self.table.load();
        let servers: BTreeMap<_, _> = table.servers.iter().collect();
        let methods = || {
            let of = servers.iter();
            of.flat_map(|(name, meters)| {
                let methods = METHODS.iter().zip(&meters.methods);
                methods.map(move |(method, meters)| {
                    ([(SERVER, name.as_str()), (METHOD, method)], meters)
                })
            })
        };
        let help = "Requests and notifications, by what became of them";
        let mut calls = family.begin("sandgate_calls", help, None, MetricType::Counter)?;
        for ([server, method], meters) in methods() {
            for (outcome, counter) in OUTCOMES.iter().zip(&meters.calls) {
                counted(&mut calls, &[server, method, ("outcome", outcome)], counter)?;
            }
        }
        let help = "Replies that are JSON-RPC errors, as their askers get them";
        let mut errors = family.begin("sandgate_error_replies", help, None, MetricType::Counter)?;
        for (labels, meters) in methods() {
            counted(&mut errors, &labels, &meters.errors)?;
        }
        let help = "From the arrival of a request or notification to the departure of its reply";
        let mut whole = family.duration("mcp_server_operation_duration", help)?;
        for (labels, meters) in methods() {
            meters.whole.encode(&mut whole, &labels)?;
        }
        let help = "From when a request or notification went on to when its reply came";
        let mut beyond = family.duration("mcp_client_operation_duration", help)?;
        for (labels, meters) in methods() {
            meters.beyond.encode(&mut beyond, &labels)?;
        }
        let help = "Connections of contained servers that have ended, by what became of them";
        let mut made = family.begin(
            "sandgate_egress_connections",
            help,
            None,
            MetricType::Counter,
        )?;
        for (name, meters) in &servers {
            for (verdict, counter) in Verdict::ALL.iter().zip(&meters.egress) {
                let labels = [(SERVER, name.as_str()), ("verdict", verdict.as_str())];
                counted(&mut made, &labels, counter)?;
            }
        }
        let help =
            "Bytes of contained servers' connections that have ended, from the server and to it";
        let mut bytes = family.begin(
            "sandgate_egress",
            help,
            Some(&Unit::Bytes),
            MetricType::Counter,
        )?;
        for (name, meters) in &servers {
            for (way, counter) in ["up", "down"].iter().zip(&meters.egress_bytes) {
                counted(
                    &mut bytes,
                    &[(SERVER, name.as_str()), ("direction", *way)],
                    counter,
                )?;
            }
        }
        Ok(())
    }

    fn interceptors(&self, family: &mut Family<'_, '_>) -> fmt::Result {
        let table = self.table.load();
        let interceptors: BTreeMap<_, _> = table.interceptors.iter().collect();
        let help = "Hook runs, by what was decided";
        let mut runs = family.begin("sandgate_decisions", help, None, MetricType::Counter)?;
        for (name, meters) in &interceptors {
            for (hook, modes) in HOOKS.iter().zip(&meters.runs) {
                for (mode, decisions) in MODES.iter().zip(modes) {
                    for (decision, counter) in DECISIONS.iter().zip(decisions) {
                        let labels = [
                            (INTERCEPTOR, name.as_str()),
                            ("hook", hook),
                            ("mode", mode),
                            ("decision", decision),
                        ];
                        counted(&mut runs, &labels, counter)?;
                    }
                }
            }
        }
        let help = "Hook runs that decided to refuse, by the refusal's code";
        let mut refusals = family.begin("sandgate_refusals", help, None, MetricType::Counter)?;
        for (name, meters) in &interceptors {
            for (place, modes) in meters.refusals.iter().enumerate() {
                let Some(code) = meters.codes.label(place) else {
                    continue;
                };
                for (mode, counter) in MODES.iter().zip(modes) {
                    let labels = [(INTERCEPTOR, name.as_str()), ("mode", mode), ("code", code)];
                    counted(&mut refusals, &labels, counter)?;
                }
            }
        }
        let help = "Hook runs that failed, by kind";
        let mut faults = family.begin("sandgate_faults", help, None, MetricType::Counter)?;
        for (name, meters) in &interceptors {
            for (kind, counter) in FAULTS.iter().zip(&meters.faults) {
                counted(
                    &mut faults,
                    &[(INTERCEPTOR, name.as_str()), ("kind", kind)],
                    counter,
                )?;
            }
        }
        let help = "Hook runs, from being asked to having decided";
        let mut took = family.duration("sandgate_interceptor_duration", help)?;
        for (name, meters) in &interceptors {
            for (hook, histogram) in HOOKS.iter().zip(&meters.took) {
                histogram.encode(&mut took, &[(INTERCEPTOR, name.as_str()), ("hook", hook)])?;
            }
        }
        Ok(())
    }

    /// The candidates in force. A new candidate counts from zero.
    fn candidates(&self, family: &mut Family<'_, '_>) -> fmt::Result {
        let Some(gateway) = self.gateway.get().and_then(Weak::upgrade) else {
            return Ok(());
        };
        let edition = gateway.current();
        let steps = edition.chain().steps().iter();
        let all: Vec<_> = steps
            .filter_map(|step| Some((&**step.name(), step.candidate()?.results())))
            .collect();
        let help = "Hook runs that were offered to a candidate, by what came of them";
        let mut runs = family.begin("sandgate_candidate_runs", help, None, MetricType::Counter)?;
        for (name, results) in &all {
            for (hook, counts) in HOOKS.iter().zip(&results.hooks) {
                let outcomes = [
                    ("same", counts.same),
                    ("differs", counts.differs),
                    ("failed", counts.failed),
                    ("dropped", counts.dropped),
                ];
                for (outcome, count) in outcomes {
                    let labels = [(INTERCEPTOR, *name), ("hook", hook), ("outcome", outcome)];
                    nonzero(&mut runs, &labels, count)?;
                }
            }
        }
        let help = "Hook runs in which a candidate differed, by what each of the two decided";
        let name = "sandgate_candidate_differences";
        let mut differences = family.begin(name, help, None, MetricType::Counter)?;
        for (name, results) in &all {
            for (pair, count) in &results.differences {
                let labels = [
                    (INTERCEPTOR, *name),
                    ("hook", pair.hook.as_str()),
                    ("live", pair.live.as_str()),
                    ("candidate", pair.candidate.as_str()),
                    ("differs_in", pair.in_what.as_str()),
                ];
                nonzero(&mut differences, &labels, *count)?;
            }
        }
        let help = "Hook runs of candidates that failed, by kind";
        let name = "sandgate_candidate_faults";
        let mut faults = family.begin(name, help, None, MetricType::Counter)?;
        for (name, results) in &all {
            for (kind, count) in &results.failures {
                nonzero(
                    &mut faults,
                    &[(INTERCEPTOR, *name), ("kind", *kind)],
                    *count,
                )?;
            }
        }
        Ok(())
    }

    fn gauges(&self, family: &mut Family<'_, '_>) -> fmt::Result {
        let Some(gateway) = self.gateway.get().and_then(Weak::upgrade) else {
            return Ok(());
        };
        let figures = gateway.figures();
        let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let edition = i64::try_from(figures.version).unwrap_or(i64::MAX);
        family.gauge(
            "sandgate_edition",
            "Number of the edition in force",
            edition,
        )?;
        let help = "Requests and notifications under way";
        family.gauge("sandgate_calls_under_way", help, count(figures.in_flight))?;
        let help = "Requests and notifications that wait for their turn with the interceptors";
        family.gauge("sandgate_calls_waiting", help, count(figures.waiting))?;
        let help = "Sessions of legacy clients";
        family.gauge("sandgate_sessions", help, count(figures.sessions))?;
        let help = "What the operator has stopped";
        let mut stopped = family.begin("sandgate_stops", help, None, MetricType::Gauge)?;
        let edition_now = gateway.current();
        for kind in StopKind::ALL {
            let of_kind = edition_now.stops().all().iter();
            let of_kind = of_kind.filter(|stop| stop.kind == kind).count();
            let gauge = ConstGauge::new(count(of_kind));
            gauge.encode(stopped.encode_family(&[("kind", kind.as_str())])?)?;
        }
        let help = "Connections of clients";
        family.gauge("sandgate_connections", help, count(figures.connections))?;
        let help = "Running child processes";
        let mut children =
            family.begin("sandgate_child_processes", help, None, MetricType::Gauge)?;
        for server in gateway.current().servers() {
            let gauge = ConstGauge::new(count(server.health().children));
            gauge.encode(children.encode_family(&[(SERVER, &**server.name())])?)?;
        }
        let help = "Whether the server answered last: the gateway's probe, or a call";
        let mut up = family.begin("sandgate_server_up", help, None, MetricType::Gauge)?;
        for server in gateway.current().servers() {
            let down = matches!(server.availability(), Availability::Down { .. });
            let well = !down && server.health().failing_since.is_none();
            let gauge = ConstGauge::new(i64::from(well));
            gauge.encode(up.encode_family(&[(SERVER, &**server.name())])?)?;
        }
        let help =
            "Messages of servers that were dropped, since they belong to nothing that was asked";
        let name = "sandgate_server_messages_dropped";
        let mut dropped = family.begin(name, help, None, MetricType::Counter)?;
        for server in gateway.current().servers() {
            nonzero(
                &mut dropped,
                &[(SERVER, &**server.name())],
                server.health().dropped,
            )?;
        }
        Ok(())
    }

    /// The conditions of the gateway itself.
    fn conditions(&self, family: &mut Family<'_, '_>) -> fmt::Result {
        let Some(conditions) = self.conditions.get() else {
            return Ok(());
        };
        let help = "What is wrong with the gateway itself: 1 where it is";
        let mut all = family.begin("sandgate_condition", help, None, MetricType::Gauge)?;
        for (name, holds) in conditions.each() {
            let gauge = ConstGauge::new(i64::from(holds));
            gauge.encode(all.encode_family(&[("condition", name)])?)?;
        }
        let help = "Records of calls that could not be written";
        let name = "sandgate_call_log_failures";
        let failures = family.begin(name, help, None, MetricType::Counter)?;
        ConstCounter::new(conditions.unwritten()).encode(failures)?;
        let help = "Lines of the gateway's own log that were dropped";
        let name = "sandgate_log_lines_dropped";
        let dropped = family.begin(name, help, None, MetricType::Counter)?;
        let count = logging::queue().map_or(0, |queue| queue.dropped());
        ConstCounter::new(count).encode(dropped)?;
        let help = "When the certificate that clients are shown ends, in seconds since 1970";
        let name = "sandgate_certificate_expiration_timestamp_seconds";
        let until = family.begin(name, help, None, MetricType::Gauge)?;
        if let Some(end) = conditions.certificate_until() {
            let end = end
                .duration_since(SystemTime::UNIX_EPOCH)
                .unwrap_or_default();
            let end = i64::try_from(end.as_secs()).unwrap_or(i64::MAX);
            ConstGauge::new(end).encode(until)?;
        }
        Ok(())
    }

    /// Alerts, by their rules.
    fn alerts(&self, family: &mut Family<'_, '_>) -> fmt::Result {
        let figures = self.alerts.get().map(|watcher| watcher.figures());
        let figures = figures.unwrap_or_default();
        let help = "Alerts that last";
        let mut firing = family.begin("sandgate_alerts_firing", help, None, MetricType::Gauge)?;
        for one in &figures {
            let gauge = ConstGauge::new(i64::try_from(one.firing).unwrap_or(i64::MAX));
            gauge.encode(firing.encode_family(&[("alert", one.alert.as_str())])?)?;
        }
        let help = "Messages of alerts, by what became of them";
        let name = "sandgate_alert_messages";
        let mut messages = family.begin(name, help, None, MetricType::Counter)?;
        for one in &figures {
            for (result, count) in [
                ("sent", one.sent),
                ("failed", one.failed),
                ("dropped", one.dropped),
            ] {
                let labels = [("alert", one.alert.as_str()), ("result", result)];
                ConstCounter::new(count).encode(messages.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }

    fn others(&self, family: &mut Family<'_, '_>) -> fmt::Result {
        let help = "Requests and notifications that a view or a stop refused, by its code";
        let name = "sandgate_rule_refusals";
        let mut ruled = family.begin(name, help, None, MetricType::Counter)?;
        for (code, counter) in RULES.iter().zip(&self.ruled) {
            counted(&mut ruled, &[("code", code)], counter)?;
        }
        let help = "Changes of configuration or plugins, by whether they are in force";
        let mut reloads = family.begin("sandgate_reloads", help, None, MetricType::Counter)?;
        for (result, counter) in [("applied", &self.applied), ("refused", &self.refused)] {
            always(&mut reloads, &[("result", result)], counter)?;
        }
        if let Some(told) = self.spans.get() {
            let help = "Spans, by whether the collector took them";
            let mut spans = family.begin("sandgate_spans", help, None, MetricType::Counter)?;
            for (result, counter) in told.counters() {
                always(&mut spans, &[("result", result)], counter)?;
            }
        }
        let help = "This program";
        family
            .begin("sandgate_build", help, None, MetricType::Info)?
            .encode_info(&[("version", env!("CARGO_PKG_VERSION"))])
    }
}

impl<'b> Family<'_, 'b> {
    fn begin<'s>(
        &'s mut self,
        name: &'s str,
        help: &str,
        unit: Option<&'s Unit>,
        kind: MetricType,
    ) -> Result<MetricEncoder<'s>, fmt::Error> {
        self.0.encode_descriptor(name, help, unit, kind)
    }

    fn duration<'s>(
        &'s mut self,
        name: &'s str,
        help: &str,
    ) -> Result<MetricEncoder<'s>, fmt::Error> {
        self.begin(name, help, Some(&Unit::Seconds), MetricType::Histogram)
    }

    fn gauge(&mut self, name: &str, help: &str, value: i64) -> fmt::Result {
        let encoder = self.begin(name, help, None, MetricType::Gauge)?;
        ConstGauge::new(value).encode(encoder)
    }
}

/// Writes the counter, unless it is zero: most counters never rise.
fn counted<const N: usize>(
    encoder: &mut MetricEncoder<'_>,
    labels: &[(&str, &str); N],
    counter: &AtomicU64,
) -> fmt::Result {
    nonzero(encoder, labels, counter.load(Ordering::Relaxed))
}

fn nonzero<const N: usize>(
    encoder: &mut MetricEncoder<'_>,
    labels: &[(&str, &str); N],
    count: u64,
) -> fmt::Result {
    match count {
        0 => Ok(()),
        count => ConstCounter::new(count).encode(encoder.encode_family(labels)?),
    }
}

fn always<const N: usize>(
    encoder: &mut MetricEncoder<'_>,
    labels: &[(&str, &str); N],
    counter: &AtomicU64,
) -> fmt::Result {
    let count = ConstCounter::new(counter.load(Ordering::Relaxed));
    count.encode(encoder.encode_family(labels)?)
}

struct Page(Arc<Metrics>);

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Page")
    }
}

impl Collector for Page {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut family = Family(&mut encoder);
        self.0.calls(&mut family)?;
        self.0.interceptors(&mut family)?;
        self.0.candidates(&mut family)?;
        self.0.gauges(&mut family)?;
        self.0.conditions(&mut family)?;
        self.0.alerts(&mut family)?;
        self.0.others(&mut family)
    }
}

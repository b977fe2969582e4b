//! What is counted, as families: all metrics of a gateway at one moment.

use std::collections::BTreeMap;
use std::sync::Weak;
use std::sync::atomic::Ordering;
use std::time::SystemTime;

use sandgate_egress::Verdict;
use sandgate_gateway::{Availability, StopKind};

use super::Metrics;
use super::exposition::Exposition;
use super::family::{Family, Unit};
use super::meters::{DECISIONS, FAULTS, HOOKS, METHODS, MODES, OUTCOMES, RULES};
use crate::logging;

const SERVER: &str = "server";
const METHOD: &str = "mcp_method_name";
const INTERCEPTOR: &str = "interceptor";

impl Metrics {
    /// The metrics page in one of the text formats.
    pub(super) fn page(&self, exposition: Exposition) -> String {
        super::page::page(&self.families(), exposition)
    }

    /// All metrics at this moment.
    pub(crate) fn families(&self) -> Vec<Family> {
        let mut all = Vec::with_capacity(40);
        self.calls(&mut all);
        self.egress(&mut all);
        self.interceptors(&mut all);
        self.candidates(&mut all);
        self.gauges(&mut all);
        self.conditions(&mut all);
        self.alerts(&mut all);
        self.others(&mut all);
        all
    }

    fn calls(&self, all: &mut Vec<Family>) {
        let table = self.table.load();
        let servers: BTreeMap<_, _> = table.servers.iter().collect();
        let mut calls = Family::counter(
            "sandgate_calls",
            "Requests and notifications, by what became of them",
        );
        let mut errors = Family::counter(
            "sandgate_error_replies",
            "Replies that are JSON-RPC errors, as their askers get them",
        );
        let mut whole = Family::duration(
            "mcp_server_operation_duration",
            "From the arrival of a request or notification to the departure of its reply",
        );
        let mut beyond = Family::duration(
            "mcp_client_operation_duration",
            "From when a request or notification went on to when its reply came",
        );
        for (name, meters) in servers {
            for (method, meters) in METHODS.iter().zip(&meters.methods) {
                let labels = [(SERVER, name.as_str()), (METHOD, *method)];
                let [server, method] = labels;
                for (outcome, counter) in OUTCOMES.iter().zip(&meters.calls) {
                    calls.count(&[server, method, ("outcome", outcome)], counter);
                }
                errors.count(&labels, &meters.errors);
                whole.buckets(&labels, meters.whole.read());
                beyond.buckets(&labels, meters.beyond.read());
            }
        }
        all.extend([calls, errors, whole, beyond]);
    }

    fn egress(&self, all: &mut Vec<Family>) {
        let table = self.table.load();
        let servers: BTreeMap<_, _> = table.servers.iter().collect();
        let mut made = Family::counter(
            "sandgate_egress_connections",
            "Connections of contained servers that have ended, by what became of them",
        );
        let mut bytes = Family::counter(
            "sandgate_egress",
            "Bytes of contained servers' connections that have ended, from the server and to it",
        )
        .in_unit(Unit::Bytes);
        for (name, meters) in servers {
            let server = (SERVER, name.as_str());
            for (verdict, counter) in Verdict::ALL.iter().zip(&meters.egress) {
                made.count(&[server, ("verdict", verdict.as_str())], counter);
            }
            for (way, counter) in ["up", "down"].iter().zip(&meters.egress_bytes) {
                bytes.count(&[server, ("direction", way)], counter);
            }
        }
        all.extend([made, bytes]);
    }

    fn interceptors(&self, all: &mut Vec<Family>) {
        let table = self.table.load();
        let interceptors: BTreeMap<_, _> = table.interceptors.iter().collect();
        let mut runs = Family::counter("sandgate_decisions", "Hook runs, by what was decided");
        let mut refusals = Family::counter(
            "sandgate_refusals",
            "Hook runs that decided to refuse, by the refusal's code",
        );
        let mut faults = Family::counter("sandgate_faults", "Hook runs that failed, by kind");
        let mut took = Family::duration(
            "sandgate_interceptor_duration",
            "Hook runs, from being asked to having decided",
        );
        for (name, meters) in interceptors {
            let interceptor = (INTERCEPTOR, name.as_str());
            for (hook, modes) in HOOKS.iter().zip(&meters.runs) {
                for (mode, decisions) in MODES.iter().zip(modes) {
                    for (decision, counter) in DECISIONS.iter().zip(decisions) {
                        let labels = [("hook", *hook), ("mode", *mode), ("decision", *decision)];
                        let [hook, mode, decision] = labels;
                        runs.count(&[interceptor, hook, mode, decision], counter);
                    }
                }
            }
            for (place, modes) in meters.refusals.iter().enumerate() {
                let Some(code) = meters.codes.label(place) else {
                    continue;
                };
                for (mode, counter) in MODES.iter().zip(modes) {
                    refusals.count(&[interceptor, ("mode", mode), ("code", code)], counter);
                }
            }
            for (kind, counter) in FAULTS.iter().zip(&meters.faults) {
                faults.count(&[interceptor, ("kind", kind)], counter);
            }
            for (hook, histogram) in HOOKS.iter().zip(&meters.took) {
                took.buckets(&[interceptor, ("hook", hook)], histogram.read());
            }
        }
        all.extend([runs, refusals, faults, took]);
    }

    /// The candidates in force. A new candidate counts from zero.
    fn candidates(&self, all: &mut Vec<Family>) {
        let Some(gateway) = self.gateway.get().and_then(Weak::upgrade) else {
            return;
        };
        let mut runs = Family::counter(
            "sandgate_candidate_runs",
            "Hook runs that were offered to a candidate, by what came of them",
        );
        let mut differences = Family::counter(
            "sandgate_candidate_differences",
            "Hook runs in which a candidate differed, by what each of the two decided",
        );
        let mut faults = Family::counter(
            "sandgate_candidate_faults",
            "Hook runs of candidates that failed, by kind",
        );
        let edition = gateway.current();
        for step in edition.chain().steps() {
            let Some(candidate) = step.candidate() else {
                continue;
            };
            let (interceptor, results) = ((INTERCEPTOR, &**step.name()), candidate.results());
            for (hook, counts) in HOOKS.iter().zip(&results.hooks) {
                for (outcome, count) in [
                    ("same", counts.same),
                    ("differs", counts.differs),
                    ("failed", counts.failed),
                    ("dropped", counts.dropped),
                ] {
                    runs.nonzero(&[interceptor, ("hook", hook), ("outcome", outcome)], count);
                }
            }
            for (pair, count) in &results.differences {
                let labels = [
                    interceptor,
                    ("hook", pair.hook.as_str()),
                    ("live", pair.live.as_str()),
                    ("candidate", pair.candidate.as_str()),
                    ("differs_in", pair.in_what.as_str()),
                ];
                differences.nonzero(&labels, *count);
            }
            for (kind, count) in &results.failures {
                faults.nonzero(&[interceptor, ("kind", kind)], *count);
            }
        }
        all.extend([runs, differences, faults].map(Family::restarting));
    }

    fn gauges(&self, all: &mut Vec<Family>) {
        let Some(gateway) = self.gateway.get().and_then(Weak::upgrade) else {
            return;
        };
        let figures = gateway.figures();
        let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let edition = i64::try_from(figures.version).unwrap_or(i64::MAX);
        for (name, help, value) in [
            (
                "sandgate_edition",
                "Number of the edition in force",
                edition,
            ),
            (
                "sandgate_calls_under_way",
                "Requests and notifications under way",
                count(figures.in_flight),
            ),
            (
                "sandgate_calls_waiting",
                "Requests and notifications that wait for their turn with the interceptors",
                count(figures.waiting),
            ),
            (
                "sandgate_sessions",
                "Sessions of legacy clients",
                count(figures.sessions),
            ),
            (
                "sandgate_connections",
                "Connections of clients",
                count(figures.connections),
            ),
        ] {
            let mut gauge = Family::gauge(name, help);
            gauge.set(&[], value);
            all.push(gauge);
        }
        let current = gateway.current();
        let mut stopped = Family::gauge("sandgate_stops", "What the operator has stopped");
        for kind in StopKind::ALL {
            let of_kind = current.stops().all().iter();
            let of_kind = of_kind.filter(|stop| stop.kind == kind).count();
            stopped.set(&[("kind", kind.as_str())], count(of_kind));
        }
        let mut children = Family::gauge("sandgate_child_processes", "Running child processes");
        let mut up = Family::gauge(
            "sandgate_server_up",
            "Whether the server answered last: the gateway's probe, or a call",
        );
        let mut dropped = Family::counter(
            "sandgate_server_messages_dropped",
            "Messages of servers that were dropped, since they belong to nothing that was asked",
        )
        .restarting();
        for server in current.servers() {
            let (labels, health) = ([(SERVER, &**server.name())], server.health());
            children.set(&labels, count(health.children));
            let down = matches!(server.availability(), Availability::Down { .. });
            up.set(&labels, i64::from(!down && health.failing_since.is_none()));
            dropped.nonzero(&labels, health.dropped);
        }
        all.extend([stopped, children, up, dropped]);
    }

    /// The conditions of the gateway itself.
    fn conditions(&self, all: &mut Vec<Family>) {
        let Some(conditions) = self.conditions.get() else {
            return;
        };
        let mut holds = Family::gauge(
            "sandgate_condition",
            "What is wrong with the gateway itself: 1 where it is",
        );
        for (name, condition) in conditions.each() {
            holds.set(&[("condition", name)], i64::from(condition));
        }
        let mut unwritten = Family::counter(
            "sandgate_call_log_failures",
            "Records of calls that could not be written",
        );
        unwritten.always(&[], conditions.unwritten());
        let mut lost = Family::counter(
            "sandgate_log_lines_dropped",
            "Lines of the gateway's own log that were dropped",
        );
        lost.always(&[], logging::queue().map_or(0, |queue| queue.dropped()));
        let mut until = Family::gauge(
            "sandgate_certificate_expiration_timestamp_seconds",
            "When the certificate that clients are shown ends, in seconds since 1970",
        );
        if let Some(end) = conditions.certificate_until() {
            let end = end.duration_since(SystemTime::UNIX_EPOCH);
            let end = i64::try_from(end.unwrap_or_default().as_secs());
            until.set(&[], end.unwrap_or(i64::MAX));
        }
        let mut records = Family::counter(
            "sandgate_call_log_sink_records",
            "Records of the call log for each of its sinks, by what became of them",
        );
        let mut waiting = Family::gauge(
            "sandgate_call_log_sink_waiting_bytes",
            "Records that wait for a sink of the call log, in bytes",
        );
        for one in conditions.sinks() {
            let sink = ("sink", one.sink.as_str());
            for (result, count) in [
                ("sent", one.sent),
                ("dropped", one.dropped),
                ("rejected", one.rejected),
            ] {
                records.always(&[sink, ("result", result)], count);
            }
            waiting.set(&[sink], i64::try_from(one.waiting).unwrap_or(i64::MAX));
        }
        all.extend([holds, unwritten, lost, until, records, waiting]);
    }

    /// Alerts, by their rules.
    fn alerts(&self, all: &mut Vec<Family>) {
        let mut firing = Family::gauge("sandgate_alerts_firing", "Alerts that last");
        let mut messages = Family::counter(
            "sandgate_alert_messages",
            "Messages of alerts, by what became of them",
        );
        let figures = self.alerts.get().map(|watcher| watcher.figures());
        for one in figures.unwrap_or_default() {
            let alert = ("alert", one.alert.as_str());
            firing.set(&[alert], i64::try_from(one.firing).unwrap_or(i64::MAX));
            for (result, count) in [
                ("sent", one.sent),
                ("failed", one.failed),
                ("dropped", one.dropped),
            ] {
                messages.always(&[alert, ("result", result)], count);
            }
        }
        // A rule that is changed counts from zero.
        all.extend([firing, messages.restarting()]);
    }

    fn others(&self, all: &mut Vec<Family>) {
        let mut ruled = Family::counter(
            "sandgate_rule_refusals",
            "Requests and notifications that a view or a stop refused, by its code",
        );
        for (code, counter) in RULES.iter().zip(&self.ruled) {
            ruled.count(&[("code", code)], counter);
        }
        let mut reloads = Family::counter(
            "sandgate_reloads",
            "Changes of configuration or plugins, by whether they are in force",
        );
        for (result, counter) in [("applied", &self.applied), ("refused", &self.refused)] {
            reloads.always(&[("result", result)], counter.load(Ordering::Relaxed));
        }
        all.extend([ruled, reloads]);
        for (name, help, counts) in self.exports.lock().iter() {
            let mut exports = Family::counter(name, help);
            for (result, counter) in counts.counters() {
                exports.always(&[("result", result)], counter.load(Ordering::Relaxed));
            }
            all.push(exports);
        }
        let version = vec![("version", env!("CARGO_PKG_VERSION").to_owned())];
        all.push(Family::info("sandgate_build", "This program", version));
    }
}

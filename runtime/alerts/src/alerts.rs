//! All rules of a gateway: in force, watched, and replaced by those of another configuration.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant, SystemTime};

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use sandgate_config::{Alert, AlertKind, Receiver};
use sandgate_egress::Connection;
use sandgate_gateway::{Ended, Gateway, StopKind};
use sandgate_telemetry::call_log::{AlertFigures, AlertRecord, CallLogWriter, RecordWatcher};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::event::{Detail, Event};
use crate::notice::{Notice, NoticeStatus};
use crate::outbox::{Counts, Outbox, delivery};
use crate::rule::{Kinds, Rule};
use crate::sender::Sender;
use crate::status::{AlertStatus, FiringAlert, TestReport};

/// How often it is looked whether alerts are over, and what is wrong besides calls.
const LOOK: Duration = Duration::from_secs(1);
/// How long messages that wait are sent for when the gateway ends.
const LAST: Duration = Duration::from_secs(2);

/// The alerts of one gateway.
pub struct Alerts {
    rules: ArcSwap<Rules>,
    began: Instant,
    /// What became of messages, by rule. A rule that is changed goes on with its counts, for they never fall.
    counts: Mutex<BTreeMap<Arc<str>, Arc<Counts>>>,
    outboxes: TaskTracker,
    over: CancellationToken,
}

/// The rules in force.
#[derive(Default)]
struct Rules {
    all: Vec<Arc<Rule>>,
    /// The kinds that any of them looks for.
    kinds: Kinds,
    /// The shortest time that is slow for any of them.
    slower_than: Option<Duration>,
}

impl Rules {
    fn of(all: Vec<Arc<Rule>>) -> Self {
        let kinds = all.iter().map(|rule| rule.kinds());
        Self {
            kinds: kinds.fold(Kinds::default(), Kinds::or),
            slower_than: all
                .iter()
                .filter_map(|rule| Some(rule.written.slower_than?.0))
                .min(),
            all,
        }
    }

    /// The rules that look for this kind.
    fn on(&self, kind: AlertKind) -> impl Iterator<Item = &Arc<Rule>> {
        let any = self.kinds.has(kind);
        let all = self.all.iter().filter(move |_| any);
        all.filter(move |rule| rule.kinds().has(kind))
    }
}

impl Default for Alerts {
    fn default() -> Self {
        Self {
            rules: ArcSwap::default(),
            began: Instant::now(),
            counts: Mutex::default(),
            outboxes: TaskTracker::new(),
            over: CancellationToken::new(),
        }
    }
}

impl Alerts {
    /// Puts these rules in force, each with its receiver. Those that stay as they are keep what they know and what they have
    /// to send; alerts of all others end, which the records that are returned say. Must be called within a tokio runtime.
    pub fn adopt(&self, alerts: &[Alert], receivers: Vec<Receiver>) -> Vec<AlertRecord> {
        let before = self.rules.load_full();
        let rules = alerts.iter().zip(receivers).map(|(alert, receiver)| {
            let alike = before.all.iter().find(|rule| rule.written == *alert);
            match alike {
                Some(rule) if rule.receiver == receiver => rule.clone(),
                Some(rule) => Arc::new(self.rule(alert.clone(), receiver).after(rule)),
                None => Arc::new(self.rule(alert.clone(), receiver)),
            }
        });
        let now = Arc::new(Rules::of(rules.collect()));
        self.rules.store(now.clone());
        let mut records = Vec::new();
        for rule in &before.all {
            let goes_on = |one: &&Arc<Rule>| Arc::ptr_eq(&one.table, &rule.table);
            match now.all.iter().find(goes_on) {
                Some(same) if Arc::ptr_eq(same, rule) => {}
                Some(_) => rule.outbox.close(),
                None => records.extend(rule.end()),
            }
        }
        records
    }

    fn rule(&self, alert: Alert, receiver: Receiver) -> Rule {
        let name: Arc<str> = alert.name.as_str().into();
        let counts = self.counts.lock().entry(name.clone()).or_default().clone();
        let sender = Sender::new(receiver.clone());
        let outbox = Outbox::new(name, sender, counts, self.over.clone());
        self.outboxes.spawn(outbox.clone().run());
        Rule::new(alert, receiver, outbox)
    }

    /// Looks each second at what no call tells: alerts that are over, a call log that cannot be written, stops, servers that
    /// fail. Returns after `end`.
    pub async fn watch(
        self: Arc<Self>,
        gateway: Weak<Gateway>,
        call_log: Arc<CallLogWriter>,
        end: CancellationToken,
    ) {
        let mut failing = HashMap::new();
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = end.cancelled() => return,
            }
            let rules = self.rules.load_full();
            if rules.all.is_empty() {
                continue;
            }
            let mut records = self.look_at_log(&rules, &call_log);
            if let Some(gateway) = gateway.upgrade() {
                records.extend(self.look_at_gateway(&rules, &gateway, &mut failing));
            }
            let now = self.now();
            records.extend(rules.all.iter().flat_map(|rule| rule.tick(now)));
            call_log.alerts(records);
        }
    }

    /// Whether the call log is written, proved, and sent to its sinks.
    fn look_at_log(&self, rules: &Rules, call_log: &CallLogWriter) -> Vec<AlertRecord> {
        if !rules.kinds.has(AlertKind::Audit) {
            return Vec::new();
        }
        let unwritten = call_log.failure().map(|failure| failure.why);
        let unproved = call_log.auditor().and_then(|auditor| auditor.failure());
        let unproved = unproved.map(|(_, why)| why);
        let losing = call_log.losing_sinks().into_iter().map(|one| {
            let subject = format!("records of the call log are lost for {}", one.sink);
            (subject, one.why)
        });
        let named = |subject: &str, why: Option<String>| Some((subject.to_owned(), why?));
        let wrong: Vec<(String, String)> = named("the call log cannot be written", unwritten)
            .into_iter()
            .chain(named("no checkpoint of the call log is kept", unproved))
            .chain(losing)
            .collect();
        let mut records = Vec::new();
        for rule in rules.on(AlertKind::Audit) {
            for (subject, why) in &wrong {
                records.extend(self.lasts(rule, AlertKind::Audit, subject, why));
            }
            let subjects = || wrong.iter().map(|(subject, _)| subject.clone()).collect();
            records.extend(rule.mended_except(AlertKind::Audit, subjects));
        }
        records
    }

    /// What is stopped, and which servers fail.
    fn look_at_gateway(
        &self,
        rules: &Rules,
        gateway: &Gateway,
        failing: &mut HashMap<Arc<str>, SystemTime>,
    ) -> Vec<AlertRecord> {
        let mut records = Vec::new();
        let edition = gateway.current();
        for stop in edition.stops().all() {
            let subject = stopped(stop.kind, &stop.name);
            for rule in rules.on(AlertKind::Stop) {
                records.extend(self.lasts(rule, AlertKind::Stop, &subject, &stop.why));
            }
        }
        let subjects = || {
            let edition = gateway.current();
            let stops = edition.stops().all().iter();
            stops.map(|stop| stopped(stop.kind, &stop.name)).collect()
        };
        for rule in rules.on(AlertKind::Stop) {
            records.extend(rule.mended_except(AlertKind::Stop, subjects));
        }
        if !rules.kinds.has(AlertKind::Fault) {
            return records;
        }
        failing.retain(|name, _| edition.servers().iter().any(|server| server.name() == name));
        for server in edition.servers() {
            let health = server.health();
            let Some(since) = health.failing_since else {
                failing.remove(server.name());
                continue;
            };
            if failing.insert(server.name().clone(), since) == Some(since) {
                continue;
            }
            let why = health.last_failure.map(|failure| failure.what);
            for rule in rules.on(AlertKind::Fault) {
                let why = why.as_deref().unwrap_or_default();
                records.extend(rule.server_fails(server.name(), why, self.now()));
            }
        }
        records
    }

    /// Raises what lasts, unless the rule knows it.
    fn lasts(&self, rule: &Rule, kind: AlertKind, subject: &str, why: &str) -> Option<AlertRecord> {
        if rule.table.lock().knows(kind, subject) {
            return None;
        }
        let detail = Detail::Words(why);
        let event = Event {
            detail,
            ..Event::of(kind, "", subject)
        };
        rule.happened(&event, self.now())
    }

    /// The rules in the file's order, with what lasts and how their messages fare.
    pub fn status(&self) -> Vec<AlertStatus> {
        let rules = self.rules.load();
        let all = rules.all.iter().map(|rule| {
            let figures = self.figures_of(rule);
            let firing = rule.table.lock().firing();
            AlertStatus {
                name: figures.alert,
                on: rule
                    .written
                    .on
                    .iter()
                    .map(|kind| kind.as_str().to_owned())
                    .collect(),
                to: rule.outbox.sender().shown(),
                firing: FiringAlert::all(firing),
                last: rule.outbox.last(),
                waiting: rule.outbox.waiting(),
                sent: figures.sent,
                failed: figures.failed,
                dropped: figures.dropped,
            }
        });
        all.collect()
    }

    /// Sends one message to the receiver of this rule now, beside those that wait.
    ///
    /// # Errors
    ///
    /// There is no such rule.
    pub async fn test(&self, name: &str) -> Result<TestReport, String> {
        let rules = self.rules.load_full();
        let rule = rules.all.iter().find(|rule| *rule.name == *name);
        let rule = rule.ok_or_else(|| {
            let names = rules.all.iter().map(|rule| &*rule.name);
            format!(
                "there is no alert {name:?}: {}",
                sandgate_text::nearest(name, names)
            )
        })?;
        let kind = rule
            .written
            .on
            .first()
            .copied()
            .unwrap_or(AlertKind::Finding);
        let notice = Notice {
            status: NoticeStatus::Test,
            ..Notice::of(&Event::of(kind, "", "test"), 0, SystemTime::now())
        };
        let sender = rule.outbox.sender();
        let outcome = match sender.message(&rule.name, &notice) {
            Some(message) => sender.send(&message).await,
            None => return Err("this receiver takes no test".to_owned()),
        };
        Ok(TestReport {
            name: rule.name.to_string(),
            to: sender.shown(),
            delivery: delivery(outcome),
        })
    }

    /// Sends what waits, once each, for two seconds at most.
    pub async fn finish(&self) {
        self.over.cancel();
        self.outboxes.close();
        let _ = tokio::time::timeout(LAST, self.outboxes.wait()).await;
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn figures_of(&self, rule: &Rule) -> AlertFigures {
        let counts = self
            .counts
            .lock()
            .get(&rule.name)
            .cloned()
            .unwrap_or_default();
        let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        AlertFigures {
            alert: rule.name.to_string(),
            firing: rule.table.lock().number_firing(),
            sent: count(&counts.sent),
            failed: count(&counts.failed),
            dropped: count(&counts.dropped),
        }
    }
}

impl RecordWatcher for Alerts {
    fn ended(&self, record: &Ended<'_>) -> Vec<AlertRecord> {
        let mut raised = Vec::new();
        let rules = self.rules.load();
        if rules.all.is_empty() {
            return raised;
        }
        let kinds = Kinds::of_call(record, rules.slower_than).both(rules.kinds);
        if !kinds.is_empty() {
            let now = self.now();
            for rule in &rules.all {
                rule.ended(record, kinds, now, &mut raised);
            }
        }
        raised
    }

    fn connection(&self, connection: &Connection) -> Vec<AlertRecord> {
        let rules = self.rules.load();
        let on = rules.on(AlertKind::Egress);
        on.filter_map(|rule| rule.connection(connection, self.now()))
            .collect()
    }

    fn stop(&self, kind: StopKind, name: &str, why: Option<&str>) -> Vec<AlertRecord> {
        let rules = self.rules.load();
        let subject = stopped(kind, name);
        let on = rules.on(AlertKind::Stop);
        on.filter_map(|rule| match why {
            Some(why) => self.lasts(rule, AlertKind::Stop, &subject, why),
            None => rule.mended(AlertKind::Stop, &subject),
        })
        .collect()
    }

    fn figures(&self) -> Vec<AlertFigures> {
        let rules = self.rules.load();
        rules.all.iter().map(|rule| self.figures_of(rule)).collect()
    }
}

/// What is stopped, as a subject.
fn stopped(kind: StopKind, name: &str) -> String {
    format!("{} {name}", kind.as_str())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use sandgate_config::{Destination, Files, ResolvedSink, SinkFormat, SinkTarget};
    use sandgate_telemetry::call_log::{CallLogParts, CallLogTarget};

    use super::*;

    fn alert(within: &str) -> Alert {
        alert_on("stop", within)
    }

    fn alert_on(kind: &str, within: &str) -> Alert {
        let to = serde_json::json!({ "webhook": "http://127.0.0.1:9/hook" });
        let written = serde_json::json!({ "name": kind, "on": [kind], "within": within, "to": to });
        serde_json::from_value(written).unwrap()
    }

    fn signed(key: u8) -> Vec<Receiver> {
        let url = "http://127.0.0.1:9/hook".parse().unwrap();
        let key = Some(vec![key; 16].into());
        vec![Receiver::Webhook { url, key }]
    }

    #[tokio::test]
    async fn an_alert_outlives_a_rotated_secret_and_ends_with_its_rule() {
        let alerts = Alerts::default();
        assert!(alerts.adopt(&[alert("1m")], signed(1)).is_empty());
        assert_eq!(alerts.stop(StopKind::Server, "crm", Some("INC-1")).len(), 1);
        assert!(alerts.adopt(&[alert("1m")], signed(2)).is_empty());
        assert!(
            alerts
                .stop(StopKind::Server, "crm", Some("INC-1"))
                .is_empty()
        );
        assert_eq!(alerts.figures()[0].firing, 1);
        let ended = alerts.adopt(&[alert("2m")], signed(2));
        assert_eq!((ended.len(), ended[0].status), (1, "resolved"));
        assert_eq!(alerts.figures()[0].firing, 0);
        // A resumption of what no rule knows is nothing.
        assert!(alerts.stop(StopKind::Server, "crm", None).is_empty());
        alerts.finish().await;
    }

    #[tokio::test]
    async fn a_sink_that_has_no_room_raises_one_alert_by_its_name() {
        let sink = |port: u16| ResolvedSink {
            to: SinkTarget::Url(format!("http://127.0.0.1:{port}/in").parse().unwrap(), None),
            ca: None,
            format: SinkFormat::Record,
            queue: 64 << 10,
        };
        let target = |sinks| {
            let parts = CallLogParts {
                sinks,
                ..CallLogParts::default()
            };
            let files = Files::in_folder(std::path::Path::new("/nonexistent"));
            CallLogTarget::open(&Destination::None, &files, parts).unwrap()
        };
        let log = CallLogWriter::to(target(vec![sink(8), sink(9)]));
        let alerts = Alerts::default();
        alerts.adopt(&[alert_on("audit", "1m")], signed(1));
        let look = || {
            let rules = alerts.rules.load_full();
            alerts.look_at_log(&rules, &log)
        };
        assert_eq!(look(), [], "nothing is lost yet");
        while log.sink_figures()[0].dropped == 0 {
            log.operator_always("test", serde_json::json!({ "why": "x".repeat(1000) }));
        }
        let raised = look();
        let subjects: Vec<_> = raised.iter().map(|one| one.subject.as_str()).collect();
        let expected = [8, 9]
            .map(|port| format!("records of the call log are lost for http://127.0.0.1:{port}"));
        assert_eq!(subjects, expected);
        assert!(raised.iter().all(|one| one.status == "firing"));
        log.operator_always("test", serde_json::json!({}));
        assert_eq!(look(), [], "it is known");
        assert_eq!(alerts.figures()[0].firing, 2);
        alerts.finish().await;
    }

    #[tokio::test]
    async fn an_unknown_name_is_told_with_those_that_come_near() {
        let alerts = Alerts::default();
        alerts.adopt(&[alert("1m")], signed(1));
        let error = alerts.test("stopp").await.unwrap_err();
        assert!(error.contains("did you mean \"stop\"?"), "{error}");
    }
}

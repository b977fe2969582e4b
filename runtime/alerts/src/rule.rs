//! One rule: what it looks for, the alerts that it has raised, and its messages.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;
use sandgate_config::{Alert, AlertKind, Pattern, Receiver};
use sandgate_egress::{Connection, Verdict};
use sandgate_gateway::{Decision, Ended};
use sandgate_message::Direction;
use sandgate_pipeline::Decision as Decided;
use sandgate_telemetry::call_log::AlertRecord;

use crate::event::{Detail, Event};
use crate::notice::Notice;
use crate::outbox::Outbox;
use crate::table::{Bounds, Table};

/// Who calls without a key or token.
const ANONYMOUS: &str = "anonymous";
/// What the codes of the policy for approved tools begin with.
const PINS: &str = "tool-pins.";
/// How often an Alertmanager hears of an alert that lasts: it forgets those of which it hears no more.
const REMIND_ALERTMANAGER: u64 = 60_000;
/// The one request that is open as long as its client likes.
const LISTEN: &str = "subscriptions/listen";

/// One rule.
pub(crate) struct Rule {
    pub(crate) name: Arc<str>,
    pub(crate) written: Alert,
    pub(crate) receiver: Receiver,
    kinds: Kinds,
    /// What is counted, and which alerts last. It outlives a secret of the receiver.
    pub(crate) table: Arc<Mutex<Table>>,
    pub(crate) outbox: Arc<Outbox>,
}

/// A set of kinds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Kinds(u8);

impl Kinds {
    pub(crate) fn of(kinds: &[AlertKind]) -> Self {
        Self(kinds.iter().fold(0, |all, kind| all | 1 << *kind as u8))
    }

    pub(crate) fn has(self, kind: AlertKind) -> bool {
        self.0 & (1 << kind as u8) != 0
    }

    pub(crate) fn both(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub(crate) fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The kinds that the record of a call may be of. One look at it, before any rule is asked.
    pub(crate) fn of_call(record: &Ended<'_>, slower_than: Option<Duration>) -> Self {
        let mut all = Self::default();
        let mut add = |kind| all = all.or(Self::of(&[kind]));
        if record.decision == Decision::Refused {
            add(AlertKind::Refusals);
            add(AlertKind::Pin);
        }
        if record.decision == Decision::Failed {
            add(AlertKind::Fault);
        }
        if slower_than.is_some_and(|bound| record.took > bound) {
            add(AlertKind::Latency);
        }
        for entry in &record.trail.entries {
            if !entry.findings.is_empty() {
                add(AlertKind::Finding);
                add(AlertKind::Pin);
            }
            if entry.decision == Decided::Fault {
                add(AlertKind::Fault);
            }
        }
        all
    }
}

impl Rule {
    pub(crate) fn new(written: Alert, receiver: Receiver, outbox: Arc<Outbox>) -> Self {
        let millis = |period: Duration| u64::try_from(period.as_millis()).unwrap_or(u64::MAX);
        let bounds = Bounds {
            more_than: written.more_than.into(),
            within: millis(written.within.0),
            repeat_after: match receiver {
                Receiver::Alertmanager(_) => REMIND_ALERTMANAGER,
                _ => millis(written.repeat_after.0),
            },
        };
        Self {
            name: written.name.as_str().into(),
            kinds: Kinds::of(&written.on),
            written,
            receiver,
            table: Arc::new(Mutex::new(Table::new(bounds))),
            outbox,
        }
    }

    /// The same with what another rule has counted, which was written alike and whose receiver had another secret.
    pub(crate) fn after(self, before: &Self) -> Self {
        Self {
            table: before.table.clone(),
            ..self
        }
    }

    /// The kinds that it looks for.
    pub(crate) fn kinds(&self) -> Kinds {
        self.kinds
    }

    /// Looks at the record of a call, which may be of these kinds.
    pub(crate) fn ended(
        &self,
        record: &Ended<'_>,
        kinds: Kinds,
        now: u64,
        raised: &mut Vec<AlertRecord>,
    ) {
        let kinds = self.kinds.both(kinds);
        if kinds.is_empty() {
            return;
        }
        let call = record.call;
        let client = call.principal.as_deref().unwrap_or(ANONYMOUS);
        let tool = call
            .target
            .as_deref()
            .filter(|_| &*call.method == "tools/call");
        if !fits(&self.written.servers, Some(&call.server))
            || !fits(&self.written.clients, Some(client))
            || !fits(&self.written.tools, tool)
        {
            return;
        }
        let mut see = |kind: AlertKind, code: &str, subject: &str, detail: Detail<'_>| {
            if kinds.has(kind) {
                let event = Event {
                    server: Some(&call.server),
                    client: Some(client),
                    tool,
                    call: Some(&call.id.0),
                    detail,
                    ..Event::of(kind, code, subject)
                };
                raised.extend(self.happened(&event, now));
            }
        };
        for entry in &record.trail.entries {
            for finding in &entry.findings {
                see(AlertKind::Finding, &finding.rule, client, Detail::None);
                if finding.rule.starts_with(PINS) {
                    see(AlertKind::Pin, &finding.rule, &call.server, Detail::None);
                }
            }
            if let Some(kind) = entry.failure.filter(|_| entry.decision == Decided::Fault) {
                see(AlertKind::Fault, kind, &entry.interceptor, Detail::None);
            }
        }
        if record.decision == Decision::Refused {
            let stopped = record.trail.stopped_by();
            let code = stopped.and_then(|entry| entry.code.as_deref().or(entry.failure));
            let code = record
                .refused_by
                .map(|rule| rule.code)
                .or(code)
                .unwrap_or_default();
            // What was noticed and refused for the same reason is one alert.
            let noticed = kinds.has(AlertKind::Finding) && found_before(record, code);
            if !noticed {
                see(AlertKind::Refusals, code, client, Detail::None);
            }
            if code.starts_with(PINS) {
                see(AlertKind::Pin, code, &call.server, Detail::None);
            }
        }
        if record.decision == Decision::Failed && call.direction == Direction::ClientToServer {
            see(AlertKind::Fault, "server", &call.server, Detail::None);
        }
        let slow = self
            .written
            .slower_than
            .is_some_and(|bound| record.took > bound.0);
        if slow && &*call.method != LISTEN {
            see(
                AlertKind::Latency,
                "",
                &call.server,
                Detail::Took(record.took),
            );
        }
    }

    /// Looks at a connection that has ended.
    pub(crate) fn connection(&self, connection: &Connection, now: u64) -> Option<AlertRecord> {
        if !self.kinds.has(AlertKind::Egress)
            || connection.verdict != Verdict::Refused
            || !fits(&self.written.servers, Some(&connection.server))
        {
            return None;
        }
        let code = connection.reason.map_or("", |reason| reason.as_str());
        let host = connection.host.as_deref().unwrap_or("no host");
        let event = Event {
            server: Some(&connection.server),
            detail: Detail::Host(host, connection.port),
            ..Event::of(AlertKind::Egress, code, &connection.server)
        };
        self.happened(&event, now)
    }

    /// Looks at a server that is failing, by what its conversations have shown. Its calls that failed count themselves.
    pub(crate) fn server_fails(&self, server: &str, why: &str, now: u64) -> Option<AlertRecord> {
        let narrowed = !self.written.tools.is_empty() || !self.written.clients.is_empty();
        if narrowed
            || !fits(&self.written.servers, Some(server))
            || self.table.lock().knows(AlertKind::Fault, server)
        {
            return None;
        }
        let event = Event {
            server: Some(server),
            detail: Detail::Words(why),
            ..Event::of(AlertKind::Fault, "server", server)
        };
        self.happened(&event, now)
    }

    /// Counts what happened, if its code is looked for. Returns the record of the alert that begins with it.
    pub(crate) fn happened(&self, event: &Event<'_>, now: u64) -> Option<AlertRecord> {
        if let Some(rule) = &self.written.rule
            && !rule.matches(event.code)
        {
            return None;
        }
        let notice = self.table.lock().happened(event, now, SystemTime::now())?;
        self.tell(notice)
    }

    /// What lasted is mended. Returns the record of the alert that ends with it.
    pub(crate) fn mended(&self, kind: AlertKind, subject: &str) -> Option<AlertRecord> {
        let notice = self.table.lock().mended(kind, subject, SystemTime::now())?;
        self.tell(notice)
    }

    /// Whatever lasted of this kind is mended, except for these subjects. They are asked for while the table is held: what
    /// is in it then is in force already, or not any more.
    pub(crate) fn mended_except(
        &self,
        kind: AlertKind,
        subjects: impl FnOnce() -> Vec<String>,
    ) -> Vec<AlertRecord> {
        let mut table = self.table.lock();
        let notices = table.mended_except(kind, subjects, SystemTime::now());
        drop(table);
        notices
            .into_iter()
            .filter_map(|notice| self.tell(notice))
            .collect()
    }

    /// Ends what is over, and tells what lasts.
    pub(crate) fn tick(&self, now: u64) -> Vec<AlertRecord> {
        let notices = self.table.lock().tick(now, SystemTime::now());
        notices
            .into_iter()
            .filter_map(|notice| self.tell(notice))
            .collect()
    }

    /// Ends every alert: the rule is none any more.
    pub(crate) fn end(&self) -> Vec<AlertRecord> {
        let notices = self.table.lock().end(SystemTime::now());
        let records = notices
            .into_iter()
            .filter_map(|notice| self.tell(notice))
            .collect();
        self.outbox.close();
        records
    }

    fn tell(&self, notice: Notice) -> Option<AlertRecord> {
        let record = notice.record(&self.name);
        if record
            .as_ref()
            .is_some_and(|record| record.status == "firing")
        {
            tracing::warn!(alert = %self.name, id = notice.id, "{}", notice.sentence());
        }
        self.outbox.put(notice);
        record
    }
}

/// Whether an interceptor noticed what has this code.
fn found_before(record: &Ended<'_>, code: &str) -> bool {
    let findings = record
        .trail
        .entries
        .iter()
        .flat_map(|entry| &entry.findings);
    findings.into_iter().any(|finding| *finding.rule == *code)
}

/// Whether a name is one of those that a rule is narrowed to.
fn fits(patterns: &[Pattern], name: Option<&str>) -> bool {
    patterns.is_empty()
        || name.is_some_and(|name| patterns.iter().any(|pattern| pattern.matches(name)))
}

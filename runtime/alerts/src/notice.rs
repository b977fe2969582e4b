//! What a receiver is told of an alert. All texts are bounded, and none steers a terminal.

use std::time::SystemTime;

use sandgate_config::AlertKind;
use sandgate_message::cut;
use sandgate_telemetry::call_log::AlertRecord;
use sandgate_text::printable;

use crate::event::Event;

/// The longest name in a message, in bytes.
pub(crate) const MAX_NAME: usize = 128;
/// The longest detail in a message, in bytes.
const MAX_DETAIL: usize = 256;

/// What is told of an alert at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Notice {
    pub(crate) status: NoticeStatus,
    /// The alert's id: one from its beginning to its end.
    pub(crate) id: String,
    pub(crate) kind: AlertKind,
    pub(crate) code: Option<String>,
    pub(crate) subject: String,
    pub(crate) server: Option<String>,
    pub(crate) client: Option<String>,
    pub(crate) tool: Option<String>,
    pub(crate) call: Option<String>,
    pub(crate) detail: Option<String>,
    /// How many there were within the rule's time when it was raised.
    pub(crate) count: u64,
    /// How many came after that.
    pub(crate) more: u64,
    pub(crate) since: SystemTime,
    pub(crate) at: SystemTime,
}

/// Why a receiver is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoticeStatus {
    /// The alert begins.
    Firing,
    /// It still lasts.
    Lasting,
    /// It is over.
    Resolved,
    /// The operator tries the receiver.
    Test,
}

impl NoticeStatus {
    /// The word in messages.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Firing => "firing",
            Self::Lasting => "lasting",
            Self::Resolved => "resolved",
            Self::Test => "test",
        }
    }
}

impl Notice {
    /// An alert that begins with this event.
    pub(crate) fn of(event: &Event<'_>, count: u64, at: SystemTime) -> Self {
        let name = |name: Option<&str>| name.map(|name| shown(name, MAX_NAME));
        Self {
            status: NoticeStatus::Firing,
            id: format!("{:016x}", rand::random::<u64>()),
            kind: event.kind,
            code: Some(event.code)
                .filter(|code| !code.is_empty())
                .map(|code| shown(code, MAX_NAME)),
            subject: shown(event.subject, MAX_NAME),
            server: name(event.server),
            client: name(event.client),
            tool: name(event.tool),
            call: name(event.call),
            detail: event.detail.words().map(|words| shown(&words, MAX_DETAIL)),
            count,
            more: 0,
            since: at,
            at,
        }
    }

    /// What happened, in a sentence.
    pub(crate) fn sentence(&self) -> String {
        let code = self
            .code
            .as_deref()
            .map(|code| format!(" ({code})"))
            .unwrap_or_default();
        let name = |name: &Option<String>| format!("{:?}", name.as_deref().unwrap_or("?"));
        let call = || {
            let tool = self
                .tool
                .as_ref()
                .map(|_| format!(" of {}", name(&self.tool)));
            format!(
                "call{} by {} at {}",
                tool.unwrap_or_default(),
                name(&self.client),
                name(&self.server)
            )
        };
        let subject = &self.subject;
        let detail = self.detail.as_deref().unwrap_or("?");
        match (self.status, self.kind) {
            (NoticeStatus::Test, _) => "a test: nothing has happened".to_owned(),
            (_, AlertKind::Finding) => format!("a finding{code} in a {}", call()),
            (_, AlertKind::Refusals) => format!("refused{code}: a {}", call()),
            (_, AlertKind::Fault) => format!("{subject} fails{code}"),
            (_, AlertKind::Stop) => format!("the operator has stopped {subject}: {detail}"),
            (_, AlertKind::Audit) => format!("{subject}: {detail}"),
            (_, AlertKind::Pin) => format!(
                "a tool of {} is not as it was approved{code}",
                name(&self.server)
            ),
            (_, AlertKind::Egress) => {
                format!("server {subject:?} was refused a connection to {detail}{code}")
            }
            (_, AlertKind::Latency) => format!("slow: a {} took {detail}", call()),
        }
    }

    /// The whole in one line: the rule, how it is, what happened, how often.
    pub(crate) fn line(&self, rule: &str) -> String {
        let begun = match self.status {
            NoticeStatus::Resolved => "over: ",
            NoticeStatus::Lasting => "still: ",
            NoticeStatus::Firing | NoticeStatus::Test => "",
        };
        let more = match (self.more, self.count) {
            (0, 0 | 1) => String::new(),
            (0, count) => format!(" [{count} times]"),
            (more, 0 | 1) => format!(" [and {more} more]"),
            (more, count) => format!(" [{count} times, and {more} more]"),
        };
        format!("{rule}: {begun}{}{more}", self.sentence())
    }

    /// What the call log has of it. `None`: it has nothing of repeats and tests.
    pub(crate) fn record(&self, rule: &str) -> Option<AlertRecord> {
        let status = match self.status {
            NoticeStatus::Firing | NoticeStatus::Resolved => self.status.as_str(),
            NoticeStatus::Lasting | NoticeStatus::Test => return None,
        };
        Some(AlertRecord {
            alert_id: self.id.clone(),
            kind: self.kind.as_str(),
            code: self.code.clone(),
            subject: self.subject.clone(),
            call: self.call.clone(),
            count: self.count,
            more: self.more,
            ..AlertRecord::new(rule, status, self.at)
        })
    }

    /// The memory that it takes, in bytes: an upper bound.
    pub(crate) fn size(&self) -> usize {
        let optional = [
            &self.code,
            &self.server,
            &self.client,
            &self.tool,
            &self.call,
            &self.detail,
        ];
        let texts = optional
            .into_iter()
            .flatten()
            .chain([&self.id, &self.subject]);
        size_of::<Self>() + texts.map(String::len).sum::<usize>()
    }
}

/// A text of others, bounded, without what steers terminals.
pub(crate) fn shown(text: &str, most: usize) -> String {
    printable(&cut(text, most))
}

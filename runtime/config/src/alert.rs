//! `[[alerts]]`: what wakes somebody, and how.

mod check;
mod receiver;
mod syslog;

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::amount::Period;
use super::pattern::Pattern;
use super::scalar::{Mistake, Scalar};
use super::secret::ValueOrRef;
use super::server::is_loopback;
use crate::url::Url;

pub(crate) use check::check;
pub use receiver::Receiver;
pub use syslog::{Syslog, SyslogHost};

/// The most rules of a file.
pub(crate) const MOST: usize = 64;
/// The longest name of a rule, in bytes.
const LONGEST_NAME: usize = 64;

/// A rule that wakes somebody: what it looks for, how much of it, and who is told.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Alert {
    /// The rule's own name, which each of its alerts bears: letters, digits, `-`, `_` and `.`, at most 64 of them.
    pub name: String,
    /// What it looks for.
    #[schemars(length(min = 1))]
    pub on: Vec<AlertKind>,
    /// A glob over codes, as the call log has them: of findings (`rule`), refusals (`code`), faults and refused connections
    /// (`reason`). Left out: every code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<Pattern>,
    /// Only of these servers: globs. Empty: of all.
    #[serde(default)]
    pub servers: Vec<Pattern>,
    /// Only calls of these tools, by the server's own names: globs. Empty: whatever is called.
    #[serde(default)]
    pub tools: Vec<Pattern>,
    /// Only calls of these clients: globs over the names that the gateway knows them by. Empty: of all.
    #[serde(default)]
    pub clients: Vec<Pattern>,
    /// How many within `within` are no alert yet. 0: the first one is.
    #[serde(default)]
    #[schemars(range(max = 1_000_000))]
    pub more_than: u32,
    /// The time in which they are counted, and after which an alert is over where there is no more: 1 s to 24 h.
    #[serde(default = "minute")]
    pub within: Period,
    /// With `latency`: calls that take longer count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slower_than: Option<Period>,
    /// How long an alert lasts before it is told again: 1 min to 7 d.
    #[serde(default = "hour")]
    pub repeat_after: Period,
    /// Who is told: one receiver.
    pub to: AlertTo,
}

fn minute() -> Period {
    Period::secs(60)
}

fn hour() -> Period {
    Period::secs(3600)
}

/// What an alert can be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AlertKind {
    /// An interceptor noticed something.
    Finding,
    /// A call was refused, or its reply withheld: by an interceptor, a view, a scope, a stop or the gateway's own rules.
    Refusals,
    /// An interceptor failed, or a server did.
    Fault,
    /// The operator has stopped something. It lasts until that is resumed.
    Stop,
    /// The call log cannot be written, or no checkpoint of it is kept. It lasts until they are again.
    Audit,
    /// A tool is not as it was approved: what the policy `tool-pins` found.
    Pin,
    /// A connection of a contained server was refused.
    Egress,
    /// A call took longer than `slower-than`.
    Latency,
}

impl AlertKind {
    /// All kinds.
    pub const ALL: [Self; 8] = [
        Self::Finding,
        Self::Refusals,
        Self::Fault,
        Self::Stop,
        Self::Audit,
        Self::Pin,
        Self::Egress,
        Self::Latency,
    ];

    /// The kind, as the configuration spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Finding => "finding",
            Self::Refusals => "refusals",
            Self::Fault => "fault",
            Self::Stop => "stop",
            Self::Audit => "audit",
            Self::Pin => "pin",
            Self::Egress => "egress",
            Self::Latency => "latency",
        }
    }

    /// Whether what it is about has a code.
    fn has_code(self) -> bool {
        matches!(
            self,
            Self::Finding | Self::Refusals | Self::Fault | Self::Pin | Self::Egress
        )
    }

    /// Whether it is about calls, which have a client and mostly a tool.
    fn is_of_calls(self) -> bool {
        matches!(
            self,
            Self::Finding | Self::Refusals | Self::Fault | Self::Pin | Self::Latency
        )
    }

    /// Whether it lasts until it is mended, rather than being counted.
    fn lasts(self) -> bool {
        matches!(self, Self::Stop | Self::Audit)
    }
}

/// A receiver of alerts: one of `webhook`, `slack`, `alertmanager` and `syslog`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct AlertTo {
    /// URL to which JSON is posted, as Standard Webhooks describes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook: Option<Url>,
    /// What webhooks are signed with: `whsec_` and base64, or a text, of 16 bytes at least. Left out: they are not signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<ValueOrRef>,
    /// URL of an incoming webhook of Slack, which is a secret by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slack: Option<ValueOrRef>,
    /// Base URL of a Prometheus Alertmanager: `/api/v2/alerts` is added.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alertmanager: Option<Url>,
    /// Where RFC 5424's messages go: `udp://ADDRESS:PORT`, `tcp://HOST:PORT`, `tls://HOST:PORT`, or the path of a Unix
    /// datagram socket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub syslog: Option<Syslog>,
}

/// The URL of an incoming webhook of Slack, if it may be posted to.
///
/// # Errors
///
/// It is no URL, or neither `https` nor on this machine.
pub(crate) fn slack_url(text: &str) -> Result<http::Uri, Mistake> {
    let help = "write the URL that Slack shows for the incoming webhook, or where it is kept";
    let url = Url::read(text)
        .map_err(|mistake| Mistake::new(mistake.why, help))?
        .0;
    match url.scheme_str() {
        Some("http") if !is_loopback(&url) => Err(Mistake::new(
            "is not https: whoever reads it on its way could post there too",
            help,
        )),
        _ => Ok(url),
    }
}

/// The key that webhooks are signed with.
///
/// # Errors
///
/// It is too short, or what follows `whsec_` is no base64.
pub(crate) fn signing_key(text: &str) -> Result<Vec<u8>, Mistake> {
    use base64::Engine as _;
    let help = "make one: printf 'whsec_%s' \"$(head -c 32 /dev/urandom | base64)\"";
    let key = match text.strip_prefix("whsec_") {
        None => text.as_bytes().to_vec(),
        Some(encoded) => base64::engine::general_purpose::STANDARD
            .decode(encoded)
            .map_err(|_| Mistake::new("has no base64 after `whsec_`", help))?,
    };
    match key.len() {
        16.. => Ok(key),
        _ => Err(Mistake::new("has fewer than 16 bytes", help)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_kind_is_written_as_it_is_called() {
        for kind in AlertKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
    }

    #[test]
    fn a_key_is_base64_after_its_mark_and_long_enough() {
        assert_eq!(
            signing_key("whsec_AAECAwQFBgcICQoLDA0ODw==").unwrap().len(),
            16
        );
        assert_eq!(
            signing_key("sixteen bytes ok").unwrap(),
            b"sixteen bytes ok"
        );
        for wrong in ["", "short", "whsec_", "whsec_AAEC", "whsec_!!!!"] {
            assert!(signing_key(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_slack_gave_is_posted_to_by_https_or_on_this_machine() {
        for right in [
            "https://hooks.slack.com/services/T/B/x",
            "http://127.0.0.1:9/x",
            "http://[::1]:9/x",
        ] {
            assert!(slack_url(right).is_ok(), "{right}");
        }
        for wrong in [
            "http://hooks.slack.com/x",
            "hooks.slack.com/x",
            "ftp://x/y",
            "",
        ] {
            assert!(slack_url(wrong).is_err(), "{wrong}");
        }
    }
}

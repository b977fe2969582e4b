//! A recorded exchange, as it is written and read.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sandgate_gateway::{CapturedCall, Decision as Became, NestedRun};
use sandgate_message::{
    Call, CallId, Direction, Era, Finding, Id, Json, JsonError, Limits, Message, Part, Severity,
};
use sandgate_pipeline::{Decision, Mode, Trail, TrailEntry};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// A recorded call: the request or notification as it came, the answer as it came, and what was decided.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// The call's id, as in the call log.
    pub id: String,
    /// When the call came: RFC 3339, in UTC.
    pub time: String,
    /// The era: `legacy` or `modern`.
    pub era: String,
    /// The direction: `client-to-server` or `server-to-client`.
    pub direction: String,
    /// The server's name.
    pub server: String,
    /// The method, for example `tools/call`.
    pub method: String,
    /// The tool's or prompt's name, or the resource's URI.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// A pseudonym of the conversation, the same throughout a recording.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// The caller, by its name in the configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub principal: Option<String>,
    /// The caller's groups.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// Attributes of the call by name, for example `client.name`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<(String, String)>,
    /// The server's definition of the target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<Box<RawValue>>,
    /// Whether the message is a notification, which has no answer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub notification: bool,
    /// The params as they came.
    pub params: Box<RawValue>,
    /// The other side's answer as it came: a result or an error object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<Box<RawValue>>,
    /// Whether the reply is an error object.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub failed: bool,
    /// What became of the call: `forwarded`, `refused`, `answered`, `failed`, `overloaded`, `cancelled`.
    pub became: String,
    /// The hook runs: those on the call itself first, then those on its nested messages.
    pub trail: Vec<Verdict>,
    /// Whether the call carries other messages, or begins a task.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub carries: bool,
    /// The ids of the calls that this one continues: those in which its answers were asked for, or its task was begun.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub follows: Vec<String>,
}

/// A hook run of an interceptor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    /// The method of the nested message that the run was on, for example `elicitation/create`. `None` for the call
    /// itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    /// The interceptor, by the operator's name for it.
    pub interceptor: String,
    /// The digest of its plugin, `sha256:…`.
    pub digest: String,
    /// The hook: `pre-call` or `post-call`.
    pub hook: String,
    /// Whether the interceptor was in audit.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub audit: bool,
    /// The decision: `proceed`, `edit`, `replace`, `refuse`, `answer`, `fault`.
    pub decision: String,
    /// Whether the decision took effect.
    pub applied: bool,
    /// The code of a refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The kind of a fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// What the interceptor noticed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Noticed>,
}

/// Identifies a run of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RunId<'a> {
    /// The method of the nested message that the run was on. `None` for the call itself.
    pub of: Option<&'a str>,
    /// The hook: `pre-call` or `post-call`.
    pub hook: &'a str,
    /// The interceptor's name.
    pub interceptor: &'a str,
    /// The number of the run among those that are otherwise identical, from 1.
    pub turn: usize,
}

/// A finding without its details, which count characters of text that has been replaced.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Noticed {
    /// The rule, for example `pii.email`.
    pub rule: String,
    /// The severity: `info`, `warn`, `error`.
    pub severity: String,
    /// The document: `params` or `reply`.
    pub part: String,
    /// The place in the document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
}

/// Why a line of a recording cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum NotAnExchange {
    /// The line is not JSON of this form.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// A document in the line is not valid.
    #[error(transparent)]
    Document(#[from] JsonError),
    /// A member has an unknown word.
    #[error("`{key}` cannot be {value:?}")]
    Word {
        /// The member's name.
        key: &'static str,
        /// The word.
        value: String,
    },
}

impl Exchange {
    /// The exchange of a captured call, with another name for its session.
    ///
    /// # Errors
    ///
    /// A part of the call is not JSON.
    pub fn of(taken: &CapturedCall, session: Option<String>) -> Result<Self, serde_json::Error> {
        let call = &taken.call;
        let carried = taken.carried();
        let raw = |json: &Json| RawValue::from_string(json.as_str().to_owned());
        Ok(Self {
            id: call.id.0.to_string(),
            time: humantime::format_rfc3339_micros(taken.at.max(UNIX_EPOCH)).to_string(),
            era: call.era.as_str().into(),
            direction: call.direction.as_str().into(),
            server: call.server.to_string(),
            method: call.method.to_string(),
            target: call.target.as_deref().map(Into::into),
            session,
            principal: call.principal.as_deref().map(Into::into),
            groups: call.groups.to_vec(),
            attributes: call.attributes.to_vec(),
            definition: call.definition.as_ref().map(raw).transpose()?,
            notification: taken.message.id().is_none(),
            params: raw(taken.message.payload())?,
            reply: taken
                .reply
                .as_ref()
                .map(|reply| raw(reply.payload()))
                .transpose()?,
            failed: taken.reply.as_ref().is_some_and(Message::failed),
            became: became(taken.decision).into(),
            trail: verdicts(&taken.trail, &carried.runs),
            carries: carried.carries,
            follows: carried.follows.iter().map(|id| id.0.to_string()).collect(),
        })
    }

    /// The call.
    ///
    /// # Errors
    ///
    /// A member has an unknown word, or the definition is not valid.
    pub fn call(&self, limits: &Limits) -> Result<Call, NotAnExchange> {
        let word = |key, value: &str| NotAnExchange::Word {
            key,
            value: value.into(),
        };
        Ok(Call {
            id: CallId(self.id.as_str().into()),
            method: self.method.as_str().into(),
            direction: match self.direction.as_str() {
                "client-to-server" => Direction::ClientToServer,
                "server-to-client" => Direction::ServerToClient,
                other => return Err(word("direction", other)),
            },
            era: match self.era.as_str() {
                "legacy" => Era::Legacy,
                "modern" => Era::Modern,
                other => return Err(word("era", other)),
            },
            server: self.server.as_str().into(),
            target: self.target.as_deref().map(Into::into),
            client_target: None,
            session: self.session.as_deref().map(Into::into),
            principal: self.principal.as_deref().map(Into::into),
            account: sandgate_message::Account::Local,
            groups: self.groups.clone().into(),
            definition: self
                .definition
                .as_ref()
                .map(|raw| Json::parse(raw.get().to_owned(), limits))
                .transpose()?,
            attributes: self.attributes.clone().into(),
        })
    }

    /// The message as it came, with an id of its own.
    ///
    /// # Errors
    ///
    /// The params are not a valid document.
    pub fn message(&self, limits: &Limits) -> Result<Message, NotAnExchange> {
        let params = Json::parse(self.params.get().to_owned(), limits)?;
        Ok(match self.notification {
            true => Message::notification(&self.method, &params),
            false => Message::request(&Id::number(1), &self.method, &params),
        })
    }

    /// The answer as it came. `None` if there was none.
    ///
    /// # Errors
    ///
    /// The answer is not a valid document.
    pub fn answer(&self, limits: &Limits) -> Result<Option<Message>, NotAnExchange> {
        let Some(reply) = &self.reply else {
            return Ok(None);
        };
        let payload = Json::parse(reply.get().to_owned(), limits)?;
        let empty = Json::empty_object();
        let message = match self.failed {
            false => Message::result(&Id::number(1), &payload),
            true => Message::error(Some(&Id::number(1)), 0, "", Some(&empty)).with_payload(payload),
        };
        Ok(Some(message))
    }

    /// When the call came, since the Unix epoch.
    ///
    /// # Errors
    ///
    /// The time cannot be parsed.
    pub fn came(&self) -> Result<Duration, NotAnExchange> {
        let time = humantime::parse_rfc3339(&self.time).ok();
        time.and_then(|time: SystemTime| time.duration_since(UNIX_EPOCH).ok())
            .ok_or_else(|| NotAnExchange::Word {
                key: "time",
                value: self.time.clone(),
            })
    }
}

/// The outcome as the call log spells it.
pub fn became(decision: Became) -> &'static str {
    match decision {
        Became::Forwarded => "forwarded",
        Became::Refused => "refused",
        Became::Answered => "answered",
        Became::Failed => "failed",
        Became::Overloaded => "overloaded",
        Became::Cancelled => "cancelled",
    }
}

/// The hook runs of a trail as they are recorded, then those on nested messages.
pub fn verdicts(trail: &Trail, within: &[NestedRun]) -> Vec<Verdict> {
    let within = within.iter().map(|aside| Verdict {
        of: Some(aside.method.to_string()),
        ..verdict(&aside.entry)
    });
    trail.entries.iter().map(verdict).chain(within).collect()
}

/// Every run with its id. An interceptor may have several runs at one hook, since each nested message adds one.
pub fn by_run(verdicts: &[Verdict]) -> impl Iterator<Item = (RunId<'_>, &Verdict)> {
    let mut turns: BTreeMap<RunId<'_>, usize> = BTreeMap::new();
    verdicts.iter().map(move |verdict| {
        let run = RunId {
            of: verdict.of.as_deref(),
            hook: &verdict.hook,
            interceptor: &verdict.interceptor,
            turn: 0,
        };
        let turns = turns.entry(run).or_default();
        *turns += 1;
        let turn = *turns;
        (RunId { turn, ..run }, verdict)
    })
}

fn verdict(entry: &TrailEntry) -> Verdict {
    Verdict {
        of: None,
        interceptor: entry.interceptor.to_string(),
        digest: entry.digest.to_string(),
        hook: entry.hook.as_str().into(),
        audit: entry.mode == Mode::Audit,
        decision: entry.decision.as_str().into(),
        applied: entry.applied,
        code: entry.code.as_deref().map(Into::into),
        failure: entry.failure.map(Into::into),
        findings: entry.findings.iter().map(noticed).collect(),
    }
}

fn noticed(finding: &Finding) -> Noticed {
    Noticed {
        rule: finding.rule.clone(),
        severity: match finding.severity {
            Severity::Info => "info",
            Severity::Warn => "warn",
            Severity::Error => "error",
        }
        .into(),
        part: match finding.part {
            Part::Params => "params",
            Part::Reply => "reply",
        }
        .into(),
        pointer: finding.pointer.clone(),
    }
}

impl Verdict {
    /// The decision in a word or two, for example `refuse (pii.email)`.
    pub fn word(&self) -> String {
        match (&self.code, &self.failure) {
            (Some(code), _) => format!("{} ({code})", self.decision),
            (None, Some(failure)) => format!("{} ({failure})", self.decision),
            (None, None) => self.decision.clone(),
        }
    }

    /// Whether the run found something to protect: it noticed something, or changed what passed.
    pub fn found(&self) -> bool {
        let changed = [Decision::Edit, Decision::Replace].map(Decision::as_str);
        !self.findings.is_empty() || changed.contains(&self.decision.as_str())
    }
}

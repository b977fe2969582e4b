//! Holds tools to the definitions that were approved: those in a lock file, or those that were seen first. A tool whose
//! definition changed dangerously is hidden and not callable until it is approved; a harmless change passes.
//!
//! Definitions are compared as the server gave them, so the policy stands nearest to the servers. It does not judge a
//! definition that it sees for the first time.

pub mod canonical;
pub mod change;
pub mod difference;
pub mod lock;
mod pin;
mod settings;
mod verdict;
mod wording;

use std::borrow::Cow;

use list_kind::Kind;
use sandgate_sdk::{
    Context, Document, Edit, Error, Explanation, Interceptor, Issues, PostDecision, PreDecision,
    because, bump_arena, export, finding, refuse, without_system,
};
use serde_json::value::RawValue;

pub use settings::Settings;

use crate::lock::Lock;
use crate::settings::Approval;
use crate::verdict::{Cause, Doubt, Target, Verdict};

bump_arena!();
without_system!();
export!(ToolPins);

/// The most findings of one list. What is hidden beyond that is hidden all the same.
const MOST_FINDINGS: usize = 100;

/// The longest name in an explanation, in bytes.
const LONGEST: usize = 512;

/// The policy.
pub struct ToolPins {
    settings: Settings,
    lock: Option<Lock>,
    approvals: Vec<Approval>,
}

impl Interceptor for ToolPins {
    type Settings = Settings;

    fn configure(settings: Settings) -> Result<Self, Issues> {
        let checked = settings.checked()?;
        Ok(Self {
            lock: checked.lock,
            approvals: checked.approvals,
            settings,
        })
    }

    fn pre_call(&self, context: &Context, _: &Document) -> Result<PreDecision, Error> {
        let Some(kind) = Kind::used_by(&context.method()) else {
            return Ok(PreDecision::Proceed);
        };
        let (Some(name), server) = (context.target(), context.server()) else {
            return Ok(PreDecision::Proceed);
        };
        let target = Target {
            server: &server,
            kind,
            name: &name,
        };
        // Without a definition the server does not list the tool, and nothing was shown to anybody that could have
        // changed. A lock says more: what is not in it is not approved.
        let verdict = match context.definition() {
            Some(definition) => self.judge(target, &definition)?,
            None => self.judge_unlisted(target),
        };
        let Verdict::Quarantined(doubt) = verdict else {
            return Ok(PreDecision::Proceed);
        };
        let message = match doubt.cause {
            Cause::NotInLock => format!("This {} is not approved here.", kind.singular()),
            Cause::NoRoom => format!(
                "The definition of this {} cannot be remembered. It can be used when the operator has approved it.",
                kind.singular()
            ),
            Cause::Changed(_) | Cause::Unreadable => format!(
                "The definition of this {} changed. It can be used again when the operator has approved it.",
                kind.singular()
            ),
        };
        Ok(refuse(doubt.code(), message)
            .at("/name")
            .explain(doubt.explanation(target))
            .into())
    }

    fn post_call(&self, context: &Context, reply: &Document) -> Result<PostDecision, Error> {
        let Some(kind) = Kind::listed_by(&context.method()) else {
            return Ok(PostDecision::Proceed);
        };
        if context.failed() || !self.settings.kinds.contains(&kind) {
            return Ok(PostDecision::Proceed);
        }
        let pointer = format!("/{}", kind.list());
        let Some(list) = reply.get(&pointer) else {
            return Ok(PostDecision::Proceed);
        };
        let elements: Vec<&RawValue> = serde_json::from_str(&list)
            .map_err(|_| Error::new(format!("{pointer} of the reply is not a list")))?;
        let server = context.server();
        let mut edits = Vec::new();
        for (n, element) in elements.iter().enumerate() {
            let place = format!("{pointer}/{n}");
            let Some(name) = name(element, kind) else {
                // Nothing can be said of what has no name, and nobody can use it.
                edits.push(Edit::Remove(place));
                continue;
            };
            let target = Target {
                server: &server,
                kind,
                name: &name,
            };
            let verdict = self.judge(target, element.get())?;
            if edits.len() < MOST_FINDINGS {
                report(&verdict, target, &place);
            }
            if matches!(verdict, Verdict::Quarantined(_)) {
                edits.push(Edit::Remove(place));
            }
        }
        Ok(edits.into())
    }
}

impl ToolPins {
    /// Judges the use of a tool that its server does not list.
    fn judge_unlisted(&self, target: Target<'_>) -> Verdict {
        let is_locked_out = target.kind == Kind::Tools
            && self.settings.unlisted == settings::Unlisted::Quarantine
            && self
                .lock
                .as_ref()
                .is_some_and(|lock| lock.get(target.server, target.name).is_none());
        match is_locked_out && !self.ignores(target) {
            true => Verdict::Quarantined(Doubt {
                digest: None,
                cause: Cause::NotInLock,
            }),
            false => Verdict::Approved,
        }
    }
}

/// The name of an element. The rest of it is skipped.
fn name(element: &RawValue, kind: Kind) -> Option<Cow<'_, str>> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Named<'a> {
        #[serde(borrow)]
        name: Option<Cow<'a, str>>,
        #[serde(borrow)]
        uri: Option<Cow<'a, str>>,
        #[serde(borrow)]
        uri_template: Option<Cow<'a, str>>,
    }
    let named: Named<'_> = serde_json::from_str(element.get()).ok()?;
    match kind.name() {
        "uri" => named.uri,
        "uriTemplate" => named.uri_template,
        _ => named.name,
    }
}

/// Records what the operator should know.
fn report(verdict: &Verdict, target: Target<'_>, place: &str) {
    let (doubt, then) = match verdict {
        Verdict::Approved => return,
        Verdict::Noted => {
            finding(
                "tool-pins.changed-harmlessly",
                "The definition changed harmlessly and is pinned anew.",
            )
            .at(place)
            .explain(because("changed definition").decided_by("/harmless"))
            .report();
            return;
        }
        Verdict::Recorded(doubt) => (doubt, ""),
        Verdict::Quarantined(doubt) => (doubt, " It is hidden until it is approved."),
    };
    let what = match &doubt.cause {
        Cause::NotInLock => "The definition is not in the lock file.",
        Cause::Changed(_) => "The definition is not the approved one.",
        Cause::Unreadable => "The definition cannot be read.",
        Cause::NoRoom => "There is no room to remember the definition.",
    };
    let reasons = match &doubt.cause {
        Cause::Changed(reasons) => reasons.as_slice(),
        Cause::NotInLock | Cause::Unreadable | Cause::NoRoom => &[],
    };
    finding(doubt.code(), format!("{what}{then}"))
        .error()
        .at(place)
        .details(serde_json::json!({ "reasons": reasons, "digest": doubt.digest.map(|digest| digest.to_string()) }).to_string())
        .explain(doubt.explanation(target))
        .report();
}

impl Doubt {
    fn code(&self) -> &'static str {
        match self.cause {
            Cause::NotInLock => "tool-pins.not-in-lock",
            Cause::Changed(_) => "tool-pins.changed",
            Cause::Unreadable => "tool-pins.unreadable",
            Cause::NoRoom => "tool-pins.no-room",
        }
    }

    /// The explanation: the entry of `approve` that would let the definition pass.
    fn explanation(&self, target: Target<'_>) -> Explanation {
        let told = match &self.cause {
            Cause::NotInLock => because("not in the lock file"),
            Cause::Changed(reasons) if reasons.is_empty() => because("changed definition"),
            Cause::Changed(reasons) => {
                because(format!("changed definition: {}", reasons.join(", ")))
            }
            Cause::Unreadable => because("definition that cannot be read"),
            Cause::NoRoom => because("no room to remember the definition"),
        };
        let told = told.taken_for(format!("definition of a {}", target.kind.singular()));
        match self.digest {
            Some(digest) if target.name.len() <= LONGEST => told.allowed_by(
                "/approve/-",
                format!("{}/{}@{digest}", target.server, target.name),
            ),
            _ => told.decided_by("/approve"),
        }
    }
}

#[cfg(test)]
mod tests;

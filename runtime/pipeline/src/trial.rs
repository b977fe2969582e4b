//! One run of a candidate, and what differs between it and the live one.
//!
//! Compared is what would become of the call: whether it passes, is refused or answered; with which document; with which
//! code; and what was noticed (rules and places). Two ways to the same document are the same, and so are two wordings of
//! one refusal.

use std::hash::{BuildHasher, RandomState};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use sandgate_message::{
    Call, Failure, Finding, Hook, HookRequest, HookResult, Json, Part, PreDecision, Role,
};

use crate::apply::{DecisionRules, Effect, Weighed};
use crate::bound::BoundInterceptor;
use crate::hook_run::widen;
use crate::refusal::RefusalCause;
use crate::trail::Decision;

/// What the candidate is to be offered once the live run has decided.
pub(crate) struct Offer {
    pub(crate) call: Arc<Call>,
    pub(crate) sent: Option<Json>,
}

/// Where a candidate's pre-call leaves its note.
pub(crate) type Note = OnceLock<Option<Arc<[u8]>>>;

/// What became of candidates' pre-calls, by place in the chain; none: dropped.
pub(crate) type CandidateNotes = Vec<(usize, Option<Arc<Note>>)>;

/// What the live run saw, and what came of it.
pub(crate) struct Trial {
    pub(crate) hook: Hook,
    pub(crate) call: Arc<Call>,
    document: Json,
    sent: Option<Json>,
    terms: DecisionRules,
    note: Option<Arc<Note>>,
    pub(crate) live: Live,
    /// Of the documents that it holds on to.
    pub(crate) bytes: usize,
}

/// A decision, as far as it is compared. Nothing of it is a copy.
pub(crate) struct Live {
    pub(crate) decision: Decision,
    /// Of a refusal: its code, hashed.
    code: u64,
    /// The document or answer that it made.
    made: Option<Json>,
    /// What was noticed, hashed, in whatever order.
    findings: u64,
    pub(crate) us: u64,
}

/// What came of a run of the candidate.
pub(crate) struct TrialResult {
    pub(crate) decision: Decision,
    /// Of a refusal.
    pub(crate) code: Option<Box<str>>,
    /// Of a fault: its kind.
    pub(crate) failure: Option<&'static str>,
    /// Where it differs from the live run.
    pub(crate) differs: Option<Aspect>,
    /// None: it was not asked, since its plugin does not ask for the event.
    pub(crate) us: Option<u64>,
}

/// In what two runs differ; where in several, the first of these.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Aspect {
    /// What becomes of the call.
    Decision,
    /// A refusal's code.
    Code,
    /// The document that was made.
    Document,
    /// What was noticed: rules and places.
    Findings,
}

impl Aspect {
    /// As logs and metrics spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Decision => "decision",
            Self::Code => "code",
            Self::Document => "document",
            Self::Findings => "findings",
        }
    }
}

impl Live {
    pub(crate) fn of(
        weighed: &Weighed,
        findings: &[Finding],
        us: u64,
        hashes: &RandomState,
    ) -> Self {
        let (decision, code, made) = match weighed {
            Err(_) => (Decision::Fault, 0, None),
            Ok((word, Effect::Change(json) | Effect::Answer(json))) => {
                (*word, 0, Some(json.clone()))
            }
            Ok((word, Effect::Stop(RefusalCause::Refused(refusal)))) => {
                (*word, hashes.hash_one(&refusal.code), None)
            }
            Ok((word, _)) => (*word, 0, None),
        };
        // In any order: two runs may notice the same in another one.
        let findings = findings.iter().fold(0_u64, |sum, finding| {
            let part = finding.part == Part::Reply;
            sum.wrapping_add(hashes.hash_one((&finding.rule, part, &finding.pointer)))
        });
        Self {
            decision,
            code,
            made,
            findings,
            us,
        }
    }

    /// In what the other one differs, both having seen this document.
    fn differs(&self, other: &Self, seen: &Json) -> Option<Aspect> {
        use Decision::{Answer, Edit, Fault, Proceed, Refuse, Replace};
        let becomes = |one: &Self| match one.decision {
            Proceed | Edit | Replace => 0,
            Refuse => 1,
            Answer => 2,
            Fault => 3,
        };
        let text = |one: &'_ Self| one.made.as_ref().unwrap_or(seen).bytes();
        if becomes(self) != becomes(other) {
            Some(Aspect::Decision)
        } else if self.code != other.code {
            Some(Aspect::Code)
        } else if text(self) != text(other) {
            // To pass as it is and to pass changed are two decisions.
            let changed = self.made.is_some() == other.made.is_some();
            Some(if changed {
                Aspect::Document
            } else {
                Aspect::Decision
            })
        } else if self.findings != other.findings {
            Some(Aspect::Findings)
        } else {
            None
        }
    }
}

impl Trial {
    pub(crate) fn new(
        hook: Hook,
        (offer, document, terms): (Offer, Json, DecisionRules),
        note: Option<Arc<Note>>,
        live: Live,
    ) -> Self {
        let held = [Some(&document), offer.sent.as_ref(), live.made.as_ref()];
        let bytes = held.into_iter().flatten().map(|json| json.as_str().len());
        Self {
            bytes: bytes.sum(),
            hook,
            call: offer.call,
            document,
            sent: offer.sent,
            terms,
            note,
            live,
        }
    }

    /// Runs the candidate on it. Whatever it does, it ends here.
    pub(crate) async fn run(&self, bound: &BoundInterceptor, hashes: &RandomState) -> TrialResult {
        if !bound.covers(self.hook, &self.call) {
            let proceeded = Live::of(&Ok((Decision::Proceed, Effect::Nothing)), &[], 0, hashes);
            return TrialResult {
                decision: Decision::Proceed,
                code: None,
                failure: None,
                differs: self.live.differs(&proceeded, &self.document),
                us: None,
            };
        }
        let outcome = AssertUnwindSafe(self.ask(bound)).catch_unwind().await;
        let outcome = outcome.unwrap_or_else(|_| {
            HookResult::failed(Failure::Malformed("it brought its own run down".into()))
        });
        let role = bound.role(self.hook).unwrap_or(Role::Validation);
        let weighed = outcome
            .decision
            .and_then(|decision| self.terms.weigh(role, &self.document, decision));
        if let (Hook::PreCall, Some(note), Ok(_)) = (self.hook, &self.note, &weighed) {
            // Nobody else sets it.
            let _ = note.set(outcome.carry);
        }
        let us = micros(outcome.took);
        let own = Live::of(&weighed, &outcome.findings, us, hashes);
        let (code, failure) = match &weighed {
            Ok((_, Effect::Stop(RefusalCause::Refused(refusal)))) => {
                (Some(refusal.code.as_str().into()), None)
            }
            Ok(_) => (None, None),
            Err(failure) => (None, Some(failure.kind())),
        };
        TrialResult {
            decision: own.decision,
            code,
            failure,
            differs: self.live.differs(&own, &self.document),
            us: Some(us),
        }
    }

    async fn ask(&self, bound: &BoundInterceptor) -> HookResult<PreDecision> {
        let timeout = bound.place().timeout;
        let carried = match self.hook {
            Hook::PreCall => None,
            Hook::PostCall => self
                .note
                .as_ref()
                .and_then(|note| note.get().cloned().flatten()),
        };
        let run = HookRequest {
            call: self.call.clone(),
            document: self.document.clone(),
            sent: self.sent.clone(),
            failed: self.terms.failed(),
            carried,
            timeout,
            deadline: Instant::now() + HookRequest::wall_limit(timeout),
            shadow: true,
        };
        match self.hook {
            Hook::PreCall => bound.interceptor().pre_call(run).await,
            Hook::PostCall => widen(bound.interceptor().post_call(run).await),
        }
    }
}

pub(crate) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

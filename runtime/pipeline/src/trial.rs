//! A trial: one run of a candidate, and its difference from the live run.
//!
//! The two are compared by what would become of the call: whether it passes, is refused or answered; with which
//! document; with which code; and what was noticed (rules and places). Two ways to the same document are the same, and
//! so are two wordings of one refusal.

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

/// What the candidate is offered once the live run has decided.
pub(crate) struct Offer {
    pub(crate) call: Arc<Call>,
    pub(crate) sent: Option<Json>,
}

/// A cell for the note that a candidate's pre-call leaves.
pub(crate) type Note = OnceLock<Option<Arc<[u8]>>>;

/// The notes of candidates' pre-calls, by place in the chain. `None` if the offer was dropped.
pub(crate) type CandidateNotes = Vec<(usize, Option<Arc<Note>>)>;

/// What the live run saw and decided, for a candidate to run on.
pub(crate) struct Trial {
    pub(crate) hook: Hook,
    pub(crate) call: Arc<Call>,
    document: Json,
    sent: Option<Json>,
    terms: DecisionRules,
    note: Option<Arc<Note>>,
    pub(crate) live: Live,
    /// The size of the documents that the trial holds on to.
    pub(crate) bytes: usize,
}

/// A decision, as far as it is compared. Nothing in it is a copy.
pub(crate) struct Live {
    pub(crate) decision: Decision,
    /// A refusal's code, hashed.
    code: u64,
    /// The document or answer that the decision made.
    made: Option<Json>,
    /// What was noticed, hashed regardless of order.
    findings: u64,
    pub(crate) us: u64,
}

/// The result of a candidate's run.
pub(crate) struct TrialResult {
    pub(crate) decision: Decision,
    /// The code of a refusal.
    pub(crate) code: Option<Box<str>>,
    /// The kind of a fault.
    pub(crate) failure: Option<&'static str>,
    /// In what the run differs from the live run.
    pub(crate) differs: Option<Aspect>,
    /// The run time in microseconds. `None` if the candidate was not asked, since its plugin does not ask for the
    /// event.
    pub(crate) us: Option<u64>,
}

/// In what two runs differ. Where they differ in several aspects, the first of these counts.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Aspect {
    /// What becomes of the call.
    Decision,
    /// A refusal's code.
    Code,
    /// The resulting document.
    Document,
    /// What was noticed: rules and places.
    Findings,
}

impl Aspect {
    /// The aspect's name in logs and metrics.
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
        // The sum ignores the order, since two runs may notice the same in different orders.
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

    /// In what the other decision differs, where both saw this document.
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
            // To pass as it is and to pass changed are two different decisions.
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

    /// Runs the candidate on what the live run saw. A panic of the candidate ends here.
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
            // Only this run sets the note.
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

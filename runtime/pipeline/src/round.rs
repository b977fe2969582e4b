//! One hook's runs over one document: asks, waits, weighs what was decided and writes the trail. The order of its calls
//! is `chain`'s and `passage`'s.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use futures_util::stream::{FuturesUnordered, StreamExt};
use sandgate_message::{
    Call, EditError, Failure, Hook, Json, Kind, Message, Method, Outcome, Pending, PostDecision,
    PreDecision, Role, Run, apply,
};
use tracing::Span;

use crate::chain::Chain;
use crate::refusal::Reason;
use crate::step::{Mode, Sees, Step};
use crate::trail::{Decision, Trail, TrailEntry};

/// The notes that pre-calls left for their post-calls, by place in the chain.
pub(crate) type Carries = Vec<(usize, Arc<[u8]>)>;

/// Why a round ended early.
pub(crate) struct Stop {
    /// Place in the chain.
    pub(crate) step: usize,
    pub(crate) reason: Reason,
}

/// One hook's runs over one document.
pub(crate) struct Round<'a> {
    chain: &'a Chain,
    hook: Hook,
    call: Arc<Call>,
    document: Json,
    changed: bool,
    /// On the way in: a request, which an answer can stand for.
    request: bool,
    /// On the way out: the document is an error object.
    failed: bool,
    sent: Option<Json>,
    answer: Option<Json>,
    carries: Carries,
    trail: Trail,
    /// Runs in audit that are under way; nobody waits for them before the end.
    audits: Option<FuturesUnordered<Asked<'a>>>,
}

/// What a round leaves.
pub(crate) struct End {
    pub(crate) call: Arc<Call>,
    /// The document, where an active mutator changed it.
    pub(crate) changed: Option<Json>,
    pub(crate) answer: Option<Json>,
    pub(crate) carries: Carries,
    pub(crate) trail: Trail,
}

/// A run under way. The interceptor is asked at the first poll, so that its time starts when it can run.
struct Asked<'a> {
    step: &'a Step,
    hook: Hook,
    span: Span,
    state: State<'a>,
    ticket: Option<Ticket>,
}

enum State<'a> {
    Idle(Option<Run>),
    Pre(Pending<'a, Outcome<PreDecision>>),
    Post(Pending<'a, Outcome<PostDecision>>),
}

/// Which run it was, and what it saw.
struct Ticket {
    /// Place in the chain.
    index: usize,
    /// Its entry in the trail.
    slot: usize,
    document: Json,
}

type Decided = (Ticket, Outcome<PreDecision>);

/// What an active run's decision does.
enum Effect {
    Nothing,
    Change(Json),
    Answer(Json),
    Stop(Reason),
}

impl<'a> Round<'a> {
    pub(crate) fn of_params(
        chain: &'a Chain,
        call: Arc<Call>,
        params: Json,
        request: bool,
    ) -> Self {
        Self {
            chain,
            hook: Hook::PreCall,
            call,
            document: params,
            changed: false,
            request,
            failed: false,
            sent: None,
            answer: None,
            carries: Carries::new(),
            trail: Trail::new(chain.version),
            audits: None,
        }
    }

    pub(crate) fn of_reply(
        chain: &'a Chain,
        call: Arc<Call>,
        reply: &Message,
        sent: Json,
        carries: Carries,
        trail: Trail,
    ) -> Self {
        Self {
            chain,
            hook: Hook::PostCall,
            call,
            document: reply.payload().clone(),
            changed: false,
            request: false,
            failed: reply.failed(),
            sent: Some(sent),
            answer: None,
            carries,
            trail,
            audits: None,
        }
    }

    pub(crate) fn steps(&self) -> &'a [Step] {
        &self.chain.steps
    }

    /// Runs the mutators one after another in the order given.
    pub(crate) async fn mutators(
        &mut self,
        order: impl Iterator<Item = (usize, &'a Step)>,
    ) -> Result<(), Stop> {
        for (index, step) in order {
            if step.role(self.hook) != Some(Role::Mutation) || !step.covers(self.hook, &self.call) {
                continue;
            }
            let asked = self.ask(index, step);
            if step.place().mode == Mode::Audit {
                self.audits.get_or_insert_default().push(asked);
                continue;
            }
            let (ticket, outcome) = self.beside_audits(asked).await;
            let slot = ticket.slot;
            match self.settle(ticket, outcome) {
                Effect::Nothing => {}
                Effect::Change(document) => self.change(document),
                Effect::Answer(answer) if self.answer.is_none() => self.answer = Some(answer),
                Effect::Answer(_) => self.trail.entries[slot].applied = false,
                Effect::Stop(reason) => {
                    return Err(Stop {
                        step: index,
                        reason,
                    });
                }
            }
        }
        Ok(())
    }

    /// Runs the validators in parallel; all run to their end, so that the trail has every one.
    pub(crate) async fn validators(&mut self, sees: Sees) -> Result<(), Stop> {
        let mut alone = None;
        let mut several: Option<FuturesUnordered<Asked<'a>>> = None;
        for (index, step) in self.steps().iter().enumerate() {
            // `sees` is of replies; a pre-call always judges what the server gets.
            let elsewhere = self.hook == Hook::PostCall && step.place().sees != sees;
            if step.role(self.hook) != Some(Role::Validation)
                || elsewhere
                || !step.covers(self.hook, &self.call)
            {
                continue;
            }
            let asked = self.ask(index, step);
            if step.place().mode == Mode::Audit {
                self.audits.get_or_insert_default().push(asked);
            } else if let Some(several) = &several {
                several.push(asked);
            } else if let Some(first) = alone.replace(asked) {
                several = Some([Some(first), alone.take()].into_iter().flatten().collect());
            }
        }
        let mut first: Option<(usize, Stop)> = None;
        if let Some(asked) = alone {
            let decided = self.beside_audits(asked).await;
            self.judge(decided, &mut first);
        }
        if let Some(mut several) = several {
            while let Some(decided) = self.beside_audits(several.next()).await {
                self.judge(decided, &mut first);
            }
        }
        match first {
            Some((_, stop)) => Err(stop),
            None => Ok(()),
        }
    }

    /// Waits for what is still under way in audit: its decisions belong in the trail, its notes to the post-calls.
    pub(crate) async fn finish_audits(&mut self) {
        if let Some(mut audits) = self.audits.take() {
            while let Some((ticket, outcome)) = audits.next().await {
                self.settle(ticket, outcome);
            }
        }
    }

    pub(crate) fn end(self) -> End {
        let changed = self.changed.then_some(self.document);
        End {
            call: self.call,
            changed,
            answer: self.answer,
            carries: self.carries,
            trail: self.trail,
        }
    }

    /// Keeps the stop that is first in the file, and only that one as applied.
    fn judge(&mut self, (ticket, outcome): Decided, first: &mut Option<(usize, Stop)>) {
        let (index, slot) = (ticket.index, ticket.slot);
        let Effect::Stop(reason) = self.settle(ticket, outcome) else {
            return;
        };
        let stop = Stop {
            step: index,
            reason,
        };
        match first {
            Some((_, earlier)) if earlier.step < index => self.trail.entries[slot].applied = false,
            Some(later) => {
                self.trail.entries[later.0].applied = false;
                *later = (slot, stop);
            }
            None => *first = Some((slot, stop)),
        }
    }

    /// Takes another document, and the target it names.
    fn change(&mut self, document: Json) {
        if self.hook == Hook::PreCall {
            let method = Method::new(&self.call.method);
            let target = method.target_in(&document);
            if target != method.target_in(&self.document) {
                let call = Arc::make_mut(&mut self.call);
                call.target = target.map(Into::into);
                call.client_target = None;
                call.definition = None;
            }
        }
        self.document = document;
        self.changed = true;
    }

    fn ask(&mut self, index: usize, step: &'a Step) -> Asked<'a> {
        let (hook, place) = (self.hook, step.place());
        let slot = self.trail.entries.len();
        self.trail.entries.push(TrailEntry {
            interceptor: step.name().clone(),
            digest: step.digest().clone(),
            hook,
            mode: place.mode,
            decision: Decision::Fault,
            applied: false,
            code: None,
            failure: None,
            findings: Vec::new(),
            us: 0,
        });
        let carried = match hook {
            Hook::PreCall => None,
            Hook::PostCall => self
                .carries
                .iter()
                .find(|(of, _)| *of == index)
                .map(|(_, note)| note.clone()),
        };
        let run = Run {
            call: self.call.clone(),
            document: self.document.clone(),
            sent: self.sent.clone(),
            failed: self.failed,
            carried,
            deadline: Instant::now(),
            timeout: place.timeout,
            shadow: place.mode == Mode::Audit,
        };
        let span = tracing::debug_span!(
            "hook",
            interceptor = %step.name(),
            hook = hook.as_str(),
            call = %self.call.id,
            decision = tracing::field::Empty,
        );
        let ticket = Some(Ticket {
            index,
            slot,
            document: self.document.clone(),
        });
        Asked {
            step,
            hook,
            span,
            state: State::Idle(Some(run)),
            ticket,
        }
    }

    /// Waits for `main`, and lets the runs in audit go on meanwhile.
    async fn beside_audits<T>(&mut self, main: impl Future<Output = T>) -> T {
        let Some(audits) = &mut self.audits else {
            return main.await;
        };
        let mut main = pin!(main);
        let mut over = Vec::new();
        let result = poll_fn(|context| {
            while let Poll::Ready(Some(decided)) = audits.poll_next_unpin(context) {
                over.push(decided);
            }
            main.as_mut().poll(context)
        })
        .await;
        for (ticket, outcome) in over {
            self.settle(ticket, outcome);
        }
        result
    }

    /// Writes the entry and says what the decision does; nothing in audit.
    fn settle(&mut self, ticket: Ticket, outcome: Outcome<PreDecision>) -> Effect {
        let Outcome {
            decision,
            findings,
            carry,
            took,
        } = outcome;
        let step = &self.chain.steps[ticket.index];
        let active = step.place().mode == Mode::Active;
        let weighed = decision.and_then(|decision| {
            let word = word(&decision);
            self.weigh(step, &ticket.document, decision)
                .map(|effect| (word, effect))
        });
        let entry = &mut self.trail.entries[ticket.slot];
        entry.findings = findings;
        entry.us = took.as_micros().try_into().unwrap_or(u64::MAX);
        let effect = match weighed {
            Ok((word, effect)) => {
                entry.decision = word;
                entry.applied = active;
                if let Effect::Stop(Reason::Refused(refusal)) = &effect {
                    entry.code = Some(refusal.code.as_str().into());
                }
                if let (Hook::PreCall, Some(note)) = (self.hook, carry) {
                    self.carries.push((ticket.index, note));
                }
                effect
            }
            Err(failure) => {
                let (name, hook) = (step.name(), self.hook.as_str());
                tracing::warn!(interceptor = %name, hook, call = %self.call.id, %failure, "interceptor failed");
                entry.decision = Decision::Fault;
                entry.failure = Some(failure.kind());
                entry.applied = active && !step.place().fail_open;
                if step.place().fail_open {
                    Effect::Nothing
                } else {
                    Effect::Stop(Reason::Failed(failure))
                }
            }
        };
        if active { effect } else { Effect::Nothing }
    }

    /// What a decision does to the document that the run saw, or why it cannot be done.
    fn weigh(&self, step: &Step, seen: &Json, decision: PreDecision) -> Result<Effect, Failure> {
        let validation = step.role(self.hook) == Some(Role::Validation);
        let limits = &self.chain.limits;
        Ok(match decision {
            PreDecision::Proceed => Effect::Nothing,
            PreDecision::Refuse(refusal) => Effect::Stop(Reason::Refused(refusal)),
            _ if validation => return malformed("a validation may only proceed or refuse"),
            PreDecision::Edit(edits) if edits.is_empty() => Effect::Nothing,
            PreDecision::Edit(edits) => {
                let edited = apply(seen, &edits, limits)
                    .map_err(|error| Failure::Malformed(without_payload(&error)))?;
                Effect::Change(self.same_kind(seen, edited)?)
            }
            PreDecision::Replace(json) => {
                let json = Json::parse(json.bytes(), limits)
                    .map_err(|error| Failure::Malformed(error.to_string()))?;
                Effect::Change(self.same_kind(seen, json)?)
            }
            PreDecision::Answer(_) if !self.request => {
                return malformed("a notification cannot be answered");
            }
            PreDecision::Answer(json) => {
                let json = Json::parse(json.bytes(), limits)
                    .map_err(|error| Failure::Malformed(error.to_string()))?;
                if json.root().kind() != Kind::Object {
                    return malformed("an answer must be an object");
                }
                Effect::Answer(json)
            }
        })
    }

    /// Params stay params, a result a result, an error an error.
    fn same_kind(&self, before: &Json, after: Json) -> Result<Json, Failure> {
        let root = after.root();
        if root.kind() != before.root().kind() {
            return malformed("the document became something of another JSON type");
        }
        let has = |name, kind| root.get(name).is_some_and(|member| member.kind() == kind);
        if self.failed && !(has("code", Kind::Number) && has("message", Kind::String)) {
            return malformed("the error object lost its code or message");
        }
        Ok(after)
    }
}

impl Future for Asked<'_> {
    type Output = Decided;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Decided> {
        let this = &mut *self;
        let _within = this.span.enter();
        if let State::Idle(run) = &mut this.state
            && let Some(mut run) = run.take()
        {
            run.deadline = Instant::now() + run.timeout;
            this.state = match this.hook {
                Hook::PreCall => State::Pre(this.step.interceptor().pre_call(run)),
                Hook::PostCall => State::Post(this.step.interceptor().post_call(run)),
            };
        }
        let outcome = match &mut this.state {
            State::Pre(run) => run.as_mut().poll(context),
            State::Post(run) => run.as_mut().poll(context).map(widen),
            State::Idle(_) => Poll::Pending,
        };
        let Poll::Ready(outcome) = outcome else {
            return Poll::Pending;
        };
        // A future is not polled after its end; were it, it would have nothing more to say.
        let Some(ticket) = this.ticket.take() else {
            return Poll::Pending;
        };
        this.span.record(
            "decision",
            outcome
                .decision
                .as_ref()
                .map_or(Decision::Fault, word)
                .as_str(),
        );
        Poll::Ready((ticket, outcome))
    }
}

/// A post-call decides what a pre-call may, but for the answer.
fn widen(outcome: Outcome<PostDecision>) -> Outcome<PreDecision> {
    let Outcome {
        decision,
        findings,
        carry,
        took,
    } = outcome;
    let decision = decision.map(|decision| match decision {
        PostDecision::Proceed => PreDecision::Proceed,
        PostDecision::Edit(edits) => PreDecision::Edit(edits),
        PostDecision::Replace(json) => PreDecision::Replace(json),
        PostDecision::Refuse(refusal) => PreDecision::Refuse(refusal),
    });
    Outcome {
        decision,
        findings,
        carry,
        took,
    }
}

fn word(decision: &PreDecision) -> Decision {
    match decision {
        PreDecision::Proceed => Decision::Proceed,
        PreDecision::Edit(_) => Decision::Edit,
        PreDecision::Replace(_) => Decision::Replace,
        PreDecision::Refuse(_) => Decision::Refuse,
        PreDecision::Answer(_) => Decision::Answer,
    }
}

fn malformed<T>(why: &str) -> Result<T, Failure> {
    Err(Failure::Malformed(why.into()))
}

/// Without the pointers, whose names may be the caller's own words.
fn without_payload(error: &EditError) -> String {
    match error {
        EditError::Missing { index, .. } => format!("edit {index}: nothing stands there"),
        EditError::Pointer { index, .. } => format!("edit {index}: not a usable pointer"),
        error => error.to_string(),
    }
}

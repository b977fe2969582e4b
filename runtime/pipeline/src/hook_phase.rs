//! One hook's runs over one document: asks, waits, weighs what was decided and writes the trail. The order of its calls
//! is `chain`'s and `passage`'s.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use sandgate_message::{
    Call, Client, Failure, Hook, HookRequest, HookResult, Json, Message, Method, PreDecision, Role,
};

use crate::apply::{DecisionRules, Effect};
use crate::chain::Chain;
use crate::hook_run::{FinishedRun, HookRun, HookRuns, RunTicket, poll_next};
use crate::nested::{NestedMessages, NestedOutcome, NestedRefusal};
use crate::refusal::RefusalCause;
use crate::step::Step;
use crate::step_config::{Mode, Sees};
use crate::trail::{Decision, Malfunction, Trail};
use crate::trial::{CandidateNotes, Offer, micros};

/// What pre-calls left for their post-calls.
#[derive(Clone, Debug, Default)]
pub(crate) struct Notes {
    /// Notes, by place in the chain.
    live: Vec<(usize, Arc<[u8]>)>,
    /// Those of candidates; made where there is one.
    candidates: Option<Box<CandidateNotes>>,
}

/// Why a phase ended early.
#[derive(Clone, Debug)]
pub(crate) struct StepRefusal {
    /// Place in the chain.
    pub(crate) step: usize,
    pub(crate) cause: RefusalCause,
}

/// How a phase ended early.
pub(crate) enum PhaseEnd {
    /// By an interceptor of the phase.
    Step(StepRefusal),
    /// By something that the document notes.
    Nested(NestedRefusal),
}

impl From<StepRefusal> for PhaseEnd {
    fn from(stop: StepRefusal) -> Self {
        Self::Step(stop)
    }
}

/// One hook's runs over one document.
pub(crate) struct HookPhase<'a> {
    chain: &'a Chain,
    hook: Hook,
    call: Arc<Call>,
    document: Json,
    changed: bool,
    rules: DecisionRules,
    /// On the way out: the params as they were sent.
    sent: Option<Json>,
    answer: Option<Json>,
    notes: Notes,
    trail: Trail,
    /// Runs in audit that are under way; nobody waits for them before the end.
    audits: Option<HookRuns<'a>>,
}

/// What a phase leaves.
pub(crate) struct PhaseOutput {
    pub(crate) call: Arc<Call>,
    /// The document, where an active mutator changed it.
    pub(crate) changed: Option<Json>,
    pub(crate) answer: Option<Json>,
    pub(crate) notes: Notes,
    pub(crate) trail: Trail,
}

impl<'a> HookPhase<'a> {
    /// Over the params of a request or notification.
    pub(crate) fn of_params(chain: &'a Chain, call: Arc<Call>, message: &Message) -> Self {
        let trail = Trail::new(chain.version);
        Self::new(
            chain,
            Hook::PreCall,
            call,
            message,
            None,
            Notes::default(),
            trail,
        )
    }

    /// Over a reply.
    pub(crate) fn of_reply(
        chain: &'a Chain,
        call: Arc<Call>,
        reply: &Message,
        sent: &Message,
        notes: Notes,
        trail: Trail,
    ) -> Self {
        let sent = Some(sent.payload().clone());
        Self::new(chain, Hook::PostCall, call, reply, sent, notes, trail)
    }

    fn new(
        chain: &'a Chain,
        hook: Hook,
        call: Arc<Call>,
        message: &Message,
        sent: Option<Json>,
        notes: Notes,
        trail: Trail,
    ) -> Self {
        Self {
            chain,
            hook,
            call,
            document: message.payload().clone(),
            changed: false,
            rules: DecisionRules::of(message, &chain.limits),
            sent,
            answer: None,
            notes,
            trail,
            audits: None,
        }
    }

    /// What ended the phase early, in terms of whoever stopped the message.
    pub(crate) fn interrupted(&self, end: PhaseEnd) -> NestedRefusal {
        match end {
            PhaseEnd::Step(StepRefusal { step, cause }) => {
                let step = &self.chain.steps[step];
                NestedRefusal::Interrupted(step.interrupted(cause, self.chain.refusal))
            }
            PhaseEnd::Nested(refusal) => refusal,
        }
    }

    pub(crate) fn steps(&self) -> &'a [Step] {
        &self.chain.steps
    }

    /// Runs the mutators one after another in the order given.
    pub(crate) async fn mutators(
        &mut self,
        order: impl Iterator<Item = (usize, &'a Step)>,
    ) -> Result<(), StepRefusal> {
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
                Effect::Stop(cause) => {
                    return Err(StepRefusal { step: index, cause });
                }
            }
        }
        Ok(())
    }

    /// Runs the validators in parallel; all run to their end, so that the trail has every one.
    pub(crate) async fn validators(&mut self, sees: Sees) -> Result<(), StepRefusal> {
        let mut alone = None;
        let mut several: Option<HookRuns<'a>> = None;
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
        let mut first: Option<(usize, StepRefusal)> = None;
        if let Some(asked) = alone {
            let decided = self.beside_audits(asked).await;
            self.judge(decided, &mut first);
        }
        if let Some(mut several) = several {
            let mut next = |context: &mut Context<'_>| poll_next(&mut several, context);
            while let Some(decided) = self.beside_audits(poll_fn(&mut next)).await {
                self.judge(decided, &mut first);
            }
        }
        match first {
            Some((_, stop)) => Err(stop),
            None => Ok(()),
        }
    }

    /// What the document notes passes by itself.
    pub(crate) async fn nested(
        &mut self,
        nested: Option<&mut (dyn NestedMessages + '_)>,
    ) -> Result<(), PhaseEnd> {
        let Some(nested) = nested else {
            return Ok(());
        };
        let document = self.document.clone();
        let NestedOutcome { outcome, entries } = self.beside_audits(nested.pass(&document)).await;
        self.trail.entries.extend(entries);
        match outcome {
            Ok(Some(document)) => self.change(document),
            Ok(None) => {}
            Err(held) => return Err(PhaseEnd::Nested(held)),
        }
        Ok(())
    }

    /// Waits for what is still under way in audit: its decisions belong in the trail, its notes to the post-calls.
    pub(crate) async fn finish_audits(&mut self) {
        if let Some(mut audits) = self.audits.take() {
            let mut next = |context: &mut Context<'_>| poll_next(&mut audits, context);
            while let Some((ticket, outcome)) = poll_fn(&mut next).await {
                self.settle(ticket, outcome);
            }
        }
    }

    pub(crate) fn end(self) -> PhaseOutput {
        let changed = self.changed.then_some(self.document);
        PhaseOutput {
            call: self.call,
            changed,
            answer: self.answer,
            notes: self.notes,
            trail: self.trail,
        }
    }

    /// Keeps the stop that is first in the file, and only that one as applied.
    fn judge(&mut self, (ticket, outcome): FinishedRun, first: &mut Option<(usize, StepRefusal)>) {
        let (index, slot) = (ticket.index, ticket.slot);
        let Effect::Stop(cause) = self.settle(ticket, outcome) else {
            return;
        };
        let stop = StepRefusal { step: index, cause };
        match first {
            Some((_, earlier)) if earlier.step < index => self.trail.entries[slot].applied = false,
            Some(later) => {
                self.trail.entries[later.0].applied = false;
                *later = (slot, stop);
            }
            None => *first = Some((slot, stop)),
        }
    }

    /// Takes another document, and the target and the client that it names.
    fn change(&mut self, document: Json) {
        if self.hook == Hook::PreCall {
            let said = |params| Client::said_in(params, self.call.era, &self.call.method);
            if let Some(client) = said(&document)
                && said(&self.document).as_ref() != Some(&client)
            {
                Arc::make_mut(&mut self.call).introduce(client);
            }
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

    fn ask(&mut self, index: usize, step: &'a Step) -> HookRun<'a> {
        let place = step.place();
        let slot = self.trail.entries.len();
        self.trail.entries.push(step.trail_entry(self.hook));
        let mut notes = self.notes.live.iter();
        let carried = match self.hook {
            Hook::PreCall => None,
            Hook::PostCall => notes
                .find(|(of, _)| *of == index)
                .map(|(_, note)| note.clone()),
        };
        let run = HookRequest {
            call: self.call.clone(),
            document: self.document.clone(),
            sent: self.sent.clone(),
            failed: self.rules.failed(),
            carried,
            timeout: place.timeout,
            deadline: Instant::now(),
            shadow: place.mode == Mode::Audit,
        };
        let ticket = RunTicket {
            index,
            slot,
            document: self.document.clone(),
            asked: None,
            offer: self.offer(step),
        };
        HookRun::new(step, self.hook, ticket, run)
    }

    /// For the candidate beside it, where this call is one of those that it is tried on.
    fn offer(&self, step: &Step) -> Option<Arc<Call>> {
        let candidate = step.candidate()?;
        candidate.chooses(&self.call).then(|| self.call.clone())
    }

    /// Waits for `main`, and lets the runs in audit go on meanwhile.
    async fn beside_audits<T>(&mut self, main: impl Future<Output = T>) -> T {
        let Some(audits) = &mut self.audits else {
            return main.await;
        };
        let mut main = pin!(main);
        let mut over = Vec::new();
        let result = poll_fn(|context| {
            while let Poll::Ready(Some(decided)) = poll_next(audits, context) {
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
    fn settle(&mut self, ticket: RunTicket, outcome: HookResult<PreDecision>) -> Effect {
        let HookResult {
            decision,
            findings,
            carry,
            took,
        } = outcome;
        let step = &self.chain.steps[ticket.index];
        let active = step.place().mode == Mode::Active;
        // Only a step that has a role at this hook was asked.
        let role = step.role(self.hook).unwrap_or(Role::Validation);
        let weighed = decision.and_then(|it| self.rules.weigh(role, &ticket.document, it));
        let us = micros(took);
        let seen = self.chain.shows.then(|| ticket.document.clone());
        if let (Some(candidate), Some(offer)) = (step.candidate(), ticket.offer) {
            let live = candidate.live(&weighed, &findings, us);
            let offer = Offer {
                call: offer,
                sent: self.sent.clone(),
            };
            let what = (offer, ticket.document, self.rules);
            let place = (self.hook, ticket.index);
            candidate.offer(place, what, live, &mut self.notes.candidates);
        }
        let entry = &mut self.trail.entries[ticket.slot];
        entry.findings = findings;
        entry.asked = ticket.asked;
        entry.us = us;
        let refused = matches!(weighed, Ok((Decision::Refuse, _)));
        entry.seen = seen.filter(|_| refused || !entry.findings.is_empty());
        let effect = match weighed {
            Ok((word, effect)) => {
                entry.decision = word;
                entry.applied = active;
                if let Effect::Stop(RefusalCause::Refused(refusal)) = &effect {
                    entry.code = Some(refusal.code.as_str().into());
                    entry.pointer = refusal.pointer.as_deref().map(Into::into);
                    entry.explanation = refusal.explanation.clone();
                }
                if let (Hook::PreCall, Some(note)) = (self.hook, carry) {
                    self.notes.live.push((ticket.index, note));
                }
                effect
            }
            Err(failure) => {
                let (name, hook) = (step.name(), self.hook.as_str());
                tracing::warn!(interceptor = %name, hook, call = %self.call.id, %failure, "interceptor failed");
                entry.decision = Decision::Fault;
                entry.failure = Some(failure.kind());
                entry.fault = Malfunction::of(&failure);
                // Whoever brings load about must not be able to switch a policy off by it.
                let passes = step.place().fail_open && !matches!(failure, Failure::Overload(_));
                entry.applied = active && !passes;
                if passes {
                    Effect::Nothing
                } else {
                    Effect::Stop(RefusalCause::Failed(failure))
                }
            }
        };
        if active { effect } else { Effect::Nothing }
    }
}

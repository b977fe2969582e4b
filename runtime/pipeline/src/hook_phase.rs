//! A hook phase: the hook runs over one document at one hook. A phase asks the interceptors, waits, weighs their
//! decisions and writes the trail. `enter` and `admitted` define the order of the runs.

use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::task::Context;
use std::time::Instant;

use sandgate_message::{
    Call, Client, Failure, Hook, HookRequest, HookResult, Json, Message, Method, PreDecision, Role,
};

use crate::apply::{DecisionRules, Effect};
use crate::audit_runs::AuditRuns;
use crate::chain::Chain;
use crate::hook_run::{FinishedRun, HookRun, HookRuns, RunTicket, poll_next};
use crate::nested::{NestedMessages, NestedOutcome, NestedRefusal};
use crate::notes::Notes;
use crate::phase_end::{PhaseEnd, StepRefusal};
use crate::refusal::RefusalCause;
use crate::step::Step;
use crate::step_config::{Mode, Sees};
use crate::stopped;
use crate::trail::{Decision, Malfunction, Trail};
use crate::trial::{Offer, micros};

/// The hook runs over one document at one hook.
pub(crate) struct HookPhase<'a> {
    chain: &'a Chain,
    hook: Hook,
    call: Arc<Call>,
    document: Json,
    changed: bool,
    rules: DecisionRules,
    /// The params as they were sent, for a reply.
    sent: Option<Json>,
    answer: Option<Json>,
    notes: Notes,
    trail: Trail,
    /// Audit runs that have not finished. Nothing waits for them before the end of the phase.
    audits: AuditRuns<'a>,
}

/// The output of a phase.
pub(crate) struct PhaseOutput {
    pub(crate) call: Arc<Call>,
    /// The document, if an active mutator changed it.
    pub(crate) changed: Option<Json>,
    pub(crate) answer: Option<Json>,
    pub(crate) notes: Notes,
    pub(crate) trail: Trail,
}

impl<'a> HookPhase<'a> {
    /// A phase over the params of a request or notification.
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

    /// A phase over a reply.
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
            audits: AuditRuns::default(),
        }
    }

    /// Translates the end of the phase into the refusal of whoever stopped the message.
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

    /// Checks that no active interceptor that judges the call is stopped. On the way in, those that would look at the
    /// reply count too, so that nothing is sent whose reply could not be judged.
    pub(crate) fn unstopped(&mut self) -> Result<(), StepRefusal> {
        let hooks: &[Hook] = match self.hook {
            Hook::PreCall => &[Hook::PreCall, Hook::PostCall],
            Hook::PostCall => &[Hook::PostCall],
        };
        let Some(index) = self.chain.stopped_at(hooks, &self.call) else {
            return Ok(());
        };
        let cause = stopped::cause();
        let mut entry = self.chain.steps[index].trail_entry(self.hook);
        entry.decision = Decision::Refuse;
        entry.applied = true;
        if let RefusalCause::Refused(refusal) = &cause {
            entry.code = Some(refusal.code.as_str().into());
        }
        self.trail.entries.push(entry);
        Err(StepRefusal { step: index, cause })
    }

    /// Whether the interceptor is not asked, since its plugin is stopped: in audit nothing depends on it.
    fn rests(&self, step: &Step) -> bool {
        step.place().mode == Mode::Audit && self.chain.stopped.has(step)
    }

    /// Runs the mutators one after another in the order given.
    pub(crate) async fn mutators(
        &mut self,
        order: impl Iterator<Item = (usize, &'a Step)>,
    ) -> Result<(), StepRefusal> {
        for (index, step) in order {
            if step.role(self.hook) != Some(Role::Mutation)
                || !step.covers(self.hook, &self.call)
                || self.rests(step)
            {
                continue;
            }
            let asked = self.ask(index, step);
            if step.place().mode == Mode::Audit {
                self.audits.push(asked);
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

    /// Runs the validators in parallel. All of them run to their end, so that the trail has every decision.
    pub(crate) async fn validators(&mut self, sees: Sees) -> Result<(), StepRefusal> {
        let mut alone = None;
        let mut several: Option<HookRuns<'a>> = None;
        for (index, step) in self.steps().iter().enumerate() {
            // `sees` applies to replies only. A pre-call always judges what the server gets.
            let elsewhere = self.hook == Hook::PostCall && step.place().sees != sees;
            if step.role(self.hook) != Some(Role::Validation)
                || elsewhere
                || !step.covers(self.hook, &self.call)
                || self.rests(step)
            {
                continue;
            }
            let asked = self.ask(index, step);
            if step.place().mode == Mode::Audit {
                self.audits.push(asked);
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

    /// Passes the messages nested in the document through the interceptors.
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

    /// Takes out what mutators may not bring in: their document, and their answer.
    pub(crate) fn redact(&mut self) {
        let Some(redaction) = &self.chain.redaction else {
            return;
        };
        if let Some(answer) = self.answer.as_ref().and_then(|one| redaction.redact(one)) {
            self.answer = Some(answer);
        }
        // What nobody changed is clean already.
        if self.changed
            && let Some(document) = redaction.redact(&self.document)
        {
            self.change(document);
        }
    }

    /// Waits for the audit runs that have not finished: their decisions belong in the trail, their notes to the
    /// post-calls.
    pub(crate) async fn finish_audits(&mut self) {
        while let Some((ticket, outcome)) = self.audits.next().await {
            self.settle(ticket, outcome);
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

    /// Keeps the stop that is first in the file's order, and marks only that one as applied.
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

    /// Takes another document, and updates the call with the target and the client that it names.
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

    /// The offer for the step's candidate, if this call is one of those that the candidate is tried on.
    fn offer(&self, step: &Step) -> Option<Arc<Call>> {
        let candidate = step.candidate()?;
        candidate.chooses(&self.call).then(|| self.call.clone())
    }

    /// Waits for `main`, and polls the audit runs meanwhile.
    async fn beside_audits<T>(&mut self, main: impl Future<Output = T>) -> T {
        let (result, over) = self.audits.beside(main).await;
        for (ticket, outcome) in over {
            self.settle(ticket, outcome);
        }
        result
    }

    /// Writes the trail entry and returns the effect of the decision. A run in audit has none.
    fn settle(&mut self, ticket: RunTicket, outcome: HookResult<PreDecision>) -> Effect {
        let HookResult {
            decision,
            findings,
            carry,
            took,
        } = outcome;
        let step = &self.chain.steps[ticket.index];
        let active = step.place().mode == Mode::Active;
        // Only a step that has a role at this hook is asked.
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
                // A caller must not be able to switch a policy off by causing load.
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

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

use crate::asked::{Asked, Decided, Several, Ticket, poll_next};
use crate::candidate::{Offer, Tried};
use crate::chain::Chain;
use crate::refusal::Reason;
use crate::step::{Mode, Sees, Step};
use crate::trail::{Decision, Malfunction, Trail, TrailEntry};
use crate::trial::micros;
use crate::verdict::{Effect, Terms};
use crate::within::{Held, Through, Within};

/// What pre-calls left for their post-calls.
#[derive(Clone, Debug, Default)]
pub(crate) struct Carries {
    /// Notes, by place in the chain.
    notes: Vec<(usize, Arc<[u8]>)>,
    /// Those of candidates; made where there is one.
    tried: Option<Box<Tried>>,
}

/// What was decided and what it does, or why nothing was.
pub(crate) type Weighed = Result<(Decision, Effect), Failure>;

/// Why a round ended early.
#[derive(Clone, Debug)]
pub(crate) struct Stop {
    /// Place in the chain.
    pub(crate) step: usize,
    pub(crate) reason: Reason,
}

/// How a round ended early.
pub(crate) enum Ending {
    /// By an interceptor of the round.
    Stop(Stop),
    /// By something that the document carries.
    Held(Held),
}

impl From<Stop> for Ending {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

/// One hook's runs over one document.
pub(crate) struct Round<'a> {
    chain: &'a Chain,
    hook: Hook,
    call: Arc<Call>,
    document: Json,
    changed: bool,
    terms: Terms,
    /// On the way out: the params as they were sent.
    sent: Option<Json>,
    answer: Option<Json>,
    carries: Carries,
    trail: Trail,
    /// Runs in audit that are under way; nobody waits for them before the end.
    audits: Option<Several<'a>>,
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

impl<'a> Round<'a> {
    /// Over the params of a request or notification.
    pub(crate) fn of_params(chain: &'a Chain, call: Arc<Call>, message: &Message) -> Self {
        let trail = Trail::new(chain.version);
        Self::new(
            chain,
            Hook::PreCall,
            call,
            message,
            None,
            Carries::default(),
            trail,
        )
    }

    /// Over a reply.
    pub(crate) fn of_reply(
        chain: &'a Chain,
        call: Arc<Call>,
        reply: &Message,
        sent: &Message,
        carries: Carries,
        trail: Trail,
    ) -> Self {
        let sent = Some(sent.payload().clone());
        Self::new(chain, Hook::PostCall, call, reply, sent, carries, trail)
    }

    fn new(
        chain: &'a Chain,
        hook: Hook,
        call: Arc<Call>,
        message: &Message,
        sent: Option<Json>,
        carries: Carries,
        trail: Trail,
    ) -> Self {
        Self {
            chain,
            hook,
            call,
            document: message.payload().clone(),
            changed: false,
            terms: Terms::of(message, &chain.limits),
            sent,
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
        let mut several: Option<Several<'a>> = None;
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

    /// What the document carries passes by itself.
    pub(crate) async fn within(
        &mut self,
        within: Option<&mut (dyn Within + '_)>,
    ) -> Result<(), Ending> {
        let Some(within) = within else {
            return Ok(());
        };
        let document = self.document.clone();
        let Through { outcome, entries } = self.beside_audits(within.pass(&document)).await;
        self.trail.entries.extend(entries);
        match outcome {
            Ok(Some(document)) => self.change(document),
            Ok(None) => {}
            Err(held) => return Err(Ending::Held(held)),
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

    fn ask(&mut self, index: usize, step: &'a Step) -> Asked<'a> {
        let place = step.place();
        let slot = self.trail.entries.len();
        self.trail.entries.push(TrailEntry::asked(step, self.hook));
        let mut notes = self.carries.notes.iter();
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
            failed: self.terms.failed(),
            carried,
            timeout: place.timeout,
            deadline: Instant::now(),
            shadow: place.mode == Mode::Audit,
        };
        let ticket = Ticket {
            index,
            slot,
            document: self.document.clone(),
            asked: None,
            offer: self.offer(step),
        };
        Asked::new(step, self.hook, ticket, run)
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
    fn settle(&mut self, ticket: Ticket, outcome: HookResult<PreDecision>) -> Effect {
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
        let weighed = decision.and_then(|it| self.terms.weigh(role, &ticket.document, it));
        let us = micros(took);
        let seen = self.chain.shows.then(|| ticket.document.clone());
        if let (Some(candidate), Some(offer)) = (step.candidate(), ticket.offer) {
            let live = candidate.live(&weighed, &findings, us);
            let offer = Offer {
                call: offer,
                sent: self.sent.clone(),
            };
            let what = (offer, ticket.document, self.terms);
            let place = (self.hook, ticket.index);
            candidate.offer(place, what, live, &mut self.carries.tried);
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
                if let Effect::Stop(Reason::Refused(refusal)) = &effect {
                    entry.code = Some(refusal.code.as_str().into());
                    entry.pointer = refusal.pointer.as_deref().map(Into::into);
                    entry.explanation = refusal.explanation.clone();
                }
                if let (Hook::PreCall, Some(note)) = (self.hook, carry) {
                    self.carries.notes.push((ticket.index, note));
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
                    Effect::Stop(Reason::Failed(failure))
                }
            }
        };
        if active { effect } else { Effect::Nothing }
    }
}

//! A call on its way, and the way out.
//!
//! What happens to a reply, result or error alike, in this order:
//!
//! 1. Only the chain that the call entered looks, whatever has been published since.
//! 2. Validators with `sees = "raw"` look first, in parallel, at the reply as it came.
//! 3. Mutators run next, one after another in the REVERSE of the file's order: who touched the call last touches the
//!    reply first.
//! 4. The other validators look last, in parallel, at the final reply.
//! 5. A refusal withholds the reply; the asker is told that the call was carried out and not to retry.
//! 6. An interceptor's answer goes the same way as a server's reply; refused, it is reported as never sent.
//! 7. Each run is shown the params as they were sent, whether the reply is an error, and the note its own pre-call left.
//! 8. Unknown members of the envelope, faults, audit and parallel refusals are as on the way in (see `chain`); an error stays an error, a result a result.
//! 9. What a reply notes of other messages passes as what it is (see `nested`), after the mutators of the whole and
//!    before its validators.

use std::sync::{Arc, Weak};

use sandgate_message::{Call, Hook, Json, Message};

use crate::chain::Chain;
use crate::hook_phase::{HookPhase, Notes, PhaseEnd};
use crate::nested::NestedMessages;
use crate::refusal::{Interrupted, RefusalContext};
use crate::step_config::Sees;
use crate::trail::Trail;

/// A call that was let in, on the chain it entered.
#[derive(Debug)]
pub struct Admitted {
    chain: Arc<Chain>,
    call: Arc<Call>,
    message: Message,
    trail: Trail,
    pub(crate) answer: Option<Json>,
    pub(crate) notes: Notes,
}

/// What goes back to the one who asked.
#[derive(Debug)]
pub struct FilteredReply {
    /// Who called what, as the interceptors that it passed left it.
    pub call: Arc<Call>,
    /// None for a refused notification: nothing is sent.
    pub message: Option<Message>,
    /// Who decided what.
    pub trail: Trail,
    /// It is not what the other side said.
    pub withheld: bool,
    /// Nobody judged it, and so it does not go on: the gateway had too much to do.
    pub overloaded: bool,
    /// Who stopped it, where an interceptor did.
    pub interrupted: Option<Interrupted>,
}

/// What is continuation of a call whose reply comes in a message of its own, perhaps never. It does not keep the chain alive.
#[derive(Clone, Debug)]
pub struct Continuation {
    pub(crate) chain: Weak<Chain>,
    pub(crate) notes: Notes,
    pub(crate) trail: Trail,
}

impl Continuation {
    /// Who decided what before.
    pub fn trail(&self) -> &Trail {
        &self.trail
    }

    /// This is the chain that the call entered.
    pub fn is_of(&self, chain: &Arc<Chain>) -> bool {
        std::ptr::eq(self.chain.as_ptr(), Arc::as_ptr(chain))
    }
}

impl Admitted {
    pub(crate) fn new(chain: Arc<Chain>, call: Arc<Call>, message: Message, trail: Trail) -> Self {
        Self {
            chain,
            call,
            message,
            trail,
            answer: None,
            notes: Notes::default(),
        }
    }

    /// Who calls what; with another target, and no definition, where an interceptor changed the target.
    pub fn call(&self) -> &Arc<Call> {
        &self.call
    }

    /// What the server gets.
    pub fn message(&self) -> &Message {
        &self.message
    }

    /// The reply of an interceptor that stands in for the server. Give it to [`Self::leave`] in place of the server's.
    pub fn answer(&self) -> Option<Message> {
        Some(Message::result(self.message.id()?, self.answer.as_ref()?))
    }

    /// Who decided what so far.
    pub fn trail(&self) -> &Trail {
        &self.trail
    }

    /// Takes the reply through every post-call in scope. Dropping the future abandons the runs.
    pub async fn leave(self, reply: Message) -> FilteredReply {
        self.leave_with(reply, None).await
    }

    /// The same for one that notes others.
    pub async fn leave_with(
        self,
        reply: Message,
        nested: Option<&mut (dyn NestedMessages + '_)>,
    ) -> FilteredReply {
        let Self {
            chain,
            call,
            message: sent,
            trail,
            answer,
            notes,
        } = self;
        if nested.is_none() && !chain.looks(Hook::PostCall, &call) {
            return FilteredReply {
                call,
                message: Some(reply),
                trail,
                withheld: false,
                overloaded: false,
                interrupted: None,
            };
        }
        let reply = if chain.judges(Hook::PostCall, &call) {
            reply.plain()
        } else {
            reply
        };
        let mut phase = HookPhase::of_reply(&chain, call, &reply, &sent, notes, trail);
        let stopped = phase.reply(nested).await.err();
        let stopped = stopped.map(|end| phase.interrupted(end));
        phase.finish_audits().await;
        let end = phase.end();
        let withheld = stopped.is_some();
        let (message, interrupted) = match (stopped, end.changed) {
            (Some(stopped), _) => {
                let context = RefusalContext {
                    call: &end.call,
                    hook: Hook::PostCall,
                    executed: answer.is_none(),
                };
                stopped.reply(&context, sent.id().or(reply.id()))
            }
            (None, Some(payload)) => (Some(reply.with_payload(payload)), None),
            (None, None) => (Some(reply), None),
        };
        FilteredReply {
            call: end.call,
            message,
            trail: end.trail,
            withheld,
            overloaded: interrupted.as_ref().is_some_and(Interrupted::overloaded),
            interrupted,
        }
    }

    /// What it takes to let the reply to this call pass later, under the chain that is in force then.
    pub fn keep(&self) -> Continuation {
        Continuation {
            chain: Arc::downgrade(&self.chain),
            notes: self.notes.clone(),
            trail: self.trail.clone(),
        }
    }

    /// The chain that it entered.
    pub fn chain(&self) -> &Arc<Chain> {
        &self.chain
    }

    /// For a notification: nothing comes back.
    pub fn end(self) -> Trail {
        self.trail
    }
}

impl HookPhase<'_> {
    async fn reply(
        &mut self,
        nested: Option<&mut (dyn NestedMessages + '_)>,
    ) -> Result<(), PhaseEnd> {
        self.validators(Sees::Raw).await?;
        let steps = self.steps();
        self.mutators(steps.iter().enumerate().rev()).await?;
        self.nested(nested).await?;
        Ok(self.validators(Sees::Final).await?)
    }
}

#[cfg(test)]
mod tests;

//! An admitted call, and the way of its reply through the post-call hooks.
//!
//! A reply is processed in this order, whether it is a result or an error:
//!
//! 1. Only the chain that the call entered looks at the reply, even if another chain has been published since.
//! 2. Validators with `sees = "raw"` run first, in parallel, on the reply as it came.
//! 3. Mutators run next, one after another in the REVERSE of the file's order: the interceptor that touched the call
//!    last touches the reply first.
//! 4. The other validators run last, in parallel, on the final reply.
//! 5. A refusal withholds the reply. The requester is told that the call was carried out and not to retry.
//! 6. An interceptor's answer goes the same way as a server's reply. If it is refused, the call is reported as never
//!    sent.
//! 7. Each run is shown the params as they were sent, whether the reply is an error, and the note that its own pre-call
//!    left.
//! 8. Unknown members of the envelope, faults, audit and parallel refusals are handled as on the way in (see `enter`).
//!    An error stays an error, a result a result.
//! 9. Messages nested in a reply pass the interceptors as messages of their own (see `nested`), after the mutators of
//!    the whole and before its validators.
//! 10. What the chain's redaction takes out is taken out after the mutators and the nested messages, before the
//!     validators that see the final reply; likewise out of a refusal's words.

use std::sync::{Arc, Weak};

use sandgate_message::{Call, Hook, Json, Message};

use crate::chain::Chain;
use crate::hook_phase::HookPhase;
use crate::nested::NestedMessages;
use crate::notes::Notes;
use crate::phase_end::PhaseEnd;
use crate::redaction::clean;
use crate::refusal::{Interrupted, RefusalContext};
use crate::step_config::Sees;
use crate::trail::Trail;

/// A call that was admitted, with the chain that it entered.
#[derive(Debug)]
pub struct Admitted {
    chain: Arc<Chain>,
    call: Arc<Call>,
    message: Message,
    trail: Trail,
    pub(crate) answer: Option<Json>,
    pub(crate) notes: Notes,
}

/// The reply to the requester, after the post-call hooks.
#[derive(Debug)]
pub struct FilteredReply {
    /// The call, as the interceptors that it passed left it.
    pub call: Arc<Call>,
    /// The reply to send. `None` for a refused notification: nothing is sent.
    pub message: Option<Message>,
    /// Which interceptor decided what.
    pub trail: Trail,
    /// Whether this message stands in for what the other side said.
    pub withheld: bool,
    /// Whether the message does not go on because an overloaded gateway could not have it judged.
    pub overloaded: bool,
    /// The interceptor that stopped the message, if one did.
    pub interrupted: Option<Interrupted>,
}

/// What remains of a call whose reply comes in a message of its own, perhaps never. A continuation does not keep the
/// chain alive.
#[derive(Clone, Debug)]
pub struct Continuation {
    pub(crate) chain: Weak<Chain>,
    pub(crate) notes: Notes,
    pub(crate) trail: Trail,
}

impl Continuation {
    /// The decisions of the hook runs so far.
    pub fn trail(&self) -> &Trail {
        &self.trail
    }

    /// Whether the call entered this chain.
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

    /// The call. Where an interceptor changed the target, the call has the new target and no definition.
    pub fn call(&self) -> &Arc<Call> {
        &self.call
    }

    /// The message for the server.
    pub fn message(&self) -> &Message {
        &self.message
    }

    /// The reply of an interceptor that stands in for the server. Pass it to [`Self::leave`] in place of the server's
    /// reply.
    pub fn answer(&self) -> Option<Message> {
        Some(Message::result(self.message.id()?, self.answer.as_ref()?))
    }

    /// The decisions of the hook runs so far.
    pub fn trail(&self) -> &Trail {
        &self.trail
    }

    /// Takes the reply through every post-call in scope. Dropping the future abandons the hook runs.
    pub async fn leave(self, reply: Message) -> FilteredReply {
        self.leave_with(reply, None).await
    }

    /// Like [`Self::leave`], for a reply with nested messages.
    pub async fn leave_with(
        self,
        reply: Message,
        nested: Option<&mut (dyn NestedMessages + '_)>,
    ) -> FilteredReply {
        if nested.is_none() && !self.chain.looks(Hook::PostCall, &self.call) {
            return FilteredReply {
                call: self.call,
                message: Some(reply),
                trail: self.trail,
                withheld: false,
                overloaded: false,
                interrupted: None,
            };
        }
        // Boxed because the future is large: replies that no interceptor looks at do not carry it about.
        Box::pin(self.run_post_calls(reply, nested)).await
    }

    async fn run_post_calls(
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
                let (reply, interrupted) = stopped.reply(&context, sent.id().or(reply.id()));
                let clean = |reply| clean(chain.redaction.as_deref(), reply);
                (reply.map(clean), interrupted)
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

    /// Keeps what is needed to let the reply to this call pass later, under the chain that is in force then.
    pub fn keep(&self) -> Continuation {
        Continuation {
            chain: Arc::downgrade(&self.chain),
            notes: self.notes.clone(),
            trail: self.trail.clone(),
        }
    }

    /// The chain that the call entered.
    pub fn chain(&self) -> &Arc<Chain> {
        &self.chain
    }

    /// Ends a call without a reply, such as a notification, and returns its trail.
    pub fn end(self) -> Trail {
        self.trail
    }
}

impl HookPhase<'_> {
    async fn reply(
        &mut self,
        nested: Option<&mut (dyn NestedMessages + '_)>,
    ) -> Result<(), PhaseEnd> {
        self.unstopped()?;
        self.validators(Sees::Raw).await?;
        let steps = self.steps();
        self.mutators(steps.iter().enumerate().rev()).await?;
        self.nested(nested).await?;
        self.redact();
        Ok(self.validators(Sees::Final).await?)
    }
}

#[cfg(test)]
mod tests;

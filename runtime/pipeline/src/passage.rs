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

use std::sync::Arc;

use sandgate_message::{Call, Hook, Json, Message};

use crate::chain::Chain;
use crate::refusal::Stopped;
use crate::round::{Carries, Round};
use crate::step::Sees;
use crate::trail::Trail;

/// A call that was let in, on the chain it entered.
#[derive(Debug)]
pub struct Passage {
    chain: Arc<Chain>,
    call: Arc<Call>,
    message: Message,
    trail: Trail,
    pub(crate) answer: Option<Json>,
    pub(crate) carries: Carries,
}

/// What goes back to the one who asked.
#[derive(Debug)]
pub struct Departure {
    /// Who called what, as the interceptors that it passed left it.
    pub call: Arc<Call>,
    /// None for a refused notification: nothing is sent.
    pub message: Option<Message>,
    /// Who decided what.
    pub trail: Trail,
}

impl Passage {
    pub(crate) fn new(chain: Arc<Chain>, call: Arc<Call>, message: Message, trail: Trail) -> Self {
        Self {
            chain,
            call,
            message,
            trail,
            answer: None,
            carries: Carries::new(),
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
    pub async fn leave(self, reply: Message) -> Departure {
        let Self {
            chain,
            call,
            message: sent,
            trail,
            answer,
            carries,
        } = self;
        if !chain.looks(Hook::PostCall, &call) {
            return Departure {
                call,
                message: Some(reply),
                trail,
            };
        }
        let reply = if chain.judges(Hook::PostCall, &call) {
            reply.plain()
        } else {
            reply
        };
        let mut round = Round::of_reply(&chain, call, &reply, &sent, carries, trail);
        let stop = round.reply().await.err();
        round.finish_audits().await;
        let end = round.end();
        let message = match (stop, end.changed) {
            (Some(stop), _) => {
                let step = &chain.steps[stop.step];
                let executed = answer.is_none();
                let stopped = Stopped {
                    call: &end.call,
                    step,
                    hook: Hook::PostCall,
                    executed,
                    reason: &stop.reason,
                };
                stopped.reply(sent.id().or(reply.id()), chain.refusal)
            }
            (None, Some(payload)) => Some(reply.with_payload(payload)),
            (None, None) => Some(reply),
        };
        Departure {
            call: end.call,
            message,
            trail: end.trail,
        }
    }

    /// For a notification: nothing comes back.
    pub fn end(self) -> Trail {
        self.trail
    }
}

impl Round<'_> {
    async fn reply(&mut self) -> Result<(), crate::round::Stop> {
        self.validators(Sees::Raw).await?;
        let steps = self.steps();
        self.mutators(steps.iter().enumerate().rev()).await?;
        self.validators(Sees::Final).await
    }
}

#[cfg(test)]
mod tests;

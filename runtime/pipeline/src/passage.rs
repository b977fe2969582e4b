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
//! 9. What a reply carries of other messages passes as what it is (see `within`), after the mutators of the whole and
//!    before its validators.

use std::sync::{Arc, Weak};

use sandgate_message::{Call, Hook, Json, Message};

use crate::chain::Chain;
use crate::refusal::Why;
use crate::round::{Carries, Ending, Round};
use crate::step::Sees;
use crate::trail::Trail;
use crate::within::{Halt, Within};

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
    /// It is not what the other side said.
    pub withheld: bool,
    /// Nobody judged it, and so it does not go on: the gateway had too much to do.
    pub overloaded: bool,
    /// Who stopped it, where an interceptor did.
    pub halt: Option<Halt>,
}

/// What is kept of a call whose reply comes in a message of its own, perhaps never. It does not keep the chain alive.
#[derive(Clone, Debug)]
pub struct Kept {
    pub(crate) chain: Weak<Chain>,
    pub(crate) carries: Carries,
    pub(crate) trail: Trail,
}

impl Kept {
    /// Who decided what before.
    pub fn trail(&self) -> &Trail {
        &self.trail
    }

    /// This is the chain that the call entered.
    pub fn is_of(&self, chain: &Arc<Chain>) -> bool {
        std::ptr::eq(self.chain.as_ptr(), Arc::as_ptr(chain))
    }
}

impl Passage {
    pub(crate) fn new(chain: Arc<Chain>, call: Arc<Call>, message: Message, trail: Trail) -> Self {
        Self {
            chain,
            call,
            message,
            trail,
            answer: None,
            carries: Carries::default(),
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
        self.leave_with(reply, None).await
    }

    /// The same for one that carries others.
    pub async fn leave_with(
        self,
        reply: Message,
        within: Option<&mut (dyn Within + '_)>,
    ) -> Departure {
        let Self {
            chain,
            call,
            message: sent,
            trail,
            answer,
            carries,
        } = self;
        if within.is_none() && !chain.looks(Hook::PostCall, &call) {
            return Departure {
                call,
                message: Some(reply),
                trail,
                withheld: false,
                overloaded: false,
                halt: None,
            };
        }
        let reply = if chain.judges(Hook::PostCall, &call) {
            reply.plain()
        } else {
            reply
        };
        let mut round = Round::of_reply(&chain, call, &reply, &sent, carries, trail);
        let ending = round.reply(within).await.err();
        round.finish_audits().await;
        let end = round.end();
        let withheld = ending.is_some();
        let (message, halt) = match (ending, end.changed) {
            (Some(ending), _) => {
                let why = Why {
                    call: &end.call,
                    hook: Hook::PostCall,
                    executed: answer.is_none(),
                };
                why.end(&chain, sent.id().or(reply.id()), ending)
            }
            (None, Some(payload)) => (Some(reply.with_payload(payload)), None),
            (None, None) => (Some(reply), None),
        };
        Departure {
            call: end.call,
            message,
            trail: end.trail,
            withheld,
            overloaded: halt.as_ref().is_some_and(Halt::overloaded),
            halt,
        }
    }

    /// What it takes to let the reply to this call pass later, under the chain that is in force then.
    pub fn keep(&self) -> Kept {
        Kept {
            chain: Arc::downgrade(&self.chain),
            carries: self.carries.clone(),
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

impl Round<'_> {
    async fn reply(&mut self, within: Option<&mut (dyn Within + '_)>) -> Result<(), Ending> {
        self.validators(Sees::Raw).await?;
        let steps = self.steps();
        self.mutators(steps.iter().enumerate().rev()).await?;
        self.within(within).await?;
        Ok(self.validators(Sees::Final).await?)
    }
}

#[cfg(test)]
mod tests;

//! Exchanges that were taken down, once more: the same way through a chain as live, with all that they carry, and no
//! server. What one asks and another answers is remembered in between, as the gateway does.

use std::sync::Arc;
use std::time::Instant;

use sandgate_message::{Call, Json, Limits, Message};
use sandgate_pipeline::{Chain, Entry, Passage, Trail};

use crate::carriage::Carriage;
use crate::carried;
use crate::config::OnUnwritten;
use crate::journal::{Journal, Left};
use crate::observer::{Came, Lookout};
use crate::record::{CallLog, Decision, Ended, Forwarded, LeftOut, Unwritten};
use crate::taken::{Aside, Taken};

/// Plays exchanges; what is remembered is its own.
pub struct Rehearsal {
    carriage: Carriage,
}

/// What came of an exchange.
pub struct Rehearsed {
    /// Who decided what.
    pub trail: Trail,
    /// Who decided what about the messages that it carries.
    pub within: Vec<Aside>,
    /// What became of it. A request that goes on and whose answer is not known counts as forwarded.
    pub decision: Decision,
    /// The params as they went on, where they did.
    pub sent: Option<Json>,
    /// The payload of what the asker got, where there is one.
    pub left: Option<Json>,
}

/// Nothing is logged.
struct Unlogged;

impl CallLog for Unlogged {
    fn forwarded(&self, _: &Forwarded<'_>) -> Result<(), Unwritten> {
        Ok(())
    }

    fn ended(&self, _: &Ended<'_>) -> Result<(), Unwritten> {
        Ok(())
    }

    fn left_out(&self, _: &LeftOut<'_>) -> Result<(), Unwritten> {
        Ok(())
    }
}

impl Rehearsal {
    /// Remembers nothing yet. `limits`: of one message.
    pub fn new(limits: Limits) -> Self {
        let journal = Journal::new(
            Arc::new(Unlogged),
            OnUnwritten::Continue,
            Lookout::new(None),
        );
        Self {
            carriage: Carriage::rehearsed(journal, limits),
        }
    }

    /// Takes an exchange through a chain: what came, and what the other side answers where that is known.
    pub async fn play(
        &self,
        chain: &Arc<Chain>,
        call: Call,
        message: Message,
        reply: Option<Message>,
    ) -> Rehearsed {
        let call = Arc::new(call);
        let taken = Taken::new(&call, &message, chain);
        let asides = taken.asides.clone();
        let mut came = self.carriage.journal.lookout().within(Instant::now());
        came.taken = Some(Box::new(taken));
        let entry = carried::enter(&self.carriage, chain, call, message, came.asides());
        let passage = match entry.await {
            Entry::Onward(passage) => passage,
            Entry::Refused(departure) => {
                return Rehearsed {
                    trail: departure.trail,
                    within: std::mem::take(&mut asides.lock().runs),
                    decision: Decision::Refused,
                    sent: None,
                    left: departure.message.map(|message| message.payload().clone()),
                };
            }
        };
        let (answer, params) = (passage.answer(), passage.message().payload().clone());
        let (decision, sent) = match answer {
            Some(_) => (Decision::Answered, None),
            None => (Decision::Forwarded, Some(params)),
        };
        let version = passage.trail().version;
        let (entries, decision, left) = match answer.or(reply) {
            None => (passage.end().entries, decision, None),
            Some(reply) => {
                let left = self.leave(passage, came, reply, decision).await;
                let decision = match left.withheld {
                    true => Decision::Refused,
                    false => decision,
                };
                let payload = left.message.map(|message| message.payload().clone());
                (left.entries, decision, payload)
            }
        };
        Rehearsed {
            trail: Trail { version, entries },
            within: std::mem::take(&mut asides.lock().runs),
            decision,
            sent,
            left,
        }
    }

    async fn leave(
        &self,
        passage: Passage,
        came: Came,
        reply: Message,
        decision: Decision,
    ) -> Left {
        match self.carriage.journal.begin(passage, came) {
            Ok(underway) => carried::leave(&self.carriage, None, underway, reply, decision).await,
            // It never is: nothing is logged.
            Err(said) => Left {
                message: said.map(|said| *said),
                withheld: true,
                stopped: None,
                entries: Vec::new(),
            },
        }
    }
}

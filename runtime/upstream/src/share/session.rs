//! A legacy session's place at a shared child, from its `initialize` on.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use http::StatusCode;
use sandgate_message::{Account, Message, error_codes};
use tokio::sync::Notify;

use crate::demux::ChildUsers;
use crate::demux::members::MemberState;
use crate::demux::queue::Queue;
use crate::share::children::{Begun, SharedChild};
use crate::share::{Owner, Share, ShareKey};
use crate::stdio::child::Child;
use crate::stdio::request::{answer, request};
use crate::watch::Watch;
use crate::{Answer, Body, Definitions, Server, ServerError, hints_at_absence};
use sandgate_wire::Budget;

/// A legacy session at a shared child. Dropping it ends the session, as [`Self::leave`] does.
#[derive(Debug)]
pub(crate) struct SharedSession {
    server: Arc<Server>,
    /// The session's number at the server, which tells equal ids of two clients apart.
    number: u64,
    owner: Owner,
    definitions: Arc<Definitions>,
    /// Whether the session has sent `initialize`.
    began: AtomicBool,
    joined: OnceLock<Joined>,
}

#[derive(Debug)]
struct Joined {
    shared: Arc<SharedChild>,
    child: Arc<Child>,
    left: Arc<Notify>,
}

impl SharedSession {
    pub(crate) fn new(
        server: Arc<Server>,
        number: u64,
        owner: Owner,
        definitions: Arc<Definitions>,
    ) -> Self {
        Self {
            server,
            number,
            owner,
            definitions,
            began: AtomicBool::new(false),
            joined: OnceLock::new(),
        }
    }

    pub(crate) async fn request(
        &self,
        message: &Message,
        watch: Watch,
    ) -> Result<Answer, ServerError> {
        let lasting = match message.method() {
            Some("initialize") => {
                let begun = self.initialize(message, watch).await;
                return begun.inspect_err(|error| {
                    if hints_at_absence(error) {
                        self.server.check();
                    }
                });
            }
            Some("logging/setLevel" | "resources/subscribe" | "resources/unsubscribe") => true,
            _ => false,
        };
        let Joined { shared, child, .. } = self.joined()?;
        if !lasting {
            return request(child, self.number, message, watch, None).await;
        }
        let turn = shared.turn.lock().await;
        match child.demux.stand(self.number, message, watch.budget())? {
            MemberState::Goes(message) => {
                request(child, self.number, &message, watch, Some(turn)).await
            }
            MemberState::Answered(reply) => Ok(answer(StatusCode::OK, Body::Message(reply))),
        }
    }

    pub(crate) async fn send(&self, message: &Message) -> Result<Answer, ServerError> {
        let Joined { shared, child, .. } = self.joined()?;
        let _turn = match message.method() {
            // No session may send requests before this notification, whichever session sends it.
            Some("notifications/initialized") => Some(shared.turn.lock().await),
            _ => None,
        };
        if let Some(message) = child.demux.outgoing(self.number, message) {
            child.write(&message).await?;
        }
        Ok(answer(StatusCode::ACCEPTED, Body::Empty))
    }

    pub(crate) fn listen(&self, budget: &Budget) -> Result<Queue, ServerError> {
        self.joined()?.child.demux.listen(self.number, budget)
    }

    pub(crate) fn leave(&self) {
        if let Some(Joined { child, left, .. }) = self.joined.get()
            && child.demux.leave(self.number)
        {
            left.notify_one();
        }
    }

    fn joined(&self) -> Result<&Joined, ServerError> {
        self.joined.get().ok_or_else(|| ServerError::SessionGone {
            server: self.server.name().clone(),
        })
    }

    /// Handles `initialize`. The first session of its kind starts the child, and later ones get the same answer.
    async fn initialize(&self, message: &Message, watch: Watch) -> Result<Answer, ServerError> {
        if self.began.swap(true, Ordering::Relaxed) {
            let (code, why) = (
                error_codes::INVALID_REQUEST,
                "the session has begun already",
            );
            let refusal = Message::error(message.id(), code, why, None);
            return Ok(answer(StatusCode::OK, Body::Message(refusal)));
        }
        let (owner, account) = match self.server.config().share {
            Share::All => (None, &Account::Local),
            Share::None | Share::Principal => (Some(self.owner.clone()), self.owner.account()),
        };
        let share_key = ShareKey::new(owner, message.payload());
        let shared = self.server.shared_children().of(share_key);
        let mut begun = shared.begun.lock().await;
        let running = begun.as_ref().filter(|begun| !begun.child.is_over());
        let (child, left, reply) = match (running, message.id()) {
            (Some(Begun { child, reply, left }), Some(id)) => {
                let reply = reply.with_id(id);
                watch.look(&reply);
                (child.clone(), left.clone(), reply)
            }
            _ => {
                let child = self.server.start(ChildUsers::Sessions, account).await?;
                let answered = request(&child, 0, message, watch, None).await?;
                let reply = match answered.body {
                    Body::Message(reply) => Some(reply),
                    Body::Stream(events) => events.reply().await,
                    Body::Empty => None,
                };
                let reply = reply.ok_or_else(|| ServerError::Cut {
                    server: self.server.name().clone(),
                })?;
                if reply.failed() {
                    return Ok(answer(StatusCode::OK, Body::Message(reply)));
                }
                let left = Arc::<Notify>::default();
                *begun = Some(Begun {
                    child: child.clone(),
                    reply: reply.clone(),
                    left: left.clone(),
                });
                tokio::spawn(shared.clone().keep(child.clone(), left.clone()));
                (child, left, reply)
            }
        };
        child
            .demux
            .join(self.number, &self.owner, self.definitions.clone());
        drop(begun);
        // Set only here, since only the first `initialize` gets this far.
        let _ = self.joined.set(Joined {
            shared,
            child,
            left,
        });
        Ok(answer(StatusCode::OK, Body::Message(reply)))
    }
}

impl Drop for SharedSession {
    fn drop(&mut self) {
        self.leave();
    }
}

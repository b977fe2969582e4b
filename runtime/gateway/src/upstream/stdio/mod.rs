//! A conversation with a stdio server: a child of its own, or a place at one that others use too.

pub(in crate::upstream) mod backoff;
pub(in crate::upstream) mod child;
pub(in crate::upstream) mod process;
pub(in crate::upstream) mod reaper;
pub(in crate::upstream) mod tasks;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream;
use http::{HeaderMap, StatusCode};
use sandgate_message::{Message, Shape};
use tokio::sync::MutexGuard;

use crate::upstream::demux::Ticket;
use crate::upstream::demux::pending::Queue;
use crate::upstream::share::session::SharedSession;
use crate::upstream::stdio::child::Child;
use crate::upstream::watch::Watch;
use crate::upstream::{Answer, Body, Server, ServerError, ServerEvent, ServerEvents};

/// The longest that a server waits for the client's answer to a question of its own: people are asked.
pub(in crate::upstream) const ASKED: Duration = Duration::from_secs(60 * 60);

/// A conversation's way to a child.
#[derive(Debug)]
pub(in crate::upstream) enum Channel {
    Own(Arc<Child>),
    /// With the conversation's number: two clients' ids may be the same.
    Shared(Arc<Server>, u64),
    /// A legacy session's.
    SharedSession(Box<SharedSession>),
}

impl Channel {
    pub(in crate::upstream) async fn request(
        &self,
        message: &Message,
        watch: Watch,
    ) -> Result<Answer, ServerError> {
        match self {
            Self::Own(child) => request(child, 0, message, watch, None).await,
            Self::Shared(server, conversation) => {
                let child = server.shared_child().await?;
                request(&child, *conversation, message, watch, None).await
            }
            Self::SharedSession(session) => Box::pin(session.request(message, watch)).await,
        }
    }

    pub(in crate::upstream) async fn send(&self, message: &Message) -> Result<Answer, ServerError> {
        let (child, conversation) = match self {
            Self::Own(child) => (child.clone(), 0),
            Self::Shared(server, conversation) => (server.shared_child().await?, *conversation),
            Self::SharedSession(session) => return session.send(message).await,
        };
        if let Some(message) = child.demux.outgoing(conversation, message) {
            child.write(&message).await?;
        }
        Ok(answer(StatusCode::ACCEPTED, Body::Empty))
    }

    pub(in crate::upstream) async fn listen(
        &self,
        server: &Arc<str>,
        watch: Watch,
    ) -> Result<Answer, ServerError> {
        let queue = match self {
            Self::Own(child) => child.demux.listen(0, watch.budget())?,
            Self::Shared(server, _) => {
                let child = server.shared_child().await?;
                child.demux.listen(0, watch.budget())?
            }
            Self::SharedSession(session) => session.listen(watch.budget())?,
        };
        let source = Source {
            early: VecDeque::new(),
            queue,
            ticket: None,
            watch,
            silence: None,
            server: server.clone(),
        };
        Ok(answer(StatusCode::OK, Body::Stream(source.into_arrivals())))
    }

    pub(in crate::upstream) async fn close(&self) {
        match self {
            Self::Own(child) => child.close().await,
            Self::Shared(..) => {}
            Self::SharedSession(session) => session.leave(),
        }
    }
}

/// Sends a request to a child and waits for the first that comes back: a reply that comes alone is no stream. `turn` is
/// held until the child has it.
pub(in crate::upstream) async fn request(
    child: &Child,
    conversation: u64,
    message: &Message,
    watch: Watch,
    turn: Option<MutexGuard<'_, ()>>,
) -> Result<Answer, ServerError> {
    let (wire, mut ticket, queue) = child.demux.enter(conversation, message, watch.budget())?;
    // Told to be sent before it is: a message in the outbox is sent, whatever becomes of this future.
    ticket.sent(message.method().unwrap_or_default());
    child.write(&wire).await?;
    drop(turn);
    let server = child.server().clone();
    let mut source = Source {
        early: VecDeque::new(),
        queue,
        ticket: Some(ticket),
        watch,
        silence: Some(child.patience()),
        server,
    };
    match source.next().await {
        Some(Ok(message)) if is_reply(&message) => {
            Ok(answer(StatusCode::OK, Body::Message(message)))
        }
        Some(Ok(message)) => {
            source.early.push_back(message);
            if source.watch.method() == Some("subscriptions/listen") {
                source.silence = None;
            }
            Ok(answer(StatusCode::OK, Body::Stream(source.into_arrivals())))
        }
        Some(Err(error)) => Err(error),
        None => Err(ServerError::Cut {
            server: source.server.clone(),
        }),
    }
}

pub(in crate::upstream) fn answer(status: StatusCode, body: Body) -> Answer {
    Answer {
        status,
        headers: HeaderMap::new(),
        body,
    }
}

pub(in crate::upstream) fn is_reply(message: &Message) -> bool {
    matches!(message.shape(), Shape::Result { .. } | Shape::Error { .. })
}

struct Source {
    early: VecDeque<Message>,
    queue: Queue,
    /// Until the reply came.
    ticket: Option<Ticket>,
    watch: Watch,
    /// The longest silence; none: without end.
    silence: Option<Duration>,
    server: Arc<str>,
}

impl Source {
    async fn next(&mut self) -> Option<Result<Message, ServerError>> {
        let mut waited = Duration::ZERO;
        let next = loop {
            let Some(silence) = self.silence else {
                break self.queue.next().await;
            };
            match tokio::time::timeout(silence, self.queue.next()).await {
                Ok(next) => break next,
                Err(_) if self.watch.notes().waits_for_client() && waited < ASKED => {
                    waited += silence
                }
                Err(_) => {
                    break Some(Err(ServerError::Timeout {
                        server: self.server.clone(),
                        after: silence,
                    }));
                }
            }
        };
        if let Some(Ok(message)) = &next {
            self.watch.look(message);
        }
        next
    }

    fn into_arrivals(self) -> ServerEvents {
        // None after the last item.
        ServerEvents::new(stream::unfold(Some(self), |source| async {
            let mut source = source?;
            if let Some(message) = source.early.pop_front() {
                return Some((Ok(ServerEvent::of(message)), Some(source)));
            }
            let next = source.next().await?;
            let last = match &next {
                Ok(message) => source.ticket.is_some() && is_reply(message),
                Err(_) => true,
            };
            Some((next.map(ServerEvent::of), (!last).then_some(source)))
        }))
    }
}

//! Requests to a child process, and their answers.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream;
use http::{HeaderMap, StatusCode};
use sandgate_message::Message;
use tokio::sync::MutexGuard;

use crate::answer::is_reply;
use crate::demux::Ticket;
use crate::demux::queue::Queue;
use crate::stdio::child::Child;
use crate::watch::Watch;
use crate::{Answer, Body, ServerError, ServerEvent, ServerEvents};

/// The longest that a server may wait for the client's answer to its own request: people are asked.
pub(crate) const ASKED: Duration = Duration::from_secs(60 * 60);

/// Sends a request to a child and waits for the first message. If it is the reply, the answer is no stream. `turn` is
/// held until the child has the request.
///
/// # Errors
///
/// The child cannot be reached or has ended, or it stays silent for too long.
pub(crate) async fn request(
    child: &Child,
    conversation: u64,
    message: &Message,
    watch: Watch,
    turn: Option<MutexGuard<'_, ()>>,
) -> Result<Answer, ServerError> {
    let (wire, mut ticket, queue) = child.demux.enter(conversation, message, watch.budget())?;
    // Marked as sent before writing: a message in the outbox is sent even if this future is dropped.
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
            Ok(answer(StatusCode::OK, Body::Stream(source.into_events())))
        }
        Some(Err(error)) => Err(error),
        None => Err(ServerError::Cut {
            server: source.server.clone(),
        }),
    }
}

pub(crate) fn answer(status: StatusCode, body: Body) -> Answer {
    Answer {
        status,
        headers: HeaderMap::new(),
        body,
    }
}

/// The messages that answer a request, or that a listener gets.
pub(crate) struct Source {
    pub(crate) early: VecDeque<Message>,
    pub(crate) queue: Queue,
    /// The request's ticket; `None` for a listener.
    pub(crate) ticket: Option<Ticket>,
    pub(crate) watch: Watch,
    /// The longest silence; `None` for no limit.
    pub(crate) silence: Option<Duration>,
    pub(crate) server: Arc<str>,
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

    pub(crate) fn into_events(self) -> ServerEvents {
        // The state is `None` after the last item.
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

//! One conversation with a server: what a client's session, or its single stateless request, is carried on.

use std::sync::Arc;

use http::{HeaderMap, StatusCode};
use sandgate_message::{Era, Message, Shape};

use super::watch::{Notes, Watch};
use super::{Answer, Body, Definitions, Server, ServerError, http as remote, stdio};
use crate::Budget;

/// A conversation with a server. Dropping it ends it as [`Self::close`] does, without waiting.
#[derive(Debug)]
pub struct Conversation {
    server: Arc<Server>,
    era: Era,
    channel: Channel,
    notes: Arc<Notes>,
    budget: Budget,
    definitions: Arc<Definitions>,
}

#[derive(Debug)]
pub(super) enum Channel {
    Stdio(stdio::Channel),
    Http(Box<remote::Channel>),
}

impl Conversation {
    pub(super) fn new(
        server: Arc<Server>,
        era: Era,
        channel: Channel,
        budget: Budget,
        definitions: Arc<Definitions>,
    ) -> Arc<Self> {
        Arc::new(Self {
            server,
            era,
            channel,
            notes: Arc::default(),
            budget,
            definitions,
        })
    }

    /// The one it was opened for.
    pub fn era(&self) -> Era {
        self.era
    }

    /// The server that it is with.
    pub fn server(&self) -> &Arc<Server> {
        &self.server
    }

    /// What the server was last seen to offer in it, or to its caller.
    pub fn definitions(&self) -> &Arc<Definitions> {
        &self.definitions
    }

    /// Sends a request. Everything that comes back bears the message's own id and progress token. `headers` are the
    /// client's; of them only the ones with a meaning for the server go on. What a list request brings back is learnt
    /// by its [`Definitions`].
    pub async fn request(
        &self,
        message: &Message,
        headers: &HeaderMap,
    ) -> Result<Answer, ServerError> {
        let place = self.server.place(self.budget.account()).await?;
        let watch = self.watch(Some(message));
        let answer = match &self.channel {
            Channel::Stdio(channel) => channel.request(message, watch).await,
            Channel::Http(channel) => channel.request(message, headers, watch).await,
        };
        let mut answer = self.noted(answer)?;
        // A subscription is not work under way: it may last for ever.
        if let Body::Stream(arrivals) = answer.body {
            answer.body = Body::Stream(match message.method() {
                Some("subscriptions/listen") => arrivals,
                _ => arrivals.holding(place, self.server.known().clone()),
            });
        }
        Ok(answer)
    }

    /// What an answer, or its absence, says about how the server is.
    fn noted(&self, answer: Result<Answer, ServerError>) -> Result<Answer, ServerError> {
        let vitals = &self.server.known().vitals;
        match &answer {
            Ok(answer) if answer.status.is_server_error() => {
                vitals.ill(format!("it answered {}", answer.status));
            }
            Ok(_) => vitals.well(),
            Err(error) => {
                vitals.failed(error);
                // No connection came about: nothing that the caller sent has to do with it.
                if let ServerError::Unreachable { .. } = error {
                    self.server.check();
                }
            }
        }
        answer
    }

    /// Sends a notification, or the client's reply to a request of the server's.
    pub async fn send(
        &self,
        message: &Message,
        headers: &HeaderMap,
    ) -> Result<Answer, ServerError> {
        let answer = match &self.channel {
            Channel::Stdio(channel) => channel.send(message).await,
            Channel::Http(channel) => channel.send(message, headers, self.watch(None)).await,
        };
        let answer = self.noted(answer)?;
        if matches!(message.shape(), Shape::Result { .. } | Shape::Error { .. }) {
            self.notes.answered();
        }
        Ok(answer)
    }

    /// What the server says unasked (legacy): the HTTP GET stream, or a child's messages that belong to no request. Of
    /// a child, a later one takes over from an earlier one, and what it says while nobody listens goes to the oldest
    /// request under way, or is dropped. `headers` may hold `Last-Event-ID`. Modern: status 405.
    pub async fn listen(&self, headers: &HeaderMap) -> Result<Answer, ServerError> {
        if self.era == Era::Modern {
            let status = StatusCode::METHOD_NOT_ALLOWED;
            return Ok(Answer {
                status,
                headers: HeaderMap::new(),
                body: Body::Empty,
            });
        }
        let watch = self.watch(None);
        match &self.channel {
            Channel::Stdio(channel) => channel.listen(self.server.name(), watch).await,
            Channel::Http(channel) => channel.listen(headers, watch).await,
        }
    }

    /// The HTTP server's session id; the client never sees it.
    pub fn session_id(&self) -> Option<String> {
        match &self.channel {
            Channel::Stdio(_) => None,
            Channel::Http(channel) => channel.session_id(),
        }
    }

    /// Ends the session or the child.
    pub async fn close(&self) {
        match &self.channel {
            Channel::Stdio(channel) => channel.close().await,
            Channel::Http(channel) => channel.close().await,
        }
    }

    fn watch(&self, message: Option<&Message>) -> Watch {
        let known = self.server.known();
        Watch::new(
            self.era,
            &self.notes,
            known,
            &self.definitions,
            message,
            &self.budget,
        )
    }
}

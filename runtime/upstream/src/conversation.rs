//! A conversation with a server, which serves a client's session or a single stateless request.

use std::sync::Arc;

use http::{HeaderMap, StatusCode};
use sandgate_message::{Era, Message, Shape};

use super::watch::{Notes, Watch};
use super::{Answer, Body, Definitions, Server, ServerError, http as remote, stdio};
use sandgate_wire::Budget;

/// A conversation with a server. Dropping it ends it as [`Self::close`] does, but without waiting.
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

    /// The era for which the conversation was opened.
    pub fn era(&self) -> Era {
        self.era
    }

    /// The server of the conversation.
    pub fn server(&self) -> &Arc<Server> {
        &self.server
    }

    /// The definitions that the server was last seen to offer in this conversation or to its caller.
    pub fn definitions(&self) -> &Arc<Definitions> {
        &self.definitions
    }

    /// Sends a request. All messages that come back carry the request's own id and progress token. `headers` are the
    /// client's, of which only those with a meaning for the server are forwarded. The conversation's [`Definitions`]
    /// learn from the replies to list requests.
    ///
    /// # Errors
    ///
    /// The conversation is over, the server is busy or cannot be reached, or its answer is missing or unusable.
    pub async fn request(
        &self,
        message: &Message,
        headers: &HeaderMap,
    ) -> Result<Answer, ServerError> {
        let place = self.server.place(self.budget.account()).await?;
        // A stop that came while the request waited for its place counts.
        self.server.unheld()?;
        let watch = self.watch(Some(message));
        let answer = match &self.channel {
            Channel::Stdio(channel) => channel.request(message, watch).await,
            Channel::Http(channel) => channel.request(message, headers, watch).await,
        };
        let mut answer = self.noted(answer)?;
        // A subscription may last forever, so it holds no place.
        if let Body::Stream(events) = answer.body {
            answer.body = Body::Stream(match message.method() {
                Some("subscriptions/listen") => events,
                _ => events.holding(place, self.server.known().clone()),
            });
        }
        Ok(answer)
    }

    /// Notes what an answer, or its absence, says about the server's health.
    fn noted(&self, answer: Result<Answer, ServerError>) -> Result<Answer, ServerError> {
        let vitals = &self.server.known().vitals;
        match &answer {
            Ok(answer) if answer.status.is_server_error() => {
                vitals.ill(format!("it answered {}", answer.status));
            }
            Ok(_) => vitals.well(),
            Err(error) => {
                vitals.failed(error);
                // The connection failed, so the cause is the server and not the caller's message.
                if let ServerError::Unreachable { .. } = error {
                    self.server.check();
                }
            }
        }
        answer
    }

    /// Sends a notification, or the client's reply to a request of the server.
    ///
    /// # Errors
    ///
    /// The conversation is over, the server cannot be reached, or its answer is unusable.
    pub async fn send(
        &self,
        message: &Message,
        headers: &HeaderMap,
    ) -> Result<Answer, ServerError> {
        self.server.unheld()?;
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

    /// Listens to the server's own messages (legacy): the HTTP GET stream, or a child's messages that belong to no
    /// request. At a child, a later listener replaces an earlier one, and messages that arrive while none listens go to
    /// the oldest request in flight, or are dropped. `headers` may contain `Last-Event-ID`. In the modern era the
    /// answer is status 405.
    ///
    /// # Errors
    ///
    /// The conversation is over, the server cannot be reached, or its answer is unusable.
    pub async fn listen(&self, headers: &HeaderMap) -> Result<Answer, ServerError> {
        if self.era == Era::Modern {
            let status = StatusCode::METHOD_NOT_ALLOWED;
            return Ok(Answer {
                status,
                headers: HeaderMap::new(),
                body: Body::Empty,
            });
        }
        self.server.unheld()?;
        let watch = self.watch(None);
        match &self.channel {
            Channel::Stdio(channel) => channel.listen(self.server.name(), watch).await,
            Channel::Http(channel) => channel.listen(headers, watch).await,
        }
    }

    /// The id of the session with an HTTP server, which the client never sees.
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

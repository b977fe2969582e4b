//! Reads an HTTP server's event stream, one event at a time.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use sandgate_message::{Era, Id, Message};

use crate::answer::is_reply;
use crate::demux::splice::restore;
use crate::http::event_id;
use crate::redacted;
use crate::stdio::request::ASKED;
use crate::watch::Watch;
use crate::{ServerConfig, ServerError, ServerEvent, ServerEvents};
use sandgate_wire::Permit;
use sandgate_wire::framing::sse::{Event, Parser};

/// How much larger an event may be than its message, in bytes: other fields, comments, field names.
const AROUND: usize = 64 << 10;
/// How long the rest of a stream is read after its reply, so that the connection can be reused.
const TAIL: Duration = Duration::from_secs(1);

/// An event stream that is being read.
pub(crate) struct Events {
    body: Incoming,
    parser: Parser,
    /// The permit for the memory of an incomplete event.
    buffered: Option<Permit>,
    config: Arc<ServerConfig>,
    watch: Watch,
    /// The id of the request that the stream answers; `None` for listening.
    id: Option<Id>,
    /// Whether an event had an id, from which the client may resume.
    resumable: bool,
}

impl Events {
    pub(crate) fn new(
        body: Incoming,
        config: Arc<ServerConfig>,
        watch: Watch,
        id: Option<Id>,
    ) -> Self {
        let parser = Parser::new(config.limits.bytes.saturating_add(AROUND));
        Self {
            body,
            parser,
            buffered: watch.budget().take(0).ok(),
            config,
            watch,
            id,
            resumable: false,
        }
    }

    pub(crate) fn into_events(self) -> ServerEvents {
        ServerEvents::new(stream::unfold(Some(self), |events| async {
            let mut events = events?;
            let next = events.next().await?;
            match &next {
                Err(_) => Some((next, None)),
                Ok(arrival)
                    if events.id.is_some() && arrival.message.as_ref().is_some_and(is_reply) =>
                {
                    tokio::spawn(drain(events.body));
                    Some((next, None))
                }
                Ok(_) => Some((next, Some(events))),
            }
        }))
    }

    async fn next(&mut self) -> Option<Result<ServerEvent, ServerError>> {
        loop {
            match self.parser.event() {
                Ok(Some(event)) => match self.arrival(event) {
                    Ok(Some(arrival)) => return Some(Ok(arrival)),
                    Ok(None) => continue,
                    Err(error) => return Some(Err(error)),
                },
                Ok(None) => {}
                Err(error) => return Some(Err(self.garbage(error.to_string()))),
            }
            let frame = match self.frame().await {
                Ok(frame) => frame,
                Err(error) => return Some(Err(error)),
            };
            match frame {
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        self.parser.push(&data);
                        let size = self.parser.buffered();
                        if self
                            .buffered
                            .as_mut()
                            .is_some_and(|held| !held.resize(size))
                        {
                            return Some(Err(self.no_memory()));
                        }
                    }
                }
                Some(Err(_)) => return Some(Err(self.cut())),
                None if self.parser.cut() => return Some(Err(self.cut())),
                // A listening stream may end at any time; a request's stream only after its reply, or if the client may
                // resume it.
                None if self.id.is_none() => return None,
                None if self.resumable && self.watch.era() == Era::Legacy => return None,
                // A subscription may end without a reply.
                None if self.watch.method() == Some("subscriptions/listen") => return None,
                None => return Some(Err(self.cut())),
            }
        }
    }

    async fn frame(
        &mut self,
    ) -> Result<Option<Result<hyper::body::Frame<Bytes>, hyper::Error>>, ServerError> {
        // A listening stream may be silent for long; a request's stream may not.
        if matches!(self.watch.method(), None | Some("subscriptions/listen")) {
            return Ok(self.body.frame().await);
        }
        let silence = self.config.request_timeout;
        let mut waited = Duration::ZERO;
        loop {
            match tokio::time::timeout(silence, self.body.frame()).await {
                Ok(frame) => return Ok(frame),
                Err(_) if self.watch.notes().waits_for_client() && waited < ASKED => {
                    waited += silence
                }
                Err(_) => {
                    return Err(ServerError::Timeout {
                        server: self.config.name.clone(),
                        after: silence,
                    });
                }
            }
        }
    }

    /// Interprets an event. `None` for one with nothing for the client: an event with another name than MCP's, or a
    /// reply to no request.
    fn arrival(&mut self, event: Event) -> Result<Option<ServerEvent>, ServerError> {
        let Event {
            data,
            event,
            id,
            retry,
        } = event;
        let name = event.as_deref().unwrap_or_default();
        let mut arrival = ServerEvent {
            message: None,
            blank: data.as_ref().is_some_and(Bytes::is_empty),
            named: name == b"message",
            id: id
                .as_deref()
                .filter(|id| !self.config.redactor.finds(id))
                .and_then(event_id::seal),
            retry,
        };
        if let Some(id) = &arrival.id {
            self.resumable = true;
            self.watch.notes().shown_ids.add(id);
        }
        let Some(data) = data.filter(|data| !data.is_empty()) else {
            return Ok(Some(arrival));
        };
        arrival.message = match name {
            b"" | b"message" => self.message(data)?,
            // Clients only read events with this name, and a message under any other would escape the interceptors.
            _ => self.dropped("an event that is not MCP's"),
        };
        // An event without a message may still move the id from which a client resumes.
        let says_something =
            arrival.message.is_some() || arrival.id.is_some() || arrival.retry.is_some();
        Ok(says_something.then_some(arrival))
    }

    fn message(&mut self, data: Bytes) -> Result<Option<Message>, ServerError> {
        let limits = &self.config.limits;
        let message = redacted::message(data, limits, &self.config.redactor)
            .map_err(|trouble| self.garbage(format!("an event is {trouble}")))?;
        let message = match &self.id {
            Some(id) if is_reply(&message) => match restore(message, id, limits) {
                Some(reply) => reply,
                None => return Ok(self.dropped("a reply to another request")),
            },
            _ => message,
        };
        let held = self.watch.budget().hold(&message);
        held.map_err(|_| self.no_memory())?;
        self.watch.look(&message);
        Ok(Some(message))
    }

    fn dropped(&self, what: &str) -> Option<Message> {
        self.watch.known().vitals.dropped(&self.config.name, what);
        None
    }

    fn garbage(&self, why: impl Into<String>) -> ServerError {
        ServerError::Garbage {
            server: self.config.name.clone(),
            why: redacted::words(why.into(), &self.config.redactor),
        }
    }
    fn no_memory(&self) -> ServerError {
        ServerError::Memory {
            server: self.config.name.clone(),
        }
    }

    fn cut(&self) -> ServerError {
        ServerError::Cut {
            server: self.config.name.clone(),
        }
    }
}

/// Reads what little may follow the last event.
async fn drain(mut body: Incoming) {
    let _ = tokio::time::timeout(TAIL, async {
        let mut left: usize = AROUND;
        while let Some(Ok(frame)) = body.frame().await {
            let size = frame.data_ref().map_or(0, Bytes::len);
            match left.checked_sub(size) {
                Some(rest) => left = rest,
                None => return,
            }
        }
    })
    .await;
}

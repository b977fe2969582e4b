//! Conversations over Streamable HTTP.

pub(crate) mod client;
pub mod event_id;
pub(crate) mod events;
pub(crate) mod headers;
pub(crate) mod metadata;
pub(crate) mod metadata_place;

use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Response, StatusCode};
use hyper::body::Incoming;
use parking_lot::Mutex;
use sandgate_message::{Era, Id, Message};

use crate::demux::splice::{refusal, restore};
use crate::http::client::HttpClient;
use crate::http::events::Events;
use crate::redacted;
use crate::watch::Watch;
use crate::{Answer, Body, ServerError};
use sandgate_wire::Budget;

/// The largest error page that is read to its end for reusing the connection, in bytes.
const ERROR_PAGE: usize = 64 << 10;
/// The longest time for ending a session.
const GOODBYE: Duration = Duration::from_secs(2);

/// A conversation with an HTTP server. Dropping it ends the session with the server without waiting.
#[derive(Debug)]
pub(crate) struct Channel {
    remote: HttpClient,
    era: Era,
    session: Mutex<Option<HeaderValue>>,
    /// The client's last token, where tokens are forwarded: the session cannot be ended without it.
    token: Mutex<Option<HeaderValue>>,
}

impl Channel {
    pub(crate) fn new(remote: HttpClient, era: Era) -> Self {
        Self {
            remote,
            era,
            session: Mutex::new(None),
            token: Mutex::new(None),
        }
    }

    pub(crate) fn session_id(&self) -> Option<String> {
        self.session
            .lock()
            .as_ref()
            .and_then(|id| id.to_str().ok())
            .map(str::to_owned)
    }

    pub(crate) async fn request(
        &self,
        message: &Message,
        client: &HeaderMap,
        watch: Watch,
    ) -> Result<Answer, ServerError> {
        let response = self.post(message, client, &watch).await?;
        if message.method() == Some("initialize")
            && let Some(id) = response.headers().get(headers::SESSION)
        {
            let mut id = id.clone();
            id.set_sensitive(true);
            *self.session.lock() = Some(id);
        }
        let status = response.status();
        let kind = Kind::of(response.headers());
        if status.is_success() && kind == Kind::Events {
            let back = self.coming_back(&response);
            let id = message.id().cloned();
            let events = Events::new(response.into_body(), self.remote.config.clone(), watch, id);
            return Ok(Answer {
                status,
                headers: back,
                body: Body::Stream(events.into_events()),
            });
        }
        self.whole(message, response, kind, &watch).await
    }

    pub(crate) async fn send(
        &self,
        message: &Message,
        client: &HeaderMap,
        watch: Watch,
    ) -> Result<Answer, ServerError> {
        let response = self.post(message, client, &watch).await?;
        if response.status().is_success() {
            // A body that comes with a 202 answers nothing.
            return Ok(Answer {
                status: StatusCode::ACCEPTED,
                headers: HeaderMap::new(),
                body: Body::Empty,
            });
        }
        let kind = Kind::of(response.headers());
        self.whole(message, response, kind, &watch).await
    }

    pub(crate) async fn listen(
        &self,
        client: &HeaderMap,
        watch: Watch,
    ) -> Result<Answer, ServerError> {
        let mut headers = headers::base();
        headers.insert(
            header::ACCEPT,
            HeaderValue::from_static("text/event-stream"),
        );
        headers::pass_on(&mut headers, &self.of(client));
        headers::set_version(&mut headers, client, watch.notes().version());
        let last = client.get(headers::LAST_EVENT);
        if let Some(last) = last.filter(|last| watch.notes().shown_ids.has(last.as_bytes())) {
            headers.insert(headers::LAST_EVENT, event_id::open(last));
        }
        let asked_in_session = self.enter(&mut headers);
        let response = self
            .remote
            .send(
                Method::GET,
                headers,
                Bytes::new(),
                self.remote.config.request_timeout,
            )
            .await?;
        self.alive(asked_in_session, &response)?;
        let status = response.status();
        if status.is_success() && Kind::of(response.headers()) == Kind::Events {
            let back = self.coming_back(&response);
            let events = Events::new(
                response.into_body(),
                self.remote.config.clone(),
                watch.clone(),
                None,
            );
            return Ok(Answer {
                status,
                headers: back,
                body: Body::Stream(events.into_events()),
            });
        }
        if status.is_success() {
            return Err(self
                .remote
                .garbage("it answered a GET with something else than events"));
        }
        self.refused(None, response, Kind::Other, watch.budget())
            .await
    }

    /// Ends the session with the server, if there is one.
    pub(crate) async fn close(&self) {
        let Some((remote, headers)) = self.leave() else {
            return;
        };
        goodbye(remote, headers).await;
    }

    fn leave(&self) -> Option<(HttpClient, HeaderMap)> {
        let session = self.session.lock().take()?;
        let mut headers = headers::base();
        headers.insert(headers::SESSION, session);
        if let Some(token) = self.token.lock().take() {
            headers.insert(header::AUTHORIZATION, token);
        }
        Some((self.remote.clone(), headers))
    }

    /// The client's headers, of which some are forwarded.
    fn of<'a>(&self, headers: &'a HeaderMap) -> headers::Client<'a> {
        let client = headers::Client {
            headers,
            // What goes on with an exchange is the new token: `HttpClient::send_to` puts it in place of the client's.
            forward_authorization: self.remote.config.forward_authorization
                || self.remote.config.exchange.is_some(),
            forward_trace_state: self.remote.config.forward_trace_state,
        };
        if self.era == Era::Legacy
            && let Some(token) = client.authorization()
        {
            *self.token.lock() = Some(token);
        }
        client
    }

    fn coming_back(&self, response: &Response<Incoming>) -> HeaderMap {
        let config = &self.remote.config;
        let mut headers = headers::coming_back(response.headers(), config.forward_authorization);
        if !config.redactor.is_idle() {
            let clean = |(name, value): (&HeaderName, &HeaderValue)| {
                let clean = !config.redactor.finds(value.as_bytes());
                clean.then(|| (name.clone(), value.clone()))
            };
            headers = headers.iter().filter_map(clean).collect();
        }
        headers
    }

    /// Adds the session's id. Returns whether there is a session.
    fn enter(&self, headers: &mut HeaderMap) -> bool {
        let session = self.session.lock().clone();
        session.is_some_and(|id| headers.insert(headers::SESSION, id).is_none())
    }

    fn alive(&self, in_session: bool, response: &Response<Incoming>) -> Result<(), ServerError> {
        if in_session && response.status() == StatusCode::NOT_FOUND {
            *self.session.lock() = None;
            return Err(ServerError::SessionGone {
                server: self.remote.name().clone(),
            });
        }
        Ok(())
    }

    async fn post(
        &self,
        message: &Message,
        client: &HeaderMap,
        watch: &Watch,
    ) -> Result<Response<Incoming>, ServerError> {
        let mut headers = headers::base();
        let version = watch.notes().version().filter(|_| self.era == Era::Legacy);
        headers::for_message(&mut headers, self.era, message, &self.of(client), version);
        let in_session = self.era == Era::Legacy && self.enter(&mut headers);
        let wait = self.remote.config.request_timeout;
        let response = self
            .remote
            .send(Method::POST, headers, message.bytes(), wait)
            .await?;
        self.alive(in_session, &response)?;
        Ok(response)
    }

    /// Reads a response that is not a stream.
    async fn whole(
        &self,
        message: &Message,
        response: Response<Incoming>,
        kind: Kind,
        watch: &Watch,
    ) -> Result<Answer, ServerError> {
        let status = response.status();
        if response
            .headers()
            .get(header::CONTENT_ENCODING)
            .is_some_and(|coding| coding != "identity")
        {
            return Err(self
                .remote
                .garbage("its answer is compressed, which was not asked for"));
        }
        if !status.is_success() {
            return self
                .refused(message.id(), response, kind, watch.budget())
                .await;
        }
        if kind != Kind::Json {
            return Err(match status {
                StatusCode::ACCEPTED | StatusCode::NO_CONTENT => {
                    self.remote.garbage("it did not answer a request")
                }
                _ => self
                    .remote
                    .garbage("its answer is neither JSON nor a stream of events"),
            });
        }
        let headers = self.coming_back(&response);
        let limits = self.remote.config.limits;
        let body = response.into_body();
        let collected = self.remote.collect(body, limits.bytes, watch.budget());
        let Some((bytes, mut permit)) = collected.await? else {
            return Err(ServerError::TooLarge {
                server: self.remote.name().clone(),
                limit: limits.bytes,
            });
        };
        let reply = redacted::message(bytes, &limits, &self.remote.config.redactor)
            .map_err(|trouble| self.remote.garbage(format!("its answer is {trouble}")))?;
        if !permit.resize(reply.memory()) {
            return Err(self.remote.no_memory());
        }
        reply.keep(permit);
        let Some(id) = message.id() else {
            return Err(self.remote.garbage("it answered what needs no answer"));
        };
        let Some(reply) = restore(reply, id, &limits) else {
            let what = "a reply to another request";
            watch.known().vitals.dropped(self.remote.name(), what);
            return Err(self
                .remote
                .garbage("its answer is no reply to this request"));
        };
        watch.look(&reply);
        Ok(Answer {
            status,
            headers,
            body: Body::Message(reply),
        })
    }

    /// Reads a response without success. Its body is returned only if it is a JSON-RPC error that answers this request.
    /// Anything else, such as a reply to another request or a proxy's page, would reach the client without passing the
    /// interceptors.
    async fn refused(
        &self,
        id: Option<&Id>,
        response: Response<Incoming>,
        kind: Kind,
        budget: &Budget,
    ) -> Result<Answer, ServerError> {
        let status = response.status();
        let headers = self.coming_back(&response);
        let limits = self.remote.config.limits;
        let most = match kind {
            Kind::Json => limits.bytes,
            Kind::Events | Kind::Other => ERROR_PAGE,
        };
        let said = self
            .remote
            .collect(response.into_body(), most, budget)
            .await?;
        let error = said
            .filter(|_| kind == Kind::Json)
            .and_then(|(said, permit)| {
                let redactor = &self.remote.config.redactor;
                let said = redacted::message(said, &limits, redactor).ok()?;
                said.keep(permit);
                Some(said)
            })
            .and_then(|said| refusal(said, id));
        Ok(Answer {
            status,
            headers,
            body: error.map_or(Body::Empty, Body::Message),
        })
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        if let Some((remote, headers)) = self.leave()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(goodbye(remote, headers));
        }
    }
}

async fn goodbye(remote: HttpClient, headers: HeaderMap) {
    // A server may refuse (405) or be gone; its session then ends by itself.
    if let Err(error) = remote
        .send(Method::DELETE, headers, Bytes::new(), GOODBYE)
        .await
    {
        tracing::debug!("the session was not ended: {}", error.detail());
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Json,
    Events,
    Other,
}

impl Kind {
    fn of(headers: &HeaderMap) -> Self {
        let value = headers
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let essence = value.split(';').next().unwrap_or_default().trim();
        if essence.eq_ignore_ascii_case("application/json") {
            Self::Json
        } else if essence.eq_ignore_ascii_case("text/event-stream") {
            Self::Events
        } else {
            Self::Other
        }
    }
}

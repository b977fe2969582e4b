//! A server reached by Streamable HTTP, and a conversation with it.

use std::error::Error as _;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use parking_lot::Mutex;
use sandgate_message::{Era, Id, Limits, Message, Shape};

use super::events::Events;
use super::headers;
use super::key::Key;
use super::routes::under_id;
use super::stdio::is_reply;
use super::watch::Watch;
use super::{Answer, Body, ServerConfig, ServerError};

/// Idle connections are dropped before common servers drop them (Node and uvicorn after 5 s): a request written to a
/// connection that the server is closing fails, and it may not be repeated.
const IDLE: Duration = Duration::from_secs(4);
/// Idle connections kept to one server.
const IDLE_CONNECTIONS: usize = 64;
/// The largest error page that is passed on, in bytes.
const ERROR_PAGE: usize = 64 << 10;
/// How long the end of a session may take.
const GOODBYE: Duration = Duration::from_secs(2);

/// The way to one HTTP server; all its conversations share the connections.
#[derive(Clone, Debug)]
pub(super) struct Remote {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    url: Uri,
    extra: HeaderMap,
    config: Arc<ServerConfig>,
}

impl Remote {
    pub(super) fn new(config: &Arc<ServerConfig>, url: &Uri, extra: &HeaderMap) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(config.connect_timeout));
        tcp.set_keepalive(Some(Duration::from_secs(30)));
        let connector = HttpsConnectorBuilder::new().with_tls_config(TLS.clone());
        let connector = connector
            .https_or_http()
            .enable_all_versions()
            .wrap_connector(tcp);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(IDLE_CONNECTIONS)
            // Only what was never written to a connection is tried on another: a call must not be made twice.
            .retry_canceled_requests(true)
            .build(connector);
        Self {
            client,
            url: url.clone(),
            extra: extra.clone(),
            config: config.clone(),
        }
    }

    fn name(&self) -> &Arc<str> {
        &self.config.name
    }

    async fn exchange(
        &self,
        method: Method,
        mut headers: HeaderMap,
        body: Bytes,
        wait: Duration,
    ) -> Result<Response<Incoming>, ServerError> {
        for (name, value) in &self.extra {
            headers.insert(name.clone(), value.clone());
        }
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = self.url.clone();
        *request.headers_mut() = headers;
        match tokio::time::timeout(wait, self.client.request(request)).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(self.broken(&error)),
            Err(_) => Err(ServerError::Timeout {
                server: self.name().clone(),
                after: wait,
            }),
        }
    }

    fn broken(&self, error: &hyper_util::client::legacy::Error) -> ServerError {
        let mut why = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            why = format!("{why}: {cause}");
            source = cause.source();
        }
        if error.is_connect() {
            ServerError::Unreachable {
                server: self.name().clone(),
                why,
            }
        } else {
            tracing::debug!(server = %self.name(), "{why}");
            ServerError::Cut {
                server: self.name().clone(),
            }
        }
    }

    /// The whole body, or none where it is over the limit.
    async fn collect(&self, body: Incoming, limit: usize) -> Result<Option<Bytes>, ServerError> {
        let mut body = body;
        let silence = self.config.request_timeout;
        let (mut first, mut rest) = (Bytes::new(), BytesMut::new());
        loop {
            let frame = match tokio::time::timeout(silence, body.frame()).await {
                Err(_) => {
                    return Err(ServerError::Timeout {
                        server: self.name().clone(),
                        after: silence,
                    });
                }
                Ok(None) => break,
                Ok(Some(Err(_))) => {
                    return Err(ServerError::Cut {
                        server: self.name().clone(),
                    });
                }
                Ok(Some(Ok(frame))) => frame,
            };
            let Ok(data) = frame.into_data() else {
                continue;
            };
            if first.len() + rest.len() + data.len() > limit {
                return Ok(None);
            }
            // Most bodies come in one piece, and are not copied.
            if first.is_empty() {
                first = data;
            } else {
                rest.extend_from_slice(&data);
            }
        }
        if rest.is_empty() {
            return Ok(Some(first));
        }
        let mut whole = BytesMut::with_capacity(first.len() + rest.len());
        whole.extend_from_slice(&first);
        whole.extend_from_slice(&rest);
        Ok(Some(whole.freeze()))
    }

    fn garbage(&self, why: impl Into<String>) -> ServerError {
        ServerError::Garbage {
            server: self.name().clone(),
            why: why.into(),
        }
    }
}

/// The system's certificate authorities, or Mozilla's where the system has none.
static TLS: LazyLock<rustls::ClientConfig> = LazyLock::new(|| {
    use hyper_rustls::ConfigBuilderExt;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = || {
        rustls::ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .unwrap_or_else(|_| unreachable!("ring has the cipher suites of TLS 1.2 and 1.3"))
    };
    match builder().with_native_roots() {
        Ok(config) => config.with_no_client_auth(),
        Err(error) => {
            tracing::warn!(
                "no certificate authorities found on this system ({error}); Mozilla's are used"
            );
            let roots = rustls::RootCertStore {
                roots: webpki_roots::TLS_SERVER_ROOTS.into(),
            };
            builder()
                .with_root_certificates(roots)
                .with_no_client_auth()
        }
    }
});

/// A conversation. Dropping it ends an upstream session without waiting.
#[derive(Debug)]
pub(super) struct Channel {
    remote: Remote,
    era: Era,
    session: Mutex<Option<HeaderValue>>,
}

impl Channel {
    pub(super) fn new(remote: Remote, era: Era) -> Self {
        Self {
            remote,
            era,
            session: Mutex::new(None),
        }
    }

    pub(super) fn session_id(&self) -> Option<String> {
        self.session
            .lock()
            .as_ref()
            .and_then(|id| id.to_str().ok())
            .map(str::to_owned)
    }

    pub(super) async fn request(
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
            let back = headers::coming_back(response.headers());
            let id = message.id().cloned();
            let events = Events::new(response.into_body(), self.remote.config.clone(), watch, id);
            return Ok(Answer {
                status,
                headers: back,
                body: Body::Stream(events.into_arrivals()),
            });
        }
        self.whole(message, response, kind, &watch).await
    }

    pub(super) async fn send(
        &self,
        message: &Message,
        client: &HeaderMap,
        watch: Watch,
    ) -> Result<Answer, ServerError> {
        let response = self.post(message, client, &watch).await?;
        if response.status().is_success() {
            // What some servers say beside a 202 answers nothing.
            return Ok(Answer {
                status: StatusCode::ACCEPTED,
                headers: HeaderMap::new(),
                body: Body::Empty,
            });
        }
        let kind = Kind::of(response.headers());
        self.whole(message, response, kind, &watch).await
    }

    pub(super) async fn listen(
        &self,
        client: &HeaderMap,
        watch: Watch,
    ) -> Result<Answer, ServerError> {
        let mut headers = headers::base();
        headers.insert(
            header::ACCEPT,
            HeaderValue::from_static("text/event-stream"),
        );
        headers::pass_on(&mut headers, client);
        headers::set_version(&mut headers, client, watch.notes().version());
        if let Some(last) = client.get(headers::LAST_EVENT) {
            headers.insert(headers::LAST_EVENT, last.clone());
        }
        let asked_in_session = self.enter(&mut headers);
        let response = self
            .remote
            .exchange(
                Method::GET,
                headers,
                Bytes::new(),
                self.remote.config.request_timeout,
            )
            .await?;
        self.alive(asked_in_session, &response)?;
        let status = response.status();
        let back = headers::coming_back(response.headers());
        if status.is_success() && Kind::of(response.headers()) == Kind::Events {
            let events = Events::new(
                response.into_body(),
                self.remote.config.clone(),
                watch,
                None,
            );
            return Ok(Answer {
                status,
                headers: back,
                body: Body::Stream(events.into_arrivals()),
            });
        }
        if status.is_success() {
            return Err(self
                .remote
                .garbage("it answered a GET with something else than events"));
        }
        self.raw(status, back, response.into_body()).await
    }

    /// Ends the upstream session, if there is one.
    pub(super) async fn close(&self) {
        let Some((remote, session)) = self.leave() else {
            return;
        };
        goodbye(remote, session).await;
    }

    fn leave(&self) -> Option<(Remote, HeaderValue)> {
        let session = self.session.lock().take()?;
        Some((self.remote.clone(), session))
    }

    /// Adds the session's id; true where there is one.
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
        headers::for_message(&mut headers, self.era, message, client, version);
        let in_session = self.era == Era::Legacy && self.enter(&mut headers);
        let wait = self.remote.config.request_timeout;
        let response = self
            .remote
            .exchange(Method::POST, headers, message.bytes(), wait)
            .await?;
        self.alive(in_session, &response)?;
        Ok(response)
    }

    /// A response that is not a stream.
    async fn whole(
        &self,
        message: &Message,
        response: Response<Incoming>,
        kind: Kind,
        watch: &Watch,
    ) -> Result<Answer, ServerError> {
        let status = response.status();
        let back = headers::coming_back(response.headers());
        if response
            .headers()
            .get(header::CONTENT_ENCODING)
            .is_some_and(|coding| coding != "identity")
        {
            return Err(self
                .remote
                .garbage("its answer is compressed, which was not asked for"));
        }
        if kind != Kind::Json {
            if status.is_success() {
                return Err(match status {
                    StatusCode::ACCEPTED | StatusCode::NO_CONTENT => {
                        self.remote.garbage("it did not answer a request")
                    }
                    _ => self
                        .remote
                        .garbage("its answer is neither JSON nor a stream of events"),
                });
            }
            return self.raw(status, back, response.into_body()).await;
        }
        let limits = self.remote.config.limits;
        let Some(bytes) = self
            .remote
            .collect(response.into_body(), limits.bytes)
            .await?
        else {
            return Err(ServerError::TooLarge {
                server: self.remote.name().clone(),
                limit: limits.bytes,
            });
        };
        match Message::parse(bytes.clone(), &limits) {
            Ok(reply) if !status.is_success() => Ok(Answer {
                status,
                headers: back,
                body: Body::Message(reply),
            }),
            Ok(reply) => {
                let Some(id) = message.id() else {
                    return Err(self.remote.garbage("it answered what needs no answer"));
                };
                let reply = restore(reply, id, &limits).map_err(|why| self.remote.garbage(why))?;
                watch.look(&reply);
                Ok(Answer {
                    status,
                    headers: back,
                    body: Body::Message(reply),
                })
            }
            // The page of a proxy in between, or of a server that is none of MCP's.
            Err(_) if !status.is_success() && bytes.len() <= ERROR_PAGE => Ok(Answer {
                status,
                headers: back,
                body: Body::Raw(bytes),
            }),
            Err(trouble) => Err(self.remote.garbage(format!("its answer is {trouble}"))),
        }
    }

    async fn raw(
        &self,
        status: StatusCode,
        back: HeaderMap,
        body: Incoming,
    ) -> Result<Answer, ServerError> {
        let page = self
            .remote
            .collect(body, ERROR_PAGE)
            .await?
            .unwrap_or_default();
        Ok(Answer {
            status,
            headers: back,
            body: Body::Raw(page),
        })
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        if let Some((remote, session)) = self.leave()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(goodbye(remote, session));
        }
    }
}

async fn goodbye(remote: Remote, session: HeaderValue) {
    let mut headers = headers::base();
    headers.insert(headers::SESSION, session);
    // A server may refuse (405), or be gone: its session ends by itself then.
    if let Err(error) = remote
        .exchange(Method::DELETE, headers, Bytes::new(), GOODBYE)
        .await
    {
        tracing::debug!("the session was not ended: {error}");
    }
}

/// The reply under the request's own id, however the server spelt it.
pub(super) fn restore(reply: Message, id: &Id, limits: &Limits) -> Result<Message, &'static str> {
    match reply.shape() {
        _ if !is_reply(&reply) => Err("its answer is not a reply"),
        Shape::Error { id: None } => under_id(&reply, id, limits).ok_or("its answer is no error"),
        _ if reply.id() == Some(id) => Ok(reply),
        _ if reply.id().map(Key::of_id) == Some(Key::of_id(id)) => Ok(reply.with_id(id)),
        _ => Err("its answer is for another request"),
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

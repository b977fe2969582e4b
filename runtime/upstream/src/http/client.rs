//! The HTTP client for one server: connections, certificates, bounded bodies.

use std::error::Error as _;
use std::pin::Pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, HOST, HeaderMap, HeaderValue};
use http::uri::{PathAndQuery, Scheme};
use http::{Method, Request, Response, StatusCode, Uri};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use parking_lot::Mutex;
use tower_service::Service;

use crate::http::metadata_place;
use crate::{ServerConfig, ServerError};
use sandgate_wire::{Budget, Permit};
use sandgate_wire::{CollectError, collect};

/// The interval of HTTP/2 keep-alive pings, and the time to answer one.
const ALIVE: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(20));
/// The most bytes that an HTTP/1.1 connection reads ahead.
const MAX_READ_AHEAD: usize = 64 << 10;
/// The HTTP/2 flow-control windows in bytes: of a connection, and of one stream.
const MAX_UNREAD: (u32, u32) = (1 << 20, 256 << 10);
/// The most idle connections kept to one server.
const IDLE_CONNECTIONS: usize = 64;

/// The client for one HTTP server, whose connections all conversations share. Cheap to clone, as every modern request
/// does.
#[derive(Clone, Debug)]
pub(crate) struct HttpClient {
    way: Arc<Way>,
    pub(crate) config: Arc<ServerConfig>,
}

#[derive(Debug)]
struct Way {
    client: Client<Within<HttpsConnector<HttpConnector>>, Full<Bytes>>,
    url: Uri,
    /// Where the server said that its metadata is.
    metadata: Mutex<Option<PathAndQuery>>,
    /// The configured headers, and `Host` where the connection is certainly HTTP/1.1: otherwise it would be built anew
    /// for every request.
    extra: HeaderMap,
}

impl HttpClient {
    pub(crate) fn new(config: &Arc<ServerConfig>, url: &Uri, extra: &HeaderMap) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(config.connect_timeout));
        tcp.set_keepalive(Some(Duration::from_secs(30)));
        let tls = match &config.authorities {
            Some(authorities) => trusting((*authorities.0).clone()),
            None => TLS.clone(),
        };
        let connector = HttpsConnectorBuilder::new().with_tls_config(tls);
        let connector = connector
            .https_or_http()
            .enable_all_versions()
            .wrap_connector(tcp);
        let connector = Within {
            inner: connector,
            time: config.connect_timeout,
        };
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .timer(TokioTimer::new())
            .pool_idle_timeout(config.keep_alive)
            .pool_max_idle_per_host(IDLE_CONNECTIONS)
            .http1_max_buf_size(MAX_READ_AHEAD)
            .http2_initial_connection_window_size(MAX_UNREAD.0)
            .http2_initial_stream_window_size(MAX_UNREAD.1)
            .http2_keep_alive_interval(ALIVE.0)
            .http2_keep_alive_timeout(ALIVE.1)
            // Only a request that was never written to a connection is retried on another: a call must not be made
            // twice.
            .retry_canceled_requests(true)
            .build(connector);
        let mut extra = extra.clone();
        if url.scheme() == Some(&Scheme::HTTP)
            && let Some(host) = host(url)
        {
            extra.insert(HOST, host);
        }
        let url = url.clone();
        Self {
            way: Arc::new(Way {
                client,
                url,
                metadata: Mutex::default(),
                extra,
            }),
            config: config.clone(),
        }
    }

    pub(crate) fn name(&self) -> &Arc<str> {
        &self.config.name
    }

    pub(crate) fn url(&self) -> &Uri {
        &self.way.url
    }

    /// Where the server said that its metadata is.
    pub(crate) fn metadata(&self) -> Option<PathAndQuery> {
        self.way.metadata.lock().clone()
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        headers: HeaderMap,
        body: Bytes,
        wait: Duration,
    ) -> Result<Response<Incoming>, ServerError> {
        let response = self.send_to(None, method, headers, body, wait).await?;
        if response.status() == StatusCode::UNAUTHORIZED {
            if !self.config.forward_authorization {
                return Err(self.unauthorised());
            }
            if let Some(place) = metadata_place::place_in(response.headers(), &self.way.url) {
                *self.way.metadata.lock() = Some(place);
            }
        }
        Ok(response)
    }

    /// The error where the server rejects the gateway's own credentials.
    pub(crate) fn unauthorised(&self) -> ServerError {
        ServerError::Unauthorised {
            server: self.name().clone(),
        }
    }

    /// Sends a request to `place` on the server, or to its configured URL for `None`.
    ///
    /// # Errors
    ///
    /// The server cannot be reached, or gives no response within `wait`.
    pub(crate) async fn send_to(
        &self,
        place: Option<PathAndQuery>,
        method: Method,
        mut headers: HeaderMap,
        body: Bytes,
        wait: Duration,
    ) -> Result<Response<Incoming>, ServerError> {
        if let Some(exchange) = &self.config.exchange
            && let Some(own) = headers.remove(AUTHORIZATION)
        {
            let exchanged =
                exchange
                    .authorization(&own)
                    .await
                    .map_err(|error| ServerError::Exchange {
                        server: self.name().clone(),
                        why: error.to_string(),
                    })?;
            headers.insert(AUTHORIZATION, exchanged);
        }
        for (name, value) in &self.way.extra {
            headers.insert(name.clone(), value.clone());
        }
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = self.way.url.clone();
        if let Some(place) = place {
            let mut parts = self.way.url.clone().into_parts();
            parts.path_and_query = Some(place);
            *request.uri_mut() =
                Uri::from_parts(parts).map_err(|error| self.garbage(error.to_string()))?;
        }
        *request.headers_mut() = headers;
        match tokio::time::timeout(wait, self.way.client.request(request)).await {
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

    /// Collects the whole body, with the permit for its memory; `None` if it exceeds the limit.
    ///
    /// # Errors
    ///
    /// The body breaks off or stops coming, or there is no memory for it.
    pub(crate) async fn collect(
        &self,
        body: Incoming,
        limit: usize,
        budget: &Budget,
    ) -> Result<Option<(Bytes, Permit)>, ServerError> {
        let silence = self.config.request_timeout;
        match collect(body, limit, Some(silence), budget).await {
            Ok(whole) => Ok(Some(whole)),
            Err(CollectError::TooLarge) => Ok(None),
            Err(CollectError::Cut) => Err(ServerError::Cut {
                server: self.name().clone(),
            }),
            Err(CollectError::Silent) => Err(ServerError::Timeout {
                server: self.name().clone(),
                after: silence,
            }),
            Err(CollectError::Memory(_)) => Err(self.no_memory()),
        }
    }
    pub(crate) fn no_memory(&self) -> ServerError {
        ServerError::Memory {
            server: self.name().clone(),
        }
    }
    pub(crate) fn garbage(&self, why: impl Into<String>) -> ServerError {
        ServerError::Garbage {
            server: self.name().clone(),
            why: crate::redacted::words(why.into(), &self.config.redactor),
        }
    }
}

/// The value of HTTP/1.1's `Host`, with the port unless it is the default.
fn host(url: &Uri) -> Option<HeaderValue> {
    let name = url.host()?;
    match url.port_u16().filter(|port| *port != 80) {
        Some(port) => HeaderValue::try_from(format!("{name}:{port}")).ok(),
        None => HeaderValue::try_from(name).ok(),
    }
}

/// Trusts the system's certificate authorities, or Mozilla's where the system has none.
static TLS: LazyLock<rustls::ClientConfig> = LazyLock::new(|| {
    use hyper_rustls::ConfigBuilderExt;
    match builder().with_native_roots() {
        Ok(config) => config.with_no_client_auth(),
        Err(error) => {
            tracing::warn!(
                "no certificate authorities found on this system ({error}); Mozilla's are used"
            );
            let roots = rustls::RootCertStore {
                roots: webpki_roots::TLS_SERVER_ROOTS.into(),
            };
            trusting(roots)
        }
    }
});

fn trusting(roots: rustls::RootCertStore) -> rustls::ClientConfig {
    builder()
        .with_root_certificates(roots)
        .with_no_client_auth()
}

fn builder() -> rustls::ConfigBuilder<rustls::ClientConfig, rustls::WantsVerifier> {
    rustls::ClientConfig::builder_with_provider(sandgate_wire::provider())
        .with_safe_default_protocol_versions()
        .unwrap_or_else(|_| unreachable!("ring has the cipher suites of TLS 1.2 and 1.3"))
}

/// A connector with one deadline for name resolution, TCP and TLS together.
#[derive(Clone, Debug)]
struct Within<C> {
    inner: C,
    time: Duration,
}

impl<C> Service<Uri> for Within<C>
where
    C: Service<Uri, Error = Box<dyn std::error::Error + Send + Sync>>,
    C::Future: Send + 'static,
{
    type Response = C::Response;
    type Error = C::Error;
    type Future = Pin<Box<dyn Future<Output = Result<C::Response, C::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), C::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let (connecting, time) = (self.inner.call(to), self.time);
        Box::pin(async move {
            match tokio::time::timeout(time, connecting).await {
                Ok(connected) => connected,
                Err(_) => Err(format!("no connection within {} s", time.as_secs_f32()).into()),
            }
        })
    }
}

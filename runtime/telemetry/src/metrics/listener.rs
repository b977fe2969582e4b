//! The listener of the metrics page: `GET /metrics` and nothing else, apart from clients' traffic.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use sandgate_config::{Loaded, Report, Side};
use sandgate_gateway::Access;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::accept::accept;

use super::Metrics;
use super::exposition::Exposition;

/// The most connections at a time: a few scrapers. Further ones wait.
const MOST: usize = 16;
/// How long a request's headers may take, and how long a connection may be idle.
const HEADERS: Duration = Duration::from_secs(30);
/// How long a connection may last, so that a slow reader does not keep its place.
const LONGEST: Duration = Duration::from_secs(10 * 60);

/// Binds the listener, if the configuration has an address for metrics.
///
/// # Errors
///
/// The address cannot be bound, most often because another program listens there.
pub async fn bind(loaded: &Loaded) -> Result<Option<TcpListener>, Report> {
    let Some(address) = loaded.config.telemetry.metrics else {
        return Ok(None);
    };
    let address = address.0;
    let listener = TcpListener::bind(address).await.map_err(|error| {
        let why = match error.kind() {
            std::io::ErrorKind::AddrInUse => {
                format!(
                    "{address} is in use: another program listens there, perhaps another gateway"
                )
            }
            _ => format!("{address} cannot be listened on: {error}"),
        };
        let issue = loaded.error("/telemetry/metrics", Side::Value, why);
        let help =
            "give each gateway a port of its own (0 takes a free one), or stop the other program";
        loaded.report(vec![issue.help(help)])
    })?;
    if let Ok(address) = listener.local_addr() {
        tracing::info!("metrics on http://{address}/metrics");
    }
    Ok(Some(listener))
}

/// Serves the page until `stop` is cancelled.
pub async fn serve(
    listener: TcpListener,
    metrics: Arc<Metrics>,
    access: Access,
    stop: CancellationToken,
) {
    let (places, access) = (Arc::new(Semaphore::new(MOST)), Arc::new(access));
    accept(listener, "metrics", places, stop, |stream| {
        connection(stream, metrics.clone(), access.clone())
    })
    .await;
}

async fn connection(stream: TcpStream, metrics: Arc<Metrics>, access: Arc<Access>) {
    // If the local address is unknown, an unspecified one lets only loopback names and the allowed hosts in.
    let local = stream
        .local_addr()
        .unwrap_or_else(|_| ([0, 0, 0, 0], 0).into());
    let service = service_fn(|request| {
        let answer = answer(&request, &metrics, &access, local);
        async move { Ok::<_, Infallible>(answer) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS)
        .serve_connection(TokioIo::new(stream), service);
    if let Ok(Err(error)) = tokio::time::timeout(LONGEST, served).await {
        tracing::debug!("metrics: {error}");
    }
}

fn answer<B>(
    request: &Request<B>,
    metrics: &Arc<Metrics>,
    access: &Access,
    local: SocketAddr,
) -> Response<Full<Bytes>> {
    if let Err(denied) = access.check(request.uri(), request.headers(), local) {
        return plain(StatusCode::FORBIDDEN, format!("{denied}\n"));
    }
    if request.uri().path() != "/metrics" {
        return plain(StatusCode::NOT_FOUND, "only /metrics is here\n".into());
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, "only GET\n".into());
        let headers = response.headers_mut();
        headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    let exposition = Exposition::wanted(request.headers());
    let page = metrics.page(exposition);
    typed(StatusCode::OK, exposition.content_type(), page)
}

fn plain(status: StatusCode, text: String) -> Response<Full<Bytes>> {
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    typed(status, kind, text)
}

fn typed(status: StatusCode, kind: HeaderValue, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, kind);
    response
}

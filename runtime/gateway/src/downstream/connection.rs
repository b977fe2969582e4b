//! One client connection, HTTP/1.1 or HTTP/2, with or without TLS, from its acceptance to its end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use super::timeout_io::IoTimeout;
use super::{Router, http};
use sandgate_admission::{BUFFERS, Connection};
use sandgate_wire::{ClientCertificate, Identity};

/// The largest header section of an HTTP/2 request, in bytes: more than any MCP client sends. HTTP/1.1 keeps hyper's
/// own bounds, such as 100 headers, because setting even the same number would cost every request an allocation.
const MAX_HEADER_BYTES: u32 = 32 << 10;
/// The most bytes that an HTTP/1.1 connection reads ahead: room for the largest headers.
const MAX_READ_AHEAD: usize = BUFFERS / 2;
/// The HTTP/2 flow-control windows in bytes: of a connection, and of one stream.
const MAX_UNREAD: (u32, u32) = (BUFFERS as u32, BUFFERS as u32 / 2);
/// The most HTTP/2 streams that a client may open and reset before the gateway accepts them; one more ends the
/// connection. It is hyper's default, repeated here because it bounds a flood of resets.
const MAX_RESET_UNSEEN: usize = 20;
/// The most streams of a connection that may be reset for the client's errors before the connection ends. hyper's
/// default of 1024 is far more than any working client needs.
const MAX_RESET_BY_US: usize = 128;
/// The most bytes of one HTTP/2 stream that wait to be sent.
const MAX_SEND_BUFFER: usize = 64 << 10;
/// The time between announcing the end of an idle connection and ending it, for answers in flight.
const GOODBYE: Duration = Duration::from_secs(1);

/// Serves a connection to its end.
pub(crate) async fn serve(
    router: Arc<Router>,
    stream: TcpStream,
    peer: SocketAddr,
    identity: Option<Arc<Identity>>,
) {
    let _ = stream.set_nodelay(true);
    // An unknown address becomes 0.0.0.0, for which only loopback and the allowed hosts are accepted.
    let local = stream
        .local_addr()
        .unwrap_or_else(|_| ([0, 0, 0, 0], 0).into());
    let connections = router.admission.connections.clone();
    let open = connections.open(peer.ip(), local, identity.is_some());
    let connection = &open.connection;
    let over = connection.over().clone();
    let limit = router.shared.config.header_timeout;
    let served = async {
        let Some(identity) = identity else {
            return converse(&router, stream, connection).await;
        };
        let accepting = TlsAcceptor::from(identity.config()).accept(stream);
        match tokio::time::timeout(limit, accepting).await {
            Ok(Ok(stream)) => {
                let shown = stream.get_ref().1.peer_certificates();
                let shown = shown.and_then(|chain| ClientCertificate::of(chain.first()?));
                if let Some(certificate) = shown {
                    let _ = connection.certificate.set(certificate);
                }
                converse(&router, stream, connection).await
            }
            Ok(Err(error)) => tracing::debug!("a connection that is not by TLS: {error}"),
            Err(_) => tracing::debug!("a connection that did not say how by TLS"),
        }
    };
    let in_time = async {
        match connection.for_health {
            true => tokio::time::sleep(limit).await,
            false => std::future::pending().await,
        }
    };
    tokio::select! {
        () = served => {}
        () = over.cancelled() => {}
        () = in_time => {}
    }
}

async fn converse<S>(router: &Arc<Router>, stream: S, connection: &Arc<Connection>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let config = &router.shared.config;
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .max_buf_size(MAX_READ_AHEAD)
        .header_read_timeout(config.header_timeout);
    builder
        .http2()
        .timer(TokioTimer::new())
        .initial_connection_window_size(MAX_UNREAD.0)
        .initial_stream_window_size(MAX_UNREAD.1)
        .max_concurrent_streams(config.max_streams)
        .max_header_list_size(MAX_HEADER_BYTES)
        .max_pending_accept_reset_streams(MAX_RESET_UNSEEN)
        .max_local_error_reset_streams(MAX_RESET_BY_US)
        .max_send_buf_size(MAX_SEND_BUFFER)
        .keep_alive_interval(config.header_timeout)
        .keep_alive_timeout(config.header_timeout);
    let patient = IoTimeout::new(stream, config.header_timeout, config.body_timeout);
    let service = service_fn(|request| {
        let (router, connection) = (router.clone(), connection.clone());
        async move { Ok::<_, std::convert::Infallible>(http::handle(router, connection, request).await) }
    });
    let mut served = std::pin::pin!(builder.serve_connection(TokioIo::new(patient), service));
    let ended = tokio::select! {
        ended = served.as_mut() => ended,
        () = router.draining.cancelled() => {
            served.as_mut().graceful_shutdown();
            // Calls in flight may finish for as long as the gateway drains.
            served.as_mut().await
        }
        () = idle(connection, config.connection_idle) => {
            served.as_mut().graceful_shutdown();
            match tokio::time::timeout(GOODBYE, served.as_mut()).await {
                Ok(ended) => ended,
                // The client answers PINGs but does not close.
                Err(_) if connection.idle_since().is_some() => return,
                Err(_) => served.as_mut().await,
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!("connection: {error}");
    }
}

/// Returns once the connection has been without a request for `limit`.
async fn idle(connection: &Connection, limit: Duration) {
    loop {
        let since = connection.idle_since();
        let wait = since.map_or(limit, |since| limit.saturating_sub(since.elapsed()));
        if wait.is_zero() {
            return;
        }
        tokio::time::sleep(wait).await;
    }
}

//! One connection of a client: HTTP/1.1 or HTTP/2, by TLS or in the clear, from its acceptance to its end.

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
use crate::admission::{BUFFERS, Connection};
use sandgate_upstream::Identity;

/// Headers of one request, in bytes: more than any MCP client sends. Over HTTP/1.1 hyper's own bounds stand, 100 headers
/// among them: said here, even the same number would cost every request an allocation.
const MAX_HEADER_BYTES: u32 = 32 << 10;
/// What an HTTP/1.1 connection reads ahead, in bytes: room for the largest headers.
const MAX_READ_AHEAD: usize = BUFFERS / 2;
/// What all streams of an HTTP/2 connection, and one of them, may send before it is read.
const MAX_UNREAD: (u32, u32) = (BUFFERS as u32, BUFFERS as u32 / 2);
/// Streams that an HTTP/2 client may open and reset before they are looked at; one more ends its connection. What hyper
/// has by default, said here because it is what bounds a flood of resets.
const MAX_RESET_UNSEEN: usize = 20;
/// Streams of a connection that may be reset for the client's mistakes before it is ended: hyper's default is 1024, far
/// more than any client at work makes.
const MAX_RESET_BY_US: usize = 128;
/// Bytes of one stream of HTTP/2 that wait to be sent.
const MAX_SEND_BUFFER: usize = 64 << 10;
/// From the announcement that a connection is to end to its end: for answers on their way.
const GOODBYE: Duration = Duration::from_secs(1);

/// Serves it to its end.
pub(crate) async fn serve(
    router: Arc<Router>,
    stream: TcpStream,
    peer: SocketAddr,
    identity: Option<Arc<Identity>>,
) {
    let _ = stream.set_nodelay(true);
    // Unknown: no address, so that only loopback and the allowed hosts are let in.
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
            Ok(Ok(stream)) => converse(&router, stream, connection).await,
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
            // Calls under way may finish for as long as the gateway drains.
            served.as_mut().await
        }
        () = idle(connection, config.connection_idle) => {
            served.as_mut().graceful_shutdown();
            match tokio::time::timeout(GOODBYE, served.as_mut()).await {
                Ok(ended) => ended,
                // It answers PINGs and does not go.
                Err(_) if connection.idle_since().is_some() => return,
                Err(_) => served.as_mut().await,
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!("connection: {error}");
    }
}

/// Returns when no request has been under way for so long.
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

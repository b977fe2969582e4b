//! The gateway as the program sees it: it is given what it needs, serves clients, and takes new editions.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::access::Access;
use crate::carriage::Carriage;
use crate::changed;
use crate::config::GatewayConfig;
use crate::downstream::{
    Backing, Endpoint, Front, Session, Sessions,
    http::{self, Arrived},
    patience::Patience,
    stdio,
};
use crate::health::Status;
use crate::house::House;
use crate::journal::Journal;
use crate::observer::{Figures, Lookout, Observer, UnderWay};
use crate::record::CallLog;
use crate::registry::{Edition, Registry};
use crate::tls::Identity;

/// Headers of one request, in bytes: more than any MCP client sends. Over HTTP/1.1 hyper's own bounds stand, 100 headers
/// among them: said here, even the same number would cost every request an allocation.
const MAX_HEADER_BYTES: u32 = 32 << 10;
/// Streams that an HTTP/2 client may open and reset before they are looked at; one more ends its connection. What hyper
/// has by default, said here because it is what bounds a flood of resets.
const MAX_RESET_UNSEEN: usize = 20;
/// Streams of a connection that may be reset for the client's mistakes before it is ended: hyper's default is 1024, far
/// more than any client at work makes.
const MAX_RESET_BY_US: usize = 128;
/// Bytes of one stream of HTTP/2 that wait to be sent.
const MAX_SEND_BUFFER: usize = 64 << 10;
/// How often sessions are looked through for idle ones.
const SWEEP: Duration = Duration::from_secs(15);

/// Serves MCP to clients. Cheap to share; one is enough for any number of listeners.
pub struct Gateway {
    front: Arc<Front>,
    connections: Arc<AtomicUsize>,
    identity: ArcSwapOption<Identity>,
}

impl Gateway {
    /// Serves what the registry holds, and writes to this log.
    pub fn new(config: GatewayConfig, registry: Arc<Registry>, log: Arc<dyn CallLog>) -> Arc<Self> {
        Self::observed(config, registry, log, None)
    }

    /// The same, with somebody who watches the calls.
    pub fn observed(
        config: GatewayConfig,
        registry: Arc<Registry>,
        log: Arc<dyn CallLog>,
        observer: Option<Arc<dyn Observer>>,
    ) -> Arc<Self> {
        let sessions = Sessions::new(&config);
        let journal = Journal::new(log, config.on_unwritten, Lookout::new(observer));
        let carriage = Carriage::new(journal.clone(), config.limits);
        let house = Arc::new(House {
            config,
            registry,
            journal,
            seal: rand::random(),
            carriage,
        });
        let draining = CancellationToken::new();
        Arc::new(Self {
            front: Arc::new(Front {
                house,
                sessions,
                status: Status::default(),
                draining,
            }),
            connections: Arc::default(),
            identity: ArcSwapOption::empty(),
        })
    }

    /// Serves connections that come from now on by TLS, under this identity; without one, in the clear. Those that are
    /// open stay as they are.
    pub fn identify(&self, identity: Option<Identity>) {
        self.identity.store(identity.map(Arc::new));
    }

    /// What `/readyz` says beyond what the gateway knows.
    pub fn status(&self) -> &Status {
        &self.front.status
    }

    /// Who is let in.
    pub fn access(&self) -> &Access {
        &self.front.house.config.access
    }

    /// How much there is of everything at this moment.
    pub fn figures(&self) -> Figures {
        Figures {
            version: self.current().version(),
            connections: self.connections.load(Ordering::Relaxed),
            sessions: self.front.sessions.count(),
            under_way: self.front.house.journal.lookout().under_way(),
        }
    }

    /// The edition in force.
    pub fn current(&self) -> Arc<Edition> {
        self.front.house.registry.current()
    }

    /// Puts another edition in force, at once and as a whole, and tells clients whose lists may differ. Calls under way
    /// finish under the one they came in by; sessions whose server is gone are over. Hands back the edition before.
    pub fn publish(&self, edition: Edition) -> Arc<Edition> {
        let before = self.front.house.registry.publish(edition);
        let now = self.current();
        for session in self.front.sessions.all() {
            if session.stands(&now) {
                tell_of_changes(&session, &before, &now);
            } else {
                self.front.sessions.forget(&session);
                session.retire();
            }
        }
        before
    }

    /// Serves HTTP until told to stop, then lets calls in flight finish, for as long as the configuration says.
    pub async fn serve(&self, listener: TcpListener, stop: CancellationToken) -> io::Result<()> {
        let places = Arc::new(Semaphore::new(
            self.front
                .house
                .config
                .max_connections
                .min(Semaphore::MAX_PERMITS),
        ));
        let graceful = GracefulShutdown::new();
        let cut = CancellationToken::new();
        let sweeper = tokio::spawn(sweep(self.front.clone()));
        loop {
            let accepted = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                accepted = async {
                    let place = places.clone().acquire_owned().await;
                    (place, listener.accept().await)
                } => accepted,
            };
            match accepted {
                (Ok(place), Ok((stream, _))) => {
                    let identity = self.identity.load_full();
                    let connection =
                        welcome(self.front.clone(), stream, identity, graceful.watcher());
                    let cut = cut.clone();
                    let open = UnderWay::new(&self.connections);
                    tokio::spawn(async move {
                        tokio::select! {
                            () = connection => {}
                            () = cut.cancelled() => {}
                        }
                        drop((place, open));
                    });
                }
                (Err(closed), _) => return Err(io::Error::other(closed)),
                (_, Err(error)) => {
                    // Out of descriptors, or the client is gone already: neither is a reason to stop.
                    tracing::warn!("cannot accept a connection: {error}");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
        drop(listener);
        self.front.draining.cancel();
        if tokio::time::timeout(self.front.house.config.drain, graceful.shutdown())
            .await
            .is_err()
        {
            tracing::warn!(
                "calls still under way after {} s were cut",
                self.front.house.config.drain.as_secs()
            );
        }
        cut.cancel();
        sweeper.abort();
        Ok(())
    }

    /// Serves one client on a pair of streams, one message a line, until its end or until told to stop; then lets calls
    /// in flight finish. Nothing but the protocol is written to `output`. The client is anonymous, which is nobody where
    /// the configuration has clients.
    pub async fn serve_stdio<R, W>(
        &self,
        input: R,
        output: W,
        endpoint: Endpoint,
        stop: CancellationToken,
    ) -> io::Result<()>
    where
        R: AsyncRead + Unpin + Send,
        W: AsyncWrite + Unpin + Send + 'static,
    {
        self.serve_stdio_as(None, input, output, endpoint, stop)
            .await
    }

    /// The same for a client by its name in the configuration; it needs no key.
    pub async fn serve_stdio_as<R, W>(
        &self,
        client: Option<Arc<str>>,
        input: R,
        output: W,
        endpoint: Endpoint,
        stop: CancellationToken,
    ) -> io::Result<()>
    where
        R: AsyncRead + Unpin + Send,
        W: AsyncWrite + Unpin + Send + 'static,
    {
        let served = stdio::Served { endpoint, client };
        stdio::serve(self.front.clone(), input, output, served, stop).await
    }

    /// Ends all sessions and all servers. To be called when nothing is served any more.
    pub async fn close(&self) {
        self.front.draining.cancel();
        let sessions = self.front.sessions.take_all();
        futures_util::future::join_all(sessions.iter().map(|session| session.end())).await;
        let edition = self.current();
        futures_util::future::join_all(edition.servers().iter().map(|server| server.close())).await;
    }
}

/// One connection, to its end; with an identity, by TLS.
async fn welcome(
    front: Arc<Front>,
    stream: TcpStream,
    identity: Option<Arc<Identity>>,
    watcher: Watcher,
) {
    let _ = stream.set_nodelay(true);
    // Unknown: no address, so that only loopback and the allowed hosts are let in.
    let at = stream
        .local_addr()
        .unwrap_or_else(|_| ([0, 0, 0, 0], 0).into());
    let https = identity.is_some();
    let arrived = Arrived { at, https };
    let Some(identity) = identity else {
        return connection(front, stream, arrived, watcher).await;
    };
    let accepting = TlsAcceptor::from(identity.config()).accept(stream);
    match tokio::time::timeout(front.house.config.header_timeout, accepting).await {
        Ok(Ok(stream)) => connection(front, stream, arrived, watcher).await,
        Ok(Err(error)) => tracing::debug!("a connection that is not by TLS: {error}"),
        Err(_) => tracing::debug!("a connection that did not say how by TLS"),
    }
}

async fn connection<S>(front: Arc<Front>, stream: S, arrived: Arrived, watcher: Watcher)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let config = &front.house.config;
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(config.header_timeout);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(config.max_streams)
        .max_header_list_size(MAX_HEADER_BYTES)
        .max_pending_accept_reset_streams(MAX_RESET_UNSEEN)
        .max_local_error_reset_streams(MAX_RESET_BY_US)
        .max_send_buf_size(MAX_SEND_BUFFER)
        .keep_alive_interval(config.header_timeout)
        .keep_alive_timeout(config.header_timeout);
    let patient = TokioIo::new(Patience::new(
        stream,
        config.header_timeout,
        config.body_timeout,
    ));
    let service = service_fn(move |request| {
        let front = front.clone();
        async move { Ok::<_, std::convert::Infallible>(http::handle(front, arrived, request).await) }
    });
    let watched = watcher.watch(builder.serve_connection(patient, service).into_owned());
    if let Err(error) = watched.await {
        tracing::debug!("connection: {error}");
    }
}

async fn sweep(front: Arc<Front>) {
    loop {
        tokio::time::sleep(SWEEP.min(front.house.config.session_idle)).await;
        let idle = front.sessions.take_idle();
        futures_util::future::join_all(idle.iter().map(|session| session.end())).await;
    }
}

fn tell_of_changes(session: &Session, before: &Edition, now: &Edition) {
    let server = match session.backing() {
        Backing::One(link) => Some(&**link.server.name()),
        Backing::Many(_) => None,
    };
    for notice in changed::lists(before, now, server) {
        session.notice(changed::notice(notice));
    }
}

//! The gateway as the program sees it: it is given what it needs, serves clients, and takes new editions.

use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwapOption;
use sandgate_message::Era;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::admission::{Admission, Gate};
use crate::auth::origin::Access;
use crate::config::{GatewayConfig, OnUnwritten};
use crate::downstream::{Backing, Endpoint, Router, Session, Sessions, connection, stdio};
use crate::health::Status;
use crate::nested::store::NestedStore;
use crate::observe::call_log::CallLog;
use crate::observe::observer::{Figures, Observer, Observers};
use crate::observe::recorder::CallRecorder;
use crate::protocol::list_changed;
use crate::registry::{Edition, Registry};
use crate::shared::Shared;
use sandgate_upstream::Identity;

/// How often sessions are looked through for idle ones.
const SWEEP: Duration = Duration::from_secs(15);

/// Serves MCP to clients. Cheap to share; one is enough for any number of listeners.
pub struct Gateway {
    router: Arc<Router>,
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
        let admission = Admission::new(&config);
        let recorder = CallRecorder::new(log, config.on_unwritten, Observers::new(observer));
        let gate = Gate::new(config.processors);
        let nested = NestedStore::new(recorder.clone(), config.limits, gate);
        let shared = Arc::new(Shared {
            config,
            registry,
            recorder,
            seal: rand::random(),
            nested,
        });
        let draining = CancellationToken::new();
        Arc::new(Self {
            router: Arc::new(Router {
                shared,
                admission,
                sessions,
                status: Status::default(),
                draining,
            }),
            identity: ArcSwapOption::empty(),
        })
    }

    /// Serves connections that come from now on by TLS, under this identity; without one, in the clear. Those that are
    /// open stay as they are.
    pub fn identify(&self, identity: Option<Identity>) {
        self.identity.store(identity.map(Arc::new));
    }

    /// What happens from now on to calls whose record cannot be written.
    pub fn set_on_unwritten(&self, on_unwritten: OnUnwritten) {
        self.router
            .shared
            .recorder
            .log
            .set_on_unwritten(on_unwritten);
    }

    /// When the certificate that clients are shown ends; none where there is none.
    pub fn certificate_until(&self) -> Option<SystemTime> {
        let identity = self.identity.load();
        identity.as_ref().map(|identity| identity.until())
    }

    /// What `/readyz` says beyond what the gateway knows.
    pub fn status(&self) -> &Status {
        &self.router.status
    }

    /// Who is let in.
    pub fn access(&self) -> &Access {
        &self.router.shared.config.access
    }

    /// How much there is of everything at this moment.
    pub fn figures(&self) -> Figures {
        let gate = &self.router.shared.nested.gate;
        Figures {
            waiting: gate.waiting(),
            version: self.current().version(),
            connections: self.router.admission.connections.count(),
            sessions: self.router.sessions.count(),
            under_way: self.router.shared.recorder.observers.under_way(),
        }
    }

    /// The edition in force.
    pub fn current(&self) -> Arc<Edition> {
        self.router.shared.registry.current()
    }

    /// The era of the merged endpoint, as configured or decided by now.
    pub fn merged_era(&self) -> Option<Era> {
        let decided = || self.current().merged_era().get().copied();
        self.router.shared.config.merged_era.or_else(decided)
    }

    /// Puts another edition in force, at once and as a whole, and tells clients whose lists may differ. Calls under way
    /// finish under the one they came in by; sessions whose server is gone are over. Hands back the edition before.
    pub fn publish(&self, edition: Edition) -> Arc<Edition> {
        let before = self.router.shared.registry.publish(edition);
        let now = self.current();
        for session in self.router.sessions.all() {
            if session.stands(&now) {
                tell_of_changes(&session, &before, &now);
            } else {
                self.router.sessions.forget(&session);
                session.retire();
            }
        }
        before
    }

    /// Serves HTTP until told to stop, then lets calls in flight finish, for as long as the configuration says.
    pub async fn serve(&self, listener: TcpListener, stop: CancellationToken) -> io::Result<()> {
        let (open, cut) = (TaskTracker::new(), CancellationToken::new());
        let sweeper = tokio::spawn(sweep(self.router.clone()));
        loop {
            let accepted = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let (router, cut) = (self.router.clone(), cut.clone());
                    let served = connection::serve(router, stream, peer, self.identity.load_full());
                    open.spawn(async move {
                        tokio::select! {
                            () = served => {}
                            () = cut.cancelled() => {}
                        }
                    });
                }
                Err(error) => {
                    // Out of descriptors, or the client is gone already: neither is a reason to stop.
                    tracing::warn!("cannot accept a connection: {error}");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
        drop(listener);
        self.router.draining.cancel();
        open.close();
        if tokio::time::timeout(self.router.shared.config.drain, open.wait())
            .await
            .is_err()
        {
            tracing::warn!(
                "calls still under way after {} s were cut",
                self.router.shared.config.drain.as_secs()
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
        // Large, and once in a process.
        Box::pin(stdio::serve(
            self.router.clone(),
            input,
            output,
            served,
            stop,
        ))
        .await
    }

    /// Ends all sessions and all servers. To be called when nothing is served any more.
    pub async fn close(&self) {
        self.router.draining.cancel();
        let sessions = self.router.sessions.take_all();
        futures_util::future::join_all(sessions.iter().map(|session| session.end())).await;
        let edition = self.current();
        futures_util::future::join_all(edition.servers().iter().map(|server| server.close())).await;
    }
}

async fn sweep(router: Arc<Router>) {
    loop {
        let config = &router.shared.config;
        let pause = config.session_idle.min(config.session_gone);
        tokio::time::sleep(SWEEP.min(pause)).await;
        let idle = router.sessions.take_idle();
        futures_util::future::join_all(idle.iter().map(|session| session.end())).await;
    }
}

fn tell_of_changes(session: &Session, before: &Edition, now: &Edition) {
    let server = match session.backing() {
        Backing::One(link) => Some(&**link.server.name()),
        Backing::Many(_) => None,
    };
    for notice in list_changed::lists(before, now, server) {
        session.notice(list_changed::notice(notice));
    }
}

//! The gateway's public interface: serving clients and publishing editions.

use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwapOption;
use sandgate_access::{Access, Authorization, Endpoint, Stops};
use sandgate_admission::{Admission, Bounds, Gate};
use sandgate_message::Era;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::GatewayConfig;
use crate::downstream::{Backing, Router, Session, Sessions, connection, stdio, stdio_client};
use crate::health::Status;
use crate::nested::store::NestedStore;
use crate::protocol::list_changed;
use crate::registry::{Edition, Registry};
use crate::shared::Shared;
use sandgate_observe::{CallLog, CallRecorder, Figures, Observer, OnUnwritten};
use sandgate_wire::Identity;

/// How long a stop waits until sessions and children have ended, and until calls have noticed.
const STOPPING: Duration = Duration::from_secs(5);
/// How often a gateway that ends looks whether calls are still under way.
const SETTLING: Duration = Duration::from_millis(5);
/// How often idle sessions are looked for.
const SWEEP: Duration = Duration::from_secs(15);

/// What came of a change of the stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StopOutcome {
    /// The number of sessions that were ended.
    pub sessions: usize,
    /// Whether every call that was being sent has noticed: none that a stop forbids begins at a server any more.
    /// `false`: after five seconds some have not.
    pub settled: bool,
}

/// An MCP gateway. It is cheap to share, and one is enough for any number of listeners.
pub struct Gateway {
    router: Arc<Router>,
    identity: ArcSwapOption<Identity>,
}

impl Gateway {
    /// Creates a gateway that serves the registry's editions and writes to `log`.
    pub fn new(config: GatewayConfig, registry: Arc<Registry>, log: Arc<dyn CallLog>) -> Arc<Self> {
        Self::observed(config, registry, log, None)
    }

    /// As [`new`](Self::new), with an observer of the calls.
    pub fn observed(
        config: GatewayConfig,
        registry: Arc<Registry>,
        log: Arc<dyn CallLog>,
        observer: Option<Arc<dyn Observer>>,
    ) -> Arc<Self> {
        let sessions = Sessions::new(&config);
        let admission = Admission::new(Bounds {
            connections: config.max_connections,
            requests: config.max_requests,
            listeners: config.max_listeners,
            memory: config.max_memory,
            proxies: config.trusted_proxies.clone(),
        });
        let recorder = CallRecorder::new(log, config.on_unwritten, observer);
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

    /// Sets the TLS identity for new connections; `None` serves them without TLS. Open connections are not affected.
    pub fn identify(&self, identity: Option<Identity>) {
        self.identity.store(identity.map(Arc::new));
    }

    /// Changes the policy for records that cannot be written, for records from now on.
    pub fn set_on_unwritten(&self, on_unwritten: OnUnwritten) {
        self.router.shared.recorder.set_on_unwritten(on_unwritten);
    }

    /// When the server certificate expires; `None` without TLS.
    pub fn certificate_until(&self) -> Option<SystemTime> {
        let identity = self.identity.load();
        identity.as_ref().map(|identity| identity.until())
    }

    /// The part of the status on `/readyz` that the program sets.
    pub fn status(&self) -> &Status {
        &self.router.status
    }

    /// The allowed hosts and origins.
    pub fn access(&self) -> &Access {
        &self.router.shared.config.access
    }

    /// The gateway's gauges at this moment.
    pub fn figures(&self) -> Figures {
        let gate = &self.router.shared.nested.gate;
        Figures {
            waiting: gate.waiting(),
            version: self.current().version(),
            connections: self.router.admission.connections.count(),
            sessions: self.router.sessions.count(),
            in_flight: self.router.shared.recorder.in_flight(),
        }
    }

    /// The current edition.
    pub fn current(&self) -> Arc<Edition> {
        self.router.shared.registry.current()
    }

    /// The era of the merged endpoint; `None` if it is neither configured nor decided yet.
    pub fn merged_era(&self) -> Option<Era> {
        let decided = || self.current().merged_era().get().copied();
        self.router.shared.config.merged_era.or_else(decided)
    }

    /// Publishes an edition atomically and notifies clients whose lists may differ. Calls in flight finish under the
    /// edition that admitted them. Sessions whose server is gone end. Returns the previous edition.
    pub fn publish(&self, edition: Edition) -> Arc<Edition> {
        let before = self.router.shared.registry.publish(edition);
        let now = self.current();
        ask_issuers(&now);
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

    /// Replaces the stops. Returns once nothing is sent any more that a stop forbids: calls under way are cancelled, the
    /// sessions and streams of stopped clients and servers and the children of stopped servers are ended.
    pub async fn stop(&self, stops: Stops) -> StopOutcome {
        let (before, over) = self.router.shared.registry.stop(stops);
        let now = self.current();
        let mut ended = Vec::new();
        let all = self.router.sessions.all();
        for session in &all {
            if session.stands(&now) {
                tell_of_changes(session, &before, &now);
            } else {
                self.router.sessions.forget(session);
                ended.push(session);
            }
        }
        let held = now.servers().iter().filter(|server| server.is_held());
        let ending = async {
            let ends = futures_util::future::join_all(ended.iter().map(|session| session.end()));
            let leaves = futures_util::future::join_all(all.iter().map(|one| one.leave_held()));
            let children = futures_util::future::join_all(held.map(|server| server.end_children()));
            tokio::join!(ends, leaves, children);
        };
        let (settled, _) = tokio::join!(
            tokio::time::timeout(STOPPING, over.cancelled()),
            tokio::time::timeout(STOPPING, ending),
        );
        StopOutcome {
            sessions: ended.len(),
            settled: settled.is_ok(),
        }
    }

    /// Serves HTTP until `stop` is cancelled, then lets calls in flight finish for at most [`GatewayConfig::drain`].
    ///
    /// # Errors
    ///
    /// None at present: a connection that cannot be accepted is only logged.
    pub async fn serve(&self, listener: TcpListener, stop: CancellationToken) -> io::Result<()> {
        let (open, cut) = (TaskTracker::new(), CancellationToken::new());
        ask_issuers(&self.current());
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
                    // The process is out of descriptors, or the client is already gone: neither is a reason to stop.
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
        // What was cut writes its last records now. The bound is for a connection that does not notice.
        let _ = tokio::time::timeout(STOPPING, open.wait()).await;
        sweeper.abort();
        Ok(())
    }

    /// Serves one client on a pair of streams, with one message per line, until the input ends or `stop` is cancelled;
    /// then lets calls in flight finish. Only the protocol is written to `output`. `client` is the name of a configured
    /// client, which needs no key; without one the client is anonymous, and refused where clients are configured.
    ///
    /// # Errors
    ///
    /// Reading the input or writing the output failed.
    pub async fn serve_stdio<R, W>(
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
        let served = stdio_client::Served { endpoint, client };
        // Boxed because the future is large and runs once per process.
        Box::pin(stdio::serve(
            self.router.clone(),
            input,
            output,
            served,
            stop,
        ))
        .await
    }

    /// Ends all sessions and servers, and returns once every call has its last record, after at most five seconds. Call it
    /// once nothing is served any more.
    pub async fn close(&self) {
        self.router.draining.cancel();
        let sessions = self.router.sessions.take_all();
        futures_util::future::join_all(sessions.iter().map(|session| session.end())).await;
        let edition = self.current();
        futures_util::future::join_all(edition.servers().iter().map(|server| server.close())).await;
        self.router.shared.nested.forget_all();
        // HTTP/2 requests run in tasks of their own, which end a moment after their connection.
        let recorder = &self.router.shared.recorder;
        let recorded = async {
            while recorder.in_flight() > 0 {
                tokio::time::sleep(SETTLING).await;
            }
        };
        if tokio::time::timeout(STOPPING, recorded).await.is_err() {
            let left = recorder.in_flight();
            tracing::warn!("calls whose end is not in the call log: {left}");
        }
    }
}

/// Fetches the keys of issuers before the first token comes. An issuer that is down is asked again by its first token.
fn ask_issuers(edition: &Edition) {
    let issuers = edition
        .authorization()
        .into_iter()
        .flat_map(Authorization::issuers);
    for issuer in issuers {
        let issuer = issuer.clone();
        tokio::spawn(async move { issuer.prepare().await });
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
    let viewer = session.principal().viewer();
    for notice in list_changed::lists(before, now, server, viewer) {
        session.notice(list_changed::notice(notice));
    }
}

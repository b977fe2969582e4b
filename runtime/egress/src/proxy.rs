//! The proxy of one server: connections are taken within their bounds, judged, made and carried.

mod open;
mod refuse;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::bounds::Bounds;
use crate::connection::ConnectionLog;
use crate::connection_record::ConnectionRecord;
use crate::inject::{Injector, carry};
use crate::pace::Pace;
use crate::policy::Policy;
use crate::reason::Reason;
use crate::relay::relay;
use crate::resolve::{Resolver, SystemResolver};
use open::Opened;
use refuse::{LINGER, answer};

/// How long a failing listener is left alone.
const PAUSE: Duration = Duration::from_millis(100);
/// Refused connections that have records of their own: at once, and then one after each so much time. A program that
/// tries without end does not fill the log.
const REFUSED: (u32, Duration) = (100, Duration::from_millis(500));

/// The proxy of one server. All its programs share its bounds, each by a listener of its own.
pub struct Proxy {
    server: Arc<str>,
    policy: Policy,
    /// Puts values into requests to some of the hosts.
    injector: Option<Arc<Injector>>,
    log: Arc<dyn ConnectionLog>,
    resolver: Arc<dyn Resolver>,
    bounds: Bounds,
    places: Arc<Semaphore>,
    turned_away: Arc<Semaphore>,
    /// Connections that are let through, and records of refused ones.
    new: Mutex<Pace>,
    refused: Mutex<Pace>,
}

impl Proxy {
    /// A proxy with the system's resolver and the default bounds.
    pub fn new(server: impl Into<Arc<str>>, policy: Policy, log: Arc<dyn ConnectionLog>) -> Self {
        Self::with(
            server,
            policy,
            log,
            Arc::new(SystemResolver::default()),
            Bounds::default(),
        )
    }

    /// A proxy with a resolver and bounds of its own.
    pub fn with(
        server: impl Into<Arc<str>>,
        policy: Policy,
        log: Arc<dyn ConnectionLog>,
        resolver: Arc<dyn Resolver>,
        bounds: Bounds,
    ) -> Self {
        Self {
            server: server.into(),
            policy,
            injector: None,
            log,
            resolver,
            bounds,
            places: Arc::new(Semaphore::new(bounds.connections)),
            turned_away: Arc::new(Semaphore::new(bounds.turned_away)),
            new: Mutex::new(Pace::new(bounds.pace.0, bounds.pace.1, Instant::now())),
            refused: Mutex::new(Pace::new(REFUSED.0, REFUSED.1, Instant::now())),
        }
    }

    /// The same proxy, which puts values into requests to some of the hosts.
    #[must_use]
    pub fn injecting(self, injector: Arc<Injector>) -> Self {
        Self {
            injector: Some(injector),
            ..self
        }
    }

    /// What puts values into requests to some of the hosts.
    pub fn injector(&self) -> Option<&Arc<Injector>> {
        self.injector.as_ref()
    }

    /// What the server may reach.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Serves the connections of one listener. Dropping the future ends them.
    pub async fn serve(self: Arc<Self>, listener: TcpListener) {
        let mut connections = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                Some(_) = connections.join_next() => continue,
            };
            let Ok((client, _)) = accepted else {
                // No descriptors are left, for example.
                tokio::time::sleep(PAUSE).await;
                continue;
            };
            let (place, crowded) = match self.places.clone().try_acquire_owned() {
                Ok(place) => (place, false),
                Err(_) => match self.turned_away.clone().try_acquire_owned() {
                    Ok(place) => (place, true),
                    Err(_) => {
                        self.begin().refused(Reason::TooMany);
                        continue;
                    }
                },
            };
            let proxy = self.clone();
            connections.spawn(async move {
                proxy.carry(client, crowded).await;
                drop(place);
            });
        }
    }

    fn begin(&self) -> ConnectionRecord<'_> {
        ConnectionRecord::begin(&self.server, &*self.log, &self.refused)
    }

    /// One connection, from its beginning to its end.
    async fn carry(&self, mut client: TcpStream, crowded: bool) {
        let mut told = self.begin();
        let mut established = false;
        let opened = self
            .open(&mut client, &mut told, crowded, &mut established)
            .await;
        match opened {
            Ok((Opened::Ended(host, ended), first)) => {
                let moved = told.moved.clone();
                let times = (self.bounds.hello, self.bounds.idle);
                Box::pin(carry(client, first, *host, ended, &moved, times)).await;
            }
            Ok((Opened::Whole(mut host), first)) => {
                let moved = told.moved.clone();
                relay(&mut client, &mut host, &first, &moved, self.bounds.idle).await;
            }
            Err(reason) => {
                let text = self.words(reason, &told.connection);
                told.refused(reason);
                let _ = timeout(LINGER, answer(&mut client, reason, established, &text)).await;
            }
        }
    }
}

/// Two proxies are the same if the server may reach the same.
impl PartialEq for Proxy {
    fn eq(&self, other: &Self) -> bool {
        let injector = |one: &Self| one.injector.as_ref().map(Arc::as_ptr);
        (&self.server, &self.policy, self.bounds) == (&other.server, &other.policy, other.bounds)
            && injector(self) == injector(other)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy")
            .field("server", &self.server)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;

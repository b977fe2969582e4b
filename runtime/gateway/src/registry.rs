//! The registry of the current edition, which is immutable and replaced atomically.

use std::collections::HashSet;
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use sandgate_access::{Authorization, Clients, Stops, Viewer, Views};
use sandgate_message::Era;
use sandgate_pipeline::{Chain, StoppedPlugins};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use sandgate_upstream::Server;

/// A chain with the servers, clients, views and stops that belong to it. A call keeps the edition it started with, so that it never
/// meets a new server under the old chain or the reverse.
pub struct Edition {
    chain: Arc<Chain>,
    servers: Vec<Arc<Server>>,
    clients: Clients,
    authorization: Option<Arc<Authorization>>,
    views: Arc<Views>,
    stops: Arc<Stops>,
    /// The era of the merged endpoint, once decided.
    merged_era: OnceLock<Era>,
}

/// Why servers cannot form an edition.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditionError {
    /// Two servers have the same name.
    #[error("two servers are called {0:?}: give one of them another name")]
    Twice(String),
    /// A server's name is unusable in `/mcp/NAME` or before `__`.
    #[error(
        "{0:?} cannot name a server: letters, digits, '-' and single '_' inside, at most 64 of them, so that it fits in \
         /mcp/NAME and NAME__tool can be read back"
    )]
    Name(String),
}

impl Edition {
    /// Creates an edition. The order of `servers` is that of merged lists. An unchanged server must keep its `Arc` from
    /// edition to edition, so that its conversations live on.
    ///
    /// # Errors
    ///
    /// A server's name is unusable or not unique.
    pub fn new(chain: Arc<Chain>, servers: Vec<Arc<Server>>) -> Result<Self, EditionError> {
        let mut seen = HashSet::new();
        for server in &servers {
            let name = server.name();
            if !usable(name) {
                return Err(EditionError::Name(name.to_string()));
            }
            if !seen.insert(name.clone()) {
                return Err(EditionError::Twice(name.to_string()));
            }
        }
        Ok(Self {
            chain,
            servers,
            clients: Clients::new(Vec::new()),
            authorization: None,
            views: Arc::default(),
            stops: Arc::default(),
            merged_era: OnceLock::new(),
        })
    }

    /// Restricts the edition to these clients; without this, every client is admitted.
    #[must_use]
    pub fn for_clients(mut self, clients: Clients) -> Self {
        self.clients = clients;
        self
    }

    /// Admits clients with tokens of issuers too; without this, no token is looked at.
    #[must_use]
    pub fn authorized_by(mut self, authorization: Option<Authorization>) -> Self {
        self.authorization = authorization.map(Arc::new);
        self
    }

    /// Judges what clients see and use by these views; without this, every client sees everything.
    #[must_use]
    pub fn through(mut self, views: Views) -> Self {
        self.views = Arc::new(views);
        self
    }

    /// The version of the chain.
    pub fn version(&self) -> u64 {
        self.chain.version()
    }
    /// The chain of interceptors.
    pub fn chain(&self) -> &Arc<Chain> {
        &self.chain
    }
    /// The servers, in the configuration's order.
    pub fn servers(&self) -> &[Arc<Server>] {
        &self.servers
    }
    /// The admitted clients.
    pub fn clients(&self) -> &Clients {
        &self.clients
    }
    /// The issuers of tokens that admit clients, and what their tokens must grant; `None` where no token does.
    pub fn authorization(&self) -> Option<&Authorization> {
        self.authorization.as_deref()
    }
    /// Whether everybody is admitted.
    pub(crate) fn is_open(&self) -> bool {
        self.clients.is_open() && self.authorization.is_none()
    }
    /// The views of the clients.
    pub fn views(&self) -> &Views {
        &self.views
    }
    /// What the operator has stopped.
    pub fn stops(&self) -> &Stops {
        &self.stops
    }
    /// The server with this name, if the client may know of it.
    pub(crate) fn server_for(&self, viewer: Viewer<'_>, name: &str) -> Option<&Arc<Server>> {
        let shown = self.views.show(viewer, name);
        self.server(name).filter(|_| shown)
    }
    /// The servers that the client may know of, in the configuration's order.
    pub(crate) fn servers_for<'a>(
        &'a self,
        viewer: Viewer<'a>,
    ) -> impl Iterator<Item = &'a Arc<Server>> {
        let shown = move |server: &&Arc<Server>| self.views.show(viewer, server.name());
        self.servers.iter().filter(shown)
    }
    /// The server with this name.
    pub fn server(&self, name: &str) -> Option<&Arc<Server>> {
        self.servers.iter().find(|server| &**server.name() == name)
    }
    /// The era of the merged endpoint, decided at its first modern request.
    pub(crate) fn merged_era(&self) -> &OnceLock<Era> {
        &self.merged_era
    }
    /// Whether this very server, not another of the same name, is part of the edition.
    pub(crate) fn has(&self, server: &Arc<Server>) -> bool {
        self.servers.iter().any(|one| Arc::ptr_eq(one, server))
    }
}

/// Holds the current edition. Reading it takes no lock.
pub struct Registry {
    current: ArcSwap<Edition>,
    publishing: Mutex<()>,
    published: watch::Sender<()>,
    /// The stopped plugins, which the chains of all editions obey.
    plugins: Arc<StoppedPlugins>,
    epoch: ArcSwap<Epoch>,
}

/// The time from one publication to the next. Whoever sends something to a server holds the epoch in which it was allowed,
/// so that whoever publishes a stop can wait until nobody sends on the strength of what was in force before.
#[derive(Debug, Default)]
struct Epoch {
    /// Cancelled when nobody holds the epoch any more.
    over: CancellationToken,
}

impl Drop for Epoch {
    fn drop(&mut self) {
        self.over.cancel();
    }
}

/// What a call holds while it is sent.
pub(crate) struct StopGuard {
    registry: Arc<Registry>,
    published: watch::Receiver<()>,
    /// `None` where nobody waits for the holder.
    epoch: Option<Arc<Epoch>>,
    edition: Arc<Edition>,
}

impl Registry {
    /// Creates a registry with a first edition.
    pub fn new(edition: Edition) -> Arc<Self> {
        let plugins = Arc::<StoppedPlugins>::default();
        let edition = Edition {
            chain: edition.chain.stoppable(plugins.clone()),
            ..edition
        };
        Arc::new(Self {
            current: ArcSwap::from_pointee(edition),
            publishing: Mutex::default(),
            published: watch::Sender::new(()),
            plugins,
            epoch: ArcSwap::from_pointee(Epoch::default()),
        })
    }
    /// The current edition, which stays valid for the caller after a new one is published.
    pub fn current(&self) -> Arc<Edition> {
        self.current.load_full()
    }
    /// Publishes an edition, with the stops in force, and returns the previous one.
    pub(crate) fn publish(&self, mut edition: Edition) -> Arc<Edition> {
        let _one_at_a_time = self.publishing.lock();
        let current = self.current.load_full();
        edition.chain = edition.chain.stoppable(self.plugins.clone());
        edition.stops = current.stops.clone();
        edition.clients.inherit(&current.clients);
        if let (Some(now), Some(before)) = (&edition.authorization, &current.authorization) {
            now.inherit(before, &edition.clients, &edition.views);
        }
        for server in &edition.servers {
            match edition.stops.server(server.name()) {
                Some(_) => server.hold(),
                None => server.release(),
            }
        }
        self.swap(edition).0
    }
    /// Publishes the current edition with these stops. Returns the previous one, and what is cancelled once nothing is
    /// sent on the strength of what was in force before.
    pub(crate) fn stop(&self, stops: Stops) -> (Arc<Edition>, CancellationToken) {
        let _one_at_a_time = self.publishing.lock();
        let (current, stops) = (self.current.load_full(), Arc::new(stops));
        let begins = |name: &str| {
            stops.client(Some(name)).is_some() && current.stops.client(Some(name)).is_none()
        };
        let clients = current.clients.renewed(begins);
        for server in &current.servers {
            match stops.server(server.name()) {
                Some(_) => server.hold(),
                None => server.release(),
            }
        }
        self.plugins.set(stops.plugins());
        let swapped = self.swap(Edition {
            chain: current.chain.clone(),
            servers: current.servers.clone(),
            clients,
            authorization: current.authorization.clone(),
            views: current.views.clone(),
            stops: stops.clone(),
            merged_era: current.merged_era.clone(),
        });
        // From here on nobody of that name begins anything.
        if let Some(authorization) = &current.authorization {
            authorization.end_named(begins);
        }
        swapped
    }
    fn swap(&self, edition: Edition) -> (Arc<Edition>, CancellationToken) {
        let edition = Arc::new(edition);
        let before = self.current.swap(edition.clone());
        before.clients.end_others(&edition.clients);
        match (&before.authorization, &edition.authorization) {
            (Some(before), Some(now)) if Arc::ptr_eq(before, now) => {}
            (Some(before), now) => before.retire(now.as_deref()),
            (None, _) => {}
        }
        // After the edition: whoever holds the new epoch has seen the new edition.
        let last = self.epoch.swap(Arc::default());
        let over = last.over.clone();
        drop(last);
        self.published.send_replace(());
        (before, over)
    }
    /// Returns a receiver that changes whenever an edition other than `seen` is published. It has changed already if
    /// one is current.
    pub(crate) fn watch(&self, seen: &Arc<Edition>) -> watch::Receiver<()> {
        let mut published = self.published.subscribe();
        if !Arc::ptr_eq(&self.current.load(), seen) {
            published.mark_changed();
        }
        published
    }
    /// What a call holds while it is sent.
    pub(crate) fn guard(self: &Arc<Self>) -> StopGuard {
        // In this order: a publication in between is noticed by the receiver.
        let published = self.published.subscribe();
        let epoch = Some(self.epoch.load_full());
        StopGuard {
            registry: self.clone(),
            published,
            epoch,
            edition: self.current(),
        }
    }
}

impl StopGuard {
    /// The edition whose stops count.
    pub(crate) fn edition(&self) -> &Edition {
        &self.edition
    }

    /// Lets a stop be acknowledged although this guard has not noticed it.
    pub(crate) fn waits_for_nothing(&mut self) {
        self.epoch = None;
    }

    /// Waits for another edition, and takes it.
    pub(crate) async fn changed(&mut self) {
        // The registry has the sender.
        let _ = self.published.changed().await;
        if let Some(epoch) = &mut self.epoch {
            *epoch = self.registry.epoch.load_full();
        }
        self.edition = self.registry.current();
    }
}

/// Whether a name can be a server's. The first `__` separates server and tool on the merged endpoint.
fn usable(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    (1..=64).contains(&name.len())
        && name.bytes().all(plain)
        && !name.contains("__")
        && !name.starts_with('_')
        && !name.ends_with('_')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use futures_util::FutureExt;
    use sandgate_message::Limits;

    use super::*;

    fn registry() -> Arc<Registry> {
        let chain = Chain::new(1, Vec::new(), None, Limits::default());
        Registry::new(Edition::new(chain, Vec::new()).unwrap())
    }

    #[test]
    fn a_stop_waits_for_whoever_sends_on_the_strength_of_before() {
        let registry = registry();
        let (mut sends, mut ends) = (registry.guard(), registry.guard());
        let mut waited_for_by_nobody = registry.guard();
        waited_for_by_nobody.waits_for_nothing();
        let (_, over) = registry.stop(Stops::default());
        assert!(!over.is_cancelled());
        sends.changed().now_or_never().unwrap();
        assert!(Arc::ptr_eq(&sends.edition, &registry.current()));
        assert!(!over.is_cancelled(), "one has not noticed yet");
        assert!(ends.changed().now_or_never().is_some());
        assert!(over.is_cancelled());
        let (_, over) = registry.stop(Stops::default());
        assert!(!over.is_cancelled(), "both hold the next epoch");
        drop((sends, ends));
        assert!(over.is_cancelled());
    }

    #[test]
    fn a_guard_that_is_taken_after_a_stop_knows_it() {
        let registry = registry();
        let (_, over) = registry.stop(Stops::default());
        assert!(over.is_cancelled(), "nobody sends anything");
        let mut guard = registry.guard();
        assert!(Arc::ptr_eq(&guard.edition, &registry.current()));
        assert!(guard.changed().now_or_never().is_none());
    }

    #[test]
    fn a_server_name_can_be_read_back_from_a_prefixed_tool() {
        for name in ["crm", "a", "my-server_2", "A1"] {
            assert!(usable(name), "{name}");
        }
        for name in ["", "a__b", "a_", "_a", "a/b", "a b", "ä", "a.b"] {
            assert!(!usable(name), "{name}");
        }
        assert!(!usable(&"a".repeat(65)));
    }
}

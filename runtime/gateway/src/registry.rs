//! The registry of the current edition, which is immutable and replaced atomically.

use std::collections::HashSet;
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use sandgate_message::Era;
use sandgate_pipeline::Chain;
use tokio::sync::watch;

use crate::auth::authorization::Authorization;
use crate::auth::principals::Clients;
use crate::views::{Viewer, Views};
use sandgate_upstream::Server;

/// A chain with the servers, clients and views that belong to it. A call keeps the edition it started with, so that it never
/// meets a new server under the old chain or the reverse.
pub struct Edition {
    chain: Arc<Chain>,
    servers: Vec<Arc<Server>>,
    clients: Clients,
    authorization: Option<Authorization>,
    views: Views,
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
            views: Views::default(),
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
        self.authorization = authorization;
        self
    }

    /// Judges what clients see and use by these views; without this, every client sees everything.
    #[must_use]
    pub fn through(mut self, views: Views) -> Self {
        self.views = views;
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
        self.authorization.as_ref()
    }
    /// Whether everybody is admitted.
    pub(crate) fn is_open(&self) -> bool {
        self.clients.is_open() && self.authorization.is_none()
    }
    /// The views of the clients.
    pub fn views(&self) -> &Views {
        &self.views
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
}

impl Registry {
    /// Creates a registry with a first edition.
    pub fn new(edition: Edition) -> Arc<Self> {
        Arc::new(Self {
            current: ArcSwap::from_pointee(edition),
            publishing: Mutex::default(),
            published: watch::Sender::new(()),
        })
    }
    /// The current edition, which stays valid for the caller after a new one is published.
    pub fn current(&self) -> Arc<Edition> {
        self.current.load_full()
    }
    /// Publishes an edition and returns the previous one.
    pub(crate) fn publish(&self, mut edition: Edition) -> Arc<Edition> {
        let _one_at_a_time = self.publishing.lock();
        let before = self.current.load();
        edition.clients.inherit(&before.clients);
        if let (Some(now), Some(before)) = (&edition.authorization, &before.authorization) {
            now.inherit(before, &edition.clients, &edition.views);
        }
        drop(before);
        let edition = Arc::new(edition);
        let before = self.current.swap(edition.clone());
        before.clients.end_others(&edition.clients);
        if let Some(before) = &before.authorization {
            before.end_others(edition.authorization.as_ref());
        }
        self.published.send_replace(());
        before
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
    use super::usable;

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

//! What is in force: one immutable edition, published at once.

use std::collections::HashSet;
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use sandgate_message::Era;
use sandgate_pipeline::Chain;
use tokio::sync::watch;

use crate::auth::principals::Clients;
use sandgate_upstream::Server;

/// The chain, the servers and the clients that belong together. A call takes one edition and keeps it, so that it never meets a new
/// server under the old chain or the reverse.
pub struct Edition {
    chain: Arc<Chain>,
    servers: Vec<Arc<Server>>,
    clients: Clients,
    /// Of the merged endpoint, once it is decided.
    merged_era: OnceLock<Era>,
}

/// Why servers cannot stand beside one another.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditionError {
    /// Two of one name.
    #[error("two servers are called {0:?}: give one of them another name")]
    Twice(String),
    /// A name that cannot stand in `/mcp/NAME` or before `__`.
    #[error(
        "{0:?} cannot name a server: letters, digits, '-' and single '_' inside, at most 64 of them, so that it fits in \
         /mcp/NAME and NAME__tool can be read back"
    )]
    Name(String),
}

impl Edition {
    /// Servers in the configuration's order, which is the order of merged lists. One that did not change keeps its
    /// `Arc` from edition to edition: its conversations then live on.
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
            merged_era: OnceLock::new(),
        })
    }

    /// For these clients; otherwise for anybody.
    #[must_use]
    pub fn for_clients(mut self, clients: Clients) -> Self {
        self.clients = clients;
        self
    }

    /// The version of its chain.
    pub fn version(&self) -> u64 {
        self.chain.version()
    }
    /// The interceptors in force.
    pub fn chain(&self) -> &Arc<Chain> {
        &self.chain
    }
    /// In the configuration's order.
    pub fn servers(&self) -> &[Arc<Server>] {
        &self.servers
    }
    /// Who may call.
    pub fn clients(&self) -> &Clients {
        &self.clients
    }
    /// The server of that name.
    pub fn server(&self, name: &str) -> Option<&Arc<Server>> {
        self.servers.iter().find(|server| &**server.name() == name)
    }
    /// The era of the merged endpoint, decided at its first modern request.
    pub(crate) fn merged_era(&self) -> &OnceLock<Era> {
        &self.merged_era
    }
    /// This very server, not another one of its name, is part of the edition.
    pub(crate) fn has(&self, server: &Arc<Server>) -> bool {
        self.servers.iter().any(|one| Arc::ptr_eq(one, server))
    }
}

/// Holds the edition in force. Reading it takes no lock.
pub struct Registry {
    current: ArcSwap<Edition>,
    publishing: Mutex<()>,
    published: watch::Sender<()>,
}

impl Registry {
    /// Begins with this one.
    pub fn new(edition: Edition) -> Arc<Self> {
        Arc::new(Self {
            current: ArcSwap::from_pointee(edition),
            publishing: Mutex::default(),
            published: watch::Sender::new(()),
        })
    }
    /// The edition in force; whoever asks keeps what they got.
    pub fn current(&self) -> Arc<Edition> {
        self.current.load_full()
    }
    /// Puts another in force and hands back the one before.
    pub(crate) fn publish(&self, mut edition: Edition) -> Arc<Edition> {
        let _one_at_a_time = self.publishing.lock();
        edition.clients.inherit(&self.current.load().clients);
        let edition = Arc::new(edition);
        let before = self.current.swap(edition.clone());
        before.clients.end_others(&edition.clients);
        self.published.send_replace(());
        before
    }
    /// Changes whenever another edition than `seen` is in force; at once, where one is already.
    pub(crate) fn watch(&self, seen: &Arc<Edition>) -> watch::Receiver<()> {
        let mut published = self.published.subscribe();
        if !Arc::ptr_eq(&self.current.load(), seen) {
            published.mark_changed();
        }
        published
    }
}

/// `__` parts server from tool on the merged endpoint, at its first occurrence.
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

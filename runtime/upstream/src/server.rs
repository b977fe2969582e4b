//! A configured server.

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use sandgate_message::Account;
use tokio::sync::watch;
use tokio::time::Instant;

use super::availability::Prober;
use super::demux::ChildUsers;
use super::facts::{Eras, ServerFacts};
use super::http::client::HttpClient;
use super::server_config::ServerConfig;
use super::share::children::SharedChildren;
use super::stdio::child::Child;
use super::transport::Transport;
use super::{Asker, Definitions, Health, Lookalikes, ServerError};
use sandgate_wire::{Permit, Quota};

/// A configured server. A changed configuration makes a new `Server`.
#[derive(Debug)]
pub struct Server {
    pub(super) config: Arc<ServerConfig>,
    pub(super) known: Arc<ServerFacts>,
    pub(super) connector: Connector,
    /// The places for concurrent requests.
    pub(super) places: Arc<Quota>,
    /// The places for child processes.
    pub(super) crowd: Arc<Quota>,
    /// Held while the shared child is started.
    pub(super) starting: tokio::sync::Mutex<()>,
    pub(super) children: Mutex<Children>,
    pub(super) shared_children: SharedChildren,
    pub(super) prober: Prober,
    /// When a probe last left open whether the server is modern.
    pub(super) undecided: Mutex<Option<Instant>>,
    pub(super) conversations: AtomicU64,
    /// Whether the operator has stopped the server.
    pub(super) held: watch::Sender<bool>,
}

/// What a server's conversations are opened with. A new transport has a variant here, and the compiler names each place
/// that decides by it.
#[derive(Debug)]
pub(super) enum Connector {
    /// Child processes, which are started when they are needed.
    Program,
    /// The client whose connections all conversations share.
    Http(HttpClient),
}

#[derive(Debug, Default)]
pub(super) struct Children {
    pub(super) shared: Option<Arc<Child>>,
    pub(super) own: Vec<Weak<Child>>,
    pub(super) closed: bool,
}

impl Children {
    fn take(&mut self) -> Vec<Arc<Child>> {
        let own = std::mem::take(&mut self.own);
        let own = own.iter().filter_map(Weak::upgrade);
        own.chain(self.shared.take()).collect()
    }
}

/// The longest pause before a child's start that is waited for; a longer one refuses the start.
const WORTH_WAITING: Duration = Duration::from_secs(1);
impl Server {
    /// The server's transport.
    pub fn transport(&self) -> &Transport {
        &self.config.transport
    }

    /// Creates a server without starting or connecting anything.
    pub fn new(config: ServerConfig) -> Arc<Self> {
        let config = Arc::new(config);
        let connector = match &config.transport {
            Transport::Http { url, headers } => {
                Connector::Http(HttpClient::new(&config, url, headers))
            }
            Transport::Stdio { .. } => Connector::Program,
        };
        let places = Quota::new(config.max_concurrent);
        let crowd = Quota::new(config.max_children);
        Arc::new(Self {
            config,
            known: Arc::default(),
            connector,
            places,
            crowd,
            starting: tokio::sync::Mutex::default(),
            children: Mutex::default(),
            shared_children: SharedChildren::default(),
            prober: Prober::default(),
            undecided: Mutex::default(),
            conversations: AtomicU64::new(1),
            held: watch::Sender::new(false),
        })
    }

    /// The server's configuration.
    pub fn config(&self) -> &ServerConfig {
        &self.config
    }

    /// The server's name in the configuration.
    pub fn name(&self) -> &Arc<str> {
        &self.config.name
    }

    /// The server's health.
    pub fn health(&self) -> Health {
        self.known.vitals.look(self.places.used())
    }

    /// Notes a message of the server that belongs to no request and was dropped.
    pub fn dropped(&self, what: &str) {
        self.known.vitals.dropped(self.name(), what);
    }

    /// Takes a place for a request, waiting up to `connect-timeout` if none is free. The request must hold the permit
    /// while it is in flight.
    ///
    /// # Errors
    ///
    /// No place became free in time.
    pub(super) async fn place(&self, account: &Account) -> Result<Permit, ServerError> {
        let deadline = Instant::now() + self.config.connect_timeout;
        let place = self.places.take_by(account, 1, deadline).await;
        place.ok_or_else(|| ServerError::Busy {
            server: self.name().clone(),
            limit: self.config.max_concurrent,
        })
    }
    /// The definitions that a modern caller was last shown.
    pub fn definitions(&self, asker: &Asker) -> Arc<Definitions> {
        self.known.audience.of(asker)
    }

    /// The server's tools and prompts whose names look alike.
    pub fn lookalikes(&self) -> &Lookalikes {
        &self.known.lookalikes
    }

    /// Ends the server's children and refuses further conversations.
    pub async fn close(&self) {
        let children = {
            let mut children = self.children.lock();
            children.closed = true;
            children.take()
        };
        futures_util::future::join_all(children.iter().map(|child| child.close())).await;
    }

    /// Sends the server nothing from now on, and opens no conversation with it, until it is [released](Self::release).
    /// What is under way goes on until [`end_children`](Self::end_children) or its callers end it.
    pub fn hold(&self) {
        self.held.send_replace(true);
    }

    /// Lets messages go to the server again, and probes whether it is there.
    pub fn release(self: &Arc<Self>) {
        if self.held.send_replace(false) {
            self.check();
        }
    }

    /// Whether the server is held.
    pub fn is_held(&self) -> bool {
        *self.held.borrow()
    }

    /// Whether anything may be sent to the server now.
    ///
    /// # Errors
    ///
    /// The operator has stopped the server.
    pub(super) fn unheld(&self) -> Result<(), ServerError> {
        match self.is_held() {
            false => Ok(()),
            true => Err(ServerError::Stopped {
                server: self.name().clone(),
            }),
        }
    }

    /// Ends the server's children. Others may be started, unless the server is held or closed.
    pub async fn end_children(&self) {
        let children = self.children.lock().take();
        futures_util::future::join_all(children.iter().map(|child| child.close())).await;
    }

    pub(super) fn known(&self) -> &Arc<ServerFacts> {
        &self.known
    }

    /// The eras that the server is known to speak, without asking it.
    pub fn eras(&self) -> Eras {
        *self.known.eras.lock()
    }

    pub(super) fn prober(&self) -> &Prober {
        &self.prober
    }

    pub(super) fn is_closed(&self) -> bool {
        self.children.lock().closed
    }

    pub(super) fn running(&self) -> Result<Option<Arc<Child>>, ServerError> {
        let children = self.children.lock();
        if children.closed {
            return Err(self.closed());
        }
        Ok(children.shared.clone().filter(|child| !child.is_over()))
    }

    pub(super) fn share(&self, child: &Arc<Child>) -> Result<(), ServerError> {
        let mut children = self.children.lock();
        if children.closed {
            return Err(self.closed());
        }
        children.shared = Some(child.clone());
        Ok(())
    }

    pub(super) fn shared_children(&self) -> &SharedChildren {
        &self.shared_children
    }

    /// Starts a child process.
    ///
    /// # Errors
    ///
    /// The server is closed, has as many children as allowed or must not be restarted yet, or the program cannot be
    /// started.
    pub(super) async fn start(
        &self,
        users: ChildUsers,
        account: &Account,
    ) -> Result<Arc<Child>, ServerError> {
        let pause = self.known.backoff.lock().pause();
        if pause > WORTH_WAITING {
            return Err(ServerError::BackingOff {
                server: self.name().clone(),
                retry_in: pause,
            });
        }
        tokio::time::sleep(pause).await;
        let place = self.crowd.take(account, 1);
        let place = place.ok_or_else(|| ServerError::Crowded {
            server: self.name().clone(),
            limit: self.config.max_children,
        })?;
        self.unheld()?;
        // Boxed because the future is large and rarely runs: it would be a part of the future of every call.
        let child = Box::pin(Child::start(&self.config, &self.known, users, place)).await?;
        let mut children = self.children.lock();
        if children.closed {
            return Err(self.closed());
        }
        // Stopped meanwhile: what ends the children may have come by already. Dropping the child ends it.
        self.unheld()?;
        children.own.retain(|child| child.strong_count() > 0);
        children.own.push(Arc::downgrade(&child));
        Ok(child)
    }

    pub(super) fn closed(&self) -> ServerError {
        ServerError::Closed {
            server: self.name().clone(),
        }
    }
}

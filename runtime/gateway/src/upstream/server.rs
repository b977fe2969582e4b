//! One configured server.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use sandgate_message::{Account, Era, Json, Limits};
use tokio::time::Instant;

use super::audience::Audience;
use super::availability::{Availability, Prober, hints_at_absence};
use super::conversation::Channel;
use super::demux::ChildUsers;
use super::health::HealthState;
use super::http;
use super::http::client::HttpClient;
use super::http::metadata;
use super::probe::{self, Verdict};
use super::share::children::SharedChildren;
use super::share::session::SharedSession;
use super::share::{Owner, Share};
use super::stdio::backoff::Backoff;
use super::stdio::child::Child;
use super::transport::Transport;
use super::{Asker, Conversation, Definitions, Health, Lookalikes, ServerError, stdio};
use crate::admission::{Budget, Permit, Quota};
use crate::auth::tls::Authorities;

/// How to reach a server, and how much it is trusted with.
#[derive(Clone, Debug, PartialEq)]
pub struct ServerConfig {
    /// Its name in the configuration.
    pub name: Arc<str>,
    /// The way there.
    pub transport: Transport,
    /// For a TCP connection.
    pub connect_timeout: Duration,
    /// For a server that has not answered anything yet to answer a probe: a program may have to be fetched first.
    pub start_timeout: Duration,
    /// The longest that answers of the merged endpoint wait for this server's part.
    pub list_timeout: Duration,
    /// The longest silence while a request is under way; whatever arrives for it starts it anew.
    pub request_timeout: Duration,
    /// Of one message.
    pub limits: Limits,
    /// Requests under way at a time, subscriptions aside; a further one waits for as long as a connection may take.
    pub max_concurrent: usize,
    /// Child processes at a time: one for each legacy session, or for those that share one, and one that modern clients
    /// share.
    pub max_children: usize,
    /// Of a program: which legacy sessions use one child.
    pub share: Share,
    /// Of an HTTP server: a client's own `Authorization` goes on to it, and its wish for one comes back.
    pub forward_authorization: bool,
    /// Of an HTTP server: a client's `tracestate` and `baggage` go on to it.
    pub forward_trace_state: bool,
    /// Of an HTTP server: who may vouch for it, instead of those whom the system trusts.
    pub authorities: Option<Authorities>,
    /// Of an HTTP server: how long an unused connection is kept for the next request.
    pub keep_alive: Duration,
}

impl ServerConfig {
    /// With every default: 10 s for a connection, 60 s for a start, 2 s for its part of a merged list, 5 minutes of silence, 1,024 requests at a time, 256 children; unused
    /// connections are dropped before common servers drop them (Node and uvicorn after 5 s), since a request written to
    /// a connection that the server is closing fails, and it may not be repeated.
    pub fn new(name: impl Into<Arc<str>>, transport: Transport) -> Self {
        Self {
            name: name.into(),
            transport,
            connect_timeout: Duration::from_secs(10),
            start_timeout: Duration::from_secs(60),
            list_timeout: Duration::from_secs(2),
            request_timeout: Duration::from_secs(5 * 60),
            limits: Limits::default(),
            max_concurrent: 1024,
            max_children: 256,
            share: Share::None,
            forward_authorization: false,
            forward_trace_state: false,
            authorities: None,
            keep_alive: Duration::from_secs(4),
        }
    }
}

/// Which eras a server speaks, as far as is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Eras {
    /// None: not known.
    pub legacy: Option<bool>,
    /// None: not known.
    pub modern: Option<bool>,
}

impl Eras {
    /// Whether it speaks this one; none: not known.
    pub fn speaks(self, era: Era) -> Option<bool> {
        match era {
            Era::Legacy => self.legacy,
            Era::Modern => self.modern,
        }
    }
}

/// What has been learnt of a server, whichever conversation it was learnt in.
#[derive(Debug, Default)]
pub(super) struct ServerFacts {
    pub(super) audience: Audience,
    pub(super) lookalikes: Lookalikes,
    pub(super) backoff: Mutex<Backoff>,
    pub(super) vitals: HealthState,
    eras: Mutex<Eras>,
}

impl ServerFacts {
    /// It answered as this era's servers do.
    pub(super) fn speaks(&self, era: Era) {
        let mut eras = self.eras.lock();
        match era {
            Era::Legacy => eras.legacy = Some(true),
            Era::Modern => eras.modern = Some(true),
        }
    }
}

/// One configured server. A changed configuration is another `Server`.
#[derive(Debug)]
pub struct Server {
    config: Arc<ServerConfig>,
    known: Arc<ServerFacts>,
    remote: Option<HttpClient>,
    /// For requests.
    places: Arc<Quota>,
    /// For children.
    crowd: Arc<Quota>,
    /// Held while the shared child is started.
    starting: tokio::sync::Mutex<()>,
    children: Mutex<Children>,
    shared_children: SharedChildren,
    prober: Prober,
    /// When a probe last left open whether it speaks the modern era.
    undecided: Mutex<Option<Instant>>,
    conversations: AtomicU64,
}

#[derive(Debug, Default)]
struct Children {
    shared: Option<Arc<Child>>,
    own: Vec<Weak<Child>>,
    closed: bool,
}

/// A pause before a start that is worth waiting for rather than refusing.
const WORTH_WAITING: Duration = Duration::from_secs(1);
/// A probe that left open which eras the server speaks is not repeated before.
const UNDECIDED: Duration = Duration::from_secs(60);

impl Server {
    /// How the server is reached.
    pub fn transport(&self) -> &Transport {
        &self.config.transport
    }

    /// Starts nothing and connects to nothing.
    pub fn new(config: ServerConfig) -> Arc<Self> {
        let config = Arc::new(config);
        let remote = match &config.transport {
            Transport::Http { url, headers } => Some(HttpClient::new(&config, url, headers)),
            Transport::Stdio { .. } => None,
        };
        let places = Quota::new(config.max_concurrent);
        let crowd = Quota::new(config.max_children);
        Arc::new(Self {
            config,
            known: Arc::default(),
            remote,
            places,
            crowd,
            starting: tokio::sync::Mutex::default(),
            children: Mutex::default(),
            shared_children: SharedChildren::default(),
            prober: Prober::default(),
            undecided: Mutex::default(),
            conversations: AtomicU64::new(1),
        })
    }

    /// As it was given.
    pub fn config(&self) -> &ServerConfig {
        &self.config
    }

    /// Its name in the configuration.
    pub fn name(&self) -> &Arc<str> {
        &self.config.name
    }

    /// Which eras it speaks. A stdio server is asked once (`server/discover`, with a timeout) and what it said is
    /// remembered; of an HTTP server it is what has been learnt so far, without asking.
    pub async fn era(self: &Arc<Self>) -> Result<Eras, ServerError> {
        match &self.remote {
            Some(_) => Ok(self.eras()),
            None => self.probe().await,
        }
    }

    /// The same, but an HTTP server is asked too where nothing is known.
    ///
    /// # Errors
    /// The server is down.
    pub async fn probe(self: &Arc<Self>) -> Result<Eras, ServerError> {
        if self.era_is_open() {
            self.check();
            if let Availability::Down { error, .. } = self.probed().await {
                return Err(error);
            }
        }
        Ok(self.eras())
    }

    /// A probe could tell whether it speaks the modern era.
    pub(super) fn era_is_open(&self) -> bool {
        let undecided = *self.undecided.lock();
        self.eras().modern.is_none() && undecided.is_none_or(|since| since.elapsed() >= UNDECIDED)
    }

    /// Opens a conversation for a caller. Legacy: a child process or an upstream session of its own, or a place at a child
    /// that sessions share. Modern: one shared child, or stateless HTTP.
    pub async fn converse(
        self: &Arc<Self>,
        era: Era,
        asker: &Asker,
    ) -> Result<Arc<Conversation>, ServerError> {
        self.converse_for(era, asker, &Budget::unbounded()).await
    }

    /// The same within a budget: the caller's requests, its child and the bytes that come for it count against its share.
    pub async fn converse_for(
        self: &Arc<Self>,
        era: Era,
        asker: &Asker,
        budget: &Budget,
    ) -> Result<Arc<Conversation>, ServerError> {
        let opened = self.open(era, asker, budget).await;
        opened.inspect_err(|error| {
            self.known.vitals.failed(error);
            if hints_at_absence(error) {
                self.check();
            }
        })
    }

    async fn open(
        self: &Arc<Self>,
        era: Era,
        asker: &Asker,
        budget: &Budget,
    ) -> Result<Arc<Conversation>, ServerError> {
        self.admits()?;
        let definitions = match era {
            Era::Modern => self.definitions(asker),
            Era::Legacy => self.known.audience.begin(asker.principal()),
        };
        let channel = match (&self.remote, era) {
            (Some(_), _) if self.children.lock().closed => return Err(self.closed()),
            (Some(remote), _) => Channel::Http(Box::new(http::Channel::new(remote.clone(), era))),
            (None, Era::Modern) => {
                // Fails now rather than at the first request.
                self.shared_child().await?;
                let number = self.conversations.fetch_add(1, Ordering::Relaxed);
                Channel::Stdio(stdio::Channel::Shared(self.clone(), number))
            }
            (None, Era::Legacy) if self.config.share != Share::None => {
                if self.is_closed() {
                    return Err(self.closed());
                }
                let number = self.conversations.fetch_add(1, Ordering::Relaxed);
                let owner = Owner::new(asker.principal(), budget.account());
                let session = SharedSession::new(self.clone(), number, owner, definitions.clone());
                Channel::Stdio(stdio::Channel::SharedSession(Box::new(session)))
            }
            (None, Era::Legacy) => {
                let own = ChildUsers::One(definitions.clone());
                let child = self.start(own, budget.account()).await?;
                Channel::Stdio(stdio::Channel::Own(child))
            }
        };
        Ok(Conversation::new(
            self.clone(),
            era,
            channel,
            budget.clone(),
            definitions,
        ))
    }

    /// How it is.
    pub fn health(&self) -> Health {
        self.known.vitals.look(self.places.used())
    }

    /// It sent something that belongs to nothing that it was asked.
    pub(crate) fn dropped(&self, what: &str) {
        self.known.vitals.dropped(self.name(), what);
    }

    /// A place for a request, waited for where there is none. What holds it has it for as long as the request is under
    /// way.
    pub(super) async fn place(&self, account: &Account) -> Result<Permit, ServerError> {
        let deadline = Instant::now() + self.config.connect_timeout;
        let place = self.places.take_by(account, 1, deadline).await;
        place.ok_or_else(|| ServerError::Busy {
            server: self.name().clone(),
            limit: self.config.max_concurrent,
        })
    }
    /// The metadata of the resource that it protects (RFC 9728), as it gives it; none where it gives none, or the
    /// client's tokens do not go on to it.
    pub async fn protected_resource(&self) -> Result<Option<Json>, ServerError> {
        match &self.remote {
            Some(remote) if self.config.forward_authorization => {
                let _place = self.place(&Account::Local).await?;
                metadata::fetch(remote).await
            }
            _ => Ok(None),
        }
    }

    /// What it was last seen to offer to a caller of the modern era.
    pub fn definitions(&self, asker: &Asker) -> Arc<Definitions> {
        self.known.audience.of(asker)
    }

    /// Its tools and prompts whose names look the same.
    pub fn lookalikes(&self) -> &Lookalikes {
        &self.known.lookalikes
    }

    /// Ends its children and refuses further conversations.
    pub async fn close(&self) {
        let children = {
            let mut children = self.children.lock();
            children.closed = true;
            let own = std::mem::take(&mut children.own);
            own.iter()
                .filter_map(Weak::upgrade)
                .chain(children.shared.take())
                .collect::<Vec<_>>()
        };
        futures_util::future::join_all(children.iter().map(|child| child.close())).await;
    }

    pub(super) fn known(&self) -> &Arc<ServerFacts> {
        &self.known
    }

    /// The child that modern conversations share, started anew where it has ended.
    pub(super) async fn shared_child(self: &Arc<Self>) -> Result<Arc<Child>, ServerError> {
        if let Some(child) = self.running()? {
            return Ok(child);
        }
        let _starting = self.starting.lock().await;
        if let Some(child) = self.running()? {
            return Ok(child);
        }
        if self.eras().modern.is_none() {
            self.probe().await?;
            if let Some(child) = self.running()? {
                return Ok(child);
            }
        }
        if self.eras().modern != Some(true) {
            return Err(ServerError::WrongEra {
                server: self.name().clone(),
                era: Era::Modern.as_str(),
            });
        }
        let child = self.start(ChildUsers::Modern, &Account::Local).await?;
        self.share(&child)?;
        Ok(child)
    }

    /// Which eras it speaks, as far as is known; asks nobody.
    pub fn eras(&self) -> Eras {
        *self.known.eras.lock()
    }

    /// Finds out whether it is there, and which eras it speaks. A stdio server that speaks the modern era keeps the child
    /// that was asked; one that does not is never spoken to on it again. `initialize_only`: a program is asked nothing that
    /// a legacy server does not know.
    pub(super) async fn probe_once(
        self: &Arc<Self>,
        initialize_only: bool,
    ) -> Result<(), ServerError> {
        let verdict = match &self.remote {
            Some(remote) => probe::remote(remote, &self.known).await?,
            // Its child is shared, and busy with callers' requests perhaps: that it can be started is all that is asked.
            None if self.eras().modern == Some(true) => {
                return self.shared_child().await.map(drop);
            }
            None => {
                let wait = self.config.start_timeout;
                let child = self.start(ChildUsers::Modern, &Account::Local).await?;
                let verdict = match initialize_only {
                    false => probe::child(&child, &self.known, wait).await,
                    true => probe::child_of_legacy(&child, &self.known, wait).await,
                };
                match verdict {
                    Ok(Verdict::Modern { .. }) => self.share(&child)?,
                    // Some legacy servers end at a question before `initialize`.
                    Err(ServerError::Exited { .. }) if !initialize_only => {
                        let child = self.start(ChildUsers::Modern, &Account::Local).await?;
                        probe::child_of_legacy(&child, &self.known, wait).await?;
                        self.known.eras.lock().modern = Some(false);
                        return Ok(());
                    }
                    // The last one to hold the child ends it, and its end is no failure of the server's.
                    _ => drop(child),
                }
                verdict?
            }
        };
        tracing::debug!(server = %self.name(), ?verdict, "probed");
        match verdict {
            Verdict::Modern { legacy } => {
                self.known.speaks(Era::Modern);
                if legacy {
                    self.known.speaks(Era::Legacy);
                }
            }
            Verdict::Legacy => self.known.eras.lock().modern = Some(false),
            Verdict::Undecided => *self.undecided.lock() = Some(Instant::now()),
        }
        Ok(())
    }

    pub(super) fn prober(&self) -> &Prober {
        &self.prober
    }

    pub(super) fn is_closed(&self) -> bool {
        self.children.lock().closed
    }

    fn running(&self) -> Result<Option<Arc<Child>>, ServerError> {
        let children = self.children.lock();
        if children.closed {
            return Err(self.closed());
        }
        Ok(children.shared.clone().filter(|child| !child.is_over()))
    }

    fn share(&self, child: &Arc<Child>) -> Result<(), ServerError> {
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

    /// A child.
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
        let child = Child::start(&self.config, &self.known, users, place).await?;
        let mut children = self.children.lock();
        if children.closed {
            return Err(self.closed());
        }
        children.own.retain(|child| child.strong_count() > 0);
        children.own.push(Arc::downgrade(&child));
        Ok(child)
    }

    fn closed(&self) -> ServerError {
        ServerError::Closed {
            server: self.name().clone(),
        }
    }
}

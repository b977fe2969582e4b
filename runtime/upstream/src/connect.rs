//! Opening conversations with a server, and finding out which eras it speaks.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sandgate_message::{Account, Era, Json};
use tokio::time::Instant;

use super::audience::Asker;
use super::availability::Availability;
use super::conversation::{Channel, Conversation};
use super::demux::ChildUsers;
use super::error::{ServerError, hints_at_absence};
use super::facts::Eras;
use super::http;
use super::http::metadata;
use super::probe::{self, Verdict};
use super::server::{Connector, Server};
use super::share::session::SharedSession;
use super::share::{Owner, Share};
use super::stdio;
use super::stdio::child::Child;
use sandgate_wire::Budget;

/// How long a probe that left the era open is not repeated.
const UNDECIDED: Duration = Duration::from_secs(60);

impl Server {
    /// The eras that the server speaks. A stdio server is probed once (`server/discover`, with a timeout) and its
    /// answer remembered. For an HTTP server it is what is known so far, without asking.
    ///
    /// # Errors
    ///
    /// The server is down.
    pub async fn era(self: &Arc<Self>) -> Result<Eras, ServerError> {
        match &self.connector {
            Connector::Http(_) => Ok(self.eras()),
            Connector::Program => self.probe().await,
        }
    }

    /// As [`era`](Self::era), but an HTTP server is probed too where nothing is known.
    ///
    /// # Errors
    ///
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

    /// Whether a probe could find out if the server is modern.
    pub(super) fn era_is_open(&self) -> bool {
        let undecided = *self.undecided.lock();
        self.eras().modern.is_none() && undecided.is_none_or(|since| since.elapsed() >= UNDECIDED)
    }

    /// Opens a conversation. A legacy one gets a child process or an HTTP session of its own, or a place at a child
    /// that sessions share. Modern ones share one child, or use stateless HTTP.
    ///
    /// # Errors
    ///
    /// The server is down, closed or of the other era, or its child cannot be started.
    pub async fn converse(
        self: &Arc<Self>,
        era: Era,
        asker: &Asker,
    ) -> Result<Arc<Conversation>, ServerError> {
        self.converse_for(era, asker, &Budget::unbounded()).await
    }

    /// As [`converse`](Self::converse), within a budget: the caller's requests, child and incoming bytes count against
    /// its share.
    ///
    /// # Errors
    ///
    /// The server is down, closed or of the other era, or its child cannot be started.
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
        let channel = match (&self.connector, era) {
            (Connector::Http(_), _) if self.is_closed() => return Err(self.closed()),
            (Connector::Http(remote), _) => {
                Channel::Http(Box::new(http::Channel::new(remote.clone(), era)))
            }
            (Connector::Program, Era::Modern) => {
                // Fail now rather than at the first request.
                self.shared_child().await?;
                let number = self.conversations.fetch_add(1, Ordering::Relaxed);
                Channel::Stdio(stdio::Channel::Shared(self.clone(), number))
            }
            (Connector::Program, Era::Legacy) if self.config.share != Share::None => {
                if self.is_closed() {
                    return Err(self.closed());
                }
                let number = self.conversations.fetch_add(1, Ordering::Relaxed);
                let owner = Owner::new(asker.principal(), budget.account());
                let session = SharedSession::new(self.clone(), number, owner, definitions.clone());
                Channel::Stdio(stdio::Channel::SharedSession(Box::new(session)))
            }
            (Connector::Program, Era::Legacy) => {
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

    /// The metadata of the protected resource (RFC 9728), as the server gives it; `None` if it gives none, or if
    /// clients' tokens are not forwarded to it.
    ///
    /// # Errors
    ///
    /// The server is busy or cannot be reached, or its answer is unusable.
    pub async fn protected_resource(&self) -> Result<Option<Json>, ServerError> {
        match &self.connector {
            Connector::Http(remote) if self.config.forward_authorization => {
                let _place = self.place(&Account::Local).await?;
                self.unheld()?;
                metadata::fetch(remote).await
            }
            Connector::Http(_) | Connector::Program => Ok(None),
        }
    }

    /// The child that modern conversations share, restarted if it has ended.
    ///
    /// # Errors
    ///
    /// The server is closed or not modern, or the child cannot be started.
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

    /// Probes whether the server is up and which eras it speaks. If a stdio server is modern, the child that answered
    /// is kept; if not, that child is never used again. With `initialize_only`, a stdio server is asked nothing that a
    /// legacy server does not know.
    ///
    /// # Errors
    ///
    /// The server is down.
    pub(super) async fn probe_once(
        self: &Arc<Self>,
        initialize_only: bool,
    ) -> Result<(), ServerError> {
        let verdict = match &self.connector {
            Connector::Http(remote) => probe::remote(remote, &self.known).await?,
            // The child is shared, and may be busy with callers' requests: the probe only checks that it can be
            // started.
            Connector::Program if self.eras().modern == Some(true) => {
                return self.shared_child().await.map(drop);
            }
            Connector::Program => {
                let wait = self.config.start_timeout;
                let child = self.start(ChildUsers::Modern, &Account::Local).await?;
                let verdict = match initialize_only {
                    false => probe::child(&child, &self.known, wait).await,
                    true => probe::child_of_legacy(&child, &self.known, wait).await,
                };
                match verdict {
                    Ok(Verdict::Modern { .. }) => self.share(&child)?,
                    // Some legacy servers exit on a request before `initialize`.
                    Err(ServerError::Exited { .. }) if !initialize_only => {
                        let child = self.start(ChildUsers::Modern, &Account::Local).await?;
                        probe::child_of_legacy(&child, &self.known, wait).await?;
                        self.known.eras.lock().modern = Some(false);
                        return Ok(());
                    }
                    // The last holder ends the child, and its end is not a failure of the server.
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
}

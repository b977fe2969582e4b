//! How conversations with a server begin, and how it is found out which eras the server speaks.

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
use super::server::Server;
use super::share::session::SharedSession;
use super::share::{Owner, Share};
use super::stdio;
use super::stdio::child::Child;
use crate::Budget;

/// A probe that left open which eras the server speaks is not repeated before.
const UNDECIDED: Duration = Duration::from_secs(60);

impl Server {
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
}

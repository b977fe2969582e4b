//! Whether a server can be asked at all, as the gateway's own probes find out: a circuit breaker for each server.
//!
//! Only a probe opens it or closes it. What a caller sends, and how the server takes it, says nothing here: a payload that
//! makes one call fail or hang must not keep the server from anybody else. A probe is made when something hints at trouble
//! (no answer in time at the merged endpoint, no connection, a process that ended at its start), and again after growing
//! pauses until one succeeds.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;
use tokio::time::Instant;

use super::{Server, ServerError};

/// The pause after a failed probe, doubled by each further one up to the second.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// What the gateway's probes know of a server.
#[derive(Clone, Debug, Default)]
pub enum Availability {
    /// It was not probed: nothing has hinted at trouble.
    #[default]
    Unknown,
    /// The first probe, or one of a server that was well, is under way.
    Probing {
        /// When it began.
        since: Instant,
    },
    /// The last probe succeeded.
    Up,
    /// The last probe failed.
    Down {
        /// When the first one in a row failed.
        since: SystemTime,
        /// Why the last one failed.
        error: ServerError,
        /// When the next one is made.
        retry_at: Instant,
    },
}

impl Availability {
    /// It is down, and asking it again would take long: nobody has to wait for what is known. A server that fails at once
    /// (no listener, no such program) is asked by each call, so that it is back as soon as it is started.
    fn blocks(&self) -> bool {
        matches!(
            self,
            Self::Down {
                error: ServerError::Timeout { .. },
                ..
            }
        )
    }
}

/// The prober of one server.
#[derive(Debug)]
pub(super) struct Prober {
    state: watch::Sender<Availability>,
}

impl Default for Prober {
    fn default() -> Self {
        Self {
            state: watch::Sender::new(Availability::Unknown),
        }
    }
}

impl Prober {
    fn now(&self) -> Availability {
        self.state.borrow().clone()
    }

    /// True for the one who has to probe.
    fn begin(&self) -> bool {
        self.state.send_if_modified(|state| {
            let idle = matches!(state, Availability::Unknown | Availability::Up);
            if idle {
                *state = Availability::Probing {
                    since: Instant::now(),
                };
            }
            idle
        })
    }

    fn failed(&self, failure: &ServerError, retry_at: Instant) {
        self.state.send_modify(|state| {
            let since = match state {
                Availability::Down { since, .. } => *since,
                _ => SystemTime::now(),
            };
            *state = Availability::Down {
                since,
                error: failure.clone(),
                retry_at,
            };
        });
    }

    /// Waits until a probe has come to an end, where one is under way.
    async fn settled(&self) -> Availability {
        let mut state = self.state.subscribe();
        let settled = |state: &Availability| !matches!(state, Availability::Probing { .. });
        match state.wait_for(settled).await {
            Ok(state) => state.clone(),
            // Never: the sender is ours.
            Err(_) => Availability::Unknown,
        }
    }

    async fn up(&self) {
        let mut state = self.state.subscribe();
        let _ = state
            .wait_for(|state| matches!(state, Availability::Up))
            .await;
    }
}

impl Server {
    /// What the gateway's probes know of it. Asks nobody.
    pub fn availability(&self) -> Availability {
        self.prober().now()
    }

    /// The last probe found it well, or nothing has hinted at trouble.
    pub(crate) fn is_there(&self) -> bool {
        let state = self.prober().state.borrow();
        matches!(*state, Availability::Unknown | Availability::Up)
    }

    /// Probes it in the background until a probe succeeds, unless that is under way.
    pub(crate) fn check(self: &Arc<Self>) {
        if !self.prober().begin() {
            return;
        }
        let server = Arc::downgrade(self);
        tokio::spawn(async move {
            let mut pause = PAUSES.0;
            // A question before `initialize` silences some legacy servers for good: every other probe does without.
            let mut initialize_only = false;
            for attempt in 0_u32.. {
                let Some(server) = server.upgrade().filter(|server| !server.is_closed()) else {
                    return;
                };
                let Err(error) = server.probe_once(initialize_only).await else {
                    tracing::info!(server = %server.name(), attempt, "the server answers the gateway's probe");
                    server.prober().state.send_replace(Availability::Up);
                    return;
                };
                if server.is_closed() {
                    return;
                }
                if attempt == 0 {
                    tracing::warn!(server = %server.name(), "down: {}; it is probed until it answers", error.detail());
                }
                server.known().vitals.failed(&error);
                initialize_only = !initialize_only && matches!(error, ServerError::Timeout { .. });
                if let ServerError::BackingOff { retry_in, .. } = &error {
                    pause = pause.max(*retry_in);
                }
                server.prober().failed(&error, Instant::now() + pause);
                // Not held meanwhile: a server that a reload has replaced is probed no more.
                drop(server);
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(PAUSES.1);
            }
        });
    }

    /// Whether it may be asked, or the error that says that it is down.
    ///
    /// # Errors
    /// It is down, and asking it would take long.
    pub(crate) fn admits(&self) -> Result<(), ServerError> {
        let state = self.prober().state.borrow();
        match &*state {
            Availability::Down { retry_at, .. } if state.blocks() => Err(ServerError::Down {
                server: self.name().clone(),
                retry_in: retry_at.saturating_duration_since(Instant::now()),
            }),
            _ => Ok(()),
        }
    }

    /// Whether it can be asked what a modern client asks several servers at once. Probes it where its eras are not known.
    /// That lasts no longer than `list-timeout` from the probe's beginning.
    ///
    /// # Errors
    /// It is down, or has not answered the probe yet.
    pub(crate) async fn ready_for_lists(self: &Arc<Self>) -> Result<(), ServerError> {
        if self.era_is_open() {
            self.check();
        }
        self.admits()?;
        if let Availability::Probing { since } = self.availability() {
            let until = since + self.config().list_timeout;
            let settled = tokio::time::timeout_at(until, self.prober().settled());
            if settled.await.is_err() {
                return Err(self.starting());
            }
            self.admits()?;
        }
        Ok(())
    }

    /// Waits for the end of the probe that is under way, if there is one.
    pub(crate) async fn probed(&self) -> Availability {
        self.prober().settled().await
    }

    /// Resolves when a probe has succeeded since the last failure.
    pub(crate) async fn up(&self) {
        self.prober().up().await;
    }

    /// It has not answered yet.
    pub(crate) fn starting(&self) -> ServerError {
        ServerError::Starting {
            server: self.name().clone(),
        }
    }
}

/// Whether an error hints at a server that is not there, rather than at one that does not like what it was asked.
pub(crate) fn hints_at_absence(error: &ServerError) -> bool {
    matches!(
        error,
        ServerError::NotFound { .. }
            | ServerError::Start { .. }
            | ServerError::Exited { .. }
            | ServerError::BackingOff { .. }
            | ServerError::Unreachable { .. }
            | ServerError::Timeout { .. }
            | ServerError::Starting { .. }
            | ServerError::Down { .. }
    )
}

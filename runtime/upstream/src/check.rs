//! Background probes of a server: one at a time, until one succeeds.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::availability::Availability;
use super::error::ServerError;
use super::server::Server;

/// The pause after the first failed probe, and the longest; the pause doubles in between.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

impl Server {
    /// The availability found by the gateway's probes, without asking the server.
    pub fn availability(&self) -> Availability {
        self.prober().now()
    }

    /// Whether the last probe succeeded, or nothing has hinted at trouble yet.
    pub fn is_there(&self) -> bool {
        let state = self.prober().state.borrow();
        !self.is_held() && matches!(*state, Availability::Unknown | Availability::Up)
    }

    /// Starts probing in the background until a probe succeeds, unless that is already running.
    pub fn check(self: &Arc<Self>) {
        if self.is_held() || !self.prober().begin() {
            return;
        }
        let server = Arc::downgrade(self);
        tokio::spawn(async move {
            let mut pause = PAUSES.0;
            // A request before `initialize` silences some legacy servers for good, so after a timeout the next probe
            // does without.
            let mut initialize_only = false;
            for attempt in 0_u32.. {
                let Some(server) = server.upgrade().filter(|server| !server.is_closed()) else {
                    return;
                };
                if server.is_held() {
                    // Its release probes it anew.
                    server.prober().state.send_replace(Availability::Unknown);
                    return;
                }
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
                // Not held during the pause, so that a server replaced by a reload is no longer probed.
                drop(server);
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(PAUSES.1);
            }
        });
    }

    /// Checks whether the server may be asked.
    ///
    /// # Errors
    ///
    /// The server is down, and asking it would take long.
    pub fn admits(&self) -> Result<(), ServerError> {
        self.unheld()?;
        let state = self.prober().state.borrow();
        match &*state {
            Availability::Down { retry_at, .. } if state.blocks() => Err(ServerError::Down {
                server: self.name().clone(),
                retry_in: retry_at.saturating_duration_since(Instant::now()),
            }),
            _ => Ok(()),
        }
    }

    /// Waits until the server can answer list requests, probing it where its era is unknown. The wait ends at most
    /// `list-timeout` after the probe began.
    ///
    /// # Errors
    ///
    /// The server is down, or has not answered the probe yet.
    pub async fn ready_for_lists(self: &Arc<Self>) -> Result<(), ServerError> {
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

    /// Waits for the end of the running probe, if there is one.
    pub async fn probed(&self) -> Availability {
        self.prober().settled().await
    }

    /// Resolves once a probe has succeeded since the last failure, and the server is not held.
    pub async fn up(&self) {
        let mut held = self.held.subscribe();
        let _ = held.wait_for(|held| !*held).await;
        self.prober().up().await;
    }

    /// The error of a server that has not answered yet.
    pub fn starting(&self) -> ServerError {
        ServerError::Starting {
            server: self.name().clone(),
        }
    }
}

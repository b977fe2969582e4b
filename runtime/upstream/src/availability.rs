//! Whether a server can be asked at all, as the gateway's own probes find out: a circuit breaker for each server.
//!
//! Only a probe opens it or closes it. What a caller sends, and how the server takes it, says nothing here: a payload that
//! makes one call fail or hang must not keep the server from anybody else. A probe is made when something hints at trouble
//! (no answer in time at the merged endpoint, no connection, a process that ended at its start), and again after growing
//! pauses until one succeeds.

use std::time::SystemTime;

use tokio::sync::watch;
use tokio::time::Instant;

use super::ServerError;

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
    pub(super) fn blocks(&self) -> bool {
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
    pub(super) state: watch::Sender<Availability>,
}

impl Default for Prober {
    fn default() -> Self {
        Self {
            state: watch::Sender::new(Availability::Unknown),
        }
    }
}

impl Prober {
    pub(super) fn now(&self) -> Availability {
        self.state.borrow().clone()
    }

    /// True for the one who has to probe.
    pub(super) fn begin(&self) -> bool {
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

    pub(super) fn failed(&self, failure: &ServerError, retry_at: Instant) {
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
    pub(super) async fn settled(&self) -> Availability {
        let mut state = self.state.subscribe();
        let settled = |state: &Availability| !matches!(state, Availability::Probing { .. });
        match state.wait_for(settled).await {
            Ok(state) => state.clone(),
            // Never: the sender is ours.
            Err(_) => Availability::Unknown,
        }
    }

    pub(super) async fn up(&self) {
        let mut state = self.state.subscribe();
        let _ = state
            .wait_for(|state| matches!(state, Availability::Up))
            .await;
    }
}

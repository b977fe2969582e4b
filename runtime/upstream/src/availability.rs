//! A server's availability as found by the gateway's probes: a circuit breaker per server.
//!
//! Only a probe opens or closes it. Callers' requests never do: a payload that makes one call fail or hang must not cut
//! the server off from others. A probe is made when something hints at trouble (no answer in time at the merged
//! endpoint, no connection, a process that ended at its start), and repeated after growing pauses until one succeeds.

use std::time::SystemTime;

use tokio::sync::watch;
use tokio::time::Instant;

use super::ServerError;

/// What the gateway's probes know about a server.
#[derive(Clone, Debug, Default)]
pub enum Availability {
    /// The server was not probed: nothing has hinted at trouble.
    #[default]
    Unknown,
    /// A probe is running, and none has failed since the last success.
    Probing {
        /// The time at which the probe began.
        since: Instant,
    },
    /// The last probe succeeded.
    Up,
    /// The last probe failed.
    Down {
        /// The time of the first failure in a row.
        since: SystemTime,
        /// The error of the last probe.
        error: ServerError,
        /// The time of the next probe.
        retry_at: Instant,
    },
}

impl Availability {
    /// Whether calls fail without asking the server, since asking would take long. A server that fails at once (no
    /// listener, no such program) is asked by each call, so that it is back as soon as it is started.
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

    /// Begins a probe if none is running. Returns whether the caller must probe.
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

    /// Waits for the end of the running probe, if there is one.
    pub(super) async fn settled(&self) -> Availability {
        let mut state = self.state.subscribe();
        let settled = |state: &Availability| !matches!(state, Availability::Probing { .. });
        match state.wait_for(settled).await {
            Ok(state) => state.clone(),
            // Unreachable: `self` owns the sender.
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

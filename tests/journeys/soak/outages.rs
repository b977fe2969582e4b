//! Which servers are troubled, and since when: what excuses an error.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::soak::servers::Server;

/// Every outage there was.
#[derive(Default)]
pub(crate) struct Outages(Mutex<Vec<Outage>>);

struct Outage {
    /// `None`: the gateway itself.
    server: Option<Server>,
    from: Instant,
    to: Option<Instant>,
}

impl Outages {
    /// From now on errors of this server (`None`: of all) are excused, until [`Self::end`]. `None` where it has an outage
    /// already.
    pub(crate) fn begin(&self, server: Option<Server>) -> Option<usize> {
        let mut outages = self.0.lock();
        if outages
            .iter()
            .any(|outage| outage.to.is_none() && outage.server == server)
        {
            return None;
        }
        outages.push(Outage {
            server,
            from: Instant::now(),
            to: None,
        });
        Some(outages.len() - 1)
    }

    pub(crate) fn end(&self, outage: usize) {
        self.0.lock()[outage].to = Some(Instant::now());
    }

    /// Whether a server, or the gateway, had an outage at some time between `from` and now.
    pub(crate) fn excuse(&self, server: Server, from: Instant) -> bool {
        self.0.lock().iter().any(|outage| {
            outage.server.is_none_or(|troubled| troubled == server)
                && outage.to.is_none_or(|to| to >= from)
        })
    }

    /// How long the longest of a server's lasted, from the trouble to when the server was well again.
    pub(crate) fn longest(&self) -> Duration {
        let outages = self.0.lock();
        let ended = outages.iter().filter(|outage| outage.server.is_some());
        let lengths = ended.filter_map(|outage| Some(outage.to? - outage.from));
        lengths.max().unwrap_or_default()
    }
}

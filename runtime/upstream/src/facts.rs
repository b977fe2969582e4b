//! The facts learnt about a server in all its conversations.

use parking_lot::Mutex;
use sandgate_message::Era;

use super::audience::Audience;
use super::health::HealthState;
use super::lookalikes::Lookalikes;
use super::stdio::backoff::Backoff;

/// The eras that a server is known to speak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Eras {
    /// Whether the server speaks the legacy era; `None` if unknown.
    pub legacy: Option<bool>,
    /// Whether the server speaks the modern era; `None` if unknown.
    pub modern: Option<bool>,
}

impl Eras {
    /// Whether the server speaks this era; `None` if unknown.
    pub fn speaks(self, era: Era) -> Option<bool> {
        match era {
            Era::Legacy => self.legacy,
            Era::Modern => self.modern,
        }
    }
}

/// The facts learnt about a server in all its conversations.
#[derive(Debug, Default)]
pub(super) struct ServerFacts {
    pub(super) audience: Audience,
    pub(super) lookalikes: Lookalikes,
    pub(super) backoff: Mutex<Backoff>,
    pub(super) vitals: HealthState,
    pub(super) eras: Mutex<Eras>,
}

impl ServerFacts {
    /// Notes that the server answered as one of this era.
    pub(super) fn speaks(&self, era: Era) {
        let mut eras = self.eras.lock();
        match era {
            Era::Legacy => eras.legacy = Some(true),
            Era::Modern => eras.modern = Some(true),
        }
    }
}

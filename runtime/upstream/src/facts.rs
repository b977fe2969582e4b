//! What has been learnt of a server, whichever conversation it was learnt in.

use parking_lot::Mutex;
use sandgate_message::Era;

use super::audience::Audience;
use super::health::HealthState;
use super::lookalikes::Lookalikes;
use super::stdio::backoff::Backoff;

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
    pub(super) eras: Mutex<Eras>,
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

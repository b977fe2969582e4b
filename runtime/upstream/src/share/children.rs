//! Children that legacy sessions share: one for all that are alike, from the first session's `initialize` until a while
//! after the last has ended.

use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use sandgate_message::Message;
use tokio::sync::Notify;

use crate::share::ShareKey;
use crate::stdio::child::Child;

/// From the end of the last session to the end of the child: a client that comes back at once finds it.
const GRACE: Duration = Duration::from_secs(5);

/// Of one server.
#[derive(Debug, Default)]
pub(crate) struct SharedChildren(Mutex<Vec<(ShareKey, Weak<SharedChild>)>>);

/// A child that sessions share, and before its start the place where it is started once.
#[derive(Debug, Default)]
pub(crate) struct SharedChild {
    /// Held while it is started and ended, and while a session joins.
    pub(crate) begun: tokio::sync::Mutex<Option<Begun>>,
    /// Held until the program has what a session asks it to go on doing: the last that was asked holds.
    pub(crate) turn: tokio::sync::Mutex<()>,
}

/// A child that agreed to `initialize`.
#[derive(Debug)]
pub(crate) struct Begun {
    pub(crate) child: Arc<Child>,
    pub(crate) reply: Message,
    /// Told of each session that leaves it.
    pub(crate) left: Arc<Notify>,
}

impl SharedChildren {
    /// The one for sessions of this kind.
    pub(crate) fn of(&self, share_key: ShareKey) -> Arc<SharedChild> {
        let mut shared_children = self.0.lock();
        shared_children.retain(|(_, shared)| shared.strong_count() > 0);
        let known = shared_children
            .iter()
            .find(|(known, _)| *known == share_key);
        if let Some(shared) = known.and_then(|(_, shared)| shared.upgrade()) {
            return shared;
        }
        let shared = Arc::default();
        shared_children.push((share_key, Arc::downgrade(&shared)));
        shared
    }
}

impl SharedChild {
    /// Ends a child when no session has used it for a while.
    pub(crate) async fn keep(self: Arc<Self>, child: Arc<Child>, left: Arc<Notify>) {
        loop {
            tokio::select! {
                () = child.ended() => return,
                () = left.notified() => {}
            }
            // Each that leaves within begins the while anew.
            while tokio::time::timeout(GRACE, left.notified()).await.is_ok() {}
            let begun = self.begun.lock().await;
            if child.demux.sessions() == 0 {
                child.close().await;
                drop(begun);
                return;
            }
        }
    }
}

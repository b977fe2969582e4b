//! Children that legacy sessions share: one for all sessions of a kind, from the first `initialize` until shortly after
//! the last session ends.

use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use sandgate_message::Message;
use tokio::sync::Notify;

use crate::share::ShareKey;
use crate::stdio::child::Child;

/// The time between the end of the last session and that of the child, for a client that comes back at once.
const GRACE: Duration = Duration::from_secs(5);

/// The shared children of one server.
#[derive(Debug, Default)]
pub(crate) struct SharedChildren(Mutex<Vec<(ShareKey, Weak<SharedChild>)>>);

/// A child that sessions share, or the place where it will be started once.
#[derive(Debug, Default)]
pub(crate) struct SharedChild {
    /// Held while the child is started or ended, and while a session joins.
    pub(crate) begun: tokio::sync::Mutex<Option<Begun>>,
    /// Held until the program has a request for a lasting effect, so that the latest request wins.
    pub(crate) turn: tokio::sync::Mutex<()>,
}

/// A child that agreed to `initialize`.
#[derive(Debug)]
pub(crate) struct Begun {
    pub(crate) child: Arc<Child>,
    pub(crate) reply: Message,
    /// Notified of each session that leaves the child.
    pub(crate) left: Arc<Notify>,
}

impl SharedChildren {
    /// The shared child for sessions of this kind.
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
    /// Ends a child once no session has used it for [`GRACE`].
    pub(crate) async fn keep(self: Arc<Self>, child: Arc<Child>, left: Arc<Notify>) {
        loop {
            tokio::select! {
                () = child.ended() => return,
                () = left.notified() => {}
            }
            // Each session that leaves restarts the period.
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

//! Children that legacy sessions share: one for all that are alike, from the first session's `initialize` until a while
//! after the last has ended.

use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use sandgate_message::Message;
use tokio::sync::Notify;

use super::child::Child;
use super::share::Likeness;

/// From the end of the last session to the end of the child: a client that comes back at once finds it.
const GRACE: Duration = Duration::from_secs(5);

/// Of one server.
#[derive(Debug, Default)]
pub(super) struct Joints(Mutex<Vec<(Likeness, Weak<Joint>)>>);

/// A child that sessions share, and before its start the place where it is started once.
#[derive(Debug, Default)]
pub(super) struct Joint {
    /// Held while it is started and ended, and while a session joins.
    pub(super) begun: tokio::sync::Mutex<Option<Begun>>,
    /// Held until the program has what a session asks it to go on doing: the last that was asked holds.
    pub(super) turn: tokio::sync::Mutex<()>,
}

/// A child that agreed to `initialize`.
#[derive(Debug)]
pub(super) struct Begun {
    pub(super) child: Arc<Child>,
    pub(super) reply: Message,
    /// Told of each session that leaves it.
    pub(super) left: Arc<Notify>,
}

impl Joints {
    /// The one for sessions of this kind.
    pub(super) fn of(&self, likeness: Likeness) -> Arc<Joint> {
        let mut joints = self.0.lock();
        joints.retain(|(_, joint)| joint.strong_count() > 0);
        let known = joints.iter().find(|(known, _)| *known == likeness);
        if let Some(joint) = known.and_then(|(_, joint)| joint.upgrade()) {
            return joint;
        }
        let joint = Arc::default();
        joints.push((likeness, Arc::downgrade(&joint)));
        joint
    }
}

impl Joint {
    /// Ends a child when no session has used it for a while.
    pub(super) async fn keep(self: Arc<Self>, child: Arc<Child>, left: Arc<Notify>) {
        loop {
            tokio::select! {
                () = child.ended() => return,
                () = left.notified() => {}
            }
            // Each that leaves within begins the while anew.
            while tokio::time::timeout(GRACE, left.notified()).await.is_ok() {}
            let begun = self.begun.lock().await;
            if child.routes.sessions() == 0 {
                child.close().await;
                drop(begun);
                return;
            }
        }
    }
}

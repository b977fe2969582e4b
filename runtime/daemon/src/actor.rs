//! Who does something to the gateway.

use std::sync::Arc;

use serde_json::{Value, json};

/// Who does something to the gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The number of the user at the admin socket, or of the one who asked there for the console's link.
    pub uid: u32,
    /// The console's session, by its public name.
    pub session: Option<Arc<str>>,
}

impl Actor {
    /// The user at the admin socket.
    pub(crate) fn at_socket(uid: u32) -> Self {
        Self { uid, session: None }
    }

    /// Adds who it was to the detail of a record.
    pub(crate) fn sign(&self, mut detail: Value) -> Value {
        detail["uid"] = json!(self.uid);
        if let Some(session) = &self.session {
            detail["console"] = json!(session);
        }
        detail
    }
}

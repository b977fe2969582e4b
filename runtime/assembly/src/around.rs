//! What servers have beside what the file says of them.

use std::sync::Arc;

use sandgate_egress::ConnectionLog;
use sandgate_message::Limits;
use sandgate_secrets::Redactor;

use super::secrets::Fetched;

/// What servers have beside what the file says of them.
pub(super) struct Around {
    pub(super) limits: Limits,
    pub(super) connections: Arc<dyn ConnectionLog>,
    /// Takes the values that the gateway keeps out of what servers say.
    pub(super) redactor: Arc<Redactor>,
    /// These values.
    pub(super) fetched: Fetched,
    /// Whether a package that is not installed is a doubt and no error.
    pub(super) ahead: bool,
}

//! One client, one server, and what is open between them. What passes between the two is in `request`, `from_client`,
//! `from_server` and `relay`.

use std::sync::Arc;

use crate::call::caller::Caller;
use crate::call::pending::PendingRequests;
use crate::claims::NameClaims;
use crate::shared::Shared;
use crate::upstream_conn::UpstreamConn;

/// One client and one server, and what may pass between them. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Proxy {
    pub(crate) shared: Arc<Shared>,
    pub(crate) caller: Caller,
    pub(crate) conn: UpstreamConn,
    /// Where the client can be asked something: a legacy session.
    pub(crate) pending: Option<Arc<PendingRequests>>,
    /// What each server may name, where the client hears several as one.
    pub(crate) claims: Option<Arc<NameClaims>>,
}

//! A legacy session before its server has agreed to it.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::unheard::{Hearing, Unheard};
use crate::call::caller::{Caller, Requester};
use crate::call::pending::PendingRequests;
use crate::call::proxy::Proxy;
use crate::shared::Shared;
use crate::upstream_conn::UpstreamConn;
use sandgate_access::Endpoint;
use sandgate_wire::Permit;

/// A session before its server has agreed to it.
pub(crate) struct NewSession {
    pub(super) id: Box<str>,
    pub(crate) pseudonym: Arc<str>,
    pub(super) endpoint: Endpoint,
    pub(super) requester: Requester,
    pub(crate) pending: Arc<PendingRequests>,
    pub(crate) unheard: Unheard,
    pub(super) hearing: Arc<tokio::sync::Mutex<Hearing>>,
    pub(crate) over: CancellationToken,
    _place: Permit,
}

impl NewSession {
    /// Creates a session. On the merged endpoint the ids of different servers may clash, so the client sees ids of the
    /// gateway's there.
    pub(crate) fn new(
        id: Box<str>,
        pseudonym: Arc<str>,
        endpoint: Endpoint,
        requester: Requester,
        max_in_flight: usize,
        place: Permit,
    ) -> Self {
        let (unheard, hearing) = Unheard::new();
        let pending = PendingRequests::new(max_in_flight, endpoint == Endpoint::Merged);
        let hearing = Arc::new(tokio::sync::Mutex::new(hearing));
        Self {
            id,
            pseudonym,
            endpoint,
            requester,
            pending,
            unheard,
            hearing,
            over: CancellationToken::new(),
            _place: place,
        }
    }

    pub(crate) fn proxy(&self, shared: &Arc<Shared>, caller: Caller, conn: UpstreamConn) -> Proxy {
        Proxy {
            shared: shared.clone(),
            caller,
            conn,
            pending: Some(self.pending.clone()),
            claims: None,
        }
    }
}

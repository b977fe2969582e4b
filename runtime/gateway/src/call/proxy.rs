//! [`Proxy`]: one client, one server, and the state between them. Its methods are in `request`, `from_client`,
//! `from_server` and `relay`.

use std::sync::Arc;

use sandgate_message::{Call, Message};
use sandgate_observe::{Arrival, RefusedBy};

use crate::call::caller::Caller;
use crate::call::pending::PendingRequests;
use crate::claims::NameClaims;
use crate::shared::Shared;
use crate::upstream_conn::UpstreamConn;

/// One client, one server, and the state between them. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Proxy {
    pub(crate) shared: Arc<Shared>,
    pub(crate) caller: Caller,
    pub(crate) conn: UpstreamConn,
    /// The requests in flight of a legacy session, whose client can be sent requests; `None` in the modern era.
    pub(crate) pending: Option<Arc<PendingRequests>>,
    /// Which server may name what, where the client hears several servers merged.
    pub(crate) claims: Option<Arc<NameClaims>>,
}

impl Proxy {
    /// Records a call that was refused before any interceptor looked, with the rule where it has a name of its own, and
    /// the chain's version. Returns the reply for its asker.
    pub(crate) fn record_refused(
        &self,
        rule: (Option<&RefusedBy>, u64),
        call: Arc<Call>,
        message: &Message,
        reply: Option<Message>,
        arrival: Arrival,
    ) -> Option<Message> {
        let (recorder, size) = (&self.shared.recorder, message.bytes().len());
        recorder.refused_by(rule, call, reply, size, arrival)
    }
}

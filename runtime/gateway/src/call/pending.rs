//! The requests in flight between one client and its servers, in both directions.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use parking_lot::Mutex;
use sandgate_message::Id;

use crate::call::in_flight::InFlight;
use crate::upstream_conn::UpstreamConn;

/// The most server requests that wait for one client at once; any further one gets an error.
const MAX_ASKED: usize = 64;
/// The most parked calls per client: calls whose stream the server closed before the reply, which the client may
/// resume. Parking one more drops the oldest.
const MAX_PARKED: usize = 64;

/// The requests in flight of one client. The one lock is never held across an await.
pub(crate) struct PendingRequests {
    open: Mutex<Open>,
    max_in_flight: usize,
    /// Whether the client sees the gateway's ids in place of the servers', since several servers may use the same id.
    restamps: bool,
}

#[derive(Default)]
struct Open {
    in_flight: HashSet<Id>,
    asked: HashMap<Id, ServerRequest>,
    parked: Vec<(Id, InFlight)>,
    stamped: u64,
    closed: bool,
}

/// A server's request that waits for the client's reply.
pub(crate) struct ServerRequest {
    pub(crate) in_flight: InFlight,
    pub(crate) conn: UpstreamConn,
    /// The request's id as the server wrote it.
    pub(crate) id: Id,
    /// The progress token of the request, as JSON text.
    progress: Option<String>,
}

/// Why a client's request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PendingError {
    #[error("a request with this id is already under way: use another id")]
    IdInUse,
    #[error("too many requests under way: try again when one has ended")]
    TooMany,
}

/// A client's request in flight; dropping it frees the id.
pub(crate) struct OpenRequest {
    pending: Arc<PendingRequests>,
    id: Id,
}

impl PendingRequests {
    pub(crate) fn new(max_in_flight: usize, restamps: bool) -> Arc<Self> {
        Arc::new(Self {
            open: Mutex::default(),
            max_in_flight,
            restamps,
        })
    }

    /// Registers a client's request as in flight.
    ///
    /// # Errors
    ///
    /// A request with this id is in flight, or `max_in_flight` requests are.
    pub(crate) fn begin(self: &Arc<Self>, id: &Id) -> Result<OpenRequest, PendingError> {
        let mut open = self.open.lock();
        if open.in_flight.len() >= self.max_in_flight {
            return Err(PendingError::TooMany);
        }
        if !open.in_flight.insert(id.clone()) {
            return Err(PendingError::IdInUse);
        }
        Ok(OpenRequest {
            pending: self.clone(),
            id: id.clone(),
        })
    }

    /// Whether no client request is in flight.
    pub(crate) fn is_idle(&self) -> bool {
        self.open.lock().in_flight.is_empty()
    }

    /// Registers a server's request to the client. Returns the id that the client sees.
    ///
    /// # Errors
    ///
    /// Hands the call back where [`MAX_ASKED`] requests wait, a request with this id waits already, or the session is
    /// closed.
    pub(crate) fn ask(
        &self,
        conn: &UpstreamConn,
        id: &Id,
        in_flight: InFlight,
    ) -> Result<Id, Box<InFlight>> {
        let progress = in_flight.message().payload().at("/_meta/progressToken");
        let mut open = self.open.lock();
        if open.closed || open.asked.len() >= MAX_ASKED {
            return Err(Box::new(in_flight));
        }
        let seen = if self.restamps {
            open.stamped += 1;
            Id::number(open.stamped)
        } else {
            id.clone()
        };
        if open.asked.contains_key(&seen) {
            return Err(Box::new(in_flight));
        }
        let progress = progress.map(|token| token.as_str().to_owned());
        open.asked.insert(
            seen.clone(),
            ServerRequest {
                in_flight,
                conn: conn.clone(),
                id: id.clone(),
                progress,
            },
        );
        Ok(seen)
    }

    /// Takes the server request that the client's reply with this id answers.
    pub(crate) fn answered(&self, id: &Id) -> Option<ServerRequest> {
        self.open.lock().asked.remove(id)
    }

    /// Removes a request that its server cancels. Returns the id that the client knows.
    pub(crate) fn withdrawn(&self, conn: &UpstreamConn, id: &Id) -> Option<Id> {
        let mut open = self.open.lock();
        let seen = open
            .asked
            .iter()
            .find(|(_, server_request)| server_request.id == *id && server_request.conn.is(conn))?
            .0
            .clone();
        let server_request = open.asked.remove(&seen);
        drop(open);
        drop(server_request);
        Some(seen)
    }

    /// The connection to the server on whose request the client reports progress; `None` unless exactly one request has
    /// this token.
    pub(crate) fn asker(&self, token: &str) -> Option<UpstreamConn> {
        let open = self.open.lock();
        let mut askers = open
            .asked
            .values()
            .filter(|server_request| server_request.progress.as_deref() == Some(token));
        match (askers.next(), askers.next()) {
            (Some(server_request), None) => Some(server_request.conn.clone()),
            _ => None,
        }
    }

    /// Parks a call whose reply is expected on a stream that the client has yet to resume.
    pub(crate) fn park(&self, id: Id, in_flight: InFlight) {
        let mut open = self.open.lock();
        let oldest = (open.parked.len() >= MAX_PARKED).then(|| open.parked.remove(0));
        let refused = if open.closed {
            Some(in_flight)
        } else {
            open.parked.push((id, in_flight));
            None
        };
        drop(open);
        // Dropping a call writes its record, which must not happen under the lock.
        drop((oldest, refused));
    }

    /// Takes a parked call whose reply arrived. A call with the same id to another server stays parked.
    pub(crate) fn unpark(&self, server: &str, id: &Id) -> Option<InFlight> {
        let mut open = self.open.lock();
        let at = open
            .parked
            .iter()
            .position(|(parked, in_flight)| parked == id && *in_flight.call().server == *server)?;
        Some(open.parked.remove(at).1)
    }

    /// Cancels every server request and parked call, and refuses new ones: the session is over.
    pub(crate) fn close(&self) {
        let mut open = self.open.lock();
        open.closed = true;
        let rest = (
            std::mem::take(&mut open.asked),
            std::mem::take(&mut open.parked),
        );
        drop(open);
        drop(rest);
    }
}

impl Drop for OpenRequest {
    fn drop(&mut self) {
        self.pending.open.lock().in_flight.remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_id_is_in_use_until_its_request_is_over() {
        let pending = PendingRequests::new(2, false);
        let first = pending.begin(&Id::number(1)).unwrap();
        assert_eq!(
            pending.begin(&Id::number(1)).err(),
            Some(PendingError::IdInUse)
        );
        drop(first);
        assert!(pending.begin(&Id::number(1)).is_ok());
        assert!(pending.is_idle());
    }

    #[test]
    fn requests_under_way_are_bounded() {
        let pending = PendingRequests::new(1, false);
        let _held = pending.begin(&Id::number(1)).unwrap();
        assert_eq!(
            pending.begin(&Id::number(2)).err(),
            Some(PendingError::TooMany)
        );
    }

    #[test]
    fn an_answer_to_no_question_finds_nothing() {
        assert!(
            PendingRequests::new(1, false)
                .answered(&Id::number(1))
                .is_none()
        );
    }
}

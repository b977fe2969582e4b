//! What is open between one client and its servers: requests under way in either direction.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use parking_lot::Mutex;
use sandgate_message::Id;

use crate::call::in_flight::InFlight;
use crate::upstream_conn::UpstreamConn;

/// ServerRequests of servers that wait for the client at once; more are answered by an error.
const MAX_ASKED: usize = 64;
/// Calls whose stream the server closed before the reply, to be resumed by the client; the oldest gives way.
const MAX_PARKED: usize = 64;

/// The open requests of one client. One lock, never held while anything is awaited.
pub(crate) struct PendingRequests {
    open: Mutex<Open>,
    max_in_flight: usize,
    /// Several servers may use the same id: the client sees one of ours instead.
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
    /// As the server spelt it.
    pub(crate) id: Id,
    /// The token by which the client would report progress on it, as JSON text.
    progress: Option<String>,
}

/// Why a request is not taken on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PendingError {
    #[error("a request with this id is already under way: use another id")]
    IdInUse,
    #[error("too many requests under way: try again when one has ended")]
    TooMany,
}

/// A client's request under way; over when dropped.
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

    /// A client's request begins.
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

    /// Nothing is under way.
    pub(crate) fn is_idle(&self) -> bool {
        self.open.lock().in_flight.is_empty()
    }

    /// A server's request goes to the client; the id is the one that the client sees. Hands the call back where there is
    /// no place for it, or one of that id waits already.
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

    /// The client answers: whose server_request was it?
    pub(crate) fn answered(&self, id: &Id) -> Option<ServerRequest> {
        self.open.lock().asked.remove(id)
    }

    /// The server takes a server_request back; the id is the one that the client knows.
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

    /// Whose server_request the client reports progress on; none where that is not certain.
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

    /// The reply to this call is expected on a stream that the client has yet to resume.
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
        // Dropping a call writes its record: not under the lock.
        drop((oldest, refused));
    }

    /// This server's reply to a parked call has come. Another server's call of the same id stays.
    pub(crate) fn unpark(&self, server: &str, id: &Id) -> Option<InFlight> {
        let mut open = self.open.lock();
        let at = open
            .parked
            .iter()
            .position(|(parked, in_flight)| parked == id && *in_flight.call().server == *server)?;
        Some(open.parked.remove(at).1)
    }

    /// The conversation is over: everything open is cancelled, and nothing new is taken on.
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

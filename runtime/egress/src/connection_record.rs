//! A connection that the log is told of when it ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use parking_lot::Mutex;

use crate::connection::{Connection, ConnectionLog};
use crate::pace::Pace;
use crate::reason::Reason;
use crate::relay::Moved;
use crate::verdict::Verdict;

/// A connection that the log is told of when it ends, however that comes about.
pub(crate) struct ConnectionRecord<'a> {
    log: &'a dyn ConnectionLog,
    /// Sets the pace of records of refused connections.
    refused: &'a Mutex<Pace>,
    pub(crate) connection: Connection,
    began: Instant,
    pub(crate) moved: Arc<Moved>,
}

impl<'a> ConnectionRecord<'a> {
    pub(crate) fn begin(
        server: &Arc<str>,
        log: &'a dyn ConnectionLog,
        refused: &'a Mutex<Pace>,
    ) -> Self {
        Self {
            log,
            refused,
            connection: Connection {
                id: id(),
                server: server.clone(),
                began: SystemTime::now(),
                host: None,
                port: None,
                address: None,
                sni: None,
                verdict: Verdict::Failed,
                reason: None,
                up: 0,
                down: 0,
                took: Duration::ZERO,
                left_out: false,
                others: 0,
            },
            began: Instant::now(),
            moved: Arc::new(Moved::new()),
        }
    }

    pub(crate) fn opened(&mut self, verdict: Verdict) -> Result<(), Reason> {
        self.connection.took = self.began.elapsed();
        let connection = Connection {
            verdict,
            ..self.connection.clone()
        };
        self.log.opened(&connection).map_err(|error| {
            tracing::warn!(server = %self.connection.server, "a connection is refused: {error}");
            Reason::Unlogged
        })?;
        self.connection.verdict = verdict;
        Ok(())
    }

    pub(crate) fn refused(mut self, reason: Reason) {
        self.connection.verdict = reason.verdict();
        self.connection.reason = Some(reason);
        // Dropped here, so that the record is written before the program knows.
    }
}

impl Drop for ConnectionRecord<'_> {
    fn drop(&mut self) {
        let connection = &mut self.connection;
        let let_through = matches!(connection.verdict, Verdict::Allowed | Verdict::Audited);
        if !let_through {
            connection.reason.get_or_insert(Reason::ClientLeft);
            match self.refused.lock().next(Instant::now()) {
                Some(others) => connection.others = others,
                None => connection.left_out = true,
            }
        }
        connection.took = self.began.elapsed();
        connection.up = self.moved.up.load(Ordering::Relaxed);
        connection.down = self.moved.down.load(Ordering::Relaxed);
        self.log.ended(connection);
    }
}

/// An id that no other connection of this machine's gateways has.
fn id() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let micros = now.unwrap_or_default().as_micros();
    format!("{micros:x}-{:x}", NEXT.fetch_add(1, Ordering::Relaxed))
}

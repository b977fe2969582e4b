//! Where connections of contained servers are told: the call log, the metrics, the gateway's own log.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use sandgate_egress::{Connection, ConnectionLog, Verdict};
use sandgate_telemetry::call_log::CallLogWriter;
use sandgate_telemetry::metrics::Metrics;

/// Tells connections. Servers know it before there is a call log.
#[derive(Default)]
pub(crate) struct Connections {
    told: OnceLock<(Arc<CallLogWriter>, Option<Arc<Metrics>>)>,
    /// Whether a connection whose record cannot be written may go on all the same.
    goes_on: AtomicBool,
}

impl Connections {
    /// Tells these from now on. Only the first call counts.
    pub(crate) fn tell(&self, call_log: Arc<CallLogWriter>, metrics: Option<Arc<Metrics>>) {
        let _ = self.told.set((call_log, metrics));
    }

    /// Whether connections go on whose records cannot be written.
    pub(crate) fn go_on_unwritten(&self, goes_on: bool) {
        self.goes_on.store(goes_on, Ordering::Relaxed);
    }
}

impl ConnectionLog for Connections {
    fn opened(&self, connection: &Connection) -> Result<(), String> {
        if connection.verdict == Verdict::Audited {
            tracing::info!(
                server = %connection.server,
                "a connection to {} is let through by the audit alone: the list would refuse it",
                connection.target()
            );
        }
        let written = match self.told.get() {
            Some((call_log, _)) => call_log
                .connection_opened(connection)
                .map_err(|error| error.to_string()),
            None => Err("the gateway does not serve yet".into()),
        };
        match self.goes_on.load(Ordering::Relaxed) {
            true => Ok(()),
            false => written,
        }
    }

    fn ended(&self, connection: &Connection) {
        if let (Some(reason), false) = (connection.reason, connection.left_out) {
            let target = connection.target();
            let meaning = reason.meaning();
            let (server, others) = (&connection.server, connection.others);
            match connection.verdict {
                Verdict::Failed => {
                    tracing::info!(%server, others, "a connection to {target} failed: {meaning}");
                }
                _ => {
                    tracing::warn!(%server, others, "a connection to {target} is refused: {meaning}");
                }
            }
        }
        if let Some((call_log, metrics)) = self.told.get() {
            // What was let through was recorded before; that this cannot be written the call log tells itself.
            let _ = call_log.connection_ended(connection);
            if let Some(metrics) = metrics {
                metrics.connection(connection);
            }
        }
    }
}

//! Lines of the call log about connections that contained servers make.

use sandgate_egress::Connection;
use sandgate_gateway::CallLogError;
use sandgate_message::cut;
use sandgate_text::escape;
use serde::Serialize;

use super::{CallLogWriter, micros};

/// The longest name that TLS is said to have named, in bytes. Hosts have bounds of their own.
const MAX_NAME: usize = 256;

/// A line about a connection. Its keys are in the order in which people read them.
#[derive(Serialize)]
struct Line<'a> {
    record: &'static str,
    time: String,
    id: &'a str,
    server: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sni: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    up_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    down_bytes: Option<u64>,
    us: u64,
    /// The number of refused connections before this one that have no line.
    #[serde(skip_serializing_if = "Option::is_none")]
    left_out: Option<u64>,
}

impl CallLogWriter {
    /// Records that a connection was let through, before anything of it goes on.
    ///
    /// # Errors
    ///
    /// The record cannot be written.
    pub fn connection_opened(&self, connection: &Connection) -> Result<(), CallLogError> {
        self.connection(connection, false)
    }

    /// Records and counts a connection that has ended, let through or not.
    ///
    /// # Errors
    ///
    /// The record cannot be written.
    pub fn connection_ended(&self, connection: &Connection) -> Result<(), CallLogError> {
        if let Some(recent) = self.recent() {
            recent.connections().count(connection);
        }
        let written = match connection.left_out {
            true => Ok(()),
            false => self.connection(connection, true),
        };
        self.watched(|watcher| watcher.connection(connection));
        written
    }

    fn connection(&self, connection: &Connection, ended: bool) -> Result<(), CallLogError> {
        let time = connection.began + connection.took;
        let line = Line {
            record: match ended {
                true => "egress-ended",
                false => "egress-opened",
            },
            time: humantime::format_rfc3339_micros(time).to_string(),
            id: &connection.id,
            server: &connection.server,
            host: connection.host.as_deref(),
            port: connection.port,
            address: connection.address.map(|address| address.to_string()),
            verdict: connection.verdict.as_str(),
            reason: connection.reason.map(|reason| reason.as_str()),
            sni: connection
                .sni
                .as_deref()
                .map(|name| cut(name, MAX_NAME).into_owned()),
            up_bytes: ended.then_some(connection.up),
            down_bytes: ended.then_some(connection.down),
            us: micros(connection.took),
            left_out: Some(connection.others).filter(|others| *others > 0),
        };
        let text = serde_json::to_string(&line).map_err(|error| CallLogError(error.to_string()))?;
        let text = escape::json(&text).into_owned() + "\n";
        if let Some(recent) = self.recent() {
            recent.connections().keep(connection, ended, &text);
        }
        self.put(&text)
    }
}

//! What is known of one connection, and who is told.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::reason::Reason;
use crate::verdict::Verdict;

/// One connection of a server's program.
#[derive(Clone, Debug)]
pub struct Connection {
    /// An id of its own.
    pub id: String,
    /// The server.
    pub server: Arc<str>,
    /// When the program connected.
    pub began: SystemTime,
    /// The host that it asked for, in one spelling; `None`: it asked for none.
    pub host: Option<String>,
    /// The port that it asked for.
    pub port: Option<u16>,
    /// The address that was connected to, or refused.
    pub address: Option<IpAddr>,
    /// The host that its TLS names, where that is another.
    pub sni: Option<String>,
    /// What became of it.
    pub verdict: Verdict,
    /// Why it was not let through.
    pub reason: Option<Reason>,
    /// Bytes from the program to the host, the hello of TLS included.
    pub up: u64,
    /// Bytes from the host to the program.
    pub down: u64,
    /// The time from its beginning, so far or in all.
    pub took: Duration,
    /// Whether it is one of so many refused ones that it has no record of its own.
    pub left_out: bool,
    /// The number of connections before this one that have no record of their own.
    pub others: u64,
}

impl Connection {
    /// What it asked for, as `host:port`.
    pub fn target(&self) -> String {
        match (&self.host, self.port) {
            (Some(host), Some(port)) => format!("{host}:{port}"),
            _ => "no host".into(),
        }
    }
}

/// Keeps no records: for servers that are started without a gateway around them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unrecorded;

impl ConnectionLog for Unrecorded {
    fn opened(&self, _: &Connection) -> Result<(), String> {
        Ok(())
    }

    fn ended(&self, _: &Connection) {}
}

/// Is told of connections. The methods run on the connections' own tasks.
pub trait ConnectionLog: Send + Sync {
    /// A connection was let through, and nothing of it has gone on yet.
    ///
    /// # Errors
    ///
    /// It cannot be recorded, and must not go on without that.
    fn opened(&self, connection: &Connection) -> Result<(), String>;

    /// A connection has ended, let through or not.
    fn ended(&self, connection: &Connection);
}

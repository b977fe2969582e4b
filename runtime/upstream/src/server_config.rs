//! How a server is reached, and how much it is trusted with.

use std::sync::Arc;
use std::time::Duration;

use sandgate_message::Limits;

use super::share::Share;
use super::transport::Transport;
use crate::tls::Authorities;

/// How to reach a server, and how much it is trusted with.
#[derive(Clone, Debug, PartialEq)]
pub struct ServerConfig {
    /// Its name in the configuration.
    pub name: Arc<str>,
    /// The way there.
    pub transport: Transport,
    /// For a TCP connection.
    pub connect_timeout: Duration,
    /// For a server that has not answered anything yet to answer a probe: a program may have to be fetched first.
    pub start_timeout: Duration,
    /// The longest that answers of the merged endpoint wait for this server's part.
    pub list_timeout: Duration,
    /// The longest silence while a request is under way; whatever arrives for it starts it anew.
    pub request_timeout: Duration,
    /// Of one message.
    pub limits: Limits,
    /// Requests under way at a time, subscriptions aside; a further one waits for as long as a connection may take.
    pub max_concurrent: usize,
    /// Child processes at a time: one for each legacy session, or for those that share one, and one that modern clients
    /// share.
    pub max_children: usize,
    /// Of a program: which legacy sessions use one child.
    pub share: Share,
    /// Of an HTTP server: a client's own `Authorization` goes on to it, and its wish for one comes back.
    pub forward_authorization: bool,
    /// Of an HTTP server: a client's `tracestate` and `baggage` go on to it.
    pub forward_trace_state: bool,
    /// Of an HTTP server: who may vouch for it, instead of those whom the system trusts.
    pub authorities: Option<Authorities>,
    /// Of an HTTP server: how long an unused connection is kept for the next request.
    pub keep_alive: Duration,
}

impl ServerConfig {
    /// With every default: 10 s for a connection, 60 s for a start, 2 s for its part of a merged list, 5 minutes of silence, 1,024 requests at a time, 256 children; unused
    /// connections are dropped before common servers drop them (Node and uvicorn after 5 s), since a request written to
    /// a connection that the server is closing fails, and it may not be repeated.
    pub fn new(name: impl Into<Arc<str>>, transport: Transport) -> Self {
        Self {
            name: name.into(),
            transport,
            connect_timeout: Duration::from_secs(10),
            start_timeout: Duration::from_secs(60),
            list_timeout: Duration::from_secs(2),
            request_timeout: Duration::from_secs(5 * 60),
            limits: Limits::default(),
            max_concurrent: 1024,
            max_children: 256,
            share: Share::None,
            forward_authorization: false,
            forward_trace_state: false,
            authorities: None,
            keep_alive: Duration::from_secs(4),
        }
    }
}

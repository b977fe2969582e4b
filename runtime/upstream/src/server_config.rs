//! The settings of a server.

use std::sync::Arc;
use std::time::Duration;

use sandgate_contain::Plan;
use sandgate_egress::Proxy;
use sandgate_message::Limits;
use sandgate_secrets::Redactor;

use super::share::Share;
use super::transport::Transport;
use sandgate_issuer::Exchange;
use sandgate_wire::Authorities;

/// The settings of a server: how it is reached, and how far it is trusted.
#[derive(Clone, Debug, PartialEq)]
pub struct ServerConfig {
    /// The server's name in the configuration.
    pub name: Arc<str>,
    /// The transport to the server.
    pub transport: Transport,
    /// For a stdio server whose program is one of a package: the package, as operators know it.
    pub package: Option<String>,
    /// For a stdio server: what its program may reach and use; `None`: it runs as the gateway's user, unconfined.
    pub contain: Option<Arc<Plan>>,
    /// For a contained stdio server whose network is a proxy: the proxy.
    pub egress: Option<Arc<Proxy>>,
    /// Takes the values that the gateway keeps out of everything that the server says.
    pub redactor: Arc<Redactor>,
    /// The time limit for making a connection.
    pub connect_timeout: Duration,
    /// The time limit for the first answer to a probe, within which a program may have to be fetched first.
    pub start_timeout: Duration,
    /// The longest time that answers of the merged endpoint wait for this server's part.
    pub list_timeout: Duration,
    /// The longest silence while a request is in flight; every message for it restarts the time.
    pub request_timeout: Duration,
    /// The largest size and depth of a message.
    pub limits: Limits,
    /// The most requests in flight, without subscriptions. A further one waits up to `connect_timeout`.
    pub max_concurrent: usize,
    /// The most child processes: one for each legacy session or group of sessions that share one, and one that modern
    /// clients share.
    pub max_children: usize,
    /// For a stdio server: which legacy sessions share a child.
    pub share: Share,
    /// For an HTTP server: whether a client's `Authorization` is forwarded, and the server's challenge returned.
    pub forward_authorization: bool,
    /// For an HTTP server: how a client's token is exchanged for one of the server's. The client's own never goes on.
    pub exchange: Option<Arc<Exchange>>,
    /// For an HTTP server: whether a client's `tracestate` and `baggage` are forwarded.
    pub forward_trace_state: bool,
    /// For an HTTP server: the trusted certificate authorities; `None` trusts those of the system.
    pub authorities: Option<Authorities>,
    /// For an HTTP server: how long an unused connection is kept for the next request.
    pub keep_alive: Duration,
}

impl ServerConfig {
    /// Creates settings with the defaults: 10 s for a connection, 60 s for a start, 2 s for the server's part of a
    /// merged list, 5 minutes of silence, 1,024 requests in flight, 256 children. Unused connections are closed after 4
    /// s, before common servers close them (Node and uvicorn after 5 s): a request written to a connection that the
    /// server is closing fails, and must not be repeated.
    pub fn new(name: impl Into<Arc<str>>, transport: Transport) -> Self {
        Self {
            name: name.into(),
            transport,
            package: None,
            contain: None,
            egress: None,
            redactor: Arc::default(),
            connect_timeout: Duration::from_secs(10),
            start_timeout: Duration::from_secs(60),
            list_timeout: Duration::from_secs(2),
            request_timeout: Duration::from_secs(5 * 60),
            limits: Limits::default(),
            max_concurrent: 1024,
            max_children: 256,
            share: Share::None,
            forward_authorization: false,
            exchange: None,
            forward_trace_state: false,
            authorities: None,
            keep_alive: Duration::from_secs(4),
        }
    }
}

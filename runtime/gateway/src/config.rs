//! The settings of the client side. The program's configuration is composed of these and the settings of other crates.

use std::sync::Arc;
use std::time::Duration;

use sandgate_access::Access;
use sandgate_admission::TrustedProxies;
use sandgate_message::{Era, Limits};
use sandgate_secrets::Redactor;

use sandgate_observe::OnUnwritten;

/// The client-side settings of a gateway. [`GatewayConfig::default`] lists the defaults.
#[derive(Clone, Debug)]
pub struct GatewayConfig {
    /// The allowed hosts and origins.
    pub access: Access,
    /// The gateway's own URL as clients know it, without a path, for example `https://mcp.example.com`. `None` uses
    /// each request's `Host`.
    pub public_url: Option<String>,
    /// The largest size and depth of a message, in both directions.
    pub limits: Limits,
    /// The era of the merged endpoint. `None` decides per edition at its first modern request: legacy if a server is
    /// known to be legacy.
    pub merged_era: Option<Era>,
    /// The proxies in front of the gateway whose `Forwarded` header is trusted.
    pub trusted_proxies: TrustedProxies,
    /// The most connections open at once, of which one client or address gets at most half. A further one replaces an
    /// idle connection, or is answered on `/healthz` and `/readyz` only.
    pub max_connections: usize,
    /// The most HTTP requests in flight, without listening ones, of which one client gets at most half. A further one
    /// gets 503.
    pub max_requests: usize,
    /// The most bytes of messages held at once, including what they take beside their text, of which one client gets at
    /// most half. A message beyond that gets 503 or is dropped.
    pub max_memory: usize,
    /// The most concurrent requests on one HTTP/2 connection.
    pub max_streams: u32,
    /// The most listening streams at once, GET streams of sessions and subscriptions, of which one client gets at most
    /// half.
    pub max_listeners: usize,
    /// The time after which a connection without a request in flight is closed.
    pub connection_idle: Duration,
    /// The longest time for a client to send a request's headers.
    pub header_timeout: Duration,
    /// The longest time for a client to send a request's body, and to leave what it is sent unread.
    pub body_timeout: Duration,
    /// The most legacy sessions open at once, of which one client gets at most half. A further `initialize` gets 503.
    pub max_sessions: usize,
    /// The time after which an unused session is closed.
    pub session_idle: Duration,
    /// The time after which a session is closed whose client has stopped listening and sends nothing. The SDKs' clients
    /// listen for as long as they run, and reconnect within seconds when a stream ends.
    pub session_gone: Duration,
    /// The most requests in flight per session, or per client on stdio.
    pub max_in_flight: usize,
    /// How long calls in flight may go on after the gateway was told to stop.
    pub drain: Duration,
    /// The policy for calls whose record cannot be written.
    pub on_unwritten: OnUnwritten,
    /// The number of processors that serve calls. A few calls per processor are with the interceptors at a time; others
    /// wait, and get 503 if they wait too long.
    pub processors: usize,
    /// The key of the pseudonyms under which sessions are logged. `None` uses a random key per process, so that a
    /// client cannot be followed across restarts.
    pub pseudonym_key: Option<[u8; 32]>,
    /// The values that the gateway keeps, which no message of a client may hold.
    pub redactor: Arc<Redactor>,
}

impl Default for GatewayConfig {
    /// Generous for people at work, small enough to bound a flood: 4 MiB messages, 1024 connections of 128 streams,
    /// closed after an idle minute, 4096 requests and 1 GiB of messages at once, 4096 listening streams, 10 s for
    /// headers, 30 s for a body, 1024 sessions, closed after 30 idle minutes, or 5 once the client has stopped
    /// listening, 64 requests in flight in each, 10 s to drain (the grace period that process supervisors commonly
    /// give), refusal of calls that cannot be recorded, all processors.
    fn default() -> Self {
        Self {
            access: Access::default(),
            public_url: None,
            limits: Limits::default(),
            merged_era: None,
            trusted_proxies: TrustedProxies::default(),
            max_connections: 1024,
            max_requests: 4096,
            max_memory: 1 << 30,
            max_streams: 128,
            max_listeners: 4096,
            connection_idle: Duration::from_secs(60),
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(30),
            max_sessions: 1024,
            session_idle: Duration::from_secs(30 * 60),
            session_gone: Duration::from_secs(5 * 60),
            max_in_flight: 64,
            drain: Duration::from_secs(10),
            on_unwritten: OnUnwritten::Refuse,
            processors: std::thread::available_parallelism().map_or(1, usize::from),
            pseudonym_key: None,
            redactor: Arc::default(),
        }
    }
}

//! How a gateway behaves towards its clients. The program's configuration is composed of this and the other floors' own.

use std::time::Duration;

use sandgate_message::{Era, Limits};

use crate::admission::address::TrustedProxies;
use crate::auth::origin::Access;

/// Everything about the client's side that an operator may set. Every default stands in [`GatewayConfig::default`].
#[derive(Clone, Debug)]
pub struct GatewayConfig {
    /// Who is let in.
    pub access: Access,
    /// The gateway's own address as clients know it, without a path, for example `https://mcp.example.com`; none: what
    /// each request says in `Host`.
    pub public_url: Option<String>,
    /// Size and depth of one message, in both directions.
    pub limits: Limits,
    /// The era of the merged endpoint; none: legacy where one of the servers is known to be legacy at the first modern
    /// request of an edition.
    pub merged_era: Option<Era>,
    /// Proxies in front of the gateway whose `Forwarded` says who calls.
    pub trusted_proxies: TrustedProxies,
    /// Connections open at once; one client, or one address, has half at the most. A further one takes the place of an
    /// idle one, or is answered on `/healthz` and `/readyz` alone.
    pub max_connections: usize,
    /// HTTP requests under way at once, those that listen aside; one client has half at the most. A further one is
    /// answered 503.
    pub max_requests: usize,
    /// Bytes of messages that the gateway holds at once, with what they take beside their text; one client causes half at
    /// the most. What would go beyond is answered 503 or dropped.
    pub max_memory: usize,
    /// Concurrent requests on one HTTP/2 connection.
    pub max_streams: u32,
    /// Streams on which clients listen at once: GET streams of sessions and subscriptions; one client has half at the
    /// most.
    pub max_listeners: usize,
    /// An HTTP/2 connection without a request under way is closed after so long.
    pub connection_idle: Duration,
    /// How long a client may take to send a request's headers.
    pub header_timeout: Duration,
    /// How long a client may take to send a request's body, and how long it may leave unread what it is sent.
    pub body_timeout: Duration,
    /// Legacy sessions open at once; one client has half at the most. An `initialize` beyond it is answered 503.
    pub max_sessions: usize,
    /// A session nobody used for so long is closed.
    pub session_idle: Duration,
    /// A session whose client listened, does so no more and asks nothing is closed after so long. The SDKs' clients listen
    /// for as long as they run, and come back within seconds where a stream ends.
    pub session_gone: Duration,
    /// Requests of one session (or of a client on stdio) under way at once.
    pub max_in_flight: usize,
    /// How long calls in flight may go on after the gateway was told to stop.
    pub drain: Duration,
    /// What happens to a call whose record cannot be written.
    pub on_unwritten: OnUnwritten,
    /// Processors that serve calls: a few calls for each are with the interceptors at a time, others wait, and are answered
    /// 503 where they wait too long.
    pub processors: usize,
    /// Key of the pseudonyms under which sessions are logged; none: a random one for each process, so that nobody can
    /// follow a client across restarts.
    pub pseudonym_key: Option<[u8; 32]>,
}

impl Default for GatewayConfig {
    /// Generous for people at work, small enough that a flood is bounded: 4 MiB messages, 1024 connections of 128
    /// streams, closed after an idle minute, 4096 requests and 1 GiB of messages at once, 4096 streams to listen on, 10 s
    /// for headers, 30 s for a body, 1024 sessions, closed after 30 idle minutes, or 5 where the client stopped listening,
    /// 64 requests in flight in each, 10 s to drain (the grace that process supervisors commonly give), refusal of what
    /// cannot be logged, all processors.
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
        }
    }
}

/// What happens to a call whose record cannot be written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnUnwritten {
    /// It is not forwarded, or its reply is withheld.
    #[default]
    Refuse,
    /// It goes on; the loss is logged.
    Continue,
}

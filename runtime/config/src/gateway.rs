//! `[gateway]`: where the gateway listens, whom it lets in, and its limits.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use ipnet::IpNet;
use sandgate_pipeline::RefusalStyle;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::amount::{Period, Size};
use super::condition::ConditionName;
use super::scalar::{Mistake, Scalar, scalar};

/// The gateway itself.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Gateway {
    /// Address and port to listen on. Port 0 takes a free one. Anything but a loopback address lets other machines in:
    /// list the names they use in `allowed-hosts`.
    pub listen: Listen,
    /// Names that a request's `Host` may have, beside the loopback names and the address listened on. Without a port
    /// any port is meant. Every other is answered 403, against DNS rebinding.
    pub allowed_hosts: Vec<HostName>,
    /// Let anybody call from other machines too, where there are no `[clients]`. Only where something in front asks who
    /// calls: without it, another address than loopback is refused.
    pub allow_unauthenticated: bool,
    /// The certificate with which to serve by TLS. Both files are watched; a new one that is not good, or expired,
    /// changes nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
    /// The gateway's address as its clients know it, without a path, where something stands in front of it. Left out:
    /// what each request says in `Host`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_url: Option<PublicUrl>,
    /// Web origins that may call, beside those on loopback. Every other `Origin` is answered 403; requests without one
    /// do not come from a web page.
    pub allowed_origins: Vec<Origin>,
    /// Networks of proxies in front of the gateway, as `10.0.0.0/8` or a single address. Only of these is the header
    /// `Forwarded` believed, which says from which address a caller without a key calls.
    pub trusted_proxies: Vec<Network>,
    /// How a refused call is answered: `result` is a tool result with `isError`, which models read; `error` is a
    /// JSON-RPC error. Left out: `result` for `tools/call`, `error` for everything else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<RefusalStyle>,
    /// The era of `/mcp`. `legacy`: modern clients are told to begin with `initialize`; `modern`: they do not see servers
    /// that speak the legacy protocol only. Left out: `legacy` where one of the servers is known to speak that only when
    /// the first modern client comes after a start or a reload.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merged_era: Option<MergedEra>,
    /// Methods beyond the protocol's own that may pass where interceptors look, each with its whole name or with a `*` at
    /// its end. Every other unknown method is answered -32601.
    pub known_methods: Vec<KnownMethod>,
    /// Reload when this file or a plugin's file changes.
    pub watch: bool,
    /// File that keeps what interceptors remember (their `state`) over restarts. Relative to this file. Left out: it
    /// is kept in memory and forgotten at exit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<PathBuf>,
    /// Directory for compiled plugins, readable by its owner only. Relative to this file. Left out: `sandgate` in the
    /// user's cache directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache: Option<PathBuf>,
    /// Unix socket on which `sandgate status`, `reload` and `why` reach the running gateway, readable by its owner only;
    /// relative to this file, or `none`. Left out: one in the user's runtime directory, found by this file's path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admin: Option<AdminSocket>,
    /// What makes `/readyz` answer 503, so that a load balancer sends no calls. Left out: `["call-log"]` where
    /// `[call-log] on-failure` is `refuse`, nothing where it is `continue`. A server's failure never does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_ready_when: Option<Vec<ConditionName>>,
    /// `sandgate why` shows the very words that policies' rules matched. They are kept in the running gateway's memory for
    /// ten minutes at most, never in a file, and each reading is logged. Values that the gateway itself brings (`env`,
    /// `headers`, settings from outside) are never kept.
    pub why_values: bool,
    /// Refuse a server's `command` that is not contained (`contain`).
    pub require_containment: bool,
    /// Hold plugins' files to `sandgate.lock` too: one that it does not have, or has with another digest, is refused.
    /// Servers' packages always are.
    pub require_lock: bool,
    /// Refuse a server's `image`, and a plugin of a registry (`oci://`), without `signed-by`.
    pub require_signatures: bool,
    /// Threads that serve calls. Left out: one a processor.
    #[schemars(range(min = 1, max = 1024))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workers: Option<u16>,
    /// Bounds on what clients and servers may send and for how long.
    pub limits: Limits,
}

/// A certificate and its key, in PEM.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Tls {
    /// File with the certificate, and after it those that lead to the authority. Relative to this file.
    pub cert: PathBuf,
    /// File with the private key. Relative to this file.
    pub key: PathBuf,
    /// File with the certificates of the authorities (PEM) that may vouch for clients. Relative to this file. Left out:
    /// clients are not asked for certificates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_ca: Option<PathBuf>,
}

/// Bounds on what clients and servers may send and for how long.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Limits {
    /// Largest message, in either direction. At most `"1GiB"`.
    pub max_body: Size,
    /// Arrays and objects within one another.
    #[schemars(range(min = 1, max = 128))]
    pub max_depth: u16,
    /// Connections open at a time; one client has half at the most, and so has one address without a key. A further one
    /// takes the place of one that is idle, or gets answers on `/healthz` and `/readyz` alone.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max_connections: u32,
    /// Requests at a time on one HTTP/2 connection.
    #[schemars(range(min = 1, max = 10_000))]
    pub max_streams: u32,
    /// HTTP requests under way at a time, those that listen aside; one client has half at the most. A further one is
    /// answered 503.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max_requests: u32,
    /// Bytes of messages that the gateway holds at a time, with what they take in memory beside their text; one client
    /// causes half at the most. What would go beyond is answered 503, or dropped. At least `"64MiB"`.
    pub max_memory: Size,
    /// Streams on which clients listen at a time: GET streams of sessions, and subscriptions; one client has half at the
    /// most. A further one is answered 503.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max_listeners: u32,
    /// Sessions of legacy clients open at a time; one client has half at the most. A further `initialize` is answered 503.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max_sessions: u32,
    /// Requests of one session, or of the client on stdio, under way at a time.
    #[schemars(range(min = 1, max = 100_000))]
    pub max_in_flight: u32,
    /// How long a client may take to send a request's headers.
    pub header_timeout: Period,
    /// How long a client may take to send a request's body.
    pub body_timeout: Period,
    /// How long an HTTP/2 connection may be without a request before it is closed. One of HTTP/1.1 may be so for as long as
    /// `header-timeout`.
    pub connection_idle_timeout: Period,
    /// How long a session may be unused before it is closed; at most 5 minutes where its client listened and does so no
    /// more.
    pub idle_timeout: Period,
    /// How long calls in flight may go on after the signal to stop.
    pub drain_timeout: Period,
    /// How long the gateway serves on after the signal to stop, while `/readyz` answers 503: for load balancers to notice,
    /// before no connection is accepted any more. Left out: not at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lame_duck: Option<Period>,
}

/// The era of the merged endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MergedEra {
    /// Sessions that begin with `initialize`.
    Legacy,
    /// Requests by themselves, since 2026-07-28.
    Modern,
}

/// The admin socket, on which operators reach the running gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AdminSocket {
    /// No admin socket.
    None,
    /// A Unix socket, by its path as it was written.
    Path(PathBuf),
}

/// Address and port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listen(pub SocketAddr);

/// A host's name, with or without a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostName(pub String);

/// A network of IP addresses, or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network(pub IpNet);

/// A method of an extension, for example `tools/customThing` or `x-acme/*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownMethod(pub String);

/// A web origin: scheme, host and, where it is not the scheme's own, port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(pub String);

/// Scheme and host, and the port where there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl(pub String);

impl Default for Gateway {
    fn default() -> Self {
        Self {
            listen: Listen(SocketAddr::from(([127, 0, 0, 1], 8808))),
            allowed_hosts: Vec::new(),
            allow_unauthenticated: false,
            tls: None,
            public_url: None,
            allowed_origins: Vec::new(),
            trusted_proxies: Vec::new(),
            refusal: None,
            merged_era: None,
            known_methods: Vec::new(),
            watch: true,
            state: None,
            cache: None,
            admin: None,
            not_ready_when: None,
            why_values: false,
            require_containment: false,
            require_lock: false,
            require_signatures: false,
            workers: None,
            limits: Limits::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_body: Size::mib(4),
            max_depth: 128,
            max_connections: 1024,
            max_streams: 128,
            max_requests: 4096,
            max_memory: Size(1 << 30),
            max_listeners: 4096,
            max_sessions: 1024,
            max_in_flight: 64,
            header_timeout: Period::secs(10),
            body_timeout: Period::secs(30),
            connection_idle_timeout: Period::secs(60),
            idle_timeout: Period::secs(30 * 60),
            drain_timeout: Period::secs(10),
            lame_duck: None,
        }
    }
}

impl Scalar for Listen {
    const KIND: &'static str = "an address and port such as \"127.0.0.1:8808\"";

    fn read(text: &str) -> Result<Self, Mistake> {
        text.parse().map(Self).map_err(|_| {
            let help =
                "write an IP address and a port, for example \"127.0.0.1:8808\" or \"[::1]:8808\"";
            Mistake::new("is not an address and port", help)
        })
    }

    fn write(&self) -> String {
        self.0.to_string()
    }
}

impl Scalar for AdminSocket {
    const KIND: &'static str = "the path of a socket, or \"none\"";

    fn read(text: &str) -> Result<Self, Mistake> {
        match text {
            "none" => Ok(Self::None),
            "" => Err(Mistake::new(
                "is empty",
                "write the path of a socket, or \"none\"",
            )),
            path => Ok(Self::Path(path.into())),
        }
    }

    fn write(&self) -> String {
        match self {
            Self::None => "none".into(),
            Self::Path(path) => path.display().to_string(),
        }
    }
}

impl Scalar for HostName {
    const KIND: &'static str = "a host name such as \"mcp.example.com\", with or without a port";

    fn read(text: &str) -> Result<Self, Mistake> {
        let help =
            "write the name alone, for example \"mcp.example.com\" or \"mcp.example.com:8443\"";
        let authority: http::uri::Authority = text
            .parse()
            .map_err(|_| Mistake::new("is not a host name", help))?;
        let plain = !text.contains('@') && !text.ends_with(':') && !authority.host().contains('*');
        if plain {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err(Mistake::new("is not a host name", help))
        }
    }

    fn write(&self) -> String {
        self.0.clone()
    }
}

impl Scalar for Network {
    const KIND: &'static str = "a network such as \"10.0.0.0/8\"";
    fn read(text: &str) -> Result<Self, Mistake> {
        let network = text
            .parse::<IpNet>()
            .or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        network.map(Self).map_err(|_| {
            let help = "write an address, or a network such as \"10.0.0.0/8\" or \"2001:db8::/32\"";
            Mistake::new("is not a network", help)
        })
    }
    fn write(&self) -> String {
        self.0.to_string()
    }
}

impl Scalar for KnownMethod {
    const KIND: &'static str = "a method such as \"tools/customThing\" or \"x-acme/*\"";

    fn read(text: &str) -> Result<Self, Mistake> {
        let name = text.strip_suffix('*').unwrap_or(text);
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "/-_.:$".contains(c);
        match !text.is_empty() && name.chars().all(is_plain) {
            true => Ok(Self(text.to_owned())),
            false => Err(Mistake::new(
                "is not a method",
                "write its whole name, or how it begins and a `*`, for example \"x-acme/*\"",
            )),
        }
    }

    fn write(&self) -> String {
        self.0.clone()
    }
}

impl Scalar for Origin {
    const KIND: &'static str = "a web origin such as \"https://app.example.com\"";

    fn read(text: &str) -> Result<Self, Mistake> {
        let help = "write scheme and host, and the port where there is one, for example \"https://app.example.com\"";
        let bad = || Mistake::new("is not a web origin", help);
        let (scheme, host) = text.split_once("://").ok_or_else(bad)?;
        let scheme_fits = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
        if !scheme_fits || host.contains('/') {
            return Err(bad());
        }
        HostName::read(host).map_err(|_| bad())?;
        Ok(Self(text.to_ascii_lowercase()))
    }

    fn write(&self) -> String {
        self.0.clone()
    }
}

impl Scalar for PublicUrl {
    const KIND: &'static str = "a URL without a path such as \"https://mcp.example.com\"";

    fn read(text: &str) -> Result<Self, Mistake> {
        let help = "write scheme and host, and the port where there is one, for example \"https://mcp.example.com\"";
        let text = text.strip_suffix('/').unwrap_or(text);
        if !(text.starts_with("https://") || text.starts_with("http://")) {
            return Err(Mistake::new("is neither http nor https", help));
        }
        match Origin::read(text) {
            Ok(origin) => Ok(Self(origin.0)),
            Err(_) => Err(Mistake::new("is not a URL without a path", help)),
        }
    }

    fn write(&self) -> String {
        self.0.clone()
    }
}

scalar!(
    AdminSocket,
    Listen,
    HostName,
    KnownMethod,
    Network,
    Origin,
    PublicUrl
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_has_a_scheme_and_no_path() {
        assert!(Origin::read("https://app.example.com:8443").is_ok());
        assert!(Origin::read("vscode-webview://abc").is_ok());
        for text in [
            "*",
            "app.example.com",
            "https://app.example.com/",
            "https://",
            "://x",
            "https://u@h",
        ] {
            assert!(Origin::read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_public_url_is_an_address_without_a_path() {
        let read = |text: &str| PublicUrl::read(text).map(|url| url.0);
        assert_eq!(
            read("https://MCP.example.com:8443/").as_deref(),
            Ok("https://mcp.example.com:8443")
        );
        for text in [
            "",
            "mcp.example.com",
            "ftp://x",
            "https://x/mcp",
            "https://u@x",
            "https://x\"y",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_known_method_ends_in_a_star_or_is_a_name() {
        for text in ["tools/customThing", "x-acme/*", "*"] {
            assert!(KnownMethod::read(text).is_ok(), "{text}");
        }
        for text in ["", "a*b", "a b", "{a,b}"] {
            assert!(KnownMethod::read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_host_name_is_a_name_alone() {
        assert!(HostName::read("MCP.example.com").is_ok_and(|name| name.0 == "mcp.example.com"));
        for text in ["", "http://x", "x/", "u@x", "x:", "*.example.com"] {
            assert!(HostName::read(text).is_err(), "{text}");
        }
    }
}

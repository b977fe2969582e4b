//! `[servers.NAME]`: the servers behind the gateway.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::amount::Period;
use super::catalog::CatalogEntry;
use super::contain::Contain;
use super::egress::Egress;
use super::image::Image;
use super::package::Package;
use super::scalar::Mistake;
use super::secret::ValueOrRef;
use super::server_secret::ServerSecret;
use super::signed_by::SignedBy;
use crate::url::Url;

/// A server: a program that speaks MCP on stdin and stdout (`command`, `package` for one of npm or PyPI, or
/// `image` for one in a container), or a
/// Streamable HTTP endpoint (`url`).
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Server {
    /// The program: a path, relative to this file where it has a slash, or a name looked up in the gateway's `PATH`.
    /// Either this, `package`, `image` or `url`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub command: Option<String>,
    /// A package whose program is the server, in exactly one version: `npm:NAME@VERSION` or `pypi:NAME==VERSION`. What it
    /// needs is in `sandgate.lock` (`sandgate lock`), and it is contained unless `contain` says otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<Package>,
    /// The program of `package`, where that has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    pub bin: Option<String>,
    /// A container image that is the server: registry, name, and a tag or a digest. Which image that is stands in
    /// `sandgate.lock` (`sandgate lock`), and Podman or Docker holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<Image>,
    /// By whom the image must be signed: `{ key = "cosign.pub" }`, or `{ identity = "…", issuer = "…" }`. Left out:
    /// nobody is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_by: Option<SignedBy>,
    /// Its arguments.
    #[serde(default)]
    pub args: Vec<String>,
    /// Its whole environment, beside `PATH`: nothing else of the gateway's own is handed on. A value is text,
    /// `{ from-env = "NAME" }` or `{ from-file = "path" }`.
    #[serde(default)]
    pub env: BTreeMap<String, ValueOrRef>,
    /// Its working directory, relative to this file. Left out: this file's directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cwd: Option<PathBuf>,
    /// What the program may reach and use: `true` for a narrow default, or a table of what it needs beside. Left out: a
    /// `command` runs as the gateway's user, unconfined, and a `package` or an `image` has the narrow
    /// default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contain: Option<Contain>,
    /// The hosts that a contained program may reach, through the gateway's own proxy and by TLS alone: a list such as
    /// `["api.github.com", "*.example.com:8443"]`, or a table. Left out: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub egress: Option<Egress>,
    /// Values that the program needs and nobody else may see, by name. Each is one of `from-env`, `from-file`,
    /// `from-command`, `from-vault` and `from-age`, with `give`. None of them passes the gateway in a message.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: BTreeMap<String, ServerSecret>,
    /// The endpoint, `http` or `https`. Either this, `command`, `package` or
    /// `image`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<Url>,
    /// Headers sent with every request to `url`. A value is text, `{ from-env = "NAME" }` or `{ from-file = "path" }`.
    #[serde(default)]
    pub headers: BTreeMap<String, ValueOrRef>,
    /// How long a connection may take, TLS included.
    #[serde(default = "connect_timeout")]
    pub connect_timeout: Period,
    /// How long the server may take to answer its first question: a program may have to be fetched first.
    #[serde(default = "start_timeout")]
    pub start_timeout: Period,
    /// How long answers of `/mcp` wait for this server's part. What it offers is left out where it takes longer, and clients
    /// are told when it is there.
    #[serde(default = "list_timeout")]
    pub list_timeout: Period,
    /// The longest silence while a request is under way; whatever arrives for it starts it anew.
    #[serde(default = "request_timeout")]
    pub request_timeout: Period,
    /// Requests under way with it at a time, subscriptions aside. A further one waits for as long as `connect-timeout`.
    #[serde(default = "max_concurrent")]
    #[schemars(range(min = 1, max = 100_000))]
    pub max_concurrent: u32,
    /// Processes of `command` at a time: one for each session of a legacy client, or as `share` says, and one that modern
    /// clients share. A further session is refused.
    #[serde(default = "max_children")]
    #[schemars(range(min = 1, max = 10_000))]
    pub max_children: u32,
    /// Which sessions of legacy clients use one process of `command`.
    #[serde(default)]
    pub share: Sharing,
    /// How long an unused connection to `url` is kept for the next request.
    #[serde(default = "keep_alive")]
    pub keep_alive: Period,
    /// File with the certificates (PEM) of the authorities that may vouch for `url`, instead of those that the system
    /// trusts. Relative to this file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
    /// A client's own `Authorization` goes on to `url`, and what the server says about it comes back. On `/mcp/NAME`
    /// alone, and not together with `[clients]`, whose keys are in the same header.
    #[serde(default)]
    pub forward_authorization: bool,
    /// Exchange a client's token for one that `url` takes (RFC 8693), for each client by itself. On `/mcp/NAME` alone, and
    /// with `[authorization]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchange: Option<Exchange>,
    /// A client's `tracestate` and `baggage` go on to `url`. They are free text that no interceptor sees.
    #[serde(default)]
    pub forward_trace_state: bool,
    /// The entry of a catalog that it came from, written by `sandgate add`. Left out: it was written by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub catalog: Option<CatalogEntry>,
}

impl Server {
    /// What `sandgate.lock` has of it: its package or image.
    pub fn source(&self) -> Option<Package> {
        let image = self.image.as_ref().map(Image::source);
        self.package.clone().or(image)
    }
}

/// How clients' tokens are exchanged for a server's.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Exchange {
    /// The token endpoint of the issuer.
    pub token_endpoint: Url,
    /// The gateway's own client id at the issuer.
    pub client_id: String,
    /// The gateway's own secret at the issuer.
    pub client_secret: ValueOrRef,
    /// Whom the new token is meant for.
    pub audience: String,
    /// The scopes of the new token, with spaces between. Left out: what the issuer gives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// File with the certificates (PEM) of the authorities that may vouch for the issuer, instead of those that browsers
    /// trust. Relative to this file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
    /// Reach the issuer by `http` too, on this machine alone. For development.
    #[serde(default)]
    pub loopback_http: bool,
}

/// Which sessions of legacy clients use one process, where they began alike: with the same protocol version and
/// capabilities.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Sharing {
    /// Each has its own.
    #[default]
    None,
    /// Those of one client of `[clients]`, or, without clients, of one address.
    Principal,
    /// Everybody's: what the program keeps in memory is one for all callers.
    All,
}

/// Checks a header's name. Headers that the gateway sets itself, or that end at each hop, are refused.
pub(crate) fn check_header(name: &str) -> Result<(), Mistake> {
    let own = [
        "host",
        "content-length",
        "content-type",
        "accept",
        "connection",
        "keep-alive",
        "transfer-encoding",
        "te",
        "trailer",
        "upgrade",
        "last-event-id",
        "mcp-session-id",
        "mcp-protocol-version",
        "mcp-method",
        "mcp-name",
    ];
    if http::HeaderName::from_bytes(name.as_bytes()).is_err() {
        Err(Mistake::new(
            "is not a header name",
            "use letters, digits and `-`",
        ))
    } else if own.iter().any(|own| name.eq_ignore_ascii_case(own)) {
        Err(Mistake::new("is set by the gateway itself", "leave it out"))
    } else {
        Ok(())
    }
}

/// Whether the URL leads to this machine.
pub fn is_loopback(url: &http::Uri) -> bool {
    url.host().is_some_and(sandgate_address::is_loopback)
}

fn connect_timeout() -> Period {
    Period::secs(10)
}

fn start_timeout() -> Period {
    Period::secs(60)
}

fn list_timeout() -> Period {
    Period::secs(2)
}

fn max_concurrent() -> u32 {
    1024
}

fn max_children() -> u32 {
    256
}

fn keep_alive() -> Period {
    Period::secs(4)
}

fn request_timeout() -> Period {
    Period::secs(5 * 60)
}

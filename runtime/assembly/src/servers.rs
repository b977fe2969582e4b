//! Servers of the configuration; those that did not change go on as they are, with their children and sessions.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use sandgate_config::{Issue, Loaded, Resolved, ResolvedServer, Secret};
use sandgate_gateway::{Server, ServerConfig, Share, Transport};
use sandgate_message::Limits;

use super::certificates;

/// By name.
#[derive(Default)]
pub(super) struct KnownServers(BTreeMap<String, (Key, Arc<Server>)>);

/// Everything that a server depends on.
#[derive(PartialEq, Eq)]
struct Key {
    command: Option<String>,
    args: Vec<String>,
    url: Option<http::Uri>,
    values: Vec<(String, String)>,
    cwd: Option<PathBuf>,
    timeouts: [Duration; 4],
    limits: Limits,
    most: (u32, u32),
    share: sandgate_config::Sharing,
    keep_alive: Duration,
    authorities: Option<Vec<u8>>,
    /// Its `Authorization`; its `tracestate` and `baggage`.
    forwards: (bool, bool),
}

impl KnownServers {
    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<Server>> {
        self.0.values().map(|(_, server)| server)
    }

    /// The servers in the file's order of names, and what is known of them from here on.
    ///
    /// # Errors
    /// Files that cannot be used.
    pub(super) fn stock(
        &self,
        loaded: &Loaded,
        resolved: &Resolved,
        limits: Limits,
    ) -> Result<(Vec<Arc<Server>>, Self), Vec<Issue>> {
        let mut wrong = Vec::new();
        let nothing = ResolvedServer::default();
        let mut known = BTreeMap::new();
        let mut order = Vec::new();
        for (name, server) in &loaded.config.servers {
            let values = resolved.servers.get(name).unwrap_or(&nothing);
            let vouching = server
                .ca
                .as_ref()
                .map(|ca| certificates::authorities(loaded, name, ca));
            let (text, authorities) = match vouching.transpose() {
                Ok(vouching) => vouching.unzip(),
                Err(issue) => {
                    wrong.push(issue);
                    continue;
                }
            };
            let key = key(server, values, limits, text);
            let same = self
                .0
                .get(name)
                .filter(|(before, _)| *before == key)
                .map(|(_, server)| server.clone());
            let made = same.unwrap_or_else(|| {
                Server::new(ServerConfig {
                    authorities,
                    ..describe(name, server, values, loaded, limits)
                })
            });
            order.push(made.clone());
            known.insert(name.clone(), (key, made));
        }
        if wrong.is_empty() {
            Ok((order, Self(known)))
        } else {
            Err(wrong)
        }
    }
}

fn key(
    server: &sandgate_config::Server,
    values: &ResolvedServer,
    limits: Limits,
    authorities: Option<Vec<u8>>,
) -> Key {
    Key {
        command: server.command.clone(),
        args: server.args.clone(),
        url: server.url.as_ref().map(|url| url.0.clone()),
        values: exposed(values.env.iter().chain(&values.headers)),
        cwd: server.cwd.clone(),
        timeouts: [
            server.connect_timeout.0,
            server.start_timeout.0,
            server.list_timeout.0,
            server.request_timeout.0,
        ],
        limits,
        most: (server.max_concurrent, server.max_children),
        share: server.share,
        keep_alive: server.keep_alive.0,
        authorities,
        forwards: (server.forward_authorization, server.forward_trace_state),
    }
}

fn describe(
    name: &str,
    server: &sandgate_config::Server,
    values: &ResolvedServer,
    loaded: &Loaded,
    limits: Limits,
) -> ServerConfig {
    let transport = match (&server.url, &server.command) {
        (Some(url), _) => {
            // Both were checked when the file was read.
            let headers: HeaderMap = values
                .headers
                .iter()
                .filter_map(|(name, value)| {
                    let mut value = HeaderValue::from_str(value.expose()).ok()?;
                    value.set_sensitive(true);
                    Some((HeaderName::from_bytes(name.as_bytes()).ok()?, value))
                })
                .collect();
            Transport::Http {
                url: url.0.clone(),
                headers,
            }
        }
        (None, command) => {
            let command = command.clone().unwrap_or_default();
            // A path is relative to the file; a bare name is looked up.
            let command = if command.contains('/') {
                loaded.files.path(command.as_ref()).display().to_string()
            } else {
                command
            };
            let cwd = match &server.cwd {
                Some(cwd) => loaded.files.path(cwd),
                None => loaded.files.path("".as_ref()),
            };
            Transport::Stdio {
                command,
                args: server.args.clone(),
                env: exposed(values.env.iter()),
                cwd: Some(cwd),
            }
        }
    };
    ServerConfig {
        connect_timeout: server.connect_timeout.0,
        start_timeout: server.start_timeout.0,
        list_timeout: server.list_timeout.0,
        request_timeout: server.request_timeout.0,
        limits,
        max_concurrent: count(server.max_concurrent),
        max_children: count(server.max_children),
        share: match server.share {
            sandgate_config::Sharing::None => Share::None,
            sandgate_config::Sharing::Principal => Share::Principal,
            sandgate_config::Sharing::All => Share::All,
        },
        keep_alive: server.keep_alive.0,
        forward_authorization: server.forward_authorization,
        forward_trace_state: server.forward_trace_state,
        ..ServerConfig::new(name, transport)
    }
}

fn count(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn exposed<'a>(values: impl Iterator<Item = &'a (String, Secret)>) -> Vec<(String, String)> {
    values
        .map(|(name, value)| (name.clone(), value.expose().to_owned()))
        .collect()
}

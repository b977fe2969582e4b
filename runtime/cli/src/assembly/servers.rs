//! Servers of the configuration; those that did not change go on as they are, with their children and sessions.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use sandgate_gateway::{Server, ServerConfig, Transport};
use sandgate_message::Limits;

use crate::config::{self, Loaded, Resolved, ResolvedServer, Secret};

/// By name.
#[derive(Default)]
pub(super) struct Shelf(BTreeMap<String, (Key, Arc<Server>)>);

/// Everything that a server depends on.
#[derive(PartialEq, Eq)]
struct Key {
    command: Option<String>,
    args: Vec<String>,
    url: Option<http::Uri>,
    values: Vec<(String, String)>,
    cwd: Option<PathBuf>,
    timeouts: (Duration, Duration),
    limits: Limits,
}

impl Shelf {
    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<Server>> {
        self.0.values().map(|(_, server)| server)
    }

    /// The servers in the file's order of names, and the shelf that holds them.
    pub(super) fn stock(
        &self,
        loaded: &Loaded,
        resolved: &Resolved,
        limits: Limits,
    ) -> (Vec<Arc<Server>>, Self) {
        let nothing = ResolvedServer::default();
        let mut shelf = BTreeMap::new();
        let mut order = Vec::new();
        for (name, server) in &loaded.config.servers {
            let values = resolved.servers.get(name).unwrap_or(&nothing);
            let key = key(server, values, limits);
            let same = self
                .0
                .get(name)
                .filter(|(before, _)| *before == key)
                .map(|(_, server)| server.clone());
            let made =
                same.unwrap_or_else(|| Server::new(describe(name, server, values, loaded, limits)));
            order.push(made.clone());
            shelf.insert(name.clone(), (key, made));
        }
        (order, Self(shelf))
    }
}

fn key(server: &config::Server, values: &ResolvedServer, limits: Limits) -> Key {
    Key {
        command: server.command.clone(),
        args: server.args.clone(),
        url: server.url.as_ref().map(|url| url.0.clone()),
        values: exposed(values.env.iter().chain(&values.headers)),
        cwd: server.cwd.clone(),
        timeouts: (server.connect_timeout.0, server.request_timeout.0),
        limits,
    }
}

fn describe(
    name: &str,
    server: &config::Server,
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
        request_timeout: server.request_timeout.0,
        limits,
        ..ServerConfig::new(name, transport)
    }
}

fn exposed<'a>(values: impl Iterator<Item = &'a (String, Secret)>) -> Vec<(String, String)> {
    values
        .map(|(name, value)| (name.clone(), value.expose().to_owned()))
        .collect()
}

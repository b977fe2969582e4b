//! The configuration of the second gateway: the same interceptors, clients, views and alerts, and nothing that leads to a
//! real server, file or person.

use std::net::SocketAddr;
use std::path::Path;

use sandgate_config::{
    AdminSocket, AlertTo, Client, Destination, Listen, Loaded, PluginSource, Scalar, Server,
    Settings, Telemetry, TokenHash,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::error::DrillError;
use crate::plan::Wanted;

/// Who plays: the names under which the stand-in and the caller appear.
#[derive(Clone, Debug)]
pub(crate) struct Cast {
    pub(crate) server: String,
    /// `None`: nobody needs a key.
    pub(crate) client: Option<String>,
    pub(crate) read: String,
    pub(crate) send: String,
    /// The key of the client, made for this drill.
    pub(crate) key: String,
}

impl Cast {
    /// # Errors
    ///
    /// The configuration has no such server or client.
    pub(crate) fn of(loaded: &Loaded, wanted: &Wanted) -> Result<Self, DrillError> {
        let config = &loaded.config;
        let among = |what: &str, asked: &Option<String>, known: Vec<&String>| match asked {
            Some(name) if known.contains(&name) => Ok(Some(name.clone())),
            Some(name) => Err(DrillError::Needs(format!(
                "the configuration has no {what} {name:?}: {}",
                sandgate_config::nearest(name, known.iter().map(|name| name.as_str()))
            ))),
            None => Ok(known.first().map(|name| (*name).clone())),
        };
        let server = among("server", &wanted.server, config.servers.keys().collect())?;
        let mut client = among("client", &wanted.client, config.clients.keys().collect())?;
        // With tokens alone, somebody has to have a key, for the issuer is not asked.
        if client.is_none() && config.authorization.is_some() {
            client = Some("drill".to_owned());
        }
        let name = |asked: &Option<String>, usual: &str| asked.clone().unwrap_or(usual.to_owned());
        let cast = Self {
            server: server.unwrap_or_else(|| "stand-in".to_owned()),
            client,
            read: name(&wanted.read, "read_ticket"),
            send: name(&wanted.send, "send_email"),
            key: format!(
                "drill-{:032x}{:032x}",
                rand::random::<u128>(),
                rand::random::<u128>()
            ),
        };
        let fits = |name: &str| {
            !name.is_empty()
                && name.len() <= 128
                && name
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c))
        };
        if !fits(&cast.read) || !fits(&cast.send) || cast.read == cast.send {
            return Err(DrillError::Needs(
                "--read and --send name two tools, in at most 128 letters, digits, `_`, `-` and `.`".to_owned(),
            ));
        }
        Ok(cast)
    }
}

/// The copy, with everything that it writes in `folder` and the stand-in at `stand_in`.
///
/// # Errors
///
/// A part of it cannot be made.
pub(crate) fn copy(
    loaded: &Loaded,
    cast: &Cast,
    folder: &Path,
    stand_in: SocketAddr,
) -> Result<Loaded, DrillError> {
    let mut loaded = loaded.clone();
    let config = &mut loaded.config;
    let server: Server = made(json!({ "url": format!("http://{stand_in}/mcp") }))?;
    // The others are there by name, since views and interceptors may name them.
    for one in config.servers.values_mut() {
        *one = server.clone();
    }
    config.servers.insert(cast.server.clone(), server);
    if let Some(name) = &cast.client {
        let hash = Sha256::digest(cast.key.as_bytes());
        let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        let hash = TokenHash::read(&hash).ok();
        let fresh: Client = made(json!({}))?;
        let client = config.clients.entry(name.clone()).or_insert(fresh);
        (client.token_sha256, client.previous, client.certificate) = (hash, None, None);
    }
    // A client that is known by a certificate alone cannot come: there is no TLS.
    for client in config.clients.values_mut() {
        client.certificate = None;
    }
    let gateway = &mut config.gateway;
    gateway.listen = Listen(SocketAddr::from(([127, 0, 0, 1], 0)));
    gateway.tls = None;
    gateway.public_url = None;
    gateway.watch = false;
    gateway.state = None;
    gateway.why_values = false;
    gateway.limits.lame_duck = None;
    gateway.admin = Some(AdminSocket::Path(folder.join("admin.sock")));
    config.authorization = None;
    config.call_log.to = Some(Destination::File(folder.join("calls.jsonl")));
    config.call_log.payloads = false;
    config.audit = None;
    config.telemetry = Telemetry::default();
    config.console = None;
    for alert in &mut config.alerts {
        // The stand-in takes them: nobody is woken.
        alert.to = made::<AlertTo>(json!({ "webhook": format!("http://{stand_in}/alerts") }))?;
    }
    for one in &mut config.interceptors {
        // What is tried beside the policies decides nothing.
        one.candidate = None;
        if matches!(&one.plugin, PluginSource::Builtin(name) if name == "tool-pins") {
            one.settings = without_lock(&one.settings)?;
        }
    }
    Ok(loaded)
}

/// Settings of `tool-pins` that trust on first use: no lock file has the stand-in's tools.
fn without_lock(settings: &Settings) -> Result<Settings, DrillError> {
    let mut value = serde_json::to_value(settings).map_err(std::io::Error::other)?;
    if let Some(settings) = value.as_object_mut() {
        settings.remove("lock");
    }
    made(value)
}

fn made<T: DeserializeOwned>(value: Value) -> Result<T, DrillError> {
    Ok(serde_json::from_value(value).map_err(std::io::Error::other)?)
}

//! The configuration of the second gateway: the same interceptors, clients, views and alerts, and nothing that leads to a
//! real server, file or person.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use sandgate_config::{
    Access, AdminSocket, AlertTo, CallLog, Client, Destination, Listen, Loaded, Period,
    PluginSource, Server, Settings, Telemetry, TokenHash,
};
use sandgate_pipeline::Mode;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

pub(crate) use crate::cast::Cast;
use crate::error::DrillError;
use crate::plan::Drill;
use crate::stand_in::Urls;

/// How long the server may be silent in this drill, in the place of `request-timeout`.
pub(crate) const SILENCE: Duration = Duration::from_secs(2);

/// The copy for a drill, with everything that it writes in `folder` and the stand-in at `stand_in`.
///
/// # Errors
///
/// A part of it cannot be made.
pub(crate) fn copy(
    drill: Drill,
    loaded: &Loaded,
    cast: &Cast,
    folder: &Path,
    stand_in: &Urls,
) -> Result<Loaded, DrillError> {
    let mut loaded = loaded.clone();
    let config = &mut loaded.config;
    let mut server: Server = made(json!({ "url": stand_in.mcp }))?;
    if drill == Drill::ServerHangs {
        server.request_timeout = Period(SILENCE);
    }
    // The others are there by name, since views and interceptors may name them.
    for one in config.servers.values_mut() {
        *one = server.clone();
    }
    config.servers.insert(cast.server.clone(), server);
    // The caller alone may come in. A client that is known by a certificate could not: there is no TLS.
    for client in config.clients.values_mut() {
        (client.token_sha256, client.previous, client.certificate) = (None, None, None);
        // A rate refuses what comes too soon, and a drill comes all at once.
        client.rate = None;
    }
    for view in config.views.values_mut() {
        view.rate = None;
    }
    if let Some(name) = &cast.client {
        let hash = Sha256::digest(cast.key.as_bytes());
        let hash = Some(TokenHash(hash.into()));
        let fresh: Client = made(json!({}))?;
        let client = config.clients.entry(name.clone()).or_insert(fresh);
        client.token_sha256 = hash;
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
    // Of the call log only what a failure to write it means is rehearsed.
    config.call_log = CallLog {
        to: Some(Destination::File(folder.join("calls.jsonl"))),
        on_failure: config.call_log.on_failure,
        ..CallLog::default()
    };
    config.audit = None;
    config.telemetry = Telemetry::default();
    config.console = None;
    for alert in &mut config.alerts {
        // The stand-in takes them: nobody is woken.
        alert.to = made::<AlertTo>(json!({ "webhook": stand_in.alerts }))?;
    }
    for one in &mut config.interceptors {
        // What is tried beside the policies decides nothing.
        one.candidate = None;
        // The directories are the real ones.
        for dir in one.grants.dirs.values_mut() {
            dir.access = Access::Ro;
        }
        match &one.plugin {
            PluginSource::Builtin(name) if name == "tool-pins" => {
                one.settings = without_lock(&one.settings)?;
            }
            // Calls that it refuses show nothing of a stop.
            PluginSource::Builtin(name) if name == "rate-limit" && drill.floods() => {
                one.mode = Mode::Audit;
            }
            _ => {}
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Wanted;

    const CONFIG: &str = r#"
[clients.ada]
token-sha256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
rate = "1/s"
[clients.eve]
token-sha256 = "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752"
previous = { token-sha256 = "fd61a03af4f77d870fc21e05e7e80678095c92d808cfb3b5c279ee04c74aca13", until = "2099-01-01T00:00:00Z" }
[servers.desk]
url = "http://127.0.0.1:9/mcp"
[views.all]
clients = ["ada", "eve"]
allow = ["*/*"]
rate = "1/s"
[[interceptors]]
name = "rate"
plugin = "builtin:rate-limit"
grants = { state = true, dirs = { "/notes" = { path = "notes", access = "rw" } } }
settings.limits = [{ calls = 1, per = "1m" }]
"#;

    #[test]
    fn nobody_else_comes_in_no_rate_stands_in_the_way_and_real_directories_are_read_only()
    -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("sandgate.toml");
        std::fs::write(&file, CONFIG)?;
        std::fs::create_dir(folder.path().join("notes"))?;
        let loaded = Loaded::read(&file).map_err(|report| report.summary())?;
        let cast = Cast::of(&loaded, &Wanted::default())?;
        let urls = Urls {
            mcp: "http://127.0.0.1:9/secret/mcp".to_owned(),
            alerts: "http://127.0.0.1:9/secret/alerts".to_owned(),
        };
        for (drill, mode) in [
            (Drill::Stop, Mode::Audit),
            (Drill::KeyOut, Mode::Audit),
            (Drill::SecretLeak, Mode::Active),
        ] {
            let copied = copy(drill, &loaded, &cast, folder.path(), &urls)?.config;
            let (ada, eve) = (&copied.clients["ada"], &copied.clients["eve"]);
            let own = loaded.config.clients["ada"].token_sha256.map(|hash| hash.0);
            assert_eq!(cast.client.as_deref(), Some("ada"));
            assert!(ada.token_sha256.is_some_and(|hash| Some(hash.0) != own));
            assert!(eve.token_sha256.is_none() && eve.previous.is_none());
            assert!(ada.rate.is_none() && copied.views["all"].rate.is_none());
            let rate = &copied.interceptors[0];
            assert_eq!(rate.mode, mode);
            assert!(
                rate.grants
                    .dirs
                    .values()
                    .all(|dir| dir.access == Access::Ro)
            );
        }
        let reached = crate::outside::reached(&loaded.config);
        assert_eq!(reached.len(), 1);
        assert!(
            reached[0].starts_with("rate (directory ")
                && reached[0].ends_with(", read-only in a drill)"),
            "{reached:?}"
        );
        Ok(())
    }
}

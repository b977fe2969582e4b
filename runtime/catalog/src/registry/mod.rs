//! The official registry's `server.json` (2025-12-11, and the older spellings of its members), alone, in a list, and as the
//! registry's interface answers.

mod argument;
mod package;
mod server;

use serde_json::Value;

use crate::entry::{Entry, Offer, Refusal, Runs};
use crate::rules;
use argument::{ask, listed, put_variable};
use package::package;
use server::{Server, Transport, read};

/// What the registry itself says of an entry.
const OFFICIAL: &str = "io.modelcontextprotocol.registry/official";

/// Reads one entry: a `server.json`, or one with the registry's own words around it.
pub(crate) fn entry(value: Value) -> Result<Entry, Refusal> {
    let (server, meta) = match value {
        Value::Object(mut members) if members.contains_key("server") => {
            let server = members.remove("server").unwrap_or_default();
            (server, members.remove("_meta").unwrap_or_default())
        }
        value => {
            let meta = value.get("_meta").cloned().unwrap_or_default();
            (value, meta)
        }
    };
    let named = server
        .get("name")
        .and_then(Value::as_str)
        .map(str::to_owned);
    let server: Server = serde_json::from_value(server).map_err(|error| {
        let name = rules::shown(&named.unwrap_or_default());
        Refusal::of(format!("{name}: {}", rules::shown(&error.to_string())))
    })?;
    rules::name(&server.name)?;
    let version = server
        .version
        .or(server.version_detail.map(|it| it.version));
    if let Some(version) = &version {
        rules::version(version)?;
    }
    let mut notes = Vec::new();
    let status = meta[OFFICIAL]["status"]
        .as_str()
        .or(server.status.as_deref());
    let mut offers: Vec<_> = match status {
        Some("deleted") => vec![Err(Refusal::of("the registry calls it deleted"))],
        _ => {
            let packages = server.packages.unwrap_or_default();
            let remotes = server.remotes.unwrap_or_default();
            rules::within("packages", packages.len())?;
            rules::within("remote servers", remotes.len())?;
            let packages = packages.into_iter().map(package);
            packages.chain(remotes.into_iter().map(remote)).collect()
        }
    };
    if status == Some("deprecated") {
        notes.push("the registry calls it deprecated".to_owned());
    }
    if offers.is_empty() {
        offers.push(Err(Refusal::of(
            "it names neither a package nor a remote server",
        )));
    }
    Ok(Entry {
        name: server.name,
        version,
        is_latest: meta[OFFICIAL]["isLatest"].as_bool().unwrap_or_default(),
        description: rules::description(&server.description.unwrap_or_default()),
        notes,
        offers,
    })
}

fn remote(value: Value) -> Result<Offer, Refusal> {
    let remote: Transport = read(value)?;
    if remote.kind != "streamable-http" {
        let why = format!("the remote server speaks {}", rules::shown(&remote.kind));
        return Err(Refusal::of(format!("{why}, not streamable-http")));
    }
    let Some(url) = remote.url else {
        return Err(Refusal::of("the remote server has no URL"));
    };
    let variables = remote.variables.unwrap_or_default();
    let known = |name: &str| variables.contains_key(name).then(|| name.to_owned());
    let mut offer = Offer::of(Runs::Remote(rules::text(&url, "{", "}", known)?));
    ask(variables, &mut offer)?;
    for header in listed("headers", remote.headers)? {
        put_variable(&header, &mut offer)?;
    }
    rules::offer(&offer)?;
    Ok(offer)
}

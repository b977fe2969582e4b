//! Whether the configuration in force knows what is to be stopped: a stop of a misspelt name would stop nothing.

use sandgate_config::nearest;
use sandgate_gateway::{Edition, StopKind};

/// Checks a name against the edition.
///
/// # Errors
///
/// The edition does not know the name; the error names those that come near.
pub(super) fn check(edition: &Edition, kind: StopKind, name: &str) -> Result<(), String> {
    let servers = || edition.servers().iter().map(|server| &**server.name());
    let unknown = |what: &str, name: &str, near: String| {
        Err(format!(
            "the configuration in force has no {what} {name:?}: {near}; --unknown stops it all the same"
        ))
    };
    match kind {
        StopKind::Server if edition.server(name).is_none() => {
            unknown("server", name, nearest(name, servers()))
        }
        StopKind::Tool => match name.split_once('/') {
            None => Err(format!(
                "{name:?} is no tool: write SERVER/TOOL, by the server's own name for the tool"
            )),
            Some((server, _)) if edition.server(server).is_none() => {
                unknown("server", server, nearest(server, servers()))
            }
            Some(_) => Ok(()),
        },
        StopKind::Client if edition.clients().is_open() => Err(
            "the configuration in force has no clients: whoever comes is let in, without a name. Stop a server, or add \
             `[clients]`; --unknown stops the name all the same"
                .to_owned(),
        ),
        StopKind::Client if !edition.clients().has(name) => {
            unknown("client", name, nearest(name, edition.clients().names()))
        }
        StopKind::Plugin => {
            let steps = edition.chain().steps();
            let names = || {
                steps
                    .iter()
                    .flat_map(|step| [&**step.name(), step.interceptor().plugin().name.as_str()])
            };
            match names().any(|one| one == name) {
                true => Ok(()),
                false => unknown("interceptor or plugin", name, nearest(name, names())),
            }
        }
        StopKind::Server | StopKind::Client => Ok(()),
    }
}

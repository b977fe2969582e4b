//! Whether the configuration in force knows what is to be stopped: a stop of a misspelt name would stop nothing.

use sandgate_gateway::{Edition, StopKind};
use sandgate_text::nearest;

/// Checks a name against the edition. Returns what the operator must know of it: a client with a token is known by its
/// token alone, when it comes.
///
/// # Errors
///
/// The edition does not know the name; the error names those that come near.
pub(super) fn check(
    edition: &Edition,
    kind: StopKind,
    name: &str,
) -> Result<Option<String>, String> {
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
            Some(_) => Ok(None),
        },
        StopKind::Client if edition.clients().has(name) => Ok(None),
        StopKind::Client => match edition.authorization() {
            Some(authorization) => {
                let issuers = authorization.issuers().iter();
                Ok(Some(with_token(issuers.map(|one| &*one.config().prefix))))
            }
            None if edition.clients().is_open() => Err(
                "the configuration in force has no clients: whoever comes is let in, without a name. Stop a server, or \
                 add `[clients]` or `[authorization]`; --unknown stops the name all the same"
                    .to_owned(),
            ),
            None => unknown("client", name, nearest(name, edition.clients().names())),
        },
        StopKind::Plugin => {
            let steps = edition.chain().steps();
            let names = || {
                steps
                    .iter()
                    .flat_map(|step| [&**step.name(), step.interceptor().plugin().name.as_str()])
            };
            match names().any(|one| one == name) {
                true => Ok(None),
                false => unknown("interceptor or plugin", name, nearest(name, names())),
            }
        }
        StopKind::Server => Ok(None),
    }
}

/// What the operator must know of a client that may come with a token. `prefixes` are those of the issuers.
fn with_token<'a>(prefixes: impl Iterator<Item = &'a str>) -> String {
    let prefixes: Vec<_> = prefixes
        .filter(|prefix| !prefix.is_empty())
        .map(|prefix| format!("{prefix:?}"))
        .collect();
    let mut text =
        "no client of that name is in [clients]; a client with a token of that name is stopped"
            .to_owned();
    if !prefixes.is_empty() {
        text += &format!(
            ". Names of clients with tokens begin with their issuer's prefix: {}",
            prefixes.join(", ")
        );
    }
    text
}

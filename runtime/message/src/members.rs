//! Finds members of params whose names are nearly the protocol's. Servers whose libraries overlook case or separators
//! would read such members, and no interceptor would know.

use std::borrow::Cow;

use crate::node::Node;
use crate::tape::Kind;

/// The protocol's names at the root of params.
const ROOT: &[&str] = &[
    "_meta",
    "argument",
    "arguments",
    "capabilities",
    "clientInfo",
    "context",
    "cursor",
    "data",
    "elicitationId",
    "includeContext",
    "inputResponses",
    "level",
    "logger",
    "maxTokens",
    "message",
    "messages",
    "metadata",
    "mode",
    "modelPreferences",
    "name",
    "notifications",
    "progress",
    "progressToken",
    "protocolVersion",
    "reason",
    "ref",
    "requestId",
    "requestState",
    "requestedSchema",
    "stopSequences",
    "systemPrompt",
    "task",
    "taskId",
    "temperature",
    "toolChoice",
    "tools",
    "total",
    "ttl",
    "uri",
    "url",
];
/// The protocol's names in the objects of params.
const INNER: &[(&str, &[&str])] = &[
    ("_meta", &["progressToken"]),
    ("argument", &["name", "value"]),
    ("context", &["arguments"]),
    (
        "notifications",
        &[
            "promptsListChanged",
            "resourceSubscriptions",
            "resourcesListChanged",
            "taskIds",
            "toolsListChanged",
        ],
    ),
    ("ref", &["name", "type", "uri"]),
    ("task", &["ttl"]),
];
/// The prefix of the protocol's own keys in `_meta`.
const META_PREFIX: &str = "io.modelcontextprotocol/";
const META: &[&str] = &[
    "clientCapabilities",
    "clientInfo",
    "logLevel",
    "protocolVersion",
    "related-task",
    "subscriptionId",
];

/// Finds a member of these params whose name is the protocol's in another spelling: with other case, or with other
/// hyphens and underscores. Returns the member's name and the protocol's.
pub fn misspelt_member<'a>(params: Node<'a>) -> Option<(Cow<'a, str>, &'static str)> {
    among(params, ROOT)
        .or_else(|| {
            INNER.iter().find_map(|(object, names)| {
                let object = params.get(object)?;
                among(object, names)
            })
        })
        .or_else(|| {
            let meta = params.get("_meta")?;
            members(meta).find_map(|name| {
                let (prefix, own) = name.split_at_checked(META_PREFIX.len())?;
                if !same(prefix, META_PREFIX) {
                    return None;
                }
                let known = META.iter().find(|known| same(own, known))?;
                (prefix != META_PREFIX || own != *known).then(|| (name.clone(), *known))
            })
        })
}

fn among<'a>(object: Node<'a>, names: &[&'static str]) -> Option<(Cow<'a, str>, &'static str)> {
    members(object).find_map(|name| {
        if names.contains(&&*name) {
            return None;
        }
        let meant = *names.iter().find(|known| same(&name, known))?;
        Some((name, meant))
    })
}

fn members<'a>(object: Node<'a>) -> impl Iterator<Item = Cow<'a, str>> + use<'a> {
    let is_object = object.kind() == Kind::Object;
    is_object
        .then(|| object.members().map(|(name, _)| name))
        .into_iter()
        .flatten()
}

/// Whether the names are equal to a reader who overlooks case, hyphens and underscores.
fn same(one: &str, other: &str) -> bool {
    // The protocol's names are ASCII, and nearly all others are: this runs for each member of each message.
    if one.is_ascii() && other.is_ascii() {
        return ascii_folded(one).eq(ascii_folded(other));
    }
    folded(one).eq(folded(other))
}

fn ascii_folded(name: &str) -> impl Iterator<Item = u8> + '_ {
    let letters = name.bytes().filter(|byte| !matches!(byte, b'-' | b'_'));
    letters.map(|byte| byte.to_ascii_lowercase())
}

/// Folds a name. Letters beyond ASCII fold too: `ſ` is an `s`, the Kelvin sign a `k`.
fn folded(name: &str) -> impl Iterator<Item = char> + '_ {
    name.chars()
        .filter(|c| !matches!(c, '-' | '_'))
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::json::Json;
    use crate::json_error::Limits;

    fn found(params: &str) -> Option<(String, &'static str)> {
        let params = Json::parse(params.to_owned(), &Limits::default()).unwrap();
        misspelt_member(params.root()).map(|(name, meant)| (name.into_owned(), meant))
    }

    #[test]
    fn the_protocols_members_may_not_be_spelt_otherwise() {
        for (params, meant) in [
            (r#"{"uri":"x","Uri":"y"}"#, "uri"),
            (r#"{"NAME":"x"}"#, "name"),
            (r#"{"task_id":"x"}"#, "taskId"),
            (r#"{"tas\u212AId":"x"}"#, "taskId"),
            (r#"{"argument\u017f":{}}"#, "arguments"),
            (r#"{"meta":{}}"#, "_meta"),
            (r#"{"ref":{"URI":"x","type":"ref/resource"}}"#, "uri"),
            (r#"{"_meta":{"ProgressToken":1}}"#, "progressToken"),
            (
                r#"{"_meta":{"io.modelcontextprotocol/ClientInfo":{}}}"#,
                "clientInfo",
            ),
        ] {
            assert_eq!(
                found(params).map(|(_, meant)| meant),
                Some(meant),
                "{params}"
            );
        }
    }

    #[test]
    fn payloads_and_members_that_nobody_knows_pass() {
        for params in [
            r#"{"name":"x","arguments":{"Name":1,"URI":2,"task_id":3},"_meta":{"com.example/Name":1}}"#,
            r#"{"names":[],"x-uri":1,"nome":2}"#,
            r#"["Uri"]"#,
            "{}",
        ] {
            assert_eq!(found(params), None, "{params}");
        }
    }
}

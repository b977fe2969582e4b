//! How requests use what servers list: the kinds that they may mean, where the name stands, and what it is.

use list_kind::Kind;
use sandgate_sdk::Document;

/// The kind that a request uses. Two kinds where a completion's reference does not say which; empty where the request
/// uses nothing that is listed.
pub(crate) fn kinds(method: &str, params: &Document) -> &'static [Kind] {
    match method {
        "tools/call" => &[Kind::Tools],
        "prompts/get" => &[Kind::Prompts],
        "resources/read"
        | "resources/subscribe"
        | "resources/unsubscribe"
        | "notifications/resources/updated" => &[Kind::Resources],
        "completion/complete" => match params.get("/ref/type").as_deref() {
            Some(r#""ref/prompt""#) => &[Kind::Prompts],
            Some(r#""ref/resource""#) => &[Kind::Resources],
            _ => &[Kind::Prompts, Kind::Resources],
        },
        _ => &[],
    }
}

/// The kind whose rules hold for a list: templates stand for the resources that are made of them.
pub(crate) fn ruled_as(listed: Kind) -> Kind {
    match listed {
        Kind::Templates => Kind::Resources,
        other => other,
    }
}

/// The pointer to the name in the params of the request.
pub(crate) fn pointer(kind: Kind, method: &str) -> &'static str {
    match (method, kind) {
        ("completion/complete", _) => "/ref",
        (_, Kind::Resources | Kind::Templates) => "/uri",
        _ => "/name",
    }
}

/// The role of the name, for explanations.
pub(crate) fn role(kind: Kind) -> &'static str {
    match kind {
        Kind::Tools => "name of a tool",
        Kind::Prompts => "name of a prompt",
        Kind::Resources | Kind::Templates => "URI of a resource",
    }
}

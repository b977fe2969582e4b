//! MCP's methods, and what each addresses: the table of `schema.ts`, both eras. A method that is not in the table is
//! opaque. It passes under its own name where no interceptor looks or the operator knows it.

use crate::call::{Direction, Era};
use crate::json::Json;

/// What a method's params point at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Target {
    /// `params.name`, a tool.
    Tool,
    /// `params.name`, a prompt.
    Prompt,
    /// `params.uri`.
    Resource,
    /// `params.ref` of `completion/complete`: a prompt's name or a resource template's URI.
    Reference,
    None,
}

/// A method, known or unknown to the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Method<'a> {
    /// The name as on the wire, for example `tools/call`.
    pub name: &'a str,
}

impl<'a> Method<'a> {
    /// A method of any name.
    pub fn new(name: &'a str) -> Self {
        Self { name }
    }
    /// Every method of the protocol, both eras, requests before notifications.
    pub fn known() -> impl Iterator<Item = Method<'static>> {
        TABLE.iter().map(|row| Method { name: row.name })
    }
    /// Whether the protocol has the method, in either era.
    pub fn is_known(self) -> bool {
        self.row().is_some()
    }
    /// Whether the protocol has the method, in that era and direction.
    pub fn exists(self, era: Era, direction: Direction) -> bool {
        self.row().is_some_and(|row| {
            let senders = match era {
                Era::Legacy => row.legacy,
                Era::Modern => row.modern,
            };
            senders.contains(&direction)
        })
    }
    /// What the method's params point at.
    pub fn target(self) -> Target {
        self.row().map_or(Target::None, |row| row.target)
    }
    /// Whether the method's target may be a URI.
    pub fn addresses_uri(self) -> bool {
        matches!(self.target(), Target::Resource | Target::Reference)
    }
    /// The name or URI of the method's target in these params.
    pub fn target_in(self, params: &Json) -> Option<String> {
        let params = params.root();
        let name = match self.target() {
            Target::Tool | Target::Prompt => params.get("name"),
            Target::Resource => params.get("uri"),
            Target::Reference => {
                let reference = params.get("ref")?;
                let resource = reference
                    .get("type")
                    .is_some_and(|it| it.is_string("ref/resource"));
                reference.get(if resource { "uri" } else { "name" })
            }
            Target::None => None,
        };
        Some(name?.string()?.into_owned())
    }
    /// The member of a result that holds a list (`tools`, `prompts`, `resources`, `resourceTemplates`), if the method
    /// lists.
    pub fn list_member(self) -> Option<&'static str> {
        self.row()?.lists
    }
    /// Whether a refusal is answered by a result that models read (`tools/call`) rather than by an error.
    pub fn refuses_by_result(self) -> bool {
        self.name == "tools/call"
    }
    /// Whether a modern server may ask this within a reply (`inputRequests`), since it has no requests of its own.
    pub fn may_be_input_required(self) -> bool {
        matches!(
            self.name,
            "sampling/createMessage" | "elicitation/create" | "roots/list"
        )
    }
    /// Whether the method is a notification (`notifications/…`).
    pub fn is_notification(self) -> bool {
        self.name.starts_with("notifications/")
    }

    fn row(self) -> Option<&'static Row> {
        TABLE.iter().find(|row| row.name == self.name)
    }
}

struct Row {
    name: &'static str,
    /// The directions in which the method is sent in the legacy era.
    legacy: &'static [Direction],
    /// The directions in which the method is sent in the modern era. Tasks are an extension there.
    modern: &'static [Direction],
    target: Target,
    lists: Option<&'static str>,
}

const NOBODY: &[Direction] = &[];
const CLIENT: &[Direction] = &[Direction::ClientToServer];
const SERVER: &[Direction] = &[Direction::ServerToClient];
const BOTH: &[Direction] = &[Direction::ClientToServer, Direction::ServerToClient];

const fn row(
    name: &'static str,
    legacy: &'static [Direction],
    modern: &'static [Direction],
) -> Row {
    Row {
        name,
        legacy,
        modern,
        target: Target::None,
        lists: None,
    }
}

impl Row {
    const fn at(self, target: Target) -> Self {
        Self { target, ..self }
    }
    const fn lists(self, member: &'static str) -> Self {
        Self {
            lists: Some(member),
            ..self
        }
    }
}

static TABLE: &[Row] = &[
    row("initialize", CLIENT, NOBODY),
    row("server/discover", NOBODY, CLIENT),
    row("ping", BOTH, NOBODY),
    row("tools/list", CLIENT, CLIENT).lists("tools"),
    row("tools/call", CLIENT, CLIENT).at(Target::Tool),
    row("prompts/list", CLIENT, CLIENT).lists("prompts"),
    row("prompts/get", CLIENT, CLIENT).at(Target::Prompt),
    row("resources/list", CLIENT, CLIENT).lists("resources"),
    row("resources/templates/list", CLIENT, CLIENT).lists("resourceTemplates"),
    row("resources/read", CLIENT, CLIENT).at(Target::Resource),
    row("resources/subscribe", CLIENT, NOBODY).at(Target::Resource),
    row("resources/unsubscribe", CLIENT, NOBODY).at(Target::Resource),
    row("subscriptions/listen", NOBODY, CLIENT),
    row("completion/complete", CLIENT, CLIENT).at(Target::Reference),
    row("logging/setLevel", CLIENT, NOBODY),
    row("tasks/get", BOTH, CLIENT),
    row("tasks/result", BOTH, NOBODY),
    row("tasks/list", BOTH, NOBODY),
    row("tasks/update", NOBODY, CLIENT),
    row("tasks/cancel", BOTH, CLIENT),
    row("sampling/createMessage", SERVER, NOBODY),
    row("elicitation/create", SERVER, NOBODY),
    row("roots/list", SERVER, NOBODY),
    row("notifications/initialized", CLIENT, NOBODY),
    row("notifications/cancelled", BOTH, BOTH),
    row("notifications/progress", BOTH, SERVER),
    row("notifications/roots/list_changed", CLIENT, NOBODY),
    row("notifications/message", SERVER, SERVER),
    row("notifications/resources/updated", SERVER, SERVER).at(Target::Resource),
    row("notifications/resources/list_changed", SERVER, SERVER),
    row("notifications/tools/list_changed", SERVER, SERVER),
    row("notifications/prompts/list_changed", SERVER, SERVER),
    row("notifications/elicitation/complete", SERVER, NOBODY),
    row("notifications/tasks/status", BOTH, NOBODY),
    row("notifications/tasks", NOBODY, SERVER),
    row("notifications/subscriptions/acknowledged", NOBODY, SERVER),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json_error::Limits;

    fn target(method: &str, params: &'static str) -> Option<String> {
        Method::new(method).target_in(&Json::parse(params, &Limits::default()).expect("valid"))
    }

    #[test]
    fn a_target_is_where_the_method_has_it() {
        let params = r#"{"name":"a n\u0061me","uri":"file:///x"}"#;
        assert_eq!(target("tools/call", params).as_deref(), Some("a name"));
        assert_eq!(target("prompts/get", params).as_deref(), Some("a name"));
        for method in [
            "resources/read",
            "resources/subscribe",
            "resources/unsubscribe",
            "notifications/resources/updated",
        ] {
            assert_eq!(
                target(method, params).as_deref(),
                Some("file:///x"),
                "{method}"
            );
        }
        for method in ["tools/list", "ping", "unheard/of"] {
            assert_eq!(target(method, params), None, "{method}");
        }
    }

    #[test]
    fn a_reference_is_read_by_its_type() {
        let both = r#"{"ref":{"uri":"file:///{x}","name":"ask","type":"ref/resource"}}"#;
        assert_eq!(
            target("completion/complete", both).as_deref(),
            Some("file:///{x}")
        );
        let prompt = r#"{"ref":{"uri":"file:///{x}","name":"ask","type":"ref/prompt"}}"#;
        assert_eq!(
            target("completion/complete", prompt).as_deref(),
            Some("ask")
        );
    }

    #[test]
    fn a_target_that_is_no_string_is_none() {
        assert_eq!(target("tools/call", r#"{"name":["x"]}"#), None);
        assert_eq!(target("tools/call", "{}"), None);
        assert_eq!(target("completion/complete", r#"{"ref":"x"}"#), None);
    }

    #[test]
    fn lists_know_their_member() {
        let lists: Vec<_> = Method::known()
            .filter_map(|method| Some((method.name, method.list_member()?)))
            .collect();
        assert_eq!(
            lists,
            [
                ("tools/list", "tools"),
                ("prompts/list", "prompts"),
                ("resources/list", "resources"),
                ("resources/templates/list", "resourceTemplates")
            ]
        );
    }

    #[test]
    fn each_method_stands_in_the_table_once_and_somebody_sends_it() {
        for method in Method::known() {
            assert_eq!(
                Method::known()
                    .filter(|other| other.name == method.name)
                    .count(),
                1,
                "{}",
                method.name
            );
            let sent = [Era::Legacy, Era::Modern]
                .into_iter()
                .any(|era| BOTH.iter().any(|&way| method.exists(era, way)));
            assert!(sent, "{}", method.name);
        }
    }

    #[test]
    fn the_modern_era_has_no_session_and_no_requests_from_servers() {
        assert!(Method::new("initialize").exists(Era::Legacy, Direction::ClientToServer));
        assert!(!Method::new("initialize").exists(Era::Modern, Direction::ClientToServer));
        assert!(Method::new("server/discover").exists(Era::Modern, Direction::ClientToServer));
        let asks = |method: &Method<'_>| {
            !method.is_notification() && method.exists(Era::Modern, Direction::ServerToClient)
        };
        assert_eq!(Method::known().filter(asks).count(), 0);
    }
}

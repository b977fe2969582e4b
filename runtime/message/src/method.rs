//! What each MCP method addresses. The table of `schema.ts`, both eras; a method not in it is opaque and passes under
//! its own name.

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

/// A method as the gateway knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Method<'a> {
    /// As on the wire, for example `tools/call`.
    pub name: &'a str,
}

impl<'a> Method<'a> {
    /// Any name.
    pub fn new(name: &'a str) -> Self {
        Self { name }
    }
    /// Every method of the protocol, both eras, requests before notifications.
    pub fn known() -> impl Iterator<Item = Method<'static>> {
        TABLE.iter().map(|row| Method { name: row.name })
    }
    /// The protocol has it, in that era and direction.
    pub fn exists(self, era: Era, direction: Direction) -> bool {
        self.row().is_some_and(|row| {
            let senders = match era {
                Era::Legacy => row.legacy,
                Era::Modern => row.modern,
            };
            senders.contains(&direction)
        })
    }
    /// What its params point at.
    pub fn target(self) -> Target {
        self.row().map_or(Target::None, |row| row.target)
    }
    /// The name or URI of its target in these params.
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
    /// The member of a result that holds a list (`tools`, `prompts`, `resources`, `resourceTemplates`), where it lists.
    pub fn list_member(self) -> Option<&'static str> {
        self.row()?.lists
    }
    /// A refused one is answered by a result that models read (`tools/call`), not by an error.
    pub fn refuses_by_result(self) -> bool {
        self.name == "tools/call"
    }
    /// `notifications/…`.
    pub fn is_notification(self) -> bool {
        self.name.starts_with("notifications/")
    }

    fn row(self) -> Option<&'static Row> {
        TABLE.iter().find(|row| row.name == self.name)
    }
}

struct Row {
    name: &'static str,
    /// Who sends it in the legacy era.
    legacy: &'static [Direction],
    /// Who sends it in the modern era; tasks are an extension there.
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

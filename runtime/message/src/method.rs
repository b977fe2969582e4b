//! What each MCP method addresses. The table of `schema.ts`, both eras; a method not in it is opaque and passes under
//! its own name.

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
    /// What its params point at.
    pub fn target(self) -> Target {
        todo!()
    }
    /// The name or URI of its target in these params.
    pub fn target_in(self, params: &Json) -> Option<String> {
        let _ = params;
        todo!()
    }
    /// The member of a result that holds a list (`tools`, `prompts`, `resources`, `resourceTemplates`), where it lists.
    pub fn list_member(self) -> Option<&'static str> {
        todo!()
    }
    /// A refused one is answered by a result that models read (`tools/call`), not by an error.
    pub fn refuses_by_result(self) -> bool {
        self.name == "tools/call"
    }
    /// `notifications/…`.
    pub fn is_notification(self) -> bool {
        self.name.starts_with("notifications/")
    }
}

//! The kinds of lists whose definitions are checked.

/// A list of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    /// The member of a result that holds the list.
    pub(crate) list: &'static str,
    /// The member of an element that names it.
    pub(crate) name: &'static str,
    /// The singular, for messages.
    pub(crate) singular: &'static str,
}

const TOOLS: Kind = Kind {
    list: "tools",
    name: "name",
    singular: "tool",
};
const PROMPTS: Kind = Kind {
    list: "prompts",
    name: "name",
    singular: "prompt",
};
const RESOURCES: Kind = Kind {
    list: "resources",
    name: "uri",
    singular: "resource",
};
const TEMPLATES: Kind = Kind {
    list: "resourceTemplates",
    name: "uriTemplate",
    singular: "resource template",
};

impl Kind {
    /// The kind that a request lists.
    pub(crate) fn listed_by(method: &str) -> Option<Self> {
        Some(match method {
            "tools/list" => TOOLS,
            "prompts/list" => PROMPTS,
            "resources/list" => RESOURCES,
            "resources/templates/list" => TEMPLATES,
            _ => return None,
        })
    }

    /// The kind that a request uses.
    pub(crate) fn used_by(method: &str) -> Option<Self> {
        Some(match method {
            "tools/call" => TOOLS,
            "prompts/get" => PROMPTS,
            _ => return None,
        })
    }

    /// Whether models choose among the names of the list. URIs are given to them, and differ in single characters.
    pub(crate) fn has_names(self) -> bool {
        self.name == "name"
    }
}

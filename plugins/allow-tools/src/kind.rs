//! The kinds of things that servers offer and rules allow.

use sandgate_sdk::Document;

/// Tools, prompts or resources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Tools,
    Prompts,
    Resources,
}

/// The member of a list result that holds the list, and the member of an element that names the element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) list: &'static str,
    pub(crate) name: &'static str,
}

impl Kind {
    /// The kind that a request uses. Two kinds where a completion's reference does not say which; empty where the
    /// request uses nothing that is listed.
    pub(crate) fn addressed_by(method: &str, params: &Document) -> &'static [Self] {
        match method {
            "tools/call" => &[Self::Tools],
            "prompts/get" => &[Self::Prompts],
            "resources/read"
            | "resources/subscribe"
            | "resources/unsubscribe"
            | "notifications/resources/updated" => &[Self::Resources],
            "completion/complete" => match params.get("/ref/type").as_deref() {
                Some(r#""ref/prompt""#) => &[Self::Prompts],
                Some(r#""ref/resource""#) => &[Self::Resources],
                _ => &[Self::Prompts, Self::Resources],
            },
            _ => &[],
        }
    }

    /// The kind that a request lists, and where its result holds the list.
    pub(crate) fn listed_by(method: &str) -> Option<(Self, Member)> {
        Some(match method {
            "tools/list" => (
                Self::Tools,
                Member {
                    list: "tools",
                    name: "name",
                },
            ),
            "prompts/list" => (
                Self::Prompts,
                Member {
                    list: "prompts",
                    name: "name",
                },
            ),
            "resources/list" => (
                Self::Resources,
                Member {
                    list: "resources",
                    name: "uri",
                },
            ),
            "resources/templates/list" => (
                Self::Resources,
                Member {
                    list: "resourceTemplates",
                    name: "uriTemplate",
                },
            ),
            _ => return None,
        })
    }

    /// The pointer to the name in the params of the request.
    pub(crate) fn pointer(self, method: &str) -> &'static str {
        match (method, self) {
            ("completion/complete", _) => "/ref",
            (_, Self::Resources) => "/uri",
            _ => "/name",
        }
    }

    /// The role of the name, for explanations.
    pub(crate) fn role(self) -> &'static str {
        match self {
            Self::Tools => "name of a tool",
            Self::Prompts => "name of a prompt",
            Self::Resources => "URI of a resource",
        }
    }

    /// The singular, for messages.
    pub(crate) fn singular(self) -> &'static str {
        match self {
            Self::Tools => "tool",
            Self::Prompts => "prompt",
            Self::Resources => "resource",
        }
    }
}

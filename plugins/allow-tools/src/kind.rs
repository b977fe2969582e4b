//! What can be allowed: the three things that servers offer.

use sandgate_sdk::Document;

/// Tools, prompts or resources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Tools,
    Prompts,
    Resources,
}

/// A member of a list result, and the member of its elements that names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) list: &'static str,
    pub(crate) name: &'static str,
}

impl Kind {
    /// What a request wants to use: one kind, or, where its reference does not say which, any of two; nothing where it
    /// uses nothing that is listed.
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

    /// What a request lists, and where its result holds them.
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

    /// Where the params of that request name it.
    pub(crate) fn pointer(self, method: &str) -> &'static str {
        match (method, self) {
            ("completion/complete", _) => "/ref",
            (_, Self::Resources) => "/uri",
            _ => "/name",
        }
    }

    /// What a call's value is taken for.
    pub(crate) fn role(self) -> &'static str {
        match self {
            Self::Tools => "name of a tool",
            Self::Prompts => "name of a prompt",
            Self::Resources => "URI of a resource",
        }
    }

    /// One of it.
    pub(crate) fn singular(self) -> &'static str {
        match self {
            Self::Tools => "tool",
            Self::Prompts => "prompt",
            Self::Resources => "resource",
        }
    }
}

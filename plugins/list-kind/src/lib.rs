//! The kinds of things that MCP servers list: which request lists them, where its result holds the list, and which
//! member names an element. It is made for policies that read definitions, and knows no rule of any of them.

/// Tools, prompts, resources or templates of resources. Settings write it in lower case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Tools, named by `name`.
    Tools,
    /// Prompts, named by `name`.
    Prompts,
    /// Resources, named by `uri`.
    Resources,
    /// Templates of resources, named by `uriTemplate`.
    Templates,
}

impl Kind {
    /// The kind that a request lists. `None` where the method lists no definitions.
    #[must_use]
    pub fn listed_by(method: &str) -> Option<Self> {
        Some(match method {
            "tools/list" => Self::Tools,
            "prompts/list" => Self::Prompts,
            "resources/list" => Self::Resources,
            "resources/templates/list" => Self::Templates,
            _ => return None,
        })
    }

    /// The kind whose definition says how a request uses it: of tools and prompts. `None` where the method uses neither.
    #[must_use]
    pub fn used_by(method: &str) -> Option<Self> {
        Some(match method {
            "tools/call" => Self::Tools,
            "prompts/get" => Self::Prompts,
            _ => return None,
        })
    }

    /// The member of a result that holds the list.
    #[must_use]
    pub fn list(self) -> &'static str {
        match self {
            Self::Tools => "tools",
            Self::Prompts => "prompts",
            Self::Resources => "resources",
            Self::Templates => "resourceTemplates",
        }
    }

    /// The member of an element that names it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Tools | Self::Prompts => "name",
            Self::Resources => "uri",
            Self::Templates => "uriTemplate",
        }
    }

    /// The singular, for messages.
    #[must_use]
    pub fn singular(self) -> &'static str {
        match self {
            Self::Tools => "tool",
            Self::Prompts => "prompt",
            Self::Resources => "resource",
            Self::Templates => "resource template",
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn each_list_that_a_manifest_asks_for_is_read() {
        for manifest in [
            include_str!("../../allow-tools/plugin.toml"),
            include_str!("../../tool-guard/plugin.toml"),
            include_str!("../../tool-pins/plugin.toml"),
        ] {
            let (_, hook) = manifest.split_once("[hooks.post-call]").unwrap();
            let hook = hook.split("\n[").next().unwrap();
            let lists = hook.split('"').filter(|event| event.ends_with("/list"));
            let mut seen = 0;
            for list in lists {
                assert!(Kind::listed_by(list).is_some(), "{list} passes unread");
                seen += 1;
            }
            assert!(seen >= 4, "{hook}");
        }
    }
}

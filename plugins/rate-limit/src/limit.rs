//! A limit as it is applied.

use sandgate_sdk::glob_matches;

use crate::bucket::Pace;
use crate::key::Keys;
use crate::settings::{Targets, Who};

/// Whose calls count together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Deserialize)]
#[cfg_attr(test, derive(serde::Serialize, schemars::JsonSchema), schemars(inline))]
#[serde(rename_all = "kebab-case")]
pub(crate) enum By {
    /// Each caller has a bucket; anonymous callers share one.
    #[default]
    Principal,
    /// Each conversation has a bucket; without one, the caller.
    Session,
    /// Each tool has a bucket, which all callers share.
    Tool,
    /// Each caller has a bucket for each tool.
    PrincipalAndTool,
    /// One bucket for all.
    Everyone,
}

/// A limit.
pub(crate) struct Limit {
    /// Its place in the settings, from 1.
    pub(crate) number: usize,
    /// What its keys begin with: a digest of its settings, so that a limit keeps its buckets when others come and go.
    pub(crate) id: String,
    pub(crate) who: Vec<Who>,
    pub(crate) tools: Vec<Targets>,
    pub(crate) by: By,
    pub(crate) calls: u32,
    /// As the operator writes it.
    pub(crate) per: String,
    pub(crate) pace: Pace,
}

impl By {
    /// Words for a message, with a space before them.
    pub(crate) fn said(self) -> &'static str {
        match self {
            Self::Principal => " by one caller",
            Self::Session => " in one conversation",
            Self::Tool => " of one tool",
            Self::PrincipalAndTool => " of one tool by one caller",
            Self::Everyone => " by all callers together",
        }
    }
}

impl Limit {
    /// Whether it counts this call.
    pub(crate) fn fits(&self, keys: &Keys) -> bool {
        let is_theirs = self.who.iter().any(|who| match who {
            Who::Everybody => true,
            Who::Client(glob) => keys
                .principal()
                .is_some_and(|name| glob_matches(glob, name)),
            Who::Group(glob) => keys.groups().iter().any(|group| glob_matches(glob, group)),
        });
        // What a target without a name is cannot be told, so it counts as any of the server's.
        is_theirs
            && self.tools.iter().any(|targets| {
                targets.are_all()
                    || match keys.target() {
                        "" => targets.are_of(keys.server()),
                        target => targets.have(keys.server(), target),
                    }
            })
    }

    /// The key of the bucket in the state.
    pub(crate) fn key(&self, keys: &Keys) -> String {
        let subject = keys.subject(self.by);
        format!("{}/{subject}", self.id)
    }
}

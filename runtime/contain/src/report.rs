//! What the helper tells of a program, a JSON text a line.

use serde::{Deserialize, Serialize};

use crate::limits::Limit;

/// One line of the helper.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Report {
    /// The plan is in force, and the program begins.
    InForce(InForce),
    /// The plan could not be put into force, so that the program was not started.
    Failed(String),
    /// The program reached a limit.
    Reached {
        /// Which one.
        limit: Limit,
        /// What was allowed, as text.
        allowed: String,
    },
}

/// What the kernel says of a program just before it begins.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct InForce {
    /// `bubblewrap` or `landlock`.
    pub with: String,
    /// The user's number, as other programs see it.
    pub user: u32,
    /// The namespaces that are its own: `mnt`, `pid`, `net`, `ipc`, `uts`, `user`, `cgroup`.
    pub namespaces: Vec<String>,
    /// The version of Landlock whose rights are all handled; `None` without Landlock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub landlock: Option<u32>,
    /// The number of seccomp filters.
    pub seccomp_filters: u32,
    /// Whether no program that it starts can gain privileges.
    pub no_new_privileges: bool,
    /// Its capabilities, effective, permitted, inheritable and ambient together; 0 is none.
    pub capabilities: u64,
    /// The limits, each with its value and who holds it.
    pub limits: Vec<(String, String)>,
}

impl InForce {
    /// One line for people.
    pub fn text(&self) -> String {
        let mut parts = vec![self.with.clone()];
        if !self.namespaces.is_empty() {
            parts.push(format!("own {}", self.namespaces.join(", ")));
        }
        if let Some(version) = self.landlock {
            parts.push(format!("landlock version {version}"));
        }
        parts.push(format!("user {}", self.user));
        parts.push(match self.capabilities {
            0 => "no capabilities".into(),
            some => format!("capabilities {some:x}"),
        });
        if self.no_new_privileges {
            parts.push("no new privileges".into());
        }
        parts.push(format!("{} seccomp filters", self.seccomp_filters));
        let limits = self.limits.iter();
        parts.extend(limits.map(|(key, value)| format!("{key} {value}")));
        parts.join("; ")
    }
}

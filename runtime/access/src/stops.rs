//! What the operator has stopped: clients, servers, tools and plugins. Stops belong to the edition in force, and to each
//! that follows it until they are lifted.

use std::sync::Arc;
use std::time::SystemTime;

use crate::client_view::is_odd;
use crate::pattern::{Kind, Pattern, PatternError, ViewPattern};
use sandgate_message::looks_like;
use sandgate_observe::RefusedBy;

/// What a stop is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StopKind {
    /// A server, by its name.
    Server,
    /// A client, by its name.
    Client,
    /// A tool, as `SERVER/TOOL`. The tool's part may be a glob.
    Tool,
    /// A plugin: an interceptor by its name, or all interceptors of a plugin by that plugin's name.
    Plugin,
}

/// One stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// What it is about.
    pub kind: StopKind,
    /// The name of what is stopped.
    pub name: Arc<str>,
    /// Why, in the operator's words.
    pub why: Arc<str>,
    /// The user who stopped it, by the number at the admin socket.
    pub by: u32,
    /// When it was stopped.
    pub since: SystemTime,
    /// When the stop ends by itself. `None`: it does not.
    pub until: Option<SystemTime>,
}

/// All stops in force.
#[derive(Debug, Default)]
pub struct Stops {
    all: Vec<Stop>,
    tools: Vec<StoppedTools>,
}

/// The tools of one stop.
#[derive(Debug)]
struct StoppedTools {
    /// The stop's place.
    stop: usize,
    server: Arc<str>,
    pattern: Pattern,
}

impl StopKind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Server, Self::Client, Self::Tool, Self::Plugin];

    /// The kind's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Client => "client",
            Self::Tool => "tool",
            Self::Plugin => "plugin",
        }
    }

    /// The code of refusals because of such a stop.
    pub fn code(self) -> &'static str {
        match self {
            Self::Server => "stop.server",
            Self::Client => "stop.client",
            Self::Tool => "stop.tool",
            Self::Plugin => "stop.plugin",
        }
    }
}

impl Stops {
    /// Compiles the stops.
    ///
    /// # Errors
    ///
    /// A tool is not written `SERVER/TOOL`, or its part is no glob.
    pub fn new(all: Vec<Stop>) -> Result<Self, PatternError> {
        let mut tools = Vec::new();
        for (stop, one) in all.iter().enumerate() {
            if one.kind != StopKind::Tool {
                continue;
            }
            let wrong = |why: &str| PatternError {
                text: one.name.clone(),
                why: why.to_owned(),
            };
            let (server, name) = one
                .name
                .split_once('/')
                .filter(|(server, name)| !server.is_empty() && !name.is_empty())
                .ok_or_else(|| wrong("a tool is written SERVER/TOOL"))?;
            let pattern = ViewPattern {
                text: one.name.clone(),
                kind: Kind::Tool,
                server: String::new(),
                name: name.to_owned(),
            };
            tools.push(StoppedTools {
                stop,
                server: server.into(),
                pattern: Pattern::new(&Arc::default(), &pattern, true)?,
            });
        }
        Ok(Self { all, tools })
    }

    /// All stops, oldest first.
    pub fn all(&self) -> &[Stop] {
        &self.all
    }

    /// The stop of a client, by its name.
    pub fn client(&self, name: Option<&str>) -> Option<&Stop> {
        self.named(StopKind::Client, name?)
    }

    /// The stop of a server, by its name.
    pub fn server(&self, name: &str) -> Option<&Stop> {
        self.named(StopKind::Server, name)
    }

    /// The stop of a tool, by its server's name for it. Case makes no difference, nor do invisible characters and other
    /// forms of a letter (NFKC): a lenient server may take one name for another.
    pub fn tool(&self, server: &str, name: &str) -> Option<&Stop> {
        let seen = is_odd(name).then(|| looks_like(name));
        let stops = |one: &&StoppedTools| {
            let matches = |name: &str| one.pattern.matches(name);
            *one.server == *server && (matches(name) || seen.as_deref().is_some_and(matches))
        };
        let found = self.tools.iter().find(stops)?;
        self.all.get(found.stop)
    }

    /// A stop of tools of the server, if there is any.
    pub fn tool_of(&self, server: &str) -> Option<&Stop> {
        let found = self.tools.iter().find(|one| *one.server == *server)?;
        self.all.get(found.stop)
    }

    /// Whether tools of the server are stopped.
    pub fn stops_tools_of(&self, server: &str) -> bool {
        self.tool_of(server).is_some()
    }

    /// The names of stopped plugins.
    pub fn plugins(&self) -> Vec<Arc<str>> {
        let plugins = self.all.iter().filter(|one| one.kind == StopKind::Plugin);
        plugins.map(|one| one.name.clone()).collect()
    }

    /// Whether lists of the server, or of all servers (`None`), differ between the two.
    pub fn differ(&self, other: &Self, server: Option<&str>) -> bool {
        let shown = |stops: &Self| -> Vec<Arc<str>> {
            let about = |one: &&Stop| match (one.kind, server) {
                (StopKind::Server, None) | (StopKind::Tool, None) => true,
                (StopKind::Server, Some(server)) => *one.name == *server,
                (StopKind::Tool, Some(server)) => {
                    one.name.split_once('/').is_some_and(|(of, _)| of == server)
                }
                (StopKind::Client | StopKind::Plugin, _) => false,
            };
            let about = stops.all.iter().filter(about);
            about.map(|one| one.name.clone()).collect()
        };
        !(self.all.is_empty() && other.all.is_empty()) && shown(self) != shown(other)
    }

    fn named(&self, kind: StopKind, name: &str) -> Option<&Stop> {
        let mut all = self.all.iter();
        all.find(|one| one.kind == kind && *one.name == *name)
    }
}

impl Stop {
    /// The stop as the rule that refuses a call.
    pub fn rule(&self) -> RefusedBy {
        RefusedBy {
            stopped: Some(self.name.clone()),
            why: Some(self.why.clone()),
            ..RefusedBy::of(self.kind.code())
        }
    }
}

#[cfg(test)]
mod tests;

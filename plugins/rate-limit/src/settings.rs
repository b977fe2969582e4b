//! The settings, and what is made of them.

use sandgate_sdk::{Issues, glob_matches};
use sha2::{Digest, Sha256};

use crate::RateLimit;
use crate::bucket::Pace;
use crate::limit::{By, Limit};
use crate::span;

/// What is counted, and how much of it is too much.
#[derive(serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// The limits. Each limit that fits a call must have room for it.
    #[cfg_attr(test, schemars(length(min = 1)))]
    limits: Vec<Written>,
    /// Tools that no limit counts: `SERVER/NAME` with wildcards.
    #[serde(default)]
    #[cfg_attr(test, schemars(inner(regex(pattern = r"^[^/]+/.+$"))))]
    exempt: Vec<String>,
    /// What is counted: calls of tools, gets of prompts, reads of resources.
    #[serde(default = "tools_only")]
    #[cfg_attr(test, schemars(length(min = 1)))]
    kinds: Vec<Kind>,
}

/// A limit as the operator writes it.
#[derive(serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline))]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Written {
    /// Callers: `client:NAME`, `group:NAME`, or `*` for everybody, anonymous callers too. `*` and `?` are wildcards in
    /// names.
    #[serde(default = "everything")]
    #[cfg_attr(
        test,
        schemars(length(min = 1), inner(regex(pattern = r"^(\*|(client|group):.+)$")))
    )]
    who: Vec<String>,
    /// Tools: `SERVER/NAME` with wildcards, or `*` for all. A name is that of a tool or prompt, or the URI of a resource.
    #[serde(default = "everything")]
    #[cfg_attr(
        test,
        schemars(length(min = 1), inner(regex(pattern = r"^(\*|[^/]+/.+)$")))
    )]
    tools: Vec<String>,
    /// Whose calls count together.
    #[serde(default)]
    by: By,
    /// How many calls come back in `per`.
    #[cfg_attr(test, schemars(range(min = 1, max = 1_000_000_000)))]
    calls: u32,
    /// A length of time: a number with `ms`, `s`, `m`, `h` or `d`.
    #[cfg_attr(test, schemars(regex(pattern = r"^[0-9]+(ms|s|m|h|d)$"), extend("examples" = ["1m"])))]
    per: String,
    /// How many calls may come at once. Left out: as many as `calls`.
    #[cfg_attr(test, schemars(range(min = 1, max = 1_000_000_000)))]
    burst: Option<u32>,
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[cfg_attr(test, derive(serde::Serialize, schemars::JsonSchema), schemars(inline))]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Tools,
    Prompts,
    Resources,
}

/// An entry of `who`. Names are globs.
pub(crate) enum Who {
    Everybody,
    Client(String),
    Group(String),
}

/// Globs for a server and a name.
pub(crate) struct Targets {
    server: String,
    name: String,
}

fn tools_only() -> Vec<Kind> {
    vec![Kind::Tools]
}

fn everything() -> Vec<String> {
    vec!["*".into()]
}

impl Kind {
    /// What a request uses, where it is something to count.
    pub(crate) fn used_by(method: &str) -> Option<Self> {
        match method {
            "tools/call" => Some(Self::Tools),
            "prompts/get" => Some(Self::Prompts),
            "resources/read" => Some(Self::Resources),
            _ => None,
        }
    }

    /// For explanations.
    pub(crate) fn role(self) -> &'static str {
        match self {
            Self::Tools => "call of a tool",
            Self::Prompts => "get of a prompt",
            Self::Resources => "read of a resource",
        }
    }

    /// Where the name stands in the params.
    pub(crate) fn pointer(self) -> &'static str {
        match self {
            Self::Tools | Self::Prompts => "/name",
            Self::Resources => "/uri",
        }
    }
}

impl Who {
    fn read(text: &str) -> Option<Self> {
        match text.split_once(':') {
            None if text == "*" => Some(Self::Everybody),
            Some((_, "")) => None,
            Some(("client", name)) => Some(Self::Client(name.into())),
            Some(("group", name)) => Some(Self::Group(name.into())),
            _ => None,
        }
    }
}

impl Targets {
    fn read(text: &str) -> Option<Self> {
        let (server, name) = match text {
            "*" => ("*", "*"),
            _ => text.split_once('/')?,
        };
        (!server.is_empty() && !name.is_empty()).then(|| Self {
            server: server.into(),
            name: name.into(),
        })
    }

    /// Whether nothing is left out.
    pub(crate) fn are_all(&self) -> bool {
        self.server == "*" && self.name == "*"
    }

    /// Whether some of them may be the server's.
    pub(crate) fn are_of(&self, server: &str) -> bool {
        glob_matches(&self.server, server)
    }

    /// Whether this is one of them.
    pub(crate) fn have(&self, server: &str, name: &str) -> bool {
        glob_matches(&self.server, server) && glob_matches(&self.name, name)
    }
}

impl Settings {
    /// The policy of these settings. The error lists everything that is wrong.
    pub(crate) fn read(self) -> Result<RateLimit, Issues> {
        let mut issues = Issues::new();
        if self.limits.is_empty() {
            issues.add(
                "/limits",
                "no limits: nothing would be counted; for example { calls = 60, per = \"1m\" }",
            );
        }
        if self.kinds.is_empty() {
            issues.add(
                "/kinds",
                "empty: nothing would be counted; leave it out for tools",
            );
        }
        let mut limits: Vec<Limit> = Vec::with_capacity(self.limits.len());
        for (index, written) in self.limits.into_iter().enumerate() {
            let Some(limit) = written.read(index, &mut issues) else {
                continue;
            };
            if let Some(twin) = limits.iter().find(|other| other.id == limit.id) {
                issues.add(
                    format!("/limits/{index}"),
                    format!("the same as limit {}; remove one", twin.number),
                );
            }
            limits.push(limit);
        }
        let exempt = targets(&self.exempt, "/exempt", &mut issues);
        if let Some(all) = exempt.iter().position(Targets::are_all) {
            issues.add(
                format!("/exempt/{all}"),
                "would exempt everything; remove the interceptor instead",
            );
        }
        issues.or(RateLimit {
            limits,
            exempt,
            kinds: self.kinds,
        })
    }
}

impl Written {
    /// `None` where it cannot be applied; the issues say why.
    fn read(self, index: usize, issues: &mut Issues) -> Option<Limit> {
        let place = format!("/limits/{index}");
        if self.who.is_empty() {
            issues.add(
                format!("{place}/who"),
                "empty: the limit fits nobody; leave it out for everybody",
            );
        }
        if self.tools.is_empty() {
            issues.add(
                format!("{place}/tools"),
                "empty: the limit fits no tool; leave it out for all",
            );
        }
        let mut who = Vec::new();
        for (at, text) in self.who.iter().enumerate() {
            match Who::read(text) {
                Some(read) => who.push(read),
                None => issues.add(
                    format!("{place}/who/{at}"),
                    format!("{text:?} is not \"client:NAME\", \"group:NAME\" or \"*\""),
                ),
            }
        }
        let tools = targets(&self.tools, &format!("{place}/tools"), issues);
        if self.calls == 0 {
            issues.add(
                format!("{place}/calls"),
                "0 allows nothing; to forbid a tool use allow-tools",
            );
        }
        if self.burst == Some(0) {
            issues.add(
                format!("{place}/burst"),
                "0 allows nothing; leave it out for as many as `calls`",
            );
        }
        let Some(per) = span::read(&self.per) else {
            issues.add(
                format!("{place}/per"),
                format!(
                    "{:?} is no length of time, such as \"10s\", \"1m\", \"1d\"",
                    self.per
                ),
            );
            return None;
        };
        let burst = self.burst.unwrap_or(self.calls);
        if self.calls == 0 || burst == 0 {
            return None;
        }
        let Some(pace) = Pace::of(self.calls, per, burst) else {
            issues.add(
                format!("{place}/per"),
                "a bucket would take more than 400 days to fill, or less than a nanosecond a call",
            );
            return None;
        };
        Some(Limit {
            number: index + 1,
            id: self.id(burst),
            who,
            tools,
            by: self.by,
            calls: self.calls,
            per: self.per,
            pace,
        })
    }

    /// Twelve characters that are the same for the same limit.
    fn id(&self, burst: u32) -> String {
        let words = format!(
            "{:?} {:?} {:?} {} {} {burst}",
            self.who, self.tools, self.by, self.calls, self.per
        );
        let digest = Sha256::digest(words);
        digest
            .iter()
            .take(6)
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

fn targets(texts: &[String], place: &str, issues: &mut Issues) -> Vec<Targets> {
    let mut read = Vec::with_capacity(texts.len());
    for (at, text) in texts.iter().enumerate() {
        match Targets::read(text) {
            Some(targets) => read.push(targets),
            None => issues.add(
                format!("{place}/{at}"),
                format!(
                    "{text:?} is not \"SERVER/NAME\" or \"*\"; for all of a server: \"SERVER/*\""
                ),
            ),
        }
    }
    read
}

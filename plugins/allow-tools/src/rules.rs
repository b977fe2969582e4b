//! The rules: who may use what.

use sandgate_sdk::{Context, Issues, glob_matches};

/// A rule as the operator writes it.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Written {
    who: Vec<String>,
    allow: Vec<String>,
}

/// A rule as it is applied.
pub(crate) struct Rule {
    who: Vec<Who>,
    allow: Vec<Targets>,
}

/// An entry of `who`. Names are globs.
enum Who {
    Everybody,
    Client(String),
    Group(String),
}

/// An entry of `allow`: globs for the server and the name.
struct Targets {
    server: String,
    name: String,
}

/// The caller, as rules see it.
pub(crate) struct Caller {
    principal: Option<String>,
    groups: Vec<String>,
}

/// The globs for what a caller may use of one server.
pub(crate) struct Allowance<'r>(Vec<&'r str>);

/// Reads the rules. The error lists everything that is wrong.
pub(crate) fn read(written: Vec<Written>) -> Result<Vec<Rule>, Issues> {
    let mut issues = Issues::new();
    if written.is_empty() {
        issues.add(
            "/rules",
            "no rules: nothing would be allowed to anybody; say who may use what, for example \
             { who = [\"*\"], allow = [\"SERVER/*\"] }",
        );
    }
    let mut rules = Vec::with_capacity(written.len());
    for (n, rule) in written.into_iter().enumerate() {
        if rule.who.is_empty() {
            issues.add(
                format!("/rules/{n}/who"),
                "empty: the rule fits nobody; \"*\" fits everybody",
            );
        }
        let mut read = Rule {
            who: Vec::new(),
            allow: Vec::new(),
        };
        for (i, who) in rule.who.iter().enumerate() {
            match Who::read(who) {
                Some(who) => read.who.push(who),
                None => issues.add(
                    format!("/rules/{n}/who/{i}"),
                    format!("{who:?} is not \"client:NAME\", \"group:NAME\" or \"*\""),
                ),
            }
        }
        for (i, targets) in rule.allow.iter().enumerate() {
            match Targets::read(targets) {
                Some(targets) => read.allow.push(targets),
                None => issues.add(
                    format!("/rules/{n}/allow/{i}"),
                    format!("{targets:?} is not \"SERVER/NAME\" or \"*\"; for all of a server: \"SERVER/*\""),
                ),
            }
        }
        rules.push(read);
    }
    issues.or(rules)
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

    fn is(&self, caller: &Caller) -> bool {
        match self {
            Self::Everybody => true,
            Self::Client(glob) => caller
                .principal
                .as_deref()
                .is_some_and(|name| glob_matches(glob, name)),
            Self::Group(glob) => caller.groups.iter().any(|group| glob_matches(glob, group)),
        }
    }
}

impl Targets {
    fn read(text: &str) -> Option<Self> {
        let (server, name) = if text == "*" {
            ("*", "*")
        } else {
            text.split_once('/')?
        };
        (!server.is_empty() && !name.is_empty()).then(|| Self {
            server: server.into(),
            name: name.into(),
        })
    }
}

impl Caller {
    pub(crate) fn of(context: &Context) -> Self {
        Self {
            principal: context.principal(),
            groups: context.groups(),
        }
    }

    /// The entry of `who` that is for this caller alone. For an anonymous caller: `*`, which is everybody. `None` where
    /// the caller's name has a wildcard, because no entry stands for that name alone.
    pub(crate) fn named(&self) -> Option<String> {
        match &self.principal {
            Some(name) if name.contains(['*', '?']) => None,
            Some(name) => Some(format!("client:{name}")),
            None => Some("*".into()),
        }
    }

    /// The index of the first rule that fits the caller.
    pub(crate) fn deciding(&self, rules: &[Rule]) -> Option<usize> {
        rules
            .iter()
            .position(|rule| rule.who.iter().any(|who| who.is(self)))
    }

    /// What the first rule that fits the caller allows of this server. Empty where no rule fits.
    pub(crate) fn allowance<'r>(&self, rules: &'r [Rule], server: &str) -> Allowance<'r> {
        let rule = self.deciding(rules).map(|index| &rules[index]);
        let targets = rule.into_iter().flat_map(|rule| &rule.allow);
        Allowance(
            targets
                .filter(|of| glob_matches(&of.server, server))
                .map(|of| of.name.as_str())
                .collect(),
        )
    }
}

impl Allowance<'_> {
    /// Whether a name that begins with `beginning` may be allowed.
    pub(crate) fn may_have(&self, beginning: &str) -> bool {
        self.0.iter().any(|glob| {
            let literal = glob.split(['*', '?']).next().unwrap_or_default();
            literal.starts_with(beginning)
                || beginning.starts_with(literal)
                    && (literal.len() < glob.len() || *glob == beginning)
        })
    }

    /// Whether the name is allowed.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|glob| glob_matches(glob, name))
    }
}

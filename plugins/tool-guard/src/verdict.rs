//! Says what is wrong with a definition.

use sandgate_detect::hidden::Kinds;
use sandgate_detect::poisoning::Signs;
use sandgate_sdk::is_plain_name;
use sandgate_sdk::{Explanation, Finding, Refusal, because, finding, refuse};

/// What is wrong.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Flaw {
    Hidden(Kinds),
    Imitation,
    Variant,
    Poisoned(Signs),
    Capability,
}

/// What a definition is of.
#[derive(Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub(crate) server: &'a str,
    pub(crate) name: &'a str,
    pub(crate) what: &'static str,
}

impl Flaw {
    fn code(self) -> &'static str {
        match self {
            Self::Hidden(_) => "tool-guard.hidden-characters",
            Self::Imitation => "tool-guard.imitation",
            Self::Variant => "tool-guard.name-variant",
            Self::Poisoned(_) => "tool-guard.poisoned",
            Self::Capability => "tool-guard.dangerous-capability",
        }
    }

    fn says(self) -> &'static str {
        match self {
            Self::Hidden(_) => "The definition has characters that nobody sees.",
            Self::Imitation => "The name passes for another one.",
            Self::Variant => "The name looks like another one of the list.",
            Self::Poisoned(_) => "The definition speaks to the model instead of describing.",
            Self::Capability => "By its own words the tool is for attacks.",
        }
    }

    fn rule(self) -> String {
        match self {
            Self::Hidden(kinds) => format!("hidden characters: {}", list(kinds.names())),
            Self::Imitation => "name that passes for another one".into(),
            Self::Variant => "name that looks like another one".into(),
            Self::Poisoned(signs) => format!("signs: {}", list(signs.names().into_iter())),
            Self::Capability => "words for attacks".into(),
        }
    }

    /// The explanation: the entry of `allow` that would let it pass.
    fn explanation(self, subject: Subject<'_>) -> Explanation {
        let told = because(self.rule()).taken_for(format!("definition of a {}", subject.what));
        match is_plain_name(subject.name) {
            true => told.allowed_by("/allow/-", format!("{}/{}", subject.server, subject.name)),
            false => told.decided_by("/allow"),
        }
    }

    /// The finding, without a place.
    pub(crate) fn finding(self, subject: Subject<'_>, is_removed: bool) -> Finding {
        let then = if is_removed { " It was taken out." } else { "" };
        let mut found = finding(self.code(), format!("{}{then}", self.says()))
            .explain(self.explanation(subject));
        if let Self::Poisoned(signs) = self {
            let details = serde_json::json!({ "score": signs.score(), "signs": signs.names() });
            found = finding(self.code(), format!("{}{then}", self.says()))
                .details(details.to_string())
                .explain(self.explanation(subject));
        }
        match is_removed {
            true => found.error(),
            false => found.warn(),
        }
    }

    /// The refusal of a call.
    pub(crate) fn refusal(self, subject: Subject<'_>) -> Refusal {
        let message = format!(
            "This {} is not available here: {}",
            subject.what,
            self.says()
        );
        refuse(self.code(), message)
            .at("/name")
            .explain(self.explanation(subject))
    }
}

fn list<'n>(names: impl Iterator<Item = &'n str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

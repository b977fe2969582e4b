//! What is said of a text that is not TOML.

use super::issue::Issue;
use crate::source::{Source, SyntaxError};

impl Source {
    /// The parser's errors as issues: every duplicate key, and of the other errors only the first, since later ones
    /// mostly follow from it.
    pub fn syntax_issues(&self, errors: Vec<SyntaxError>) -> Vec<Issue> {
        let (twice, mut other): (Vec<_>, Vec<_>) = errors
            .into_iter()
            .partition(|e| e.message == "duplicate key");
        other.sort_by_key(|error| error.span.start);
        let first = other.into_iter().next();
        let limit = first.as_ref().map_or(usize::MAX, |error| error.span.start);
        let twice = twice.into_iter().filter(|error| error.span.start < limit).map(|error| {
            let there = self.text.get(error.span.clone()).unwrap_or_default();
            Issue::error(Some(error.span.clone()), format!("`{there}` is there twice"))
                .help("remove one, or give one another name; TOML allows each key and each `[table]` once")
        });
        let first = first.map(|error| {
            // The parser's list of what it expected names its own grammar, not what people write.
            let what = error.message.split(", expected").next().unwrap_or_default();
            Issue::error(Some(error.span), format!("this is not TOML: {what}"))
                .help("text stands in quotes, lists in `[ ]`, inline tables in `{ }`; see https://toml.io")
        });
        twice.chain(first).collect()
    }
}

//! A list of globs over names: methods, servers, tools, URIs, callers.

use std::fmt;

use globset::{GlobBuilder, GlobMatcher};

/// A list of globs; an empty one matches everything.
///
/// `*` also matches `/` (names are not paths), `?` matches one byte, and `[a-z]`, `{this,that}` and `\*` work as usual.
/// Case is significant. Plain names and `prefix*`, the usual ones, are compared without a regular expression.
#[derive(Clone, Default)]
pub struct Globs {
    patterns: Box<[Pattern]>,
}

/// A glob that is not valid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("glob {glob:?}: {why}")]
pub struct GlobError {
    /// The glob as it was written.
    pub glob: String,
    /// What is wrong with the glob.
    pub why: String,
}

#[derive(Clone)]
struct Pattern {
    text: Box<str>,
    form: Form,
}

#[derive(Clone)]
enum Form {
    All,
    Exact,
    /// A prefix of this many bytes of the text, then anything.
    Prefix(usize),
    Other(Box<GlobMatcher>),
}

impl Globs {
    /// Compiles the globs.
    ///
    /// # Errors
    ///
    /// One of the strings is not a valid glob. The error names the first such string.
    pub fn new<T: AsRef<str>>(globs: impl IntoIterator<Item = T>) -> Result<Self, GlobError> {
        let patterns = globs
            .into_iter()
            .map(|glob| Pattern::new(glob.as_ref()))
            .collect::<Result<_, _>>()?;
        Ok(Self { patterns })
    }

    /// Whether there is no glob, so that everything matches.
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// The globs as they were written.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.patterns.iter().map(|pattern| &*pattern.text)
    }

    /// Whether the name matches any of the globs, or there are none.
    pub fn matches(&self, name: &str) -> bool {
        self.is_empty() || self.patterns.iter().any(|pattern| pattern.matches(name))
    }

    /// Like [`Self::matches`], for a name that may be absent: an absent name matches only an empty list.
    pub fn matches_optional(&self, name: Option<&str>) -> bool {
        self.is_empty() || name.is_some_and(|name| self.matches(name))
    }

    /// Whether any of the names matches, or there are no globs.
    pub fn matches_any<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> bool {
        self.is_empty() || names.into_iter().any(|name| self.matches(name))
    }

    /// Whether any of the globs tells one URI from another: it holds a part of a URI, or its leading wildcard may stand
    /// for one.
    pub fn name_uris(&self) -> bool {
        let names = |glob: &str| {
            !matches!(glob, "*" | "**")
                && (glob.contains([':', '/']) || glob.starts_with(['*', '?', '[', '{']))
        };
        self.iter().any(names)
    }

    /// The globs that match none of these names.
    pub fn idle<'a>(&'a self, names: &[&str]) -> Vec<&'a str> {
        let idle = self
            .patterns
            .iter()
            .filter(|pattern| !names.iter().any(|name| pattern.matches(name)));
        idle.map(|pattern| &*pattern.text).collect()
    }

    /// The first glob of `narrower` that surely shares no name with these globs. `None` if that cannot be told.
    pub(crate) fn disjoint<'n>(&self, narrower: &'n Self) -> Option<&'n str> {
        if self.is_empty() {
            return None;
        }
        let strange = |asked: &&Pattern| self.patterns.iter().all(|own| own.disjoint(asked));
        narrower
            .patterns
            .iter()
            .find(strange)
            .map(|pattern| &*pattern.text)
    }
}

impl fmt::Debug for Globs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl Pattern {
    fn new(text: &str) -> Result<Self, GlobError> {
        let special = |part: &str| part.contains(['*', '?', '[', ']', '{', '}', '\\']);
        let form = match text {
            "" => {
                return Err(GlobError {
                    glob: String::new(),
                    why: "empty, so it matches nothing".into(),
                });
            }
            "*" | "**" => Form::All,
            text if !special(text) => Form::Exact,
            text => match text.strip_suffix('*') {
                Some(prefix) if !special(prefix) => Form::Prefix(prefix.len()),
                _ => Form::Other(Box::new(compile(text)?)),
            },
        };
        Ok(Self {
            text: text.into(),
            form,
        })
    }

    fn matches(&self, name: &str) -> bool {
        match &self.form {
            Form::All => true,
            Form::Exact => *self.text == *name,
            Form::Prefix(length) => name
                .as_bytes()
                .starts_with(&self.text.as_bytes()[..*length]),
            Form::Other(glob) => glob.is_match(name),
        }
    }

    /// Whether surely no name matches both patterns.
    fn disjoint(&self, other: &Self) -> bool {
        match (&self.form, &other.form) {
            (Form::Exact, _) => !other.matches(&self.text),
            (_, Form::Exact) => !self.matches(&other.text),
            (Form::Prefix(mine), Form::Prefix(theirs)) => {
                let shorter = (*mine).min(*theirs);
                self.text.as_bytes()[..shorter] != other.text.as_bytes()[..shorter]
            }
            _ => false,
        }
    }
}

/// Compiles a matcher for one glob. A `GlobSet` would take names apart as files (base name, extension), which URIs are
/// not.
fn compile(text: &str) -> Result<GlobMatcher, GlobError> {
    let glob = GlobBuilder::new(text)
        .literal_separator(false)
        .backslash_escape(true)
        .build();
    match glob {
        Ok(glob) => Ok(glob.compile_matcher()),
        Err(error) => Err(GlobError {
            glob: text.into(),
            why: error.kind().to_string(),
        }),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_list_matches_everything_even_an_absent_name() {
        let globs = Globs::default();
        assert!(
            globs.matches("tools/call") && globs.matches_optional(None) && globs.matches_any([])
        );
    }

    #[test]
    fn an_absent_name_matches_no_glob() {
        let globs = Globs::new(["*"]).unwrap();
        assert!(globs.matches("") && !globs.matches_optional(None) && !globs.matches_any([]));
    }

    #[test]
    fn every_form_of_glob_matches_what_it_says() {
        for (glob, yes, no) in [
            ("tools/call", "tools/call", "tools/call2"),
            ("lookup_*", "lookup_", "look"),
            ("*", "", "\u{0}never"),
            ("*_secret", "read/the_secret", "read_secrets"),
            (
                "file://**/x.txt",
                "file:///a/b/x.txt",
                "file:///a/b/x.txt.bak",
            ),
            ("{get,set}_?", "set_a", "set_ab"),
            ("a[0-9]", "a7", "ax"),
            ("a\\*", "a*", "ab"),
            ("*.txt", "file:///a.txt/../b.txt", "a.txt/"),
        ] {
            let globs = Globs::new([glob]).unwrap();
            assert!(globs.matches(yes), "{glob} should match {yes}");
            assert!(
                glob == "*" || !globs.matches(no),
                "{glob} should not match {no}"
            );
        }
    }

    #[test]
    fn a_bad_glob_is_named_in_the_error() {
        let error = Globs::new(["ok", "a[b"]).unwrap_err();
        assert_eq!(error.glob, "a[b");
        assert!(error.to_string().starts_with("glob \"a[b\": "), "{error}");
        assert!(Globs::new([""]).is_err());
    }

    #[test]
    fn globs_name_uris_where_they_may_tell_one_from_another() {
        for glob in ["file:///shut/*", "*payroll*", "db:*", "{file,note}:*"] {
            assert!(Globs::new([glob]).unwrap().name_uris(), "{glob}");
        }
        for glob in ["lookup_*", "*", "get?"] {
            assert!(!Globs::new([glob]).unwrap().name_uris(), "{glob}");
        }
        assert!(!Globs::default().name_uris());
    }

    #[test]
    fn globs_that_match_no_known_name_are_told() {
        let globs = Globs::new(["crm", "t*", "x?"]).unwrap();
        assert_eq!(globs.idle(&["crm", "xy"]), ["t*"]);
    }

    #[test]
    fn disjoint_only_where_it_is_sure() {
        let own = Globs::new(["tools/*", "resources/read"]).unwrap();
        let strange = |glob| {
            own.disjoint(&Globs::new([glob]).unwrap())
                .map(str::to_owned)
        };
        for shared in ["tools/call", "t*", "*", "resources/*", "[a-z]*"] {
            assert_eq!(strange(shared), None);
        }
        for alone in ["prompts/get", "prompts/*", "resources/readable"] {
            assert_eq!(strange(alone), Some(alone.into()));
        }
    }
}

//! Globs, which are checked when the file is read.

use globset::{ErrorKind, GlobBuilder, GlobMatcher};

use super::scalar::{Mistake, Scalar, scalar};

/// A glob over a name: `*` matches any run of characters (slashes too), `?` one byte, `[a-z]` one of a class, `{a,b}`
/// one of several; `\` makes the next character literal.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: String,
    matcher: GlobMatcher,
}

impl Pattern {
    /// The glob as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the glob matches the whole name.
    pub fn matches(&self, name: &str) -> bool {
        self.matcher.is_match(name)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

impl Scalar for Pattern {
    const KIND: &'static str = "a glob such as \"lookup_*\"";

    fn read(text: &str) -> Result<Self, Mistake> {
        if text.is_empty() {
            return Err(Mistake::new(
                "is an empty glob, which matches nothing",
                "write \"*\" for everything, or leave the key out",
            ));
        }
        // The options are those of the pipeline's scope: slashes are ordinary characters, since URIs are matched whole.
        let glob = GlobBuilder::new(text).literal_separator(false).backslash_escape(true).build().map_err(|error| {
            let why = match error.kind() {
                ErrorKind::UnclosedClass => "has a `[` that is never closed".to_owned(),
                ErrorKind::UnclosedAlternates => "has a `{` that is never closed".to_owned(),
                ErrorKind::UnopenedAlternates => "has a `}` that was never opened".to_owned(),
                ErrorKind::DanglingEscape => "ends in a lone `\\`".to_owned(),
                ErrorKind::InvalidRange(from, to) => format!("has the range `{from}-{to}`, which runs backwards"),
                other => format!("is not a glob: {other}"),
            };
            Mistake::new(why, "put a `\\` before a character that is meant literally (in TOML: '\\[' in single quotes)")
        })?;
        Ok(Self {
            text: text.to_owned(),
            matcher: glob.compile_matcher(),
        })
    }

    fn write(&self) -> String {
        self.text.clone()
    }
}

scalar!(Pattern);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_star_crosses_slashes_since_uris_are_matched_whole() {
        let pattern = Pattern::read("file:///srv/*").unwrap();
        assert!(pattern.matches("file:///srv/a/b.txt"));
        assert!(!pattern.matches("file:///etc/passwd"));
    }

    #[test]
    fn a_bad_glob_says_what_is_wrong_with_it() {
        for (glob, why) in [
            ("a[", "never closed"),
            ("{a", "never closed"),
            ("a}", "never opened"),
            ("[z-a]", "backwards"),
            ("a\\", "lone"),
            ("", "empty"),
        ] {
            assert!(Pattern::read(glob).unwrap_err().why.contains(why), "{glob}");
        }
    }
}

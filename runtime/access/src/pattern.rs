//! A pattern of a view: which kind of thing, on which servers, under which names.

use std::fmt;
use std::sync::Arc;

use globset::{GlobBuilder, GlobMatcher};

/// What a pattern is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Tools, by the server's own name.
    Tool = 0,
    /// Prompts, by the server's own name.
    Prompt = 1,
    /// Resources by their URI, and resource templates by their text.
    Resource = 2,
}

/// A pattern as it is written, and its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewPattern {
    /// The pattern as it is written.
    pub text: Arc<str>,
    /// What it is about.
    pub kind: Kind,
    /// A glob over servers' names.
    pub server: String,
    /// A glob over names or URIs.
    pub name: String,
}

/// A pattern, as it is written, and its view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule<'a> {
    /// The view's name.
    pub view: &'a Arc<str>,
    /// The pattern as it is written.
    pub pattern: &'a Arc<str>,
}

/// A part of a pattern is no glob.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?}: {why}")]
pub struct PatternError {
    /// The pattern as it is written.
    pub text: Arc<str>,
    /// What is wrong.
    pub why: String,
}

/// A compiled pattern.
pub(crate) struct Pattern {
    view: Arc<str>,
    text: Arc<str>,
    kind: Kind,
    server: GlobMatcher,
    form: Form,
    any_case: bool,
}

/// Plain names and `prefix*`, the usual ones, are compared without a regular expression.
enum Form {
    Exact(Box<str>),
    Prefix(Box<str>),
    Other(GlobMatcher),
}

impl Kind {
    /// The word in patterns: `tool`, `prompt` or `resource`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tool => "tool",
            Self::Prompt => "prompt",
            Self::Resource => "resource",
        }
    }
}

impl Pattern {
    pub(crate) fn new(
        view: &Arc<str>,
        pattern: &ViewPattern,
        any_case: bool,
    ) -> Result<Self, PatternError> {
        // The options are those of interceptors' globs: slashes are ordinary characters.
        let glob = |text: &str, any_case| {
            let glob = GlobBuilder::new(text)
                .literal_separator(false)
                .backslash_escape(true)
                .case_insensitive(any_case)
                .build();
            glob.map(|glob| glob.compile_matcher())
                .map_err(|error| PatternError {
                    text: pattern.text.clone(),
                    why: error.kind().to_string(),
                })
        };
        let name = &pattern.name;
        let is_plain = |text: &str| !text.contains(['*', '?', '[', ']', '{', '}', '\\']);
        let form = match name.strip_suffix('*') {
            _ if is_plain(name) => Form::Exact(name.as_str().into()),
            Some(prefix) if is_plain(prefix) => Form::Prefix(prefix.into()),
            _ => Form::Other(glob(name, any_case)?),
        };
        Ok(Self {
            view: view.clone(),
            text: pattern.text.clone(),
            kind: pattern.kind,
            server: glob(&pattern.server, false)?,
            form,
            any_case,
        })
    }

    pub(crate) fn is_about(&self, server: &str, kind: Kind) -> bool {
        self.kind == kind && self.server.is_match(server)
    }

    pub(crate) fn matches(&self, name: &str) -> bool {
        let same = |one: &[u8], two: &[u8]| match self.any_case {
            true => one.eq_ignore_ascii_case(two),
            false => one == two,
        };
        match &self.form {
            Form::Exact(text) => same(text.as_bytes(), name.as_bytes()),
            Form::Prefix(prefix) => {
                let begin = name.as_bytes().get(..prefix.len());
                begin.is_some_and(|begin| same(prefix.as_bytes(), begin))
            }
            Form::Other(glob) => glob.is_match(name),
        }
    }

    pub(crate) fn rule(&self) -> Rule<'_> {
        Rule {
            view: &self.view,
            pattern: &self.text,
        }
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        (&self.view, &self.text, self.any_case) == (&other.view, &other.text, other.any_case)
    }
}
impl Eq for Pattern {}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.view, self.text)
    }
}

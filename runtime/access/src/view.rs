//! A view: which clients it is for, and what it allows and denies.

use std::num::NonZeroU32;
use std::sync::Arc;

use crate::pattern::{Pattern, PatternError, ViewPattern};

/// A view: for whom it is, what it allows and what it denies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// The view's name.
    pub name: Arc<str>,
    /// The clients that it is for, by name.
    pub clients: Vec<String>,
    /// The groups that it is for.
    pub groups: Vec<String>,
    /// What it allows.
    pub allow: Vec<ViewPattern>,
    /// What it denies, whatever a view allows. Compared without regard to the case of ASCII letters.
    pub deny: Vec<ViewPattern>,
    /// The most HTTP requests per second of a client with a token; `None` for no limit of this view's.
    pub rate: Option<NonZeroU32>,
}

impl View {
    pub(crate) fn is_for(&self, client: Option<&str>, groups: &[String]) -> bool {
        self.groups.iter().any(|group| groups.contains(group))
            || client.is_some_and(|name| self.clients.iter().any(|client| client == name))
    }
}

/// A view with its patterns compiled.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) name: Arc<str>,
    pub(crate) allow: Vec<Arc<Pattern>>,
    pub(crate) deny: Vec<Arc<Pattern>>,
}

impl Compiled {
    pub(crate) fn of(view: &View) -> Result<Self, PatternError> {
        let all = |patterns: &[ViewPattern], any_case| {
            let compiled = patterns
                .iter()
                .map(|pattern| Pattern::new(&view.name, pattern, any_case).map(Arc::new));
            compiled.collect::<Result<Vec<_>, _>>()
        };
        Ok(Self {
            name: view.name.clone(),
            allow: all(&view.allow, false)?,
            deny: all(&view.deny, true)?,
        })
    }
}

//! What one client sees and may use. One decision ([`ClientView::judge`]) serves lists and calls alike.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use sandgate_message::{canonical_uri, forms_of_uri, is_canonical_uri, looks_like};
use sandgate_observe::RefusedBy;

use crate::pattern::{Kind, Pattern, PatternError, Rule};
use crate::view::{Compiled, View};

/// All views of one client, as one.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ClientView {
    /// The names of its views, in the order of the configuration.
    names: Vec<Arc<str>>,
    /// What they say of each server of which they allow anything, by the server's name.
    pub(crate) servers: HashMap<Arc<str>, [Rules; 3]>,
}

/// What a client's views say of one kind of thing on one server.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Rules {
    allow: Vec<Arc<Pattern>>,
    deny: Vec<Arc<Pattern>>,
}

/// What a client's views say of one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict<'a> {
    /// This pattern of this view allows it, and none denies it.
    Allowed(Rule<'a>),
    /// This pattern of this view denies it.
    Denied(Rule<'a>),
    /// No view allows it.
    NotAllowed,
}

impl ClientView {
    pub(crate) fn of<'c>(
        own: impl Iterator<Item = &'c Compiled> + Clone,
        servers: &[Arc<str>],
    ) -> Self {
        let rules = |server: &str, kind| {
            let about = |pattern: &&Arc<Pattern>| pattern.is_about(server, kind);
            let own = || own.clone();
            let allow = own().flat_map(|view| &view.allow).filter(about);
            let deny = own().flat_map(|view| &view.deny).filter(about);
            Rules {
                allow: allow.cloned().collect(),
                deny: deny.cloned().collect(),
            }
        };
        let known = servers.iter().map(|server| {
            let kinds = [Kind::Tool, Kind::Prompt, Kind::Resource];
            (server.clone(), kinds.map(|kind| rules(server, kind)))
        });
        Self {
            names: own.clone().map(|view| view.name.clone()).collect(),
            servers: known
                .filter(|(_, rules)| rules.iter().any(|rules| !rules.allow.is_empty()))
                .collect(),
        }
    }

    /// One view alone.
    ///
    /// # Errors
    ///
    /// A pattern holds what is no glob.
    pub fn of_one(view: &View, servers: &[Arc<str>]) -> Result<Self, PatternError> {
        let compiled = [Compiled::of(view)?];
        Ok(Self::of(compiled.iter(), servers))
    }

    /// The names of the client's views, in the order of the configuration.
    pub fn names(&self) -> &[Arc<str>] {
        &self.names
    }

    /// Whether the views allow anything on the server.
    pub fn shows(&self, server: &str) -> bool {
        self.servers.contains_key(server)
    }

    /// The patterns about one kind of thing on a server: those that allow, then those that deny.
    pub fn patterns(&self, server: &str, kind: Kind) -> (Vec<Rule<'_>>, Vec<Rule<'_>>) {
        let rules = self.servers.get(server).map(|rules| &rules[kind as usize]);
        match rules {
            None => Default::default(),
            Some(rules) => (
                rules.allow.iter().map(|one| one.rule()).collect(),
                rules.deny.iter().map(|one| one.rule()).collect(),
            ),
        }
    }

    /// What the views say of a tool or prompt, by the server's own name, or of a resource or template, by its URI. A
    /// pattern that denies outweighs all that allow.
    pub fn judge(&self, server: &str, kind: Kind, name: &str) -> Verdict<'_> {
        let Some(rules) = self.servers.get(server) else {
            return Verdict::NotAllowed;
        };
        let Rules { allow, deny } = &rules[kind as usize];
        if let Some(denied) = find(deny, |pattern| pattern.matches(name)) {
            return Verdict::Denied(denied);
        }
        match kind {
            Kind::Tool | Kind::Prompt if is_odd(name) => {
                // What a lenient server, or a person, takes the name for is denied too.
                let seen = looks_like(name);
                if let Some(denied) = find(deny, |pattern| pattern.matches(&seen)) {
                    return Verdict::Denied(denied);
                }
            }
            Kind::Tool | Kind::Prompt => {}
            Kind::Resource => return judge_uri(allow, deny, name),
        }
        match find(allow, |pattern| pattern.matches(name)) {
            Some(allowed) => Verdict::Allowed(allowed),
            None => Verdict::NotAllowed,
        }
    }
}

/// Judges a URI or a template. It is denied in every form in which an operator may have written it, and allowed in its
/// canonical form, or as it is spelt where nobody reads that as another resource. What has no form is not allowed.
fn judge_uri<'a>(allow: &'a [Arc<Pattern>], deny: &'a [Arc<Pattern>], uri: &str) -> Verdict<'a> {
    let filled = filled(uri);
    let texts = [Some(uri), filled.as_deref()].into_iter().flatten();
    let forms: Vec<Cow<'_, str>> = texts.filter_map(forms_of_uri).flatten().collect();
    let any = |pattern: &Pattern| forms.iter().any(|form| pattern.matches(form));
    if let Some(denied) = find(deny, any) {
        return Verdict::Denied(denied);
    }
    let plain = is_canonical_uri(filled.as_deref().unwrap_or(uri));
    let canonical = canonical_uri(uri);
    let read = |pattern: &Pattern| {
        let canonical = canonical.as_deref();
        plain && pattern.matches(uri) || canonical.is_some_and(|form| pattern.matches(form))
    };
    match find(allow, read) {
        Some(allowed) => Verdict::Allowed(allowed),
        None => Verdict::NotAllowed,
    }
}

/// A template (RFC 6570) with `_` in place of its expressions. `None` where the text has none. The text may be a URI all
/// the same, so an expression holds nothing that leads elsewhere in one.
fn filled(template: &str) -> Option<String> {
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((literal, after)) = rest.split_once('{') {
        let (expression, after) = after.split_once('}')?;
        let names = expression.strip_prefix(['+', '#', '.', '/', ';', '?', '&']);
        let names = names.unwrap_or(expression);
        let is_name = |b: u8| b.is_ascii_alphanumeric() || b"_-.,:*".contains(&b);
        if names.is_empty() || !names.bytes().all(is_name) {
            return None;
        }
        filled.push_str(literal);
        filled.push('_');
        rest = after;
    }
    filled.push_str(rest);
    (rest.len() < template.len()).then_some(filled)
}

fn find(patterns: &[Arc<Pattern>], fits: impl Fn(&Pattern) -> bool) -> Option<Rule<'_>> {
    let found = patterns.iter().find(|pattern| fits(pattern));
    found.map(|pattern| pattern.rule())
}

/// Whether a name may look like another.
pub fn is_odd(name: &str) -> bool {
    name.bytes().any(|b| !b.is_ascii() || b.is_ascii_control())
}

impl Verdict<'_> {
    /// Whether the thing is listed and may be used.
    pub fn is_allowed(&self) -> bool {
        matches!(self, Self::Allowed(_))
    }

    /// The verdict on a call.
    ///
    /// # Errors
    ///
    /// The thing may not be used; the error is the rule.
    pub fn permits(&self) -> Result<(), RefusedBy> {
        let refused = |code, rule: Option<&Rule<'_>>| RefusedBy {
            view: rule.map(|rule| rule.view.clone()),
            pattern: rule.map(|rule| rule.pattern.clone()),
            ..RefusedBy::of(code)
        };
        match self {
            Self::Allowed(_) => Ok(()),
            Self::Denied(rule) => Err(refused("view.denied", Some(rule))),
            Self::NotAllowed => Err(refused("view.not-allowed", None)),
        }
    }
}

impl fmt::Display for Verdict<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Allowed(rule) => write!(f, "view {} allows {:?}", rule.view, rule.pattern),
            Self::Denied(rule) => write!(f, "view {} denies {:?}", rule.view, rule.pattern),
            Self::NotAllowed => f.write_str("no view allows it"),
        }
    }
}

//! Views: which client sees and may use what. One decision ([`ClientView::judge`]) serves lists and calls alike.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;

use parking_lot::Mutex;
use sandgate_message::{canonical_uri, forms_of_uri, is_canonical_uri, looks_like};

use sandgate_observe::RefusedBy;

use crate::pattern::{Kind, Pattern, PatternError, Rule, ViewPattern};

/// The combinations of views that are kept compiled for clients with tokens. Further ones are compiled each time.
const MAX_COMBINATIONS: usize = 1024;

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

/// Whose views are asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Viewer<'a> {
    /// The client's name; `None` for the anonymous client.
    pub name: Option<&'a str>,
    /// Its groups, which alone count for a client that is not configured.
    pub groups: &'a [String],
}

/// The views of an edition, compiled for each of its configured clients, and for others by their groups when they come.
/// Without views nothing is judged.
#[derive(Debug, Default)]
pub struct Views {
    /// Each client's view, by the client's name; `None` without views. Clients of the same views share one.
    of: Option<HashMap<Arc<str>, Arc<ClientView>>>,
    /// The views of clients that are not configured, by the positions of the views.
    others: Mutex<HashMap<Vec<usize>, Arc<ClientView>>>,
    written: Vec<View>,
    compiled: Vec<Compiled>,
    servers: Vec<Arc<str>>,
}

/// All views of one client, as one.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ClientView {
    /// The names of its views, in the order of the configuration.
    names: Vec<Arc<str>>,
    /// What they say of each server of which they allow anything, by the server's name.
    servers: HashMap<Arc<str>, [Rules; 3]>,
}

/// What a client's views say of one kind of thing on one server.
#[derive(Debug, Default, PartialEq, Eq)]
struct Rules {
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

impl Views {
    /// Compiles the views for these clients (name and groups) and servers (names). Clients of the same views share what
    /// is compiled.
    ///
    /// # Errors
    ///
    /// A pattern holds what is no glob.
    pub fn new<'c>(
        views: Vec<View>,
        clients: impl IntoIterator<Item = (&'c str, &'c [String])>,
        servers: &[Arc<str>],
    ) -> Result<Self, PatternError> {
        if views.is_empty() {
            return Ok(Self::default());
        }
        let compiled: Vec<_> = views.iter().map(Compiled::of).collect::<Result<_, _>>()?;
        let mut shared: HashMap<Vec<usize>, Arc<ClientView>> = HashMap::new();
        let mut of = HashMap::new();
        for (name, groups) in clients {
            let own: Vec<usize> = (0..views.len())
                .filter(|at| views[*at].is_for(Some(name), groups))
                .collect();
            let view = shared.entry(own).or_insert_with_key(|own| {
                let own = own.iter().map(|at| &compiled[*at]);
                Arc::new(ClientView::of(own, servers))
            });
            of.insert(Arc::from(name), view.clone());
        }
        Ok(Self {
            of: Some(of),
            others: Mutex::new(shared),
            written: views,
            compiled,
            servers: servers.to_vec(),
        })
    }

    /// Whether there are any views.
    pub fn are_in_force(&self) -> bool {
        self.of.is_some()
    }

    /// The client's view; `None` for the anonymous client, and without views. Where there are views, a client in none of
    /// them sees nothing.
    pub fn of_client(&self, viewer: Viewer<'_>) -> Option<Arc<ClientView>> {
        let of = self.of.as_ref()?;
        let name = viewer.name?;
        if let Some(view) = of.get(name) {
            return Some(view.clone());
        }
        let own: Vec<usize> = self.positions(name, viewer.groups).collect();
        let mut others = self.others.lock();
        if let Some(view) = others.get(&own) {
            return Some(view.clone());
        }
        let compiled = own.iter().map(|at| &self.compiled[*at]);
        let view = Arc::new(ClientView::of(compiled, &self.servers));
        if others.len() < MAX_COMBINATIONS {
            others.insert(own, view.clone());
        }
        Some(view)
    }

    /// The lowest rate of the views of a client that is not configured.
    pub fn rate_of(&self, name: &str, groups: &[String]) -> Option<NonZeroU32> {
        let own = self.positions(name, groups);
        own.filter_map(|at| self.written[at].rate).min()
    }

    /// The positions of the client's views.
    fn positions<'a>(
        &'a self,
        name: &'a str,
        groups: &'a [String],
    ) -> impl Iterator<Item = usize> + 'a {
        let views = self.written.iter().enumerate();
        let own = views.filter(move |(_, view)| view.is_for(Some(name), groups));
        own.map(|(at, _)| at)
    }

    /// The view that a client of these groups would have.
    ///
    /// # Errors
    ///
    /// A pattern holds what is no glob.
    pub fn of_groups(
        &self,
        name: Option<&str>,
        groups: &[String],
        servers: &[Arc<str>],
    ) -> Result<ClientView, PatternError> {
        let own = self.written.iter().filter(|view| view.is_for(name, groups));
        let own: Vec<_> = own.map(Compiled::of).collect::<Result<_, _>>()?;
        Ok(ClientView::of(own.iter(), servers))
    }

    /// Whether the client may know of the server: there are no views, or one of its views allows something there.
    pub fn show(&self, viewer: Viewer<'_>, server: &str) -> bool {
        !self.are_in_force()
            || self
                .of_client(viewer)
                .is_some_and(|view| view.shows(server))
    }

    /// Whether the client's lists of the server, or of all servers (`None`), may differ between the two.
    pub fn differ(&self, other: &Self, viewer: Viewer<'_>, server: Option<&str>) -> bool {
        let (one, two) = (self.of_client(viewer), other.of_client(viewer));
        if self.are_in_force() != other.are_in_force() {
            return true;
        }
        match (one, two) {
            (Some(one), Some(two)) => match server {
                _ if Arc::ptr_eq(&one, &two) => false,
                Some(server) => one.servers.get(server) != two.servers.get(server),
                None => one.servers != two.servers,
            },
            (one, two) => one.is_some() || two.is_some(),
        }
    }
}

impl View {
    fn is_for(&self, client: Option<&str>, groups: &[String]) -> bool {
        self.groups.iter().any(|group| groups.contains(group))
            || client.is_some_and(|name| self.clients.iter().any(|client| client == name))
    }
}

/// A view with its patterns compiled.
#[derive(Debug)]
struct Compiled {
    name: Arc<str>,
    allow: Vec<Arc<Pattern>>,
    deny: Vec<Arc<Pattern>>,
}

impl Compiled {
    fn of(view: &View) -> Result<Self, PatternError> {
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

impl ClientView {
    fn of<'c>(own: impl Iterator<Item = &'c Compiled> + Clone, servers: &[Arc<str>]) -> Self {
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
            code,
            view: rule.map(|rule| rule.view.clone()),
            pattern: rule.map(|rule| rule.pattern.clone()),
            stopped: None,
            why: None,
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

#[cfg(test)]
mod tests;

//! `[views.NAME]`: which clients see and may use what.

use std::collections::HashMap;

use sandgate_text::suggest;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Config;
use super::client::RatePerSecond;
use super::issue::Issue;
use super::pattern::Pattern;
use super::scalar::{Mistake, Scalar, scalar};
use super::tree::{Entry, Table};
use super::wording::named;

/// What some clients see and may use. Where there is a view, a client sees what its views allow and nothing else.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct View {
    /// The clients that it is for, by their names in `[clients]`.
    pub clients: Vec<String>,
    /// The groups that it is for: every client of `[clients]` with one of them.
    pub groups: Vec<String>,
    /// What they may use: `SERVER/TOOL`, `prompt:SERVER/PROMPT` or `resource:SERVER/URI`, with globs.
    pub allow: Vec<Target>,
    /// What they may not use, whatever this view or another allows. The case of letters does not count.
    pub deny: Vec<Target>,
    /// HTTP requests that each of these clients may make in a second, as `"100/s"`. Of a client's own rate and those of its
    /// views, the lowest counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<RatePerSecond>,
}

/// What a pattern is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetKind {
    /// Tools, by the server's own name.
    Tool,
    /// Prompts, by the server's own name.
    Prompt,
    /// Resources by URI, and resource templates by their text.
    Resource,
}

/// A pattern over what servers offer: `[KIND:]SERVER/NAME`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    text: String,
    /// What it is about.
    pub kind: TargetKind,
    /// A glob over servers' names.
    pub server: Pattern,
    /// A glob over names or URIs.
    pub name: Pattern,
}

impl Target {
    /// The pattern as it is written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl Scalar for Target {
    const KIND: &'static str = "a pattern such as \"crm/read_*\" or \"resource:crm/crm://*\"";

    fn read(text: &str) -> Result<Self, Mistake> {
        let help = "write SERVER/TOOL, for example \"crm/read_*\", or prompt:SERVER/PROMPT or resource:SERVER/URI";
        let Some((left, name)) = text.split_once('/') else {
            return Err(Mistake::new("names no server and nothing on it", help));
        };
        let (kind, server) = match left.split_once(':') {
            None => (TargetKind::Tool, left),
            Some(("tool", server)) => (TargetKind::Tool, server),
            Some(("prompt", server)) => (TargetKind::Prompt, server),
            Some(("resource", server)) => (TargetKind::Resource, server),
            Some(_) => {
                return Err(Mistake::new(
                    "begins with a kind that is none of `tool:`, `prompt:` and `resource:`",
                    help,
                ));
            }
        };
        if server.is_empty() || name.is_empty() {
            return Err(Mistake::new("has nothing on one side of its `/`", help));
        }
        Ok(Self {
            text: text.to_owned(),
            kind,
            server: Pattern::read(server)?,
            name: Pattern::read(name)?,
        })
    }

    fn write(&self) -> String {
        self.text.clone()
    }
}

scalar!(Target);

impl Config {
    /// The names of the views of a client with these groups, in the file's order of names.
    pub fn views_of<'a>(
        &'a self,
        client: Option<&'a str>,
        groups: &'a [String],
    ) -> impl Iterator<Item = (&'a str, &'a View)> {
        let is_for = move |view: &View| {
            view.groups.iter().any(|group| groups.contains(group))
                || client.is_some_and(|name| view.clients.iter().any(|client| client == name))
        };
        let views = self.views.iter().filter(move |(_, view)| is_for(view));
        views.map(|(name, view)| (name.as_str(), view))
    }
}

/// Checks what no schema can say of `[views]`.
pub(crate) fn check(tree: &Table, views: &Table, issues: &mut Vec<Issue>) {
    let names = |table: &str| -> Vec<String> {
        let table = tree.table(table).into_iter().flatten();
        table.map(|(key, _)| key.name.clone()).collect()
    };
    let (clients, servers) = (names("clients"), names("servers"));
    let tokens = tree.get("authorization").is_some();
    let groups: Vec<String> = tree
        .table("clients")
        .into_iter()
        .flatten()
        .filter_map(|(_, client)| client.table()?.get("groups")?.list())
        .flatten()
        .filter_map(|group| group.text().map(str::to_owned))
        .collect();
    for (name, entry) in views {
        let place = named(&format!("/views/{}", name.name));
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        if name.name.is_empty() || name.name.len() > 64 || !name.name.chars().all(fits) {
            let why = format!("the view name {:?} cannot be used", name.name);
            let issue = Issue::error(Some(name.span.clone()), why);
            issues.push(issue.help("use letters, digits, `-` and `_`, at most 64"));
        }
        let Some(table) = entry.table() else { continue };
        let list = |key: &str| -> &[Entry] { table.get(key).and_then(Entry::list).unwrap_or(&[]) };
        if list("clients").is_empty() && list("groups").is_empty() {
            let why = format!("{place} is for nobody");
            let issue = Issue::error(Some(name.span.clone()), why);
            issues.push(issue.help("add `groups` or `clients`"));
        }
        if list("allow").is_empty() && list("deny").is_empty() {
            let why = format!("{place} allows nothing and denies nothing");
            let issue = Issue::error(Some(name.span.clone()), why);
            issues.push(issue.help("add `allow`, for example [\"crm/read_*\"], or `deny`"));
        }
        for (key, known, what) in [
            ("clients", &clients, "client"),
            ("groups", &groups, "group"),
        ] {
            for value in list(key) {
                // Who comes with a token is known when the token comes.
                let unknown = |text: &&str| !tokens && !known.iter().any(|one| one == text);
                let Some(text) = value.text().filter(unknown) else {
                    continue;
                };
                let why = match what {
                    "group" => format!("{place}: no client has the group {text:?}"),
                    _ => format!("{place}: there is no client {text:?}"),
                };
                let all = known.iter().map(String::as_str);
                let help = suggest(text, all).replace("the keys are", &format!("the {key} are"));
                issues.push(Issue::error(Some(value.span.clone()), why).help(help));
            }
        }
        for key in ["allow", "deny"] {
            for value in list(key) {
                let Some(target) = value.text().and_then(|text| Target::read(text).ok()) else {
                    continue;
                };
                if !servers.iter().any(|server| target.server.matches(server)) {
                    let server = target.server.as_str();
                    let why = format!("{place}: no server fits {server:?} of {:?}", target.text);
                    let all = servers.iter().map(String::as_str);
                    let help = suggest(server, all).replace("the keys are", "the servers are");
                    issues.push(Issue::error(Some(value.span.clone()), why).help(help));
                }
            }
        }
        check_twice(&place, table, issues);
    }
}

/// Reports what one view says twice: in one list, or as allowed and denied.
fn check_twice(place: &str, table: &Table, issues: &mut Vec<Issue>) {
    let mut report = |keys: &[&str]| {
        let mut seen: HashMap<&str, &str> = HashMap::new();
        for key in keys {
            for value in table.get(key).and_then(Entry::list).unwrap_or(&[]) {
                let Some(text) = value.text() else { continue };
                if let Some(first) = seen.insert(text, key) {
                    let (why, help) = match first == *key {
                        true => (
                            format!("{place} has {text:?} twice in `{key}`"),
                            "leave one of them out",
                        ),
                        false => (
                            format!("{place} both allows and denies {text:?}"),
                            "keep one of them: what is denied is never allowed",
                        ),
                    };
                    let issue = Issue::error(Some(value.span.clone()), why);
                    issues.push(issue.help(help));
                }
            }
        }
    };
    report(&["clients"]);
    report(&["groups"]);
    report(&["allow", "deny"]);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_pattern_is_a_kind_a_server_and_a_name() {
        let read = |text: &str| {
            let target = Target::read(text).unwrap();
            let parts = (
                target.server.as_str().to_owned(),
                target.name.as_str().to_owned(),
            );
            (target.kind, parts.0, parts.1)
        };
        let of = |kind, server: &str, name: &str| (kind, server.to_owned(), name.to_owned());
        assert_eq!(read("crm/read_*"), of(TargetKind::Tool, "crm", "read_*"));
        assert_eq!(read("tool:*/x:y"), of(TargetKind::Tool, "*", "x:y"));
        assert_eq!(read("prompt:crm/*"), of(TargetKind::Prompt, "crm", "*"));
        assert_eq!(
            read("resource:files/file:///srv/*"),
            of(TargetKind::Resource, "files", "file:///srv/*")
        );
        for wrong in [
            "",
            "crm",
            "/x",
            "crm/",
            "tools:crm/x",
            "resource:/x",
            "crm/[",
            "a[/x",
        ] {
            assert!(Target::read(wrong).is_err(), "{wrong}");
        }
    }
}

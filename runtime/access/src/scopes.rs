//! Scopes: what a token must grant for which operation.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::client_view::{ClientView, Verdict};
use crate::pattern::{Kind, PatternError, ViewPattern};
use crate::view::View;

/// The scopes that every token needs, and those of tools, prompts and resources.
#[derive(Debug, Default)]
pub struct Scopes {
    baseline: Vec<String>,
    /// Each scope with what needs it.
    of: Vec<(String, ClientView)>,
}

impl Scopes {
    /// Compiles the scopes over servers of these names. A pattern counts in any case of letters and for names that look
    /// like what it names, as a view's `deny` does: nothing escapes it by its spelling.
    ///
    /// # Errors
    ///
    /// A pattern holds what is no glob.
    pub fn new(
        baseline: Vec<String>,
        of: BTreeMap<String, Vec<ViewPattern>>,
        servers: &[Arc<str>],
    ) -> Result<Self, PatternError> {
        let all = |kind| ViewPattern {
            text: "*/*".into(),
            kind,
            server: "*".into(),
            name: "*".into(),
        };
        let compiled = of.into_iter().map(|(scope, needed)| {
            let view = View {
                name: scope.as_str().into(),
                clients: Vec::new(),
                groups: Vec::new(),
                allow: [Kind::Tool, Kind::Prompt, Kind::Resource].map(all).into(),
                deny: needed,
                rate: None,
            };
            Ok((scope, ClientView::of_one(&view, servers)?))
        });
        Ok(Self {
            baseline,
            of: compiled.collect::<Result<_, _>>()?,
        })
    }

    /// All scopes, those that every token needs first.
    pub fn all(&self) -> impl Iterator<Item = &str> {
        let of = self.of.iter().map(|(scope, _)| scope);
        self.baseline.iter().chain(of).map(String::as_str)
    }

    /// The scopes that every token needs.
    pub fn baseline(&self) -> &[String] {
        &self.baseline
    }

    /// The scopes that a thing needs beside the baseline, each with the pattern that says so.
    pub fn of<'a>(
        &'a self,
        server: &'a str,
        kind: Kind,
        name: &'a str,
    ) -> impl Iterator<Item = (&'a str, Arc<str>)> {
        self.of
            .iter()
            .filter_map(move |(scope, view)| match view.judge(server, kind, name) {
                Verdict::Denied(rule) => Some((scope.as_str(), rule.pattern.clone())),
                Verdict::Allowed(_) => None,
                // Everything that can be read is allowed here. What this is, only the server knows: it may be anything
                // that a pattern is about.
                Verdict::NotAllowed => Some((scope.as_str(), any_of(view, server, kind)?)),
            })
    }

    /// The scopes of everything on a server, each with a pattern that says so: what something needs of which nobody can
    /// tell what it is about.
    pub fn of_all<'a>(&'a self, server: &'a str) -> impl Iterator<Item = (&'a str, Arc<str>)> {
        self.of.iter().filter_map(move |(scope, view)| {
            let kinds = [Kind::Tool, Kind::Prompt, Kind::Resource];
            let pattern = kinds.iter().find_map(|kind| any_of(view, server, *kind));
            Some((scope.as_str(), pattern?))
        })
    }
}

/// A pattern about this kind of thing on the server; `None` where the scope has none.
fn any_of(view: &ClientView, server: &str, kind: Kind) -> Option<Arc<str>> {
    let (_, needed) = view.patterns(server, kind);
    needed.first().map(|rule| rule.pattern.clone())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_tool_needs_the_scopes_whose_patterns_it_fits_however_it_is_spelt() {
        let pattern = |name: &str| ViewPattern {
            text: format!("crm/{name}").into(),
            kind: Kind::Tool,
            server: "crm".into(),
            name: name.into(),
        };
        let of = [
            (
                "crm:write".to_owned(),
                vec![pattern("update_*"), pattern("delete")],
            ),
            ("crm:delete".to_owned(), vec![pattern("delete")]),
        ];
        let servers = ["crm".into(), "time".into()];
        let scopes = Scopes::new(vec!["mcp".into()], of.into(), &servers).unwrap();
        let needed = |server, name| -> Vec<String> {
            let needed = scopes.of(server, Kind::Tool, name);
            needed.map(|(scope, _)| scope.to_owned()).collect()
        };
        assert_eq!(needed("crm", "update_order"), ["crm:write"]);
        assert_eq!(needed("crm", "UPDATE_order"), ["crm:write"]);
        assert_eq!(needed("crm", "delete"), ["crm:delete", "crm:write"]);
        assert!(needed("crm", "read").is_empty() && needed("time", "delete").is_empty());
        assert_eq!(
            scopes.all().collect::<Vec<_>>(),
            ["mcp", "crm:delete", "crm:write"]
        );
        let all = scopes.of_all("crm").map(|(scope, _)| scope);
        assert_eq!(all.collect::<Vec<_>>(), ["crm:delete", "crm:write"]);
        assert_eq!(scopes.of_all("time").count(), 0);
    }

    #[test]
    fn a_resource_that_nobody_can_read_needs_the_scopes_of_all_resources() {
        let pattern = |kind, name: &str| ViewPattern {
            text: format!("crm/{name}").into(),
            kind,
            server: "crm".into(),
            name: name.into(),
        };
        let secret = pattern(Kind::Resource, "file:///secret/*");
        let of = [
            ("crm:secret".to_owned(), vec![secret]),
            (
                "crm:write".to_owned(),
                vec![pattern(Kind::Tool, "update_*")],
            ),
        ];
        let servers = ["crm".into(), "time".into()];
        let scopes = Scopes::new(Vec::new(), of.into(), &servers).unwrap();
        let needed = |server, uri| -> Vec<String> {
            let needed = scopes.of(server, Kind::Resource, uri);
            needed.map(|(scope, _)| scope.to_owned()).collect()
        };
        assert_eq!(needed("crm", "file:///secret/a"), ["crm:secret"]);
        assert!(needed("crm", "file:///open/a").is_empty());
        assert!(needed("crm", "file:///open/{name}").is_empty());
        for unreadable in ["http://[/secret/a", "http://a:port/secret"] {
            assert_eq!(needed("crm", unreadable), ["crm:secret"], "{unreadable}");
            assert!(needed("time", unreadable).is_empty(), "{unreadable}");
        }
    }
}

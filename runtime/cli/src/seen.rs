//! `sandgate check --as NAME`: what a client sees on each server, and which pattern of which view says so.

use std::fmt::Write as _;
use std::process::ExitCode;
use std::sync::Arc;

use sandgate_assembly::{servers_apart, views};
use sandgate_config::{Environment, Loaded, Pattern, PluginSource, Report};
use sandgate_gateway::{ClientView, Kind, Rule, Server, Verdict};
use sandgate_text::printable;
use serde::Serialize;
use serde_json::Value;

use crate::exit::{complain, refuse, runtime, show};

/// The lists that are asked for: their method, what patterns are about, and the member that names an item.
const LISTS: [(&str, Kind, &str); 4] = [
    ("tools/list", Kind::Tool, "name"),
    ("prompts/list", Kind::Prompt, "name"),
    ("resources/list", Kind::Resource, "uri"),
    ("resources/templates/list", Kind::Resource, "uriTemplate"),
];

/// Whose eyes to look through.
#[derive(Clone, Debug)]
pub(crate) struct Viewer {
    /// The client's name.
    pub name: String,
    /// The groups of a client that is not configured; `None` for a configured one.
    pub groups: Option<Vec<String>>,
}

/// What a client sees.
#[derive(Debug, Serialize)]
pub(crate) struct Seen {
    client: String,
    pub(crate) groups: Vec<String>,
    pub(crate) views: Vec<String>,
    pub(crate) servers: Vec<SeenServer>,
}

/// What a client sees of one server.
#[derive(Debug, Serialize)]
pub(crate) struct SeenServer {
    pub(crate) server: String,
    /// Whether the client may know of it.
    pub(crate) shown: bool,
    /// What the server lists, with the verdict of the views.
    pub(crate) items: Vec<Item>,
    /// The patterns, where the server could not be asked, and why it could not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) unasked: Option<Unasked>,
    /// Interceptors that may refuse further calls of this client.
    pub(crate) judged_by: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Item {
    pub(crate) kind: &'static str,
    pub(crate) name: String,
    pub(crate) seen: bool,
    pub(crate) why: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct Unasked {
    pub(crate) why: String,
    allow: Vec<String>,
    deny: Vec<String>,
}

/// Prints what the viewer sees.
pub(crate) fn carry_out(loaded: &Loaded, viewer: &Viewer, json: bool) -> ExitCode {
    match look(loaded, viewer, &[]) {
        Ok(seen) => {
            show(json, &seen, || text(&seen));
            ExitCode::SUCCESS
        }
        Err(SeenError::Config(report)) => refuse(&report),
        Err(SeenError::Other(why)) => {
            complain(&why);
            ExitCode::from(2)
        }
    }
}

/// Why nothing can be seen.
pub(crate) enum SeenError {
    Config(Box<Report>),
    Other(String),
}

impl SeenError {
    /// The error in one line.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Config(report) => report.summary(),
            Self::Other(why) => why.clone(),
        }
    }
}

impl From<Report> for SeenError {
    fn from(report: Report) -> Self {
        Self::Config(Box::new(report))
    }
}

/// What the viewer sees. It asks each server that is not `stopped`, and blocks.
///
/// # Errors
///
/// There is no such client, or the configuration cannot be used.
pub(crate) fn look(
    loaded: &Loaded,
    viewer: &Viewer,
    stopped: &[String],
) -> Result<Seen, SeenError> {
    let other = |why: String| SeenError::Other(why);
    let config = &loaded.config;
    let groups = match (&viewer.groups, config.clients.get(&viewer.name)) {
        (Some(groups), _) => groups.clone(),
        (None, Some(client)) => client.groups.clone(),
        (None, None) => {
            let known: Vec<&str> = config.clients.keys().map(String::as_str).collect();
            return Err(other(format!(
                "there is no client {:?}: the clients are {}; --groups A,B looks as one that is not configured",
                viewer.name,
                known.join(", ")
            )));
        }
    };
    let servers = servers_apart(loaded, &Environment::of_process())?;
    let names: Vec<Arc<str>> = servers.iter().map(|one| one.name().clone()).collect();
    let views = views(loaded, &names)?;
    let view = views
        .of_groups(Some(&viewer.name), &groups, &names)
        .map_err(|error| other(error.to_string()))?;
    // Without views every client sees everything.
    let view = views.are_in_force().then_some(view);
    let runtime = runtime(None).map_err(|error| other(error.to_string()))?;
    let asked: Vec<_> = servers
        .iter()
        .map(|server| {
            let is_stopped = stopped.iter().any(|name| *name == **server.name());
            let lists = LISTS.into_iter().filter(|(_, kind, _)| match &view {
                _ if is_stopped => false,
                Some(view) => !view.patterns(server.name(), *kind).0.is_empty(),
                None => true,
            });
            let (server, lists) = (server.clone(), lists.collect::<Vec<_>>());
            runtime.spawn(async move {
                let mut found = Vec::new();
                for (method, kind, identity) in lists {
                    found.push((method, kind, identity, server.listed(method).await));
                }
                found
            })
        })
        .collect();
    let mut seen = Vec::new();
    for (server, asked) in servers.iter().zip(asked) {
        let found = runtime
            .block_on(asked)
            .map_err(|error| other(error.to_string()))?;
        let mut one = of_server(loaded, viewer, &groups, view.as_ref(), server, found);
        if stopped.contains(&one.server) {
            one.unasked = Some(Unasked {
                why: "it is stopped, and is not asked".to_owned(),
                allow: Vec::new(),
                deny: Vec::new(),
            });
        }
        seen.push(one);
    }
    runtime.block_on(async {
        for server in &servers {
            server.close().await;
        }
    });
    Ok(Seen {
        client: viewer.name.clone(),
        groups,
        views: view
            .iter()
            .flat_map(ClientView::names)
            .map(ToString::to_string)
            .collect(),
        servers: seen,
    })
}

type Found = (
    &'static str,
    Kind,
    &'static str,
    Result<Vec<sandgate_message::Json>, sandgate_gateway::ServerError>,
);

fn of_server(
    loaded: &Loaded,
    viewer: &Viewer,
    groups: &[String],
    view: Option<&ClientView>,
    server: &Server,
    found: Vec<Found>,
) -> SeenServer {
    let name = server.name();
    let mut items = Vec::new();
    let mut unasked: Option<Unasked> = None;
    for (method, kind, identity, listed) in found {
        let listed = match listed {
            Ok(listed) => listed,
            // A server without views to narrow it need not have every list.
            Err(_) if view.is_none() && method != "tools/list" => continue,
            Err(error) => {
                let (allow, deny) = view
                    .map(|view| view.patterns(name, kind))
                    .unwrap_or_default();
                let told = unasked.get_or_insert_with(|| Unasked {
                    why: error.to_string(),
                    allow: Vec::new(),
                    deny: Vec::new(),
                });
                let written = |rule: Rule<'_>| format!("{} (view {})", rule.pattern, rule.view);
                for (list, rules) in [(&mut told.allow, allow), (&mut told.deny, deny)] {
                    for rule in rules.into_iter().map(written) {
                        if !list.contains(&rule) {
                            list.push(rule);
                        }
                    }
                }
                continue;
            }
        };
        for definition in listed {
            let definition: Value = serde_json::from_str(definition.as_str()).unwrap_or_default();
            let Some(item) = definition[identity].as_str() else {
                continue;
            };
            let verdict = view.map(|view| view.judge(name, kind, item));
            items.push(Item {
                kind: kind.as_str(),
                name: item.to_owned(),
                seen: verdict.as_ref().is_none_or(Verdict::is_allowed),
                why: verdict.map_or_else(|| "there are no views".into(), |it| it.to_string()),
            });
        }
    }
    SeenServer {
        server: name.to_string(),
        shown: view.is_none_or(|view| view.shows(name)),
        items,
        unasked,
        judged_by: judged_by(loaded, &viewer.name, groups, name),
    }
}

/// The interceptors of `allow-tools` that look at this client's calls to the server. What they allow stands in their
/// settings, and is known when they run.
fn judged_by(loaded: &Loaded, client: &str, groups: &[String], server: &str) -> Vec<String> {
    let fits = |patterns: &[Pattern], names: &[&str]| {
        let any = |pattern: &Pattern| names.iter().any(|name| pattern.matches(name));
        patterns.is_empty() || patterns.iter().any(any)
    };
    let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
    let interceptors = loaded.config.interceptors.iter().filter(|one| {
        matches!(&one.plugin, PluginSource::Builtin(name) if name == "allow-tools")
            && fits(&one.servers, &[server])
            && fits(&one.principals, &[client])
            && fits(&one.groups, &groups)
    });
    interceptors.map(|one| one.name.clone()).collect()
}

fn text(seen: &Seen) -> String {
    let mut text = String::new();
    let list = |names: &[String]| match names.is_empty() {
        true => "none".to_owned(),
        false => names.join(", "),
    };
    let _ = writeln!(
        text,
        "{}: groups {}, views {}",
        printable(&seen.client),
        list(&seen.groups),
        list(&seen.views)
    );
    for server in &seen.servers {
        let _ = writeln!(text, "\n{}", server.server);
        if !server.shown {
            let _ = writeln!(
                text,
                "  not there for this client: no view allows anything on it"
            );
            continue;
        }
        let width = server
            .items
            .iter()
            .map(|item| item.name.chars().count())
            .max();
        for item in &server.items {
            let _ = writeln!(
                text,
                "  {}  {:<8}  {:<width$}  {}",
                if item.seen { "sees  " } else { "hidden" },
                item.kind,
                printable(&item.name),
                printable(&item.why),
                width = width.unwrap_or(0).min(60),
            );
        }
        if let Some(unasked) = &server.unasked {
            let _ = writeln!(text, "  could not be asked: {}", printable(&unasked.why));
            for (word, patterns) in [("allow", &unasked.allow), ("deny", &unasked.deny)] {
                for pattern in patterns {
                    let _ = writeln!(text, "  {word}  {}", printable(pattern));
                }
            }
        }
        for name in &server.judged_by {
            let _ = writeln!(
                text,
                "  the interceptor {name} (allow-tools) must allow a call too"
            );
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use sandgate_message::Method;

    use super::*;

    #[test]
    fn each_list_of_the_protocol_is_shown() {
        let lists = Method::known().filter(|method| method.list_member().is_some());
        for method in lists {
            assert!(
                LISTS.iter().any(|(list, ..)| *list == method.name),
                "{} is not asked for",
                method.name
            );
        }
    }
}

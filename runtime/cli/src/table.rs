//! The pipeline as `check` prints it: what runs, in which order, and where.

use std::fmt::Write;

use sandgate_text::{grid, printable};

/// The content of the table.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pipeline {
    /// The interceptors, in the file's order.
    pub interceptors: Vec<Row>,
    /// The servers, and the interceptors in force at each.
    pub servers: Vec<ServerRows>,
    /// Globs that match nothing.
    pub idle: Vec<IdleGlob>,
}

/// An interceptor.
#[derive(Clone, Debug, Default)]
pub(crate) struct Row {
    /// The interceptor's name.
    pub name: String,
    /// The plugin and its version, for example `builtin:pii-scrubber 0.1.0`.
    pub plugin: String,
    /// The plugin's hooks with their roles, for example `pre-call mutation`.
    pub hooks: Vec<String>,
    /// Whether the interceptor is in audit: its decisions are recorded and do not count.
    pub audit: bool,
    /// Whether a failure lets the call pass.
    pub fail_open: bool,
    /// The timeout of one hook run.
    pub timeout: std::time::Duration,
    /// What the plugin asks for and is not granted, with its reason.
    pub withheld: Vec<String>,
    /// The candidate that is tried beside it, for example `new.wasm 0.2.0, on 10% of calls`.
    pub candidate: Option<String>,
}

/// A server.
#[derive(Clone, Debug, Default)]
pub(crate) struct ServerRows {
    /// The server's name.
    pub name: String,
    /// The server's command or URL.
    pub at: String,
    /// The events that interceptors look at. Other events pass unseen.
    pub events: Vec<EventRow>,
    /// Whether the server is a package, which is locked.
    pub package: bool,
    /// What the server's program may reach.
    pub reach: Reach,
}

/// What a server's program may reach.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Reach {
    /// There is no program: it is reached by HTTP.
    #[default]
    Remote,
    /// A package that is not installed: known once it is.
    NotInstalled,
    /// Everything that the gateway's user may.
    Unconfined,
    /// What the rows say: what it is about, and what of it.
    Contained(Vec<(&'static str, String)>),
}

/// An event at a server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct EventRow {
    /// The MCP method.
    pub event: String,
    /// The interceptors that look at the request.
    pub request: Vec<Stop>,
    /// The interceptors that look at the reply.
    pub reply: Vec<Stop>,
}

/// An interceptor at one hook of one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stop {
    /// The index in [`Pipeline::interceptors`].
    pub interceptor: usize,
    /// Whether the interceptor mutates; otherwise it validates.
    pub mutates: bool,
    /// Whether the interceptor is a validator that judges the reply as it came.
    pub raw: bool,
    /// Whether only some targets or callers are in the interceptor's scope.
    pub partly: bool,
}

/// A glob that matches nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IdleGlob {
    /// The interceptor's name.
    pub interceptor: String,
    /// The key of the scope, for example `servers`.
    pub key: String,
    /// The glob as it was written.
    pub glob: String,
}

/// The table as text, with a line end at its end.
pub(crate) fn text(pipeline: &Pipeline) -> String {
    let mut text = String::new();
    interceptors(pipeline, &mut text);
    for server in &pipeline.servers {
        events(pipeline, server, &mut text);
        reach(server, &mut text);
    }
    let mut partly = pipeline
        .servers
        .iter()
        .flat_map(|server| &server.events)
        .flat_map(|e| e.request.iter().chain(&e.reply));
    if partly.any(|stop| stop.partly) {
        text.push_str("\n* only for some targets or callers\n");
    }
    if !pipeline.idle.is_empty() {
        text.push_str("\nGlobs that match nothing:\n");
        let lines = pipeline.idle.iter().map(|idle| {
            [
                idle.interceptor.clone(),
                idle.key.clone(),
                format!("{:?}", idle.glob),
            ]
        });
        grid(lines.map(Vec::from).collect(), &mut text);
    }
    text
}

fn interceptors(pipeline: &Pipeline, text: &mut String) {
    if pipeline.interceptors.is_empty() {
        text.push_str("No interceptors: every message passes as it is.\n");
        return;
    }
    let mut lines = vec![
        [
            "",
            "interceptor",
            "plugin",
            "hooks",
            "mode",
            "on failure",
            "timeout",
        ]
        .map(str::to_owned)
        .to_vec(),
    ];
    for (index, row) in pipeline.interceptors.iter().enumerate() {
        lines.push(vec![
            (index + 1).to_string(),
            row.name.clone(),
            row.plugin.clone(),
            row.hooks.join(", "),
            if row.audit { "audit" } else { "active" }.into(),
            if row.fail_open { "pass" } else { "refuse" }.into(),
            format!("{:?}", row.timeout),
        ]);
    }
    text.push_str("Pipeline (requests from the top down, replies back up):\n");
    grid(lines, text);
    for row in &pipeline.interceptors {
        if let Some(candidate) = &row.candidate {
            let candidate = printable(candidate);
            let _ = writeln!(text, "  beside {}, without effect: {candidate}", row.name);
        }
        for withheld in &row.withheld {
            let _ = writeln!(
                text,
                "  {} asks for what it is not given: {}",
                row.name,
                printable(withheld)
            );
        }
    }
}

fn events(pipeline: &Pipeline, server: &ServerRows, text: &mut String) {
    let _ = writeln!(text, "\n{} ({})", server.name, printable(&server.at));
    if server.events.is_empty() {
        text.push_str("  no interceptor looks at any message\n");
        return;
    }
    let mut lines = vec![["event", "request", "reply"].map(str::to_owned).to_vec()];
    for row in &server.events {
        let names = |stops: Vec<Stop>| {
            let name = |stop: Stop| {
                let row = pipeline.interceptors.get(stop.interceptor);
                let audit = if row.is_some_and(|row| row.audit) {
                    " (audit)"
                } else {
                    ""
                };
                let raw = if stop.raw { " (raw)" } else { "" };
                format!(
                    "{}{}{raw}{audit}",
                    row.map_or("?", |row| &row.name),
                    if stop.partly { "*" } else { "" }
                )
            };
            let names: Vec<_> = stops.into_iter().map(name).collect();
            if names.is_empty() {
                "-".to_owned()
            } else {
                names.join(", ")
            }
        };
        lines.push(vec![
            row.event.clone(),
            names(on_request(&row.request)),
            names(on_reply(&row.reply)),
        ]);
    }
    grid(lines, text);
    text.push_str("  everything else passes unseen\n");
}

fn reach(server: &ServerRows, text: &mut String) {
    if server.package {
        let installed = match server.reach {
            Reach::NotInstalled => "not installed",
            _ => "installed",
        };
        let _ = writeln!(text, "  locked, {installed}");
    }
    match &server.reach {
        Reach::Remote | Reach::NotInstalled => {}
        Reach::Unconfined => text.push_str("  runs as you, unconfined\n"),
        Reach::Contained(rows) => {
            text.push_str("  contained:\n");
            let rows = rows
                .iter()
                .map(|(about, what)| vec![(*about).to_owned(), what.clone()]);
            grid(rows.collect(), text);
        }
    }
}

/// Sorts the interceptors as they run on a request: mutators one after another, then validators on the result.
fn on_request(stops: &[Stop]) -> Vec<Stop> {
    let mut stops = stops.to_vec();
    stops.sort_by_key(|stop| (!stop.mutates, stop.interceptor));
    stops
}

/// Sorts the interceptors as they run on a reply: validators of the raw reply, mutators from the last to the first,
/// then the other validators.
fn on_reply(stops: &[Stop]) -> Vec<Stop> {
    let mut stops = stops.to_vec();
    stops.sort_by_key(|stop| match (stop.mutates, stop.raw) {
        (false, true) => (0, stop.interceptor),
        (true, _) => (1, usize::MAX - stop.interceptor),
        (false, false) => (2, stop.interceptor),
    });
    stops
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn stop(interceptor: usize, mutates: bool) -> Stop {
        Stop {
            interceptor,
            mutates,
            raw: false,
            partly: false,
        }
    }

    fn pipeline() -> Pipeline {
        let row = |name: &str, hooks: &[&str]| Row {
            name: name.into(),
            plugin: format!("builtin:{name} 0.1.0"),
            hooks: hooks.iter().map(|&hook| hook.into()).collect(),
            timeout: Duration::from_millis(50),
            ..Row::default()
        };
        Pipeline {
            interceptors: vec![
                row("allow", &["pre-call validation", "post-call mutation"]),
                Row {
                    withheld: vec!["state (counts \u{1b}calls)".into()],
                    ..row("scrub", &["post-call mutation"])
                },
                Row {
                    audit: true,
                    fail_open: true,
                    ..row("guard", &["post-call validation"])
                },
            ],
            servers: vec![
                ServerRows {
                    package: false,
                    reach: Reach::default(),
                    name: "crm".into(),
                    at: "http://127.0.0.1:9000/mcp".into(),
                    events: vec![
                        EventRow {
                            event: "tools/call".into(),
                            request: vec![Stop {
                                partly: true,
                                ..stop(0, false)
                            }],
                            reply: vec![
                                stop(0, true),
                                stop(1, true),
                                Stop {
                                    raw: true,
                                    ..stop(2, false)
                                },
                            ],
                        },
                        EventRow {
                            event: "tools/list".into(),
                            request: vec![],
                            reply: vec![stop(0, true)],
                        },
                    ],
                },
                ServerRows {
                    package: false,
                    reach: Reach::default(),
                    name: "time".into(),
                    at: "mcp-server-time".into(),
                    events: vec![],
                },
            ],
            idle: vec![IdleGlob {
                interceptor: "scrub".into(),
                key: "servers".into(),
                glob: "cmr".into(),
            }],
        }
    }

    #[test]
    fn the_table_shows_who_looks_at_what_in_which_order() {
        let expected = "\
Pipeline (requests from the top down, replies back up):
     interceptor  plugin               hooks                                    mode    on failure  timeout
  1  allow        builtin:allow 0.1.0  pre-call validation, post-call mutation  active  refuse      50ms
  2  scrub        builtin:scrub 0.1.0  post-call mutation                       active  refuse      50ms
  3  guard        builtin:guard 0.1.0  post-call validation                     audit   pass        50ms
  scrub asks for what it is not given: state (counts \u{fffd}calls)

crm (http://127.0.0.1:9000/mcp)
  event       request  reply
  tools/call  allow*   guard (raw) (audit), scrub, allow
  tools/list  -        allow
  everything else passes unseen

time (mcp-server-time)
  no interceptor looks at any message

* only for some targets or callers

Globs that match nothing:
  scrub  servers  \"cmr\"
";
        assert_eq!(text(&pipeline()), expected);
    }

    #[test]
    fn an_empty_pipeline_says_so() {
        assert_eq!(
            text(&Pipeline::default()),
            "No interceptors: every message passes as it is.\n"
        );
    }

    #[test]
    fn validators_of_a_request_run_after_its_mutators() {
        let order: Vec<_> = on_request(&[stop(0, false), stop(1, true), stop(2, true)])
            .iter()
            .map(|s| s.interceptor)
            .collect();
        assert_eq!(order, [1, 2, 0]);
    }
}

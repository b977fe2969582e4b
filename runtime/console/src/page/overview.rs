//! The overview: what is wrong now, how much passes, how long it takes, and how the servers are.

use maud::{Markup, html};
use sandgate_daemon::calls::{CallFilter, CallRow};
use sandgate_daemon::operator::Operator;
use sandgate_daemon::status::{ServerStatus, Status};
use sandgate_gateway::StopKind;
use sandgate_telemetry::traffic::{SLOT_SECONDS, TrafficReport};
use serde_json::{Value, json};

use super::{Page, calls, chart, count, heads, short, shown, state, took, when};

/// The most calls that are shown here, and servers, and things that are wrong.
const CALLS: usize = 8;
const SERVERS: usize = 60;
const WRONG: usize = 20;
/// The slots of a minute.
const MINUTE: usize = 60 / SLOT_SECONDS as usize;
/// What the rows of the table of times are called.
const TIMES: [&str; 4] = [
    "whole call",
    "the server's part",
    "hooks on the way in",
    "hooks on the way back",
];

pub(crate) fn page(operator: &Operator) -> Page {
    let (status, traffic) = (operator.status(), operator.traffic());
    let wrong = wrong(&status);
    Page {
        title: "Overview".to_owned(),
        content: html! {
            div data-stream="/live" {
                (verdict(&wrong))
                section.tiles aria-label="Now" {
                    @for (key, name, value, note) in tiles(&status, &traffic) {
                        div.tile {
                            span.name { (name) }
                            strong data-live=(key) { (value) }
                            span.note data-live={ (key) "-note" } { (note) }
                        }
                    }
                }
                div.pair {
                    (chart::traffic_chart(&traffic.slots))
                    (chart::latency_chart(&traffic.slots))
                }
                div.pair {
                    section {
                        h2 { "Times of the last 15 minutes" }
                        (times(&traffic))
                    }
                    section {
                        h2 { a href="/servers" { "Servers" } }
                        (servers(&status))
                    }
                }
                section {
                    h2 { a href="/calls" { "Last calls" } }
                    (calls::table(&last(operator), "No call has ended yet.", Some("calls")))
                }
                p.aside {
                    "Version " (status.edition.number) " of the configuration, since " (when(&status.edition.since)) " UTC. "
                    "Sandgate " (status.version) ", process " (status.process) "."
                }
            }
        },
    }
}

/// The figures of the page, as one line of JSON for the script: texts, paths, states and lists by the name of their place.
pub(crate) fn figures(operator: &Operator) -> String {
    let (status, traffic) = (operator.status(), operator.traffic());
    let paths = chart::TrafficPaths::of(&traffic.slots);
    let (latency, slowest) = chart::latency(&traffic.slots);
    let mut texts = serde_json::Map::new();
    for (key, _, value, note) in tiles(&status, &traffic) {
        texts.insert(key.to_owned(), value.into());
        texts.insert(format!("{key}-note"), note.into());
    }
    texts.insert("window".to_owned(), chart::since(&traffic.slots).into());
    texts.insert("peak".to_owned(), paths.peak().into());
    texts.insert("slowest".to_owned(), took(slowest).into());
    for (place, row) in traffic.took.iter().enumerate() {
        for (name, value) in [
            ("count", count(row.count)),
            ("p50", took(row.p50)),
            ("p95", took(row.p95)),
            ("p99", took(row.p99)),
        ] {
            texts.insert(format!("time-{place}-{name}"), value.into());
        }
    }
    let mut states = serde_json::Map::new();
    for server in status.servers.iter().take(SERVERS) {
        let (kind, word) = state_of(&status, server);
        states.insert(
            format!("server-{}", server.name),
            json!([kind, shown(&word)]),
        );
    }
    let wrong: Vec<Value> = wrong(&status)
        .into_iter()
        .map(|one| json!([one.kind, one.what, one.why, one.path]))
        .collect();
    let rows: Vec<Value> = last(operator).iter().map(calls::row_json).collect();
    json!({
        "texts": texts, "states": states, "wrong": wrong, "rows": rows,
        "paths": { "passed": paths.passed, "refused": paths.refused, "failed": paths.failed, "latency": latency },
    })
    .to_string()
}

fn last(operator: &Operator) -> Vec<CallRow> {
    let page = operator.calls(&CallFilter::default(), None, CALLS);
    page.map(|page| page.rows).unwrap_or_default()
}

fn tiles(
    status: &Status,
    traffic: &TrafficReport,
) -> [(&'static str, &'static str, String, String); 5] {
    // The slot that is not over would let the rate seem to fall.
    let slots = &traffic.slots;
    let until = slots.len().saturating_sub(1);
    let minute = &slots[until.saturating_sub(MINUTE)..until];
    let calls: u64 = minute
        .iter()
        .map(|slot| slot.passed + slot.refused + slot.failed + slot.cancelled)
        .sum();
    let sum =
        |of: fn(&sandgate_telemetry::traffic::SlotReport) -> u64| slots.iter().map(of).sum::<u64>();
    let (passed, refused, failed) = (
        sum(|slot| slot.passed),
        sum(|slot| slot.refused),
        sum(|slot| slot.failed),
    );
    let all = passed + refused + failed;
    let share = |part: u64| match all {
        0 => "no calls in 15 min".to_owned(),
        all => format!("{:.1} % of 15 min", part as f64 * 100.0 / all as f64),
    };
    let totals = status.calls;
    let total = totals.forwarded
        + totals.refused
        + totals.answered
        + totals.failed
        + totals.overloaded
        + totals.cancelled;
    let whole = traffic.took[0];
    [
        (
            "rate",
            "Calls a second",
            rate(calls),
            format!("{} since the start", count(total)),
        ),
        ("refused", "Refused", count(refused), share(refused)),
        ("failed", "Failed", count(failed), share(failed)),
        (
            "p95",
            "95 of 100 calls within",
            took(whole.p95),
            format!("half within {}", took(whole.p50)),
        ),
        (
            "under-way",
            "Under way",
            count(status.under_way as u64),
            format!(
                "{} waiting · {} connections · {} sessions",
                status.waiting, status.connections, status.sessions
            ),
        ),
    ]
}

/// The rate of a minute's calls.
fn rate(calls: u64) -> String {
    match calls as f64 / 60.0 {
        rate if rate >= 100.0 => format!("{rate:.0}"),
        rate if rate >= 10.0 => format!("{rate:.1}"),
        rate => format!("{rate:.2}"),
    }
}

fn times(traffic: &TrafficReport) -> Markup {
    html! {
        div.box {
            table.figures {
                (heads(&["~what", "count", "p50", "p95", "p99"]))
                tbody {
                    @for (place, (name, row)) in TIMES.iter().zip(&traffic.took).enumerate() {
                        tr {
                            th scope="row" { (name) }
                            td data-live={ "time-" (place) "-count" } { (count(row.count)) }
                            td data-live={ "time-" (place) "-p50" } { (took(row.p50)) }
                            td data-live={ "time-" (place) "-p95" } { (took(row.p95)) }
                            td data-live={ "time-" (place) "-p99" } { (took(row.p99)) }
                        }
                    }
                }
            }
        }
    }
}

fn servers(status: &Status) -> Markup {
    let servers = &status.servers;
    html! {
        @if servers.is_empty() { p.empty { "No server is configured." } }
        ul.servers {
            @for server in servers.iter().take(SERVERS) {
                @let (kind, word) = state_of(status, server);
                li {
                    a href={ "/servers#" (server.name) } { (shown(&server.name)) }
                    span class={ "state " (kind) } data-state={ "server-" (server.name) } { (shown(&word)) }
                }
            }
        }
        @if servers.len() > SERVERS { p.aside { (servers.len() - SERVERS) " more: " a href="/servers" { "all servers" } } }
    }
}

/// How a server is: the kind of its dot, and words.
pub(crate) fn state_of(status: &Status, server: &ServerStatus) -> (&'static str, String) {
    let word = status.state_of(server);
    let kind = match word.as_str() {
        "well" => "well",
        "starting" | "not asked yet" => "idle",
        "stopped" => "warn",
        _ => "bad",
    };
    (kind, word)
}

/// Something that is wrong, and where more of it is said.
struct Wrong {
    /// `bad`, or `warn` where somebody meant it.
    kind: &'static str,
    what: String,
    why: String,
    path: &'static str,
}

/// What is wrong now, by the status alone.
fn wrong(status: &Status) -> Vec<Wrong> {
    let mut all = Vec::new();
    let mut put = |kind, what: String, why: String, path| {
        let why = short(&why);
        all.push(Wrong {
            kind,
            what,
            why,
            path,
        });
    };
    for one in &status.conditions {
        let unready = if one.unready { " (not ready)" } else { "" };
        put(
            "bad",
            format!("{}{unready}", shown(&one.condition)),
            one.detail.clone(),
            "/audit",
        );
    }
    if let Some(failed) = status
        .failed_reload
        .as_ref()
        .filter(|failed| !failed.mended)
    {
        let first = failed.error.lines().next().unwrap_or_default();
        put(
            "bad",
            "the last change was refused".to_owned(),
            first.to_owned(),
            "/policies",
        );
    }
    for alert in &status.alerts {
        for one in &alert.firing {
            let what = format!("alert {}", shown(&alert.name));
            put("bad", what, one.what.clone(), "/alerts");
        }
        if let Some(last) = alert.last.as_ref().filter(|last| !last.ok) {
            let what = format!("alert {}: the receiver is not told", shown(&alert.name));
            put("warn", what, last.said.clone(), "/alerts");
        }
    }
    for server in &status.servers {
        let (kind, word) = state_of(status, server);
        if kind == "bad" {
            let error = server.last_error.as_ref().map(|last| last.error.clone());
            put(
                "bad",
                format!("server {}: {}", shown(&server.name), shown(&word)),
                error.unwrap_or_default(),
                "/servers",
            );
        }
        if !server.lookalikes.is_empty() {
            let names = server.lookalikes.join(", ");
            put(
                "warn",
                format!("server {}: names that look the same", shown(&server.name)),
                names,
                "/servers",
            );
        }
        if let Some(until) = server
            .egress
            .as_ref()
            .and_then(|egress| egress.audit_until.as_ref())
        {
            let why = format!("every public host is let through until {until}");
            put(
                "warn",
                format!(
                    "server {}: an audit of its connections",
                    shown(&server.name)
                ),
                why,
                "/servers",
            );
        }
    }
    for one in status
        .interceptors
        .iter()
        .filter(|one| one.tally.faults > 0)
    {
        let why = format!(
            "{} of {} runs failed",
            count(one.tally.faults),
            count(one.tally.runs)
        );
        put(
            "bad",
            format!("interceptor {} has faults", shown(&one.name)),
            why,
            "/policies",
        );
    }
    for issuer in &status.issuers {
        if let (Some(since), Some(error)) = (&issuer.failing_since, &issuer.error) {
            put(
                "bad",
                format!("issuer {} fails since {since}", shown(&issuer.issuer)),
                error.clone(),
                "/clients",
            );
        }
    }
    if status.unwritten_records > 0 {
        put(
            "bad",
            "the call log has gaps".to_owned(),
            format!(
                "{} records could not be written",
                count(status.unwritten_records)
            ),
            "/audit",
        );
    }
    if !status.needs_restart.is_empty() {
        put(
            "warn",
            "keys wait for the next start".to_owned(),
            status.needs_restart.join(", "),
            "/policies",
        );
    }
    for stop in &status.stops {
        let kind = stop.kind.as_str();
        put(
            "warn",
            format!("{kind} {} is stopped", shown(&stop.name)),
            stop.why.clone(),
            "/stops",
        );
    }
    all.truncate(WRONG);
    all
}

fn verdict(wrong: &[Wrong]) -> Markup {
    html! {
        section.verdict aria-live="polite" aria-label="What is wrong now" data-wrong {
            @if wrong.is_empty() { p.well { (state("well", "Nothing is wrong.")) } }
            @else {
                ul {
                    @for one in wrong { li class=(one.kind) { a href=(one.path) { (one.what) } span { (one.why) } } }
                }
            }
        }
    }
}

/// Whether an interceptor is stopped.
pub(crate) fn is_stopped(status: &Status, name: &str, plugin: &str) -> bool {
    status.is_stopped(StopKind::Plugin, &[name, plugin])
}

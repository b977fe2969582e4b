//! The overview: what is wrong now, how much passes, how long it takes, and how the servers are.

use maud::{Markup, html};
use sandgate_daemon::calls::{CallFilter, CallRow};
use sandgate_daemon::operator::Operator;
use sandgate_daemon::status::Status;
use sandgate_telemetry::traffic::{SLOT_SECONDS, TrafficReport};
use serde_json::{Value, json};

use super::wrong::{state_of, verdict, wrong};
use super::{Page, calls, chart, count, heads, shown, took, when};

/// The most calls that are shown here, and servers.
const CALLS: usize = 8;
const SERVERS: usize = 60;
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

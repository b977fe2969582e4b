//! The list of calls, with its filters.

use std::time::{Duration, SystemTime};

use maud::{Markup, html};
use sandgate_daemon::calls::{CallFilter, CallPage, CallRow};
use sandgate_daemon::status::Status;
use serde_json::{Value, json};

use super::{Page, moment, problem, short, shown, took};
use crate::form::{Form, query};

/// The most calls of a page.
pub(crate) const MOST: usize = 100;
/// The outcomes, as the call log spells them.
const DECISIONS: [&str; 6] = [
    "forwarded",
    "refused",
    "answered",
    "failed",
    "overloaded",
    "cancelled",
];
/// Periods back from now.
const PERIODS: [(&str, &str, u64); 4] = [
    ("5m", "5 minutes", 300),
    ("1h", "hour", 3_600),
    ("24h", "24 hours", 86_400),
    ("7d", "7 days", 604_800),
];
/// The heads of the columns.
const HEADS: [&str; 6] = ["time", "client", "server", "what", "outcome", "took"];

/// The longest part of a filter, in bytes. Each is looked for in thousands of calls.
const LONGEST: usize = 256;

/// Reads the filter. What is no value of it is left out.
///
/// # Errors
///
/// A part is too long.
pub(crate) fn filter(form: &Form) -> Result<CallFilter, String> {
    let parts = ["server", "target", "client", "decision"];
    if parts.iter().any(|name| form.get(name).len() > LONGEST) {
        return Err(format!(
            "a part of the filter is longer than {LONGEST} bytes"
        ));
    }
    let since = PERIODS.iter().find(|(key, ..)| *key == form.get("since"));
    Ok(CallFilter {
        server: form.some("server"),
        target: form.some("target"),
        client: form.some("client"),
        decision: form.some("decision"),
        since: since
            .and_then(|(.., secs)| SystemTime::now().checked_sub(Duration::from_secs(*secs))),
    })
}

pub(crate) fn page(status: &Status, form: &Form, read: Result<CallPage, String>) -> Page {
    let found = match read {
        Ok(found) => found,
        Err(why) => return problem("The calls cannot be read", &why),
    };
    let fields =
        ["server", "target", "client", "decision", "since"].map(|name| (name, form.get(name)));
    let older = found.next.as_ref().map(|next| {
        let fields: Vec<_> = fields
            .into_iter()
            .chain([("after", next.as_str())])
            .collect();
        query(&fields)
    });
    let is_filtered = fields.iter().any(|(_, value)| !value.is_empty());
    let empty = match (is_filtered, found.cut) {
        (_, true) => "None of the calls that were looked at fit. There are older ones.",
        (true, false) => "No call fits this filter.",
        (false, false) => "No call has ended yet.",
    };
    Page {
        title: "Calls".to_owned(),
        content: html! {
            (filters(status, form))
            (table(&found.rows, empty, None))
            div.more {
                @if let Some(older) = &older { a.button href={ "/calls?" (older) } data-more={ "/calls.json?" (older) } { "Older calls" } }
                @else if !found.rows.is_empty() { p.aside { "These are all." } }
                @if !form.get("after").is_empty() {
                    a href={ "/calls?" (query(&fields)) } { "Newest calls" }
                }
                p.aside {
                    @if found.from_file { "From the call log's file, the last first." }
                    @else { "From memory, which holds the last few thousand: the call log goes to no file." }
                }
            }
        },
    }
}

fn filters(status: &Status, form: &Form) -> Markup {
    let option = |value: &str, text: &str, name: &str| {
        html! { option value=(value) selected[form.get(name) == value] { (text) } }
    };
    html! {
        form.filters method="get" action="/calls" role="search" aria-label="Filter" {
            label { span { "Tool or resource" }
                input type="search" name="target" value=(shown(form.get("target"))) data-filter autocomplete="off" spellcheck="false"; }
            label { span { "Client" }
                input type="search" name="client" value=(shown(form.get("client")))
                autocomplete="off" spellcheck="false"; }
            label { span { "Server" } select name="server" {
                (option("", "all", "server"))
                @for server in &status.servers { (option(&server.name, &server.name, "server")) }
            } }
            label { span { "Outcome" } select name="decision" {
                (option("", "all", "decision"))
                @for one in DECISIONS { (option(one, one, "decision")) }
            } }
            label { span { "Since" } select name="since" {
                (option("", "ever", "since"))
                @for (value, text, _) in PERIODS { (option(value, text, "since")) }
            } }
            button { "Filter" }
            a.clear href="/calls" { "Clear" }
        }
    }
}

/// Calls as rows, each with a link to its story that fills it. `live`: the name under which the script finds it.
pub(crate) fn table(rows: &[CallRow], empty: &str, live: Option<&str>) -> Markup {
    html! {
        div.calls role="table" aria-label="Calls" data-rows=[live] {
            div.row.head role="row" { @for head in HEADS { span role="columnheader" { (head) } } }
            div.chunk role="rowgroup" {
                @for row in rows {
                    @let [day, time, who, server, method, target, decision, cause, took] = cells(row);
                    div.row role="row" {
                        time role="cell" title={ (day) " UTC" } { (time) }
                        span role="cell" { (who) }
                        span role="cell" { (server) }
                        span.what role="cell" {
                            a.open href={ "/call/" (row.id) } { @if target.is_empty() { (method) } @else { (target) } }
                            @if !target.is_empty() { " " small { (method) } }
                        }
                        span.outcome role="cell" { span class={ "badge " (decision) } { (decision) } " " small { (cause) } }
                        span.number role="cell" { (took) }
                    }
                }
            }
            @if rows.is_empty() { p.empty { (empty) } }
        }
    }
}

/// The cells of a row: its day, time, client, server, method, target, outcome, what made it, and how long it took.
fn cells(row: &CallRow) -> [String; 9] {
    let (day, time) = moment(&row.time);
    let known = DECISIONS.contains(&row.decision.as_str());
    let (decision, cause) = match (known, row.decision.as_str()) {
        (true, "forwarded") if row.failed => ("error", row.cause()),
        (true, "forwarded") if row.changed() => ("changed", row.cause()),
        (true, "forwarded") => ("passed", row.cause()),
        (true, other) => (other, row.cause()),
        (false, _) => ("unknown", String::new()),
    };
    [
        day,
        time,
        short(row.who()),
        short(&row.server),
        short(&row.method),
        short(row.target.as_deref().unwrap_or_default()),
        decision.to_owned(),
        short(&cause),
        took(row.us),
    ]
}

/// A row for the script, which puts each cell into the page as text.
pub(crate) fn row_json(row: &CallRow) -> Value {
    let id: String = row.id.chars().filter(char::is_ascii_hexdigit).collect();
    json!([id, cells(row)])
}

/// A further page for the script.
pub(crate) fn rows_json(page: &CallPage) -> String {
    let rows: Vec<Value> = page.rows.iter().map(row_json).collect();
    json!({ "rows": rows, "next": page.next }).to_string()
}

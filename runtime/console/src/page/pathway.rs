//! The way of a call as a picture: from the client through the interceptors to the server, and back. It is drawn by the
//! server, in plain SVG without styles of its own.

use maud::{Markup, html};
use sandgate_telemetry::call_log::record::{Entry, Record};

use super::{cut, shown, took};

/// Measures, in pixels.
const STATION: usize = 148;
const GAP: usize = 34;
const END: usize = 104;
const HIGH: usize = 58;
const TOP: usize = 26;
const BOTTOM: usize = 130;
const HEIGHT: usize = 214;
/// The most stations of a lane.
const MOST: usize = 24;

/// The class of a run, for its colour.
pub(crate) fn class(entry: &Entry) -> &'static str {
    let class = match entry.decision.as_str() {
        "proceed" => "proceed",
        "edit" | "replace" => "edit",
        "refuse" => "refuse",
        "answer" => "answer",
        _ => "fault",
    };
    match (class, entry.applied) {
        ("proceed", _) | (_, true) => class,
        (_, false) => "unapplied",
    }
}

/// The decision in a word.
pub(crate) fn word(entry: &Entry) -> &'static str {
    match entry.decision.as_str() {
        "proceed" => "let pass",
        "edit" => "changed",
        "replace" => "replaced",
        "refuse" => "refused",
        "answer" => "answered",
        _ => "failed",
    }
}

/// Draws it. `forwarded`: whether a record says that it was sent.
pub(crate) fn draw(record: &Record, forwarded: bool) -> Markup {
    let of = |hook: &str| -> Vec<&Entry> {
        record
            .trail
            .entries
            .iter()
            .filter(|entry| entry.hook == hook)
            .take(MOST)
            .collect()
    };
    let (way_in, way_back) = (of("pre-call"), of("post-call"));
    let ends = |entry: &&Entry| {
        entry.applied && matches!(entry.decision.as_str(), "refuse" | "fault" | "answer")
    };
    let reached = forwarded || record.server_us.is_some();
    // Where the call turned round before it reached the server.
    let turn = way_in.iter().rposition(ends).filter(|_| !reached);
    let by_rule = record.refused_by.is_some();
    let columns = way_in.len().max(way_back.len()).max(1);
    let lanes = columns * (STATION + GAP) + GAP;
    let width = END + lanes + END;
    let right = END + lanes;
    let x = |column: usize| END + GAP + column * (STATION + GAP);
    let (up, down) = (TOP + HIGH / 2, BOTTOM + HIGH / 2);
    let is_from_server = record.direction == "server-to-client";
    let (left_name, right_name) = match is_from_server {
        true => (record.server.as_str(), "client"),
        false => ("client", record.server.as_str()),
    };
    // Where the line of the way in ends, and where that of the way back begins.
    let in_end = match turn {
        Some(place) => x(place) + STATION / 2,
        None if reached => right,
        None => END + GAP / 2,
    };
    let back = record.reply_bytes.is_some() || !reached;
    let label = format!(
        "The call passed {} on the way in and {} on the way back; {}",
        runs(way_in.len()),
        runs(way_back.len()),
        if reached {
            "the server was asked"
        } else {
            "the server was not asked"
        }
    );
    html! {
        svg.pathway width=(width) height=(HEIGHT) viewBox={ "0 0 " (width) " " (HEIGHT) } role="img" aria-label=(label) {
            @if !reached { path.way.dim d={ "M" (in_end) "," (up) "H" (right) } {} }
            path.way d={ "M" (END) "," (up) "H" (in_end) } {}
            @if !reached {
                path.way.turned d={ "M" (in_end) "," (up) "V" (down) "H" (END + 9) } {}
            } @else if back {
                path.way d={ "M" (right) "," (down) "H" (END + 9) } {}
            }
            @if reached { path.tip d={ "M" (right) "," (up) "l-9,-5v10z" } {} }
            @if back { path.tip d={ "M" (END + 1) "," (down) "l9,-5v10z" } {} }
            (end(0, left_name, &format!("{} B", super::count(record.request_bytes)), true))
            (end(right, right_name, &record.server_us.map(took).unwrap_or_else(|| if reached { String::new() } else { "not asked".to_owned() }), reached))
            @for (column, entry) in way_in.iter().enumerate() { (station(x(column), TOP, entry, turn.is_some_and(|turn| column > turn))) }
            @for (place, entry) in way_back.iter().enumerate() { (station(x(columns - 1 - place), BOTTOM, entry, false)) }
            @if way_in.is_empty() && by_rule {
                g.station.refuse {
                    rect x=(x(0)) y=(TOP) width=(STATION) height=(HIGH) rx="9" {}
                    text.name x=(x(0) + 12) y=(TOP + 24) { "the gateway" }
                    text.note x=(x(0) + 12) y=(TOP + 44) { "refused by a rule" }
                }
            }
            text.lane x=(END + GAP) y=(TOP - 10) { "request" }
            text.lane x=(END + GAP) y=(BOTTOM + HIGH + 20) { "reply" }
        }
    }
}

fn runs(count: usize) -> String {
    match count {
        0 => "no interceptor".to_owned(),
        1 => "one interceptor".to_owned(),
        count => format!("{count} interceptors"),
    }
}

/// `beside`: it judged at the same time as the one that ended the call.
fn station(x: usize, y: usize, entry: &Entry, beside: bool) -> Markup {
    html! {
        g class={ "station " (class(entry)) @if beside { " beside" } } {
            title { (shown(&entry.interceptor)) ": " (word(entry)) ", " (took(entry.us)) }
            rect x=(x) y=(y) width=(STATION) height=(HIGH) rx="9" {}
            text.name x=(x + 12) y=(y + 24) { (cut(&entry.interceptor, 17)) }
            text.note x=(x + 12) y=(y + 44) { (word(entry)) }
            text.time x=(x + STATION - 12) y=(y + 44) { (took(entry.us)) }
        }
    }
}

fn end(x: usize, name: &str, note: &str, lit: bool) -> Markup {
    html! {
        g class=(if lit { "end" } else { "end dim" }) {
            rect x=(x + 1) y=(TOP) width=(END - 2) height=(BOTTOM + HIGH - TOP) rx="9" {}
            text.name x=(x + END / 2) y=(TOP + 76) { (cut(name, 12)) }
            text.note x=(x + END / 2) y=(TOP + 96) { (note) }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn drawn(record: serde_json::Value, forwarded: bool) -> String {
        draw(&serde_json::from_value(record).unwrap(), forwarded).into_string()
    }

    #[test]
    fn a_refused_call_turns_round_before_the_server() {
        let entry = |name: &str, decision: &str| json!({ "interceptor": name, "hook": "pre-call", "mode": "active", "decision": decision, "applied": true, "us": 7 });
        let record = json!({ "record": "ended", "server": "crm<b>", "decision": "refused", "request_bytes": 9, "reply_bytes": 5,
            "trail": { "version": 1, "entries": [entry("scrub", "edit"), entry("<script>", "refuse")] } });
        let text = drawn(record, false);
        assert!(
            text.contains("not asked") && text.contains("way turned"),
            "{text}"
        );
        assert!(
            text.contains("station edit") && text.contains("station refuse"),
            "{text}"
        );
        assert!(!text.contains("<script") && !text.contains("<b>"), "{text}");
        assert!(!text.contains("style="), "{text}");
    }

    #[test]
    fn a_call_that_was_carried_out_reaches_the_server() {
        let record = json!({ "record": "ended", "server": "crm", "decision": "forwarded", "server_us": 1200, "reply_bytes": 5,
            "trail": { "version": 1, "entries": [] } });
        let text = drawn(record, true);
        assert!(
            text.contains("1.2 ms") && !text.contains("not asked<"),
            "{text}"
        );
    }
}

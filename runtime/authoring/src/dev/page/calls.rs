//! Calls of the running gateway, and what a plugin decided in them.

use sandgate_text::printable;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::view::CallRow;

/// A call's record in the call log, as far as the page shows it.
#[derive(Deserialize)]
struct Record {
    id: String,
    time: String,
    method: String,
    #[serde(default)]
    target: Option<String>,
    #[serde(default)]
    trail: Trail,
}

#[derive(Default, Deserialize)]
struct Trail {
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    interceptor: String,
    decision: String,
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    failure: Option<String>,
    us: u64,
}

/// A row for each record that can be read. A client's words and a plugin's are among them.
pub(super) fn rows(records: &[Box<RawValue>], interceptors: &[String]) -> Vec<CallRow> {
    let records = records
        .iter()
        .filter_map(|record| serde_json::from_str::<Record>(record.get()).ok());
    let rows = records.map(|record| {
        let runs = record
            .trail
            .entries
            .iter()
            .filter(|entry| interceptors.contains(&entry.interceptor));
        let runs = runs.map(
            |Entry {
                 decision,
                 code,
                 failure,
                 us,
                 ..
             }| {
                let named = code
                    .as_ref()
                    .or(failure.as_ref())
                    .map(|name| format!(" {name}"));
                format!("{decision}{} {us} µs", named.unwrap_or_default())
            },
        );
        let runs = printable(&runs.collect::<Vec<_>>().join(", "));
        let target = record.target.map(|target| format!(" {target}"));
        CallRow {
            what: printable(&format!("{}{}", record.method, target.unwrap_or_default())),
            // Of 2026-01-31T12:00:01.123Z.
            time: printable(record.time.get(11..19).unwrap_or(&record.time)),
            id: record.id,
            runs,
        }
    });
    rows.collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_row_has_this_plugins_decisions_and_nothing_that_steers_a_terminal() {
        let record = serde_json::json!({
            "record": "ended", "id": "0a", "time": "2026-01-31T12:00:01.123Z", "method": "tools/call",
            "target": "rm\u{1b}]0;x\u{7}", "trail": { "version": 3, "entries": [
                { "interceptor": "other", "decision": "proceed", "us": 1 },
                { "interceptor": "mine", "decision": "proceed", "us": 12 },
                { "interceptor": "mine", "decision": "refuse", "code": "a.b\u{1b}[2J", "us": 88 },
            ] },
        });
        let records = [serde_json::value::to_raw_value(&record).unwrap()];
        let rows = rows(&records, &["mine".to_owned()]);
        assert_eq!(rows[0].time, "12:00:01");
        assert_eq!(rows[0].runs, "proceed 12 µs, refuse a.b\u{fffd}[2J 88 µs");
        assert_eq!(rows[0].what, "tools/call rm\u{fffd}]0;x\u{fffd}");
    }
}

//! When a call began and ended, by its records in the call log.

use std::time::{Duration, SystemTime};

use serde::Deserialize;

/// The time that one record of a call tells.
#[derive(Debug, Deserialize)]
pub struct CallSpan {
    record: String,
    server: String,
    time: String,
    #[serde(default)]
    us: u64,
}

impl CallSpan {
    /// Reads a line; `None`: it is no record of a call.
    pub fn of(line: &str) -> Option<Self> {
        let span: Self = serde_json::from_str(line).ok()?;
        matches!(span.record.as_str(), "forwarded" | "ended").then_some(span)
    }

    /// The server of a call and the time from its beginning to its end, by its records; where no end is known, to now.
    pub fn whole(records: &[Self]) -> Option<(&str, (SystemTime, SystemTime))> {
        let at = |span: &Self| humantime::parse_rfc3339(&span.time).ok();
        let ended = records.iter().find(|span| span.record == "ended");
        let known = ended.or(records.first())?;
        let time = at(known)?;
        let period = match ended {
            Some(ended) => (time.checked_sub(Duration::from_micros(ended.us))?, time),
            None => (time, SystemTime::now()),
        };
        Some((&known.server, period))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_calls_time_is_that_of_its_end_and_what_it_took() {
        let ended = r#"{"record":"ended","time":"2026-11-22T10:00:02.5Z","id":"a","server":"s","us":1500000}"#;
        let forwarded =
            r#"{"record":"forwarded","time":"2026-11-22T10:00:01Z","id":"a","server":"s"}"#;
        let at = |text| humantime::parse_rfc3339(text).unwrap();
        let spans: Vec<_> = [forwarded, ended]
            .into_iter()
            .filter_map(CallSpan::of)
            .collect();
        let whole = CallSpan::whole(&spans).unwrap();
        let period = (at("2026-11-22T10:00:01Z"), at("2026-11-22T10:00:02.5Z"));
        assert_eq!(whole, ("s", period));
        let open: Vec<_> = CallSpan::of(forwarded).into_iter().collect();
        assert_eq!(
            CallSpan::whole(&open).unwrap().1.0,
            at("2026-11-22T10:00:01Z")
        );
        assert!(CallSpan::of(r#"{"record":"egress-ended","time":"x","server":"s"}"#).is_none());
    }
}

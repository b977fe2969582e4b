//! The reason of an interceptor's decision: what matched, where, what it was taken for, and what would allow it.

use std::fmt::Write as _;

use sandgate_message::Explanation;
use sandgate_text::printable;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::paste::Written;

/// The most places named of one finding.
const PLACES: usize = 3;

/// The `details` of a finding, as far as a story needs them.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct FindingDetails {
    pub(super) explanation: Option<Explanation>,
    spans: Vec<Span>,
}

#[derive(Debug, Deserialize)]
struct Span {
    pointer: String,
}

impl FindingDetails {
    pub(super) fn of(details: Option<&RawValue>) -> Self {
        let read = details.map(|details| serde_json::from_str(details.get()));
        read.and_then(Result::ok).unwrap_or_default()
    }

    /// The places of what the finding found.
    pub(super) fn places(&self) -> Option<String> {
        let mut places: Vec<&str> = self
            .spans
            .iter()
            .map(|span| span.pointer.as_str())
            .collect();
        places.dedup();
        let more = places.len().saturating_sub(PLACES);
        places.truncate(PLACES);
        let shown = places.join(", ");
        match more {
            0 if places.is_empty() => None,
            0 => Some(shown),
            more => Some(format!("{shown} and {more} more")),
        }
    }
}

/// Appends the lines of one reason. `written` is the configuration, if there is one.
pub(super) fn lines(
    text: &mut String,
    interceptor: &str,
    place: Option<&str>,
    explanation: Option<&Explanation>,
    written: Option<&Written>,
) {
    let mut line = |key: &str, value: &str| {
        let _ = writeln!(text, "    {key:<10}  {}", printable(value));
    };
    if let Some(explanation) = explanation {
        line("matched", &explanation.rule);
    }
    if let Some(place) = place {
        line("at", place);
    }
    let Some(explanation) = explanation else {
        return;
    };
    if let Some(role) = &explanation.role {
        line("taken for", role);
    }
    let Some(setting) = &explanation.setting else {
        return;
    };
    line("decided by", &format!("settings{setting}"));
    let Some(value) = &explanation.value else {
        return;
    };
    let paste = written.and_then(|written| {
        let paste = written.paste(interceptor, setting, value)?;
        Some((written.name(), paste))
    });
    match paste {
        Some((file, paste)) => {
            let _ = writeln!(
                text,
                "    to allow it, {} of {}:\n      {}",
                printable(&paste.place),
                printable(&file),
                printable(&paste.line)
            );
        }
        None => line("allowed by", &format!("{value} there")),
    }
}

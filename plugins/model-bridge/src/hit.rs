//! What a classifier said of the texts of a document, and where else the same values stand.

use std::collections::BTreeMap;

use crate::inputs::{Input, Text};
use crate::verdict::{Span, Verdict};

/// The most values that are looked for elsewhere in the document, and the shortest one, in bytes.
const MOST_VALUES: usize = 32;
const SHORTEST_VALUE: usize = 4;

/// Something that a classifier said of a text.
pub(crate) struct Hit {
    /// The index of the text among those sent.
    pub(crate) text: usize,
    pub(crate) label: String,
    pub(crate) score: f64,
    /// None: the text as a whole.
    pub(crate) span: Option<Span>,
}

/// What the verdicts say of the texts, without scores below `least`, on which nothing is done.
pub(crate) fn hits(inputs: &[Input], verdicts: &[Option<Verdict>], least: f64) -> Vec<Hit> {
    let mut hits = Vec::new();
    for (input, verdict) in inputs.iter().zip(verdicts) {
        let Some(verdict) = verdict else {
            continue;
        };
        let scores = || verdict.scores.iter().filter(|(_, score)| *score >= least);
        let spans = || verdict.spans.iter().filter(|span| span.score >= least);
        for (text, offset) in &input.parts {
            hits.extend(scores().map(|(label, score)| Hit {
                text: *text,
                label: label.clone(),
                score: *score,
                span: None,
            }));
            hits.extend(spans().map(|span| Hit {
                text: *text,
                label: span.entity.clone(),
                score: span.score,
                span: Some(Span {
                    start: span.start + offset,
                    end: span.end + offset,
                    ..span.clone()
                }),
            }));
        }
    }
    hits
}

/// The places to mask by text. A value that is masked in one place is masked in every other: what a result says twice, as a
/// text and as structured content, must agree.
pub(crate) fn everywhere(
    texts: &[Text],
    hits: &[Hit],
    threshold: f64,
) -> BTreeMap<usize, Vec<Span>> {
    let mut by_text: BTreeMap<usize, Vec<Span>> = BTreeMap::new();
    let mut values: BTreeMap<&str, &Span> = BTreeMap::new();
    for hit in hits.iter().filter(|hit| hit.score >= threshold) {
        let Some(span) = &hit.span else {
            continue;
        };
        by_text.entry(hit.text).or_default().push(span.clone());
        let value = texts[hit.text].text.get(span.start..span.end);
        if let Some(value) = value.filter(|value| value.len() >= SHORTEST_VALUE)
            && values.len() < MOST_VALUES
        {
            values.entry(value).or_insert(span);
        }
    }
    for (index, text) in texts.iter().enumerate() {
        for (value, span) in &values {
            for (start, _) in text.text.match_indices(value) {
                let end = start + value.len();
                if is_apart(text.text, start, end) {
                    by_text.entry(index).or_default().push(Span {
                        start,
                        end,
                        ..(*span).clone()
                    });
                }
            }
        }
    }
    by_text
}

/// Whether it is no part of a longer word or number.
fn is_apart(text: &str, start: usize, end: usize) -> bool {
    let joins = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    let before = start.checked_sub(1).and_then(|before| bytes.get(before));
    !(joins(before) && joins(bytes.get(start))
        || joins(bytes.get(end)) && joins(bytes.get(end - 1)))
}

pub(crate) fn highest<'h>(hits: impl Iterator<Item = &'h Hit>) -> Option<&'h Hit> {
    hits.max_by(|one, other| one.score.total_cmp(&other.score))
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;

    #[test]
    fn what_nothing_is_done_about_is_not_kept() {
        let span = |score| Span {
            start: 0,
            end: 1,
            entity: "PERSON".into(),
            score,
        };
        let verdict = Verdict {
            scores: vec![("A".into(), 0.1), ("B".into(), 0.5)],
            spans: vec![span(0.4), span(0.9)],
        };
        let input = Input {
            text: Cow::Borrowed("abc"),
            parts: vec![(0, 0), (1, 0)],
        };
        let hits = hits(&[input], &[Some(verdict)], 0.5);
        let scores: Vec<f64> = hits.iter().map(|hit| hit.score).collect();
        assert_eq!(scores, [0.5, 0.9, 0.5, 0.9]);
    }
}

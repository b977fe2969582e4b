//! What a classifier says of one input, as it is kept and acted on.

use serde_json::{Value, json};

use crate::settings::is_name;

/// The most labels or entities of one input. An answer with more is none.
pub(crate) const MOST: usize = 2048;

/// What a classifier says of one input.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Verdict {
    /// Scores by label, for the input as a whole.
    pub(crate) scores: Vec<(String, f64)>,
    /// Places in the input.
    pub(crate) spans: Vec<Span>,
}

/// A place in a text that a classifier named.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Span {
    /// Bytes, at the boundaries of characters.
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) entity: String,
    pub(crate) score: f64,
}

impl Verdict {
    /// As text, for the cache.
    pub(crate) fn written(&self) -> String {
        let spans: Vec<Value> = self
            .spans
            .iter()
            .map(|span| json!([span.start, span.end, span.entity, span.score]))
            .collect();
        json!({ "scores": self.scores, "spans": spans }).to_string()
    }

    /// From the cache. None where it is no verdict about this input.
    pub(crate) fn read(bytes: &[u8], input: &str) -> Option<Self> {
        #[derive(serde::Deserialize)]
        struct Kept {
            scores: Vec<(String, f64)>,
            spans: Vec<(usize, usize, String, f64)>,
        }
        let kept: Kept = serde_json::from_slice(bytes).ok()?;
        let verdict = Self {
            scores: kept.scores,
            spans: kept
                .spans
                .into_iter()
                .map(|(start, end, entity, score)| Span {
                    start,
                    end,
                    entity,
                    score,
                })
                .collect(),
        };
        verdict.is_about(input).then_some(verdict)
    }

    /// Whether it can be about this input: scores are shares, places lie in it.
    pub(crate) fn is_about(&self, input: &str) -> bool {
        let is_share = |score: f64| (0.0..=1.0).contains(&score);
        self.scores.len() <= MOST
            && self.spans.len() <= MOST
            && self
                .scores
                .iter()
                .all(|(label, score)| is_name(label) && is_share(*score))
            && self.spans.iter().all(|span| {
                is_name(&span.entity)
                    && is_share(span.score)
                    && span.start < span.end
                    && input.is_char_boundary(span.start)
                    && input.is_char_boundary(span.end)
            })
    }
}

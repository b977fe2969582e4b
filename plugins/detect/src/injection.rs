//! How much a text reads like an instruction to the model that reads it, where only data should be.

use std::ops::Range;

use crate::hidden::{self, Kinds};

/// The judgement of a text.
#[derive(Clone, Debug)]
pub struct Score {
    /// From 0.0 (data) to 1.0 (an instruction).
    pub value: f32,
    /// The bytes of the text that were judged worst; empty in an empty text.
    pub passage: Range<usize>,
    /// What is hidden in the text.
    pub hidden: Kinds,
    reasons: u32,
}

impl Score {
    /// The names of what spoke for an instruction, for a finding.
    pub fn reasons(&self) -> impl Iterator<Item = &'static str> {
        let reasons = self.reasons;
        REASONS
            .into_iter()
            .enumerate()
            .filter(move |(index, _)| reasons >> index & 1 == 1)
            .map(|(_, name)| name)
            .chain(self.hidden.within(Kinds::SUSPICIOUS).names())
    }
}

const REASONS: [&str; 2] = ["override", "addresses the model"];

/// Scores the text.
pub fn score(text: &str) -> Score {
    let normalised = hidden::normalised(text);
    let lower = normalised.text.to_ascii_lowercase();
    let place = |words: &[&str]| words.iter().find_map(|word| lower.find(word));
    let overrides = place(&[
        "ignore all previous",
        "ignore previous",
        "disregard all",
        "forget all",
        "忽略之前",
        "<|im_start|>",
    ]);
    let addresses = place(&[
        "to the assistant",
        "to you, the ai",
        "ai agents",
        "ai assistant",
    ]);
    let start = overrides.or(addresses).unwrap_or(0);
    let value = match (overrides, addresses) {
        (Some(_), _) => 0.95,
        (None, Some(_)) => 0.6,
        (None, None) => 0.02,
    };
    Score {
        value,
        passage: normalised.original(&(start..lower.len())),
        hidden: normalised.kinds,
        reasons: u32::from(overrides.is_some()) | u32::from(addresses.is_some()) << 1,
    }
}

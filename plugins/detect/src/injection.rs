//! How much a text reads like an instruction to the model that reads it, where only data should be.
//!
//! A linear model weighs each passage (a sentence, a value, a cell, a line) by its words, by what the words do (override,
//! send, reveal, address the model), and by where it stands (a command in a table stands out). The worst passage decides.
//! Hidden characters and one level of encodings are undone before. The crate's features are the model's and the training
//! program's.

use std::ops::Range;

use crate::hidden::{self, Kinds};

mod border;
mod encoded;
mod features;
mod layout;
mod lexicon;
mod model;
mod passage;
mod reader;

pub use model::{GROUPS, Weights, share};
pub use passage::{FEATURES, Group, Passage, Sink};
pub use reader::read;

use layout::Layout;
use lexicon::Class;
use model::Weigher;
use passage::{ACTIONS, has};

/// The judgement of a text.
#[derive(Clone, Debug)]
pub struct Score {
    /// From 0.0 (data) to 1.0 (an instruction).
    pub value: f32,
    /// The bytes of the text that were judged worst; empty where there is nothing to judge.
    pub passage: Range<usize>,
    /// What is hidden in the text.
    pub hidden: Kinds,
    reasons: u32,
}

/// The names of what speaks for an instruction.
const REASONS: [&str; 13] = [
    "overrides-instructions",
    "addresses-the-model",
    "command",
    "role-marker",
    "secret",
    "sends-out",
    "names-a-tool",
    "secrecy",
    "persona",
    "shapes-the-answer",
    "out-of-place",
    "encoded",
    "wording",
];
const ENCODED: usize = 11;

/// The score from which on an encoded text counts.
const ENOUGH: f32 = 0.3;

/// How much of a line is read backwards.
const LINE: usize = 2048;

impl Score {
    /// The names of what speaks for an instruction, and of what is hidden.
    pub fn reasons(&self) -> impl Iterator<Item = &'static str> {
        let reasons = self.reasons;
        REASONS
            .into_iter()
            .enumerate()
            .filter(move |(index, _)| reasons >> index & 1 == 1)
            .map(|(_, name)| name)
            .chain(self.hidden.within(Kinds::SUSPICIOUS).names())
    }

    fn nothing(hidden: Kinds) -> Self {
        Self {
            value: 0.0,
            passage: 0..0,
            hidden,
            reasons: 0,
        }
    }
}

/// Whether the text is prose, and not code, a table, or data in JSON, YAML or HTML: marks may be put around prose.
pub fn is_prose(text: &str) -> bool {
    let is_begun = |mark| text.trim_start().starts_with(mark);
    !text.contains("```")
        && !['{', '[', '<'].into_iter().any(is_begun)
        && matches!(Layout::of(text.as_bytes()), Layout::Short | Layout::Prose)
}

/// Scores the text.
pub fn score(text: &str) -> Score {
    score_by(text, model::WEIGHTS)
}

/// Scores the text by other weights, for the training program.
pub fn score_by(text: &str, weights: &Weights) -> Score {
    let normalised = hidden::normalised(text);
    let text = &*normalised.text;
    let (mut score, seen) = plain(text, normalised.kinds, weights);
    let mut undone = |start: usize, end: usize, said: &str| {
        let (inner, _) = plain(said, Kinds::NONE, weights);
        if inner.value > score.value && inner.value > ENOUGH {
            score.value = inner.value;
            score.passage = start..end;
            score.reasons = inner.reasons | 1 << ENCODED;
        }
    };
    encoded::stretches(text, seen.is_spaced, seen.is_mixed, &mut undone);
    if let Some(passage) = seen.unreadable {
        let (start, end) = (passage.start, passage.end);
        // What is written backwards begins at the end of its line.
        let line = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let end = text[end..].find('\n').map_or(text.len(), |at| end + at);
        let line = line.max(text.floor_char_boundary(end.saturating_sub(LINE)));
        for said in encoded::turned(&text[line..end]) {
            undone(line, end, &said);
        }
    }
    score.passage = normalised.original(&score.passage);
    score
}

/// Scores a text in which nothing is encoded. Gives also what may be encoded.
fn plain<'w>(text: &str, hidden: Kinds, weights: &'w Weights) -> (Score, Weigher<'w>) {
    let mut weigher = Weigher::new(weights);
    read(text, &mut weigher);
    let score = match &weigher.best {
        None => Score::nothing(hidden),
        Some((logit, passage)) => Score {
            value: 1.0 / (1.0 + (-(logit + surprise(hidden))).exp()),
            passage: passage.start..passage.end,
            hidden,
            reasons: reasons(passage),
        },
    };
    (score, weigher)
}

/// What hidden characters add: few texts have them by chance, and instructions are what is worth hiding.
fn surprise(hidden: Kinds) -> f32 {
    let mut surprise = 0.0;
    if hidden.has(Kinds::TAGS.and(Kinds::VARIATION)) {
        surprise += 4.0;
    }
    if hidden.has(Kinds::ZERO_WIDTH) {
        surprise += 2.5;
    }
    if hidden.has(Kinds::BIDI.and(Kinds::LOOK_ALIKE)) {
        surprise += 1.0;
    }
    if hidden.has(Kinds::ANSI_HIDING.and(Kinds::HIDDEN_HTML)) {
        surprise += 0.5;
    }
    surprise
}

fn reasons(passage: &Passage) -> u32 {
    let mask = passage.mask;
    let mut reasons = [false; REASONS.len()];
    reasons[0] = has(mask, Class::Override)
        && (has(mask, Class::Rules) || has(mask, Class::Prior) || has(mask, Class::Limits));
    reasons[1] = has(mask, Class::Machine);
    reasons[2] = passage.is_command && mask & ACTIONS != 0;
    reasons[3] = has(mask, Class::RoleMark) || has(mask, Class::Tag);
    reasons[4] = has(mask, Class::Secret) && mask & ACTIONS != 0;
    reasons[5] = has(mask, Class::Send) && (has(mask, Class::Email) || has(mask, Class::Url));
    reasons[6] =
        has(mask, Class::Tool) || has(mask, Class::Identifier) && has(mask, Class::Execute);
    reasons[7] = has(mask, Class::Secrecy);
    reasons[8] = has(mask, Class::Pretend) && (has(mask, Class::You) || has(mask, Class::Limits));
    reasons[9] = has(mask, Class::Response) && has(mask, Class::Say);
    reasons[10] = passage.is_out_of_place;
    reasons[12] = !reasons.contains(&true);
    (0..)
        .zip(reasons)
        .fold(0, |set, (index, reason)| set | u32::from(reason) << index)
}

#[cfg(test)]
mod tests;

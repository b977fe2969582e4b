//! What in the definition of a tool speaks to the model instead of describing the tool: requests to keep something from
//! the user, to read files and pass them on, to use other tools in another way, marks of roles, encoded text.
//!
//! Descriptions of tools are full of imperatives ("Always call `list` first"), so no word alone counts. Signs are found
//! sentence by sentence, weighed, and added up over a few sentences that stand together.

mod encoded;
mod lexicon;
mod markup;
mod rules;
mod sentence;

use std::borrow::Cow;

use crate::hidden::{self, Kinds};

/// What speaks for a poisoned text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Sign {
    /// Something is to be kept from the user.
    Concealment,
    /// Instructions, rules or checks are to be ignored.
    Override,
    /// The text takes the role of the system, of the user or of a tag that models obey.
    Role,
    /// A file or a secret is to be read or handed over.
    Theft,
    /// Data are to be sent to an address that the text names.
    Exfiltration,
    /// Other tools are to be used in another way.
    Shadowing,
    /// Something is to be done before or whenever tools are used.
    Precondition,
    /// A request in the first person or in the tone of one.
    Request,
    /// The model is to be somebody else, or to have other rights.
    Persona,
    /// Text is hidden in an encoding.
    Encoded,
    /// A reason why the model must obey.
    Pressure,
    /// The conversation, the system prompt or the environment is asked for.
    Collection,
    /// The tool is to be preferred to others.
    Preference,
    /// The model is spoken to by its name.
    Addressed,
    /// A program is to be fetched and run.
    Execution,
}

/// The number of kinds of signs.
const SIGNS: usize = 15;

/// The shortest text that can say anything, in bytes.
const SHORTEST: usize = 12;

/// How many sentences are weighed together.
const WINDOW: usize = 4;

/// The score from which a definition counts as poisoned, unless an operator says otherwise.
pub const POISONED: f32 = 0.7;

/// The signs in a text, each with its weight.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Signs([f32; SIGNS]);

/// The signs of a text and what is hidden in it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reading {
    /// The signs of the sentences that are worst together.
    pub signs: Signs,
    /// What is hidden.
    pub hidden: Kinds,
}

impl Sign {
    /// All kinds.
    pub const ALL: [Self; SIGNS] = [
        Self::Concealment,
        Self::Override,
        Self::Role,
        Self::Theft,
        Self::Exfiltration,
        Self::Shadowing,
        Self::Precondition,
        Self::Request,
        Self::Persona,
        Self::Encoded,
        Self::Pressure,
        Self::Collection,
        Self::Preference,
        Self::Addressed,
        Self::Execution,
    ];

    /// Its name in findings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Concealment => "concealment",
            Self::Override => "override",
            Self::Role => "role",
            Self::Theft => "theft",
            Self::Exfiltration => "exfiltration",
            Self::Shadowing => "shadowing",
            Self::Precondition => "precondition",
            Self::Request => "request",
            Self::Persona => "persona",
            Self::Encoded => "encoded",
            Self::Pressure => "pressure",
            Self::Collection => "collection",
            Self::Preference => "preference",
            Self::Addressed => "addressed",
            Self::Execution => "execution",
        }
    }
}

impl Signs {
    /// The weight of one kind.
    pub fn weight(&self, sign: Sign) -> f32 {
        self.0.get(sign as usize).copied().unwrap_or_default()
    }

    /// Adds a sign. Of two of one kind the heavier one counts.
    pub fn add(&mut self, sign: Sign, weight: f32) {
        if let Some(old) = self.0.get_mut(sign as usize) {
            *old = old.max(weight);
        }
    }

    /// Adds those of another text.
    pub fn join(&mut self, others: &Self) {
        for (mine, other) in self.0.iter_mut().zip(others.0) {
            *mine = mine.max(other);
        }
    }

    /// The sum of the weights.
    pub fn score(&self) -> f32 {
        self.0.iter().sum()
    }

    /// The names of the kinds that weigh something, the heaviest first.
    pub fn names(&self) -> Vec<&'static str> {
        let mut found: Vec<Sign> = Sign::ALL
            .into_iter()
            .filter(|sign| self.weight(*sign) >= 0.25)
            .collect();
        found.sort_by(|one, other| self.weight(*other).total_cmp(&self.weight(*one)));
        found.into_iter().map(Sign::name).collect()
    }
}

/// Reads a text of a definition: a description, a title, a default.
pub fn read(text: &str) -> Reading {
    // `string`, `list_items`: the most frequent strings of a definition.
    let is_name = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_';
    let is_short = text.len() < SHORTEST && text.bytes().all(|c| c.is_ascii_graphic());
    if is_short || text.len() < 64 && text.bytes().all(is_name) && !text.starts_with("id_") {
        return Reading::default();
    }
    let normalised = hidden::normalised(text);
    Reading {
        signs: signs_of(&normalised.text, 0),
        hidden: normalised.kinds,
    }
}

/// The sentences of a text, as [`read`] divides it.
pub fn sentences(text: &str) -> Vec<Cow<'_, str>> {
    let mut all = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (sentence, after) = rest.split_at(sentence::end(rest));
        all.push(Cow::Borrowed(sentence));
        rest = after;
    }
    all
}

/// Whether a sentence tells somebody to act: a verb of an action stands where a command begins.
pub fn commands(sentence: &str) -> bool {
    let mut tokens = Vec::new();
    let read = sentence::Sentence::read(sentence, &mut tokens);
    rules::commands(&read)
}

/// The signs of a text without hidden characters. Text that is decoded out of it is one level deeper.
fn signs_of(text: &str, depth: u8) -> Signs {
    let mut window = [Signs::default(); WINDOW];
    let mut worst = Signs::default();
    let mut tokens = Vec::new();
    let mut start = 0;
    let mut turn = 0;
    while start < text.len() {
        let rest = &text[start..];
        let end = sentence::end(rest);
        let sentence = sentence::Sentence::read(&rest[..end], &mut tokens);
        let mut signs = Signs::default();
        rules::apply(&sentence, &mut signs);
        if sentence.has_blob {
            encoded::apply(sentence.text, depth, &mut signs);
        }
        if let Some(slot) = window.get_mut(turn % WINDOW) {
            *slot = signs;
        }
        if signs != Signs::default() {
            let mut together = Signs::default();
            window.iter().for_each(|one| together.join(one));
            if together.score() > worst.score() {
                worst = together;
            }
        }
        turn += 1;
        start += end;
    }
    let mut marks = Signs::default();
    markup::apply(text, &mut marks);
    worst.join(&marks);
    worst
}

#[cfg(test)]
mod tests;

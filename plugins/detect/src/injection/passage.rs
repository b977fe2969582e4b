//! A passage of a text (a sentence, a value, a cell, a line), and who takes its features.

use super::lexicon::Class;

/// All features.
pub const FEATURES: usize = 32768;

/// Features of one group are added up and weighed by their number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Group {
    /// Words and pairs of words.
    Words,
    /// Sequences of classes of words.
    Classes,
    /// Classes that stand together in a passage.
    Pairs,
    /// Where the passage stands, and its form.
    Form,
}

/// Takes the features of the passages of a text, one passage after the other.
pub trait Sink {
    /// A feature of the passage that is being read.
    fn add(&mut self, group: Group, feature: u32);
    /// The passage ends.
    fn end(&mut self, passage: &Passage);
}

/// A stretch of text that is judged as one.
#[derive(Clone, Debug)]
pub struct Passage {
    /// Its first byte.
    pub start: usize,
    /// The byte after its last.
    pub end: usize,
    /// Which classes of words it has.
    pub(super) mask: u64,
    /// Whether it begins as a command does.
    pub(super) is_command: bool,
    pub(super) is_out_of_place: bool,
    /// Whether hardly any of its words are known.
    pub(super) is_unreadable: bool,
    /// Whether most of its words are of one letter.
    pub(super) is_spaced: bool,
    /// Whether many of its words have digits among their letters.
    pub(super) is_mixed: bool,
    pub(super) tokens: usize,
}

pub(super) const fn bit(class: Class) -> u64 {
    1 << class as u8
}

/// Verbs of what a reader is told to do.
pub(super) const ACTIONS: u64 = bit(Class::Send)
    | bit(Class::Read)
    | bit(Class::Reveal)
    | bit(Class::Destroy)
    | bit(Class::Grant)
    | bit(Class::Trade)
    | bit(Class::Execute)
    | bit(Class::Change)
    | bit(Class::Say)
    | bit(Class::Follow)
    | bit(Class::Override)
    | bit(Class::Pretend)
    | bit(Class::Compose)
    | bit(Class::Decode);

pub(super) fn has(mask: u64, class: Class) -> bool {
    mask & bit(class) != 0
}

impl Passage {
    /// How many words and other tokens it has; 0 where it is too short to be judged.
    pub fn tokens(&self) -> usize {
        self.tokens
    }
}

//! What a result brings in.

use std::collections::BTreeSet;
use std::ops::Range;

use sandgate_detect::injection;

use crate::command::Commands;
use crate::history::History;
use crate::label::{Label, Labels};
use crate::value::values;

/// The most of a text that is judged as an instruction, in bytes.
const JUDGED: usize = 256 << 10;
/// The most of a text whose values are kept.
const READ: usize = 1 << 20;
/// The most of a trusted text whose values are kept: more than a list of contacts is no reason for trust.
const TRUSTED: usize = 16 << 10;
/// What a passage may refer to before and behind it, in bytes.
const AROUND: usize = 160;
/// How much of the text around commands is judged with them, in bytes.
const CONTEXT: usize = 400;
/// Words of texts that are judged whole: parts, so that capitals do not matter.
const WORDS: [&str; 5] = ["nstruction", "ssistant", "rompt", "gnore", "SYSTEM"];
/// The score from which values of a passage count as named by an instruction.
const INSTRUCTION: f32 = 0.3;

/// What was read of a result.
#[derive(Debug, Default)]
pub(crate) struct Received {
    trusted: Vec<u32>,
    untrusted: Vec<u32>,
    instructed: Vec<u32>,
    ordered: Vec<u32>,
    commands: Labels,
    instruction: f32,
    was_read: bool,
}

/// The part of a text that may hold an instruction. The score takes ten times as long as all else, and most of what tools
/// answer tells nobody to do anything.
fn worth_judging(text: &str, commands: &Commands) -> Range<usize> {
    let is_suspicious = !text.is_ascii() || WORDS.iter().any(|word| text.contains(word));
    let (from, to) = match (commands.places.first(), commands.places.last()) {
        _ if is_suspicious => (0, JUDGED),
        (Some(first), Some(last)) => (
            first.start.saturating_sub(CONTEXT),
            (last.end + CONTEXT).min(first.start.saturating_add(JUDGED)),
        ),
        _ => (0, 0),
    };
    text.floor_char_boundary(from)..text.floor_char_boundary(to)
}

impl Received {
    /// Reads a text of a tool with these labels.
    pub(crate) fn read(labels: Labels, text: &str) -> Self {
        let mut received = Self::default();
        let text = text.trim_end_matches('\n');
        if text.is_empty() {
            return received;
        }
        if !labels.has(Label::Untrusted) {
            values(cut(text, TRUSTED), |value| {
                received.trusted.push(value.hash)
            });
            return received;
        }
        received.was_read = true;
        let text = cut(text, READ);
        let commands = Commands::read(text);
        received.commands = commands.labels;
        commands.names(text, |name| received.ordered.push(name));
        let judged = worth_judging(text, &commands);
        let score = injection::score(&text[judged.clone()]);
        received.instruction = score.value;
        let begin = judged.start + score.passage.start;
        let passage = match score.value >= INSTRUCTION {
            true => begin.saturating_sub(AROUND)..judged.start + score.passage.end + AROUND,
            false => 0..0,
        };
        let mut places = commands.places.iter().peekable();
        values(text, |value| {
            received.untrusted.push(value.hash);
            while places.next_if(|place| place.end <= value.start).is_some() {}
            if places
                .peek()
                .is_some_and(|place| place.contains(&value.start))
            {
                received.ordered.push(value.hash);
            }
            if passage.contains(&value.start) {
                received.instructed.push(value.hash);
            }
        });
        received
    }

    /// Whether there are values of a trusted text.
    pub(crate) fn is_trusted(&self) -> bool {
        !self.trusted.is_empty()
    }

    /// Leaves out what the call has asked for: an answer that repeats it makes it no more trusted.
    pub(crate) fn without(&mut self, asked: &BTreeSet<u32>) {
        self.trusted.retain(|value| !asked.contains(value));
    }

    /// Whether there is nothing to keep.
    pub(crate) fn is_empty(&self) -> bool {
        !self.was_read && self.trusted.is_empty()
    }
}

impl History {
    /// Puts the labels of a resource that was read into the history.
    pub(crate) fn read_resource(&mut self, labels: Labels) {
        if self.has_untrusted() {
            self.since = self.since.with(labels);
        }
        self.seen = self.seen.with(labels);
    }

    /// Puts what a result brought in into the history.
    pub(crate) fn received(&mut self, received: &Received) {
        for value in &received.trusted {
            self.known.add(*value);
        }
        if received.was_read {
            self.seen = self.seen.and(Label::Untrusted);
            self.was_read = true;
        }
        for value in &received.untrusted {
            self.untrusted.add(*value);
        }
        for value in &received.instructed {
            self.instructed.add(*value);
        }
        for value in &received.ordered {
            self.ordered.add(*value);
        }
        self.commands = self.commands.with(received.commands);
        // Between 0 and 1.
        let instruction = (received.instruction * 255.0) as u8;
        self.instruction = self.instruction.max(instruction);
    }
}

/// The beginning of the text, cut between characters.
fn cut(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

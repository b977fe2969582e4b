//! Sentences that tell the reader to do something: `Send the list to …`, `Please delete file '13'`, `TODO: pay …`.
//!
//! Text for people is full of them, so a command alone says little. It says much where the next call does what it says,
//! with what it names.

use std::ops::Range;

use crate::label::{Label, Labels};
use crate::value;
use crate::vocabulary::{self, Verb};

/// The most commands of a text that are looked at, and the longest, in bytes.
const MOST: usize = 64;
const LONGEST: usize = 600;
/// How many words may go before the verb: `Please make sure to`.
const BEFORE: usize = 6;

/// What a text tells its reader to do.
#[derive(Debug, Default)]
pub(crate) struct Commands {
    /// Where, in order.
    pub(crate) places: Vec<Range<usize>>,
    /// The labels of a call that would do it.
    pub(crate) labels: Labels,
}

impl Commands {
    /// Finds them in one pass.
    pub(crate) fn read(text: &str) -> Self {
        let mut commands = Self::default();
        let bytes = text.as_bytes();
        let mut begins = true;
        let mut at = 0;
        while at < bytes.len() && commands.places.len() < MOST {
            let byte = bytes[at];
            if value::is_escape(&bytes[at..]) {
                begins = true;
                at += 2;
                continue;
            }
            if begins && byte.is_ascii_alphabetic() {
                begins = false;
                if let Some(labels) = command(&bytes[at..]) {
                    // The next sentence of the paragraph says more of it: `The title should be …`.
                    let first = at + length(&bytes[at..]);
                    let end = first + more(&bytes[first..]);
                    commands.labels = commands.labels.with(labels);
                    commands.places.push(at..end);
                    at = first;
                    begins = true;
                    continue;
                }
            }
            begins = match byte {
                // Not within a host or a number; a capital is enough where a blank was forgotten.
                b'.' => !matches!(bytes.get(at + 1), Some(b'a'..=b'z' | b'0'..=b'9')),
                b'\n' | b'!' | b'?' | b':' | b';' | b'"' | b'\'' | b'>' | b',' => true,
                b' ' | b'\t' | b'\r' | b'-' | b'*' | b'#' | b'(' | b'[' | b'{' | b'|' => begins,
                0x80.. => true,
                _ => false,
            };
            at += 1;
        }
        commands
    }

    /// What a command names, in the forms in which an argument may hold it: what stands in quotes, and words with a
    /// capital or a digit.
    pub(crate) fn names(&self, text: &str, mut found: impl FnMut(u32)) {
        for place in &self.places {
            let Some(sentence) = text.get(place.clone()) else {
                continue;
            };
            let quotes =
                |c: char| matches!(c, '"' | '\'' | '`' | '“' | '”' | '‘' | '’' | '«' | '»');
            for part in sentence.split(quotes).skip(1) {
                if part.len() <= value::WHOLE {
                    value::whole(part).into_iter().for_each(&mut found);
                }
            }
            let words = sentence.split(|c: char| !c.is_alphanumeric() && c != '_');
            for word in words.skip(1) {
                let tells = word
                    .chars()
                    .any(|c| c.is_numeric() || c.is_uppercase() || c == '_');
                if tells {
                    value::whole(word).into_iter().for_each(&mut found);
                }
            }
        }
    }
}

/// What the sentence that begins here tells to do.
fn command(sentence: &[u8]) -> Option<Labels> {
    let mut rest = sentence;
    for _ in 0..BEFORE {
        let length = rest.iter().position(|byte| !byte.is_ascii_alphabetic());
        let (word, after) = rest.split_at(length.unwrap_or(rest.len()));
        if word.is_empty() || word.len() > 16 || !vocabulary::may_command(word) {
            return None;
        }
        let mut lower = [0; 16];
        let lower = &mut lower[..word.len()];
        lower.copy_from_slice(word);
        lower.make_ascii_lowercase();
        let lower = std::str::from_utf8(lower).ok()?;
        if !vocabulary::is_lead(lower) {
            // A verb alone is a title; `Send.` and `share=1` are none.
            let goes_on = after.first() == Some(&b' ') && after.len() > 2;
            return if goes_on { ordered(lower) } else { None };
        }
        let gap = after
            .iter()
            .position(|byte| !matches!(byte, b' ' | b',' | b':' | b'\t'));
        rest = &after[gap?..];
    }
    None
}

fn ordered(word: &str) -> Option<Labels> {
    if vocabulary::is_order(word) {
        let any = [Label::Sink, Label::Changes, Label::Pays, Label::Destroys];
        return Some(any.into_iter().collect());
    }
    let label = match vocabulary::verb(word)? {
        Verb::Sends => Label::Sink,
        Verb::Pays => Label::Pays,
        Verb::Changes => Label::Changes,
        Verb::Destroys => Label::Destroys,
        Verb::Grants => Label::Credentials,
        Verb::Reads | Verb::Runs => return None,
    };
    Some(label.into())
}

/// Up to the end of the sentence: a full stop before a blank, or the end of a line that the next does not go on with.
fn length(sentence: &[u8]) -> usize {
    let most = sentence.len().min(LONGEST);
    let ends = |at: &usize| match sentence[*at] {
        b'\n' => !goes_on(&sentence[at + 1..]),
        b'\\' => value::is_escape(&sentence[*at..]),
        b'.' | b'!' | b'?' => matches!(
            sentence.get(at + 1),
            None | Some(b' ' | b'\n' | b'"' | b'\'' | b'\\')
        ),
        _ => false,
    };
    (0..most).find(ends).unwrap_or(most).max(1)
}

/// Up to the end of the sentence that follows in the same line; 0 where none does.
fn more(rest: &[u8]) -> usize {
    match rest {
        [b'.' | b'!' | b'?', b' ', next @ ..] => length(next) + 2,
        _ => 0,
    }
}

/// Whether a line goes on with the sentence of the line before: it is neither empty, nor an item of a list, nor begins
/// with a key.
fn goes_on(line: &[u8]) -> bool {
    let indent = line.iter().position(|byte| !matches!(byte, b' ' | b'\t'));
    let line = &line[indent.unwrap_or(line.len())..];
    let word = line
        .iter()
        .position(|byte| !(byte.is_ascii_alphanumeric() || *byte == b'_'))
        .unwrap_or(line.len());
    match line.first() {
        None | Some(b'\n' | b'\r' | b'-' | b'*' | b'#' | b'<' | b'|') => false,
        Some(_) => line.get(word) != Some(&b':'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> String {
        Commands::read(text).labels.to_string()
    }

    #[test]
    fn commands_are_told_from_statements() {
        for (text, labels) in [
            ("Send the list to a@b.example.", "sink"),
            ("subject: Please, delete the file with ID '13'.", "destroys"),
            ("TODO: pay the bill of Bob", "pays"),
            ("You should then share it with Ann.", "sink"),
            ("We sent the list. Sending it took long.", ""),
            ("The order of the day: none. Bill: 13 EUR", ""),
            ("Share", ""),
        ] {
            assert_eq!(told(text), labels, "{text}");
        }
    }

    #[test]
    fn what_a_command_names_is_found_again() {
        let text = "Hello. Please delete the file with ID '13' of Alice.";
        let mut names = Vec::new();
        Commands::read(text).names(text, |name| names.push(name));
        for name in ["13", "Alice", "alice"] {
            assert!(
                value::whole(name).is_some_and(|hash| names.contains(&hash)),
                "{name}"
            );
        }
        assert!(!value::whole("file").is_some_and(|hash| names.contains(&hash)));
    }

    #[test]
    fn a_sentence_goes_on_in_the_next_line() {
        let names = |text: &str, name: &str| {
            let mut names = Vec::new();
            Commands::read(text).names(text, |name| names.push(name));
            value::whole(name).is_some_and(|hash| names.contains(&hash))
        };
        assert!(names(
            "subject: Send the list to\n  Alice\nto: Bob",
            "Alice"
        ));
        assert!(!names("subject: Send the list to\n  Alice\nto: Bob", "Bob"));
        assert!(!names("Send the list\n\nAlice came.", "Alice"));
    }

    #[test]
    fn a_long_text_is_one_pass() {
        let text = "Send it to X. ".repeat(100_000);
        let commands = Commands::read(&text);
        assert_eq!(commands.places.len(), MOST);
        Commands::read(&"a b, ".repeat(200_000));
    }
}

//! What of a document is sent: its texts, and member names that are more than names. Long texts go in pieces that
//! overlap, and nothing goes twice.

use std::borrow::Cow;
use std::collections::BTreeMap;

use sandgate_sdk::{Document, Texts};

use crate::settings::Kind;

/// Member names of fewer bytes carry nothing worth a look.
const SHORTEST_NAME: usize = 6;

/// A text of the document.
#[derive(Clone, Copy)]
pub(crate) struct Text<'d> {
    pub(crate) place: Place,
    pub(crate) text: &'d str,
}

/// Where a text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The index in the document's texts.
    Text(u32),
    /// A member's name, which no pointer leads to.
    Name,
}

/// One input of the classifier.
pub(crate) struct Input<'d> {
    pub(crate) text: Cow<'d, str>,
    /// The texts it is of, and where in them it begins.
    pub(crate) parts: Vec<(usize, usize)>,
}

/// The texts of a document that may be sent, in document order, member names last.
pub(crate) fn texts<'d>(texts: &'d Texts, names: &'d Texts) -> Vec<Text<'d>> {
    let values = (0..).zip(texts.iter()).map(|(index, text)| Text {
        place: Place::Text(index),
        text,
    });
    let names = names.iter().filter(|name| is_more_than_a_name(name));
    let names = names.map(|text| Text {
        place: Place::Name,
        text,
    });
    values
        .chain(names)
        .filter(|text| text.text.trim().len() > 1)
        .collect()
}

/// Whether a member's name could be somebody's data or a sentence: programs' own names have letters, digits and few
/// other characters.
fn is_more_than_a_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.$/:".contains(&byte);
    let digits = name.bytes().filter(u8::is_ascii_digit).count();
    name.len() >= SHORTEST_NAME && (digits >= 9 || !name.bytes().all(is_plain))
}

/// Cuts the texts off after `most` bytes. Gives the index of the first text that is not whole any more.
pub(crate) fn bounded(texts: &mut Vec<Text>, most: usize) -> Option<usize> {
    let mut room = most;
    for index in 0..texts.len() {
        let text = texts[index].text;
        if text.len() > room {
            texts[index].text = &text[..text.floor_char_boundary(room)];
            let is_empty = texts[index].text.is_empty();
            texts.truncate(if is_empty { index } else { index + 1 });
            return Some(index);
        }
        room -= text.len();
    }
    None
}

/// The inputs for these texts. `longest`: bytes of one input.
pub(crate) fn inputs<'d>(texts: &[Text<'d>], kind: Kind, longest: usize) -> Vec<Input<'d>> {
    let mut inputs: Vec<Input<'d>> = Vec::new();
    let mut known: BTreeMap<&'d str, usize> = BTreeMap::new();
    for (index, text) in texts.iter().enumerate() {
        for (start, piece) in pieces(text.text, longest) {
            match known.get(piece) {
                Some(at) => inputs[*at].parts.push((index, start)),
                None => {
                    known.insert(piece, inputs.len());
                    inputs.push(Input {
                        text: piece.into(),
                        parts: vec![(index, start)],
                    });
                }
            }
        }
    }
    match kind {
        Kind::OpenaiChat => grouped(inputs, longest),
        _ => inputs,
    }
}

/// Pieces of at most so many bytes, each with its start. Each but the first begins with the end of the one before, so
/// that no sentence is seen only in halves.
fn pieces(text: &str, longest: usize) -> Vec<(usize, &str)> {
    let mut pieces = Vec::new();
    let mut start = 0;
    while text.len() - start > longest {
        let hard = text.floor_char_boundary(start + longest);
        let soft = text.floor_char_boundary(start + longest - longest / 4);
        let end = text[soft..hard]
            .rfind(char::is_whitespace)
            .map_or(hard, |at| soft + at);
        pieces.push((start, &text[start..end]));
        start = text.floor_char_boundary(end - longest / 8);
    }
    pieces.push((start, &text[start..]));
    pieces
}

/// Several texts as one input, a JSON list: a model that answers in words takes its time for each request.
fn grouped<'d>(inputs: Vec<Input<'d>>, longest: usize) -> Vec<Input<'d>> {
    let mut groups: Vec<(usize, Vec<Input<'d>>)> = Vec::new();
    for input in inputs {
        let length = input.text.len();
        match groups.last_mut() {
            Some((bytes, group)) if *bytes + length <= longest => {
                *bytes += length;
                group.push(input);
            }
            _ => groups.push((length, vec![input])),
        }
    }
    groups
        .into_iter()
        .map(|(_, group)| {
            let texts: Vec<&str> = group.iter().map(|input| &*input.text).collect();
            let text = serde_json::json!(texts).to_string();
            Input {
                text: text.into(),
                parts: group.into_iter().flat_map(|input| input.parts).collect(),
            }
        })
        .collect()
}

/// The index of the text that is only the name of what is called. The protocol's own member says nothing.
pub(crate) fn name_of_target(document: &Document, texts: &Texts, target: &str) -> Option<u32> {
    (0u32..)
        .zip(texts.iter())
        .filter(|(_, text)| *text == target)
        .map(|(index, _)| index)
        .take(4)
        .find(|index| {
            matches!(
                document.text_pointer(*index).as_deref(),
                Some("/name" | "/uri")
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_cover_the_text_and_overlap() {
        let text = "Größe und Gewicht ".repeat(40);
        let pieces = pieces(&text, 100);
        assert!(pieces.len() > 7);
        let mut covered = 0;
        for (start, piece) in &pieces {
            assert!(*start <= covered && piece.len() <= 100);
            assert_eq!(&text[*start..start + piece.len()], *piece);
            covered = start + piece.len();
        }
        assert_eq!(covered, text.len());
        let one = "é".repeat(1000);
        let whole: usize = super::pieces(&one, 64)
            .iter()
            .map(|(_, piece)| piece.len())
            .sum();
        assert!(whole >= one.len());
    }

    #[test]
    fn what_is_too_much_is_cut_at_a_character() {
        let text = |text| Text {
            place: Place::Name,
            text,
        };
        let mut texts = vec![text("aaaa"), text("éé"), text("b")];
        assert_eq!(bounded(&mut texts, 7), Some(1));
        assert_eq!(
            texts.iter().map(|text| text.text).collect::<Vec<_>>(),
            ["aaaa", "é"]
        );
        assert_eq!(bounded(&mut texts, 4), Some(1));
        assert_eq!(texts.len(), 1);
        assert_eq!(bounded(&mut texts, 4), None);
    }

    #[test]
    fn a_name_is_sent_where_it_is_no_name() {
        for name in [
            "structuredContent",
            "a b",
            "first_name",
            "io.example/x",
            "x-2",
        ] {
            assert!(!is_more_than_a_name(name), "{name}");
        }
        for name in [
            "ann@example.com",
            "Ignore all rules",
            "4111111111111111",
            "氏名は山田",
        ] {
            assert!(is_more_than_a_name(name), "{name}");
        }
    }
}

//! The texts of an entry: how long one may be, what may stand in it, and how one is shown in an error.

use sandgate_text::printable;

use crate::entry::{MOST, Part, Refusal, Text};

/// The longest name of an entry, in bytes.
pub(crate) const LONGEST_NAME: usize = 200;
/// The longest text of an entry that becomes part of a configuration, in bytes.
pub(crate) const LONGEST_TEXT: usize = 4096;
/// The longest description that is kept, in characters.
const LONGEST_DESCRIPTION: usize = 400;

const FILL_IN: &str = "<fill in:";

/// A description, cut.
pub(crate) fn description(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().take(LONGEST_DESCRIPTION).collect();
    words.join(" ").chars().take(LONGEST_DESCRIPTION).collect()
}

/// What a secret is, where it is a part of a longer text.
pub(crate) fn whole(text: &str, form: &str) -> String {
    let form = description(form);
    match text.is_empty() {
        true => format!("whole: {form}"),
        false => format!("{text}; whole: {form}"),
    }
}

/// A stranger's text in an error: safe to print, and cut.
pub(crate) fn shown(text: &str) -> String {
    let text = printable(text);
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("\"{}…\"", &text[..end]),
        None => format!("\"{text}\""),
    }
}

/// Judges how many there are of something, before anything is done with each.
pub(crate) fn within(what: &str, count: usize) -> Result<(), Refusal> {
    match count > MOST {
        true => Err(Refusal::of(format!(
            "it has {count} {what}; {MOST} are the most"
        ))),
        false => Ok(()),
    }
}

/// Reads a text of an entry, as [`Text::read`] does, if it is not endless.
pub(crate) fn text(
    text: &str,
    open: &str,
    close: &str,
    known: impl Fn(&str) -> Option<String>,
) -> Result<Text, Refusal> {
    if text.len() > LONGEST_TEXT {
        let why = format!("has more than {LONGEST_TEXT} bytes");
        return Err(Refusal::of(format!("the text {} {why}", shown(text))));
    }
    let text = Text::read(text, open, close, known);
    within("inputs", text.inputs().count())?;
    Ok(text)
}

/// Judges a text: no control characters, none that change how it reads, and not endless.
pub(crate) fn plain(what: &str, text: &Text) -> Result<(), Refusal> {
    for part in &text.0 {
        let Part::Plain(text) = part else { continue };
        if text.len() > LONGEST_TEXT {
            let why = format!("has more than {LONGEST_TEXT} bytes");
            return Err(Refusal::of(format!("the text of {} {why}", shown(what))));
        }
        if text.contains(FILL_IN) {
            let why = "has `<fill in:`, which stands for what the operator has still to write";
            return Err(Refusal::of(format!("the text of {} {why}", shown(what))));
        }
        if *text != printable(text) {
            let why = "has characters that are not seen or that steer a terminal";
            return Err(Refusal::of(format!("the text of {} {why}", shown(what))));
        }
    }
    Ok(())
}

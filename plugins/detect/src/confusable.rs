//! Names that look alike. Two names that differ and have the same skeleton are taken for one another by people and
//! models. The skeleton follows Unicode TS 39 and goes further: it leaves out capitals, separators and marks, and folds
//! the look-alikes within ASCII.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use unicode_security::skeleton as prototypes;

/// How a name is spelt, from the plainest to the most suspicious. Of two names that look alike, the plainer one is the
/// original.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Spelling {
    /// Visible ASCII without blanks at its ends.
    Plain,
    /// Letters of other scripts, in composed form.
    Foreign,
    /// Blanks at an end, marks that compose with nothing, or a decomposed form.
    Loose,
    /// Letters that pass for ASCII: a mix of scripts, or full-width and mathematical forms.
    Imitating,
    /// Characters that nobody sees.
    Hidden,
}

/// What a name looks like, without capitals, separators and marks. Empty for a name of separators alone.
pub fn skeleton(name: &str) -> String {
    let mut folded = String::with_capacity(name.len());
    if name.is_ascii() {
        name.chars().for_each(|c| fold(c, &mut folded));
        return folded;
    }
    let compatible: String = name.nfkc().collect();
    for c in prototypes(&compatible).filter(|c| !is_combining_mark(*c)) {
        c.to_lowercase().for_each(|c| fold(c, &mut folded));
    }
    folded
}

/// Adds one character as it looks. Pairs that look like one letter become that letter.
fn fold(c: char, into: &mut String) {
    let c = match c.to_ascii_lowercase() {
        '_' | '-' | '.' | '/' | ':' | ',' | '~' | '\'' => return,
        c if c.is_whitespace() || c.is_control() => return,
        '0' => 'o',
        '1' | 'i' | '|' => 'l',
        c => c,
    };
    let pair = match c {
        'n' if into.ends_with('r') => Some('m'),
        'v' if into.ends_with('v') => Some('w'),
        _ => None,
    };
    if pair.is_some() {
        into.pop();
    }
    into.push(pair.unwrap_or(c));
}

/// How the name is spelt.
pub fn spelling(name: &str) -> Spelling {
    let has_loose_ends = name.trim().len() != name.len();
    if name.is_ascii() {
        return match name.chars().any(|c| c.is_ascii_control()) {
            true => Spelling::Hidden,
            false if has_loose_ends => Spelling::Loose,
            false => Spelling::Plain,
        };
    }
    if name.chars().any(is_unseen) {
        return Spelling::Hidden;
    }
    let is_compatible = name.nfkc().eq(name.nfc());
    let has_latin = name.chars().any(|c| c.is_ascii_alphabetic());
    if !is_compatible || has_latin && name.chars().any(passes_for_ascii) {
        return Spelling::Imitating;
    }
    let is_composed = name.nfc().eq(name.chars());
    let has_marks = name.nfc().any(|c| is_combining_mark(c) && is_latin_mark(c));
    if has_loose_ends || !is_composed || has_marks {
        return Spelling::Loose;
    }
    Spelling::Foreign
}

/// Whether a character takes no room: a control, or one that Unicode lets programs leave out.
fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
            | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
            | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}'
            | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
}

/// Whether a letter of another script looks like a letter or digit of ASCII. Latin letters with accents do not count:
/// people write them.
fn passes_for_ascii(c: char) -> bool {
    if c.is_ascii() || matches!(c, '\u{80}'..='\u{24F}' | '\u{1E00}'..='\u{1EFF}') {
        return false;
    }
    let mut buffer = [0; 4];
    let mut looks = prototypes(c.encode_utf8(&mut buffer)).filter(|c| !is_combining_mark(*c));
    looks.next().is_some_and(|c| c.is_ascii_alphanumeric())
}

/// Marks that Latin letters carry. Marks of other scripts (vowels of Devanagari, points of Arabic) belong to them.
fn is_latin_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36F}' | '\u{1AB0}'..='\u{1AFF}' | '\u{1DC0}'..='\u{1DFF}' | '\u{20D0}'..='\u{20FF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_look_alike_have_one_skeleton() {
        for name in [
            "list_items",
            "List_Items",
            "LIST-ITEMS",
            "listItems",
            "list items ",
            "l\u{456}st_items",
            "list\u{200B}_items",
            "\u{FF4C}\u{FF49}\u{FF53}\u{FF54}\u{FF3F}items",
            "list_items\u{301}",
            "list\u{2011}items",
            "1ist_items",
            "list_iterns",
            "li\u{17F}t_items",
            "\u{1D4C1}ist_items",
            "list_\u{13A5}tems",
        ] {
            assert_eq!(skeleton(name), skeleton("list_items"), "{name:?}");
        }
    }

    #[test]
    fn names_that_differ_to_the_eye_have_their_own() {
        for (one, other) in [
            ("get_issue", "get_issues"),
            ("get", "set"),
            ("\u{691C}\u{7D22}", "\u{691C}\u{67FB}"),
            ("c", "c++"),
        ] {
            assert_ne!(skeleton(one), skeleton(other));
        }
        assert_eq!(skeleton("_-_"), "");
    }

    #[test]
    fn the_plainer_spelling_is_the_original() {
        for (name, expected) in [
            ("lookup", Spelling::Plain),
            ("b\u{FA}squeda_r\u{E1}pida", Spelling::Foreign),
            ("\u{691C}\u{7D22}_v2", Spelling::Foreign),
            ("\u{43F}\u{43E}\u{438}\u{441}\u{43A}", Spelling::Foreign),
            (
                "\u{939}\u{93F}\u{928}\u{94D}\u{926}\u{940}",
                Spelling::Foreign,
            ),
            ("lookup ", Spelling::Loose),
            ("lookup\u{301}", Spelling::Loose),
            ("cafe\u{301}", Spelling::Loose),
            ("l\u{43E}okup", Spelling::Imitating),
            ("\u{FF4C}ookup", Spelling::Imitating),
            ("look\u{200B}up", Spelling::Hidden),
            ("lookup\u{7}", Spelling::Hidden),
            ("lookup\u{E0041}", Spelling::Hidden),
        ] {
            assert_eq!(spelling(name), expected, "{name:?}");
        }
    }
}

//! What a text holds and a reader does not see: invisible characters, escapes of a terminal, comments and hidden elements
//! of HTML, letters that stand for other letters. [`normalised`] gives the text as a model may understand it, and says
//! what kinds of hidden things it has.

use std::borrow::Cow;
use std::ops::Range;

mod ansi;
mod fold;
mod html;
mod invisible;

/// Kinds of hidden things, as a set.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Kinds(u16);

/// A text as a model may understand it.
pub struct Normalised<'t> {
    /// Without invisible characters and escapes; what they spell is put in their place.
    pub text: Cow<'t, str>,
    /// What was hidden.
    pub kinds: Kinds,
    /// Where the two texts part: (offset here, offset in the text as it was), both rising.
    steps: Vec<(usize, usize)>,
}

impl Kinds {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// ASCII text in the invisible tag characters of Unicode.
    pub const TAGS: Self = Self(1);
    /// Characters without width inside a word, or several in a row.
    pub const ZERO_WIDTH: Self = Self(1 << 1);
    /// Controls of the direction of writing in a text that has only one.
    pub const BIDI: Self = Self(1 << 2);
    /// Several variation selectors in a row, which can spell bytes.
    pub const VARIATION: Self = Self(1 << 3);
    /// Soft hyphens inside words.
    pub const SOFT_HYPHEN: Self = Self(1 << 4);
    /// Escapes of a terminal. Colours are common in the output of programs.
    pub const ANSI: Self = Self(1 << 5);
    /// Escapes of a terminal that hide text: concealed, erased or written over.
    pub const ANSI_HIDING: Self = Self(1 << 6);
    /// Comments of HTML or Markdown. Most are harmless.
    pub const COMMENT: Self = Self(1 << 7);
    /// Elements of HTML that a browser does not show.
    pub const HIDDEN_HTML: Self = Self(1 << 8);
    /// Letters of another script or style inside a word of Latin letters.
    pub const LOOK_ALIKE: Self = Self(1 << 9);

    /// What is almost never there by chance.
    pub const SUSPICIOUS: Self = Self(
        Self::TAGS.0
            | Self::ZERO_WIDTH.0
            | Self::BIDI.0
            | Self::VARIATION.0
            | Self::ANSI_HIDING.0
            | Self::LOOK_ALIKE.0,
    );

    const NAMES: [(Self, &'static str); 10] = [
        (Self::TAGS, "unicode-tags"),
        (Self::ZERO_WIDTH, "zero-width"),
        (Self::BIDI, "bidi-control"),
        (Self::VARIATION, "variation-selectors"),
        (Self::SOFT_HYPHEN, "soft-hyphen"),
        (Self::ANSI, "ansi"),
        (Self::ANSI_HIDING, "ansi-hiding"),
        (Self::COMMENT, "html-comment"),
        (Self::HIDDEN_HTML, "hidden-html"),
        (Self::LOOK_ALIKE, "look-alike-letters"),
    ];

    /// Whether one of the kinds of `others` is among these.
    pub const fn has(self, others: Self) -> bool {
        self.0 & others.0 != 0
    }

    /// These and the others.
    #[must_use]
    pub const fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// Those of these that are among the others.
    #[must_use]
    pub const fn within(self, others: Self) -> Self {
        Self(self.0 & others.0)
    }

    /// Whether there are none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Their names.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMES
            .into_iter()
            .filter(move |(kind, _)| self.has(*kind))
            .map(|(_, name)| name)
    }
}

impl std::fmt::Debug for Kinds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

impl Normalised<'_> {
    /// Where in the text as it was these bytes of [`Self::text`] come from.
    pub fn original(&self, range: &Range<usize>) -> Range<usize> {
        let start = self.steps.partition_point(|(here, _)| *here <= range.start);
        // What is hidden after the last byte does not belong to it.
        let end = self.steps.partition_point(|(here, _)| *here < range.end);
        // A stretch that was replaced, whose two steps stand one after the other, counts as a whole.
        let start = match start % 2 {
            1 => self.steps[start - 1].1,
            _ => self.there(range.start, start),
        };
        let end = match end % 2 {
            1 => self.steps[end].1,
            _ => self.there(range.end, end),
        };
        // No bytes come from no bytes, though what is hidden may stand between the two places.
        start..end.max(start)
    }

    /// The offset in the text as it was of the one here, which is after so many steps and in no stretch that was
    /// replaced.
    fn there(&self, at: usize, after: usize) -> usize {
        let (here, there) = after
            .checked_sub(1)
            .and_then(|last| self.steps.get(last))
            .copied()
            .unwrap_or_default();
        there + (at - here)
    }
}

/// The kinds of hidden things in the text. [`normalised`] says the same and gives the text too.
pub fn kinds(text: &str) -> Kinds {
    normalised(text).kinds
}

/// The text as a model may understand it, and what was hidden. A text without hidden things is not copied.
pub fn normalised(text: &str) -> Normalised<'_> {
    let bytes = text.as_bytes();
    let html = html::kinds(bytes);
    let Some(first) = next_odd(bytes, 0) else {
        return Normalised {
            text: Cow::Borrowed(text),
            kinds: html,
            steps: Vec::new(),
        };
    };
    let mut writer = Writer {
        text,
        done: 0,
        out: String::new(),
        steps: Vec::new(),
        kinds: html,
        has_right_to_left: None,
    };
    let mut at = first;
    loop {
        let end = writer.odd(at);
        match next_odd(bytes, end) {
            Some(next) => at = next,
            None => break,
        }
    }
    writer.finish()
}

/// The next byte that may begin something hidden: an escape, or the lead byte of a character of the ranges that matter.
fn next_odd(bytes: &[u8], from: usize) -> Option<usize> {
    bytes
        .get(from..)?
        .iter()
        .position(|byte| ODD[usize::from(*byte)])
        .map(|at| from + at)
}

const ODD: [bool; 256] = {
    let mut odd = [false; 256];
    // ESC; soft hyphen and C1 controls; combining, Greek and Cyrillic letters; Mongolian separator;
    // general punctuation and enclosed letters; full-width letters and variation selectors; mathematical letters; tags.
    let leads = [
        0x1B, 0xC2, 0xCC, 0xCD, 0xCE, 0xCF, 0xD0, 0xD1, 0xE1, 0xE2, 0xEF, 0xF0, 0xF3,
    ];
    let mut index = 0;
    while index < leads.len() {
        odd[leads[index]] = true;
        index += 1;
    }
    odd
};

struct Writer<'t> {
    text: &'t str,
    /// The text before this index is in `out`, once there is anything in `out`.
    done: usize,
    out: String,
    steps: Vec<(usize, usize)>,
    kinds: Kinds,
    has_right_to_left: Option<bool>,
}

impl<'t> Writer<'t> {
    /// Looks at what begins at `at`, a boundary of characters, and returns where to go on.
    fn odd(&mut self, at: usize) -> usize {
        let text = self.text;
        let Some(character) = text[at..].chars().next() else {
            return text.len();
        };
        let end = at + character.len_utf8();
        match character {
            '\u{1B}' | '\u{9B}' => self.ansi(at),
            '\u{AD}' => {
                if invisible::is_inside_word(text, at, end) {
                    self.replace(at, end, "", Kinds::SOFT_HYPHEN);
                }
                end
            }
            _ if invisible::is_tag(character) => self.tags(at),
            _ if invisible::is_variation(character) => self.variations(at),
            _ if invisible::is_zero_width(character) => self.zero_width(at),
            _ if invisible::is_bidi(character) => self.bidi(character, at, end),
            _ => self.letters(character, at, end),
        }
    }

    fn ansi(&mut self, at: usize) -> usize {
        let (end, hides) = ansi::escape(self.text.as_bytes(), at);
        let kinds = match hides {
            true => Kinds::ANSI.and(Kinds::ANSI_HIDING),
            false => Kinds::ANSI,
        };
        self.replace(at, end, "", kinds);
        end
    }

    fn tags(&mut self, at: usize) -> usize {
        let (end, spelled) = invisible::tags(self.text, at);
        // The flags of England, Scotland and Wales are spelled with tags after a black flag.
        if !self.text[..at].ends_with('\u{1F3F4}') && !spelled.is_empty() {
            self.replace(at, end, &spelled, Kinds::TAGS);
        }
        end
    }

    fn variations(&mut self, at: usize) -> usize {
        let (end, count, spelled) = invisible::variations(self.text, at);
        // One selector chooses the form of the character before it.
        if count > 1 {
            self.replace(at, end, &spelled, Kinds::VARIATION);
        }
        end
    }

    fn zero_width(&mut self, at: usize) -> usize {
        let (end, count) = invisible::zero_width(self.text, at);
        if count > 2 || invisible::is_inside_word(self.text, at, end) {
            self.replace(at, end, "", Kinds::ZERO_WIDTH);
        }
        end
    }

    fn bidi(&mut self, character: char, at: usize, end: usize) -> usize {
        let has_right_to_left = *self
            .has_right_to_left
            .get_or_insert_with(|| invisible::has_right_to_left(self.text));
        let overrides = matches!(character, '\u{202D}' | '\u{202E}');
        if overrides || !has_right_to_left {
            self.replace(at, end, "", Kinds::BIDI);
        }
        end
    }

    /// A letter that stands for another: full-width or mathematical ones anywhere, Cyrillic and Greek ones only beside
    /// Latin letters.
    fn letters(&mut self, character: char, at: usize, end: usize) -> usize {
        if let Some(plain) = fold::styled(character) {
            // Full-width letters are ordinary in Japanese text.
            let kinds = match character {
                '\u{FF01}'..='\u{FF5E}' => Kinds::NONE,
                _ => Kinds::LOOK_ALIKE,
            };
            self.replace(at, end, plain.encode_utf8(&mut [0; 4]), kinds);
        } else if let Some(plain) = fold::look_alike(character)
            && fold::is_beside_latin(self.text, at, end)
        {
            self.replace(at, end, plain.encode_utf8(&mut [0; 4]), Kinds::LOOK_ALIKE);
        } else if fold::is_stacked_mark(self.text, character, at) {
            self.replace(at, end, "", Kinds::LOOK_ALIKE);
        }
        end
    }

    fn replace(&mut self, start: usize, end: usize, by: &str, kinds: Kinds) {
        self.kinds = self.kinds.and(kinds);
        self.out.push_str(&self.text[self.done..start]);
        self.steps.push((self.out.len(), start));
        self.out.push_str(by);
        self.steps.push((self.out.len(), end));
        self.done = end;
    }

    fn finish(mut self) -> Normalised<'t> {
        if self.steps.is_empty() {
            return Normalised {
                text: Cow::Borrowed(self.text),
                kinds: self.kinds,
                steps: self.steps,
            };
        }
        self.out.push_str(&self.text[self.done..]);
        Normalised {
            text: Cow::Owned(self.out),
            kinds: self.kinds,
            steps: self.steps,
        }
    }
}

#[cfg(test)]
mod tests;

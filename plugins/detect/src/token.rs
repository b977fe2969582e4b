//! Reads the letters and digits around a candidate as one token.

use crate::text::folded;

/// Letters and digits that stand together, and what may follow them.
pub(crate) struct Token<'t> {
    bytes: &'t [u8],
    /// Where the token begins.
    pub(crate) start: usize,
    /// How many letters and digits stand together at the beginning, at most 255.
    pub(crate) run: u8,
    pub(crate) begins_with_digit: bool,
    /// Where they end.
    pub(crate) end: usize,
}

/// Longest token that is looked at.
const LONGEST: usize = 100;

impl<'t> Token<'t> {
    /// Reads the token that begins at `start`.
    pub(crate) fn at(bytes: &'t [u8], start: usize) -> Self {
        let (mut run, mut end) = (0u8, start);
        while let Some((character, length)) = folded(bytes, end)
            && character.is_ascii_alphanumeric()
            && usize::from(run) < LONGEST
        {
            run += 1;
            end += length;
        }
        Self {
            bytes,
            start,
            run,
            begins_with_digit: folded(bytes, start)
                .is_some_and(|(character, _)| character.is_ascii_digit()),
            end,
        }
    }

    /// The character right after the token; 0 where there is none of ASCII.
    pub(crate) fn follows(&self) -> u8 {
        folded(self.bytes, self.end).map_or(0, |(character, _)| character)
    }

    /// Matches the form from the token's beginning to the end of a token. Returns how many letters and digits were read
    /// into `characters`, where the number ends, and whether it has small letters.
    pub(crate) fn matches(
        &self,
        form: &str,
        characters: &mut [u8],
    ) -> Option<(usize, usize, bool)> {
        let (mut count, mut at, mut small) = (0, self.start, false);
        for expected in form.bytes() {
            let (character, length) = folded(self.bytes, at)?;
            let fits = match expected {
                b'9' => character.is_ascii_digit(),
                b'A' => character.is_ascii_alphabetic(),
                b'X' => character.is_ascii_alphanumeric(),
                _ => character == expected,
            };
            if !fits {
                return None;
            }
            if character.is_ascii_alphanumeric() {
                small |= character.is_ascii_lowercase();
                *characters.get_mut(count)? = character.to_ascii_uppercase();
                count += 1;
            }
            at += length;
        }
        (!goes_on(self.bytes, at, form)).then_some((count, at, small))
    }
}

/// Whether a longer token continues at `end`: a letter or digit, or one after a separator that joins. A number in groups
/// also continues with another group.
fn goes_on(bytes: &[u8], end: usize, form: &str) -> bool {
    let is_word = |at: usize| {
        folded(bytes, at)
            .is_some_and(|(character, _)| character.is_ascii_alphanumeric() || character == b'_')
    };
    match folded(bytes, end) {
        Some((b'-' | b'.' | b'/' | b'@' | b'=' | b'+' | b'\\', length)) => is_word(end + length),
        Some((b' ', length)) => {
            form.contains(' ')
                && folded(bytes, end + length)
                    .is_some_and(|(character, _)| character.is_ascii_digit())
        }
        _ => is_word(end),
    }
}

/// Whether a longer token ends right before `start`.
pub(crate) fn is_joined(bytes: &[u8], start: usize) -> bool {
    let Some(before) = start.checked_sub(1) else {
        return false;
    };
    let is_word = |at: usize| bytes[at].is_ascii_alphanumeric() || bytes[at] == b'_';
    match bytes[before] {
        b'%' | b'$' | b'\\' | b'@' => true,
        b':' => before
            .checked_sub(1)
            .is_some_and(|at| bytes[at].is_ascii_digit()),
        // A slash separates numbers and joins names.
        b'/' => before
            .checked_sub(1)
            .is_some_and(|at| bytes[at].is_ascii_alphabetic() || bytes[at] == b'_'),
        b'-' | b'.' | b'+' | b'#' => before.checked_sub(1).is_some_and(is_word),
        _ => is_word(before),
    }
}

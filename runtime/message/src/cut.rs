//! Bounds texts from outside, for logs, status and other places that repeat them.

use std::borrow::Cow;

/// The text. If it is longer than `most` bytes, its beginning and a mark that tells its length.
pub fn cut(text: &str, most: usize) -> Cow<'_, str> {
    if text.len() <= most {
        return Cow::Borrowed(text);
    }
    let beginning = &text[..text.floor_char_boundary(most)];
    Cow::Owned(format!("{beginning}… ({} bytes)", text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_within_bounds_is_as_it_was() {
        assert!(matches!(cut("abc", 3), Cow::Borrowed("abc")));
    }

    #[test]
    fn a_longer_one_ends_between_characters_and_says_how_long_it_was() {
        assert_eq!(cut("abcd", 3), "abc… (4 bytes)");
        assert_eq!(cut("aé", 2), "a… (3 bytes)");
    }
}

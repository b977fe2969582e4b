//! Which characters of a text are gone after masking.

use similar::{Algorithm, ChangeTag, TextDiff};

use super::corpus::Span;

/// A span is found if this share of its characters is gone.
const ENOUGH: f64 = 0.8;

/// For each character of `before`, whether it is still there in `after`. Words and other characters are compared, not
/// letters, because a mark may share letters with what it replaces.
pub(super) fn kept(before: &str, after: &str) -> Vec<bool> {
    let (old, new) = (tokens(before), tokens(after));
    let diff = TextDiff::configure()
        .algorithm(Algorithm::Myers)
        .diff_slices(&old, &new);
    diff.iter_all_changes()
        .filter(|change| change.tag() != ChangeTag::Insert)
        .flat_map(|change| {
            let kept = change.tag() == ChangeTag::Equal;
            change.value().chars().map(move |_| kept)
        })
        .collect()
}

/// Whether the span is found: at least four fifths of it are gone.
pub(super) fn is_covered(span: &Span, kept: &[bool]) -> bool {
    let within = kept
        .get(span.start..span.end.min(kept.len()))
        .unwrap_or_default();
    let gone = within.iter().filter(|kept| !**kept).count();
    !within.is_empty() && gone as f64 >= ENOUGH * within.len() as f64
}

/// Runs of letters and digits, and every other character by itself.
fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut start = 0;
    let mut in_word = false;
    for (at, character) in text.char_indices() {
        let is_word = character.is_alphanumeric();
        if at > start && !(is_word && in_word) {
            tokens.push(&text[start..at]);
            start = at;
        }
        in_word = is_word;
    }
    if start < text.len() {
        tokens.push(&text[start..]);
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(start: usize, end: usize) -> Span {
        Span {
            entity: "EMAIL".into(),
            start,
            end,
        }
    }

    #[test]
    fn a_masked_span_is_covered_and_its_neighbours_are_kept() {
        let kept = kept("write to ann@example.com now", "write to [email~1] now");
        assert!(is_covered(&span(9, 24), &kept));
        assert!(!is_covered(&span(0, 8), &kept));
        assert!(!is_covered(&span(25, 28), &kept));
    }

    #[test]
    fn half_a_span_is_not_enough_and_characters_are_counted() {
        let kept = kept("電話 090-1234-5678 です", "電話 090-1234-[x] です");
        assert!(!is_covered(&span(3, 16), &kept));
        assert!(is_covered(&span(12, 16), &kept));
    }

    #[test]
    fn a_span_beyond_the_text_is_not_covered() {
        assert!(!is_covered(&span(5, 9), &kept("a", "b")));
    }
}

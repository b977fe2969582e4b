//! Reads characters as the detectors see them: full-width forms and look-alikes count as ASCII.

/// The ASCII character that the character at `at` stands for, and its length in bytes. `None` at the end, for other
/// characters beyond ASCII, and at an index inside a character.
pub fn folded(bytes: &[u8], at: usize) -> Option<(u8, usize)> {
    let first = *bytes.get(at)?;
    if first < 0x80 {
        return Some((first, 1));
    }
    let next = |n: usize| bytes.get(at + n).copied().unwrap_or(0);
    Some(match (first, next(1), next(2)) {
        // U+FF10 to U+FF19, full-width digits.
        (0xEF, 0xBC, digit @ 0x90..=0x99) => (digit - 0x90 + b'0', 3),
        // Full-width ( ) + - . /
        (0xEF, 0xBC, 0x88) => (b'(', 3),
        (0xEF, 0xBC, 0x89) => (b')', 3),
        (0xEF, 0xBC, 0x8B) => (b'+', 3),
        (0xEF, 0xBC, 0x8D) => (b'-', 3),
        (0xEF, 0xBC, 0x8E) => (b'.', 3),
        (0xEF, 0xBC, 0x8F) => (b'/', 3),
        // Hyphens and dashes U+2010 to U+2015, the minus sign U+2212, and U+30FC, a long vowel mark that is used as a
        // dash.
        (0xE2, 0x80, 0x90..=0x95) | (0xE2, 0x88, 0x92) | (0xE3, 0x83, 0xBC) => (b'-', 3),
        // Spaces: no-break, thin, narrow no-break and ideographic.
        (0xC2, 0xA0, _) => (b' ', 2),
        (0xE2, 0x80, 0x89 | 0xAF) | (0xE3, 0x80, 0x80) => (b' ', 3),
        _ => return None,
    })
}

/// The folded character that ends right before `at`, and where it begins.
pub(crate) fn folded_before(bytes: &[u8], at: usize) -> Option<(u8, usize)> {
    let mut start = at.checked_sub(1)?;
    while start > 0 && bytes[start] & 0xC0 == 0x80 {
        start -= 1;
    }
    folded(bytes, start).map(|(character, _)| (character, start))
}

/// Whether there is a letter, digit or underscore of ASCII at `at`, also in its full-width digit form: what is beside
/// it is part of a longer word. Kana and kanji do not count, because Japanese puts no spaces around numbers.
pub fn is_word(bytes: &[u8], at: Option<usize>) -> bool {
    at.and_then(|at| folded(bytes, at))
        .is_some_and(|(character, _)| character.is_ascii_alphanumeric() || character == b'_')
}

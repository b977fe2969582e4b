//! Characters that have no form of their own.

/// The tag characters: a copy of ASCII that is not shown.
pub(super) fn is_tag(character: char) -> bool {
    matches!(character, '\u{E0000}'..='\u{E007F}')
}

pub(super) fn is_variation(character: char) -> bool {
    matches!(character, '\u{FE00}'..='\u{FE0F}' | '\u{E0100}'..='\u{E01EF}')
}

pub(super) fn is_zero_width(character: char) -> bool {
    matches!(
        character,
        '\u{200B}'..='\u{200F}' | '\u{2060}'..='\u{2064}' | '\u{206A}'..='\u{206F}' | '\u{FEFF}' | '\u{180E}' | '\u{115F}' | '\u{1160}'
    )
}

pub(super) fn is_bidi(character: char) -> bool {
    matches!(character, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Whether letters of ASCII stand on both sides.
pub(super) fn is_inside_word(text: &str, start: usize, end: usize) -> bool {
    let bytes = text.as_bytes();
    let is_letter = |index: Option<usize>| {
        index
            .and_then(|index| bytes.get(index))
            .is_some_and(u8::is_ascii_alphanumeric)
    };
    is_letter(start.checked_sub(1)) && is_letter(Some(end))
}

/// The end of the tags that begin at `at`, and what they spell.
pub(super) fn tags(text: &str, at: usize) -> (usize, String) {
    let mut end = at;
    let mut spelled = String::new();
    for character in text[at..]
        .chars()
        .take_while(|character| is_tag(*character))
    {
        end += character.len_utf8();
        if let Some(plain @ ' '..='~') = char::from_u32(u32::from(character) - 0xE0000) {
            spelled.push(plain);
        }
    }
    (end, spelled)
}

/// The end of the variation selectors that begin at `at`, how many they are, and the text that they spell as bytes, if
/// they spell one.
pub(super) fn variations(text: &str, at: usize) -> (usize, usize, String) {
    let mut end = at;
    let mut bytes = Vec::new();
    for character in text[at..]
        .chars()
        .take_while(|character| is_variation(*character))
    {
        end += character.len_utf8();
        let code = u32::from(character);
        let byte = match code {
            0xFE00..=0xFE0F => code - 0xFE00,
            _ => code - 0xE0100 + 16,
        };
        bytes.extend(u8::try_from(byte));
    }
    let count = bytes.len();
    let is_text = bytes.iter().all(|byte| matches!(byte, b'\n' | b' '..=b'~'));
    let spelled = String::from_utf8(bytes).ok().filter(|_| is_text);
    (end, count, spelled.unwrap_or_default())
}

/// The end of the characters without width that begin at `at`, and how many they are.
pub(super) fn zero_width(text: &str, at: usize) -> (usize, usize) {
    text[at..]
        .chars()
        .take_while(|character| is_zero_width(*character))
        .fold((at, 0), |(end, count), character| {
            (end + character.len_utf8(), count + 1)
        })
}

/// Whether the text has letters of Hebrew, Arabic or another script that is written from right to left.
pub(super) fn has_right_to_left(text: &str) -> bool {
    text.chars().any(|character| {
        matches!(character, '\u{590}'..='\u{8FF}' | '\u{FB1D}'..='\u{FDFF}' | '\u{FE70}'..='\u{FEFC}' | '\u{10800}'..='\u{10FFF}' | '\u{1E800}'..='\u{1EFFF}')
    })
}

//! Letters that look like letters of ASCII.

/// How many letters on each side are looked at.
const NEAR: usize = 4;

/// The ASCII character that a styled one stands for: full-width, mathematical, enclosed.
pub(super) fn styled(character: char) -> Option<char> {
    let code = u32::from(character);
    let plain = match code {
        0xFF01..=0xFF5E => code - 0xFF01 + 0x21,
        0x1D400..=0x1D6A3 => letter((code - 0x1D400) % 52),
        0x1D7CE..=0x1D7FF => u32::from('0') + (code - 0x1D7CE) % 10,
        0x24B6..=0x24CF => u32::from('a') + code - 0x24B6,
        0x24D0..=0x24E9 => u32::from('a') + code - 0x24D0,
        0x249C..=0x24B5 => u32::from('a') + code - 0x249C,
        0x1F130..=0x1F149 => u32::from('a') + code - 0x1F130,
        0x1F150..=0x1F169 => u32::from('a') + code - 0x1F150,
        0x1F170..=0x1F189 => u32::from('a') + code - 0x1F170,
        _ => return None,
    };
    char::from_u32(plain)
}

fn letter(index: u32) -> u32 {
    match index {
        0..26 => u32::from('A') + index,
        _ => u32::from('a') + index - 26,
    }
}

/// The Latin letter that a Cyrillic or Greek one looks like.
pub(super) fn look_alike(character: char) -> Option<char> {
    Some(match character {
        'а' | 'α' => 'a',
        'А' | 'Α' => 'A',
        'В' | 'Β' => 'B',
        'с' | 'ϲ' => 'c',
        'С' => 'C',
        'ԁ' => 'd',
        'е' | 'ε' => 'e',
        'Е' | 'Ε' => 'E',
        'һ' => 'h',
        'Н' | 'Η' => 'H',
        'і' | 'ι' => 'i',
        'І' | 'Ι' => 'I',
        'ј' => 'j',
        'К' | 'Κ' => 'K',
        'М' | 'Μ' => 'M',
        'Ν' => 'N',
        'о' | 'ο' => 'o',
        'О' | 'Ο' => 'O',
        'р' | 'ρ' => 'p',
        'Р' | 'Ρ' => 'P',
        'ѕ' => 's',
        'Ѕ' => 'S',
        'Т' | 'Τ' => 'T',
        'υ' => 'u',
        'ν' => 'v',
        'ԝ' | 'ω' => 'w',
        'х' | 'χ' => 'x',
        'Х' | 'Χ' => 'X',
        'у' | 'γ' => 'y',
        'У' | 'Υ' => 'Y',
        'Ζ' => 'Z',
        _ => return None,
    })
}

/// Whether the word around has two letters of ASCII or more. `Δx` and `αB` are ordinary.
pub(super) fn is_beside_latin(text: &str, start: usize, end: usize) -> bool {
    let latin = |some: &mut dyn Iterator<Item = char>| {
        some.take(NEAR)
            .take_while(|character| character.is_alphabetic())
            .filter(char::is_ascii_alphabetic)
            .count()
    };
    latin(&mut text[..start].chars().rev()) + latin(&mut text[end..].chars()) > 1
}

/// Whether this is a combining mark on top of another one, as in text that was made unreadable on purpose.
pub(super) fn is_stacked_mark(text: &str, character: char, at: usize) -> bool {
    let is_mark = |character: char| matches!(character, '\u{300}'..='\u{36F}');
    is_mark(character) && {
        let mut before = text[..at].chars().rev();
        let first = before.next();
        first.is_some_and(is_mark)
            || first.is_some_and(|c| c.is_ascii_alphabetic()) && is_mark_everywhere(text, at)
    }
}

/// Whether the next two letters carry marks too. Single marks are accents.
fn is_mark_everywhere(text: &str, at: usize) -> bool {
    let mut characters = text[at..].chars().skip(1);
    (0..2).all(|_| {
        characters.next().is_some_and(|c| c.is_ascii_alphabetic())
            && characters
                .next()
                .is_some_and(|c| matches!(c, '\u{300}'..='\u{36F}'))
    })
}

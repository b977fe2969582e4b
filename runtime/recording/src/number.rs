//! Values made of digits: cards, account numbers, telephone numbers; and surrogates whose check digits are valid.

use sandgate_detect::checksum::{luhn, mod_97, my_number as check_digit};

use crate::draw::Draw;

const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// The value of a decimal digit, full-width or not.
pub(super) fn digit(character: char) -> Option<u8> {
    match character {
        '0'..='9' => Some(character as u8 - b'0'),
        '０'..='９' => u8::try_from(character as u32 - '０' as u32).ok(),
        _ => None,
    }
}

pub(super) fn digits(value: &str) -> Vec<u8> {
    value.chars().filter_map(digit).collect()
}

/// The value with other digits, in its own spelling.
pub(super) fn spelt(value: &str, digits: &[u8]) -> String {
    let mut digits = digits.iter();
    let next = |character: char| match (digit(character).and_then(|_| digits.next()), character) {
        (Some(d), '０'..='９') => {
            char::from_u32('０' as u32 + u32::from(*d)).unwrap_or(character)
        }
        (Some(d), _) => char::from(b'0' + d),
        (None, _) => character,
    };
    value.chars().map(next).collect()
}

/// The value without white space and hyphens.
pub(super) fn compact(value: &str) -> String {
    value
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '-')
        .collect()
}

pub(super) fn decimal(text: &str) -> Vec<u8> {
    digits(text)
}

/// A card number of the same network and length. The first six digits are those of numbers that networks reserve for
/// tests.
pub(super) fn card(digits: &[u8], draw: &mut Draw<'_>) -> Vec<u8> {
    let beginning = match digits {
        [4, ..] => "400000",
        [5, 1..=5, ..] => "555555",
        [2, 2..=7, ..] => "222300",
        [3, 4 | 7, ..] => "378282",
        [6, 0, 1, 1, ..] => "601111",
        [3, 5, ..] => "353011",
        [3, 0, 0..=5, ..] => "305693",
        [6, 2, ..] => "620000",
        _ => "",
    };
    let mut made = match beginning {
        "" => digits[..4].to_vec(),
        known => decimal(known),
    };
    while made.len() + 1 < digits.len() {
        made.push(draw.digit());
    }
    made.push(0);
    let off = luhn(&made);
    if let Some(check) = made.last_mut() {
        *check = (10 - off) % 10;
    }
    made
}

/// A telephone number of the same country and mostly the same area, by which it is recognized.
pub(super) fn phone(digits: &[u8], draw: &mut Draw<'_>) -> Vec<u8> {
    let kept = digits.len().saturating_sub(6).max(2).min(digits.len());
    let mut made = digits[..kept].to_vec();
    for _ in kept..digits.len() {
        made.push(2 + u8::try_from(draw.below(8)).unwrap_or(0));
    }
    made
}

pub(super) fn my_number(draw: &mut Draw<'_>) -> Vec<u8> {
    let mut made: Vec<u8> = (0..11).map(|_| draw.digit()).collect();
    made.push(check_digit(&made));
    made
}

pub(super) fn is_iban(value: &str) -> bool {
    let plain = compact(value).to_uppercase();
    let bytes = plain.as_bytes();
    (15..=34).contains(&plain.len())
        && bytes[..2].iter().all(u8::is_ascii_uppercase)
        && bytes[2..4].iter().all(u8::is_ascii_digit)
        && bytes.iter().all(u8::is_ascii_alphanumeric)
        && mod_97(bytes) == Some(1)
}

pub(super) fn iban(value: &str, draw: &mut Draw<'_>) -> Option<String> {
    let plain = compact(value).to_uppercase();
    let mut made = format!("{}00", plain.get(..2)?);
    for c in plain.get(4..)?.chars() {
        made.push(match c {
            '0'..='9' => char::from(b'0' + draw.digit()),
            _ => draw.one_of(UPPER),
        });
    }
    let check = 98 - mod_97(made.as_bytes())?;
    made.replace_range(2..4, &format!("{check:02}"));
    let mut characters = made.chars();
    let next = |c: char| match c {
        c if c.is_whitespace() || c == '-' => Some(c),
        c if c.is_ascii_lowercase() => characters.next().map(|c| c.to_ascii_lowercase()),
        _ => characters.next(),
    };
    value.chars().map(next).collect()
}

//! Surrogates for values of no known form, of the same shape: a digit for a digit, a letter for a letter of the same
//! script and case, everything else as it is.

use super::key::BEGINNINGS;
use crate::draw::{Draw, HEX};

const BASE32: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

pub(super) fn shape(value: &str, draw: &mut Draw<'_>) -> String {
    let scheme = value.find("://").map(|end| end + 3).filter(|end| {
        value[..end - 3]
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
    });
    let is_token = !value.contains(char::is_whitespace);
    let known = BEGINNINGS
        .iter()
        .find(|known| is_token && value.len() >= known.len() + 8 && value.starts_with(**known));
    let kept = scheme.or(known.map(|known| known.len())).unwrap_or(0);
    let body = &value[kept..];
    let all = |set: &str| body.len() >= 8 && body.chars().all(|c| set.contains(c));
    let set = if matches!(known, Some(&"AKIA" | &"ASIA")) && all(BASE32) {
        Some(BASE32)
    } else if all(HEX) {
        Some(HEX)
    } else if all("0123456789ABCDEF") {
        Some("0123456789ABCDEF")
    } else {
        None
    };
    let mut made = value[..kept].to_owned();
    for c in body.chars() {
        made.push(match (set, c) {
            (Some(set), _) => draw.one_of(set),
            (None, c) => alike(c, draw),
        });
    }
    made
}

fn alike(c: char, draw: &mut Draw<'_>) -> char {
    let mut within =
        |first: u32, count: u32| char::from_u32(first + draw.below(count)).unwrap_or(c);
    match c {
        '0' => '0',
        '1'..='9' => within('1' as u32, 9),
        'a'..='z' => within('a' as u32, 26),
        'A'..='Z' => within('A' as u32, 26),
        '０'..='９' => within('０' as u32, 10),
        'ぁ'..='ゖ' => within('あ' as u32, 80),
        'ァ'..='ヺ' => within('ア' as u32, 80),
        '一'..='鿿' => within('一' as u32, 0x5000),
        'а'..='я' => within('а' as u32, 32),
        'А'..='Я' => within('А' as u32, 32),
        'α'..='ω' => within('α' as u32, 25),
        '가'..='힣' => within('가' as u32, 11_172),
        c if c.is_lowercase() => within('a' as u32, 26),
        c if c.is_uppercase() => within('A' as u32, 26),
        c if c.is_alphabetic() => within('a' as u32, 26),
        c => c,
    }
}

//! Detects dates of birth: dates with a word such as "born" before.

use crate::context::Context;
use crate::text::folded;
use crate::words::Topic;

/// How far before a date the word may end.
const FAR: usize = 24;

/// The start and end of the date around the digits at `at`, where the words before say that somebody was born then.
pub(crate) fn around(
    bytes: &[u8],
    at: usize,
    floor: usize,
    context: &Context,
) -> Option<(usize, usize)> {
    if !begins_one(bytes, at) {
        return None;
    }
    let before = at.checked_sub(1).map(|before| bytes[before]);
    let start = match before {
        Some(0x80..) => at - era_before(&bytes[floor..at]),
        Some(b' ' | b'.' | b'-') => month_before(bytes, at, floor).unwrap_or(at),
        _ => at,
    };
    let end = end(bytes, start, at)?;
    // A file's time of birth has hours. Logs are full of times, so this is asked before the words.
    let rest = &bytes[end..];
    let has_time = matches!(rest, [b' ' | b'T', b'0'..=b'2', b'0'..=b'9', b':', ..])
        && !matches!(rest, [b'T', b'0', b'0', b':', ..]);
    if has_time {
        return None;
    }
    let said = context.says_within(Topic::Birth, start, FAR)
        || context.is_named(Topic::Birth)
        || context.is_headed(Topic::Birth, start);
    said.then_some((start, end))
}

/// Whether the digits may begin a date: a day, a month, a year, or all three.
fn begins_one(bytes: &[u8], at: usize) -> bool {
    let run = bytes[at..]
        .iter()
        .take(9)
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    match run {
        0..=2 => true,
        4 | 8 => matches!(bytes[at..at + 2], [b'1', b'8' | b'9'] | [b'2', b'0']) || run == 8,
        _ => false,
    }
}

/// The length of the name of a Japanese era at the end of the text.
fn era_before(text: &[u8]) -> usize {
    let eras = ["令和", "平成", "昭和", "大正", "明治"];
    let era = eras.iter().find(|era| text.ends_with(era.as_bytes()));
    era.map_or(0, |era| era.len())
}

/// Where the name of a month before the digits begins: "May 4, 1983".
fn month_before(bytes: &[u8], at: usize, floor: usize) -> Option<usize> {
    let gap = bytes[floor..at]
        .iter()
        .rev()
        .take_while(|byte| matches!(byte, b' ' | b'.' | b'-'))
        .count();
    let letters = bytes[floor..at - gap]
        .iter()
        .rev()
        .take(12)
        .take_while(|byte| byte.is_ascii_alphabetic() || **byte >= 0x80)
        .count();
    let start = at - gap - letters;
    (gap > 0 && is_month(&bytes[start..at - gap])).then_some(start)
}

/// Whether the letters begin like a month in a language of Western Europe.
fn is_month(letters: &[u8]) -> bool {
    const MONTHS: [&[u8]; 34] = [
        b"jan",
        b"feb",
        b"mar",
        b"m\xc3\xa4r",
        b"apr",
        b"avr",
        b"may",
        b"mai",
        b"maj",
        b"maio",
        b"mei",
        b"jun",
        b"jui",
        b"jul",
        b"aug",
        b"ago",
        b"ao\xc3\xbb",
        b"sep",
        b"set",
        b"oct",
        b"okt",
        b"out",
        b"ott",
        b"nov",
        b"dec",
        b"dez",
        b"des",
        b"dic",
        b"d\xc3\xa9c",
        b"ene",
        b"gen",
        b"abr",
        b"lug",
        b"giu",
    ];
    (3..=12).contains(&letters.len())
        && MONTHS.iter().any(|month| {
            letters.len() >= month.len() && letters[..month.len()].eq_ignore_ascii_case(month)
        })
}

/// The end of the date: two or three parts of digits, of which one may be the name of a month, and a year.
fn end(bytes: &[u8], start: usize, first: usize) -> Option<usize> {
    let (mut at, mut parts, mut year, mut named) = (
        first,
        0,
        false,
        start < first && !bytes[first - 1].is_ascii_graphic() && bytes[first - 1] < 0x80,
    );
    let mut last = None;
    while parts < 3 {
        let (mut count, mut number) = (0, 0u32);
        while let Some((digit @ b'0'..=b'9', length)) = folded(bytes, at) {
            (count, number, at) = (
                count + 1,
                (number * 10 + u32::from(digit - b'0')).min(100_000_000),
                at + length,
            );
        }
        match count {
            1 | 2 if parts == 0 && bytes[at..].starts_with("年".as_bytes()) => year = true,
            1 | 2 if (1..=31).contains(&number) || parts == 2 => {}
            4 if (1890..=2030).contains(&number) => year = true,
            // 19831004
            8 if parts == 0 && (1890..=2030).contains(&(number / 10_000)) => return Some(at),
            _ => break,
        }
        parts += 1;
        last = Some(at);
        // The era or unit after a Japanese, Chinese or Korean number belongs to the date.
        let unit = ["年", "月", "日", "년", "월", "일"]
            .iter()
            .find(|unit| bytes[at..].starts_with(unit.as_bytes()));
        if let Some(unit) = unit {
            at += unit.len();
            last = Some(at);
            at += bytes[at..]
                .iter()
                .take_while(|byte| **byte == b' ')
                .count()
                .min(1);
            continue;
        }
        if bytes[at..].starts_with(b"st")
            || bytes[at..].starts_with(b"nd")
            || bytes[at..].starts_with(b"rd")
            || bytes[at..].starts_with(b"th")
        {
            at += 2;
        }
        let separators = bytes[at..]
            .iter()
            .take(3)
            .take_while(|byte| matches!(byte, b'-' | b'/' | b'.' | b' ' | b','))
            .count();
        if separators == 0 {
            break;
        }
        at += separators;
        if bytes[at..].starts_with(b"of ") || bytes[at..].starts_with(b"de ") {
            at += 3;
        }
        let letters = bytes[at..]
            .iter()
            .take(13)
            .take_while(|byte| byte.is_ascii_alphabetic() || **byte >= 0x80)
            .count();
        if letters > 0 && !named && is_month(&bytes[at..at + letters]) {
            named = true;
            at += letters;
            at += bytes[at..]
                .iter()
                .take(2)
                .take_while(|byte| matches!(byte, b'-' | b'.' | b' ' | b','))
                .count();
            if bytes[at..].starts_with(b"de ") {
                at += 3;
            }
        }
    }
    let enough = parts + usize::from(named) >= 3 && (year || parts == 3);
    last.filter(|_| enough)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<&str> {
        let at = text.find(|character: char| character.is_numeric())?;
        let (start, end) = around(text.as_bytes(), at, 0, &Context::new(text, &String::new))?;
        Some(&text[start..end])
    }

    #[test]
    fn a_word_makes_a_date_a_date_of_birth() {
        for (words, date) in [
            ("DOB: ", "04/10/1983"),
            ("born on ", "October 4, 1983"),
            ("geboren am ", "04.10.1983"),
            ("生年月日：", "1983年10月4日"),
            ("生年月日は", "1983/10/04"),
            ("Fecha de nacimiento: ", "4 de mayo de 1983"),
            ("birthday: ", "1983-10-04"),
        ] {
            assert_eq!(
                found(&format!("{words}{date}.")),
                Some(date),
                "{words}{date}"
            );
        }
        for text in [
            "due 04/10/1983",
            "Birth: 2025-11-22 10:00:01",
            "born 1983 in",
            "born in 12 places",
            "date of birth",
        ] {
            assert_eq!(found(text), None, "{text}");
        }
    }
}

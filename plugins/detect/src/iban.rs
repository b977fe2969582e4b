//! Detects international bank account numbers (ISO 13616).

use crate::checksum::mod_97;
use crate::context::Context;
use crate::words::Topic;

/// The end of the account number that begins at `start` with the two letters of its country. Small letters, an unknown
/// country and an unusual length are accepted only where the words around say that the number is an IBAN.
pub(crate) fn end(bytes: &[u8], start: usize, context: &Context) -> Option<usize> {
    let country = bytes.get(start..start + 2)?;
    if !country.iter().all(u8::is_ascii_alphabetic) {
        return None;
    }
    length(country)
        .and_then(|length| checked_end(bytes, start, length))
        .or_else(|| {
            let count = bytes[start..]
                .iter()
                .take(35)
                .take_while(|byte| byte.is_ascii_alphanumeric())
                .count();
            let end = (15..=34)
                .contains(&count)
                .then(|| checked_end(bytes, start, count))?;
            let text = &bytes[start..end?];
            let is_strong = text.len() >= 16
                && text[..2].iter().all(u8::is_ascii_uppercase)
                && text[2..4].iter().all(u8::is_ascii_digit)
                && text.iter().filter(|byte| byte.is_ascii_digit()).count() >= 12
                && !text.iter().any(u8::is_ascii_lowercase);
            end.filter(|_| is_strong || context.says(Topic::Iban, start))
        })
}

/// The end of what has the country, the length and the groups of an account number, whatever its check digits are: its
/// parts are no numbers of their own.
pub(crate) fn shape_end(bytes: &[u8], start: usize) -> Option<usize> {
    let country = bytes.get(start..start + 2)?;
    if !bytes
        .get(start..start + 4)?
        .iter()
        .all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
    {
        return None;
    }
    read(bytes, start, length(country)?).map(|(_, end)| end)
}

/// The end of `length` letters and digits, where the check digits are right.
fn checked_end(bytes: &[u8], start: usize, length: usize) -> Option<usize> {
    let (characters, end) = read(bytes, start, length)?;
    (mod_97(&characters[..length]) == Some(1)).then_some(end)
}

/// Reads `length` letters and digits, in groups of four or without.
fn read(bytes: &[u8], start: usize, length: usize) -> Option<([u8; 34], usize)> {
    let mut characters = [0; 34];
    let (mut count, mut at) = (0, start);
    while count < length {
        match bytes.get(at)? {
            // Paper forms put a space or hyphen after every four characters.
            b' ' | b'-' if count > 0 && count % 4 == 0 => {}
            character if character.is_ascii_alphanumeric() => {
                characters[count] = *character;
                count += 1;
            }
            _ => return None,
        }
        at += 1;
    }
    Some((characters, at))
}

/// The length of the whole number by country (SWIFT's IBAN registry, release 100).
fn length(country: &[u8]) -> Option<usize> {
    Some(match country {
        b"NO" => 15,
        b"BE" => 16,
        b"DK" | b"FI" | b"FK" | b"FO" | b"GL" | b"NL" | b"SD" => 18,
        b"MK" | b"SI" => 19,
        b"AT" | b"BA" | b"EE" | b"KZ" | b"LT" | b"LU" | b"MN" | b"XK" => 20,
        b"CH" | b"HR" | b"LI" | b"LV" => 21,
        b"BG" | b"BH" | b"CR" | b"DE" | b"GB" | b"GE" | b"IE" | b"ME" | b"RS" | b"VA" => 22,
        b"AE" | b"GI" | b"IL" | b"IQ" | b"OM" | b"SO" | b"TL" => 23,
        b"AD" | b"CZ" | b"ES" | b"MD" | b"PK" | b"RO" | b"SA" | b"SE" | b"SK" | b"TN" | b"VG" => 24,
        b"LY" | b"PT" | b"ST" => 25,
        b"IS" | b"TR" => 26,
        b"BI" | b"DJ" | b"FR" | b"GR" | b"IT" | b"MC" | b"MR" | b"SM" => 27,
        b"AL" | b"AZ" | b"BY" | b"CY" | b"DO" | b"GT" | b"HN" | b"HU" | b"LB" | b"NI" | b"PL"
        | b"SV" => 28,
        b"BR" | b"EG" | b"PS" | b"QA" | b"UA" => 29,
        b"JO" | b"KW" | b"MU" | b"YE" => 30,
        b"MT" | b"SC" => 31,
        b"LC" => 32,
        b"RU" => 33,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<&str> {
        let start = text.find(|character: char| character.is_ascii_digit())? - 2;
        let end = end(text.as_bytes(), start, &Context::new(text, &String::new))?;
        Some(&text[start..end])
    }

    // Examples from the registry.
    #[test]
    fn check_digits_and_length_make_an_account_number() {
        assert_eq!(
            found("to DE89370400440532013000."),
            Some("DE89370400440532013000")
        );
        assert_eq!(
            found("GB29 NWBK 6016 1331 9268 19."),
            Some("GB29 NWBK 6016 1331 9268 19")
        );
        assert_eq!(found("NO9386011117947"), Some("NO9386011117947"));
        assert_eq!(
            found("YE15CBYE0001018861234567891234"),
            Some("YE15CBYE0001018861234567891234")
        );
        for text in [
            "DE88370400440532013000",
            "DE8937040044053201300",
            "DE89 37040 0440532013000",
            "de89370400440532013000",
        ] {
            assert_eq!(found(text), None, "{text}");
        }
    }

    #[test]
    fn called_so_it_may_be_written_otherwise() {
        assert_eq!(
            found("my iban is de89370400440532013000"),
            Some("de89370400440532013000")
        );
        assert_eq!(found("my iban is de88370400440532013000"), None);
    }
}

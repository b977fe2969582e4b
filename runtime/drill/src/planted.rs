//! Values of a valid form that mean nothing: made anew for each drill, so that nobody's value is ever among them.

use sandgate_detect::checksum::{luhn, mod_97};

const UPPER_BASE32: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const ALPHANUMERIC: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

fn random(alphabet: &[u8], length: usize) -> String {
    (0..length)
        .map(|_| char::from(alphabet[rand::random_range(0..alphabet.len())]))
        .collect()
}

/// A key id of AWS.
pub(crate) fn aws_key() -> String {
    format!("AKIA{}", random(UPPER_BASE32, 16))
}

/// A token of GitHub, with its check sum.
pub(crate) fn github_token() -> String {
    let body = random(ALPHANUMERIC, 30);
    let mut rest = crc32(body.as_bytes());
    let mut sum = [b'0'; 6];
    for digit in sum.iter_mut().rev() {
        *digit = ALPHANUMERIC[(rest % 62) as usize];
        rest /= 62;
    }
    format!("ghp_{body}{}", String::from_utf8_lossy(&sum))
}

/// An e-mail address of nobody.
pub(crate) fn email() -> String {
    let letters = random(b"bcdfghjklmnpqrstvwxz", 9);
    format!("{letters}@{}.net", random(b"bcdfghjklmnpqrstvwxz", 11))
}

/// A card's number with its check digit.
pub(crate) fn card() -> String {
    let body = format!("4539{}", random(b"0123456789", 11));
    let digits: Vec<u8> = body
        .bytes()
        .chain([b'0'])
        .map(|digit| digit - b'0')
        .collect();
    format!("{body}{}", (10 - luhn(&digits)) % 10)
}

/// A German IBAN with its check digits.
pub(crate) fn iban() -> String {
    let account = random(b"0123456789", 18);
    let rest = mod_97(format!("DE00{account}").as_bytes()).unwrap_or_default();
    format!("DE{:02}{account}", 98 - rest)
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            (sum >> 1) ^ (0xedb8_8320 & (sum & 1).wrapping_neg())
        })
    })
}

/// A planted value as a report shows it: its beginning and its length.
pub(crate) fn shown(value: &str) -> String {
    let begin: String = value.chars().take(4).collect();
    format!("{begin}… ({} characters)", value.chars().count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits_are_right() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        for _ in 0..50 {
            let card = card();
            let doubled = |(at, digit): (usize, u8)| match (u32::from(digit - b'0'), at % 2) {
                (digit, 1) => digit * 2 / 10 + digit * 2 % 10,
                (digit, _) => digit,
            };
            let sum: u32 = card.bytes().rev().enumerate().map(doubled).sum();
            assert_eq!((card.len(), sum % 10), (16, 0), "{card}");
            let iban = iban();
            let moved = format!("{}1314{}", &iban[4..], &iban[2..4]);
            let rest = moved.bytes().fold(0_u32, |rest, digit| {
                (rest * 10 + u32::from(digit - b'0')) % 97
            });
            assert_eq!((iban.len(), rest), (22, 1), "{iban}");
        }
    }

    #[test]
    fn a_report_shows_the_beginning_alone() {
        assert_eq!(shown("AKIA0123456789ABCDEF"), "AKIA… (20 characters)");
    }
}

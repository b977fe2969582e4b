//! The kinds of values that have a form of their own, and another value of each. What has none keeps its shape: a digit
//! for a digit, a letter for a letter of the same script and case, everything else as it is.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::surrogate::Draw;

const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const BASE62: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const HEX: &str = "0123456789abcdef";
const BASE32: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// How keys of known providers begin: that much of them is no secret, and what they are known by. Longer ones first.
const BEGINNINGS: [&str; 34] = [
    "github_pat_",
    "sk-ant-api03-",
    "sq0atp-",
    "sq0csp-",
    "dop_v1_",
    "sk_live_",
    "sk_test_",
    "rk_live_",
    "pk_live_",
    "pk_test_",
    "sk-ant-",
    "sk-proj-",
    "whsec_",
    "shpat_",
    "shpss_",
    "glpat-",
    "xoxb-",
    "xoxp-",
    "xoxa-",
    "xoxs-",
    "xapp-",
    "pypi-",
    "ya29.",
    "npm_",
    "AKIA",
    "ASIA",
    "AIza",
    "EAAC",
    "key-",
    "hf_",
    "SG.",
    "sk-",
    "AC",
    "SK",
];

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Email,
    Card,
    Iban,
    Phone,
    Ssn,
    MyNumber,
    Ip,
    Jwt,
    PrivateKey,
    GithubToken,
    /// None of these: its shape is kept.
    Shape,
}

/// By its form where that is beyond doubt, else by what the policy calls it.
pub(super) fn of(label: &str, value: &str) -> Kind {
    let label = label.to_ascii_lowercase();
    let says = |word: &str| label.contains(word);
    let digits = digits(value);
    let only = |allowed: &str| {
        value
            .chars()
            .all(|c| digit(c).is_some() || allowed.contains(c))
    };
    if value.contains("-----BEGIN ") {
        Kind::PrivateKey
    } else if is_jwt(value) {
        Kind::Jwt
    } else if is_github(value) {
        Kind::GithubToken
    } else if is_email(value) {
        Kind::Email
    } else if address(value).is_some() {
        Kind::Ip
    } else if is_iban(value) {
        Kind::Iban
    } else if says("my-number") && digits.len() == 12 {
        Kind::MyNumber
    } else if says("ssn") && digits.len() == 9 {
        Kind::Ssn
    } else if !says("phone")
        && (12..=19).contains(&digits.len())
        && luhn(&digits) == 0
        && only(" -－　.")
    {
        Kind::Card
    } else if (says("phone") || says("tel")) && digits.len() >= 6 {
        Kind::Phone
    } else {
        Kind::Shape
    }
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Card => "card",
            Self::Iban => "iban",
            Self::Phone => "phone",
            Self::Ssn => "ssn",
            Self::MyNumber => "my-number",
            Self::Ip => "ip",
            Self::Jwt => "jwt",
            Self::PrivateKey => "private-key",
            Self::GithubToken => "github-token",
            Self::Shape => "shape",
        }
    }

    /// Without what different spellings of one value differ in.
    pub(super) fn plain(self, value: &str) -> String {
        match self {
            Self::Card | Self::Phone | Self::Ssn | Self::MyNumber => {
                digits(value).iter().map(|d| char::from(b'0' + d)).collect()
            }
            Self::Iban => compact(value).to_uppercase(),
            Self::Email | Self::Ip => value.to_lowercase(),
            _ => value.to_owned(),
        }
    }

    /// Another value, spelt alike. None: there is nothing in it that could be another.
    pub(super) fn another(self, value: &str, draw: &mut Draw<'_>) -> Option<String> {
        let digits = digits(value);
        Some(match self {
            Self::Email => format!(
                "{}{}@{}.example.net",
                draw.one_of(LOWER),
                draw.some_of("abcdefghijklmnopqrstuvwxyz0123456789", 11),
                draw.some_of(LOWER, 4)
            ),
            Self::Card => spelt(value, &card(&digits, draw)),
            Self::Phone => spelt(value, &phone(&digits, draw)),
            Self::Ssn => {
                let area = 1 + draw.below(665);
                let (group, serial) = (1 + draw.below(99), 1 + draw.below(9999));
                spelt(value, &decimal(&format!("{area:03}{group:02}{serial:04}")))
            }
            Self::MyNumber => spelt(value, &my_number(draw)),
            Self::Iban => iban(value, draw)?,
            Self::Ip => ip(value, draw)?,
            Self::Jwt => jwt(value, draw)?,
            Self::PrivateKey => private_key(value, draw),
            Self::GithubToken => {
                let random = draw.some_of(BASE62, 30);
                format!("{}{random}{}", &value[..4], github_check(&random))
            }
            Self::Shape => {
                let made = shape(value, draw);
                return (made != value).then_some(made);
            }
        })
    }
}

/// A decimal digit, of full width or not.
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

/// Without white space and hyphens.
pub(super) fn compact(value: &str) -> String {
    value
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '-')
        .collect()
}

fn decimal(text: &str) -> Vec<u8> {
    digits(text)
}

fn luhn(digits: &[u8]) -> u32 {
    let doubled = |(n, digit): (usize, &u8)| {
        let digit = u32::from(*digit);
        match n % 2 {
            0 => digit,
            _ if digit > 4 => digit * 2 - 9,
            _ => digit * 2,
        }
    };
    digits.iter().rev().enumerate().map(doubled).sum::<u32>() % 10
}

/// Of the same network and length: the first six digits are those of numbers that networks keep for tests.
fn card(digits: &[u8], draw: &mut Draw<'_>) -> Vec<u8> {
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
        *check = u8::try_from((10 - off) % 10).unwrap_or(0);
    }
    made
}

/// The country and most of the area stay: they are what it is known by.
fn phone(digits: &[u8], draw: &mut Draw<'_>) -> Vec<u8> {
    let kept = digits.len().saturating_sub(6).max(2).min(digits.len());
    let mut made = digits[..kept].to_vec();
    for _ in kept..digits.len() {
        made.push(2 + u8::try_from(draw.below(8)).unwrap_or(0));
    }
    made
}

fn my_number(draw: &mut Draw<'_>) -> Vec<u8> {
    let mut made: Vec<u8> = (0..11).map(|_| draw.digit()).collect();
    let weighed = made.iter().rev().zip([2, 3, 4, 5, 6, 7, 2, 3, 4, 5, 6]);
    let sum: u32 = weighed
        .map(|(digit, weight)| u32::from(*digit) * weight)
        .sum();
    made.push(match sum % 11 {
        0 | 1 => 0,
        rest => 11 - u8::try_from(rest).unwrap_or(0),
    });
    made
}

fn is_email(value: &str) -> bool {
    let Some((local, domain)) = value.split_once('@') else {
        return false;
    };
    let sound = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    !local.is_empty()
        && !local.contains(|c: char| c.is_whitespace() || matches!(c, '/' | ':' | '"' | '<'))
        && domain.contains('.')
        && domain.chars().all(sound)
}

/// Modulo 97, of what stands in an account number's order for the check.
fn iban_rest(compact: &str) -> Option<u32> {
    let (head, tail) = (compact.get(..4)?, compact.get(4..)?);
    tail.chars().chain(head.chars()).try_fold(0, |rest, c| {
        let value = c.to_digit(36)?;
        Some((rest * if value > 9 { 100 } else { 10 } + value) % 97)
    })
}

fn is_iban(value: &str) -> bool {
    let plain = compact(value).to_uppercase();
    let bytes = plain.as_bytes();
    (15..=34).contains(&plain.len())
        && bytes[..2].iter().all(u8::is_ascii_uppercase)
        && bytes[2..4].iter().all(u8::is_ascii_digit)
        && bytes.iter().all(u8::is_ascii_alphanumeric)
        && iban_rest(&plain) == Some(1)
}

fn iban(value: &str, draw: &mut Draw<'_>) -> Option<String> {
    let plain = compact(value).to_uppercase();
    let mut made = format!("{}00", plain.get(..2)?);
    for c in plain.get(4..)?.chars() {
        made.push(match c {
            '0'..='9' => char::from(b'0' + draw.digit()),
            _ => draw.one_of(UPPER),
        });
    }
    let check = 98 - iban_rest(&made)?;
    made.replace_range(2..4, &format!("{check:02}"));
    let mut characters = made.chars();
    let next = |c: char| match c {
        c if c.is_whitespace() || c == '-' => Some(c),
        c if c.is_ascii_lowercase() => characters.next().map(|c| c.to_ascii_lowercase()),
        _ => characters.next(),
    };
    value.chars().map(next).collect()
}

/// The address, and what follows it: a prefix's length or a zone.
fn address(value: &str) -> Option<(IpAddr, &str)> {
    let end = value.find(['/', '%']).unwrap_or(value.len());
    Some((value[..end].parse().ok()?, &value[end..]))
}

/// Private ones stay private; others come from ranges that are kept for tests (RFC 2544, RFC 3849).
fn ip(value: &str, draw: &mut Draw<'_>) -> Option<String> {
    let (address, rest) = address(value)?;
    let mut octet = |low: u32| u8::try_from(low + draw.below(250 - low)).unwrap_or(0);
    let made: IpAddr = match address {
        IpAddr::V4(v4) if v4.is_private() => {
            Ipv4Addr::new(10, octet(16), octet(1), octet(1)).into()
        }
        IpAddr::V4(v4) if v4.is_link_local() => Ipv4Addr::new(169, 254, octet(1), octet(1)).into(),
        IpAddr::V4(_) => Ipv4Addr::new(198, 18 + octet(1) % 2, octet(1), octet(1)).into(),
        IpAddr::V6(v6) => {
            let first = v6.segments()[0];
            let mut half = || u16::from_be_bytes([octet(1), octet(1)]);
            let (a, b) = match first {
                0xfc00..=0xfdff => (0xfd00, half()),
                0xfe80..=0xfebf => (0xfe80, 0),
                _ => (0x2001, 0xdb8),
            };
            Ipv6Addr::new(a, b, half(), half(), half(), half(), half(), half()).into()
        }
    };
    Some(format!("{made}{rest}"))
}

fn is_jwt(value: &str) -> bool {
    let parts: Vec<&str> = value.split('.').collect();
    let url_safe = |part: &&str| {
        part.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'='))
    };
    matches!(parts.as_slice(), [head, body, _] if head.starts_with("eyJ") && body.len() > 2)
        && parts.iter().all(url_safe)
}

/// With claims and a signature of its own; the algorithm stays.
fn jwt(value: &str, draw: &mut Draw<'_>) -> Option<String> {
    let mut parts = value.split('.');
    let (head, _, signature) = (parts.next()?, parts.next()?, parts.next()?);
    let said: Option<serde_json::Value> = URL_SAFE_NO_PAD
        .decode(head)
        .ok()
        .and_then(|head| serde_json::from_slice(&head).ok());
    let algorithm = said
        .as_ref()
        .and_then(|said| said["alg"].as_str())
        .filter(|alg| alg.len() <= 8 && alg.bytes().all(|byte| byte.is_ascii_alphanumeric()))
        .unwrap_or("HS256");
    let head = format!(r#"{{"alg":"{algorithm}","typ":"JWT"}}"#);
    let body = format!(r#"{{"sub":"{}","iat":1516239022}}"#, draw.some_of(HEX, 24));
    Some(format!(
        "{}.{}.{}",
        URL_SAFE_NO_PAD.encode(head),
        URL_SAFE_NO_PAD.encode(body),
        draw.some_of(BASE62, signature.len())
    ))
}

/// With the lines around it as they are, and with the beginning that says of which form it is.
fn private_key(value: &str, draw: &mut Draw<'_>) -> String {
    let mut made = String::with_capacity(value.len());
    let mut rest = value;
    let mut kept = 4;
    while let Some(c) = rest.chars().next() {
        let line = match rest.strip_prefix("-----") {
            Some(after) => after.find("-----").map_or(rest.len(), |end| end + 10),
            None if rest.starts_with("\\n") || rest.starts_with("\\r") => 2,
            None => 0,
        };
        if line > 0 {
            made += &rest[..line];
            rest = &rest[line..];
            continue;
        }
        made.push(match c {
            c if c.is_ascii_alphanumeric() && kept == 0 => draw.one_of(BASE62),
            c => c,
        });
        if c.is_ascii_alphanumeric() && kept > 0 {
            kept -= 1;
        }
        rest = &rest[c.len_utf8()..];
    }
    made
}

fn is_github(value: &str) -> bool {
    matches!(
        value.get(..4),
        Some("ghp_" | "gho_" | "ghu_" | "ghs_" | "ghr_")
    ) && value.len() == 40
        && value
            .bytes()
            .skip(4)
            .all(|byte| byte.is_ascii_alphanumeric())
}

/// The last six characters of such a token: the CRC-32 of those before, in base 62.
fn github_check(random: &str) -> String {
    let crc = random.bytes().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| match crc & 1 {
            1 => (crc >> 1) ^ 0xedb8_8320,
            _ => crc >> 1,
        })
    });
    let mut rest = !crc;
    let mut check = [b'0'; 6];
    for place in check.iter_mut().rev() {
        *place = BASE62.as_bytes()[(rest % 62) as usize];
        rest /= 62;
    }
    check.iter().map(|byte| char::from(*byte)).collect()
}

fn shape(value: &str, draw: &mut Draw<'_>) -> String {
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::surrogate::Surrogates;
    use super::*;

    fn another(label: &str, value: &str) -> String {
        let made = Surrogates::default().of(label, value).unwrap();
        assert_ne!(made, value);
        assert_eq!(of(label, &made), of(label, value), "{value}: {made}");
        made
    }

    #[test]
    fn a_card_keeps_its_network_its_spelling_and_its_check_digit() {
        for (value, begins) in [
            ("4111 1111 1111 1111", "4000 00"),
            ("5500-0055-5555-5559", "5555-55"),
            ("371449635398431", "378282"),
            ("６０１１１１１１１１１１１１１７", "６０１１１１"),
        ] {
            let made = another("credit-card", value);
            assert!(made.starts_with(begins), "{made}");
            assert_eq!(luhn(&digits(&made)), 0, "{made}");
        }
    }

    #[test]
    fn an_account_number_has_check_digits_that_hold() {
        for value in ["DE89 3704 0044 0532 0130 00", "GB29NWBK60161331926819"] {
            let made = another("iban", value);
            assert!(is_iban(&made) && made[..2] == value[..2], "{made}");
            assert_eq!(made.len(), value.len());
        }
    }

    #[test]
    fn other_numbers_keep_their_form() {
        let phone = another("phone", "+1 (415) 555-2671");
        assert!(phone.starts_with("+1 (415) "), "{phone}");
        let ssn = another("us-ssn", "219-09-9999");
        assert!(
            ssn.len() == 11 && !ssn.starts_with("000") && !ssn.starts_with('9'),
            "{ssn}"
        );
        assert_eq!(digits(&another("jp-my-number", "1234-5678-9018")).len(), 12);
        assert!(another("ip", "192.168.1.7/24").ends_with("/24"));
        assert!(another("ip", "8.8.4.4").starts_with("198.1"));
        assert!(another("ip", "2a00:1450::5").starts_with("2001:db8:"));
    }

    #[test]
    fn keys_keep_what_they_are_known_by() {
        let aws = another("aws-access-key", "AKIAIOSFODNN7EXAMPLE");
        assert!(aws.starts_with("AKIA") && aws.len() == 20, "{aws}");
        // With its check, which other programs look at.
        let made = another("github-token", "ghp_000000000000000000000000000000000000");
        assert!(made.starts_with("ghp_") && made.len() == 40, "{made}");
        assert_eq!(made[34..], github_check(&made[4..34]));
        assert_eq!(github_check("zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ").len(), 6);
        let stripe = another("stripe-key", "sk_live_4eC39HqLyjWDarjtT1zdp7dc");
        assert!(stripe.starts_with("sk_live_"), "{stripe}");
        let token = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl";
        assert!(is_jwt(&another("jwt", token)));
        let key = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\nabc=\n-----END PRIVATE KEY-----";
        let made = another("private-key", key);
        assert!(
            made.starts_with("-----BEGIN PRIVATE KEY-----\nMIIE"),
            "{made}"
        );
        assert!(made.ends_with("=\n-----END PRIVATE KEY-----") && made.len() == key.len());
        let hash = another("", "9f86d081884c7d659a2feaa0c55ad015");
        assert!(hash.chars().all(|c| HEX.contains(c)) && hash.len() == 32);
        let url = another(
            "connection-string",
            "postgres://ada:s3cret@db.internal:5432/crm",
        );
        assert!(
            url.starts_with("postgres://") && url.matches(':').count() == 3,
            "{url}"
        );
    }

    #[test]
    fn words_keep_their_length_and_shape() {
        let made = another("", "../../Home/ada 42; 東京");
        let shape: String = made
            .chars()
            .map(|c| match c {
                'a'..='z' => 'a',
                'A'..='Z' => 'A',
                '1'..='9' => '1',
                c if c > '\u{3000}' => '字',
                c => c,
            })
            .collect();
        assert_eq!(shape, "../../Aaaa/aaa 11; 字字");
    }
}

//! The kinds of values that have a form of their own, and a surrogate of each. A value without such a form keeps its
//! shape: a digit for a digit, a letter for a letter of the same script and case, everything else as it is.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use sandgate_detect::checksum::luhn;

use super::key::{github_token, is_github, is_jwt, jwt, private_key};
use super::number::{
    card, compact, decimal, digit, digits, iban, is_iban, my_number, phone, spelt,
};
use super::shape::shape;
use crate::draw::Draw;

const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";

/// The kind of a value.
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
    /// Any other value, whose shape is kept.
    Shape,
}

/// The kind of a value: by its form if that is beyond doubt, else by the policy's label.
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

    /// The value without what different spellings of it differ in.
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

    /// A surrogate, spelt alike. `None` if nothing in the value can be replaced.
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
            Self::GithubToken => github_token(value, draw),
            Self::Shape => {
                let made = shape(value, draw);
                return (made != value).then_some(made);
            }
        })
    }
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

/// The address in the value, and what follows it: a prefix's length or a zone.
fn address(value: &str) -> Option<(IpAddr, &str)> {
    let end = value.find(['/', '%']).unwrap_or(value.len());
    Some((value[..end].parse().ok()?, &value[end..]))
}

/// The surrogate of an address. Private ones stay private; others come from ranges reserved for tests (RFC 2544, RFC
/// 3849).
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::draw::HEX;
    use super::super::key::github_check;
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
        // The checksum is valid, since other programs check it.
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

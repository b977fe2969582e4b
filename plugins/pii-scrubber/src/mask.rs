//! Masks: what replaces a value, and how a mask is recognised when it comes back in an argument.
//!
//! A mark (`[email]`) is for people and models. A surrogate is for programs that check the form of a value. It has the
//! form but belongs to nobody, because its check digit is wrong or its range is not assigned.

use sandgate_detect::{Entities, Entity, Found, Gap, Number, is_word, position};

/// The mark of a value: `[credit-card ****1881]` with `shown` = 4, `[credit-card]` with `shown` = 0.
pub(crate) fn mark(entity: Entity, value: &str, shown: usize) -> String {
    let name = entity.name();
    if shown == 0 {
        return ["[", name, "]"].concat();
    }
    let mut tail: Vec<char> = value
        .chars()
        .rev()
        .filter(|character| character.is_alphanumeric())
        .take(shown)
        .collect();
    tail.reverse();
    format!("[{name} ****{}]", tail.into_iter().collect::<String>())
}

/// How many values `way` has in [`surrogate`].
pub(crate) const SURROGATES: usize = 2;

/// A value of the same form that belongs to nobody. `serial` distinguishes the values of a reply, for e-mail addresses,
/// telephone numbers and IP addresses. Where a kind can be written in more than one way, `way` chooses: 0 keeps the
/// form of the value.
pub(crate) fn surrogate(entity: Entity, value: &str, serial: usize, way: usize) -> String {
    match entity {
        Entity::Email => format!("masked-{serial}@example.invalid"),
        // No country has the code 999, and no area has the number 999.
        Entity::Phone if way == 0 => shaped(value, &[9, 9, 9], serial),
        Entity::Phone => format!("+9990000{:04}", serial % 10_000),
        // No network begins with 1. A number of 1, zeros and 1 also fails Luhn.
        Entity::CreditCard => shaped(value, &[1], 1),
        Entity::Iban => value
            .chars()
            .enumerate()
            .map(|(n, character)| match character {
                _ if n < 2 => character.to_ascii_uppercase(),
                '0'..='9' => '0',
                letter if letter.is_ascii_alphabetic() => 'X',
                other => other,
            })
            .collect(),
        // The area 000 does not exist.
        Entity::UsSsn => shaped(value, &[0], 1),
        // Eleven zeros have the check digit 0, so the final 1 is wrong.
        Entity::JpMyNumber => shaped(value, &[0], 1),
        // 100::/64 is the discard-only prefix of RFC 6666. 240.0.0.0/4 has been reserved since 1989.
        Entity::Ip if value.contains(':') => format!("100::{:x}", serial % 0xffff),
        Entity::Ip => format!("240.0.0.{}", serial % 256),
    }
}

/// The surrogate of a value that is a JSON number: a whole number with as many digits.
pub(crate) fn surrogate_digits(digits: usize) -> String {
    format!("1{}1", "0".repeat(digits.saturating_sub(2)))
}

/// `value` with its digits replaced by ASCII digits: first those of `first`, then zeros, and the last digit of `serial`
/// at the end.
fn shaped(value: &str, first: &[u8], serial: usize) -> String {
    let count = value
        .chars()
        .filter(|character| is_digit(*character))
        .count();
    let serial = serial % 10;
    let mut n = 0;
    let next = |character: char| {
        if !is_digit(character) {
            return character;
        }
        let digit = match first.get(n) {
            Some(digit) => *digit,
            None if n + 1 == count => serial as u8,
            None => 0,
        };
        n += 1;
        (digit + b'0') as char
    };
    value.chars().map(next).collect()
}

fn is_digit(character: char) -> bool {
    character.is_ascii_digit() || ('０'..='９').contains(&character)
}

/// Whether the value that was found is a surrogate of this policy.
pub(crate) fn is_ours(found: Found, text: &str) -> bool {
    ours_in(
        &text[found.start..found.end],
        [found.entity].into_iter().collect(),
    )
    .is_some()
}

/// The kind of the first mark or surrogate of this policy in a text.
pub(crate) fn ours_in(text: &str, entities: Entities) -> Option<Entity> {
    let bytes = text.as_bytes();
    let begins_one = |byte: u8| (byte == b'[') | (byte == b'm') | byte.is_ascii_digit();
    let mut at = position(bytes, 0, begins_one);
    while let Some(&byte) = bytes.get(at) {
        let entity = match byte {
            b'[' => Entity::ALL
                .into_iter()
                .find(|entity| is_mark(&text[at + 1..], entity.name())),
            b'm' if is_masked_address(&bytes[at..]) => Some(Entity::Email),
            b'1' if bytes[at..].starts_with(b"100::") && !is_word(bytes, at.checked_sub(1)) => {
                Some(Entity::Ip)
            }
            b'0'..=b'9' if !is_word(bytes, at.checked_sub(1)) => {
                let number = Number::read(bytes, at);
                let entity = surrogate_number(&number);
                if entity.is_none() {
                    at = number.groups()[0].end - 1;
                }
                entity
            }
            b'0' if at >= 2 && is_iban(&bytes[at - 2..]) => Some(Entity::Iban),
            _ => None,
        };
        if let Some(entity) = entity.filter(|entity| entities.has(*entity)) {
            return Some(entity);
        }
        at = position(bytes, at + 1, begins_one);
    }
    None
}

/// Whether `rest`, the text after a `[`, begins like a mark of the kind: `email]`, `email ****…]`, `email:91c4…]`,
/// `email-1]`.
fn is_mark(rest: &str, name: &str) -> bool {
    let Some(rest) = rest.strip_prefix(name) else {
        return false;
    };
    let closes = |rest: &str, is_part: fn(char) -> bool| {
        let part: String = rest
            .chars()
            .take(17)
            .take_while(|character| *character != ']')
            .collect();
        (1..=16).contains(&part.chars().count())
            && part.chars().all(is_part)
            && rest.as_bytes().get(part.len()) == Some(&b']')
    };
    match rest.as_bytes() {
        // `[email](mailto:…)` is a link in Markdown.
        [b']', next @ ..] => next.first() != Some(&b'('),
        [b' ', b'*', b'*', b'*', b'*', ..] => closes(&rest[5..], char::is_alphanumeric),
        [b':', ..] => closes(&rest[1..], |character| character.is_ascii_hexdigit()),
        [b'-', ..] => closes(&rest[1..], |character| character.is_ascii_digit()),
        _ => false,
    }
}

/// Whether the bytes begin like `masked-1@example.invalid`.
fn is_masked_address(bytes: &[u8]) -> bool {
    let Some(rest) = bytes.strip_prefix(b"masked-") else {
        return false;
    };
    let digits = rest
        .iter()
        .take(12)
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    digits > 0 && rest[digits..].starts_with(b"@example.invalid")
}

/// The kind of which the number is a surrogate.
fn surrogate_number(number: &Number) -> Option<Entity> {
    let groups = number.groups();
    let digits = number.digits(groups);
    let counts = |shape: &[usize]| {
        groups
            .iter()
            .map(|group| group.count)
            .eq(shape.iter().copied())
    };
    let tail_is_serial = |from: usize| {
        digits.len() > from + 3
            && digits[from..digits.len() - 1]
                .iter()
                .all(|digit| *digit == 0)
    };
    match digits {
        [9, 9, 9, ..]
            if (7..=15).contains(&digits.len())
                && (tail_is_serial(3) || digits.starts_with(&[9, 9, 9, 0, 0, 0, 0])) =>
        {
            Some(Entity::Phone)
        }
        [1, .., 1] if (12..=19).contains(&digits.len()) && tail_is_serial(1) => {
            Some(Entity::CreditCard)
        }
        [0, .., 1] if digits.len() == 9 && tail_is_serial(0) && counts(&[3, 2, 4]) => {
            Some(Entity::UsSsn)
        }
        [0, .., 1] if digits.len() == 12 && tail_is_serial(0) => Some(Entity::JpMyNumber),
        [2, 4, 0, 0, 0, ..]
            if groups.len() == 4
                && groups[1..].iter().all(|group| group.gap == Gap::Dot)
                && groups[0].count == 3 =>
        {
            Some(Entity::Ip)
        }
        _ => None,
    }
}

/// Whether the bytes begin like the surrogate of an IBAN: two capitals, two zeros and a long row of zeros, X and
/// separators.
fn is_iban(bytes: &[u8]) -> bool {
    let zeros = bytes[2..]
        .iter()
        .take_while(|byte| matches!(byte, b'0' | b'X' | b' ' | b'-'))
        .count();
    bytes[0].is_ascii_uppercase()
        && bytes[1].is_ascii_uppercase()
        && bytes[2..].starts_with(b"00")
        && zeros >= 13
}

#[cfg(test)]
mod tests {
    use super::*;
    use sandgate_detect::checksum::luhn;
    use sandgate_detect::scan;

    const VALUES: [(Entity, &str); 12] = [
        (Entity::Email, "ann@example.com"),
        (Entity::Phone, "+1 415 555 0132"),
        (Entity::Phone, "090-1234-5678"),
        (Entity::Phone, "０９０－１２３４－５６７８"),
        (Entity::CreditCard, "4111111111111111"),
        (Entity::CreditCard, "3782 822463 10005"),
        (Entity::Iban, "DE89370400440532013000"),
        (Entity::Iban, "GB29 NWBK 6016 1331 9268 19"),
        (Entity::UsSsn, "219-09-9999"),
        (Entity::JpMyNumber, "123456789018"),
        (Entity::Ip, "203.0.113.9"),
        (Entity::Ip, "2001:db8::8a2e:370"),
    ];

    fn all() -> Entities {
        Entity::ALL.into_iter().collect()
    }

    #[test]
    fn whatever_we_put_in_is_known_when_it_comes_back() {
        for (entity, value) in VALUES {
            for way in 0..SURROGATES {
                for serial in 1..5 {
                    let text = format!("to {} now", surrogate(entity, value, serial, way));
                    assert_eq!(ours_in(&text, all()), Some(entity), "{text}");
                }
            }
            for shown in [0, 4] {
                let text = format!("to {}.", mark(entity, value, shown));
                assert_eq!(ours_in(&text, all()), Some(entity), "{text}");
            }
            assert_eq!(
                ours_in(&format!("[{}:0123456789abcdef]", entity.name()), all()),
                Some(entity)
            );
            assert_eq!(
                ours_in(&format!("[{}-12]", entity.name()), all()),
                Some(entity)
            );
        }
    }

    #[test]
    fn what_people_write_is_not_taken_for_ours() {
        for (_, value) in VALUES {
            assert_eq!(ours_in(value, all()), None, "{value}");
        }
        for text in [
            "[email me]",
            "[email](mailto:a@b.c)",
            "a[ip]x".trim_end_matches("[ip]x"),
            "0",
            "1000",
            "10000001",
            "2026-01-01",
            "+1 999 000 1234",
            "DE00",
        ] {
            assert_eq!(ours_in(text, all()), None, "{text}");
        }
    }

    #[test]
    fn only_the_wanted_kinds_are_known_again() {
        assert_eq!(
            ours_in("[phone] [email]", [Entity::Email].into_iter().collect()),
            Some(Entity::Email)
        );
        assert_eq!(
            ours_in("[phone]", [Entity::Email].into_iter().collect()),
            None
        );
    }

    #[test]
    fn surrogates_are_nobodys() {
        let digits: Vec<u8> = surrogate(Entity::CreditCard, "4111111111111111", 1, 0)
            .bytes()
            .map(|b| b - b'0')
            .collect();
        assert_ne!(luhn(&digits), 0);
        for (entity, value) in VALUES {
            let text = surrogate(entity, value, 1, 0);
            scan(&text, all(), &String::new, &mut |found| {
                assert!(is_ours(found, &text), "{text}")
            });
        }
    }

    #[test]
    fn a_surrogate_keeps_the_form() {
        assert_eq!(
            surrogate(Entity::Phone, "090-1234-5678", 2, 0),
            "999-0000-0002"
        );
        assert_eq!(
            surrogate(Entity::CreditCard, "4111 1111 1111 1111", 2, 0),
            "1000 0000 0000 0001"
        );
        assert_eq!(
            surrogate(Entity::Iban, "GB29 NWBK 6016 1331 9268 19", 1, 0),
            "GB00 XXXX 0000 0000 0000 00"
        );
        assert_eq!(surrogate_digits(16), "1000000000000001");
        assert_eq!(
            mark(Entity::CreditCard, "4111 1111 1111 1881", 4),
            "[credit-card ****1881]"
        );
    }
}

//! The scan without its short cuts. It looks at every byte and reads every number, and [`scan`] must find the same.

use proptest::prelude::*;

use crate::context::Context;
use crate::entity::{Entities, Entity, Found};
use crate::number::Number;
use crate::scan::{is_glued, one, scan};
use crate::text::{folded, folded_before, is_word};
use crate::{email, iban, ip};

/// What a byte may be part of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Nothing,
    At,
    Colon,
    Digit,
    /// `0xEF`, the first byte of a full-width digit and of other characters.
    Wide,
}

const CLASSES: [Class; 256] = {
    let mut classes = [Class::Nothing; 256];
    classes[b'@' as usize] = Class::At;
    classes[b':' as usize] = Class::Colon;
    let mut digit = b'0';
    while digit <= b'9' {
        classes[digit as usize] = Class::Digit;
        digit += 1;
    }
    classes[0xEF] = Class::Wide;
    classes
};

/// Finds what the scan must find.
fn every_byte(
    text: &str,
    wanted: Entities,
    key: &dyn Fn() -> String,
    found: &mut dyn FnMut(Found),
) {
    let bytes = text.as_bytes();
    let context = Context { text, key };
    // Text before `done` is not looked at again.
    let (mut at, mut done) = (0, 0);
    while let Some(&byte) = bytes.get(at) {
        at = match CLASSES[byte as usize] {
            Class::Nothing => at + 1,
            Class::At if wanted.has(Entity::Email) => match email::around(bytes, at, done) {
                Some((start, end)) => {
                    found(Found {
                        entity: Entity::Email,
                        start,
                        end,
                    });
                    done = end;
                    end
                }
                None => at + 1,
            },
            Class::Colon if wanted.has(Entity::Ip) => match ip::v6_around(bytes, at, done) {
                Some((start, end)) => {
                    found(Found {
                        entity: Entity::Ip,
                        start,
                        end,
                    });
                    done = end;
                    end
                }
                None => at + 1,
            },
            Class::At | Class::Colon => at + 1,
            Class::Digit => number(bytes, at, wanted, &context, &mut done, found),
            Class::Wide => match folded(bytes, at) {
                Some((b'0'..=b'9', _)) => number(bytes, at, wanted, &context, &mut done, found),
                _ => at + 1,
            },
        };
    }
}

/// Reports what the number at `at` is or contains. Returns where to continue.
fn number(
    bytes: &[u8],
    at: usize,
    wanted: Entities,
    context: &Context,
    done: &mut usize,
    found: &mut dyn FnMut(Found),
) -> usize {
    if wanted.has(Entity::Iban)
        && let Some(start) = at.checked_sub(2).filter(|start| *start >= *done)
        && !is_word(bytes, start.checked_sub(1))
        && let Some(end) = iban::end(bytes, start, context)
        && !is_word(bytes, Some(end))
    {
        found(Found {
            entity: Entity::Iban,
            start,
            end,
        });
        *done = end;
        return end;
    }
    let number = Number::read(bytes, at);
    // Most numbers are too short to be any value.
    if number.digits(number.groups()).len() < 4
        || is_word(bytes, folded_before(bytes, at).map(|(_, before)| before))
    {
        return number
            .groups()
            .first()
            .map_or(number.end, |group| group.end);
    }
    let mut first = 0;
    while first < number.groups().len() {
        match one(bytes, &number, first, wanted, context) {
            Some((hit, groups)) if hit.start >= *done && !is_glued(bytes, hit.end) => {
                found(hit);
                *done = hit.end;
                first += groups;
            }
            _ => first += 1,
        }
    }
    number.end.max(*done)
}

/// Values, parts of values, and what stands between values.
fn piece() -> impl Strategy<Value = String> {
    let values = prop::sample::select(vec![
        "ann@example.com",
        "git@github.com:a/b",
        "@",
        "a@b",
        "+1 415 555 0132",
        "(03) 1234-5678",
        "090-1234-5678",
        "０９０－１２３４－５６７８",
        "0120-123-456",
        "4111111111111111",
        "4111 1111 1111 1111",
        "3782-822463-10005",
        "DE89370400440532013000",
        "GB29 NWBK 6016 1331 9268 19",
        "de89370400440532013000",
        "219-09-9999",
        "123456789018",
        "203.0.113.9",
        "10.20.30.40/24",
        "2001:db8::8a2e:370",
        "::",
        "12:34:56",
        "2026-11-22",
        "x123",
        "ext. 12",
    ]);
    let words = prop::sample::select(vec![
        "phone ",
        "tel: ",
        "電話",
        "card ",
        "iban ",
        "ssn ",
        "マイナンバー：",
        "order ",
        "v",
        "_",
        "é",
        "あ",
        "　",
        "ー",
        "\n",
        "\u{200b}",
        "ï",
        "\u{feff}",
        "＠",
        "：",
    ]);
    prop_oneof![
        3 => values.prop_map(String::from),
        2 => words.prop_map(String::from),
        2 => "[0-9]{1,5}",
        2 => "[ .,:;/()+@_a-fxE-]{1,3}",
        1 => "[a-z ]{1,40}",
        1 => "[０-９]{1,4}",
        1 => any::<char>().prop_map(String::from),
    ]
}

fn entities() -> impl Strategy<Value = Entities> {
    let all = prop::sample::subsequence(Entity::ALL.to_vec(), 1..=Entity::ALL.len());
    prop_oneof![
        3 => Just(Entity::ALL.into_iter().collect()),
        1 => all.prop_map(|some| some.into_iter().collect()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn the_scan_finds_exactly_what_a_look_at_every_byte_finds(
        pieces in prop::collection::vec(piece(), 0..24),
        wanted in entities(),
        key in prop::sample::select(vec!["", "phone", "orderId", "cardNumber", "iban"]),
    ) {
        let text = pieces.concat();
        let key = || key.to_owned();
        let (mut expected, mut found) = (Vec::new(), Vec::new());
        every_byte(&text, wanted, &key, &mut |hit| expected.push(hit));
        scan(&text, wanted, &key, &mut |hit| found.push(hit));
        prop_assert_eq!(found, expected, "{:?}", text);
    }
}

//! The scan without its short cuts. It looks at every byte and reads every number, and [`scan`] must find the same.

use proptest::prelude::*;

use crate::entity::{Entities, Entity};
use crate::scan::{scan, walk};

/// Every byte is a candidate.
fn every_byte(_: &[u8], at: usize) -> usize {
    at
}

/// No number is too short.
fn never(_: &[u8], _: usize) -> Option<usize> {
    None
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
        walk(&text, wanted, &key, &mut |hit| expected.push(hit), every_byte, never);
        scan(&text, wanted, &key, &mut |hit| found.push(hit));
        prop_assert_eq!(found, expected, "{:?}", text);
    }
}

#![allow(clippy::unwrap_used)]

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use proptest::prelude::*;

use super::*;
use crate::{MARK, StreamRedactor};

const VALUE: &str = "gh-\"p\\T0ken/>+&=ü~4242abc";

fn of(value: &str) -> Arc<Redactor> {
    let redactor = Arc::new(Redactor::default());
    redactor.look_for([&Value::of(value.to_owned())]).unwrap();
    redactor
}

/// A value in every spelling that the documentation names.
fn spelt(value: &str) -> Vec<(&'static str, String)> {
    let bytes = value.as_bytes();
    let each =
        |write: &dyn Fn(u8) -> String| bytes.iter().map(|byte| write(*byte)).collect::<String>();
    let chars = |write: &dyn Fn(char) -> String| value.chars().map(write).collect::<String>();
    let at = |before: usize| STANDARD.encode(format!("{}{value}, and more", "x".repeat(before)));
    let lines = |text: String| {
        let parts = text
            .as_bytes()
            .chunks(7)
            .map(|part| String::from_utf8_lossy(part).into_owned());
        parts.collect::<Vec<_>>().join("\r\n")
    };
    let json = serde_json::to_string(value).unwrap();
    vec![
        ("plain", value.to_owned()),
        ("in capitals", value.to_ascii_uppercase()),
        ("backwards", value.chars().rev().collect()),
        ("base64", at(0)),
        ("base64 behind one byte", at(1)),
        ("base64 behind two bytes", at(2)),
        ("base64url", URL_SAFE_NO_PAD.encode(value)),
        ("base64 in lines", lines(at(1))),
        ("hexadecimal", each(&|byte| format!("{byte:02x}"))),
        (
            "hexadecimal in capitals with colons",
            each(&|byte| format!("{byte:02X}:")),
        ),
        (
            "URL-encoded",
            each(&|byte| match byte.is_ascii_alphanumeric() {
                true => char::from(byte).to_string(),
                false => format!("%{byte:02X}"),
            }),
        ),
        ("URL-encoded whole", each(&|byte| format!("%{byte:02x}"))),
        ("URL-encoded twice", each(&|byte| format!("%25{byte:02x}"))),
        ("JSON in a text", json.trim_matches('"').to_owned()),
        ("JSON in JSON", serde_json::to_string(&json).unwrap()),
        (
            "unicode escapes",
            chars(&|c| format!("\\u{:04x}", u32::from(c))),
        ),
        ("byte escapes", each(&|byte| format!("\\x{byte:02x}"))),
        ("HTML, decimal", chars(&|c| format!("&#{};", u32::from(c)))),
        (
            "HTML, hexadecimal",
            chars(&|c| format!("&#x{:x};", u32::from(c))),
        ),
        (
            "HTML, named",
            value
                .replace('&', "&amp;")
                .replace('"', "&quot;")
                .replace('>', "&gt;"),
        ),
        ("quoted-printable", each(&|byte| format!("={byte:02X}"))),
        ("quoted-printable in lines", {
            let line = |part: &[u8]| {
                part.iter()
                    .map(|byte| format!("={byte:02X}"))
                    .collect::<String>()
            };
            bytes.chunks(5).map(line).collect::<Vec<_>>().join("=\r\n")
        }),
        ("as a list of bytes", each(&|byte| format!("{byte}, "))),
        ("with gaps", chars(&|c| format!("{c} "))),
    ]
}

#[test]
fn a_value_is_found_in_every_spelling_in_texts_and_json() {
    let redactor = of(VALUE);
    for (name, text) in spelt(VALUE) {
        let text = format!("before {text} after");
        let clean = redactor
            .text(&text)
            .unwrap_or_else(|| panic!("{name}: {text}"));
        assert!(clean.contains(MARK), "{name}: {clean}");
        let json =
            serde_json::json!({ "a": [1, { "b": text }], (text.as_str()): null }).to_string();
        let clean = redactor
            .json(&json)
            .unwrap_or_else(|| panic!("{name}: {json}"));
        let value: serde_json::Value = serde_json::from_str(&clean).unwrap();
        assert!(
            value["a"][1]["b"].as_str().unwrap().contains(MARK),
            "{name}: {clean}"
        );
        assert!(
            redactor.json(&clean).is_none(),
            "{name}: something is left: {clean}"
        );
    }
}

#[test]
fn a_token_of_letters_is_found_in_every_spelling_whole() {
    let value = "ghp16C7e42F292c6912E7710c838347Ae178B4a";
    let redactor = of(value);
    for (name, text) in spelt(value) {
        let clean = redactor
            .text(&format!("<<{text}>>"))
            .unwrap_or_else(|| panic!("{name}: {text}"));
        assert!(
            clean.starts_with("<<") && clean.len() < 50,
            "{name}: {clean}"
        );
    }
}

#[test]
fn what_is_no_value_stays_as_it_is() {
    let redactor = of(VALUE);
    for text in [
        "",
        "{}",
        "gh-\\\"p",
        "a=b&c=%41",
        "\"\\u0041\"",
        "[1,2.5e-3,\"x\"]",
        "=3D=3D &amp; \\n",
    ] {
        assert_eq!(redactor.text(text), None, "{text}");
        assert_eq!(redactor.json(text), None, "{text}");
    }
    let none = Redactor::default();
    assert!(none.is_idle() && none.text(VALUE).is_none() && !none.finds(VALUE.as_bytes()));
}

#[test]
fn a_short_value_is_not_looked_for() {
    assert!(of("elevenbytes").is_idle());
    assert!(!of("twelve-bytes").is_idle());
}

#[test]
fn what_was_rotated_is_still_found() {
    let redactor = of("the-first-value");
    redactor
        .look_for([&Value::of("the-second-value".into())])
        .unwrap();
    assert!(redactor.finds(b"the-first-value") && redactor.finds(b"the-second-value"));
}

/// A long value without repetition.
fn long(of: &str, length: usize) -> String {
    let mut text: String = (0..length)
        .map(|at| format!("{of}{:x}+", at * at))
        .collect();
    text.truncate(text.floor_char_boundary(length));
    text
}

#[test]
fn of_what_was_rotated_the_oldest_is_given_up_once_all_is_too_long() {
    let all: Vec<Value> = (0..6)
        .map(|at| Value::of(long(&format!("v{at}"), FORMER_BYTES / 4)))
        .collect();
    let all: Vec<&Value> = all.iter().collect();
    assert!(
        latest(&all)
            == all[2..]
                .iter()
                .map(|one| (*one).clone())
                .collect::<Vec<_>>()
    );
    let small = Value::of("a-small-value".into());
    let many = vec![&small; FORMER + 1];
    assert_eq!(latest(&many).len(), FORMER);
}

#[test]
fn what_cannot_be_looked_for_is_an_error_and_changes_nothing() {
    let redactor = of(VALUE);
    let all: Vec<Value> = (0..5)
        .map(|at| Value::of(long(&format!("v{at}"), 64 << 10)))
        .collect();
    assert_eq!(redactor.look_for(&all), Err(RedactorError::TooLong));
    assert!(redactor.finds(VALUE.as_bytes()));
    assert!(!redactor.finds(all[0].expose().as_bytes()));
    let fresh = Redactor::default();
    assert_eq!(fresh.look_for(&all), Err(RedactorError::TooLong));
}

#[test]
fn a_long_value_is_found_whole_and_holds_back_no_more_than_a_part_of_it() {
    for length in [PART, PART + 1, 3_000] {
        let value = long("ü", length - 1) + "!";
        assert_eq!(parts(&value).collect::<String>(), value);
        let redactor = of(&value);
        assert!(redactor.reach() * 8 <= WINDOW);
        for (name, text) in spelt(&value) {
            let clean = redactor
                .text(&format!("<<{text}>>"))
                .unwrap_or_else(|| panic!("{name}"));
            let left = clean.replace(MARK, "");
            // What stood around it in base64 is left.
            assert!(left.len() < 30, "{length}, {name}: {left}");
        }
    }
}

#[test]
fn a_number_and_a_value_spread_over_strings_are_found() {
    let redactor = of("4111111111111111");
    let clean = redactor
        .json(r#"{"n":4111111111111111,"m":[-1,2]}"#)
        .unwrap();
    assert_eq!(clean, r#"{"n":"[redacted]","m":[-1,2]}"#);
    let numbers = format!("{{\"n\":{:?}}}", "4111111111111111".as_bytes());
    let clean = redactor.json(&numbers).unwrap();
    assert!(clean.matches("[redacted]").count() == 16, "{clean}");
    let redactor = of("spreadvalue1234");
    let clean = redactor
        .json(r#"{"n":["spr","ead","value1234"],"m":"x"}"#)
        .unwrap();
    assert_eq!(
        clean,
        r#"{"n":["[redacted]","[redacted]","[redacted]"],"m":"x"}"#
    );
}

#[test]
fn a_value_across_two_parts_of_a_large_text_is_found() {
    let redactor = of(VALUE);
    for (name, text) in spelt(VALUE) {
        for at in [WINDOW - 1, WINDOW - text.len() / 2, 2 * WINDOW - 3] {
            let large = format!("{}{text}{}", " ".repeat(at), " x".repeat(WINDOW));
            let clean = redactor
                .text(&large)
                .unwrap_or_else(|| panic!("{name} at {at}"));
            assert!(redactor.text(&clean).is_none(), "{name} at {at}");
        }
    }
}

proptest! {
    #[test]
    fn a_stream_is_redacted_wherever_its_pieces_end(
        cuts in prop::collection::vec(0_usize..4000, 0..6),
        before in 0_usize..1500,
        which in 0_usize..24,
    ) {
        let redactor = of(VALUE);
        let text = format!("{}{}{}", "a".repeat(before), spelt(VALUE)[which].1, " b".repeat(900));
        let mut stream = StreamRedactor::new(redactor.clone());
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
        cuts.extend([0, text.len()]);
        cuts.sort_unstable();
        let mut out = Vec::new();
        for pair in cuts.windows(2) {
            out.extend(stream.push(&text.as_bytes()[pair[0]..pair[1]]));
        }
        out.extend(stream.finish());
        prop_assert!(!redactor.finds(&out), "{}", String::from_utf8_lossy(&out));
        prop_assert!(out.ends_with(b" b"));
    }

    #[test]
    fn what_is_made_of_json_is_json(texts in prop::collection::vec(".{0,40}", 0..6)) {
        let redactor = of(VALUE);
        let mut all = texts;
        all.push(format!("x{VALUE}"));
        let json = serde_json::to_string(&all).unwrap();
        let clean = redactor.json(&json).unwrap();
        let read: Vec<String> = serde_json::from_str(&clean).unwrap();
        prop_assert_eq!(read.len(), all.len());
    }
}

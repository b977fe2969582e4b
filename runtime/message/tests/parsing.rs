//! The parser against serde_json: what it accepts means the same to both, and it accepts nothing that the other refuses.

#![allow(clippy::unwrap_used)]

mod documents;

use proptest::prelude::*;
use sandgate_message::{Json, JsonErrorKind, Kind, Limits, Node};
use serde_json::Value;
use serde_json::value::RawValue;

fn assert_same(node: Node<'_>, value: &Value) {
    match value {
        Value::Null => assert_eq!(node.kind(), Kind::Null),
        Value::Bool(bool) => assert_eq!(
            (node.kind(), node.as_str()),
            (Kind::Bool, if *bool { "true" } else { "false" })
        ),
        Value::Number(_) => {
            assert_eq!(node.kind(), Kind::Number);
            assert_eq!(
                &serde_json::from_str::<Value>(node.as_str()).unwrap(),
                value
            );
        }
        Value::String(content) => assert_eq!(node.string().unwrap(), content.as_str()),
        Value::Array(elements) => {
            assert_eq!(node.kind(), Kind::Array);
            assert_eq!(node.elements().count(), elements.len());
            for (node, value) in node.elements().zip(elements) {
                assert_same(node, value);
            }
        }
        Value::Object(members) => {
            assert_eq!(node.kind(), Kind::Object);
            assert_eq!(node.members().count(), members.len());
            for (name, node) in node.members() {
                assert_same(node, &members[&*name]);
            }
        }
    }
}

/// One place of the text is changed: another byte, one more, one less, or a piece of it twice.
fn mutated(
    mut text: Vec<u8>,
    (kind, at, to, byte): (u8, prop::sample::Index, prop::sample::Index, u8),
) -> Vec<u8> {
    if text.is_empty() {
        return text;
    }
    let (at, to) = (at.index(text.len()), to.index(text.len()));
    // Most random bytes are refused for one and the same reason; these reach further.
    let telling = b"{}[],:\"\\u0d8-+.eE1 \n\t\0tfn\xed\x7f";
    let byte = if kind & 1 == 0 {
        telling[usize::from(byte) % telling.len()]
    } else {
        byte
    };
    match kind >> 1 & 3 {
        0 => text[at] = byte,
        1 => text.insert(at, byte),
        2 => drop(text.remove(at)),
        _ => {
            let piece = text[at.min(to)..at.max(to)].to_vec();
            text.splice(at..at, piece);
        }
    }
    text
}

fn assert_no_laxer_than_serde(bytes: &[u8]) {
    let theirs = serde_json::from_slice::<&RawValue>(bytes);
    match Json::parse(bytes.to_vec(), &Limits::default()) {
        Ok(json) => {
            let raw = theirs.expect("accepted by us alone");
            assert_eq!(json.as_str(), raw.get().trim());
            match serde_json::from_slice::<Value>(bytes) {
                Ok(value) => assert_same(json.root(), &value),
                Err(error) => assert!(error.to_string().contains("out of range"), "{error}"),
            }
        }
        Err(malformed) => {
            assert!(malformed.offset <= bytes.len());
            let stricter = matches!(
                malformed.trouble,
                JsonErrorKind::DuplicateKey
                    | JsonErrorKind::LoneSurrogate
                    | JsonErrorKind::Depth(_)
            );
            assert!(
                theirs.is_err() || stricter,
                "refused by us alone: {malformed}"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1000) })]

    #[test]
    fn a_document_reads_the_same_to_serde_json(text in documents::any_text()) {
        let json = Json::parse(text.clone(), &Limits::default()).unwrap();
        prop_assert_eq!(json.as_str(), text.trim());
        assert_same(json.root(), &serde_json::from_str(&text).unwrap());
    }

    #[test]
    fn a_spoilt_document_is_accepted_only_where_serde_json_accepts_it(
        text in documents::any_text(),
        mutations in prop::collection::vec(any::<(u8, prop::sample::Index, prop::sample::Index, u8)>(), 1..4),
    ) {
        assert_no_laxer_than_serde(&mutations.into_iter().fold(text.into_bytes(), mutated));
    }

    #[test]
    fn any_bytes_are_accepted_only_where_serde_json_accepts_them(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        assert_no_laxer_than_serde(&bytes);
    }

    #[test]
    fn every_string_of_a_document_stands_where_its_pointer_leads(text in documents::any_text()) {
        let json = Json::parse(text, &Limits::default()).unwrap();
        let (texts, strings) = (json.texts(), json.strings());
        prop_assert!(texts.ends.len() <= strings.ends.len());
        for (run, text_only) in [(texts, true), (strings, false)] {
            let mut start = 0;
            for (n, &end) in run.ends.iter().enumerate() {
                let pointer = if text_only { json.text_pointer(n as u32) } else { json.string_pointer(n as u32) };
                let there = json.at(&pointer.unwrap()).unwrap();
                prop_assert_eq!(there.root().string().unwrap(), &run.text[start..end as usize]);
                start = end as usize + 1;
            }
            prop_assert_eq!(start, run.text.len());
        }
    }
}

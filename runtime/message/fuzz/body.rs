//! What is tried with any bytes: read JSON, read a message, splice and read again. The fuzzer and an ordinary test run
//! these bodies. Each panics where a promise is broken.

use std::collections::BTreeMap;

use sandgate_message::{
    Edit, Id, Json, JsonErrorKind, Kind, Limits, Message, Node, apply, canonical_uri, forms_of_uri,
    is_canonical_uri,
};
use serde_json::value::RawValue;

const LIMITS: Limits = Limits {
    bytes: 1 << 20,
    depth: 64,
};

/// A document reads the same to serde_json, value by value.
pub(crate) fn try_json(text: &[u8]) {
    let raw = serde_json::from_slice::<&RawValue>(text);
    let json = match Json::parse(text.to_vec(), &LIMITS) {
        Ok(json) => json,
        Err(why) => {
            let syntax = matches!(why.trouble, JsonErrorKind::Syntax(_));
            assert!(!syntax || raw.is_err(), "valid JSON is refused: {why}");
            return;
        }
    };
    assert!(raw.is_ok(), "serde_json refuses what was accepted");
    same(json.root());
    let strings = json.strings().ends.len();
    assert!(json.texts().ends.len() <= strings);
    for index in 0..strings as u32 {
        let pointer = json
            .string_pointer(index)
            .expect("every string has a place");
        let there = json.at(&pointer).expect("the place is in the document");
        assert_eq!(there.root().kind(), Kind::String, "at {pointer:?}");
    }
}

fn same(node: Node<'_>) {
    let text = node.as_str();
    match node.kind() {
        Kind::String => {
            let other: String = serde_json::from_str(text).expect("a string");
            assert_eq!(node.string().as_deref(), Some(other.as_str()));
        }
        Kind::Array => {
            let other: Vec<&RawValue> = serde_json::from_str(text).expect("an array");
            let ours = node.elements().map(|element| element.as_str());
            assert!(ours.eq(other.iter().map(|element| element.get())));
            node.elements().for_each(same);
        }
        Kind::Object => {
            let other: BTreeMap<String, &RawValue> = serde_json::from_str(text).expect("an object");
            let ours: Vec<_> = node.members().collect();
            assert_eq!(ours.len(), other.len(), "a name stands there twice");
            for (name, value) in ours {
                assert_eq!(
                    Some(value.as_str()),
                    other.get(&*name).map(|other| other.get())
                );
                assert_eq!(
                    node.get(&name).map(|value| value.span()),
                    Some(value.span())
                );
                same(value);
            }
        }
        Kind::Null | Kind::Bool | Kind::Number => {}
    }
}

/// A message stays the same on a line, under another id and with another payload.
pub(crate) fn try_message(text: &[u8]) {
    let Ok(message) = Message::parse(text.to_vec(), &LIMITS) else {
        return;
    };
    let line = message.line();
    assert!(
        !line.iter().any(|b| matches!(b, b'\r' | b'\n')),
        "two lines"
    );
    let again = Message::parse(line, &LIMITS);
    // On a line U+0085, U+2028 and U+2029 are escaped, in ids too: the same id by other bytes.
    let means = |message: &Message| {
        let id = message.id().map(|id| {
            let id: serde_json::Value = serde_json::from_str(id.as_str()).unwrap_or_default();
            id
        });
        let method = message.method().map(str::to_owned);
        (std::mem::discriminant(message.shape()), id, method)
    };
    assert!(
        again.is_ok_and(|again| means(&again) == means(&message)),
        "a line is another message"
    );
    let id = Id::number(7);
    let roomy = Limits {
        bytes: LIMITS.bytes + 100,
        depth: LIMITS.depth + 8,
    };
    let payload =
        Json::parse(r#"{"other":["payload"]}"#, &roomy).unwrap_or_else(|_| Json::empty_object());
    let both = message.with(Some(&id), Some(payload.clone()));
    let in_turn = message.with_payload(payload).with_id(&id);
    assert_eq!(both.bytes(), in_turn.bytes());
    let again = Message::parse(both.bytes(), &roomy);
    assert!(
        again.is_ok_and(|again| again.shape() == both.shape() && again.payload() == both.payload()),
        "a changed message is another message"
    );
    let back = both.with(message.id(), Some(message.payload().clone()));
    assert_eq!(back.payload(), message.payload());
}

/// What edits write is what stands there afterwards. The first two bytes choose edits; the rest is a document.
pub(crate) fn try_splice(data: &[u8]) {
    let Some((&[which, how], text)) = data.split_first_chunk::<2>() else {
        return;
    };
    let Ok(json) = Json::parse(text.to_vec(), &LIMITS) else {
        return;
    };
    let edits = edits(&json, which, how);
    let Ok(edited) = apply(&json, &edits, &LIMITS) else {
        return;
    };
    let again = Json::parse(edited.bytes(), &LIMITS);
    assert_eq!(
        again.as_ref(),
        Ok(&edited),
        "the edited document is not one"
    );
    for edit in &edits {
        if let Edit::Set(pointer, value) = edit
            && !pointer.ends_with("/-")
        {
            let there = edited.at(pointer);
            assert_eq!(
                there.as_ref().map(Json::as_str),
                Some(value.as_str()),
                "at {pointer:?}"
            );
        }
    }
}

/// Up to one edit of each kind, at places that the document has.
fn edits(json: &Json, which: u8, how: u8) -> Vec<Edit> {
    let count = json.strings().ends.len().max(1) as u32;
    let pointer = json
        .string_pointer(u32::from(which) % count)
        .unwrap_or_default();
    let (parent, _) = pointer.rsplit_once('/').unwrap_or_default();
    let mut edits = Vec::new();
    match how & 3 {
        0 => edits.push(Edit::Set(pointer.clone(), r#"{"x":[1]}"#.into())),
        1 => edits.push(Edit::Remove(pointer.clone())),
        2 => edits.push(Edit::Text(
            u32::from(which) % count,
            "other\n\"text\"".into(),
        )),
        _ => {}
    }
    match how >> 2 & 3 {
        0 => edits.push(Edit::Set(format!("{parent}/-"), "[]".into())),
        1 => edits.push(Edit::Set(format!("{parent}/new"), "7".into())),
        2 => edits.push(Edit::Text(u32::from(how >> 4), String::new())),
        _ => {}
    }
    edits
}

/// A canonical URI is its own canonical form, and other spellings of a file have the same one.
pub(crate) fn try_uri(text: &[u8]) {
    let Ok(uri) = std::str::from_utf8(text) else {
        return;
    };
    let Some(canonical) = canonical_uri(uri) else {
        assert!(!is_canonical_uri(uri), "it has no canonical form");
        assert!(forms_of_uri(uri).is_none());
        return;
    };
    assert!(forms_of_uri(uri).is_some_and(|mut forms| forms.any(|form| form == canonical)));
    let is_file = uri
        .trim_start()
        .get(..5)
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case("file:"));
    let Some(path) = canonical.strip_prefix("file:///").filter(|_| is_file) else {
        return;
    };
    assert!(!path.split('/').any(|segment| matches!(segment, "." | "..")));
    // Decoded, it may hold what says something else in a URI: the canonical form is for matching, and no URI.
    let says_more = |c: char| c <= ' ' || "%?#\\:|".contains(c);
    if path.contains(says_more) || path.starts_with('/') {
        return;
    }
    assert_eq!(canonical_uri(&canonical).as_deref(), Some(&*canonical));
    let escaped: String = path.bytes().map(|b| format!("%{b:02X}")).collect();
    for other in [
        format!("FILE:/{path}"),
        format!("file://localhost/./{path}"),
        format!("file:///x/%2e%2E/{path}"),
        format!(" file:///{escaped}\n"),
    ] {
        assert_eq!(
            canonical_uri(&other).as_deref(),
            Some(&*canonical),
            "{other:?}"
        );
        assert!(!is_canonical_uri(&other), "{other:?}");
    }
}

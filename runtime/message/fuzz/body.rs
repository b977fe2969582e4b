//! What is tried with any bytes: parse, splice, parse again. Both the fuzzer and an ordinary test run it.

use sandgate_message::{Edit, Id, Json, Limits, Message, apply};
use serde_json::value::RawValue;

/// Panics where a promise is broken. The first two bytes choose edits; the rest is a document.
pub(crate) fn try_bytes(data: &[u8]) {
    let Some((&[which, how], text)) = data.split_first_chunk::<2>() else {
        return;
    };
    let limits = Limits {
        bytes: 1 << 20,
        depth: 64,
    };
    if let Ok(message) = Message::parse(text.to_vec(), &limits) {
        try_message(&message, &limits);
    }
    let Ok(json) = Json::parse(text.to_vec(), &limits) else {
        return;
    };
    let raw = serde_json::from_slice::<&RawValue>(text);
    assert!(raw.is_ok(), "serde_json refuses what was accepted");

    let strings = json.strings();
    let texts = json.texts();
    assert!(texts.ends.len() <= strings.ends.len());
    let edits = edits(&json, which, how);
    let Ok(edited) = apply(&json, &edits, &limits) else {
        return;
    };
    let again = Json::parse(edited.bytes(), &limits);
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

fn try_message(message: &Message, limits: &Limits) {
    let again = Message::parse(message.line(), limits);
    assert!(
        again.is_ok_and(|again| again.shape() == message.shape()),
        "a line is another message"
    );
    let id = Id::number(7);
    let roomy = Limits {
        bytes: limits.bytes + 100,
        depth: limits.depth + 8,
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

#![allow(clippy::unwrap_used)]

use sandgate_message::Edit;

use super::*;
use crate::testing::{ERROR, REQUEST, json, message, set};

fn weigh(text: &str, limits: Limits, decision: PreDecision) -> Result<(Decision, Effect), Failure> {
    let message = message(text);
    DecisionRules::of(&message, &limits).weigh(Role::Mutation, message.payload(), decision)
}

fn fault(text: &str, limits: Limits, decision: PreDecision) -> String {
    match weigh(text, limits, decision) {
        Err(Failure::Malformed(why)) => why,
        other => panic!("no fault: {:?}", other.map(|(word, _)| word)),
    }
}

#[test]
fn an_edit_may_fill_the_whole_message_to_the_limit_and_no_further() {
    let limits = Limits {
        bytes: REQUEST.len() + 10,
        depth: 128,
    };
    let filled = |length: usize| set("/arguments/n", &"1".repeat(length));
    let (_, effect) = weigh(REQUEST, limits, PreDecision::Edit(filled(13))).unwrap();
    let Effect::Change(params) = effect else {
        panic!("no change")
    };
    assert_eq!(
        message(REQUEST).with_payload(params).bytes().len(),
        limits.bytes
    );
    fault(REQUEST, limits, PreDecision::Edit(filled(14)));
}

#[test]
fn the_envelope_counts_in_the_depth() {
    // Four levels: the message, its params, the arguments, the array.
    let nested = || PreDecision::Edit(set("/arguments/n", "[1]"));
    assert!(
        weigh(
            REQUEST,
            Limits {
                bytes: 1000,
                depth: 4
            },
            nested()
        )
        .is_ok()
    );
    fault(
        REQUEST,
        Limits {
            bytes: 1000,
            depth: 3,
        },
        nested(),
    );
}

#[test]
fn an_edit_of_nothing_is_no_edit() {
    let (word, effect) = weigh(REQUEST, Limits::default(), PreDecision::Edit(Vec::new())).unwrap();
    assert_eq!(word, Decision::Proceed);
    assert!(matches!(effect, Effect::Nothing));
}

#[test]
fn what_is_wrong_with_an_edit_is_told_without_its_words() {
    for edit in [
        Edit::Set("/CANARY/CANARY".into(), "1".into()),
        Edit::Remove("/CANARY".into()),
        Edit::Remove("CANARY".into()),
        Edit::Set("/arguments".into(), "CANARY".into()),
        Edit::Text(99, "CANARY".into()),
    ] {
        let why = fault(REQUEST, Limits::default(), PreDecision::Edit(vec![edit]));
        assert!(!why.contains("CANARY"), "{why}");
    }
}

#[test]
fn an_error_keeps_its_code_and_message() {
    let limits = Limits::default();
    for broken in [
        r#"{"code":1}"#,
        r#"{"message":"no"}"#,
        r#"{"code":"1","message":"no"}"#,
    ] {
        fault(ERROR, limits, PreDecision::Replace(json(broken)));
    }
    let whole = PreDecision::Replace(json(r#"{"code":1,"message":"no","data":[]}"#));
    assert!(weigh(ERROR, limits, whole).is_ok());
}

#![allow(clippy::unwrap_used)]

use sandgate_message::{Edit, Refusal};
use serde_json::Value;

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

/// `sdk/judgements.json` holds the SDKs' doubles to the gateway: each case is a decision and what comes of it.
#[test]
fn the_cases_of_the_sdks_doubles_are_judged_as_they_say() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../sdk/judgements.json");
    let cases: Vec<Value> = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    assert!(cases.len() > 40);
    for case in cases {
        let is = |name: &str| case[name] == true;
        let document = case["document"].as_str().unwrap();
        let text = match (case["hook"].as_str().unwrap(), is("failed")) {
            ("pre-call", _) if is("notification") => {
                format!(
                    r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{document}}}"#
                )
            }
            ("pre-call", _) => {
                format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{document}}}"#)
            }
            (_, false) => format!(r#"{{"jsonrpc":"2.0","id":1,"result":{document}}}"#),
            (_, true) => format!(r#"{{"jsonrpc":"2.0","id":1,"error":{document}}}"#),
        };
        let role = match case["role"] == "validation" {
            true => Role::Validation,
            false => Role::Mutation,
        };
        let message = message(&text);
        let judged = DecisionRules::of(&message, &Limits::default()).weigh(
            role,
            message.payload(),
            decision(&case["decision"]),
        );
        let becomes = match judged {
            Ok((word, effect)) => {
                let mut becomes = serde_json::json!({ "decision": word });
                if let Effect::Change(json) | Effect::Answer(json) = effect {
                    becomes["document"] = json.as_str().into();
                }
                becomes
            }
            Err(failure) => {
                let Failure::Malformed(says) = &failure else {
                    panic!("{failure}")
                };
                serde_json::json!({ "failure": failure.kind(), "says": says })
            }
        };
        assert_eq!(becomes, case["becomes"], "{case}");
    }
}

fn decision(said: &Value) -> PreDecision {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let parsed = |value: &Value| Json::parse(text(value), &Limits::default()).unwrap();
    if said == "proceed" {
        return PreDecision::Proceed;
    }
    let (word, value) = said.as_object().unwrap().iter().next().unwrap();
    match word.as_str() {
        "replace" => PreDecision::Replace(parsed(value)),
        "answer" => PreDecision::Answer(parsed(value)),
        "refuse" => PreDecision::Refuse(Refusal {
            code: text(&value["code"]),
            message: text(&value["message"]),
            pointer: None,
            details: None,
            explanation: None,
        }),
        _ => {
            let edit = |edit: &Value| match edit.as_object().unwrap().iter().next().unwrap() {
                (kind, given) if kind == "set" => Edit::Set(text(&given[0]), text(&given[1])),
                (kind, given) if kind == "text" => {
                    let index = given[0].as_u64().unwrap();
                    Edit::Text(index.try_into().unwrap(), text(&given[1]))
                }
                (_, given) => Edit::Remove(text(given)),
            };
            PreDecision::Edit(value.as_array().unwrap().iter().map(edit).collect())
        }
    }
}

//! What interceptors may make of a message, and which of them may stand in for the server.

use std::sync::Arc;

use futures_util::FutureExt;
use sandgate_message::{Limits, PreDecision};

use super::words;
use crate::testing::*;
use crate::{Chain, Decision};

#[test]
fn rule_6_an_answer_stands_in_for_the_server_only() {
    let answering = mutator("answering", |_| {
        PreDecision::Answer(json(r#"{"content":[]}"#))
    });
    let editing = mutator("editing", |_| PreDecision::Edit(set("/arguments/n", "2")));
    let passage = onward(enter(&chain([
        answering,
        editing,
        validator("judge", |_| PreDecision::Proceed),
    ])));
    assert_eq!(
        read(&passage.answer().unwrap())["result"]["content"],
        serde_json::json!([])
    );
    assert_eq!(passage.answer().unwrap().id(), message(REQUEST).id());
    assert_eq!(
        words(passage.trail()),
        [
            ("answering", Decision::Answer, true),
            ("editing", Decision::Edit, true),
            ("judge", Decision::Proceed, true)
        ]
    );
}

#[test]
fn rule_6_an_answered_call_can_still_be_refused() {
    let answering = mutator("answering", |_| PreDecision::Answer(json("{}")));
    let judge = validator("judge", |_| PreDecision::Refuse(refusal("no")));
    let departure = refused(enter(&chain([answering, judge])));
    assert_eq!(
        words(&departure.trail),
        [
            ("answering", Decision::Answer, false),
            ("judge", Decision::Refuse, true)
        ]
    );
}

#[test]
fn rule_7_of_several_answers_the_first_stands() {
    let answering = |name: &'static str| {
        mutator(name, move |_| {
            PreDecision::Answer(json(&format!(r#"{{"from":"{name}"}}"#)))
        })
    };
    let passage = onward(enter(&chain([answering("one"), answering("two")])));
    assert_eq!(read(&passage.answer().unwrap())["result"]["from"], "one");
    assert_eq!(
        words(passage.trail()),
        [
            ("one", Decision::Answer, true),
            ("two", Decision::Answer, false)
        ]
    );
}

#[test]
fn rule_8_a_validator_that_changes_or_answers_is_at_fault() {
    let forbidden: [fn() -> PreDecision; 3] = [
        || PreDecision::Edit(set("/x", "1")),
        || PreDecision::Replace(json("{}")),
        || PreDecision::Answer(json("{}")),
    ];
    for decide in forbidden {
        let closed = refused(enter(&chain([validator("v", move |_| decide())])));
        assert_eq!(closed.trail.entries[0].failure, Some("malformed"));
        let open = onward(enter(&chain([
            validator("v", move |_| decide()).fail_open()
        ])));
        assert_eq!(
            (text(open.message()), open.answer().is_none()),
            (REQUEST.into(), true)
        );
    }
}

#[test]
fn rule_9_a_change_that_cannot_be_made_is_a_fault() {
    let impossible: [fn() -> PreDecision; 5] = [
        || PreDecision::Edit(set("/no/such/parent", "1")),
        || PreDecision::Edit([set("/arguments", "1"), set("/arguments/n", "2")].concat()),
        || PreDecision::Edit(set("/arguments", "{not json")),
        || PreDecision::Replace(json("[1]")),
        || PreDecision::Answer(json("[1]")),
    ];
    for decide in impossible {
        let departure = refused(enter(&chain([mutator("m", move |_| decide())])));
        assert_eq!(departure.trail.entries[0].failure, Some("malformed"));
        assert_eq!(read(&departure.message.unwrap())["error"]["code"], -32603);
    }
}

#[test]
fn rule_9_what_is_made_obeys_the_limits() {
    let long = format!("\"{}\"", "x".repeat(200));
    let deep = format!("{}{}", "[".repeat(9), "]".repeat(9));
    for value in [long, deep] {
        let whole = format!(r#"{{"arguments":{value}}}"#);
        let (edited, replaced, answered) = (value.clone(), whole.clone(), whole);
        for native in [
            mutator("edit", move |_| {
                PreDecision::Edit(set("/arguments", &edited))
            }),
            mutator("replace", move |_| PreDecision::Replace(json(&replaced))),
            mutator("answer", move |_| PreDecision::Answer(json(&answered))),
        ] {
            let limits = Limits {
                bytes: 200,
                depth: 8,
            };
            let chain = Chain::new(1, vec![native.try_step().unwrap()], None, limits);
            assert_eq!(
                refused(enter(&chain)).trail.entries[0].failure,
                Some("malformed")
            );
        }
    }
}

#[test]
fn rule_9_a_notification_cannot_be_answered() {
    let chain = chain([mutator("m", |_| PreDecision::Answer(json("{}")))]);
    let note = message(r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{}}"#);
    let departure = refused(chain.enter(Arc::new(call()), note).now_or_never().unwrap());
    assert_eq!(departure.trail.entries[0].failure, Some("malformed"));
    assert!(departure.message.is_none());
}

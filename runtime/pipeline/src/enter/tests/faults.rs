//! Calls whose interceptor fails.

use std::sync::Arc;
use std::time::Duration;

use sandgate_message::{Failure, HookResult, PostDecision, Role};

use super::words;
use crate::Decision;
use crate::testing::*;

#[test]
fn rule_10_a_fault_under_fail_open_counts_as_proceed() {
    let failing = native("m")
        .pre(Role::Mutation, |_| HookResult::failed(failure()))
        .fail_open();
    let judging = native("v")
        .pre(Role::Validation, |_| HookResult::failed(failure()))
        .fail_open();
    let passage = onward(enter(&chain([failing, judging])));
    assert_eq!(text(passage.message()), REQUEST);
    assert_eq!(
        words(passage.trail()),
        [("m", Decision::Fault, false), ("v", Decision::Fault, false)]
    );
    assert_eq!(passage.trail().entries[0].failure, Some("trap"));
}

#[test]
fn rule_10_a_fault_under_fail_closed_blocks_with_the_drafts_error() {
    for role in [Role::Mutation, Role::Validation] {
        for (failure, code) in [
            (failure(), -32603),
            (Failure::deadline(Duration::from_millis(50)), -32000),
        ] {
            let failing = native("m").pre(role, move |_| HookResult::failed(failure.clone()));
            let departure = refused(enter(&chain([failing])));
            assert_eq!(read(&departure.message.unwrap())["error"]["code"], code);
            assert_eq!(words(&departure.trail), [("m", Decision::Fault, true)]);
        }
    }
}

#[test]
fn rule_10_what_load_kept_from_deciding_blocks_also_under_fail_open() {
    for role in [Role::Mutation, Role::Validation] {
        let native = |name| {
            native(name).pre(role, |_| {
                HookResult::failed(Failure::Overload("a processor"))
            })
        };
        let departure = refused(enter(&chain([native("m").fail_open()])));
        assert!(departure.overloaded && departure.withheld);
        let reply = read(&departure.message.unwrap());
        assert_eq!(reply["error"]["code"], -32000);
        assert_eq!(words(&departure.trail), [("m", Decision::Fault, true)]);
        onward(enter(&chain([native("m").audit()])));
    }
    let failing = native("m").pre(Role::Mutation, |_| HookResult::failed(failure()));
    assert!(!refused(enter(&chain([failing]))).overloaded);
}

#[test]
fn rule_10_a_reply_that_load_kept_from_being_judged_is_withheld_also_under_fail_open() {
    let native = native("m").post(Role::Mutation, |_| {
        HookResult::failed(Failure::Overload("a processor"))
    });
    let departure = leave(onward(enter(&chain([native.fail_open()]))), RESULT);
    assert!(departure.overloaded && departure.withheld);
}

#[test]
fn rule_10_a_note_left_before_a_fault_is_lost() {
    let seen = Seen::default();
    let noting = seen.clone();
    let native = native("m")
        .pre(Role::Mutation, |_| HookResult {
            carry: Some(Arc::new([1])),
            ..HookResult::failed(failure())
        })
        .post(Role::Mutation, move |run| {
            noting.note(format!("{:?}", run.carried));
            HookResult::decided(PostDecision::Proceed)
        });
    leave(onward(enter(&chain([native.fail_open()]))), RESULT);
    assert_eq!(seen.all(), ["None"]);
}

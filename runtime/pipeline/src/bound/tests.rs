#![allow(clippy::unwrap_used)]

use sandgate_message::{PostDecision, PreDecision};

use super::*;
use crate::testing::{Native, mutator, native, reply_mutator, reply_validator, validator};

fn proceeding() -> Native {
    validator("v", |_| PreDecision::Proceed)
}

fn trouble(native: Native) -> String {
    native.try_step().unwrap_err().to_string()
}

#[test]
fn a_hook_that_the_plugin_has_not_is_named() {
    let error = trouble(
        proceeding().place(|place| place.scope.hooks = vec![Hook::PreCall, Hook::PostCall]),
    );
    assert!(
        error.contains("no post-call hook") && error.contains("it has: pre-call"),
        "{error}"
    );
}

#[test]
fn a_hook_left_out_of_the_scope_has_no_role() {
    let both = reply_mutator("both", |_| PostDecision::Proceed).pre(Role::Validation, |_| {
        sandgate_message::HookResult::decided(PreDecision::Proceed)
    });
    let step = both
        .place(|place| place.scope.hooks = vec![Hook::PreCall])
        .try_step()
        .unwrap();
    assert_eq!(
        (step.role(Hook::PreCall), step.role(Hook::PostCall)),
        (Some(Role::Validation), None)
    );
}

#[test]
fn an_event_out_of_the_plugins_reach_is_named_with_those_in_reach() {
    let asking = |event: &str| {
        let globs = Globs::new([event]).unwrap();
        proceeding()
            .asks_for(&["tools/call", "prompts/*"])
            .place(|place| place.scope.events = globs)
    };
    let error = trouble(asking("resources/read"));
    assert!(
        error.contains("resources/read") && error.contains("tools/call, prompts/*"),
        "{error}"
    );
    assert!(asking("prompts/get").try_step().is_ok());
    assert!(asking("*").try_step().is_ok());
}

#[test]
fn raw_is_for_validators_of_replies() {
    let raw = |native: Native| native.place(|place| place.sees = Sees::Raw).try_step();
    assert!(raw(reply_validator("v", |_| PostDecision::Proceed)).is_ok());
    assert!(matches!(
        raw(proceeding()),
        Err(StepError::Raw { post: None, .. })
    ));
    let mutating = raw(reply_mutator("m", |_| PostDecision::Proceed));
    assert!(matches!(
        mutating,
        Err(StepError::Raw {
            post: Some(Role::Mutation),
            ..
        })
    ));
}

#[test]
fn a_timeout_is_more_than_nothing_and_at_most_an_hour() {
    for timeout in [Duration::ZERO, Duration::MAX] {
        assert!(trouble(proceeding().place(|place| place.timeout = timeout)).contains("timeout"));
    }
}

#[test]
fn a_plugin_with_a_bad_event_is_refused() {
    assert!(trouble(proceeding().asks_for(&["tools/{"])).contains("tools/{"));
}

#[test]
fn a_plugin_without_hooks_looks_at_nothing() {
    let step = native("none").try_step().unwrap();
    assert!(!step.admits(
        Hook::PreCall,
        "tools/call",
        Direction::ClientToServer,
        "crm"
    ));
}

#[test]
fn globs_that_match_nothing_are_told_with_their_key() {
    let step = mutator("m", |_| PreDecision::Proceed)
        .asks_for(&["tools/*"])
        .place(|place| {
            place.scope.events = Globs::new(["*/read", "tools/call"]).unwrap();
            place.scope.servers = Globs::new(["crm", "hr*"]).unwrap();
            place.scope.principals = Globs::new(["nobody"]).unwrap();
        });
    let known = KnownNames {
        events: Some(&["tools/call", "resources/read"]),
        servers: Some(&["crm", "time"]),
        ..KnownNames::default()
    };
    let idle = step.try_step().unwrap().idle(&known);
    let idle: Vec<_> = idle
        .iter()
        .map(|idle| (idle.key, idle.glob.as_str()))
        .collect();
    assert_eq!(idle, [("events", "*/read"), ("servers", "hr*")]);
}

//! Calls whose target a mutator changes, and the target that a refused call is recorded with.

use std::sync::Arc;

use futures_util::FutureExt;
use sandgate_message::{HookResult, PreDecision, Role};

use super::words;
use crate::testing::*;
use crate::{Decision, Globs};

#[test]
fn rule_12_another_target_is_another_scope() {
    let renaming = mutator("renaming", |_| {
        PreDecision::Edit(set("/name", "\"delete\""))
    });
    let guard = |name: &str, target: &str| {
        let globs = Globs::new([target]).unwrap();
        validator(name, |_| PreDecision::Proceed).place(|place| place.scope.targets = globs)
    };
    let chain = chain([guard("old", "lookup"), guard("new", "delete"), renaming]);
    let mut call = call();
    call.definition = Some(json("{}"));
    let passage = onward(
        chain
            .enter(Arc::new(call), message(REQUEST))
            .now_or_never()
            .unwrap(),
    );
    assert_eq!(
        words(passage.trail()),
        [
            ("renaming", Decision::Edit, true),
            ("new", Decision::Proceed, true)
        ]
    );
    assert_eq!(passage.call().target.as_deref(), Some("delete"));
    assert_eq!(passage.call().definition, None);
}

#[test]
fn rule_12_the_target_stays_where_only_arguments_change() {
    let editing = mutator("editing", |_| PreDecision::Edit(set("/arguments/n", "2")));
    let chain = chain([editing]);
    let mut call = call();
    // A merged endpoint prefixes the target on the wire; the call keeps the gateway's own name for it.
    call.target = Some("known-otherwise".into());
    call.definition = Some(json("{}"));
    let passage = onward(
        chain
            .enter(Arc::new(call), message(REQUEST))
            .now_or_never()
            .unwrap(),
    );
    assert_eq!(passage.call().target.as_deref(), Some("known-otherwise"));
    assert!(passage.call().definition.is_some());
}

#[test]
fn rule_12_another_client_is_known_to_later_interceptors_and_to_the_records() {
    let seen = Seen::default();
    let sees = |name: &'static str| {
        let seen = seen.clone();
        mutator(name, move |run| {
            let client = run.call.attribute("client.name").unwrap_or_default();
            seen.note(format!("{name}: {client}"));
            PreDecision::Proceed
        })
    };
    let renaming = mutator("renaming", |_| {
        PreDecision::Edit(set("/clientInfo/name", "\"masked\""))
    });
    let refusing = validator("refusing", |_| PreDecision::Refuse(refusal("no")));
    let chain = chain([sees("before"), renaming, sees("after"), refusing]);
    let mut call = call();
    call.method = "initialize".into();
    call.attributes = Arc::new([
        ("client.name".into(), "secret".into()),
        ("protocol.version".into(), "2025-11-25".into()),
    ]);
    let asked = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"clientInfo":{"name":"secret"}}}"#;
    let entered = chain.enter(Arc::new(call), message(asked)).now_or_never();
    let departure = refused(entered.unwrap());
    assert_eq!(seen.all(), ["before: secret", "after: masked"]);
    assert_eq!(departure.call.attribute("client.name"), Some("masked"));
    assert_eq!(
        departure.call.attribute("protocol.version"),
        Some("2025-11-25")
    );
}

#[test]
fn rule_13_a_refused_call_is_known_as_the_mutators_left_it() {
    let masking = mutator("masking", |_| PreDecision::Edit(set("/name", "\"masked\"")));
    let refusing = validator("refusing", |_| PreDecision::Refuse(refusal("no")));
    let departure = refused(enter(&chain([masking, refusing])));
    assert_eq!(departure.call.target.as_deref(), Some("masked"));
}

#[test]
fn rule_13_a_refused_call_passes_no_post_call() {
    let both = native("both")
        .pre(Role::Validation, |_| {
            HookResult::decided(PreDecision::Refuse(refusal("no")))
        })
        .post(Role::Validation, |_| panic!("nothing came from a server"));
    assert_eq!(refused(enter(&chain([both]))).trail.entries.len(), 1);
}

#[test]
fn rule_13_a_refused_notification_is_answered_by_silence() {
    let chain = chain([validator("v", |_| PreDecision::Refuse(refusal("no")))]);
    let note = message(r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{}}"#);
    let departure = refused(chain.enter(Arc::new(call()), note).now_or_never().unwrap());
    assert!(departure.message.is_none());
    assert_eq!(
        departure.trail.stopped_by().unwrap().decision,
        Decision::Refuse
    );
}

#![allow(clippy::unwrap_used)]
use std::sync::Arc;

use sandgate_message::{PostDecision, PreDecision};

use crate::testing::{
    ERROR, RESULT, Seen, call, chain, enter, leave, mutator, onward, read, refused,
    reply_validator, set, text, validator,
};
use crate::{Chain, StoppedPlugins};

fn stopping(chain: &Arc<Chain>, names: &[&str]) -> Arc<Chain> {
    let stopped = StoppedPlugins::default();
    stopped.set(names.iter().map(|name| (*name).into()).collect());
    chain.stoppable(Arc::new(stopped))
}

#[test]
fn what_a_stopped_plugin_would_judge_is_refused_and_nobody_is_asked() {
    let seen = Seen::default();
    let notes = seen.clone();
    let judged = chain([
        mutator("first", move |_| {
            notes.note("first");
            PreDecision::Proceed
        }),
        validator("pii", |_| PreDecision::Proceed),
    ]);
    onward(enter(&judged));
    let refusal = refused(enter(&stopping(&judged, &["pii"])));
    let reply = read(&refusal.message.unwrap());
    assert_eq!(reply["result"]["isError"], true);
    let said = reply["result"]["content"][0]["text"].as_str().unwrap();
    assert!(
        said.contains("the operator has stopped this policy"),
        "{said}"
    );
    assert_eq!(seen.all(), ["first"], "once, before the stop");
    let [entry] = refusal.trail.entries.as_slice() else {
        panic!("{:?}", refusal.trail)
    };
    assert_eq!((&*entry.interceptor, entry.applied), ("pii", true));
    assert_eq!(entry.code.as_deref(), Some("stop.plugin"));
    onward(enter(&stopping(&judged, &["other"])));
}

#[test]
fn a_stopped_plugin_fails_closed_whatever_its_fail_open_says() {
    let open = chain([validator("pii", |_| PreDecision::Proceed).fail_open()]);
    refused(enter(&stopping(&open, &["pii"])));
}

#[test]
fn a_plugin_that_sees_replies_alone_keeps_the_call_from_being_sent() {
    let replies = chain([reply_validator("scrub", |_| PostDecision::Proceed)]);
    refused(enter(&stopping(&replies, &["scrub"])));
}

#[test]
fn the_reply_to_a_call_that_was_sent_before_is_withheld() {
    let replies = chain([reply_validator("scrub", |_| PostDecision::Proceed)]);
    for reply in [RESULT, ERROR] {
        let stopped = Arc::new(StoppedPlugins::default());
        let sent = onward(enter(&replies.stoppable(stopped.clone())));
        stopped.set(vec!["scrub".into()]);
        let left = leave(sent, reply);
        assert!(left.withheld);
        let said = text(&left.message.unwrap());
        assert!(
            said.contains("stop.plugin") && !said.contains("\"hi\""),
            "{said}"
        );
    }
}

#[test]
fn a_mutator_does_not_lead_a_call_past_a_stopped_plugin() {
    let renames = |name: &str| mutator(name, |_| PreDecision::Edit(set("/name", "\"other\"")));
    let guard = || {
        validator("guard", |_| PreDecision::Proceed)
            .place(|place| place.scope.targets = crate::Globs::new(["other"]).unwrap())
    };
    let led = chain([renames("rename"), guard()]);
    assert!(led.stopped(&call()).is_none());
    onward(enter(&led));
    refused(enter(&stopping(&led, &["guard"])));
}

#[test]
fn in_audit_a_stopped_plugin_is_not_asked_and_refuses_nothing() {
    let seen = Seen::default();
    let notes = seen.clone();
    let audits = chain([validator("pii", move |_| {
        notes.note("asked");
        PreDecision::Proceed
    })
    .audit()]);
    onward(enter(&stopping(&audits, &["pii"])));
    assert!(seen.all().is_empty());
}

//! A test for each numbered rule of the way out (see the module documentation of `admitted`).
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use proptest::prelude::*;
use sandgate_message::{Failure, HookResult, Limits, PostDecision, PreDecision, Role};

use crate::testing::*;
use crate::{Chain, Decision, Globs, Sees};

fn appending(letter: &'static str) -> Native {
    reply_mutator(letter, move |run| {
        let before = run
            .document
            .at("/content/0/text")
            .unwrap()
            .as_str()
            .trim_matches('"')
            .to_owned();
        PostDecision::Edit(set("/content/0/text", &format!("\"{before}{letter}\"")))
    })
}

fn noting(name: &str, seen: &Seen, sees: Sees) -> Native {
    let (seen, label) = (seen.clone(), name.to_owned());
    let native = reply_validator(name, move |run| {
        seen.note(format!(
            "{label} {}",
            run.document.at("/content/0/text").unwrap().as_str()
        ));
        PostDecision::Proceed
    });
    native.place(|place| place.sees = sees)
}

#[test]
fn rule_1_a_passage_keeps_the_chain_it_entered() {
    let entered = chain([appending("a")]);
    let passage = onward(enter(&entered));
    let published = Chain::new(8, Vec::new(), None, Limits::default());
    assert_ne!(published.version(), entered.version());
    drop((entered, published));
    let departure = leave(passage, RESULT);
    assert_eq!(departure.trail.version, 7);
    assert_eq!(
        text(&departure.message.unwrap()),
        RESULT.replace("hi", "hia")
    );
}

#[test]
fn rule_2_raw_validators_look_at_the_reply_as_it_came_and_first() {
    let seen = Seen::default();
    let chain = chain([
        noting("final", &seen, Sees::Final),
        appending("a"),
        noting("raw", &seen, Sees::Raw),
    ]);
    let departure = leave(onward(enter(&chain)), RESULT);
    assert_eq!(seen.all(), ["raw \"hi\"", "final \"hia\""]);
    let order: Vec<_> = departure
        .trail
        .entries
        .iter()
        .map(|entry| &*entry.interceptor)
        .collect();
    assert_eq!(order, ["raw", "a", "final"]);
}

#[test]
fn rule_2_a_raw_refusal_comes_before_any_mutator() {
    let refusing = reply_validator("raw", |_| PostDecision::Refuse(refusal("leak")));
    let never = reply_mutator("never", |_| panic!("asked after a refusal"));
    let chain = chain([never, refusing.place(|place| place.sees = Sees::Raw)]);
    assert_eq!(leave(onward(enter(&chain)), RESULT).trail.entries.len(), 1);
}

#[test]
fn rule_2_raw_is_of_replies_and_a_raw_validator_still_judges_calls() {
    let both = native("both")
        .pre(Role::Validation, |_| {
            HookResult::decided(PreDecision::Refuse(refusal("no")))
        })
        .post(Role::Validation, |_| {
            HookResult::decided(PostDecision::Proceed)
        })
        .place(|place| place.sees = Sees::Raw);
    assert_eq!(refused(enter(&chain([both]))).trail.entries.len(), 1);
}

#[test]
fn rule_3_mutators_run_in_the_reverse_of_the_files_order() {
    let departure = leave(
        onward(enter(&chain([
            appending("a"),
            appending("b"),
            appending("c"),
        ]))),
        RESULT,
    );
    assert_eq!(
        text(&departure.message.unwrap()),
        RESULT.replace("hi", "hicba")
    );
}

#[test]
fn rule_4_validators_judge_what_the_asker_gets() {
    let guard = reply_validator("guard", |run| {
        match run.document.as_str().contains("secret") {
            true => PostDecision::Refuse(refusal("leak")),
            false => PostDecision::Proceed,
        }
    });
    let leaking = reply_mutator("leaking", |_| {
        PostDecision::Edit(set("/content/0/text", "\"secret\""))
    });
    let departure = leave(onward(enter(&chain([guard, leaking]))), RESULT);
    assert_eq!(
        departure.trail.stopped_by().unwrap().code.as_deref(),
        Some("leak")
    );
    assert!(!text(&departure.message.unwrap()).contains("secret"));
}

#[test]
fn rule_5_a_withheld_reply_says_that_the_tool_ran_and_not_to_retry() {
    let refusing: [fn() -> Native; 2] = [
        || reply_validator("v", |_| PostDecision::Refuse(refusal("leak"))),
        || reply_mutator("m", |_| PostDecision::Refuse(refusal("leak"))),
    ];
    for native in refusing {
        for reply in [RESULT, ERROR] {
            let message = leave(onward(enter(&chain([native()]))), reply)
                .message
                .unwrap();
            let reply = read(&message);
            assert_eq!(
                reply["result"]["_meta"]["sandgate/refusal"]["reached"],
                "executed"
            );
            assert_eq!(reply["id"], "a/1");
            let words = reply["result"]["content"][0]["text"].as_str().unwrap();
            assert!(
                words.contains("ran")
                    && words.contains("withheld")
                    && words.contains("Do not retry"),
                "{words}"
            );
        }
    }
}

#[test]
fn rule_5_a_fault_under_fail_closed_withholds_the_reply() {
    let failing = native("v").post(Role::Validation, |_| {
        HookResult::failed(Failure::Own {
            kind: "Error".into(),
            frames: Vec::new(),
            detail: "hi".into(),
        })
    });
    let departure = leave(onward(enter(&chain([failing]))), RESULT);
    let reply = read(&departure.message.unwrap());
    assert_eq!(reply["error"]["code"], -32603);
    assert_eq!(reply["error"]["data"]["reached"], "executed");
    assert!(
        reply["error"]["message"]
            .as_str()
            .unwrap()
            .contains("Do not retry")
    );
    assert_eq!(departure.trail.entries[0].failure, Some("own-error"));
}

#[test]
fn rule_6_an_answer_leaves_through_every_post_call() {
    let answering = mutator("answering", |_| {
        PreDecision::Answer(json(r#"{"content":[{"type":"text","text":"hi"}]}"#))
    });
    let passage = onward(enter(&chain([appending("a"), answering, appending("b")])));
    let answer = text(&passage.answer().unwrap());
    let departure = leave(passage, &answer);
    assert_eq!(
        text(&departure.message.unwrap()),
        answer.replace("hi", "hiba")
    );
}

#[test]
fn rule_6_a_refused_answer_is_reported_as_never_sent() {
    let answering = mutator("answering", |_| PreDecision::Answer(json("{}")));
    let refusing = reply_validator("v", |_| PostDecision::Refuse(refusal("leak")));
    let passage = onward(enter(&chain([answering, refusing])));
    let answer = text(&passage.answer().unwrap());
    let reply = read(&leave(passage, &answer).message.unwrap());
    assert_eq!(
        reply["result"]["_meta"]["sandgate/refusal"]["reached"],
        "not-sent"
    );
    assert!(
        !reply["result"]["content"][0]["text"]
            .as_str()
            .unwrap()
            .contains("ran")
    );
}

#[test]
fn rule_7_a_run_is_shown_the_params_as_sent_the_failure_and_its_own_note() {
    for (reply, failed) in [(RESULT, false), (ERROR, true)] {
        let seen = Seen::default();
        let looking = |name: &'static str| {
            let seen = seen.clone();
            native(name)
                .pre(Role::Mutation, move |_| {
                    let mut outcome =
                        HookResult::decided(PreDecision::Edit(set("/arguments/n", "2")));
                    outcome.carry = Some(name.as_bytes().into());
                    outcome
                })
                .post(Role::Mutation, move |run| {
                    assert_eq!(run.failed, failed);
                    assert_eq!(
                        run.sent
                            .as_ref()
                            .unwrap()
                            .at("/arguments/n")
                            .unwrap()
                            .as_str(),
                        "2"
                    );
                    seen.note(String::from_utf8(run.carried.as_ref().unwrap().to_vec()).unwrap());
                    HookResult::decided(PostDecision::Proceed)
                })
        };
        leave(
            onward(enter(&chain([
                looking("a"),
                looking("b").audit(),
                looking("c"),
            ]))),
            reply,
        );
        let mut notes = seen.all();
        notes.sort();
        assert_eq!(notes, ["a", "b", "c"]);
    }
}

#[test]
fn rule_8_an_error_stays_an_error() {
    let editing = reply_mutator("m", |_| PostDecision::Edit(set("/message", "\"hidden\"")));
    let departure = leave(onward(enter(&chain([editing]))), ERROR);
    assert_eq!(
        text(&departure.message.unwrap()),
        ERROR.replace("\"no\"", "\"hidden\"")
    );
    let breaking = reply_mutator("m", |_| PostDecision::Replace(json(r#"{"content":[]}"#)));
    let departure = leave(onward(enter(&chain([breaking]))), ERROR);
    assert_eq!(departure.trail.entries[0].failure, Some("malformed"));
}

#[test]
fn rule_8_a_validator_of_replies_that_changes_one_is_at_fault() {
    let editing = || reply_validator("v", |_| PostDecision::Edit(set("/content/0/text", "\"\"")));
    let closed = leave(onward(enter(&chain([editing()]))), RESULT);
    assert_eq!(
        closed.trail.stopped_by().unwrap().failure,
        Some("malformed")
    );
    let open = leave(onward(enter(&chain([editing().fail_open()]))), RESULT);
    assert_eq!(text(&open.message.unwrap()), RESULT);
    assert_eq!(
        (
            open.trail.entries[0].decision,
            open.trail.entries[0].applied
        ),
        (Decision::Fault, false)
    );
}

#[test]
fn rule_8_of_several_refused_replies_the_first_in_the_file_answers() {
    let refusing =
        |code: &'static str| reply_validator(code, move |_| PostDecision::Refuse(refusal(code)));
    let departure = leave(
        onward(enter(&chain([refusing("one"), refusing("two")]))),
        RESULT,
    );
    assert_eq!(
        departure.trail.stopped_by().unwrap().code.as_deref(),
        Some("one")
    );
    assert_eq!(departure.trail.entries.len(), 2);
}

#[test]
fn a_reply_nobody_looks_at_is_the_very_reply() {
    let elsewhere =
        appending("a").place(|place| place.scope.targets = Globs::new(["delete"]).unwrap());
    let departure = leave(onward(enter(&chain([elsewhere]))), RESULT);
    assert_eq!(text(&departure.message.unwrap()), RESULT);
    assert_eq!(departure.trail.entries, []);
}

#[test]
fn a_notification_ends_with_its_trail() {
    let chain = chain([validator("v", |_| PreDecision::Proceed)]);
    let note = message(r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{}}"#);
    let passage = onward(chain.enter(Arc::new(call()), note).now_or_never().unwrap());
    assert!(passage.answer().is_none());
    assert_eq!(passage.end().entries.len(), 1);
}

#[tokio::test]
async fn a_dropped_leave_harms_no_other_call() {
    let waiting = native("waiting").post_later(Role::Validation, |run| {
        Box::pin(async move {
            if run.failed {
                std::future::pending::<()>().await;
            }
            HookResult::decided(PostDecision::Proceed)
        })
    });
    let chain = chain([waiting]);
    let leaving = onward(enter(&chain)).leave(message(ERROR));
    assert!(
        tokio::time::timeout(Duration::from_millis(20), leaving)
            .await
            .is_err()
    );
    let departure = onward(enter(&chain)).leave(message(RESULT)).await;
    assert_eq!(text(&departure.message.unwrap()), RESULT);
}

#[derive(Clone, Copy, Debug)]
enum Whim {
    Proceed,
    Edit,
    EditNowhere,
    Replace,
    Refuse,
    Answer,
    Fail,
}

fn whimsical(index: usize, role: Role, pre: Whim, post: Whim, fail_open: bool) -> Native {
    let name = format!("audit-{index}");
    native(&name)
        .pre(role, move |_| {
            let mut outcome = match pre {
                Whim::Proceed => HookResult::decided(PreDecision::Proceed),
                Whim::Edit => HookResult::decided(PreDecision::Edit(set("/name", "\"other\""))),
                Whim::EditNowhere => HookResult::decided(PreDecision::Edit(set("/no/where", "1"))),
                Whim::Replace => HookResult::decided(PreDecision::Replace(json("{}"))),
                Whim::Refuse => HookResult::decided(PreDecision::Refuse(refusal("no"))),
                Whim::Answer => HookResult::decided(PreDecision::Answer(json("{}"))),
                Whim::Fail => HookResult::failed(failure()),
            };
            outcome.carry = Some(Arc::new([7]));
            outcome
        })
        .post(role, move |_| match post {
            Whim::Proceed | Whim::Answer => HookResult::decided(PostDecision::Proceed),
            Whim::Edit => HookResult::decided(PostDecision::Edit(set("/x", "1"))),
            Whim::EditNowhere => HookResult::decided(PostDecision::Edit(set("/no/where", "1"))),
            Whim::Replace => HookResult::decided(PostDecision::Replace(json("{}"))),
            Whim::Refuse => HookResult::decided(PostDecision::Refuse(refusal("no"))),
            Whim::Fail => HookResult::failed(failure()),
        })
        .place(|place| place.fail_open = fail_open)
        .audit()
}

proptest! {
    #[test]
    fn chains_in_audit_leave_the_bytes_of_an_empty_chain(
        audits in prop::collection::vec(
            (prop::bool::ANY, prop::bool::ANY, whim(), whim()), 0..6),
        failed in prop::bool::ANY,
    ) {
        let reply = if failed { ERROR } else { RESULT };
        let natives = audits.iter().enumerate().map(|(index, &(validates, fail_open, pre, post))| {
            let role = if validates { Role::Validation } else { Role::Mutation };
            whimsical(index, role, pre, post, fail_open)
        });
        let chain = chain(natives);
        let empty = Chain::new(7, Vec::new(), None, Limits::default());
        let (passage, plain) = (onward(enter(&chain)), onward(enter(&empty)));
        prop_assert_eq!(passage.message().bytes(), plain.message().bytes());
        prop_assert!(passage.answer().is_none());
        let (departure, plain) = (leave(passage, reply), leave(plain, reply));
        prop_assert_eq!(departure.message.unwrap().bytes(), plain.message.unwrap().bytes());
        prop_assert_eq!(departure.trail.entries.len(), 2 * audits.len());
        prop_assert!(departure.trail.entries.iter().all(|entry| !entry.applied));
    }
}

fn whim() -> impl Strategy<Value = Whim> {
    prop::sample::select(vec![
        Whim::Proceed,
        Whim::Edit,
        Whim::EditNowhere,
        Whim::Replace,
        Whim::Refuse,
        Whim::Answer,
        Whim::Fail,
    ])
}

#[test]
fn rule_8_what_no_interceptor_sees_does_not_pass_an_active_one() {
    let strange = RESULT.replacen('{', r#"{"aside":"psst","#, 1);
    let judges = || reply_validator("judges", |_| PostDecision::Proceed);
    let left = |step: Native| {
        let departure = leave(onward(enter(&chain([step]))), &strange);
        text(&departure.message.unwrap())
    };
    let judged = left(judges());
    assert!(!judged.contains("psst"), "{judged}");
    assert_eq!(
        left(judges().place(|place| place.mode = crate::Mode::Audit)),
        strange
    );
}

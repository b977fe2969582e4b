//! A test for each numbered rule of the way in.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use sandgate_message::{
    Direction, Failure, Hook, Limits, Outcome, PostDecision, PreDecision, Role,
};
use tokio::sync::Barrier;

use crate::testing::*;
use crate::{Chain, Decision, Entry, Globs, Mode, Trail};

fn words(trail: &Trail) -> Vec<(&str, Decision, bool)> {
    trail
        .entries
        .iter()
        .map(|entry| (&*entry.interceptor, entry.decision, entry.applied))
        .collect()
}

#[test]
fn rule_1_a_chain_in_which_none_looks_leaves_the_very_message() {
    let elsewhere = mutator("elsewhere", |_| PreDecision::Edit(set("/x", "1")));
    let chain =
        chain([elsewhere.place(|place| place.scope.servers = Globs::new(["other"]).unwrap())]);
    let passage = onward(enter(&chain));
    assert_eq!(text(passage.message()), REQUEST);
    assert_eq!(passage.trail().entries, []);
    assert_eq!(passage.trail().version, 7);
}

#[test]
fn rule_1_every_part_of_a_scope_must_agree() {
    let matching = |narrow: fn(&mut crate::Scope)| {
        let seen = Seen::default();
        let noting = seen.clone();
        let looks = validator("looks", move |_| {
            noting.note("looked");
            PreDecision::Proceed
        });
        let chain = chain([looks.place(|place| narrow(&mut place.scope))]);
        let mut call = call();
        call.principal = Some("ada".into());
        call.groups = Arc::new(["support".into(), "night".into()]);
        chain
            .enter(Arc::new(call), message(REQUEST))
            .now_or_never()
            .unwrap();
        !seen.all().is_empty()
    };
    assert!(matching(|_| ()));
    assert!(matching(
        |scope| scope.events = Globs::new(["tools/*"]).unwrap()
    ));
    assert!(!matching(
        |scope| scope.events = Globs::new(["tools/list"]).unwrap()
    ));
    assert!(matching(
        |scope| scope.directions = vec![Direction::ClientToServer]
    ));
    assert!(!matching(
        |scope| scope.directions = vec![Direction::ServerToClient]
    ));
    assert!(matching(
        |scope| scope.targets = Globs::new(["delete", "look*"]).unwrap()
    ));
    assert!(!matching(
        |scope| scope.targets = Globs::new(["delete"]).unwrap()
    ));
    assert!(matching(
        |scope| scope.principals = Globs::new(["a?a"]).unwrap()
    ));
    assert!(!matching(
        |scope| scope.principals = Globs::new(["bob"]).unwrap()
    ));
    assert!(matching(
        |scope| scope.groups = Globs::new(["night"]).unwrap()
    ));
    assert!(!matching(
        |scope| scope.groups = Globs::new(["day"]).unwrap()
    ));
    assert!(!matching(|scope| {
        scope.targets = Globs::new(["lookup"]).unwrap();
        scope.groups = Globs::new(["day"]).unwrap();
    }));
}

#[test]
fn rule_1_the_operators_events_never_widen_the_plugins() {
    let lists = mutator("lists", |_| PreDecision::Edit(set("/x", "1"))).asks_for(&["tools/list"]);
    let chain = chain([lists.place(|place| place.scope.events = Globs::new(["tools/*"]).unwrap())]);
    assert_eq!(text(onward(enter(&chain)).message()), REQUEST);
    assert!(chain.concerns(
        Hook::PreCall,
        "tools/list",
        Direction::ClientToServer,
        "crm"
    ));
    assert!(!chain.concerns(
        Hook::PreCall,
        "tools/call",
        Direction::ClientToServer,
        "crm"
    ));
}

#[test]
fn rule_2_mutators_run_in_the_files_order_each_on_what_the_one_before_left() {
    let appending = |letter: &'static str| {
        mutator(letter, move |run| {
            let before = run
                .document
                .at("/arguments/n")
                .unwrap()
                .as_str()
                .trim_matches('"')
                .to_owned();
            PreDecision::Edit(set("/arguments/n", &format!("\"{before}{letter}\"")))
        })
    };
    let passage = onward(enter(&chain([
        appending("a"),
        appending("b"),
        appending("c"),
    ])));
    assert_eq!(
        text(passage.message()),
        REQUEST.replace("1.0", "\"1.0abc\"")
    );
    assert_eq!(
        words(passage.trail()),
        [
            ("a", Decision::Edit, true),
            ("b", Decision::Edit, true),
            ("c", Decision::Edit, true)
        ]
    );
}

#[test]
fn rule_3_validators_judge_the_final_params_wherever_they_stand() {
    let seen = Seen::default();
    let noting = seen.clone();
    let first = validator("first", move |run| {
        noting.note(run.document.at("/arguments/n").unwrap().as_str());
        PreDecision::Proceed
    });
    let last = mutator("last", |_| {
        PreDecision::Replace(json(r#"{"name":"lookup","arguments":{"n":2}}"#))
    });
    let passage = onward(enter(&chain([first, last])));
    assert_eq!(seen.all(), ["2"]);
    assert_eq!(
        words(passage.trail()),
        [
            ("last", Decision::Replace, true),
            ("first", Decision::Proceed, true)
        ]
    );
}

#[tokio::test]
async fn rule_3_validators_run_in_parallel() {
    let barrier = Arc::new(Barrier::new(3));
    let meeting = |name: &str| {
        let barrier = barrier.clone();
        native(name).pre_later(Role::Validation, move |_| {
            let barrier = barrier.clone();
            Box::pin(async move {
                barrier.wait().await;
                Outcome::decided(PreDecision::Proceed)
            })
        })
    };
    let chain = chain([meeting("a"), meeting("b"), meeting("c")]);
    let entering = chain.enter(Arc::new(call()), message(REQUEST));
    let entry = tokio::time::timeout(Duration::from_secs(10), entering)
        .await
        .expect("they wait for one another");
    assert_eq!(onward(entry).trail().entries.len(), 3);
}

#[test]
fn rule_4_findings_and_notes_block_nothing() {
    let noticing = native("noticing").pre(Role::Validation, |_| {
        let mut outcome = Outcome::decided(PreDecision::Proceed);
        outcome.findings.push(finding());
        outcome.took = Duration::from_micros(42);
        outcome
    });
    let passage = onward(enter(&chain([noticing])));
    assert_eq!(passage.trail().entries[0].findings, [finding()]);
    assert_eq!(passage.trail().entries[0].us, 42);
}

#[test]
fn rule_4_a_refusing_mutator_ends_the_way_in_at_once() {
    let refusing = mutator("refusing", |_| PreDecision::Refuse(refusal("no.way")));
    let never = |name| mutator(name, |_| panic!("asked after a refusal"));
    let chain = chain([
        validator("judge", |_| panic!("asked after a refusal")),
        refusing,
        never("later"),
    ]);
    let departure = refused(enter(&chain));
    assert_eq!(
        words(&departure.trail),
        [("refusing", Decision::Refuse, true)]
    );
    assert_eq!(
        departure.trail.stopped_by().unwrap().code.as_deref(),
        Some("no.way")
    );
}

#[test]
fn rule_5_of_several_refusals_the_first_in_the_file_answers() {
    let refusing =
        |code: &'static str| validator(code, move |_| PreDecision::Refuse(refusal(code)));
    let departure = refused(enter(&chain([
        validator("fine", |_| PreDecision::Proceed),
        refusing("one"),
        refusing("two"),
    ])));
    assert_eq!(
        read(&departure.message.unwrap())["result"]["_meta"]["sandgate/refusal"]["code"],
        "one"
    );
    assert_eq!(
        words(&departure.trail),
        [
            ("fine", Decision::Proceed, true),
            ("one", Decision::Refuse, true),
            ("two", Decision::Refuse, false)
        ]
    );
}

#[tokio::test]
async fn rule_5_the_file_decides_also_where_the_later_one_is_faster() {
    let slow = native("slow").pre_later(Role::Validation, |_| {
        Box::pin(async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            Outcome::decided(PreDecision::Refuse(refusal("slow")))
        })
    });
    let fast = validator("fast", |_| PreDecision::Refuse(refusal("fast")));
    let chain = chain([slow, fast]);
    let departure = refused(chain.enter(Arc::new(call()), message(REQUEST)).await);
    assert_eq!(
        departure.trail.stopped_by().unwrap().code.as_deref(),
        Some("slow")
    );
    assert_eq!(
        words(&departure.trail),
        [
            ("slow", Decision::Refuse, true),
            ("fast", Decision::Refuse, false)
        ]
    );
}

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

#[test]
fn rule_10_a_fault_under_fail_open_counts_as_proceed() {
    let failing = native("m")
        .pre(Role::Mutation, |_| Outcome::failed(failure()))
        .fail_open();
    let judging = native("v")
        .pre(Role::Validation, |_| Outcome::failed(failure()))
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
            (Failure::Deadline(Duration::from_millis(50)), -32000),
        ] {
            let failing = native("m").pre(role, move |_| Outcome::failed(failure.clone()));
            let departure = refused(enter(&chain([failing])));
            assert_eq!(read(&departure.message.unwrap())["error"]["code"], code);
            assert_eq!(words(&departure.trail), [("m", Decision::Fault, true)]);
        }
    }
}

#[test]
fn rule_10_a_note_left_before_a_fault_is_lost() {
    let seen = Seen::default();
    let noting = seen.clone();
    let native = native("m")
        .pre(Role::Mutation, |_| Outcome {
            carry: Some(Arc::new([1])),
            ..Outcome::failed(failure())
        })
        .post(Role::Mutation, move |run| {
            noting.note(format!("{:?}", run.carried));
            Outcome::decided(PostDecision::Proceed)
        });
    leave(onward(enter(&chain([native.fail_open()]))), RESULT);
    assert_eq!(seen.all(), ["None"]);
}

#[test]
fn rule_11_audit_neither_blocks_nor_changes() {
    let harmless: [fn() -> PreDecision; 4] = [
        || PreDecision::Edit(set("/arguments/n", "2")),
        || PreDecision::Replace(json("{}")),
        || PreDecision::Answer(json("{}")),
        || PreDecision::Refuse(refusal("no")),
    ];
    for decide in harmless {
        let native = mutator("m", move |run| {
            assert!(run.shadow);
            decide()
        });
        let passage = onward(enter(&chain([native.audit()])));
        assert_eq!(
            (text(passage.message()), passage.answer().is_none()),
            (REQUEST.into(), true)
        );
        let entry = &passage.trail().entries[0];
        assert_eq!((entry.mode, entry.applied), (Mode::Audit, false));
        assert_ne!(entry.decision, Decision::Fault);
    }
    let failing = native("v")
        .pre(Role::Validation, |_| Outcome::failed(failure()))
        .audit();
    assert_eq!(
        onward(enter(&chain([failing]))).trail().entries[0].failure,
        Some("trap")
    );
}

#[test]
fn rule_11_a_change_in_audit_is_tried_on_a_copy() {
    let passage = onward(enter(&chain([mutator("m", |_| {
        PreDecision::Edit(set("/no/parent", "1"))
    })
    .audit()])));
    assert_eq!(passage.trail().entries[0].failure, Some("malformed"));
    assert_eq!(text(passage.message()), REQUEST);
}

#[test]
fn rule_11_audit_sees_what_the_active_ones_left_at_its_place() {
    let seen = Seen::default();
    let setting =
        |name, value| mutator(name, move |_| PreDecision::Edit(set("/arguments/n", value)));
    let noting = seen.clone();
    let looking = mutator("looking", move |run| {
        noting.note(run.document.at("/arguments/n").unwrap().as_str());
        PreDecision::Proceed
    });
    let shadow = setting("shadow", "9").audit();
    let passage = onward(enter(&chain([
        setting("a", "2"),
        shadow,
        looking.audit(),
        setting("b", "3"),
    ])));
    assert_eq!(seen.all(), ["2"]);
    assert_eq!(text(passage.message()), REQUEST.replace("1.0", "3"));
    let order: Vec<_> = passage
        .trail()
        .entries
        .iter()
        .map(|entry| &*entry.interceptor)
        .collect();
    assert_eq!(order, ["a", "shadow", "looking", "b"]);
}

#[tokio::test]
async fn rule_11_audit_runs_beside_the_active_ones_and_is_in_the_trail_of_a_refusal() {
    let slow = native("slow").pre_later(Role::Mutation, |_| {
        Box::pin(async {
            tokio::time::sleep(Duration::from_millis(60)).await;
            Outcome::decided(PreDecision::Edit(set("/x", "1")))
        })
    });
    let also_slow = native("also").pre_later(Role::Mutation, |_| {
        Box::pin(async {
            tokio::time::sleep(Duration::from_millis(60)).await;
            Outcome::decided(PreDecision::Refuse(refusal("no")))
        })
    });
    let chain = chain([slow.audit(), also_slow]);
    let began = Instant::now();
    let departure = refused(chain.enter(Arc::new(call()), message(REQUEST)).await);
    assert!(
        began.elapsed() < Duration::from_millis(115),
        "one after the other: {:?}",
        began.elapsed()
    );
    assert_eq!(
        words(&departure.trail),
        [
            ("slow", Decision::Edit, false),
            ("also", Decision::Refuse, true)
        ]
    );
}

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
    // Prefixed on the wire of a merged endpoint: the gateway's own word for the target is kept.
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
            Outcome::decided(PreDecision::Refuse(refusal("no")))
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

#[test]
fn what_may_look_and_what_may_change_are_told_apart() {
    let chain = chain([
        validator("v", |_| PreDecision::Proceed).asks_for(&["tools/*"]),
        mutator("m", |_| PreDecision::Proceed).asks_for(&["resources/read"]),
        reply_mutator("r", |_| PostDecision::Proceed)
            .asks_for(&["prompts/get"])
            .audit(),
    ]);
    let ask = |hook, method| {
        let way = Direction::ClientToServer;
        (
            chain.concerns(hook, method, way, "crm"),
            chain.may_change(hook, method, way, "crm"),
        )
    };
    assert_eq!(ask(Hook::PreCall, "tools/call"), (true, false));
    assert_eq!(ask(Hook::PreCall, "resources/read"), (true, true));
    assert_eq!(ask(Hook::PreCall, "prompts/get"), (false, false));
    assert_eq!(ask(Hook::PostCall, "prompts/get"), (true, false));
    assert_eq!(ask(Hook::PostCall, "tools/call"), (false, false));
}

#[tokio::test]
async fn a_dropped_entry_abandons_its_runs_and_the_next_call_is_served() {
    let dropped = Arc::new(tokio::sync::Semaphore::new(0));
    let gate = Arc::new(tokio::sync::Semaphore::new(0));
    let (counting, opening) = (dropped.clone(), gate.clone());
    let waiting = native("waiting").pre_later(Role::Mutation, move |_| {
        struct Abandoned(Arc<tokio::sync::Semaphore>);
        impl Drop for Abandoned {
            fn drop(&mut self) {
                self.0.add_permits(1);
            }
        }
        let (abandoned, gate) = (Abandoned(counting.clone()), opening.clone());
        Box::pin(async move {
            let _abandoned = abandoned;
            let _open = gate.acquire().await;
            Outcome::decided(PreDecision::Proceed)
        })
    });
    let chain = chain([waiting]);
    {
        let entering = chain.enter(Arc::new(call()), message(REQUEST));
        assert!(
            tokio::time::timeout(Duration::from_millis(20), entering)
                .await
                .is_err()
        );
    }
    assert_eq!(dropped.available_permits(), 1);
    gate.add_permits(1);
    assert!(matches!(
        chain.enter(Arc::new(call()), message(REQUEST)).await,
        Entry::Onward(_)
    ));
}

#[test]
fn the_deadline_is_the_timeout_from_when_a_run_begins() {
    let native = validator("v", |run| {
        let left = run.deadline - Instant::now();
        assert!(left <= run.timeout && left > run.timeout - Duration::from_secs(1));
        assert_eq!(run.timeout, Duration::from_secs(9));
        PreDecision::Proceed
    });
    onward(enter(&chain([
        native.place(|place| place.timeout = Duration::from_secs(9))
    ])));
}

fn finding() -> sandgate_message::Finding {
    sandgate_message::Finding {
        rule: "pii.email".into(),
        severity: sandgate_message::Severity::Warn,
        part: sandgate_message::Part::Params,
        pointer: Some("/arguments/n".into()),
        message: "an address".into(),
        details: None,
    }
}

#[test]
fn rule_14_what_no_interceptor_sees_does_not_pass_an_active_one() {
    let strange = REQUEST.replacen('{', r#"{"aside":"psst","#, 1);
    let sent = |step: Native| {
        let chain = chain([step]);
        let entry = chain.enter(Arc::new(call()), message(&strange));
        text(onward(entry.now_or_never().unwrap()).message())
    };
    let judges = || validator("judges", |_| PreDecision::Proceed);
    let judged = sent(judges());
    assert!(!judged.contains("psst"), "{judged}");
    let (judged, plain): (serde_json::Value, serde_json::Value) = (
        serde_json::from_str(&judged).unwrap(),
        serde_json::from_str(REQUEST).unwrap(),
    );
    assert_eq!(judged, plain);
    assert_eq!(
        sent(judges().place(|place| place.mode = Mode::Audit)),
        strange
    );
    let elsewhere = |place: &mut crate::Place| {
        place.scope.servers = Globs::new(["other"]).unwrap();
    };
    assert_eq!(sent(judges().place(elsewhere)), strange);
}

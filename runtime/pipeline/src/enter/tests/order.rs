//! The order of the interceptors, and which refusal answers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sandgate_message::{HookResult, PreDecision, Role};
use tokio::sync::Barrier;

use super::finding;
use super::words;
use crate::testing::*;
use crate::{Admission, Decision};

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
                HookResult::decided(PreDecision::Proceed)
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
        let mut outcome = HookResult::decided(PreDecision::Proceed);
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
            HookResult::decided(PreDecision::Refuse(refusal("slow")))
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
            HookResult::decided(PreDecision::Proceed)
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
        Admission::Continue(_)
    ));
}

#[test]
fn the_deadline_is_ten_times_the_timeout_from_when_a_run_begins() {
    let native = validator("v", |run| {
        let left = run.deadline - Instant::now();
        assert!(left <= 10 * run.timeout && left > 9 * run.timeout);
        assert_eq!(run.timeout, Duration::from_secs(9));
        PreDecision::Proceed
    });
    onward(enter(&chain([
        native.place(|place| place.timeout = Duration::from_secs(9))
    ])));
}

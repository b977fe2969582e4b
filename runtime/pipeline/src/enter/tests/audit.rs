//! Interceptors in audit.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sandgate_message::{HookResult, PreDecision, Role};

use super::words;
use crate::testing::*;
use crate::{Decision, Mode};

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
        .pre(Role::Validation, |_| HookResult::failed(failure()))
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
            HookResult::decided(PreDecision::Edit(set("/x", "1")))
        })
    });
    let also_slow = native("also").pre_later(Role::Mutation, |_| {
        Box::pin(async {
            tokio::time::sleep(Duration::from_millis(60)).await;
            HookResult::decided(PreDecision::Refuse(refusal("no")))
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

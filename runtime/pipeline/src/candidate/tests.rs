#![allow(clippy::unwrap_used)]
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use sandgate_message::{
    Finding, HookResult, Limits, Part, PostDecision, PreDecision, Role, Severity,
};

use super::*;
use crate::testing::*;
use crate::trial::Aspect;
use crate::{Admission, Admitted, Chain, Counts, Decision, StepError};

/// A chain of the live interceptor with a candidate beside it, and the candidate.
fn tried_with(
    live: Native,
    tried: Native,
    share: f64,
    queue: usize,
) -> (Arc<Chain>, Arc<Candidate>) {
    let candidate = Candidate::new(tried.try_step().unwrap(), share, queue);
    let step = live.try_step().unwrap().beside(candidate.clone()).unwrap();
    let chain = Chain::new(7, vec![step], None, Limits::default());
    (chain, candidate)
}

fn tried(live: Native, tried: Native) -> (Arc<Chain>, Arc<Candidate>) {
    tried_with(live, tried, 1.0, 64)
}

fn drain(candidate: &Candidate) {
    candidate
        .drain()
        .now_or_never()
        .expect("nothing here waits");
}

/// The counts at the pre-call.
fn counts(candidate: &Candidate) -> Counts {
    candidate.results().hooks[0]
}

/// The only difference so far, as the live decision, the candidate's decision and the aspect.
fn difference(candidate: &Candidate) -> (Decision, Decision, Aspect) {
    let differences = candidate.results().differences;
    assert_eq!(differences.len(), 1, "{differences:?}");
    let (pair, _) = differences.into_iter().next().unwrap();
    (pair.live, pair.candidate, pair.in_what)
}

fn proceeds(name: &str) -> Native {
    mutator(name, |_| PreDecision::Proceed)
}

fn edits(name: &str, value: &'static str) -> Native {
    mutator(name, move |_| PreDecision::Edit(set("/arguments/n", value)))
}

fn refuses(name: &str, code: &'static str) -> Native {
    mutator(name, move |_| PreDecision::Refuse(refusal(code)))
}

fn notices(name: &str, rules: &'static [&'static str]) -> Native {
    native(name).pre(Role::Mutation, move |_| HookResult {
        findings: rules
            .iter()
            .map(|rule| Finding {
                rule: (*rule).into(),
                severity: Severity::Warn,
                part: Part::Params,
                pointer: Some("/name".into()),
                message: "noticed".into(),
                details: None,
            })
            .collect(),
        ..HookResult::decided(PreDecision::Proceed)
    })
}

fn sent(entry: Admission) -> String {
    text(onward(entry).message())
}

#[test]
fn whatever_a_candidate_decides_the_call_goes_its_way() {
    let alone = sent(enter(&chain([edits("live", "2")])));
    for candidate in [
        edits("new", "3"),
        refuses("new", "no"),
        mutator("new", |_| PreDecision::Answer(json("{}"))),
        mutator("new", |_| PreDecision::Replace(json("[]"))),
        mutator("new", |_| panic!("down")),
        native("new").pre(Role::Mutation, |_| HookResult::failed(failure())),
    ] {
        let (chain, candidate) = tried(edits("live", "2"), candidate);
        let entry = enter(&chain);
        drain(&candidate);
        let passage = onward(entry);
        assert_eq!(text(passage.message()), alone);
        assert!(passage.answer().is_none());
        assert_eq!(passage.trail().entries.len(), 1, "it is in no trail");
        assert_eq!(counts(&candidate).same, 0);
    }
}

#[test]
fn a_candidate_is_shown_what_the_live_one_was_shown() {
    let seen = Seen::default();
    let (live, new) = (seen.clone(), seen.clone());
    let look = |seen: Seen| {
        move |run: &sandgate_message::HookRequest| {
            seen.note(format!("{} {}", run.call.id, run.document.as_str()));
            PreDecision::Edit(set("/arguments/n", "5"))
        }
    };
    let (_, candidate) = tried(proceeds("live"), mutator("new", look(new)));
    let live = mutator("live", look(live)).try_step().unwrap();
    let steps = vec![
        edits("before", "4").try_step().unwrap(),
        live.beside(candidate.clone()).unwrap(),
        edits("after", "6").try_step().unwrap(),
    ];
    enter(&Chain::new(7, steps, None, Limits::default()));
    drain(&candidate);
    let seen = seen.all();
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[0], seen[1]);
    assert!(seen[0].contains(r#""n":4"#), "{seen:?}");
    assert_eq!(counts(&candidate).same, 1);
}

#[test]
fn a_candidate_runs_in_shadow() {
    let seen = Seen::default();
    let noted = seen.clone();
    let new = mutator("new", move |run| {
        noted.note(run.shadow.to_string());
        PreDecision::Proceed
    });
    let (chain, candidate) = tried(proceeds("live"), new);
    enter(&chain);
    drain(&candidate);
    assert_eq!(seen.all(), ["true"]);
}

#[test]
fn two_ways_to_the_same_are_the_same() {
    let whole = r#"{"name":"lookup","arguments":{"n":2} }"#;
    for (live, new) in [
        (proceeds("live"), proceeds("new")),
        (edits("live", "2"), edits("new", "2")),
        (
            edits("live", "2"),
            mutator("new", move |_| PreDecision::Replace(json(whole))),
        ),
        (
            refuses("live", "a"),
            mutator("new", |_| {
                let mut other = refusal("a");
                other.message = "in other words".into();
                PreDecision::Refuse(other)
            }),
        ),
        (notices("live", &["a", "b"]), notices("new", &["b", "a"])),
    ] {
        let (chain, candidate) = tried(live, new);
        enter(&chain);
        drain(&candidate);
        let results = candidate.results();
        assert_eq!(results.hooks[0].same, 1, "{:?}", results.differences);
        assert!(results.recent.is_empty());
    }
}

#[test]
fn what_would_come_out_otherwise_differs() {
    use Aspect::{Code, Decision as What, Document, Findings};
    use Decision::{Answer, Edit, Fault, Proceed, Refuse};
    for (live, new, expected) in [
        (proceeds("l"), refuses("n", "a"), (Proceed, Refuse, What)),
        (edits("l", "2"), proceeds("n"), (Edit, Proceed, What)),
        (edits("l", "2"), edits("n", "3"), (Edit, Edit, Document)),
        (refuses("l", "a"), refuses("n", "b"), (Refuse, Refuse, Code)),
        (
            proceeds("l"),
            mutator("n", |_| PreDecision::Answer(json("{}"))),
            (Proceed, Answer, What),
        ),
        (
            notices("l", &["a"]),
            notices("n", &["a", "a"]),
            (Proceed, Proceed, Findings),
        ),
        (
            native("l").pre(Role::Mutation, |_| HookResult::failed(failure())),
            proceeds("n"),
            (Fault, Proceed, What),
        ),
    ] {
        let (chain, candidate) = tried(live, new);
        let _ = enter(&chain);
        drain(&candidate);
        assert_eq!(difference(&candidate), expected);
        let recent = candidate.results().recent;
        assert_eq!(&*recent[0].call.0, "call-1");
        assert_eq!(recent[0].in_what, Some(expected.2));
    }
}

#[test]
fn a_candidate_that_fails_is_counted_by_kind() {
    let (chain, candidate) = tried(
        proceeds("live"),
        native("new").pre(Role::Mutation, |_| HookResult::failed(failure())),
    );
    enter(&chain);
    drain(&candidate);
    let results = candidate.results();
    assert_eq!((results.hooks[0].failed, results.hooks[0].differs), (1, 0));
    assert_eq!(
        results.failures.into_iter().collect::<Vec<_>>(),
        [("trap", 1)]
    );
    assert_eq!(results.recent[0].failure, Some("trap"));
}

#[test]
fn a_candidate_that_brings_its_run_down_is_asked_again() {
    let (chain, candidate) = tried(proceeds("live"), mutator("new", |_| panic!("down")));
    for _ in 0..3 {
        enter(&chain);
    }
    drain(&candidate);
    assert_eq!(counts(&candidate).failed, 3);
}

#[test]
fn what_a_full_queue_cannot_take_is_dropped_and_counted() {
    let (chain, candidate) = tried_with(proceeds("live"), proceeds("new"), 1.0, 2);
    for _ in 0..5 {
        enter(&chain);
    }
    drain(&candidate);
    let counts = counts(&candidate);
    assert_eq!((counts.same, counts.dropped), (2, 3));
}

#[test]
fn what_waits_holds_on_to_a_bounded_number_of_bytes() {
    let (_, candidate) = tried(proceeds("live"), proceeds("new"));
    let document = json(&format!("\"{}\"", "x".repeat(3 << 20)));
    let mut tried = None;
    let terms = DecisionRules::of(&message(REQUEST), &Limits::default());
    for _ in 0..20 {
        let offer = Offer {
            call: Arc::new(call()),
            sent: None,
        };
        let live = candidate.live(
            &Ok((Decision::Proceed, crate::apply::Effect::Nothing)),
            &[],
            0,
        );
        candidate.offer(
            (Hook::PreCall, 0),
            (offer, document.clone(), terms),
            live,
            &mut tried,
        );
    }
    assert!(candidate.held.load(Ordering::Relaxed) <= HELD);
    assert_eq!(counts(&candidate).dropped, 10);
    drain(&candidate);
    assert_eq!(candidate.held.load(Ordering::Relaxed), 0);
}

fn both(name: &str, note: &'static [u8], seen: &Seen) -> Native {
    let (before, seen) = (Seen::clone(seen), Seen::clone(seen));
    native(name)
        .pre(Role::Mutation, move |_| {
            before.note("pre");
            HookResult {
                carry: Some(note.into()),
                ..HookResult::decided(PreDecision::Proceed)
            }
        })
        .post(Role::Mutation, move |run| {
            let note = run.carried.as_deref().unwrap_or(b"nothing");
            seen.note(String::from_utf8_lossy(note));
            HookResult::decided(PostDecision::Proceed)
        })
}

#[test]
fn a_post_call_gets_the_note_of_its_own_pre_call() {
    let (live, new) = (Seen::default(), Seen::default());
    let (chain, candidate) = tried(both("live", b"old", &live), both("new", b"new", &new));
    let passage: Admitted = onward(enter(&chain));
    leave(passage, RESULT);
    drain(&candidate);
    assert_eq!(live.all(), ["pre", "old"]);
    assert_eq!(new.all(), ["pre", "new"]);
    assert_eq!(candidate.results().hooks.map(|hook| hook.same), [1, 1]);
}

#[test]
fn a_post_call_whose_pre_call_was_dropped_is_dropped_too() {
    let (live, new) = (Seen::default(), Seen::default());
    let (chain, candidate) = tried_with(both("live", b"", &live), both("new", b"", &new), 1.0, 1);
    let first = onward(enter(&chain));
    let second = onward(enter(&chain));
    drain(&candidate);
    leave(second, RESULT);
    drain(&candidate);
    leave(first, RESULT);
    drain(&candidate);
    assert_eq!(
        candidate
            .results()
            .hooks
            .map(|hook| (hook.same, hook.dropped)),
        [(1, 1), (1, 1)]
    );
}

#[test]
fn a_share_takes_a_call_with_both_its_hooks_or_with_none() {
    let (live, new) = (Seen::default(), Seen::default());
    let (chain, candidate) = tried_with(both("live", b"", &live), both("new", b"", &new), 0.25, 64);
    for n in 0..1000 {
        let mut call = call();
        call.id = sandgate_message::CallId(format!("{n:08x}").into());
        let entry = chain.enter(Arc::new(call), message(REQUEST)).now_or_never();
        leave(onward(entry.unwrap()), RESULT);
        drain(&candidate);
    }
    let [pre, post] = candidate.results().hooks.map(|hook| hook.same);
    assert_eq!(pre, post);
    assert!((150..350).contains(&pre), "{pre} of 1000");
}

#[test]
fn an_event_that_the_candidate_does_not_ask_for_counts_as_let_through() {
    let new = refuses("new", "no").asks_for(&["prompts/*"]);
    let (chain, candidate) = tried(refuses("live", "no"), new);
    refused(enter(&chain));
    drain(&candidate);
    assert_eq!(
        difference(&candidate),
        (Decision::Refuse, Decision::Proceed, Aspect::Decision)
    );
    assert!(candidate.results().medians.is_none(), "it did not run");
}

#[test]
fn a_candidate_that_lacks_a_hook_of_the_live_one_is_refused() {
    let seen = Seen::default();
    let candidate = Candidate::new(proceeds("new").try_step().unwrap(), 1.0, 1);
    let step = both("live", b"", &seen).try_step().unwrap();
    let error = step.beside(candidate).unwrap_err();
    assert_eq!(
        error,
        StepError::Candidate {
            name: "live".into(),
            hook: Hook::PostCall
        }
    );
}

#[test]
fn a_live_one_in_audit_is_compared_too() {
    let (chain, candidate) = tried(refuses("live", "a").audit(), refuses("new", "b"));
    onward(enter(&chain));
    drain(&candidate);
    assert_eq!(
        difference(&candidate),
        (Decision::Refuse, Decision::Refuse, Aspect::Code)
    );
}

#[test]
fn only_the_last_differences_are_remembered() {
    let (chain, candidate) = tried(proceeds("live"), refuses("new", "no"));
    for _ in 0..500 {
        enter(&chain);
        drain(&candidate);
    }
    assert_eq!(counts(&candidate).differs, 500);
    assert_eq!(candidate.results().recent.len(), 100);
}

#[test]
fn a_candidate_that_hangs_holds_up_no_call_timed() {
    let hangs = native("new").pre_later(Role::Mutation, |_| Box::pin(std::future::pending()));
    let (chain, candidate) = tried(proceeds("live"), hangs);
    // The candidate is asked, and never answers.
    enter(&chain);
    assert!(candidate.drain().now_or_never().is_none());
    let times = |chain: &Arc<Chain>| {
        let mut times: Vec<Duration> = (0..2_000)
            .map(|_| {
                let began = Instant::now();
                enter(chain);
                began.elapsed()
            })
            .collect();
        times.sort_unstable();
        times[times.len() / 2]
    };
    let alone = Chain::new(
        7,
        vec![proceeds("live").try_step().unwrap()],
        None,
        Limits::default(),
    );
    times(&alone);
    let (without, with) = (times(&alone), times(&chain));
    assert!(
        with < without * 3 + Duration::from_micros(5),
        "{without:?} without, {with:?} with it"
    );
    assert!(counts(&candidate).dropped > 1_000);
}

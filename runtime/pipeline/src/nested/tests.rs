#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use futures_util::FutureExt;
use sandgate_message::{BoxFuture, Edit, Json, Limits, Message, PostDecision, PreDecision, apply};

use crate::testing::*;
use crate::{Admission, Chain, NestedMessages, NestedOutcome, NestedRefusal};

/// Replaces one place of the document, and records what it was shown.
struct Replaces(Seen, &'static str, &'static str);

impl NestedMessages for Replaces {
    fn pass<'a>(&'a mut self, document: &'a Json) -> BoxFuture<'a, NestedOutcome> {
        let Self(seen, pointer, value) = self;
        seen.note(document.at(pointer).unwrap().as_str());
        let edit = [Edit::Set((*pointer).into(), (*value).into())];
        let outcome = Ok(apply(document, &edit, &Limits::default()).ok());
        let entries = Vec::new();
        Box::pin(std::future::ready(NestedOutcome { outcome, entries }))
    }
}

struct Stops(Option<NestedRefusal>);

impl NestedMessages for Stops {
    fn pass<'a>(&'a mut self, _: &'a Json) -> BoxFuture<'a, NestedOutcome> {
        let outcome = Err(self.0.take().unwrap());
        let entries = Vec::new();
        Box::pin(std::future::ready(NestedOutcome { outcome, entries }))
    }
}

fn enter_with(chain: &Arc<Chain>, within: &mut dyn NestedMessages) -> Admission {
    chain
        .enter_with(Arc::new(call()), message(REQUEST), Some(within))
        .now_or_never()
        .unwrap()
}

#[test]
fn what_a_request_carries_passes_between_mutators_and_validators() {
    let seen = Seen::default();
    let judge = {
        let seen = seen.clone();
        validator("judge", move |run| {
            seen.note(run.document.at("/arguments/n").unwrap().as_str());
            PreDecision::Proceed
        })
    };
    let mutate = mutator("mutate", |_| PreDecision::Edit(set("/arguments/n", "2")));
    let chain = chain([judge, mutate]);
    let mut within = Replaces(seen.clone(), "/arguments/n", "3");
    let passage = onward(enter_with(&chain, &mut within));
    assert_eq!(seen.all(), ["2", "3"]);
    assert_eq!(text(passage.message()), REQUEST.replace("1.0", "3"));
}

#[test]
fn what_a_reply_carries_passes_between_mutators_and_validators() {
    let seen = Seen::default();
    let judge = {
        let seen = seen.clone();
        reply_validator("judge", move |run| {
            seen.note(run.document.at("/content/0/text").unwrap().as_str());
            PostDecision::Proceed
        })
    };
    let mutate = reply_mutator("mutate", |_| {
        PostDecision::Edit(set("/content/0/text", "\"mutated\""))
    });
    let chain = chain([mutate, judge]);
    let passage = onward(enter(&chain));
    let mut within = Replaces(seen.clone(), "/content/0/text", "\"carried\"");
    let departure = passage
        .leave_with(message(RESULT), Some(&mut within))
        .now_or_never()
        .unwrap();
    assert_eq!(seen.all(), ["\"mutated\"", "\"carried\""]);
    assert!(!departure.withheld);
    assert_eq!(
        text(&departure.message.unwrap()),
        RESULT.replace("hi", "carried")
    );
}

#[test]
fn it_passes_also_where_no_interceptor_looks_at_the_whole() {
    let seen = Seen::default();
    let chain = chain([]);
    let mut within = Replaces(seen.clone(), "/arguments/n", "3");
    let passage = onward(enter_with(&chain, &mut within));
    assert_eq!(text(passage.message()), REQUEST.replace("1.0", "3"));
}

#[test]
fn what_stops_a_message_within_another_is_told_as_if_it_stopped_the_whole() {
    let chain = chain([
        validator("guard", |_| PreDecision::Refuse(refusal("no.asking")))
            .asks_for(&["elicitation/create"]),
    ]);
    let mut question = call();
    question.method = "elicitation/create".into();
    let stopped = refused(
        chain
            .enter(Arc::new(question), message(REQUEST))
            .now_or_never()
            .unwrap(),
    );
    let interrupted = stopped.interrupted.unwrap();

    let mut within = Stops(Some(NestedRefusal::Interrupted(interrupted.clone())));
    let whole = refused(enter_with(&chain, &mut within));
    let said = read(&whole.message.unwrap());
    let notice = &said["result"]["_meta"]["sandgate/refusal"];
    assert_eq!(notice["code"], "no.asking");
    assert_eq!(notice["interceptor"], "guard");
    assert_eq!(notice["reached"], "not-sent");

    let passage = onward(enter(&chain));
    let mut within = Stops(Some(NestedRefusal::Interrupted(interrupted)));
    let departure = passage
        .leave_with(message(RESULT), Some(&mut within))
        .now_or_never()
        .unwrap();
    assert!(departure.withheld);
    let said = read(&departure.message.unwrap());
    assert_eq!(
        said["result"]["_meta"]["sandgate/refusal"]["reached"],
        "executed"
    );
}

#[test]
fn the_gateways_own_words_come_under_the_requests_id() {
    let chain = chain([]);
    let said = Message::error(None, -32602, "no such task", None);
    let mut within = Stops(Some(NestedRefusal::Gateway(Box::new(said))));
    let departure = refused(enter_with(&chain, &mut within));
    assert_eq!(read(&departure.message.unwrap())["id"], "a/1");
    assert!(departure.interrupted.is_none());
}

#[test]
fn a_resumed_call_finds_its_notes_under_the_same_chain_only() {
    let noting = || {
        native("n")
            .pre(sandgate_message::Role::Validation, |_| {
                let mut outcome = sandgate_message::HookResult::decided(PreDecision::Proceed);
                outcome.carry = Some(Arc::from(&b"note"[..]));
                outcome
            })
            .post(sandgate_message::Role::Validation, |run| {
                let code = match &run.carried {
                    Some(_) => "with.note",
                    None => "without.note",
                };
                sandgate_message::HookResult::decided(PostDecision::Refuse(refusal(code)))
            })
    };
    let (first, second) = (chain([noting()]), chain([noting()]));
    let passage = onward(enter(&first));
    let kept = passage.keep();
    for (chain, code) in [(&first, "with.note"), (&second, "without.note")] {
        let resumed = chain.resume(passage.call().clone(), passage.message().clone(), &kept);
        let said = text(&leave(resumed, RESULT).message.unwrap());
        assert!(said.contains(code), "{said}");
    }
}

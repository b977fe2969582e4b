//! What mutators may not bring into a message, and validators never see.

use std::sync::Arc;

use sandgate_message::{Json, PostDecision, PreDecision};

use crate::testing::*;
use crate::{Chain, Redaction};

/// Takes one word out.
struct Without;

impl Redaction for Without {
    fn redact(&self, document: &Json) -> Option<Json> {
        let text = document.as_str();
        text.contains("SECRET")
            .then(|| json(&text.replace("SECRET", "[redacted]")))
    }
}

fn redacting(natives: impl IntoIterator<Item = Native>) -> Arc<Chain> {
    chain(natives)
        .showing(true)
        .redacting(Arc::new(Without))
        .showing(false)
}

#[test]
fn rule_16_what_mutators_bring_in_is_taken_out_before_validators_judge() {
    let seen = Seen::default();
    let (params, reply) = (seen.clone(), seen.clone());
    let chain = redacting([
        mutator("brings", |_| {
            PreDecision::Edit(set("/arguments/n", "\"SECRET\""))
        }),
        validator("judge", move |run| {
            params.note(run.document.as_str());
            PreDecision::Proceed
        }),
        reply_mutator("adds", |_| {
            PostDecision::Edit(set("/content/0/text", "\"a SECRET\""))
        }),
        reply_validator("looks", move |run| {
            reply.note(run.document.as_str());
            PostDecision::Proceed
        }),
    ]);
    let passage = onward(enter(&chain));
    assert_eq!(
        read(passage.message())["params"]["arguments"]["n"],
        "[redacted]"
    );
    let left = leave(passage, RESULT).message.unwrap();
    assert_eq!(read(&left)["result"]["content"][0]["text"], "a [redacted]");
    let seen = seen.all();
    assert_eq!(seen.len(), 2);
    assert!(
        seen.iter()
            .all(|one| one.contains("[redacted]") && !one.contains("SECRET")),
        "{seen:?}"
    );
}

#[test]
fn rule_16_likewise_out_of_an_answer_and_the_words_of_a_refusal() {
    let answers = mutator("answers", |_| {
        PreDecision::Answer(json(r#"{"content":["SECRET"]}"#))
    });
    let passage = onward(enter(&redacting([answers])));
    assert!(!text(&passage.answer().unwrap()).contains("SECRET"));
    let refuses =
        |hook: &'static str| validator(hook, |_| PreDecision::Refuse(refusal("of-SECRET")));
    let reply = refused(enter(&redacting([refuses("refuses")])))
        .message
        .unwrap();
    assert!(!text(&reply).contains("SECRET"), "{}", text(&reply));
    let withholds = reply_validator("withholds", |_| PostDecision::Refuse(refusal("of-SECRET")));
    let left = leave(onward(enter(&redacting([withholds]))), RESULT);
    assert!(!text(&left.message.unwrap()).contains("SECRET"));
}

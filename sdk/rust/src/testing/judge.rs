//! What the gateway makes of a hook's decision: whether the hook may decide so, and the document that goes on. The words of
//! a failure are the gateway's; `sdk/judgements.json` holds both to the same.

use std::mem::discriminant;

use serde_json::Value;

use crate::decision::{Edit, PreDecision, Refusal};
use crate::testing::document::Memory;
use crate::testing::edits::{DEPTH, edited};
use crate::testing::manifest::Role;
use crate::testing::run::Decision;
use crate::testing::stop::{Stopped, malformed, over};
use crate::testing::tree::Tree;

/// Bytes of a document, and of all edits together.
const BYTES: usize = 4 << 20;
const EDITS: usize = 100_000;
/// Bytes of a refusal's parts: longer texts are cut, a longer pointer is left out.
const CODE: usize = 128;
const MESSAGE: usize = 2 << 10;
const POINTER: usize = 1 << 10;

/// What the document of a decision is about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct About {
    pub(crate) role: Role,
    /// The message can be answered.
    pub(crate) request: bool,
    /// The document is an error object.
    pub(crate) failed: bool,
}

/// The word for the decision, and the document that goes on; with [`Decision::Answer`], the result.
pub(crate) fn judge(
    about: About,
    document: &Memory,
    decided: &PreDecision,
) -> Result<(Decision, Value), Stopped> {
    let before = || read(&document.json());
    match decided {
        PreDecision::Refuse(_) => return Ok((Decision::Refuse, before()?)),
        PreDecision::Proceed => return Ok((Decision::Proceed, before()?)),
        _ => check_quota(decided)?,
    }
    if about.role == Role::Validation {
        return Err(malformed("a validation may only proceed or refuse"));
    }
    match decided {
        PreDecision::Edit(edits) if edits.is_empty() => Ok((Decision::Proceed, before()?)),
        PreDecision::Edit(edits) => {
            let after = edited(document, edits)?;
            Ok((Decision::Edit, same_kind(about, &before()?, after)?))
        }
        PreDecision::Answer(json) => match read(json)? {
            _ if !about.request => Err(malformed("a notification cannot be answered")),
            answer @ Value::Object(_) => Ok((Decision::Answer, answer)),
            _ => Err(malformed("an answer must be an object")),
        },
        PreDecision::Replace(json) => {
            let after = same_kind(about, &before()?, read(json)?)?;
            Ok((Decision::Replace, after))
        }
        PreDecision::Proceed | PreDecision::Refuse(_) => unreachable!("judged above"),
    }
}

/// The refusal as the gateway keeps it.
pub(crate) fn cut_refusal(refusal: Refusal) -> Refusal {
    let cut = |text: String, most| text[..text.floor_char_boundary(most)].to_owned();
    Refusal {
        code: cut(refusal.code, CODE),
        message: cut(refusal.message, MESSAGE),
        pointer: refusal.pointer.filter(|pointer| pointer.len() <= POINTER),
        details: refusal.details,
    }
}

fn check_quota(decided: &PreDecision) -> Result<(), Stopped> {
    let bytes = |edit: &Edit| match edit {
        Edit::Set((pointer, json)) => pointer.len() + json.len(),
        Edit::Remove(pointer) => pointer.len(),
        Edit::Text((_, text)) => text.len(),
    };
    match decided {
        PreDecision::Replace(json) | PreDecision::Answer(json) if json.len() > BYTES => {
            Err(over("bytes of a document"))
        }
        PreDecision::Edit(edits)
            if edits.len() > EDITS || edits.iter().map(bytes).sum::<usize>() > BYTES =>
        {
            Err(over("edits"))
        }
        _ => Ok(()),
    }
}

fn read(json: &str) -> Result<Value, Stopped> {
    Tree::parse_within(json, DEPTH).map_err(malformed)?;
    serde_json::from_str(json).map_err(|error| malformed(error.to_string()))
}

fn same_kind(about: About, before: &Value, after: Value) -> Result<Value, Stopped> {
    if discriminant(before) != discriminant(&after) {
        return Err(malformed(
            "the document became something of another JSON type",
        ));
    }
    if about.failed && !(after["code"].is_number() && after["message"].is_string()) {
        return Err(malformed("the error object lost its code or message"));
    }
    Ok(after)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;
    use crate::refuse;

    fn decision(said: &Value) -> PreDecision {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        if said == "proceed" {
            return PreDecision::Proceed;
        }
        let (word, value) = said.as_object().unwrap().iter().next().unwrap();
        let edit = |edit: &Value| match edit.as_object().unwrap().iter().next().unwrap() {
            (kind, given) if kind == "set" => Edit::Set((text(&given[0]), text(&given[1]))),
            (kind, given) if kind == "text" => {
                let index = given[0].as_u64().unwrap().try_into().unwrap();
                Edit::Text((index, text(&given[1])))
            }
            (_, given) => Edit::Remove(text(given)),
        };
        match word.as_str() {
            "replace" => PreDecision::Replace(text(value)),
            "answer" => PreDecision::Answer(text(value)),
            "refuse" => refuse(text(&value["code"]), text(&value["message"])).into(),
            _ => PreDecision::Edit(value.as_array().unwrap().iter().map(edit).collect()),
        }
    }

    #[test]
    fn decisions_are_judged_as_the_gateway_judges_them() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../judgements.json");
        let cases: Vec<Value> = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        assert!(cases.len() > 40);
        for case in cases {
            let about = About {
                role: match case["role"] == "validation" {
                    true => Role::Validation,
                    false => Role::Mutation,
                },
                request: case["notification"] != true,
                failed: case["failed"] == true,
            };
            let document = Memory::parse(case["document"].as_str().unwrap());
            let becomes = match judge(about, &document, &decision(&case["decision"])) {
                Ok((word, after)) => {
                    let mut becomes = json!({ "decision": word.word() });
                    if let Some(document) = case["becomes"]["document"].as_str() {
                        let wanted: Value = serde_json::from_str(document).unwrap();
                        assert_eq!(after, wanted, "{case}");
                        becomes["document"] = document.into();
                    }
                    becomes
                }
                Err(stopped) => json!({ "failure": stopped.kind, "says": stopped.says }),
            };
            assert_eq!(becomes, case["becomes"], "{case}");
        }
    }

    #[test]
    fn long_words_of_a_refusal_are_cut() {
        let refusal = refuse("c".repeat(200), "\u{e9}".repeat(2000)).at("/".repeat(1025));
        let refusal = cut_refusal(refusal);
        assert_eq!((refusal.code.len(), refusal.message.len()), (128, 2048));
        assert_eq!(refusal.pointer, None);
    }
}

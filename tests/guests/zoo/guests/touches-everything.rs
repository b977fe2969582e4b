//! Calls every function of the contract once, and answers with what they said: a host that lacks one cannot run it.
//!
//! ```toml
//! [hooks.pre-call]
//! type = "mutation"
//! events = ["tools/call"]
//! [hooks.post-call]
//! type = "mutation"
//! events = ["tools/call"]
//! [asks]
//! state = "to see that it is there"
//! ```
#![allow(unsafe_code, reason = "generated: the canonical ABI is raw pointers")]

mod contract {
    wit_bindgen::generate!({ path: "../../../wit", world: "interceptor" });
}

use contract::exports::sandgate::interceptor::{post_call, pre_call, settings};
use contract::sandgate::interceptor::call::{Context, Document};
use contract::sandgate::interceptor::decision::{Edit, Fault, PostDecision, PreDecision, Refusal};
use contract::sandgate::interceptor::{log, report, state};

struct TouchesEverything;

impl settings::Guest for TouchesEverything {
    fn configure(settings: String) -> Result<(), Vec<settings::Issue>> {
        if settings == "{}" {
            return Ok(());
        }
        Err(vec![settings::Issue {
            pointer: String::new(),
            message: "nothing to set".into(),
        }])
    }
}

impl pre_call::Guest for TouchesEverything {
    fn handle(context: &Context, params: &Document) -> Result<PreDecision, Fault> {
        let said = read(context, params);
        context.carry(b"from the pre-call");
        keep().map_err(|failure| fault(format!("{failure:?}")))?;
        report::last_words(&fault("not the last".into()));
        report::find(&report::Finding {
            rule: "touches-everything".into(),
            severity: report::Severity::Info,
            part: report::Part::Params,
            pointer: Some("/arguments".into()),
            message: "touched".into(),
            details: Some("{\"n\": 1}".into()),
        });
        log::log(log::Level::Info, "touched");
        match params.get("/name").as_deref() {
            Some("\"refuse\"") => Ok(PreDecision::Refuse(Refusal {
                code: "touched".into(),
                message: "on request".into(),
                pointer: Some("/name".into()),
                details: Some("{}".into()),
            })),
            Some("\"edit\"") => Ok(PreDecision::Edit(vec![
                Edit::Set(("/added".into(), "true".into())),
                Edit::Remove("/arguments/gone".into()),
                Edit::Text((0, "changed".into())),
            ])),
            Some("\"replace\"") => Ok(PreDecision::Replace("{\"replaced\": true}".into())),
            Some("\"fail\"") => Err(fault("on request".into())),
            Some(_) => Ok(PreDecision::Answer(format!("\"{said}\""))),
            None => Ok(PreDecision::Proceed),
        }
    }
}

impl post_call::Guest for TouchesEverything {
    fn handle(context: &Context, reply: &Document) -> Result<PostDecision, Fault> {
        let said = read(context, reply);
        match context.carried() {
            Some(note) if note == b"from the pre-call" => {
                Ok(PostDecision::Replace(format!("\"{said}\"")))
            }
            _ => Ok(PostDecision::Proceed),
        }
    }
}

fn fault(detail: String) -> Fault {
    Fault {
        kind: "Touched".into(),
        frames: vec!["touches-everything.rs in handle".into()],
        detail,
    }
}

/// One letter for each thing that was there.
fn read(context: &Context, document: &Document) -> String {
    let texts = document.texts();
    let strings = document.strings();
    let keys = document.keys();
    let sent = context.params();
    let there = [
        !context.id().is_empty(),
        !context.method().is_empty(),
        !context.direction().is_empty(),
        !context.server().is_empty(),
        context.target().is_some(),
        context.session().is_some(),
        context.principal().is_some(),
        context.definition().is_some(),
        sent.is_some_and(|sent| sent.size() > 0),
        !context.failed(),
        context.remaining_us() > 0,
        context.attribute("groups").is_some(),
        document.size() == document.json().len() as u64,
        document.get("").is_some(),
        !texts.ends.is_empty() && document.text_pointer(0).is_some(),
        !strings.ends.is_empty() && document.string_pointer(0).is_some(),
        !keys.text.is_empty(),
    ];
    there
        .into_iter()
        .zip('a'..)
        .filter_map(|(there, letter)| there.then_some(letter))
        .collect()
}

fn keep() -> Result<(), state::Failure> {
    match state::set("key", b"1", Some(60_000)) {
        Err(state::Failure::Denied) => return Ok(()),
        other => other?,
    }
    state::get("key")?;
    state::compare_and_set("key", Some(b"1"), b"2", None)?;
    state::delete("key")?;
    state::increment("counter", 1, Some(60_000))?;
    Ok(())
}

contract::export!(TouchesEverything with_types_in contract);

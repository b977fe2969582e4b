//! Decisions as they come over the border, checked: JSON that is JSON, and no more of it than a document may have.

use sandgate_message::{
    Edit, Explanation, Json, JsonErrorKind, Limits, PostDecision, PreDecision, Refusal,
};

use crate::bindings::decision;
use crate::failure::StopReason;

/// Edits of one decision.
const EDITS: usize = 100_000;
/// Bytes of a refusal's code, and of its message.
const CODE: usize = 128;
const MESSAGE: usize = 2 << 10;
/// Bytes of a refusal's pointer; a longer one is left out, since a part of it would point elsewhere.
const POINTER: usize = 1 << 10;

pub(crate) fn pre(
    decision: decision::PreDecision,
    limits: &Limits,
) -> Result<PreDecision, StopReason> {
    Ok(match decision {
        decision::PreDecision::Proceed => PreDecision::Proceed,
        decision::PreDecision::Edit(list) => PreDecision::Edit(edits(list, limits)?),
        decision::PreDecision::Replace(text) => {
            PreDecision::Replace(json("replacement", text, limits)?)
        }
        decision::PreDecision::Refuse(refused) => PreDecision::Refuse(refusal(refused, limits)?),
        decision::PreDecision::Answer(text) => PreDecision::Answer(json("answer", text, limits)?),
    })
}

pub(crate) fn post(
    decision: decision::PostDecision,
    limits: &Limits,
) -> Result<PostDecision, StopReason> {
    Ok(match decision {
        decision::PostDecision::Proceed => PostDecision::Proceed,
        decision::PostDecision::Edit(list) => PostDecision::Edit(edits(list, limits)?),
        decision::PostDecision::Replace(text) => {
            PostDecision::Replace(json("replacement", text, limits)?)
        }
        decision::PostDecision::Refuse(refused) => PostDecision::Refuse(refusal(refused, limits)?),
    })
}

fn edits(list: Vec<decision::Edit>, limits: &Limits) -> Result<Vec<Edit>, StopReason> {
    let bytes: usize = list
        .iter()
        .map(|edit| match edit {
            decision::Edit::Set((pointer, text)) => pointer.len() + text.len(),
            decision::Edit::Remove(pointer) => pointer.len(),
            decision::Edit::Text((_, text)) => text.len(),
        })
        .sum();
    if list.len() > EDITS || bytes > limits.bytes {
        return Err(StopReason::Quota("edits"));
    }
    Ok(list
        .into_iter()
        .map(|edit| match edit {
            decision::Edit::Set((pointer, text)) => Edit::Set(pointer, text),
            decision::Edit::Remove(pointer) => Edit::Remove(pointer),
            decision::Edit::Text((index, text)) => Edit::Text(index, text),
        })
        .collect())
}

fn json(what: &str, text: String, limits: &Limits) -> Result<Json, StopReason> {
    Json::parse(text, limits).map_err(|why| match why.trouble {
        JsonErrorKind::Size(_) => StopReason::Quota("bytes of a document"),
        _ => StopReason::Malformed(format!("a {what} that is {why}")),
    })
}

fn refusal(refusal: decision::Refusal, limits: &Limits) -> Result<Refusal, StopReason> {
    let decision::Refusal {
        mut code,
        mut message,
        pointer,
        details,
    } = refusal;
    code.truncate(code.floor_char_boundary(CODE));
    message.truncate(message.floor_char_boundary(MESSAGE));
    let details = details
        .map(|text| json("refusal's details", text, limits))
        .transpose()?;
    let (explanation, details) = Explanation::split(details, limits);
    Ok(Refusal {
        code,
        message,
        pointer: pointer.filter(|pointer| pointer.len() <= POINTER),
        details,
        explanation,
    })
}

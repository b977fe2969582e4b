//! Checking the decisions that a guest returns: JSON must be JSON, and within the bounds of a document.

use sandgate_message::{
    Edit, Explanation, Json, JsonErrorKind, Limits, PostDecision, PreDecision, Refusal,
};

use crate::bindings::decision;
use crate::failure::StopReason;

/// Edits that one decision may have.
const MAX_EDITS: usize = 100_000;
/// Bytes of a refusal's code; the rest is cut off.
const MAX_CODE: usize = 128;
/// Bytes of a refusal's message; the rest is cut off.
const MAX_MESSAGE: usize = 2 << 10;
/// Bytes of a refusal's pointer. A longer pointer is left out, since a part of it would point elsewhere.
const MAX_POINTER: usize = 1 << 10;

/// Checks the decision of a pre-call. The error is the reason to stop the guest.
pub(crate) fn pre_call(
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

/// Checks the decision of a post-call. The error is the reason to stop the guest.
pub(crate) fn post_call(
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
    if list.len() > MAX_EDITS || bytes > limits.bytes {
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
    code.truncate(code.floor_char_boundary(MAX_CODE));
    message.truncate(message.floor_char_boundary(MAX_MESSAGE));
    let details = details
        .map(|text| json("refusal's details", text, limits))
        .transpose()?;
    let (explanation, details) = Explanation::split(details, limits);
    Ok(Refusal {
        code,
        message,
        pointer: pointer.filter(|pointer| pointer.len() <= MAX_POINTER),
        details,
        explanation,
    })
}

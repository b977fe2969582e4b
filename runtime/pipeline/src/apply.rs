//! What a decision does to the document that a run saw, or why it cannot be done.

use sandgate_message::{
    EditError, Failure, Json, JsonError, Kind, Limits, Message, PreDecision, Role, apply,
};

use crate::refusal::RefusalCause;
use crate::trail::Decision;

/// What an active run's decision does.
pub(crate) enum Effect {
    Nothing,
    Change(Json),
    Answer(Json),
    Stop(RefusalCause),
}

/// A decision and what it does, or why there is none.
pub(crate) type Weighed = Result<(Decision, Effect), Failure>;

/// What may become of a document.
#[derive(Clone, Copy)]
pub(crate) struct DecisionRules {
    /// A request, which an answer can stand for.
    request: bool,
    /// The document is an error object.
    failed: bool,
    limits: Limits,
}

impl DecisionRules {
    /// Of a message's payload: what its envelope takes is off the limits, so that the whole obeys them.
    pub(crate) fn of(message: &Message, limits: &Limits) -> Self {
        let envelope = message
            .bytes()
            .len()
            .saturating_sub(message.payload().as_str().len());
        let bytes = limits.bytes.saturating_sub(envelope);
        let depth = limits.depth.saturating_sub(1);
        let request = message.method().is_some() && message.id().is_some();
        Self {
            request,
            failed: message.failed(),
            limits: Limits { bytes, depth },
        }
    }

    /// Whether the document is an error object.
    pub(crate) fn failed(&self) -> bool {
        self.failed
    }

    /// The decision's name in the trail and what it does, or why it cannot be done.
    pub(crate) fn weigh(
        &self,
        role: Role,
        seen: &Json,
        decision: PreDecision,
    ) -> Result<(Decision, Effect), Failure> {
        Ok(match decision {
            PreDecision::Proceed => (Decision::Proceed, Effect::Nothing),
            PreDecision::Refuse(refusal) => (
                Decision::Refuse,
                Effect::Stop(RefusalCause::Refused(refusal)),
            ),
            _ if role == Role::Validation => {
                return malformed("a validation may only proceed or refuse");
            }
            PreDecision::Edit(edits) if edits.is_empty() => (Decision::Proceed, Effect::Nothing),
            PreDecision::Edit(edits) => {
                let edited = apply(seen, &edits, &self.limits).map_err(without_payload)?;
                (
                    Decision::Edit,
                    Effect::Change(self.same_kind(seen, edited)?),
                )
            }
            PreDecision::Replace(json) => {
                let json = self.within_limits(&json)?;
                (
                    Decision::Replace,
                    Effect::Change(self.same_kind(seen, json)?),
                )
            }
            PreDecision::Answer(json) => {
                let json = self.within_limits(&json)?;
                if !self.request {
                    return malformed("a notification cannot be answered");
                }
                if json.root().kind() != Kind::Object {
                    return malformed("an answer must be an object");
                }
                (Decision::Answer, Effect::Answer(json))
            }
        })
    }

    /// Params stay params, a result a result, an error an error.
    fn same_kind(&self, before: &Json, after: Json) -> Result<Json, Failure> {
        let root = after.root();
        if root.kind() != before.root().kind() {
            return malformed("the document became something of another JSON type");
        }
        let has = |name, kind| root.get(name).is_some_and(|member| member.kind() == kind);
        if self.failed && !(has("code", Kind::Number) && has("message", Kind::String)) {
            return malformed("the error object lost its code or message");
        }
        Ok(after)
    }

    /// Read again: whoever made it may have had other limits.
    fn within_limits(&self, json: &Json) -> Result<Json, Failure> {
        let checked = Json::parse(json.bytes(), &self.limits);
        checked.map_err(|error: JsonError| Failure::Malformed(error.to_string()))
    }
}

fn malformed<T>(why: &str) -> Result<T, Failure> {
    Err(Failure::Malformed(why.into()))
}

/// The pointers stay out, whose names may be the caller's own words.
fn without_payload(error: EditError) -> Failure {
    Failure::Malformed(match error {
        EditError::Missing { index, .. } => format!("edit {index}: nothing stands there"),
        EditError::Pointer { index, .. } => format!("edit {index}: not a usable pointer"),
        error => error.to_string(),
    })
}

#[cfg(test)]
mod tests;

//! Applies a decision to the document that a hook run saw, or says why it cannot be applied.

use sandgate_message::{
    EditError, Failure, Json, JsonError, Kind, Limits, Message, PreDecision, Refusal, Role, apply,
};

use crate::refusal::RefusalCause;
use crate::trail::Decision;

/// The effect of an active run's decision.
pub(crate) enum Effect {
    Nothing,
    Change(Json),
    Answer(Json),
    Stop(RefusalCause),
}

/// A decision with its effect, or why the decision is a fault.
pub(crate) type Weighed = Result<(Decision, Effect), Failure>;

/// A decision that can be applied, for whoever runs a hook without a chain.
#[derive(Clone, Debug)]
pub enum Judged {
    /// The document passes as it is.
    Proceed,
    /// The document passes as edited.
    Edit(Json),
    /// This document passes instead.
    Replace(Json),
    /// The request is answered with this result.
    Answer(Json),
    /// The document is refused.
    Refuse(Refusal),
}

/// What a decision may make of a document.
#[derive(Clone, Copy, Debug)]
pub struct DecisionRules {
    /// Whether the message is a request, which alone can be answered.
    request: bool,
    /// Whether the document is an error object.
    failed: bool,
    limits: Limits,
}

impl DecisionRules {
    /// The rules for a message's payload. The envelope's size and depth are taken off the limits, so that the whole
    /// message obeys them.
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

    /// The rules for a document without its message, whose level is taken off the limits: `request` says whether it is a
    /// request's params, `failed` whether it is an error object.
    pub fn alone(request: bool, failed: bool, limits: Limits) -> Self {
        let depth = limits.depth.saturating_sub(1);
        Self {
            request,
            failed,
            limits: Limits { depth, ..limits },
        }
    }

    /// Judges a decision on this document as a chain does.
    ///
    /// # Errors
    ///
    /// A chain could not apply the decision.
    pub fn judge(
        &self,
        role: Role,
        seen: &Json,
        decision: impl Into<PreDecision>,
    ) -> Result<Judged, Failure> {
        let (word, effect) = self.weigh(role, seen, decision.into())?;
        Ok(match (effect, word) {
            (Effect::Nothing, _) => Judged::Proceed,
            (Effect::Change(json), Decision::Edit) => Judged::Edit(json),
            (Effect::Change(json), _) => Judged::Replace(json),
            (Effect::Answer(json), _) => Judged::Answer(json),
            (Effect::Stop(RefusalCause::Refused(refusal)), _) => Judged::Refuse(refusal),
            (Effect::Stop(RefusalCause::Failed(failure)), _) => return Err(failure),
        })
    }

    /// Whether the document is an error object.
    pub(crate) fn failed(&self) -> bool {
        self.failed
    }

    /// Checks a decision against the rules and returns it with its effect. Fails if the decision cannot be applied.
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

    /// Checks that the kind of the document is unchanged: params stay params, a result a result, an error an error.
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

    /// Parses the JSON again: the interceptor that made it may have had other limits.
    fn within_limits(&self, json: &Json) -> Result<Json, Failure> {
        let checked = Json::parse(json.bytes(), &self.limits);
        checked.map_err(|error: JsonError| Failure::Malformed(error.to_string()))
    }
}

fn malformed<T>(why: &str) -> Result<T, Failure> {
    Err(Failure::Malformed(why.into()))
}

/// Describes the error without its pointers, whose names may come from the caller's payload.
fn without_payload(error: EditError) -> Failure {
    Failure::Malformed(match error {
        EditError::Missing { index, .. } => format!("edit {index}: nothing stands there"),
        EditError::Pointer { index, .. } => format!("edit {index}: not a usable pointer"),
        error => error.to_string(),
    })
}

#[cfg(test)]
mod tests;

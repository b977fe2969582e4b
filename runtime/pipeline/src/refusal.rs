//! How a refusal, or a failure under fail-closed, is put to the requester.
//!
//! A refused `tools/call` is answered by a tool result with `isError`, since models read those and mend their call.
//! Everything else is answered by a JSON-RPC error in the words of MCP's interceptor draft. A failure is a JSON-RPC
//! error also for `tools/call`, since no other arguments would help, unless the operator asked for results. Of what a
//! guest wrote, only the fields of a refusal are shown.

use std::sync::Arc;

use sandgate_message::{
    Call, Direction, Era, Failure, Hook, Id, Json, Message, Method, Refusal, error_codes,
};
use serde::Serialize;

use crate::raw_json::raw_json;

/// How a refused call is answered.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum RefusalStyle {
    /// A result with `isError`.
    // Of `tools/call` alone: other methods have no such result, and get the error.
    Result,
    /// A JSON-RPC error.
    Error,
}

/// Why an interceptor stopped a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RefusalCause {
    Refused(Refusal),
    Failed(Failure),
}

/// An interceptor that stopped a message, and why.
#[derive(Clone, Debug)]
pub struct Interrupted {
    pub(crate) interceptor: Arc<str>,
    /// How the refusal reaches the requester. `None`: a result for `tools/call`, else an error.
    pub(crate) style: Option<RefusalStyle>,
    pub(crate) cause: RefusalCause,
}

impl Interrupted {
    /// Whether the interceptor did not judge the message because the gateway was overloaded.
    pub(crate) fn overloaded(&self) -> bool {
        matches!(self.cause, RefusalCause::Failed(Failure::Overload(_)))
    }
}

/// The call that was stopped, and how far it had come.
pub(crate) struct RefusalContext<'a> {
    pub(crate) call: &'a Call,
    pub(crate) hook: Hook,
    /// Whether the server has seen the call.
    pub(crate) executed: bool,
}

impl RefusalContext<'_> {
    /// The reply to the requester. `None` if `id` is `None` (a notification).
    pub(crate) fn reply(&self, id: Option<&Id>, interrupted: &Interrupted) -> Option<Message> {
        let Self {
            call,
            hook,
            executed,
        } = *self;
        let refusal = RefusalReply {
            call,
            hook,
            executed,
            interceptor: &interrupted.interceptor,
            cause: &interrupted.cause,
        };
        refusal.reply(id?, interrupted.style)
    }
}

/// A refusal to be rendered as a reply.
struct RefusalReply<'a> {
    call: &'a Call,
    hook: Hook,
    executed: bool,
    interceptor: &'a str,
    cause: &'a RefusalCause,
}

/// The machine-readable part, in `_meta` of a result and in `data` of an error.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Notice<'a> {
    call_id: &'a str,
    code: &'a str,
    interceptor: &'a str,
    reached: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pointer: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "raw_json")]
    details: Option<&'a Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failed_interceptor: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phase: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    validation_errors: Option<[ValidationError<'a>; 1]>,
}

#[derive(Serialize)]
struct ValidationError<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<&'a str>,
    message: &'a str,
    severity: &'static str,
}

impl RefusalReply<'_> {
    fn reply(&self, id: &Id, style: Option<RefusalStyle>) -> Option<Message> {
        let has_result = self.tool() && Method::new(&self.call.method).refuses_by_result();
        let by_result = match (style, self.cause) {
            (Some(RefusalStyle::Result), _) | (None, RefusalCause::Refused(_)) => has_result,
            (Some(RefusalStyle::Error), _) | (None, RefusalCause::Failed(_)) => false,
        };
        let text = self.text();
        if by_result && let Some(result) = self.result(&text) {
            return Some(Message::result(id, &result));
        }
        let code = match self.cause {
            RefusalCause::Refused(_) => error_codes::INVALID_PARAMS,
            RefusalCause::Failed(Failure::Deadline { .. } | Failure::Overload(_)) => {
                error_codes::SERVER
            }
            RefusalCause::Failed(_) => error_codes::INTERNAL,
        };
        Some(Message::error(
            Some(id),
            code,
            &text,
            Json::of(&self.notice(true)).ok().as_ref(),
        ))
    }

    /// A tool result. The machine-readable part stands in `_meta`, since clients check `structuredContent` against the
    /// tool's output schema.
    fn result(&self, text: &str) -> Option<Json> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Answer<'a> {
            #[serde(skip_serializing_if = "Option::is_none")]
            result_type: Option<&'static str>,
            content: [Content<'a>; 1],
            is_error: bool,
            #[serde(rename = "_meta")]
            meta: Meta<'a>,
        }
        #[derive(Serialize)]
        struct Content<'a> {
            r#type: &'static str,
            text: &'a str,
        }
        #[derive(Serialize)]
        struct Meta<'a> {
            #[serde(rename = "sandgate/refusal")]
            notice: Notice<'a>,
        }
        let answer = Answer {
            result_type: (self.call.era == Era::Modern).then_some("complete"),
            content: [Content {
                r#type: "text",
                text,
            }],
            is_error: true,
            meta: Meta {
                notice: self.notice(false),
            },
        };
        Json::of(&answer).ok()
    }

    fn notice(&self, error: bool) -> Notice<'_> {
        let mut notice = Notice {
            call_id: &self.call.id.0,
            code: "",
            interceptor: self.interceptor,
            reached: if self.executed {
                "executed"
            } else {
                "not-sent"
            },
            pointer: None,
            details: None,
            failed_interceptor: None,
            timeout_ms: None,
            phase: None,
            validation_errors: None,
        };
        match self.cause {
            RefusalCause::Refused(refusal) => {
                notice.code = &refusal.code;
                notice.pointer = refusal.pointer.as_deref();
                notice.details = refusal.details.as_ref();
                let path = notice.pointer;
                let problem = ValidationError {
                    path,
                    message: &refusal.message,
                    severity: "error",
                };
                notice.validation_errors = error.then_some([problem]);
            }
            RefusalCause::Failed(failure) => {
                notice.code = failure.kind();
                notice.failed_interceptor = Some(self.interceptor);
                notice.phase = Some(match self.hook {
                    Hook::PreCall => "request",
                    Hook::PostCall => "response",
                });
                if let Failure::Deadline { limit, .. } = failure {
                    notice.timeout_ms = Some(limit.as_millis().try_into().unwrap_or(u64::MAX));
                }
            }
        }
        notice
    }

    fn tool(&self) -> bool {
        self.call.direction == Direction::ClientToServer && &*self.call.method == "tools/call"
    }

    /// The text for people and models.
    fn text(&self) -> String {
        let (name, noun) = (
            self.interceptor,
            if self.tool() { "tool call" } else { "request" },
        );
        let why = match self.cause {
            RefusalCause::Refused(refusal) => format!(
                "policy {name:?} refused it ({}): {}",
                refusal.code, refusal.message
            ),
            RefusalCause::Failed(Failure::Deadline { limit, .. }) => {
                format!(
                    "policy {name:?} did not decide within {} ms",
                    limit.as_millis()
                )
            }
            RefusalCause::Failed(Failure::Overload(what)) => {
                format!("the gateway is overloaded: policy {name:?} waited too long for {what}")
            }
            RefusalCause::Failed(failure) => format!("policy {name:?} failed ({})", failure.kind()),
        };
        let end = if why.ends_with(['.', '!', '?', '。']) {
            ""
        } else {
            "."
        };
        match (self.hook, self.executed) {
            (Hook::PreCall, _)
                if matches!(self.cause, RefusalCause::Failed(Failure::Overload(_))) =>
            {
                format!("This {noun} was not sent: {why}{end} Try again later.")
            }
            (Hook::PreCall, _) => format!("This {noun} was not sent: {why}{end}"),
            (Hook::PostCall, true) => format!(
                "The {} and may have had its effect; its result is withheld: {why}{end} Do not retry.",
                if self.tool() {
                    "tool ran"
                } else {
                    "request was carried out"
                }
            ),
            (Hook::PostCall, false) => {
                format!("The {noun} was not sent, and the answer to it is withheld: {why}{end}")
            }
        }
    }
}

#[cfg(test)]
mod tests;

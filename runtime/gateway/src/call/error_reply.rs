//! Builds the gateway's own error replies.

use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};
use sandgate_message::{Call, Id, Json, Message, error_codes};
use serde::Serialize;

use crate::call::response::{ClientResponse, ClientResponseBody};
use sandgate_upstream::ServerError;

/// The code for "Session not found" that the MCP SDKs use.
const NO_SESSION: i64 = -32001;

/// The `data` of an error, which programs read.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Data<'a> {
    /// The call's id, as it stands in logs and traces.
    call_id: &'a str,
    /// The server's name.
    server: &'a str,
    /// How far the request got: `not-sent`, `unknown` or `executed`.
    reached: &'static str,
}

/// The reply where the server gave none that can be forwarded.
pub(crate) fn server_error(id: &Id, call: &Call, error: &ServerError) -> Message {
    let reached = match error {
        ServerError::NotFound { .. }
        | ServerError::Start { .. }
        | ServerError::BackingOff { .. }
        | ServerError::Unreachable { .. }
        | ServerError::WrongEra { .. }
        | ServerError::IdInUse { .. }
        | ServerError::Busy { .. }
        | ServerError::Crowded { .. }
        | ServerError::Closed { .. }
        | ServerError::Exchange { .. }
        | ServerError::Stopped { .. }
        | ServerError::SessionGone { .. } => "not-sent",
        _ => "unknown",
    };
    about(id, call, &error.to_string(), reached)
}

/// The reply where the server's answer is not a JSON-RPC reply.
pub(crate) fn no_reply(id: &Id, call: &Call, what: &str) -> Message {
    about(
        id,
        call,
        &format!("server {:?} gave no reply: {what}", call.server),
        "unknown",
    )
}

/// The reply where a record cannot be written and the policy is to refuse what cannot be recorded. `executed` says
/// whether the server carried the request out.
pub(crate) fn unwritten(id: &Id, call: &Call, executed: bool) -> Message {
    if executed {
        let text = "The request was carried out and may have had its effect; its reply is withheld, since the gateway cannot \
                    record it. Do not retry.";
        about(id, call, text, "executed")
    } else {
        about(
            id,
            call,
            "The request was not sent: the gateway cannot record it. Try again later.",
            "not-sent",
        )
    }
}

/// The reply where the gateway withholds the server's reply. The caller adds the request's id.
pub(crate) fn withheld(call: &Call, what: &str) -> Message {
    let text = format!(
        "The request was carried out and may have had its effect; its reply is withheld: {what}. Do not retry."
    );
    noted(call, error_codes::SERVER, &text, "executed")
}

/// The reply to a request that the gateway gave up after it may have reached the server. The caller adds the request's
/// id.
pub(crate) fn given_up(call: &Call, why: &str) -> Message {
    let text =
        format!("The request was given up, and may have had its effect: {why}. Do not retry.");
    noted(call, error_codes::SERVER, &text, "unknown")
}

/// The reply where the gateway is overloaded. The caller adds the request's id.
pub(crate) fn overloaded(call: &Call) -> Message {
    let why = "the gateway is overloaded, try again later";
    not_sent(call, error_codes::SERVER, why)
}

/// Turns a response into a 503 with `Retry-After: 1`.
pub(crate) fn later(mut response: ClientResponse) -> ClientResponse {
    response.status = StatusCode::SERVICE_UNAVAILABLE;
    let headers = &mut response.headers;
    headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

/// The reply to a request that the gateway does not forward. The caller adds the request's id.
pub(crate) fn not_sent(call: &Call, code: i64, why: &str) -> Message {
    noted(
        call,
        code,
        &format!("The request was not sent: {why}."),
        "not-sent",
    )
}

fn noted(call: &Call, code: i64, text: &str, reached: &'static str) -> Message {
    let data = Data {
        call_id: &call.id.0,
        server: &call.server,
        reached,
    };
    Message::error(None, code, text, Json::of(&data).ok().as_ref())
}

fn about(id: &Id, call: &Call, text: &str, reached: &'static str) -> Message {
    noted(call, error_codes::SERVER, text, reached).with_id(id)
}

/// An error that belongs to no call: nothing was forwarded.
pub(crate) fn error(status: StatusCode, id: Option<&Id>, code: i64, text: &str) -> ClientResponse {
    ClientResponse::new(
        status,
        ClientResponseBody::Message(Message::error(id, code, text, None)),
    )
}

/// The response to a modern request whose headers do not mirror its body.
pub(crate) fn mismatch(id: Option<&Id>, text: &str) -> ClientResponse {
    error(
        StatusCode::BAD_REQUEST,
        id,
        error_codes::HEADER_MISMATCH,
        &format!("header mismatch: {text}"),
    )
}

/// The response to a request that cannot be understood.
pub(crate) fn bad_request(id: Option<&Id>, text: &str) -> ClientResponse {
    error(
        StatusCode::BAD_REQUEST,
        id,
        error_codes::INVALID_REQUEST,
        text,
    )
}

/// The response for a session that is unknown, expired, or belongs to another endpoint or caller. All four look the
/// same to the client, so that a session's existence does not leak.
pub(crate) fn no_session(id: Option<&Id>) -> ClientResponse {
    error(
        StatusCode::NOT_FOUND,
        id,
        NO_SESSION,
        "no such session: initialize again",
    )
}

/// The response where a limit on concurrent work is reached.
pub(crate) fn busy(id: Option<&Id>, text: &str) -> ClientResponse {
    error(
        StatusCode::SERVICE_UNAVAILABLE,
        id,
        error_codes::SERVER,
        text,
    )
}

/// The reply for a method that this endpoint does not serve.
pub(crate) fn no_method(id: &Id, method: &str) -> Message {
    Message::error(
        Some(id),
        error_codes::METHOD_NOT_FOUND,
        &format!("no method {method:?} here"),
        None,
    )
}

/// The reply for params that name nothing that exists.
pub(crate) fn invalid_params(id: &Id, text: &str) -> Message {
    Message::error(Some(id), error_codes::INVALID_PARAMS, text, None)
}

/// The legacy era's error code for "Resource not found".
const NO_RESOURCE: i64 = -32002;

/// The reply to a request that names what is not there, or what its client may not use: nothing tells the two apart.
/// `merged` is whether the client asked the merged endpoint.
pub(crate) fn nowhere(id: &Id, method: &str, legacy: bool, merged: bool) -> Message {
    match (method, merged) {
        ("tools/call", true) => invalid_params(
            id,
            "unknown tool: tools here are called SERVER__TOOL, as tools/list names them",
        ),
        ("tools/call", false) => {
            invalid_params(id, "unknown tool: tools/list names those that are here")
        }
        ("prompts/get" | "completion/complete", true) => invalid_params(
            id,
            "unknown prompt: prompts here are called SERVER__PROMPT, as prompts/list names them",
        ),
        ("prompts/get", false) => {
            invalid_params(id, "unknown prompt: prompts/list names those that are here")
        }
        ("completion/complete", false) => invalid_params(id, "no such prompt or template here"),
        _ if method.starts_with("tasks/") => invalid_params(id, "no such task"),
        _ if legacy => Message::error(
            Some(id),
            NO_RESOURCE,
            "no server here has this resource",
            None,
        ),
        _ => invalid_params(id, "no server here has this resource"),
    }
}

/// The HTTP status that the modern era assigns to an error reply of the gateway.
pub(crate) fn modern_status(message: &Message) -> StatusCode {
    let code = message
        .failed()
        .then(|| message.payload().get("code")?.to::<i64>().ok())
        .flatten();
    match code {
        Some(error_codes::METHOD_NOT_FOUND) => StatusCode::NOT_FOUND,
        Some(error_codes::HEADER_MISMATCH | -32021 | error_codes::UNSUPPORTED_VERSION) => {
            StatusCode::BAD_REQUEST
        }
        _ => StatusCode::OK,
    }
}

/// The response where a client must begin with `initialize`. Plain text, because a JSON-RPC error would make the server
/// look modern.
pub(crate) fn legacy_only(error: &dyn std::fmt::Display) -> ClientResponse {
    ClientResponse::text(
        StatusCode::BAD_REQUEST,
        format!("{error}: begin with initialize\n"),
    )
}

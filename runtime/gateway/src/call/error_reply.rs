//! The one place in which the gateway's own troubles become words on the wire.

use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};
use sandgate_message::{Call, Id, Json, Message, error_codes};
use serde::Serialize;

use crate::call::response::{ClientResponse, ClientResponseBody};
use sandgate_upstream::ServerError;

/// "Session not found", as the SDKs have it.
const NO_SESSION: i64 = -32001;

/// What programs read in `data`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Data<'a> {
    call_id: &'a str,
    server: &'a str,
    reached: &'static str,
}

/// The server gave no reply that can be passed on.
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
        | ServerError::SessionGone { .. } => "not-sent",
        _ => "unknown",
    };
    about(id, call, &error.to_string(), reached)
}

/// The server answered with something that is no reply.
pub(crate) fn no_reply(id: &Id, call: &Call, what: &str) -> Message {
    about(
        id,
        call,
        &format!("server {:?} gave no reply: {what}", call.server),
        "unknown",
    )
}

/// The record of a call cannot be written, and the policy is to refuse what cannot be recorded.
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

/// What came back cannot pass on, for a reason of the gateway's own. The id is the asker's to add.
pub(crate) fn withheld(call: &Call, what: &str) -> Message {
    let text = format!(
        "The request was carried out and may have had its effect; its reply is withheld: {what}. Do not retry."
    );
    noted(call, error_codes::SERVER, &text, "executed")
}

/// The gateway has more to do than it can. The id is the asker's to add.
pub(crate) fn overloaded(call: &Call) -> Message {
    let why = "the gateway is overloaded, try again later";
    not_sent(call, error_codes::SERVER, why)
}

/// A reply of HTTP to what is to be tried again: the client is told when.
pub(crate) fn later(mut response: ClientResponse) -> ClientResponse {
    response.status = StatusCode::SERVICE_UNAVAILABLE;
    let headers = &mut response.headers;
    headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

/// A request that does not go on, for a reason of the gateway's own. The id is the asker's to add.
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

/// An error that concerns no call: nothing was forwarded.
pub(crate) fn error(status: StatusCode, id: Option<&Id>, code: i64, text: &str) -> ClientResponse {
    ClientResponse::new(
        status,
        ClientResponseBody::Message(Message::error(id, code, text, None)),
    )
}

/// A modern request whose headers do not mirror its body.
pub(crate) fn mismatch(id: Option<&Id>, text: &str) -> ClientResponse {
    error(
        StatusCode::BAD_REQUEST,
        id,
        error_codes::HEADER_MISMATCH,
        &format!("header mismatch: {text}"),
    )
}

/// A request that cannot be understood.
pub(crate) fn bad_request(id: Option<&Id>, text: &str) -> ClientResponse {
    error(
        StatusCode::BAD_REQUEST,
        id,
        error_codes::INVALID_REQUEST,
        text,
    )
}

/// The session is unknown, expired, another endpoint's or another caller's: all the same to the one who asks.
pub(crate) fn no_session(id: Option<&Id>) -> ClientResponse {
    error(
        StatusCode::NOT_FOUND,
        id,
        NO_SESSION,
        "no such session: initialize again",
    )
}

/// More than is allowed at once.
pub(crate) fn busy(id: Option<&Id>, text: &str) -> ClientResponse {
    error(
        StatusCode::SERVICE_UNAVAILABLE,
        id,
        error_codes::SERVER,
        text,
    )
}

/// A method that is not served here.
pub(crate) fn no_method(id: &Id, method: &str) -> Message {
    Message::error(
        Some(id),
        error_codes::METHOD_NOT_FOUND,
        &format!("no method {method:?} here"),
        None,
    )
}

/// Params that name nothing that exists.
pub(crate) fn invalid_params(id: &Id, text: &str) -> Message {
    Message::error(Some(id), error_codes::INVALID_PARAMS, text, None)
}

/// The HTTP status that the modern era gives an error the gateway itself answers with.
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

/// Plain text: a JSON-RPC error would look as if the server were modern.
pub(crate) fn legacy_only(error: &ServerError) -> ClientResponse {
    ClientResponse::text(
        StatusCode::BAD_REQUEST,
        format!("{error}: begin with initialize\n"),
    )
}

//! The errors of a server.

use std::sync::Arc;
use std::time::Duration;

/// Why a server gave no answer. The displayed text is for clients: it names the server as the configuration does, and
/// reveals nothing about the machine or the network. [`Self::detail`] is for the operator. Neither repeats a payload.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ServerError {
    /// The program does not exist.
    #[error("server {server:?} could not be started; the gateway's log says why")]
    #[allow(missing_docs)]
    NotFound { server: Arc<str>, program: String },
    /// The program exists but cannot be run.
    #[error("server {server:?} could not be started; the gateway's log says why")]
    #[allow(missing_docs)]
    Start { server: Arc<str>, why: String },
    /// The process ended while it was needed.
    #[error("server {server:?} ended while it was needed{}; the gateway's log says more", by(.limit))]
    #[allow(missing_docs)]
    Exited {
        server: Arc<str>,
        status: String,
        /// The limit of a contained program that it had reached.
        limit: Option<String>,
    },
    /// The process repeatedly exited before its first message, so the next start is delayed.
    #[error("server {server:?} keeps exiting at its start; it is tried again in {} s", .retry_in.as_secs_f32().ceil())]
    #[allow(missing_docs)]
    BackingOff {
        server: Arc<str>,
        retry_in: Duration,
    },
    /// The server has not answered its first request yet.
    #[error("server {server:?} is starting; try again in a few seconds")]
    #[allow(missing_docs)]
    Starting { server: Arc<str> },
    /// The server does not answer the gateway's probes.
    #[error("server {server:?} is down; it is tried again in {} s", .retry_in.as_secs_f32().ceil())]
    #[allow(missing_docs)]
    Down {
        server: Arc<str>,
        retry_in: Duration,
    },
    /// No connection could be made.
    #[error("server {server:?} cannot be reached; the gateway's log says why")]
    #[allow(missing_docs)]
    Unreachable { server: Arc<str>, why: String },
    /// The server sent nothing within the time limit.
    #[error("server {server:?} said nothing for {} s", .after.as_secs_f32())]
    #[allow(missing_docs)]
    Timeout { server: Arc<str>, after: Duration },
    /// The server sent something that is not MCP; `why` says what.
    #[error("server {server:?} sent something that is not MCP; the gateway's log says what")]
    #[allow(missing_docs)]
    Garbage { server: Arc<str>, why: String },
    /// The server sent a message over the limit, in bytes.
    #[error(
        "server {server:?} sent more than {limit} bytes in one message; raise the limit if that is its way"
    )]
    #[allow(missing_docs)]
    TooLarge { server: Arc<str>, limit: usize },
    /// The server wants credentials.
    #[error(
        "server {server:?} answered 401: it wants credentials; give them in its `headers`, or let clients bring their own \
         with `forward-authorization = true`"
    )]
    #[allow(missing_docs)]
    Unauthorised { server: Arc<str> },
    /// The client's token could not be exchanged for one of the server's.
    #[error(
        "server {server:?} takes tokens of its own, and there is none for this client at the moment; the gateway's log \
         says why"
    )]
    #[allow(missing_docs)]
    Exchange { server: Arc<str>, why: String },
    /// The stream ended before the reply, or inside an event.
    #[error(
        "server {server:?} broke off before its reply was whole; whether it acted is not known"
    )]
    #[allow(missing_docs)]
    Cut { server: Arc<str> },
    /// The legacy session is over: the client has to initialize again.
    #[error("the session with server {server:?} is over; initialize again")]
    #[allow(missing_docs)]
    SessionGone { server: Arc<str> },
    /// The server does not speak the era of the message.
    #[error("server {server:?} does not speak the {era} protocol")]
    #[allow(missing_docs)]
    WrongEra { server: Arc<str>, era: &'static str },
    /// A request with this id is in flight in this conversation.
    #[error("a request with this id is already under way with server {server:?}; use another id")]
    #[allow(missing_docs)]
    IdInUse { server: Arc<str> },
    /// The server has as many requests in flight as allowed.
    #[error("server {server:?} has {limit} requests under way; try again when one has ended")]
    #[allow(missing_docs)]
    Busy { server: Arc<str>, limit: usize },
    /// The gateway has no memory for what the server sends.
    #[error(
        "what server {server:?} sent was dropped: the gateway holds as many bytes of messages as it may"
    )]
    #[allow(missing_docs)]
    Memory { server: Arc<str> },
    /// The server has as many child processes as allowed.
    #[error(
        "server {server:?} has {limit} child processes, as many as it may have; try again when a session has ended"
    )]
    #[allow(missing_docs)]
    Crowded { server: Arc<str>, limit: usize },
    /// Messages for this request came faster than they were read.
    #[error("messages of server {server:?} were not read for {} s, so the request was given up", .after.as_secs_f32())]
    #[allow(missing_docs)]
    Unread { server: Arc<str>, after: Duration },
    /// The gateway's operator has stopped the server.
    #[error("server {server:?} is stopped by the gateway's operator")]
    #[allow(missing_docs)]
    Stopped { server: Arc<str> },
    /// The client cancelled the request and no reply came.
    #[error("the request to server {server:?} was cancelled")]
    #[allow(missing_docs)]
    Cancelled { server: Arc<str> },
    /// The gateway has closed the conversation or the server.
    #[error("the conversation with server {server:?} is closed")]
    #[allow(missing_docs)]
    Closed { server: Arc<str> },
}

impl ServerError {
    /// The error with details that only the operator may know: programs, addresses, and the system's error texts.
    pub fn detail(&self) -> String {
        match self {
            Self::NotFound { server, program } => format!(
                "server {server:?}: no program {program:?} on PATH or at that path; install it or correct `command`"
            ),
            Self::Start { server, why } => format!(
                "server {server:?} could not be started: {why}; check `command`, `cwd` and the file's permissions"
            ),
            Self::Exited {
                server,
                status,
                limit,
            } => match limit {
                Some(limit) => format!(
                    "server {server:?} exited ({status}): it reached its limit {limit}; raise it in `contain`, if the \
                     server needs more"
                ),
                None => {
                    format!("server {server:?} exited ({status}); its own words are in the log")
                }
            },
            Self::Unreachable { server, why } => format!(
                "server {server:?} cannot be reached: {why}; check its `url` and that it runs"
            ),
            Self::Exchange { server, why } => format!(
                "server {server:?}: the client's token was not exchanged: {why}; check `exchange`"
            ),
            Self::Garbage { server, why } => {
                format!("server {server:?} sent something that is not MCP: {why}")
            }
            other => other.to_string(),
        }
    }
}

fn by(limit: &Option<String>) -> String {
    match limit {
        Some(limit) => format!(" by its limit {limit}"),
        None => String::new(),
    }
}

/// Whether an error suggests that the server is down, and not that it rejects the request.
pub fn hints_at_absence(error: &ServerError) -> bool {
    matches!(
        error,
        ServerError::NotFound { .. }
            | ServerError::Start { .. }
            | ServerError::Exited { .. }
            | ServerError::BackingOff { .. }
            | ServerError::Unreachable { .. }
            | ServerError::Timeout { .. }
            | ServerError::Starting { .. }
            | ServerError::Down { .. }
            | ServerError::Stopped { .. }
    )
}

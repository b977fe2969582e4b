//! Probes which era a server speaks, with a request that only the modern era knows.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use sandgate_message::{Era, Id, Json, Message, Shape};

use super::definitions::modern_meta;
use super::facts::ServerFacts;
use super::http::Channel;
use super::http::client::HttpClient;
use super::stdio;
use super::stdio::child::Child;
use super::watch::{Notes, Watch};
use super::{Answer, Body, ServerError};
use crate::own_request::initialize_params;
use sandgate_wire::Budget;
use sandgate_wire::era::FIRST_MODERN;

/// The result of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The server answered as a modern one. `legacy` says whether it names older versions too; a server that names none
    /// may still speak them.
    Modern { legacy: bool },
    /// The server does not know the request.
    Legacy,
    /// The server is up, but its answer does not tell its eras.
    Undecided,
}

/// How long to wait before a silent server is asked to initialize as well: some legacy servers ignore a request before
/// it.
const SILENCE: Duration = Duration::from_secs(1);

/// Probes a child, first as the modern era does. A silent child is asked to initialize as well: a legacy server, or a
/// program that is still being fetched, then answers the requests in order.
///
/// # Errors
///
/// The child ended, or answered neither request within `wait`.
pub(super) async fn child(
    child: &Child,
    known: &Arc<ServerFacts>,
    wait: Duration,
) -> Result<Verdict, ServerError> {
    let discover = async {
        match put(child, known, discover(), wait).await {
            Ok(answer) => Ok(judge(answer).await),
            Err(error) => Err(error),
        }
    };
    let initialize = async {
        tokio::time::sleep(SILENCE).await;
        put(child, known, initialize(), wait).await?;
        // The answer to the first request, if any, precedes this one in the pipe.
        tokio::time::sleep(SILENCE / 4).await;
        Ok(Verdict::Legacy)
    };
    tokio::select! {
        biased;
        verdict = discover => verdict,
        verdict = initialize => verdict,
    }
}

/// Asks a child to initialize, and nothing else.
///
/// # Errors
///
/// The child ended, or did not answer within `wait`.
pub(super) async fn child_of_legacy(
    child: &Child,
    known: &Arc<ServerFacts>,
    wait: Duration,
) -> Result<Verdict, ServerError> {
    put(child, known, initialize(), wait).await?;
    known.speaks(Era::Legacy);
    Ok(Verdict::Undecided)
}

async fn put(
    child: &Child,
    known: &Arc<ServerFacts>,
    question: Message,
    wait: Duration,
) -> Result<Answer, ServerError> {
    let asked = stdio::request::request(child, 0, &question, watch(known), None);
    match tokio::time::timeout(wait, asked).await {
        Ok(answer) => answer,
        Err(_) => Err(ServerError::Timeout {
            server: child.server().clone(),
            after: wait,
        }),
    }
}

fn watch(known: &Arc<ServerFacts>) -> Watch {
    Watch::new(
        Era::Legacy,
        &Arc::<Notes>::default(),
        known,
        &Arc::default(),
        None,
        &Budget::unbounded(),
    )
}

/// Probes an HTTP server. Any answer shows that the server is up.
///
/// # Errors
///
/// The server cannot be reached, did not answer within `start-timeout`, or rejects the gateway's credentials.
pub(super) async fn remote(
    remote: &HttpClient,
    known: &Arc<ServerFacts>,
) -> Result<Verdict, ServerError> {
    let channel = Channel::new(remote.clone(), Era::Modern);
    let (question, none) = (discover(), HeaderMap::new());
    let asked = async {
        match channel.request(&question, &none, watch(known)).await {
            // The server does not tell its eras to unauthorized callers.
            Ok(answer) if matches!(answer.status.as_u16(), 401 | 403) => Ok(Verdict::Undecided),
            Ok(answer) => Ok(judge(answer).await),
            Err(ServerError::Garbage { .. } | ServerError::Cut { .. }) => Ok(Verdict::Legacy),
            Err(error) => Err(error),
        }
    };
    let after = remote.config.start_timeout;
    match tokio::time::timeout(after, asked).await {
        Ok(verdict) => verdict,
        Err(_) => Err(ServerError::Timeout {
            server: remote.name().clone(),
            after,
        }),
    }
}

fn discover() -> Message {
    question(
        1,
        "server/discover",
        &serde_json::json!({ "_meta": modern_meta() }),
    )
}

fn initialize() -> Message {
    Message::request(&Id::number(2), "initialize", &initialize_params())
}

fn question(id: u64, method: &str, params: &serde_json::Value) -> Message {
    let params = Json::of(params).unwrap_or_else(|_| Json::empty_object());
    Message::request(&Id::number(id), method, &params)
}

async fn judge(answer: Answer) -> Verdict {
    let reply = match answer.body {
        Body::Message(reply) => reply,
        Body::Stream(events) => match events.reply().await {
            Some(reply) => reply,
            None => return Verdict::Undecided,
        },
        Body::Empty => return Verdict::Legacy,
    };
    let versions = match reply.shape() {
        // A result without versions comes from a server that answers anything.
        Shape::Result { .. } => match reply.payload().get("supportedVersions") {
            Some(versions) => Some(versions),
            None => return Verdict::Legacy,
        },
        // Only the modern era has these codes: the server knows the request but has another objection.
        _ => match reply.payload().root().get("code").map(|code| code.as_str()) {
            Some("-32020" | "-32021" | "-32022") => reply.payload().at("/data/supported"),
            _ => return Verdict::Legacy,
        },
    };
    let older = |version: &str| version < FIRST_MODERN;
    let legacy = versions.is_some_and(|all| {
        all.root()
            .elements()
            .any(|v| v.string().is_some_and(|v| older(&v)))
    });
    Verdict::Modern { legacy }
}

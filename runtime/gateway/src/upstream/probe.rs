//! Which era a server speaks, found out by asking it what only the modern era knows.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use sandgate_message::{Era, Id, Json, Limits, Message, Shape};

use super::child::Child;
use super::definitions::modern_meta;
use super::http::Channel;
use super::remote::Remote;
use super::server::Known;
use super::stdio;
use super::watch::{Notes, Watch};
use super::{Answer, Body, ServerError};
use crate::admission::Budget;
use crate::era::FIRST_MODERN;

/// What the question brought to light.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It answered. `legacy`: it says that it speaks older versions too; if it does not say so, it may still.
    Modern { legacy: bool },
    /// It answered as one that does not know the question.
    Legacy,
    /// It did not answer, or went away. Legacy servers do that too, but so does a slow one.
    Silent,
}

/// Asks a child. Fails only where the question could not be put at all.
pub(super) async fn child(
    child: &Child,
    known: &Arc<Known>,
    wait: Duration,
) -> Result<Verdict, ServerError> {
    let Some(question) = question() else {
        return Ok(Verdict::Silent);
    };
    let watch = Watch::new(
        Era::Legacy,
        &Arc::<Notes>::default(),
        known,
        &Arc::default(),
        None,
        &Budget::unbounded(),
    );
    match tokio::time::timeout(wait, stdio::request(child, 0, &question, watch, wait)).await {
        Ok(Ok(answer)) => Ok(judge(answer).await),
        Ok(Err(_)) | Err(_) => Ok(Verdict::Silent),
    }
}

/// Asks an HTTP server. Fails where it cannot be reached.
pub(super) async fn remote(remote: &Remote, known: &Arc<Known>) -> Result<Verdict, ServerError> {
    let Some(question) = question() else {
        return Ok(Verdict::Silent);
    };
    let channel = Channel::new(remote.clone(), Era::Modern);
    let watch = Watch::new(
        Era::Legacy,
        &Arc::<Notes>::default(),
        known,
        &Arc::default(),
        None,
        &Budget::unbounded(),
    );
    match channel.request(&question, &HeaderMap::new(), watch).await {
        // Who may ask it, it does not say to everybody.
        Ok(answer) if matches!(answer.status.as_u16(), 401 | 403) => Err(remote.unauthorised()),
        Ok(answer) => Ok(judge(answer).await),
        Err(ServerError::Garbage { .. } | ServerError::Cut { .. }) => Ok(Verdict::Legacy),
        Err(error) => Err(error),
    }
}

fn question() -> Option<Message> {
    let params = serde_json::json!({ "_meta": modern_meta() });
    let params = Json::parse(params.to_string(), &Limits::default()).ok()?;
    Some(Message::request(&Id::number(1), "server/discover", &params))
}

async fn judge(answer: Answer) -> Verdict {
    let reply = match answer.body {
        Body::Message(reply) => reply,
        Body::Stream(arrivals) => match arrivals.reply().await {
            Some(reply) => reply,
            None => return Verdict::Silent,
        },
        Body::Empty => return Verdict::Legacy,
    };
    let versions = match reply.shape() {
        // Anything else is the answer of a server that answers anything.
        Shape::Result { .. } => match reply.payload().get("supportedVersions") {
            Some(versions) => Some(versions),
            None => return Verdict::Legacy,
        },
        // Codes that only the modern era has: it knows the question and has another objection.
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

//! Conversations with a stdio server, over a child of their own or a shared one.

pub(crate) mod backoff;
pub(crate) mod child;
pub(crate) mod contained;
pub(crate) mod process;
pub(crate) mod reaper;
pub(crate) mod request;
pub(crate) mod tasks;

use std::collections::VecDeque;
use std::sync::Arc;

use http::StatusCode;
use sandgate_message::Message;

use crate::share::session::SharedSession;
use crate::stdio::child::Child;
use crate::watch::Watch;
use crate::{Answer, Body, Server, ServerError};

use crate::stdio::request::{Source, answer, request};

/// A conversation's access to a child.
#[derive(Debug)]
pub(crate) enum Channel {
    Own(Arc<Child>),
    /// The shared child of modern conversations, and the conversation's number, which tells equal ids of two clients
    /// apart.
    Shared(Arc<Server>, u64),
    /// A legacy session's place at a child that sessions share.
    SharedSession(Box<SharedSession>),
}

impl Channel {
    pub(crate) async fn request(
        &self,
        message: &Message,
        watch: Watch,
    ) -> Result<Answer, ServerError> {
        match self {
            Self::Own(child) => request(child, 0, message, watch, None).await,
            Self::Shared(server, conversation) => {
                let child = server.shared_child().await?;
                request(&child, *conversation, message, watch, None).await
            }
            Self::SharedSession(session) => Box::pin(session.request(message, watch)).await,
        }
    }

    pub(crate) async fn send(&self, message: &Message) -> Result<Answer, ServerError> {
        let (child, conversation) = match self {
            Self::Own(child) => (child.clone(), 0),
            Self::Shared(server, conversation) => (server.shared_child().await?, *conversation),
            Self::SharedSession(session) => return session.send(message).await,
        };
        if let Some(message) = child.demux.outgoing(conversation, message) {
            child.write(&message).await?;
        }
        Ok(answer(StatusCode::ACCEPTED, Body::Empty))
    }

    pub(crate) async fn listen(
        &self,
        server: &Arc<str>,
        watch: Watch,
    ) -> Result<Answer, ServerError> {
        let queue = match self {
            Self::Own(child) => child.demux.listen(0, watch.budget())?,
            Self::Shared(server, _) => {
                let child = server.shared_child().await?;
                child.demux.listen(0, watch.budget())?
            }
            Self::SharedSession(session) => session.listen(watch.budget())?,
        };
        let source = Source {
            early: VecDeque::new(),
            queue,
            ticket: None,
            watch,
            silence: None,
            server: server.clone(),
        };
        Ok(answer(StatusCode::OK, Body::Stream(source.into_events())))
    }

    pub(crate) async fn close(&self) {
        match self {
            Self::Own(child) => child.close().await,
            Self::Shared(..) => {}
            Self::SharedSession(session) => session.leave(),
        }
    }
}

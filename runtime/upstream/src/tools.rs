//! Lists a server's tools for an operator, without a client.

use std::sync::Arc;

use http::HeaderMap;
use sandgate_message::{Era, Id, Json, Message, Shape};
use serde_json::json;

use super::answer::Body;
use super::definitions::{cursor, list_params};
use super::era::LEGACY;
use super::{Asker, Conversation, Server, ServerError};

/// The most pages of one list.
const MOST_PAGES: usize = 64;

impl Server {
    /// The definitions of the server's tools, as the server gives them to an anonymous caller. Opens a conversation of
    /// its own and closes it.
    ///
    /// # Errors
    ///
    /// The server is down, or its answer is missing or unusable.
    pub async fn tools(self: &Arc<Self>) -> Result<Vec<Json>, ServerError> {
        let era = match self.probe().await?.modern {
            Some(true) => Era::Modern,
            _ => Era::Legacy,
        };
        let conversation = self.converse(era, &Asker::default()).await?;
        let tools = list(&conversation).await;
        conversation.close().await;
        tools
    }
}

async fn list(conversation: &Conversation) -> Result<Vec<Json>, ServerError> {
    if conversation.era() == Era::Legacy {
        let params = Json::of(&json!({
            "protocolVersion": LEGACY[0],
            "capabilities": {},
            "clientInfo": { "name": "sandgate", "version": env!("CARGO_PKG_VERSION") },
        }));
        let params = params.unwrap_or_else(|_| Json::empty_object());
        ask(conversation, "initialize", &params).await?;
        let begun = Message::notification("notifications/initialized", &Json::empty_object());
        conversation.send(&begun, &HeaderMap::new()).await?;
    }
    let mut tools = Vec::new();
    let mut next = None;
    for _ in 0..MOST_PAGES {
        let params = list_params(conversation.era(), next.as_deref());
        let params = params.unwrap_or_else(Json::empty_object);
        let page = ask(conversation, "tools/list", &params).await?;
        let listed = page.root().get("tools");
        let listed = listed.into_iter().flat_map(|tools| tools.elements());
        tools.extend(listed.map(|tool| tool.to_json()));
        next = cursor(&page);
        if next.is_none() {
            return Ok(tools);
        }
    }
    Err(unusable(
        conversation,
        format!("its list of tools has more than {MOST_PAGES} pages"),
    ))
}

/// The result of a request.
async fn ask(
    conversation: &Conversation,
    method: &str,
    params: &Json,
) -> Result<Json, ServerError> {
    let id = Id::number(u64::from(rand::random::<u32>()));
    let request = Message::request(&id, method, params);
    let answer = conversation.request(&request, &HeaderMap::new()).await?;
    let reply = match answer.body {
        Body::Message(reply) => Some(reply),
        Body::Stream(events) => events.reply().await,
        Body::Empty => None,
    };
    match reply {
        Some(reply) if matches!(reply.shape(), Shape::Result { .. }) => Ok(reply.payload().clone()),
        Some(_) => Err(unusable(
            conversation,
            format!("it answered {method} with an error"),
        )),
        None => Err(unusable(
            conversation,
            format!("it did not answer {method}"),
        )),
    }
}

fn unusable(conversation: &Conversation, why: String) -> ServerError {
    ServerError::Garbage {
        server: conversation.server().name().clone(),
        why,
    }
}

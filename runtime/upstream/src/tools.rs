//! Asks a server for an operator, without a client.

use std::sync::Arc;

use http::HeaderMap;
use sandgate_message::{Era, Json, Message, Method};

use super::definitions::{cursor, list_params, modern_meta};
use super::own_request::{MOST_PAGES, ask, initialize_params, reply, unusable};
use super::{Asker, Conversation, Server, ServerError};

impl Server {
    /// The definitions of the server's tools, as the server gives them to an anonymous caller. Opens a conversation of
    /// its own and closes it.
    ///
    /// # Errors
    ///
    /// The server is down, or its answer is missing or unusable.
    pub async fn tools(self: &Arc<Self>) -> Result<Vec<Json>, ServerError> {
        self.listed("tools/list").await
    }

    /// What the server lists by this method (`prompts/list` and so on), as it gives it to an anonymous caller. Opens a
    /// conversation of its own and closes it.
    ///
    /// # Errors
    ///
    /// The server is down, has no such list, or its answer is missing or unusable.
    pub async fn listed(self: &Arc<Self>, method: &str) -> Result<Vec<Json>, ServerError> {
        let conversation = self.conversation_of_an_operator().await?;
        let listed = list(&conversation, method).await;
        conversation.close().await;
        listed
    }

    /// The server's reply to one request, as an anonymous caller gets it: a result or an error. Opens a conversation of
    /// its own and closes it.
    ///
    /// # Errors
    ///
    /// The server is down, or does not answer.
    pub async fn request(
        self: &Arc<Self>,
        method: &str,
        params: &serde_json::Value,
    ) -> Result<Message, ServerError> {
        let conversation = self.conversation_of_an_operator().await?;
        let mut params = params.clone();
        if conversation.era() == Era::Modern {
            params["_meta"] = modern_meta();
        }
        let params = Json::of(&params).unwrap_or_else(|_| Json::empty_object());
        let reply = reply(&conversation, method, &params, &HeaderMap::new()).await;
        conversation.close().await;
        reply
    }

    async fn conversation_of_an_operator(
        self: &Arc<Self>,
    ) -> Result<Arc<Conversation>, ServerError> {
        let era = match self.probe().await?.modern {
            Some(true) => Era::Modern,
            _ => Era::Legacy,
        };
        let conversation = self.converse(era, &Asker::default()).await?;
        if era == Era::Legacy {
            let none = HeaderMap::new();
            ask(&conversation, "initialize", &initialize_params(), &none).await?;
            let begun = Message::notification("notifications/initialized", &Json::empty_object());
            conversation.send(&begun, &none).await?;
        }
        Ok(conversation)
    }
}

async fn list(conversation: &Conversation, method: &str) -> Result<Vec<Json>, ServerError> {
    let member = Method::new(method).list_member().unwrap_or_default();
    let none = HeaderMap::new();
    let mut tools = Vec::new();
    let mut next = None;
    for _ in 0..MOST_PAGES {
        let params = list_params(conversation.era(), next.as_deref());
        let params = params.unwrap_or_else(Json::empty_object);
        let page = ask(conversation, method, &params, &none).await?;
        let listed = page.root().get(member);
        let listed = listed.into_iter().flat_map(|tools| tools.elements());
        tools.extend(listed.map(|tool| tool.to_json()));
        next = cursor(&page);
        if next.is_none() {
            return Ok(tools);
        }
    }
    Err(unusable(
        conversation,
        format!("its list of {member} has more than {MOST_PAGES} pages"),
    ))
}

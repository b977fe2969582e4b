//! Fetches definitions that are not known yet, within bounds of time and pages.

use std::time::Duration;

use http::HeaderMap;
use sandgate_message::{Id, Json, Message, Shape};
use tokio::time::Instant;

use super::answer::Body;
use super::conversation::Conversation;
use super::definitions::{Definitions, cursor, list_params, member_of};

/// The most pages fetched of one list.
const MOST_PAGES: usize = 64;
/// The time limit for all pages together.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a list is not fetched again for a target that it lacked.
const REMEMBERED: Duration = Duration::from_secs(30);

impl Definitions {
    /// The definition that a request of this method is about. An unknown one is fetched with the server's list, within
    /// bounds of time and pages. A list that lacks the target is not fetched again for 30 seconds.
    pub async fn fetch(
        &self,
        conversation: &Conversation,
        method: &str,
        target: &str,
        headers: &HeaderMap,
    ) -> Option<Json> {
        if let Some(known) = self.get(method, target) {
            return Some(known);
        }
        let member = member_of(method)?;
        let _asking = self.asking.lock().await;
        // Another caller may have fetched the list meanwhile.
        if let Some(known) = self.get(method, target) {
            return Some(known);
        }
        if self
            .asked
            .lock()
            .get(member)
            .is_some_and(|at| at.elapsed() < REMEMBERED)
        {
            return None;
        }
        // Boxed because the future is large and rarely polled, while every call contains this one.
        let asking = Box::pin(self.ask(conversation, member, headers));
        let answered = tokio::time::timeout(PATIENCE, asking).await;
        if !matches!(answered, Ok(Some(()))) {
            tracing::debug!(member, "the server did not list what it offers");
        }
        self.asked.lock().insert(member, Instant::now());
        self.get(method, target)
    }

    async fn ask(
        &self,
        conversation: &Conversation,
        member: &'static str,
        headers: &HeaderMap,
    ) -> Option<()> {
        let method = match member {
            "tools" => "tools/list",
            "prompts" => "prompts/list",
            "resourceTemplates" => "resources/templates/list",
            _ => "resources/list",
        };
        let mut next = None;
        for _ in 0..MOST_PAGES {
            let id = Id::from_json(&Json::string(&format!(
                "sandgate-{:016x}",
                rand::random::<u64>()
            )))?;
            let params = list_params(conversation.era(), next.as_deref())?;
            let request = Message::request(&id, method, &params);
            let answer = conversation.request(&request, headers).await.ok()?;
            let reply = match answer.body {
                Body::Message(reply) => reply,
                Body::Stream(events) => events.reply().await?,
                Body::Empty => return None,
            };
            // The conversation has already learnt from the reply.
            let Shape::Result { .. } = reply.shape() else {
                return None;
            };
            next = cursor(reply.payload());
            if next.is_none() {
                return Some(());
            }
        }
        self.settle(member, &next?);
        Some(())
    }
}

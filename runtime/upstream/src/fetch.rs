//! Fetches definitions that are not known yet, within bounds of time and pages.

use std::time::Duration;

use http::HeaderMap;
use sandgate_message::Json;
use tokio::time::Instant;

use super::conversation::Conversation;
use super::definitions::{Definitions, cursor, list_params, member_of};
use super::own_request::{MOST_PAGES, ask};

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
            let params = list_params(conversation.era(), next.as_deref())?;
            // The conversation learns from the page.
            let page = ask(conversation, method, &params, headers).await.ok()?;
            next = cursor(&page);
            if next.is_none() {
                return Some(());
            }
        }
        self.settle(member, &next?);
        Some(())
    }
}

//! What a server was last seen to offer.

use http::HeaderMap;
use sandgate_message::Json;

use super::Conversation;

/// The definitions of tools, prompts, resources and resource templates, exactly as the server gave them.
#[derive(Debug, Default)]
pub struct Definitions {}

impl Definitions {
    /// Takes in a page of a list (`tools/list` …). A first page (`continued` false: the request had no cursor) replaces
    /// what was known. Other methods are ignored. Conversations do this by themselves.
    pub fn learn(&self, method: &str, continued: bool, result: &Json) {
        let _ = (method, continued, result);
        todo!()
    }
    /// The definition that a request of this method is about: `target` is a tool's or prompt's name, or a resource's
    /// URI.
    pub fn get(&self, method: &str, target: &str) -> Option<Json> {
        let _ = (method, target);
        todo!()
    }
    /// The same; where nothing of the kind was ever seen, the server is asked for its list first. A list that lacks the
    /// target is not asked for again until some time has passed.
    pub async fn fetch(
        &self,
        conversation: &Conversation,
        method: &str,
        target: &str,
        headers: &HeaderMap,
    ) -> Option<Json> {
        let _ = (conversation, method, target, headers);
        todo!()
    }
    /// Forgets a member (`tools`, `prompts`, `resources`, `resourceTemplates`) after its list has changed.
    /// Conversations do this by themselves.
    pub fn forget(&self, member: &str) {
        let _ = member;
        todo!()
    }
}

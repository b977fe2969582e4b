//! What a server was last seen to offer.

use std::collections::HashMap;
use std::time::Duration;

use http::HeaderMap;
use parking_lot::{Mutex, RwLock};
use sandgate_message::{Era, Id, Json, Limits, Message, Method, Shape};
use tokio::time::Instant;

use super::{Body, Conversation};
use crate::era;

/// Definitions kept of one member; what comes after is not kept.
const MOST: usize = 10_000;
/// Bytes of lists kept of one member.
const MOST_BYTES: usize = 16 << 20;
/// Pages asked for in one go.
const MOST_PAGES: usize = 64;
/// For all pages together.
const PATIENCE: Duration = Duration::from_secs(10);
/// A target that a list lacked is not looked for again before.
const REMEMBERED: Duration = Duration::from_secs(30);

/// The definitions of tools, prompts, resources and resource templates, exactly as the server gave them.
#[derive(Debug, Default)]
pub struct Definitions {
    members: RwLock<HashMap<&'static str, Seen>>,
    /// One asks, the others wait for what it learns.
    asking: tokio::sync::Mutex<()>,
    /// When each member was last asked for.
    asked: Mutex<HashMap<&'static str, Instant>>,
}

#[derive(Debug, Default)]
struct Seen {
    by_name: HashMap<Box<str>, Json>,
    bytes: usize,
}

impl Definitions {
    /// Takes in a page of a list (`tools/list` …). A first page (`continued` false: the request had no cursor) replaces
    /// what was known. Other methods are ignored. Conversations do this by themselves.
    pub fn learn(&self, method: &str, continued: bool, result: &Json) {
        let Some(member) = Method::new(method).list_member() else {
            return;
        };
        let Some(list) = result.root().get(member) else {
            return;
        };
        let mut members = self.members.write();
        let seen = members.entry(member).or_default();
        if !continued {
            *seen = Seen::default();
        }
        seen.bytes += result.as_str().len();
        if seen.bytes > MOST_BYTES {
            tracing::warn!(
                member,
                "a list is larger than {MOST_BYTES} bytes; the rest of it is not kept"
            );
            return;
        }
        for item in list.elements() {
            if let Some(name) = item.get(naming(member)).and_then(|node| node.string())
                && seen.by_name.len() < MOST
            {
                seen.by_name.insert(name.into(), item.to_json());
            }
        }
    }

    /// The definition that a request of this method is about: `target` is a tool's or prompt's name, or a resource's
    /// URI.
    pub fn get(&self, method: &str, target: &str) -> Option<Json> {
        let member = member_of(method)?;
        self.members
            .read()
            .get(member)?
            .by_name
            .get(target)
            .cloned()
    }

    /// The same; where it is not known, the server is asked for its list first. A list that lacks the target is not
    /// asked for again until some time has passed. Bounded in time and pages.
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
        // Another may have asked meanwhile.
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
        let answered =
            tokio::time::timeout(PATIENCE, self.ask(conversation, member, headers)).await;
        if !matches!(answered, Ok(Some(()))) {
            tracing::debug!(member, "the server did not list what it offers");
        }
        self.asked.lock().insert(member, Instant::now());
        self.get(method, target)
    }

    /// Forgets a member (`tools`, `prompts`, `resources`, `resourceTemplates`) after its list has changed.
    /// Conversations do this by themselves.
    pub fn forget(&self, member: &str) {
        self.members.write().remove(member);
        // What was not there may be there now.
        self.asked.lock().remove(member);
    }

    /// The URI templates last seen.
    pub fn templates(&self) -> Vec<Box<str>> {
        let members = self.members.read();
        let seen = members.get("resourceTemplates");
        seen.map(|seen| seen.by_name.keys().cloned().collect())
            .unwrap_or_default()
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
                Body::Stream(arrivals) => arrivals.reply().await?,
                Body::Empty | Body::Raw(_) => return None,
            };
            // What the conversation brings back, it has learnt from.
            let Shape::Result { .. } = reply.shape() else {
                return None;
            };
            next = cursor(reply.payload());
            if next.is_none() {
                return Some(());
            }
        }
        None
    }
}

fn cursor(result: &Json) -> Option<String> {
    Some(result.root().get("nextCursor")?.string()?.into_owned())
}

fn list_params(era: Era, cursor: Option<&str>) -> Option<Json> {
    let mut params = serde_json::Map::new();
    if let Some(cursor) = cursor {
        params.insert("cursor".into(), cursor.into());
    }
    if era == Era::Modern {
        params.insert("_meta".into(), modern_meta());
    }
    Json::parse(serde_json::to_vec(&params).ok()?, &Limits::default()).ok()
}

/// The `_meta` that a modern request of the gateway's own must bear.
pub(super) fn modern_meta() -> serde_json::Value {
    serde_json::json!({
        (era::VERSION_KEY): era::FIRST_MODERN,
        (sandgate_message::CLIENT_KEY): { "name": "sandgate", "version": env!("CARGO_PKG_VERSION") },
        "io.modelcontextprotocol/clientCapabilities": {},
    })
}

fn member_of(method: &str) -> Option<&'static str> {
    match method {
        "tools/call" => Some("tools"),
        "prompts/get" => Some("prompts"),
        "resources/read" | "resources/subscribe" | "resources/unsubscribe" => Some("resources"),
        "completion/complete" => Some("resourceTemplates"),
        _ => None,
    }
}

fn naming(member: &str) -> &'static str {
    match member {
        "resources" => "uri",
        "resourceTemplates" => "uriTemplate",
        _ => "name",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn json(text: &str) -> Json {
        Json::parse(text.to_owned(), &Limits::default()).unwrap()
    }

    #[test]
    fn definitions_are_kept_exactly_as_they_came() {
        let definitions = Definitions::default();
        definitions.learn(
            "tools/list",
            false,
            &json(r#"{"tools":[ {"name":"a" , "odd":1.0} ]}"#),
        );
        assert_eq!(
            definitions.get("tools/call", "a").unwrap().as_str(),
            r#"{"name":"a" , "odd":1.0}"#
        );
        assert_eq!(definitions.get("prompts/get", "a"), None);
        assert_eq!(definitions.get("tools/call", "b"), None);
    }

    #[test]
    fn pages_add_up_and_a_first_page_begins_anew() {
        let definitions = Definitions::default();
        definitions.learn(
            "tools/list",
            false,
            &json(r#"{"tools":[{"name":"a"}],"nextCursor":"2"}"#),
        );
        definitions.learn("tools/list", true, &json(r#"{"tools":[{"name":"b"}]}"#));
        assert!(
            definitions.get("tools/call", "a").is_some()
                && definitions.get("tools/call", "b").is_some()
        );
        definitions.learn("tools/list", false, &json(r#"{"tools":[{"name":"c"}]}"#));
        assert!(
            definitions.get("tools/call", "a").is_none()
                && definitions.get("tools/call", "c").is_some()
        );
    }

    #[test]
    fn a_changed_list_is_forgotten_and_the_others_stay() {
        let definitions = Definitions::default();
        definitions.learn("tools/list", false, &json(r#"{"tools":[{"name":"a"}]}"#));
        definitions.learn(
            "resources/list",
            false,
            &json(r#"{"resources":[{"uri":"x:1","name":"n"}]}"#),
        );
        definitions.changed("notifications/tools/list_changed");
        assert!(definitions.get("tools/call", "a").is_none());
        assert!(definitions.get("resources/read", "x:1").is_some());
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let definitions = Definitions::default();
        for page in 0..3 {
            let tools: Vec<String> = (0..MOST / 2)
                .map(|n| format!(r#"{{"name":"{page}-{n}"}}"#))
                .collect();
            let page = json(&format!(
                r#"{{"tools":[{}],"nextCursor":"x"}}"#,
                tools.join(",")
            ));
            definitions.learn("tools/list", true, &page);
        }
        assert_eq!(definitions.members.read()["tools"].by_name.len(), MOST);
    }
}

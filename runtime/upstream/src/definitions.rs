//! The definitions that a server was last seen to offer to one caller.
//!
//! A server's answer may depend on the caller. Definitions therefore belong to a legacy conversation or, in the modern
//! era, to a caller: no caller is judged by, or told about, what another was shown.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use sandgate_message::{Era, Json, Limits, Method};
use tokio::time::Instant;

use super::catalogue::{Catalogue, List};
use sandgate_wire::era;

/// The most incomplete lists kept; one more drops the oldest.
const MOST_GATHERING: usize = 8;
/// The definitions of tools, prompts, resources and resource templates, exactly as the server gave them.
#[derive(Debug, Default)]
pub struct Definitions {
    /// The catalogue in which equal lists of all callers are kept once.
    catalogue: Arc<Catalogue>,
    members: RwLock<Members>,
    /// Held by the caller that fetches a list, while others wait for the result.
    pub(super) asking: tokio::sync::Mutex<()>,
    /// When each list was last fetched.
    pub(super) asked: Mutex<HashMap<&'static str, Instant>>,
}

#[derive(Debug, Default)]
struct Members {
    whole: HashMap<&'static str, Arc<List>>,
    gathering: VecDeque<Gathering>,
}

/// The pages of a list so far.
#[derive(Debug)]
struct Gathering {
    member: &'static str,
    /// The cursor of the next page.
    next: String,
    list: List,
}

impl Definitions {
    pub(super) fn new(catalogue: &Arc<Catalogue>) -> Arc<Self> {
        Arc::new(Self {
            catalogue: catalogue.clone(),
            ..Self::default()
        })
    }

    /// Learns a page of a list (`tools/list` and so on) that was requested with this cursor. A list replaces the known
    /// one once its last page has come; until then both the known list and the new pages count. Other methods are
    /// ignored. Conversations call this themselves.
    pub fn learn(&self, method: &str, cursor: Option<&str>, result: &Json) {
        let Some(member) = Method::new(method).list_member() else {
            return;
        };
        if result.root().get(member).is_none() {
            return;
        }
        let mut members = self.members.write();
        let mut list = match cursor {
            None => List::default(),
            Some(cursor) => {
                let begun = |one: &Gathering| one.member == member && one.next == cursor;
                match members.gathering.iter().position(begun) {
                    Some(at) => members
                        .gathering
                        .remove(at)
                        .map_or_else(List::default, |one| one.list),
                    // The list's first page is not known.
                    None => return,
                }
            }
        };
        list.add(member, result);
        match self::cursor(result) {
            None => {
                let list = self.catalogue.keep(list);
                members.whole.insert(member, list);
            }
            Some(next) => {
                let same = |one: &Gathering| one.member == member && one.next == next;
                members.gathering.retain(|one| !same(one));
                if members.gathering.len() == MOST_GATHERING {
                    members.gathering.pop_front();
                }
                members
                    .gathering
                    .push_back(Gathering { member, next, list });
            }
        }
    }

    /// The definition that a request of this method is about. `target` is the name of a tool or prompt, or the URI of a
    /// resource.
    pub fn get(&self, method: &str, target: &str) -> Option<Json> {
        let member = member_of(method)?;
        let members = self.members.read();
        let whole = members.whole.get(member);
        let known = whole.and_then(|list| list.get(target));
        let known = known.or_else(|| {
            let pages = members.gathering.iter().rev();
            let mut pages = pages.filter(|one| one.member == member);
            pages.find_map(|one| one.list.get(target))
        });
        known.cloned()
    }

    /// The bytes of all lists here, including shared ones.
    pub(super) fn bytes(&self) -> usize {
        let members = self.members.read();
        let whole = members.whole.values().map(|list| list.bytes());
        let gathering = members.gathering.iter().map(|one| one.list.bytes());
        whole.chain(gathering).sum()
    }

    /// Forgets everything; lists are fetched again when needed.
    pub(super) fn clear(&self) {
        *self.members.write() = Members::default();
        self.asked.lock().clear();
    }

    /// Forgets a member (`tools`, `prompts`, `resources`, `resourceTemplates`) after its list has changed.
    /// Conversations call this themselves.
    pub fn forget(&self, member: &str) {
        let mut members = self.members.write();
        members.whole.remove(member);
        members.gathering.retain(|one| one.member != member);
        // A target that was missing may be there now.
        self.asked.lock().remove(member);
    }

    /// The URI templates last seen.
    pub fn templates(&self) -> Vec<Box<str>> {
        let members = self.members.read();
        let seen = members.whole.get("resourceTemplates");
        seen.map(|list| list.names().map(Into::into).collect())
            .unwrap_or_default()
    }

    /// Takes the pages of a list so far as the whole list, where it has more pages than are fetched.
    pub(super) fn settle(&self, member: &'static str, next: &str) {
        let mut members = self.members.write();
        let asked = |one: &Gathering| one.member == member && one.next == next;
        if let Some(at) = members.gathering.iter().position(asked)
            && let Some(one) = members.gathering.remove(at)
        {
            let list = self.catalogue.keep(one.list);
            members.whole.insert(member, list);
        }
    }
}

pub(super) fn cursor(result: &Json) -> Option<String> {
    Some(result.root().get("nextCursor")?.string()?.into_owned())
}

pub(super) fn list_params(era: Era, cursor: Option<&str>) -> Option<Json> {
    let mut params = serde_json::Map::new();
    if let Some(cursor) = cursor {
        params.insert("cursor".into(), cursor.into());
    }
    if era == Era::Modern {
        params.insert("_meta".into(), modern_meta());
    }
    Json::parse(serde_json::to_vec(&params).ok()?, &Limits::default()).ok()
}

/// The `_meta` that a modern request of the gateway's own needs.
pub(super) fn modern_meta() -> serde_json::Value {
    serde_json::json!({
        (era::VERSION_KEY): era::FIRST_MODERN,
        (sandgate_message::CLIENT_KEY): { "name": "sandgate", "version": env!("CARGO_PKG_VERSION") },
        "io.modelcontextprotocol/clientCapabilities": {},
    })
}

pub(super) fn member_of(method: &str) -> Option<&'static str> {
    match method {
        "tools/call" => Some("tools"),
        "prompts/get" => Some("prompts"),
        "resources/read" | "resources/subscribe" | "resources/unsubscribe" => Some("resources"),
        "completion/complete" => Some("resourceTemplates"),
        _ => None,
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
            None,
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
    fn a_list_takes_the_place_of_another_with_its_last_page() {
        let definitions = Definitions::default();
        let knows = |name: &str| definitions.get("tools/call", name).is_some();
        let first = json(r#"{"tools":[{"name":"a"}],"nextCursor":"2"}"#);
        definitions.learn("tools/list", None, &first);
        assert!(knows("a") && !knows("b"));
        let last = json(r#"{"tools":[{"name":"b"}]}"#);
        definitions.learn("tools/list", Some("2"), &last);
        assert!(knows("a") && knows("b"));
        // The known list remains in use until a new one is complete, however often one is begun.
        for _ in 0..100 {
            definitions.learn("tools/list", None, &first);
            assert!(knows("a") && knows("b"));
        }
        // A page without a known first page is ignored.
        definitions.learn(
            "tools/list",
            Some("7"),
            &json(r#"{"tools":[{"name":"z"}]}"#),
        );
        assert!(!knows("z"));
        definitions.learn("tools/list", None, &json(r#"{"tools":[{"name":"c"}]}"#));
        assert!(!knows("b") && knows("c"));
    }

    #[test]
    fn equal_lists_of_two_callers_are_kept_once() {
        let catalogue = Arc::default();
        let (one, two) = (Definitions::new(&catalogue), Definitions::new(&catalogue));
        for definitions in [&one, &two] {
            let page = json(r#"{"tools":[{"name":"a"}]}"#);
            definitions.learn("tools/list", None, &page);
        }
        let kept = |definitions: &Definitions| definitions.members.read().whole["tools"].clone();
        assert!(Arc::ptr_eq(&kept(&one), &kept(&two)));
        assert_eq!(catalogue.bytes(), one.bytes());
        drop((one, two));
        assert_eq!(catalogue.bytes(), 0);
    }

    #[test]
    fn a_changed_list_is_forgotten_and_the_others_stay() {
        let definitions = Definitions::default();
        definitions.learn("tools/list", None, &json(r#"{"tools":[{"name":"a"}]}"#));
        definitions.learn(
            "resources/list",
            None,
            &json(r#"{"resources":[{"uri":"x:1","name":"n"}]}"#),
        );
        definitions.changed("notifications/tools/list_changed");
        assert!(definitions.get("tools/call", "a").is_none());
        assert!(definitions.get("resources/read", "x:1").is_some());
    }
}

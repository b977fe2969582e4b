//! Tools and prompts of one server whose names look the same. Nobody could tell which of them is meant, so none of them
//! is listed, and none can be called.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::RwLock;
use sandgate_message::{Edit, Json, Limits, Message, Shape, apply, looks_like};

/// Names of one list that are compared; what comes after is not.
const MOST: usize = 10_000;
/// Bytes of them.
const MOST_BYTES: usize = 1 << 20;

/// The names of a server's lists that look like another of the same list.
#[derive(Debug, Default)]
pub struct Lookalikes {
    /// There are any.
    any: AtomicBool,
    tools: RwLock<List>,
    prompts: RwLock<List>,
}

#[derive(Debug, Default)]
struct List {
    /// Of the list as it was last seen whole.
    whole: HashSet<Box<str>>,
    /// Of the pages since the last first one.
    pages: HashSet<Box<str>>,
    /// The names of those pages, by how they look.
    names: HashMap<Box<str>, Box<str>>,
    bytes: usize,
}

impl Lookalikes {
    /// Whether such a name looks like another of its list. `method`: one that lists tools or prompts, or uses one.
    pub fn has(&self, method: &str, name: &str) -> bool {
        if !self.any.load(Ordering::Acquire) {
            return false;
        }
        self.list(method).is_some_and(|list| {
            let list = list.read();
            list.whole.contains(name) || list.pages.contains(name)
        })
    }

    /// All of them, for whoever has to see to it.
    pub fn all(&self) -> Vec<String> {
        if !self.any.load(Ordering::Acquire) {
            return Vec::new();
        }
        let mut all = Vec::new();
        for list in [&self.tools, &self.prompts] {
            let list = list.read();
            all.extend(list.whole.union(&list.pages).map(|name| name.to_string()));
        }
        all.sort_unstable();
        all
    }

    /// Takes in a page of a list. A first page (`continued` false) begins a new one; what was found before stands until
    /// that is whole.
    pub(super) fn learn(&self, method: &str, continued: bool, result: &Json) {
        let Some((member, list)) = member(method).zip(self.list(method)) else {
            return;
        };
        let root = result.root();
        let mut list = list.write();
        if !continued {
            list.pages.clear();
            list.names.clear();
            list.bytes = 0;
        }
        for item in root
            .get(member)
            .into_iter()
            .flat_map(|list| list.elements())
        {
            if let Some(name) = item.get("name").and_then(|name| name.string()) {
                list.add(&name);
            }
        }
        if root.get("nextCursor").is_none() {
            list.whole = list.pages.clone();
        }
        let found = !(list.whole.is_empty() && list.pages.is_empty());
        drop(list);
        if found {
            self.any.store(true, Ordering::Release);
        }
    }

    /// The reply without what looks like another.
    pub fn without(&self, method: &str, reply: Message, limits: &Limits) -> Message {
        let Some(member) = member(method).filter(|_| self.any.load(Ordering::Acquire)) else {
            return reply;
        };
        let Shape::Result { .. } = reply.shape() else {
            return reply;
        };
        let items = reply.payload().root().get(member);
        let items = items.into_iter().flat_map(|items| items.elements());
        let removals: Vec<Edit> = items
            .enumerate()
            .filter(|(_, item)| {
                let name = item.get("name").and_then(|name| name.string());
                name.is_some_and(|name| self.has(method, &name))
            })
            .map(|(at, _)| Edit::Remove(format!("/{member}/{at}")))
            .collect();
        match apply(reply.payload(), &removals, limits) {
            Ok(result) if !removals.is_empty() => reply.with_payload(result),
            _ => reply,
        }
    }

    fn list(&self, method: &str) -> Option<&RwLock<List>> {
        match method {
            "tools/list" | "tools/call" => Some(&self.tools),
            "prompts/list" | "prompts/get" => Some(&self.prompts),
            _ => None,
        }
    }
}

fn member(method: &str) -> Option<&'static str> {
    match method {
        "tools/list" => Some("tools"),
        "prompts/list" => Some("prompts"),
        _ => None,
    }
}

impl List {
    fn add(&mut self, name: &str) {
        if self.names.len() >= MOST || self.bytes + name.len() > MOST_BYTES {
            return;
        }
        let looks = looks_like(name);
        match self.names.get(&*looks) {
            None => {
                self.bytes += 2 * name.len();
                self.names.insert(looks.into(), name.into());
            }
            Some(other) if **other != *name => {
                if !self.whole.contains(name) && !self.pages.contains(name) {
                    tracing::warn!(
                        name = ?shortened(name),
                        like = ?shortened(other),
                        "two names of one list look the same: both are left out, and calls of them are refused"
                    );
                }
                let other = other.clone();
                self.pages.extend([other, name.into()]);
            }
            Some(_) => {}
        }
    }
}

fn shortened(name: &str) -> &str {
    name.char_indices()
        .nth(100)
        .map_or(name, |(at, _)| &name[..at])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn page(names: &[&str], more: bool) -> Json {
        let tools: Vec<_> = names
            .iter()
            .map(|name| serde_json::json!({ "name": name }))
            .collect();
        let mut page = serde_json::json!({ "tools": tools });
        if more {
            page["nextCursor"] = "n".into();
        }
        Json::of(&page).unwrap()
    }

    #[test]
    fn both_of_two_that_look_the_same_are_found() {
        let lookalikes = Lookalikes::default();
        lookalikes.learn("tools/list", false, &page(&["pay", "ｐay", "other"], false));
        assert!(lookalikes.has("tools/call", "pay") && lookalikes.has("tools/call", "ｐay"));
        assert!(!lookalikes.has("tools/call", "other") && !lookalikes.has("prompts/get", "pay"));
        assert_eq!(lookalikes.all(), ["pay", "ｐay"]);
    }

    #[test]
    fn a_later_page_counts_and_a_first_page_forgets_nothing() {
        let lookalikes = Lookalikes::default();
        lookalikes.learn("tools/list", false, &page(&["pay"], true));
        assert!(!lookalikes.has("tools/call", "pay"));
        lookalikes.learn("tools/list", true, &page(&["p\u{200B}ay"], false));
        lookalikes.learn("tools/list", false, &page(&["pay"], true));
        assert!(lookalikes.has("tools/call", "pay"));
        lookalikes.learn("tools/list", false, &page(&["pay"], false));
        assert!(!lookalikes.has("tools/call", "pay"));
    }

    #[test]
    fn a_reply_is_left_without_them_and_otherwise_untouched() {
        let lookalikes = Lookalikes::default();
        let text = r#"{ "jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"a"}, {"name":"ａ"},{"name":"b"} ]} }"#;
        let reply = Message::parse(text.to_owned(), &Limits::default()).unwrap();
        lookalikes.learn("tools/list", false, reply.payload());
        let left = lookalikes.without("tools/list", reply, &Limits::default());
        let left: serde_json::Value = serde_json::from_slice(&left.bytes()).unwrap();
        assert_eq!(
            left["result"],
            serde_json::json!({ "tools": [{ "name": "b" }] })
        );
    }
}

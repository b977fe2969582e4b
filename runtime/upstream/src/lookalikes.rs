//! Tools and prompts of one server whose names look alike. It is unclear which of them is meant, so none of them is
//! listed and none can be called.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::RwLock;
use sandgate_message::{Edit, Json, Limits, Message, Shape, apply, looks_like};

/// The most names of one list that are compared; further ones are not.
const MOST: usize = 10_000;
/// The most bytes of those names.
const MOST_BYTES: usize = 1 << 20;

/// The names in a server's lists that look like another name of the same list.
#[derive(Debug, Default)]
pub struct Lookalikes {
    /// Whether there are any.
    any: AtomicBool,
    tools: RwLock<List>,
    prompts: RwLock<List>,
}

#[derive(Debug, Default)]
struct List {
    /// The lookalikes of the last complete list.
    whole: HashSet<Box<str>>,
    /// The lookalikes of the pages since the last first page.
    pages: HashSet<Box<str>>,
    /// The names on those pages, by their appearance.
    names: HashMap<Box<str>, Box<str>>,
    bytes: usize,
}

impl Lookalikes {
    /// Whether a name looks like another of its list. `method` lists or uses tools or prompts.
    pub fn has(&self, method: &str, name: &str) -> bool {
        if !self.any.load(Ordering::Acquire) {
            return false;
        }
        self.list(method).is_some_and(|list| {
            let list = list.read();
            list.whole.contains(name) || list.pages.contains(name)
        })
    }

    /// All lookalikes, sorted, for the operator.
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

    /// Learns a page of a list. A first page (`continued` is false) begins a new list; earlier findings stay until that
    /// list is complete.
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

    /// Removes lookalikes from a list reply.
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

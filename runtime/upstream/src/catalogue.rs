//! The lists that a server showed its callers; equal ones are kept once.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use sandgate_message::Json;
use sha2::{Digest, Sha256};

/// The most definitions kept of one list; further ones are not kept.
const MOST: usize = 10_000;
/// The most bytes kept of one list.
const MOST_BYTES: usize = 16 << 20;

/// The lists of one server, by a digest of their contents.
#[derive(Debug, Default)]
pub(super) struct Catalogue {
    lists: Mutex<HashMap<[u8; 32], Weak<List>>>,
    bytes: Arc<AtomicUsize>,
}

/// One list: definitions by name.
#[derive(Debug, Default)]
pub(super) struct List {
    by_name: HashMap<Box<str>, Json>,
    digest: Sha256,
    bytes: usize,
    full: bool,
    /// The counter of the catalogue that counts the list's bytes.
    counted: Option<Arc<AtomicUsize>>,
}

impl Catalogue {
    /// Keeps a list. Returns the equal one that is kept already, if there is one.
    pub(super) fn keep(&self, mut list: List) -> Arc<List> {
        let digest = std::mem::take(&mut list.digest).finalize().into();
        let mut lists = self.lists.lock();
        if let Some(known) = lists.get(&digest).and_then(Weak::upgrade) {
            return known;
        }
        self.bytes.fetch_add(list.bytes, Ordering::Relaxed);
        list.counted = Some(self.bytes.clone());
        let list = Arc::new(list);
        lists.retain(|_, known| known.strong_count() > 0);
        lists.insert(digest, Arc::downgrade(&list));
        list
    }

    /// The bytes of all lists, each counted once.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }
}

impl List {
    /// Adds a page.
    pub(super) fn add(&mut self, member: &'static str, page: &Json) {
        let Some(items) = page.root().get(member).filter(|_| !self.full) else {
            return;
        };
        if self.bytes + page.as_str().len() > MOST_BYTES {
            tracing::warn!(
                member,
                "a list is larger than {MOST_BYTES} bytes; the rest of it is not kept"
            );
            self.full = true;
            return;
        }
        self.bytes += page.as_str().len();
        self.digest.update(items.as_str());
        for item in items.elements() {
            if let Some(name) = item.get(naming(member)).and_then(|node| node.string())
                && self.by_name.len() < MOST
            {
                self.by_name.insert(name.into(), item.to_json());
            }
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&Json> {
        self.by_name.get(name)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(|name| &**name)
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Drop for List {
    fn drop(&mut self) {
        if let Some(counted) = &self.counted {
            counted.fetch_sub(self.bytes, Ordering::Relaxed);
        }
    }
}

/// The member that identifies an item of this list.
pub(super) fn naming(member: &str) -> &'static str {
    match member {
        "resources" => "uri",
        "resourceTemplates" => "uriTemplate",
        _ => "name",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use sandgate_message::Limits;

    use super::*;

    #[test]
    fn what_is_kept_of_a_list_is_bounded() {
        let mut list = List::default();
        for page in 0..3 {
            let tools: Vec<String> = (0..MOST / 2)
                .map(|n| format!(r#"{{"name":"{page}-{n}"}}"#))
                .collect();
            let page = format!(r#"{{"tools":[{}]}}"#, tools.join(","));
            list.add("tools", &Json::parse(page, &Limits::default()).unwrap());
        }
        assert_eq!(list.names().count(), MOST);
    }
}

//! Which definitions a server has shown to which caller.

use std::num::NonZeroUsize;
use std::sync::{Arc, Weak};

use http::HeaderMap;
use http::header::AUTHORIZATION;
use lru::LruCache;
use parking_lot::Mutex;
use sha2::{Digest, Sha256};

use super::Definitions;
use super::catalogue::Catalogue;

/// The most modern callers whose definitions are remembered; one more evicts the least recently used.
const MOST: NonZeroUsize = match NonZeroUsize::new(1024) {
    Some(most) => most,
    None => NonZeroUsize::MIN,
};
/// The most bytes of lists kept per server; equal lists count once.
const MOST_BYTES: usize = 64 << 20;
/// The most bytes of lists kept per server for one principal, in all its conversations.
const MOST_BYTES_EACH: usize = 32 << 20;

/// The caller as the server can distinguish it: its principal and its forwarded credentials. Only a digest of the
/// credentials is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Asker {
    principal: Option<Arc<str>>,
    credentials: Option<[u8; 32]>,
}

impl Asker {
    /// The caller of a request with these headers. An `Authorization` still among them is forwarded; it was removed for
    /// a server that must not see it.
    pub fn new(principal: Option<&Arc<str>>, headers: &HeaderMap) -> Self {
        let token = headers.get(AUTHORIZATION);
        Self {
            principal: principal.cloned(),
            credentials: token.map(|token| Sha256::digest(token.as_bytes()).into()),
        }
    }
}

impl Asker {
    pub(super) fn principal(&self) -> Option<&Arc<str>> {
        self.principal.as_ref()
    }
}

/// A conversation's principal and definitions.
type Begun = (Option<Arc<str>>, Weak<Definitions>);

/// The definitions shown to all callers of one server.
#[derive(Debug)]
pub(super) struct Audience {
    catalogue: Arc<Catalogue>,
    callers: Mutex<LruCache<Asker, Arc<Definitions>>>,
    /// The definitions of legacy conversations, oldest first.
    conversations: Mutex<Vec<Begun>>,
}

impl Default for Audience {
    fn default() -> Self {
        Self {
            catalogue: Arc::default(),
            callers: Mutex::new(LruCache::new(MOST)),
            conversations: Mutex::default(),
        }
    }
}

impl Audience {
    /// The definitions of a modern caller.
    pub(super) fn of(&self, asker: &Asker) -> Arc<Definitions> {
        let mut callers = self.callers.lock();
        if let Some(known) = callers.get(asker) {
            return known.clone();
        }
        let new = Definitions::new(&self.catalogue);
        callers.push(asker.clone(), new.clone());
        new
    }

    /// The definitions of a new legacy conversation.
    pub(super) fn begin(&self, principal: Option<&Arc<str>>) -> Arc<Definitions> {
        let new = Definitions::new(&self.catalogue);
        let mut conversations = self.conversations.lock();
        conversations.retain(|(_, known)| known.strong_count() > 0);
        conversations.push((principal.cloned(), Arc::downgrade(&new)));
        new
    }

    /// Notes a change for all modern callers, which share the channel that announced it.
    pub(super) fn changed(&self, method: &str) {
        for (_, definitions) in self.callers.lock().iter() {
            definitions.changed(method);
        }
    }

    /// Evicts lists after `learner` has grown: the oldest of the same principal beyond its bound, then the oldest of
    /// all. Evicted lists are fetched again when needed.
    pub(super) fn trim(&self, learner: &Arc<Definitions>) {
        // No caller has more bytes than all together.
        if self.catalogue.bytes() <= MOST_BYTES_EACH && learner.bytes() <= MOST_BYTES_EACH {
            return;
        }
        let callers = self.callers.lock();
        let conversations = self.conversations.lock();
        let all: Vec<(Option<Arc<str>>, Arc<Definitions>)> = conversations
            .iter()
            .filter_map(|(principal, known)| Some((principal.clone(), known.upgrade()?)))
            .chain(
                callers
                    .iter()
                    .rev()
                    .map(|(asker, known)| (asker.principal.clone(), known.clone())),
            )
            .collect();
        drop((callers, conversations));
        let own = all
            .iter()
            .find(|(_, one)| Arc::ptr_eq(one, learner))
            .map(|(principal, _)| principal.clone());
        if let Some(own) = own {
            let same: Vec<_> = all
                .iter()
                .filter(|(principal, _)| *principal == own)
                .collect();
            let mut bytes: usize = same.iter().map(|(_, one)| one.bytes()).sum();
            for (_, one) in same.iter().filter(|(_, one)| !Arc::ptr_eq(one, learner)) {
                if bytes <= MOST_BYTES_EACH {
                    break;
                }
                bytes = bytes.saturating_sub(one.bytes());
                one.clear();
            }
        }
        for (_, one) in &all {
            if self.catalogue.bytes() <= MOST_BYTES {
                break;
            }
            if !Arc::ptr_eq(one, learner) {
                one.clear();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use sandgate_message::{Json, Limits};

    use super::*;

    fn list(of: &str, size: usize) -> Json {
        let limits = Limits {
            bytes: 64 << 20,
            ..Limits::default()
        };
        let text = format!(
            r#"{{"tools":[{{"name":"{of}","description":"{}"}}]}}"#,
            "x".repeat(size)
        );
        Json::parse(text, &limits).unwrap()
    }

    #[test]
    fn no_caller_knows_what_another_was_shown() {
        let audience = Audience::default();
        let asker = |name: &str, token: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, token.parse().unwrap());
            Asker::new(Some(&name.into()), &headers)
        };
        let ada = audience.of(&asker("ada", "Bearer 1"));
        ada.learn("tools/list", None, &list("secret", 1));
        assert!(
            audience
                .of(&asker("ada", "Bearer 1"))
                .get("tools/call", "secret")
                .is_some()
        );
        for other in [
            asker("bob", "Bearer 1"),
            asker("ada", "Bearer 2"),
            Asker::default(),
        ] {
            assert!(audience.of(&other).get("tools/call", "secret").is_none());
        }
        assert!(audience.begin(None).get("tools/call", "secret").is_none());
    }

    #[test]
    fn the_oldest_lists_of_a_principal_give_way_to_its_newest() {
        let audience = Audience::default();
        let (ada, bob) = (Some("ada".into()), Some("bob".into()));
        let others = audience.begin(bob.as_ref());
        others.learn("tools/list", None, &list("bobs", 8 << 20));
        let begun: Vec<_> = (0..6)
            .map(|n| {
                let one = audience.begin(ada.as_ref());
                one.learn("tools/list", None, &list(&format!("tool{n}"), 8 << 20));
                audience.trim(&one);
                one
            })
            .collect();
        let known = |n: usize| begun[n].get("tools/call", &format!("tool{n}")).is_some();
        assert!(!known(0) && !known(1) && known(4) && known(5));
        assert!(others.get("tools/call", "bobs").is_some());
        let kept: usize = begun.iter().map(|one| one.bytes()).sum();
        assert!(kept <= MOST_BYTES_EACH, "{kept}");
    }
}

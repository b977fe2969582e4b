//! Name claims: which server may name what, where a client hears several servers merged on one endpoint. Names are the
//! progress tokens, subscriptions and elicitations of a server. A message that named another server's would be
//! attributed to that server.

use std::hash::{BuildHasher, RandomState};
use std::num::NonZeroUsize;
use std::sync::Arc;

use lru::LruCache;
use parking_lot::Mutex;
use sandgate_message::{Json, Kind, Message, Node, Shape};

/// The most names remembered per client; one more evicts the least recently used.
const MOST: NonZeroUsize = NonZeroUsize::new(4096).unwrap();
/// The error code for "URL elicitation required": such an error begins elicitations.
const URL_REQUIRED: &str = "-32042";
/// The `_meta` member in which a modern notification names its subscription.
const SUBSCRIPTION: &str = "io.modelcontextprotocol/subscriptionId";

/// The names that each server may use. Only keyed hashes of the names are kept.
pub(crate) struct NameClaims {
    key: RandomState,
    claims: Mutex<LruCache<u64, Claim>>,
}

#[derive(Default)]
struct Claim {
    /// A hash of the id of the request that gave the name. A list request goes to many servers under one id.
    by: u64,
    servers: Vec<Arc<str>>,
}

#[derive(Clone, Copy, Hash)]
enum Name {
    Request,
    Token,
    Resource,
    Elicitation,
}

impl NameClaims {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            key: RandomState::new(),
            claims: Mutex::new(LruCache::new(MOST)),
        })
    }

    /// Notes a request to a server, which may then name the request, its progress token, and the resource it subscribes
    /// to.
    pub(crate) fn goes(&self, request: &Message, server: &Arc<str>) {
        let Shape::Request { id, method } = request.shape() else {
            return;
        };
        let by = self.key.hash_one(id);
        let params = request.payload().root();
        self.claim(self.hash_of_text(Name::Request, id.as_str()), by, server);
        if let Some(token) = params
            .get("_meta")
            .and_then(|meta| meta.get("progressToken"))
        {
            self.claim(self.hash(Name::Token, token), by, server);
        }
        match (&**method, params.get("uri")) {
            ("resources/subscribe", Some(uri)) => {
                self.claim(self.hash(Name::Resource, uri), 0, server);
            }
            ("resources/unsubscribe", Some(uri)) => {
                let mut claims = self.claims.lock();
                if let Some(claim) = claims.get_mut(&self.hash(Name::Resource, uri)) {
                    claim.servers.retain(|known| known != server);
                }
            }
            ("subscriptions/listen", _) => {
                let uris = params
                    .get("notifications")
                    .and_then(|wanted| wanted.get("resourceSubscriptions"));
                for uri in uris.into_iter().flat_map(|list| list.elements()) {
                    self.claim(self.hash(Name::Resource, uri), 0, server);
                }
            }
            _ => {}
        }
    }

    /// Notes a message of the server that begins elicitations, which the server may then complete: a request, or an
    /// error that requires the client to visit a URL first.
    pub(crate) fn asks(&self, message: &Message, server: &Arc<str>) {
        let payload = message.payload().root();
        let begun = |one: Node<'_>| {
            if let Some(id) = one.get("elicitationId") {
                self.claim(self.hash(Name::Elicitation, id), 0, server);
            }
        };
        match message.shape() {
            Shape::Request { method, .. } if &**method == "elicitation/create" => begun(payload),
            Shape::Error { .. }
                if payload
                    .get("code")
                    .is_some_and(|code| code.as_str() == URL_REQUIRED) =>
            {
                let data = payload
                    .get("data")
                    .and_then(|data| data.get("elicitations"));
                data.into_iter()
                    .flat_map(|list| list.elements())
                    .for_each(begun);
            }
            _ => {}
        }
    }

    /// Whether the server may name what its notification names. Tasks and the server's own requests are remembered
    /// elsewhere.
    pub(crate) fn allow(&self, notification: &Message, server: &Arc<str>) -> bool {
        let params = notification.payload().root();
        let mine = |name, member: &str| {
            params
                .get(member)
                .is_some_and(|node| self.is_of(self.hash(name, node), server))
        };
        let subscription = params.get("_meta").and_then(|meta| meta.get(SUBSCRIPTION));
        if let Some(id) = subscription
            && !self.is_of(self.hash_of_text(Name::Request, id.as_str()), server)
        {
            return false;
        }
        match notification.method() {
            Some("notifications/progress") => mine(Name::Token, "progressToken"),
            Some("notifications/resources/updated") => match params.get("uri") {
                Some(uri) => uri.string().is_some_and(|uri| self.covers(&uri, server)),
                None => false,
            },
            Some("notifications/elicitation/complete") => mine(Name::Elicitation, "elicitationId"),
            _ => true,
        }
    }

    /// Whether the client's request with this id was sent to the server.
    pub(crate) fn has_request(&self, id: &Json, server: &Arc<str>) -> bool {
        self.is_of(self.hash_of_text(Name::Request, id.as_str()), server)
    }

    /// Whether the server has a subscription to the resource, or to one that contains it: a server may notify about a
    /// part.
    fn covers(&self, uri: &str, server: &Arc<str>) -> bool {
        let beneath = uri
            .char_indices()
            .rev()
            .filter(|(_, char)| matches!(char, '/' | '#' | '?'));
        let cuts = beneath.flat_map(|(at, char)| [at, at + char.len_utf8()]);
        std::iter::once(uri.len())
            .chain(cuts)
            .take(64)
            .any(|cut| self.is_of(self.hash_of_text(Name::Resource, &uri[..cut]), server))
    }

    fn claim(&self, name: u64, by: u64, server: &Arc<str>) {
        let mut claims = self.claims.lock();
        let claim = claims.get_or_insert_mut(name, Claim::default);
        if claim.by != by {
            // The name was given again: its earlier servers lose it.
            claim.servers.clear();
            claim.by = by;
        }
        if !claim.servers.contains(server) {
            claim.servers.push(server.clone());
        }
    }

    fn is_of(&self, name: u64, server: &Arc<str>) -> bool {
        let mut claims = self.claims.lock();
        let claim = claims.get(&name);
        claim.is_some_and(|claim| claim.servers.contains(server))
    }

    fn hash(&self, name: Name, node: Node<'_>) -> u64 {
        match node.kind() {
            Kind::String => self.hash_of_text(name, &node.string().unwrap_or_default()),
            _ => self.hash_of_text(name, node.as_str()),
        }
    }

    fn hash_of_text(&self, name: Name, text: &str) -> u64 {
        self.key.hash_one((name, text))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use sandgate_message::Limits;

    use super::*;

    fn message(text: &str) -> Message {
        Message::parse(text.to_owned(), &Limits::default()).unwrap()
    }

    fn call(id: u64, token: &str) -> Message {
        message(&format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"_meta":{{"progressToken":{token}}}}}}}"#
        ))
    }

    fn progress(token: &str) -> Message {
        message(&format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":{token},"progress":1}}}}"#
        ))
    }

    #[test]
    fn a_token_is_the_servers_that_was_given_it_last() {
        let (claims, one, two) = (NameClaims::new(), "one".into(), "two".into());
        claims.goes(&call(1, "7"), &one);
        assert!(claims.allow(&progress("7"), &one) && !claims.allow(&progress("7"), &two));
        assert!(!claims.allow(&progress("\"7x\""), &one));
        claims.goes(&call(2, "7"), &two);
        assert!(!claims.allow(&progress("7"), &one) && claims.allow(&progress("7"), &two));
    }

    #[test]
    fn a_token_of_a_request_to_many_servers_is_all_theirs() {
        let (claims, one, two) = (NameClaims::new(), "one".into(), "two".into());
        claims.goes(&call(1, "7"), &one);
        claims.goes(&call(1, "7"), &two);
        assert!(claims.allow(&progress("7"), &one) && claims.allow(&progress("7"), &two));
    }

    #[test]
    fn a_resource_is_told_of_by_the_server_that_it_is_subscribed_with() {
        let (claims, one, two) = (NameClaims::new(), "one".into(), "two".into());
        let ask = |method: &str| {
            message(&format!(
                r#"{{"jsonrpc":"2.0","id":1,"method":"resources/{method}","params":{{"uri":"file:///a"}}}}"#
            ))
        };
        let updated = |uri: &str| {
            message(&format!(
                r#"{{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{{"uri":"{uri}"}}}}"#
            ))
        };
        claims.goes(&ask("subscribe"), &one);
        assert!(claims.allow(&updated("file:///a"), &one));
        assert!(claims.allow(&updated("file:///a/part"), &one));
        assert!(!claims.allow(&updated("file:///ab"), &one));
        assert!(!claims.allow(&updated("file:///a"), &two));
        claims.goes(&ask("unsubscribe"), &one);
        assert!(!claims.allow(&updated("file:///a"), &one));
    }
}

//! The sender of a message, and what a client said about itself.

use std::sync::Arc;

use sandgate_access::{Grant, Principal};
use sandgate_message::{Client, Era, Json, Message, cut};

use sandgate_wire::Budget;
use sandgate_wire::era::VERSION_KEY;

/// The longest protocol version kept in the attributes, in bytes; a longer one is cut.
const MAX_VERSION: usize = 64;

/// The sender of a message, before the message itself is read. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Requester {
    pub(crate) principal: Arc<Principal>,
    /// The memory budget that counts the messages from and to this sender.
    pub(crate) budget: Budget,
    /// What the token of the request grants; `None` for a sender without a token, to whom no scope is asked for.
    pub(crate) grant: Option<Arc<Grant>>,
}

/// The client of a call. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) era: Era,
    /// The session's pseudonym; `None` for a modern request.
    pub(crate) session: Option<Arc<str>>,
    pub(crate) principal: Arc<Principal>,
    pub(crate) budget: Budget,
    pub(crate) attributes: Arc<[(String, String)]>,
}

impl Caller {
    /// The sender alone, without what the client said about itself.
    pub(crate) fn requester(&self) -> Requester {
        Requester {
            principal: self.principal.clone(),
            budget: self.budget.clone(),
            grant: None,
        }
    }
    /// The caller of a modern request, whose `_meta` says who sent it.
    pub(crate) fn of_request(requester: &Requester, message: &Message) -> Self {
        let meta = message.payload().root().get("_meta");
        let version = meta
            .and_then(|meta| meta.get(VERSION_KEY)?.string())
            .map(std::borrow::Cow::into_owned);
        let method = message.method().unwrap_or_default();
        let said = (message.payload(), method);
        Self::new(requester, Era::Modern, None, said, version)
    }

    /// The caller of a legacy session, from the params of its `initialize` and the negotiated version.
    pub(crate) fn of_initialize(
        requester: &Requester,
        params: &Json,
        agreed: Option<String>,
        session: Arc<str>,
    ) -> Self {
        let asked = || Some(params.root().get("protocolVersion")?.string()?.into_owned());
        let version = agreed.or_else(asked);
        let said = (params, "initialize");
        Self::new(requester, Era::Legacy, Some(session), said, version)
    }

    fn new(
        requester: &Requester,
        era: Era,
        session: Option<Arc<str>>,
        (params, method): (&Json, &str),
        version: Option<String>,
    ) -> Self {
        let client = Client::said_in(params, era, method).unwrap_or_default();
        let version = version.map(|version| {
            // Versions are dates: a longer text gets no more room.
            let version = cut(&version, MAX_VERSION).into_owned();
            ("protocol.version".to_owned(), version)
        });
        let principal = &requester.principal;
        let told = [("issuer", &principal.issuer), ("claims", &principal.claims)];
        let told = told
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value.as_deref()?.to_owned())));
        let attributes = client.attributes().chain(version).chain(told).collect();
        Self {
            era,
            session,
            principal: requester.principal.clone(),
            budget: requester.budget.clone(),
            attributes,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use sandgate_message::Limits;

    use super::*;

    #[test]
    fn a_modern_request_says_who_sent_it() {
        let body = r#"{"jsonrpc":"2.0","id":1,"method":"x","params":{"_meta":{
            "io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"n","version":"v"}}}}"#;
        let caller = Caller::of_request(
            &Requester {
                principal: Arc::default(),
                budget: Budget::unbounded(),
                grant: None,
            },
            &Message::parse(body.as_bytes().to_vec(), &Limits::default()).unwrap(),
        );
        let expected = [
            ("client.name", "n"),
            ("client.version", "v"),
            ("protocol.version", "2026-07-28"),
        ];
        assert_eq!(
            *caller.attributes,
            expected.map(|(n, v)| (n.to_owned(), v.to_owned()))
        );
    }
}

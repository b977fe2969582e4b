//! Who calls: what a client said of itself, and the id under which each of its calls is known.

use std::sync::Arc;

use http::HeaderMap;
use sandgate_message::{Call, Client, Direction, Era, Hook, Json, Message, Method, Target, cut};

use crate::admission::Budget;
use crate::auth::principals::Principal;
use crate::call::id::new_id;
use crate::call::proxy::Proxy;
use crate::protocol::era::VERSION_KEY;
use crate::registry::Edition;

/// The longest protocol version that is kept as it is, in bytes.
const MAX_VERSION: usize = 64;

/// Who sends a message, before anything is read of what the message says. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Requester {
    pub(crate) principal: Arc<Principal>,
    /// The memory that its messages, and those for it, are counted in.
    pub(crate) budget: Budget,
}

/// The client of an exchange. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) era: Era,
    /// The session's pseudonym.
    pub(crate) session: Option<Arc<str>>,
    pub(crate) principal: Arc<Principal>,
    pub(crate) budget: Budget,
    pub(crate) attributes: Arc<[(String, String)]>,
}

impl Caller {
    /// The same sender.
    pub(crate) fn requester(&self) -> Requester {
        Requester {
            principal: self.principal.clone(),
            budget: self.budget.clone(),
        }
    }
    /// Of a modern request, which says by itself who sent it.
    pub(crate) fn of_request(requester: &Requester, message: &Message) -> Self {
        let meta = message.payload().root().get("_meta");
        let version = meta
            .and_then(|meta| meta.get(VERSION_KEY)?.string())
            .map(std::borrow::Cow::into_owned);
        let method = message.method().unwrap_or_default();
        let said = (message.payload(), method);
        Self::new(requester, Era::Modern, None, said, version)
    }

    /// Of a legacy session, from the params of its `initialize` and the version that was agreed on.
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
            // Versions are dates; whoever sends something else does not get more room for it.
            let version = cut(&version, MAX_VERSION).into_owned();
            ("protocol.version".to_owned(), version)
        });
        let attributes = client.attributes().chain(version).collect();
        Self {
            era,
            session,
            principal: requester.principal.clone(),
            budget: requester.budget.clone(),
            attributes,
        }
    }
}

impl Proxy {
    /// Who calls what; with the target's definition only where somebody may read it.
    pub(crate) async fn describe(
        &self,
        edition: &Edition,
        message: &Message,
        direction: Direction,
        headers: &HeaderMap,
        alias: Option<Arc<str>>,
    ) -> Arc<Call> {
        let (server, name) = (&self.conn.server, message.method().unwrap_or_default());
        let method = Method::new(name);
        let target = method.target_in(message.payload());
        let judged = |hook| {
            edition
                .chain()
                .concerns(hook, name, direction, server.name())
        };
        let defined = direction == Direction::ClientToServer
            && matches!(
                method.target(),
                Target::Tool | Target::Prompt | Target::Resource
            );
        let definition = match (&target, &self.conn.conversation) {
            (Some(target), Ok(conversation))
                if defined && (judged(Hook::PreCall) || judged(Hook::PostCall)) =>
            {
                conversation
                    .definitions()
                    .fetch(conversation, name, target, headers)
                    .await
            }
            _ => None,
        };
        Arc::new(Call {
            id: new_id(),
            method: name.into(),
            direction,
            era: self.caller.era,
            server: server.name().clone(),
            target: target.map(Into::into),
            client_target: alias,
            session: self.caller.session.clone(),
            principal: self.caller.principal.name.clone(),
            account: self.caller.budget.account().clone(),
            groups: self.caller.principal.groups.clone(),
            definition,
            attributes: self.caller.attributes.clone(),
        })
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

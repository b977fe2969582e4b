//! Describes a call: its id, caller, method, target, and the target's definition.

use std::sync::Arc;

use http::HeaderMap;
use sandgate_message::{Call, Direction, Hook, Json, Message, Method, Target};

use crate::call::proxy::Proxy;
use crate::registry::Edition;
use sandgate_observe::new_id;

impl Proxy {
    /// Describes the call of a message. The target's definition is fetched only where an interceptor may read it.
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
        self.call(message, direction, alias, definition)
    }

    /// The call of a message, with this definition of its target.
    pub(crate) fn call(
        &self,
        message: &Message,
        direction: Direction,
        alias: Option<Arc<str>>,
        definition: Option<Json>,
    ) -> Arc<Call> {
        let (server, name) = (&self.conn.server, message.method().unwrap_or_default());
        let target = Method::new(name).target_in(message.payload());
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

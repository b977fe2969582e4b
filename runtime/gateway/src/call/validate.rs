//! The gateway's own rules for a message, including those that need the server's lists.

use std::sync::Arc;

use http::HeaderMap;
use sandgate_access::is_odd;
use sandgate_message::{Call, Message, Method, Target, is_canonical_uri, looks_like};
use sandgate_pipeline::Chain;

use crate::call::proxy::Proxy;
use crate::protocol::validation::{InvalidMessageError, check, uris};
use crate::registry::Edition;
use sandgate_observe::Arrival;

impl Proxy {
    /// Checks a client's message against the gateway's rules.
    ///
    /// # Errors
    ///
    /// The message breaks a rule; see [`InvalidMessageError`].
    pub(crate) async fn validate(
        &self,
        edition: &Edition,
        call: &Call,
        message: &Message,
        headers: &HeaderMap,
    ) -> Result<(), InvalidMessageError> {
        let viewed = edition.views().are_in_force();
        check(edition.chain(), viewed, call, message)?;
        let chain = edition.chain();
        if uris::has_uris(&call.method, message)
            && (viewed || chain.judges_uris(&call.method, call.direction, &call.server))
        {
            for (uri, list) in uris::of(&call.method, message) {
                let listed = match list {
                    Some(method) if !is_canonical_uri(&uri) => {
                        self.is_listed(method, &uri, headers).await
                    }
                    _ => is_canonical_uri(&uri),
                };
                if !listed {
                    return Err(InvalidMessageError::AmbiguousUri);
                }
            }
        }
        self.validate_name(chain, viewed, call, headers).await
    }

    async fn validate_name(
        &self,
        chain: &Chain,
        viewed: bool,
        call: &Call,
        headers: &HeaderMap,
    ) -> Result<(), InvalidMessageError> {
        let list = match Method::new(&call.method).target() {
            Target::Tool => "tools/call",
            Target::Prompt | Target::Reference => "prompts/get",
            Target::Resource | Target::None => return Ok(()),
        };
        let Some(name) = call.target.as_deref() else {
            return Ok(());
        };
        if self.conn.server.lookalikes().has(list, name) {
            return Err(InvalidMessageError::LookalikeName);
        }
        if is_odd(name)
            && looks_like(name) != name
            && Method::new(&call.method).target() != Target::Reference
            && (viewed || chain.judges_any(&call.method, call.direction, &call.server))
            && !self.is_listed(list, name, headers).await
        {
            return Err(InvalidMessageError::AmbiguousName);
        }
        Ok(())
    }

    /// Whether the server lists this exact target, byte for byte. The server is asked if the definition is not cached.
    async fn is_listed(&self, method: &str, target: &str, headers: &HeaderMap) -> bool {
        let Ok(conversation) = &self.conn.conversation else {
            return false;
        };
        let definitions = conversation.definitions();
        let fetch = definitions.fetch(conversation, method, target, headers);
        Box::pin(fetch).await.is_some()
    }

    /// Records a refused message. Returns the reply for its asker.
    pub(crate) fn refuse(
        &self,
        chain: &Chain,
        call: Arc<Call>,
        message: &Message,
        why: &InvalidMessageError,
        arrival: Arrival,
    ) -> Option<Message> {
        let reply = message.id().map(|id| why.reply(&call).with_id(id));
        // A record shows the target and attributes as the interceptors left them; no interceptor has seen these.
        let call = Arc::new(Call {
            target: None,
            client_target: None,
            attributes: Arc::from([]),
            ..(*call).clone()
        });
        self.record_refused((None, chain.version()), call, message, reply, arrival)
    }
}

//! The HTTP headers that mirror a request's params in the modern era.

use http::HeaderMap;
use sandgate_message::{Call, Direction, Era, Hook, Json, Message};

use crate::call::in_flight::InFlight;
use crate::call::proxy::Proxy;
use crate::registry::Edition;
use sandgate_wire::header_mirror;

impl Proxy {
    /// Checks the headers that mirror arguments against the body. Where an HTTP server's tools were never listed, the
    /// definition is not fetched and the server checks the headers itself.
    ///
    /// # Errors
    ///
    /// A header contradicts the body.
    pub(crate) async fn mirrored(
        &self,
        call: &Call,
        message: &Message,
        headers: &HeaderMap,
    ) -> Result<(), header_mirror::HeaderMismatchError> {
        let judged = call.era == Era::Modern
            && call.direction == Direction::ClientToServer
            && &*call.method == "tools/call";
        if !judged || !header_mirror::bears_headers(headers) {
            return Ok(());
        }
        let fetch = !self.conn.server.transport().mirrors_headers();
        match self.definition(call, headers, fetch).await {
            Some(tool) => header_mirror::check_params(headers, message.payload(), &tool),
            None => Ok(()),
        }
    }

    /// The headers for the forwarded request; `None` where the received ones serve. Params headers are renewed where an
    /// interceptor changed the message, where the client sent none (as on stdio), and where an interceptor judges a
    /// call whose client sent some. The trace context is renewed where there is one.
    pub(crate) async fn renewed_headers(
        &self,
        edition: &Edition,
        in_flight: &InFlight,
        received: &[u8],
        headers: &HeaderMap,
    ) -> Option<HeaderMap> {
        let (sent, call) = (in_flight.message(), in_flight.call());
        let changed = sent.bytes() != received;
        let unsaid = &*call.method == "tools/call" && !header_mirror::bears_headers(headers);
        // A params header that no definition explains would carry a value that no interceptor saw.
        let unseen = header_mirror::bears_params(headers) && judged(edition, call);
        let traced = in_flight.arrival().renew(headers);
        let renews = changed || unsaid || unseen;
        let mirrors = self.conn.server.transport().mirrors_headers();
        if self.caller.era != Era::Modern || !mirrors || !renews {
            return traced;
        }
        let tool = self.definition(call, headers, unsaid).await;
        let mut renewed = traced.unwrap_or_else(|| headers.clone());
        header_mirror::renew_params(&mut renewed, sent.payload(), tool.as_ref());
        Some(renewed)
    }

    /// The definition of the call's target. With `fetch`, a definition that is not cached is requested from the server.
    async fn definition(&self, call: &Call, headers: &HeaderMap, fetch: bool) -> Option<Json> {
        if call.definition.is_some() {
            return call.definition.clone();
        }
        let (definitions, target) = (self.conn.definitions()?, call.target.as_deref()?);
        match &self.conn.conversation {
            Ok(conversation) if fetch => {
                let fetch = definitions.fetch(conversation, &call.method, target, headers);
                Box::pin(fetch).await
            }
            _ => definitions.get(&call.method, target),
        }
    }
}

/// Whether an interceptor judges the call or its reply.
fn judged(edition: &Edition, call: &Call) -> bool {
    [Hook::PreCall, Hook::PostCall].into_iter().any(|hook| {
        let chain = edition.chain();
        chain.concerns(hook, &call.method, call.direction, &call.server)
    })
}

//! The HTTP headers that mirror a request's params in the modern era.

use http::HeaderMap;
use sandgate_message::{Call, Direction, Era, Hook, Json, Message};

use crate::call::in_flight::InFlight;
use crate::call::proxy::Proxy;
use crate::registry::Edition;
use sandgate_upstream::header_mirror;

impl Proxy {
    /// Whether the headers that mirror arguments say what the body says. An HTTP server whose list nobody has asked for
    /// judges for itself: it gets the headers as they came.
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

    /// The headers with which a request goes on, where they differ from those that it came with: the ones that mirror
    /// params, where an interceptor changed those, where the client, being on stdio, sent none, and where an interceptor
    /// looks and the client sent some; and the gateway's place in a trace.
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
        // A parameter in a header that no definition explains would say what no interceptor saw.
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

    /// The definition of the call's target. Where nobody has seen it yet, the server is asked if `fetch` says so.
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

/// An interceptor looks at the call or its reply.
fn judged(edition: &Edition, call: &Call) -> bool {
    [Hook::PreCall, Hook::PostCall].into_iter().any(|hook| {
        let chain = edition.chain();
        chain.concerns(hook, &call.method, call.direction, &call.server)
    })
}

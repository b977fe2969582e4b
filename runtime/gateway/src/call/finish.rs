//! Replies on their way out: every reply, from either side, passes the interceptors and is recorded here.

use sandgate_access::visible;
use sandgate_message::Message;

use crate::call::error_reply;
use crate::call::in_flight::{InFlight, Reply};
use crate::call::proxy::Proxy;
use crate::nested;
use crate::protocol::cache_scope::for_this_caller;
use crate::registry::Edition;
use sandgate_observe::Decision;

impl Proxy {
    /// Runs the reply to a client's request through the interceptors and records it. Returns the reply that the client
    /// gets.
    pub(crate) async fn finish(
        &self,
        edition: &Edition,
        in_flight: InFlight,
        reply: Message,
        decision: Decision,
    ) -> Reply {
        if let (Decision::Forwarded, Some(claims)) = (decision, &self.claims) {
            // An error may name a URL elicitation, whose completion the server announces later.
            claims.asks(&reply, self.conn.server.name());
        }
        let (store, limits) = (&self.shared.nested, &self.shared.config.limits);
        let call = in_flight.call().clone();
        // Before the interceptors, so that validators see the final bytes; and after, since one may have added to them.
        let (views, stops) = (edition.views(), edition.stops());
        let shown = |reply: Message| match visible(views, stops, &call, limits, &reply) {
            Ok(None) => reply,
            Ok(Some(shown)) => shown,
            Err(why) => {
                let error = error_reply::withheld(&call, &why.to_string());
                match reply.id() {
                    Some(id) => error.with_id(id),
                    None => error,
                }
            }
        };
        let reply = shown(reply);
        let mut reply = nested::leave(store, Some(&self.conn), in_flight, reply, decision).await;
        if !reply.withheld {
            reply.message = reply
                .message
                .map(shown)
                .map(|message| for_this_caller(edition, &call, limits, message));
        }
        reply
    }

    /// Ends a call that got no reply with the gateway's own error. Returns the reply for the asker.
    pub(crate) async fn failed(&self, in_flight: InFlight, why: Message) -> Option<Message> {
        self.own_reply(in_flight, why, Decision::Failed).await
    }

    /// Ends a call with a reply that the other side did not send: the gateway's own, or an interceptor's.
    pub(crate) async fn own_reply(
        &self,
        in_flight: InFlight,
        reply: Message,
        decision: Decision,
    ) -> Option<Message> {
        nested::leave(&self.shared.nested, None, in_flight, reply, decision)
            .await
            .message
    }
}

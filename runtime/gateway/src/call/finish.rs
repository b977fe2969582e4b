//! The one way out: every reply, whichever side gives it, passes the interceptors and is recorded here.

use sandgate_message::Message;

use crate::call::in_flight::{InFlight, Reply};
use crate::call::proxy::Proxy;
use crate::nested;
use crate::observe::call_log::Decision;
use crate::protocol::cache_scope::for_this_caller;
use crate::registry::Edition;

impl Proxy {
    /// The reply to a client's request, as the client gets it.
    pub(crate) async fn finish(
        &self,
        edition: &Edition,
        in_flight: InFlight,
        reply: Message,
        decision: Decision,
    ) -> Reply {
        if let (Decision::Forwarded, Some(claims)) = (decision, &self.claims) {
            // An error may say what the client has to do first, and the server when that is done.
            claims.asks(&reply, self.conn.server.name());
        }
        let (store, limits) = (&self.shared.nested, &self.shared.config.limits);
        let call = in_flight.call().clone();
        let mut reply = nested::leave(store, Some(&self.conn), in_flight, reply, decision).await;
        if !reply.withheld {
            reply.message = reply
                .message
                .map(|message| for_this_caller(edition, &call, limits, message));
        }
        reply
    }

    /// There is no reply: the gateway says why. Hands back what the asker is told.
    pub(crate) async fn failed(&self, in_flight: InFlight, why: Message) -> Option<Message> {
        self.own_reply(in_flight, why, Decision::Failed).await
    }

    /// A reply that is not the other side's: the gateway's own, or an interceptor's.
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

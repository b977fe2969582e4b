//! Relays a server's event stream to the client, one event at a time.

use std::sync::Arc;

use futures_util::StreamExt;
use sandgate_message::{Id, Message, Shape};

use crate::call::error_reply;
use crate::call::in_flight::InFlight;
use crate::call::proxy::Proxy;
use crate::call::response::EventStream;
use crate::call::stop::Stopped;
use crate::protocol::subscription::LISTEN;
use crate::registry::{Edition, StopGuard};
use sandgate_observe::{Decision, RefusedBy};
use sandgate_upstream::{ServerError, ServerEvent, ServerEvents};

/// The answer to one request, as a stream of events. Dropping it before its end means that the client went away.
pub(crate) struct Relay {
    proxy: Proxy,
    /// The edition under which the request was admitted.
    edition: Arc<Edition>,
    events: ServerEvents,
    id: Id,
    /// The call; `None` once its reply was sent.
    in_flight: Option<InFlight>,
    /// Whether the client may fetch the reply on a later stream: a legacy server put ids on its events.
    resumable: bool,
    /// Tells of stops.
    guard: StopGuard,
}

impl Relay {
    /// Creates a relay. Messages beside the reply are attributed to the client as the interceptors left it, since that
    /// is the client the server knows.
    pub(crate) fn new(
        proxy: &Proxy,
        edition: Arc<Edition>,
        events: ServerEvents,
        id: Id,
        in_flight: InFlight,
    ) -> Self {
        let mut proxy = proxy.clone();
        let mut guard = proxy.shared.registry.guard();
        // A client may read slowly, and a stop does not wait for it.
        guard.waits_for_nothing();
        proxy.caller.attributes = in_flight.call().attributes.clone();
        Self {
            proxy,
            edition,
            events,
            id,
            in_flight: Some(in_flight),
            resumable: false,
            guard,
        }
    }

    pub(crate) fn into_stream(self) -> EventStream {
        Box::pin(futures_util::stream::unfold(self, Self::next))
    }

    async fn next(mut self) -> Option<(ServerEvent, Self)> {
        self.in_flight.as_ref()?;
        loop {
            let event = tokio::select! {
                biased;
                () = self.guard.changed() => {
                    let meets = self.in_flight.as_ref().and_then(|it| self.proxy.meets(self.guard.edition(), it));
                    match meets {
                        Some(rule) => return self.given_up(rule).await,
                        None => continue,
                    }
                }
                event = self.events.next() => event,
            };
            match event {
                Some(Ok(mut event)) => {
                    self.resumable |= event.id.is_some() && self.proxy.pending.is_some();
                    if self.is_reply(&event) {
                        let (in_flight, reply) = (self.in_flight.take()?, event.message.take()?);
                        let reply = self
                            .proxy
                            .finish(&self.edition, in_flight, reply, Decision::Forwarded)
                            .await;
                        event.message = Some(reply.message?);
                        return Some((event, self));
                    }
                    if let Some(event) = self.proxy.receive_event(event).await {
                        return Some((event, self));
                    }
                }
                None if self.resumable => return None,
                None if self.lasts() => {
                    // A server may end a subscription without a reply.
                    let _ = self.in_flight.take()?.end(Decision::Forwarded, None);
                    return None;
                }
                Some(Err(error)) => return self.broken(error).await,
                None => {
                    let server = self.proxy.conn.server.name().clone();
                    return self.broken(ServerError::Cut { server }).await;
                }
            }
        }
    }

    /// Ends the call because of a stop. Dropping the events cancels it at the server.
    async fn given_up(mut self, rule: RefusedBy) -> Option<(ServerEvent, Self)> {
        let in_flight = self.in_flight.take()?;
        let stopped = Stopped::at_the_server(rule);
        let reply = self.proxy.end_stopped(in_flight, &self.id, stopped).await?;
        Some((ServerEvent::of(reply), self))
    }

    async fn broken(mut self, error: ServerError) -> Option<(ServerEvent, Self)> {
        let in_flight = self.in_flight.take()?;
        let call = in_flight.call().clone();
        tracing::warn!(id = %call.id, server = %call.server, method = ?call.method, "{}", error.detail());
        self.proxy.conn.note(&error);
        let reply = error_reply::server_error(&self.id, &call, &error);
        let reply = self.proxy.failed(in_flight, reply).await?;
        Some((ServerEvent::of(reply), self))
    }

    /// Whether the call is a subscription, which may end without a reply.
    fn lasts(&self) -> bool {
        let in_flight = self.in_flight.as_ref();
        in_flight.is_some_and(|in_flight| &*in_flight.call().method == LISTEN)
    }

    fn is_reply(&self, event: &ServerEvent) -> bool {
        match event.message.as_ref().map(Message::shape) {
            Some(Shape::Result { id }) => *id == self.id,
            Some(Shape::Error { id }) => id.as_ref().is_none_or(|id| *id == self.id),
            _ => false,
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        if self.resumable
            && let (Some(in_flight), Some(pending)) = (self.in_flight.take(), &self.proxy.pending)
        {
            pending.park(self.id.clone(), in_flight);
        }
    }
}

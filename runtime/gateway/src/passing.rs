//! A server's stream on its way to the client. An event is held only while it is looked at.

use std::sync::Arc;

use futures_util::StreamExt;
use sandgate_message::{Id, Message, Shape};

use crate::caching::for_this_caller;
use crate::delivery::Flow;
use crate::downstream::subscription::LISTEN;
use crate::exchange::Exchange;
use crate::journal::{Left, Underway};
use crate::record::Decision;
use crate::registry::Edition;
use crate::upstream::{Arrival, Arrivals, ServerError};
use crate::{carried, reply};

/// The answer to one request, event by event. Dropped before its end, the client has gone away.
pub(crate) struct Passing {
    exchange: Exchange,
    /// The one that the request came under.
    edition: Arc<Edition>,
    arrivals: Arrivals,
    id: Id,
    /// Gone once the reply has left.
    underway: Option<Underway>,
    /// A legacy server that numbers its events: the client may fetch the reply later.
    resumable: bool,
}

impl Passing {
    pub(crate) fn new(
        exchange: Exchange,
        edition: Arc<Edition>,
        arrivals: Arrivals,
        id: Id,
        underway: Underway,
    ) -> Self {
        Self {
            exchange,
            edition,
            arrivals,
            id,
            underway: Some(underway),
            resumable: false,
        }
    }

    pub(crate) fn flow(self) -> Flow {
        Box::pin(futures_util::stream::unfold(self, Self::next))
    }

    async fn next(mut self) -> Option<(Arrival, Self)> {
        self.underway.as_ref()?;
        loop {
            match self.arrivals.next().await {
                Some(Ok(mut arrival)) => {
                    self.resumable |= arrival.id.is_some() && self.exchange.ledger.is_some();
                    if self.is_reply(&arrival) {
                        let (underway, reply) = (self.underway.take()?, arrival.message.take()?);
                        let call = underway.call().clone();
                        let exchange = &self.exchange;
                        exchange.refused_for_now(&reply);
                        let Left {
                            message, withheld, ..
                        } = carried::leave(
                            &exchange.house.carriage,
                            Some(&exchange.link),
                            underway,
                            reply,
                            Decision::Forwarded,
                        )
                        .await;
                        let message = message?;
                        let message = if withheld {
                            message
                        } else {
                            for_this_caller(
                                &self.edition,
                                &call,
                                &self.exchange.house.config.limits,
                                message,
                            )
                        };
                        arrival.message = Some(message);
                        return Some((arrival, self));
                    }
                    if let Some(arrival) = self.exchange.arrive(arrival).await {
                        return Some((arrival, self));
                    }
                }
                None if self.resumable => return None,
                None if self.lasts() => {
                    // Its server ended a subscription: nothing is missing.
                    let _ = self.underway.take()?.end(Decision::Forwarded, None);
                    return None;
                }
                Some(Err(error)) => return self.broken(error).await,
                None => {
                    let server = self.exchange.link.server.name().clone();
                    return self.broken(ServerError::Cut { server }).await;
                }
            }
        }
    }

    async fn broken(mut self, error: ServerError) -> Option<(Arrival, Self)> {
        let underway = self.underway.take()?;
        let call = underway.call().clone();
        tracing::warn!(id = %call.id, server = %call.server, method = ?call.method, "{}", error.detail());
        self.exchange.link.note(&error);
        let reply = reply::server_error(&self.id, &call, &error);
        let reply = self.exchange.failed(underway, reply).await?;
        Some((Arrival::of(reply), self))
    }

    /// It is a subscription, which may end without a reply.
    fn lasts(&self) -> bool {
        let underway = self.underway.as_ref();
        underway.is_some_and(|underway| &*underway.call().method == LISTEN)
    }

    fn is_reply(&self, arrival: &Arrival) -> bool {
        match arrival.message.as_ref().map(Message::shape) {
            Some(Shape::Result { id }) => *id == self.id,
            Some(Shape::Error { id }) => id.as_ref().is_none_or(|id| *id == self.id),
            _ => false,
        }
    }
}

impl Drop for Passing {
    fn drop(&mut self) {
        if self.resumable
            && let (Some(underway), Some(ledger)) = (self.underway.take(), &self.exchange.ledger)
        {
            ledger.park(self.id.clone(), underway);
        }
    }
}

//! A modern client's subscription: what its servers say on it, and what the gateway itself has to say (lists differ since
//! a reload, the gateway is stopping).
//!
//! No subscription can be named by anybody but its maker: its id is that of the request that opened it, and lives on that
//! request's stream (HTTP) or on that client's line (stdio) alone.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use sandgate_message::{Id, Message};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::call::response::{ClientResponse, ClientResponseBody, EventStream};
use crate::protocol::list_changed;
use crate::protocol::subscription::{Wanted, closed, marked};
use crate::registry::Edition;
use crate::shared::Shared;
use sandgate_upstream::{Server, ServerEvent};

/// A silent stream says that it is there: a connection whose other end is gone is found out, and what stands between does
/// not take it for dead. Less than the minute after which common proxies cut a silent connection.
const STILL_THERE: Duration = Duration::from_secs(25);

/// An open one. Dropped, the client has gone away.
struct Subscription {
    id: Id,
    wanted: Wanted,
    shared: Arc<Shared>,
    /// The edition that the client's lists are of.
    seen: Arc<Edition>,
    /// None: all servers together.
    server: Option<Arc<Server>>,
    /// Gone at its end.
    stream: Option<EventStream>,
    acknowledged: bool,
    due: VecDeque<Message>,
    published: watch::Receiver<()>,
    draining: CancellationToken,
}

/// The stream of a subscription, with the gateway's own words on it. Any other answer is left as it is.
pub(crate) fn kept(
    shared: &Arc<Shared>,
    edition: &Arc<Edition>,
    server: Option<Arc<Server>>,
    request: &Message,
    draining: &CancellationToken,
    response: ClientResponse,
) -> ClientResponse {
    let Some(id) = request.id() else {
        return response;
    };
    let stream = match response.body {
        ClientResponseBody::Stream(stream) => stream,
        body => {
            return ClientResponse { body, ..response };
        }
    };
    let subscription = Subscription {
        id: id.clone(),
        wanted: Wanted::of(request.payload()),
        shared: shared.clone(),
        seen: edition.clone(),
        server,
        stream: Some(stream),
        acknowledged: false,
        due: VecDeque::new(),
        published: shared.registry.watch(edition),
        draining: draining.clone(),
    };
    let stream = futures_util::stream::unfold(subscription, Subscription::next);
    ClientResponse {
        body: ClientResponseBody::Stream(Box::pin(stream)),
        ..response
    }
}

impl Subscription {
    async fn next(mut self) -> Option<(ServerEvent, Self)> {
        loop {
            if self.acknowledged
                && let Some(notice) = self.due.pop_front()
            {
                return Some((ServerEvent::of(notice), self));
            }
            let stream = self.stream.as_mut()?;
            tokio::select! {
                biased;
                () = self.draining.cancelled() => return Some(self.end()),
                Ok(()) = self.published.changed() => {
                    if !self.turn() {
                        return Some(self.end());
                    }
                }
                arrival = stream.next() => {
                    let arrival = arrival?;
                    self.acknowledged |= arrival.message.is_some();
                    return Some((arrival, self));
                }
                () = tokio::time::sleep(STILL_THERE) => return Some((ServerEvent::default(), self)),
            }
        }
    }

    /// Another edition is in force. False where the subscription's server is no part of it: only a new subscription
    /// reaches the one in its place.
    fn turn(&mut self) -> bool {
        let now = self.shared.registry.current();
        if self.server.as_ref().is_some_and(|server| !now.has(server)) {
            return false;
        }
        let name = self.server.as_ref().map(|server| &**server.name());
        for notice in list_changed::lists(&self.seen, &now, name) {
            let notice = self.wanted.has(notice).then(|| marked(notice, &self.id));
            // One that still waits to be said will do.
            self.due
                .extend(notice.filter(|notice| !self.says(notice.method())));
        }
        self.seen = now;
        true
    }

    fn says(&self, method: Option<&str>) -> bool {
        self.due.iter().any(|due| due.method() == method)
    }

    /// The server of the subscription is told when the stream is dropped.
    fn end(mut self) -> (ServerEvent, Self) {
        self.stream = None;
        self.due.clear();
        (ServerEvent::of(closed(&self.id)), self)
    }
}

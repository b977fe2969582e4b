//! A modern client's subscription: the servers' notifications, and the gateway's own (lists changed by a reload,
//! shutdown).
//!
//! Only the client that made a subscription can name it: its id is that of the request that opened it, and exists only
//! on that request's stream (HTTP) or that client's line (stdio).

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use sandgate_access::Principal;
use sandgate_message::{Id, Message};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::call::response::{ClientResponse, ClientResponseBody, EventStream};
use crate::protocol::list_changed;
use crate::protocol::subscription::{Wanted, closed, marked};
use crate::registry::Edition;
use crate::shared::Shared;
use sandgate_upstream::{Server, ServerEvent};

/// The interval of keep-alives on a silent stream. They reveal dead connections, and keep proxies, which commonly cut a
/// connection after a silent minute, from cutting it.
const STILL_THERE: Duration = Duration::from_secs(25);

/// An open subscription. Dropping it means that the client went away.
struct Subscription {
    id: Id,
    wanted: Wanted,
    shared: Arc<Shared>,
    /// The edition that the client's lists belong to.
    seen: Arc<Edition>,
    client: Arc<Principal>,
    /// The server; `None` for all servers merged.
    server: Option<Arc<Server>>,
    /// The stream; `None` once it has ended.
    stream: Option<EventStream>,
    acknowledged: bool,
    due: VecDeque<Message>,
    published: watch::Receiver<()>,
    draining: CancellationToken,
}

/// Adds the gateway's own notifications to the stream of a subscription. Any other response is unchanged.
pub(crate) fn kept(
    shared: &Arc<Shared>,
    edition: &Arc<Edition>,
    client: Arc<Principal>,
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
        client,
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
                event = stream.next() => {
                    let event = event?;
                    self.acknowledged |= event.message.is_some();
                    return Some((event, self));
                }
                () = tokio::time::sleep(STILL_THERE) => return Some((ServerEvent::default(), self)),
            }
        }
    }

    /// Queues notifications about the lists that the current edition changed. Returns `false` if the subscription's
    /// server is no longer part of the edition, or no longer shown to the client: only a new subscription reaches its replacement.
    fn turn(&mut self) -> bool {
        let now = self.shared.registry.current();
        let viewer = self.client.viewer();
        let gone = |server: &Arc<Server>| {
            !now.has(server) || server.is_held() || !now.views().show(viewer, server.name())
        };
        if self.server.as_ref().is_some_and(gone) {
            return false;
        }
        let name = self.server.as_ref().map(|server| &**server.name());
        for notice in list_changed::lists(&self.seen, &now, name, viewer) {
            let notice = self.wanted.has(notice).then(|| marked(notice, &self.id));
            // A notification that is still queued is not queued again.
            self.due
                .extend(notice.filter(|notice| !self.says(notice.method())));
        }
        self.seen = now;
        true
    }

    fn says(&self, method: Option<&str>) -> bool {
        self.due.iter().any(|due| due.method() == method)
    }

    /// Ends the subscription. Dropping the stream tells its server.
    fn end(mut self) -> (ServerEvent, Self) {
        self.stream = None;
        self.due.clear();
        (ServerEvent::of(closed(&self.id)), self)
    }
}

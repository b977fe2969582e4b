//! A modern client's subscription: what its servers say on it, and what the gateway itself has to say (lists differ since
//! a reload, the gateway is stopping).
//!
//! No subscription can be named by anybody but its maker: its id is that of the request that opened it, and lives on that
//! request's stream (HTTP) or on that client's line (stdio) alone.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use sandgate_message::{Id, Json, Limits, Message, Shape};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::call::response::{ClientResponse, ClientResponseBody, EventStream};
use crate::protocol::list_changed;
use crate::registry::Edition;
use crate::shared::Shared;
use crate::upstream::{Server, ServerEvent};

/// The method that opens one.
pub(crate) const LISTEN: &str = "subscriptions/listen";
/// What must come first on its stream.
pub(crate) const ACKNOWLEDGED: &str = "notifications/subscriptions/acknowledged";
/// A silent stream says that it is there: a connection whose other end is gone is found out, and what stands between does
/// not take it for dead. Less than the minute after which common proxies cut a silent connection.
const STILL_THERE: Duration = Duration::from_secs(25);

/// The changes of lists that a client asked to be told of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    tools: bool,
    prompts: bool,
    resources: bool,
}

impl Wanted {
    /// As the params of `subscriptions/listen` have it.
    pub(crate) fn of(params: &Json) -> Self {
        let filter = params.root().get("notifications");
        let wants = |name: &str| {
            filter
                .and_then(|filter| filter.get(name))
                .is_some_and(|value| value.as_str() == "true")
        };
        Self {
            tools: wants("toolsListChanged"),
            prompts: wants("promptsListChanged"),
            resources: wants("resourcesListChanged"),
        }
    }

    /// Whether it is this notification.
    pub(crate) fn has(self, notice: &str) -> bool {
        match notice {
            list_changed::TOOLS => self.tools,
            list_changed::PROMPTS => self.prompts,
            list_changed::RESOURCES => self.resources,
            _ => false,
        }
    }

    /// All of these notifications.
    pub(crate) fn notification_budget(self) -> impl Iterator<Item = &'static str> {
        let all = [
            list_changed::TOOLS,
            list_changed::PROMPTS,
            list_changed::RESOURCES,
        ];
        all.into_iter().filter(move |notice| self.has(notice))
    }
}

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

/// The reply to a request that opened a subscription: it is over, and that is no failure.
pub(crate) fn closed(id: &Id) -> Message {
    Message::result(
        id,
        &own(format!(
            r#"{{"resultType":"complete","_meta":{}}}"#,
            mark(id)
        )),
    )
}

/// The same where a stream would simply end: for a client that has no stream for each request.
pub(crate) fn cancelled(id: &Id) -> Message {
    let params = own(format!(r#"{{"requestId":{}}}"#, id.as_str()));
    Message::notification("notifications/cancelled", &params)
}

/// A notification of the gateway's own on a subscription.
pub(crate) fn marked(method: &str, id: &Id) -> Message {
    Message::notification(method, &own(format!(r#"{{"_meta":{}}}"#, mark(id))))
}

/// What says to which subscription a message belongs.
pub(crate) fn mark(id: &Id) -> String {
    format!(
        r#"{{"io.modelcontextprotocol/subscriptionId":{}}}"#,
        id.as_str()
    )
}

/// Well-formed by construction: an id is JSON.
pub(crate) fn own(text: String) -> Json {
    let limits = Limits {
        bytes: text.len(),
        depth: 8,
    };
    Json::parse(text, &limits).unwrap_or_else(|_| Json::empty_object())
}

/// It was the reply: nothing more will come.
pub(crate) fn is_over(arrival: &ServerEvent) -> bool {
    matches!(
        arrival.message.as_ref().map(Message::shape),
        Some(Shape::Result { .. } | Shape::Error { .. })
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(text: &str) -> Json {
        Json::parse(text.to_owned(), &Limits::default()).unwrap()
    }

    #[test]
    fn only_what_was_asked_for_is_wanted() {
        let wanted = Wanted::of(&read(
            r#"{"notifications":{"toolsListChanged":true,"promptsListChanged":false,"resourcesListChanged":1}}"#,
        ));
        assert_eq!(
            wanted.notification_budget().collect::<Vec<_>>(),
            [list_changed::TOOLS]
        );
        assert_eq!(Wanted::of(&read("{}")), Wanted::default());
        assert!(!wanted.has("notifications/message"));
    }

    #[test]
    fn what_the_gateway_says_bears_the_subscriptions_own_id() {
        let id = Id::from_json(&read(r#""a\u0062""#)).unwrap();
        assert_eq!(
            std::str::from_utf8(&closed(&id).bytes()).unwrap(),
            r#"{"jsonrpc":"2.0","id":"a\u0062","result":{"resultType":"complete","_meta":{"io.modelcontextprotocol/subscriptionId":"a\u0062"}}}"#
        );
        assert_eq!(
            std::str::from_utf8(&marked(list_changed::TOOLS, &id).bytes()).unwrap(),
            r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":"a\u0062"}}}"#
        );
    }
}

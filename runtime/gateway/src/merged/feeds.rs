//! A modern client's subscription to all servers: one stream, fed by a subscription at each server that it concerns.
//!
//! A server that does not acknowledge in time, or whose stream ends, does not end the client's stream. The gateway
//! subscribes again with growing pauses, and then tells the client that what it subscribed to may have changed. A
//! reload removes the feeds of servers that are gone and adds those of new ones.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::join_all;
use http::HeaderMap;
use sandgate_message::{Era, Id, Json, Message, Shape, error_codes};
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};

use super::filter::Filter;
use super::{Client, Merged};
use crate::call::caller::Caller;
use crate::call::error_reply;
use crate::call::proxy::Proxy;
use crate::call::response::{ClientResponse, ClientResponseBody, EventStream};
use crate::claims::NameClaims;
use crate::protocol::subscription::{ACKNOWLEDGED, closed, mark, marked, own};
use crate::registry::Edition;
use crate::shared::Shared;
use crate::upstream_conn::UpstreamConn;
use sandgate_upstream::{Asker, Server, ServerEvent};

/// The first pause before a server is asked again, and the longest.
const AGAIN: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));
/// The most messages that wait for the client to read; at that number the servers wait.
const UNREAD: usize = 16;
/// The notification of a changed resource.
const UPDATED: &str = "notifications/resources/updated";

/// The subscription as a whole, polled by the client's stream.
struct Together {
    shared: Arc<Shared>,
    caller: Caller,
    id: Id,
    request: Message,
    headers: HeaderMap,
    filter: Filter,
    /// The subscribed resources of each server, by the server's name.
    owned: HashMap<Arc<str>, Vec<String>>,
    published: watch::Receiver<()>,
    acknowledgement: Option<Message>,
    heard: mpsc::Receiver<ServerEvent>,
    say: mpsc::Sender<ServerEvent>,
    feeds: HashMap<Arc<str>, (Arc<Server>, AbortHandle)>,
    /// The tasks of the feeds, which stop when the client's stream is dropped.
    tasks: JoinSet<()>,
    over: bool,
}

/// One server's part of the subscription.
struct Feed {
    shared: Arc<Shared>,
    caller: Caller,
    server: Arc<Server>,
    id: Id,
    /// The request, with this server's part of the filter.
    request: Message,
    headers: HeaderMap,
    filter: Filter,
    uris: Vec<String>,
    say: mpsc::Sender<ServerEvent>,
}

/// The result of opening a server's subscription.
enum Opened {
    /// The stream after the acknowledgement, and the acknowledgement's params.
    Stream(EventStream, Option<Json>),
    /// The server does not know subscriptions.
    Unknown,
    /// The server or an interceptor refused.
    Refused(Message),
    /// The server cannot be reached, or did not answer properly in time.
    Failed,
}

impl Merged {
    /// Opens the merged subscription. The stream begins once every server has acknowledged, refused, or timed out.
    pub(super) async fn listen(
        &self,
        id: &Id,
        message: Message,
        headers: &HeaderMap,
    ) -> ClientResponse {
        let Client::Stateless(caller) = &self.client else {
            return ClientResponse::message(error_reply::no_method(id, "subscriptions/listen"));
        };
        let filter = match Filter::of(message.payload()) {
            Ok(filter) => filter,
            Err(why) => return ClientResponse::message(error_reply::invalid_params(id, why)),
        };
        let published = self.shared.registry.watch(&self.edition);
        let owned = self.owned(&filter, headers).await;
        let (say, heard) = mpsc::channel(UNREAD);
        let mut together = Together {
            shared: self.shared.clone(),
            caller: caller.clone(),
            id: id.clone(),
            request: message,
            headers: headers.clone(),
            filter,
            owned,
            published,
            acknowledgement: None,
            heard,
            say,
            feeds: HashMap::new(),
            tasks: JoinSet::new(),
            over: false,
        };
        let feeds: Vec<Feed> = self
            .servers()
            .filter_map(|server| together.feed(server))
            .collect();
        let opened = join_all(feeds.iter().map(|feed| feed.open(&self.edition))).await;
        let (mut agreed, mut refusals, mut open) = (Vec::new(), Vec::new(), false);
        for (feed, opened) in feeds.into_iter().zip(opened) {
            match opened {
                Opened::Stream(stream, params) => {
                    open = true;
                    agreed.extend(params);
                    together.run(feed, Some(stream));
                }
                Opened::Failed => {
                    tracing::warn!(server = %feed.server.name(), "left out of the merged subscription for now: it did not acknowledge");
                    together.run(feed, None);
                }
                Opened::Refused(reply) => refusals.push(reply),
                Opened::Unknown => {}
            }
        }
        if let (false, Some(refusal)) = (open, refusals.into_iter().next()) {
            return ClientResponse::message(refusal);
        }
        together.acknowledgement = Some(together.filter.acknowledgement(id, &agreed));
        let stream = futures_util::stream::unfold(together, Together::next);
        ClientResponse::new(
            http::StatusCode::OK,
            ClientResponseBody::Stream(Box::pin(stream)),
        )
    }

    async fn owned(&self, filter: &Filter, headers: &HeaderMap) -> HashMap<Arc<str>, Vec<String>> {
        let mut owned: HashMap<Arc<str>, Vec<String>> = HashMap::new();
        for uri in &filter.uris {
            if let Some(server) = self.owner(uri, headers).await {
                let uris = owned.entry(server.name().clone()).or_default();
                uris.push(uri.clone());
            }
        }
        // What is hidden is left out, unless nothing else is asked for: that is refused, and recorded.
        let refusers = || {
            let refusers = filter.uris.iter().map(|uri| self.refuser(uri));
            refusers.collect::<Option<Vec<_>>>()
        };
        let alone = owned.is_empty() && filter.is_of_resources_alone();
        let refusers = alone.then(refusers).flatten().unwrap_or_default();
        for (server, uri) in refusers.iter().zip(&filter.uris) {
            let uris = owned.entry(server.name().clone()).or_default();
            uris.push(uri.clone());
        }
        owned
    }
}

impl Together {
    async fn next(mut self) -> Option<(ServerEvent, Self)> {
        if self.over {
            return None;
        }
        if let Some(first) = self.acknowledgement.take() {
            return Some((ServerEvent::of(first), self));
        }
        loop {
            tokio::select! {
                biased;
                Ok(()) = self.published.changed() => {
                    if !self.follow().await {
                        self.over = true;
                        self.tasks.abort_all();
                        return Some((ServerEvent::of(closed(&self.id)), self));
                    }
                }
                // Never `None`: `say` keeps a sender alive.
                event = self.heard.recv() => return Some((event?, self)),
            }
            while self.tasks.try_join_next().is_some() {}
        }
    }

    /// Matches the feeds to the servers of the current edition. Returns `false` if one of them is legacy: the whole
    /// endpoint is legacy then, and the client has to start again.
    async fn follow(&mut self) -> bool {
        let now = self.shared.registry.current();
        let merged = Merged::stateless(self.shared.clone(), now.clone(), self.caller.clone());
        if merged.legacy_only().await.is_some() {
            return false;
        }
        let client = self.caller.principal.clone();
        self.feeds.retain(|_, (server, feed)| {
            // A server that was refused before may be accepted under this edition.
            let shown = now.views().show(client.viewer(), server.name());
            let stays = shown && now.has(server) && !server.is_held() && !feed.is_finished();
            if !stays {
                feed.abort();
            }
            stays
        });
        for server in now.servers_for(client.viewer()) {
            if !server.is_held()
                && !self.feeds.contains_key(server.name())
                && let Some(feed) = self.feed(server)
            {
                self.run(feed, None);
            }
        }
        true
    }

    /// The feed of a server; `None` if the subscription does not concern it.
    fn feed(&self, server: &Arc<Server>) -> Option<Feed> {
        let uris = self.owned.get(server.name());
        let uris: Vec<&str> = uris.into_iter().flatten().map(String::as_str).collect();
        let params = self.filter.part(&uris, &self.shared.config.limits)?;
        Some(Feed {
            shared: self.shared.clone(),
            caller: self.caller.clone(),
            server: server.clone(),
            id: self.id.clone(),
            request: self.request.with_payload(params),
            headers: self.headers.clone(),
            filter: self.filter.clone(),
            uris: uris.iter().map(|uri| (*uri).to_owned()).collect(),
            say: self.say.clone(),
        })
    }

    fn run(&mut self, feed: Feed, stream: Option<EventStream>) {
        let server = feed.server.clone();
        let task = self.tasks.spawn(feed.run(stream));
        self.feeds.insert(server.name().clone(), (server, task));
    }
}

impl Feed {
    async fn run(self, mut stream: Option<EventStream>) {
        let mut pause = AGAIN.0;
        loop {
            if let Some(mut stream) = stream.take() {
                while let Some(event) = stream.next().await {
                    if event.is_reply() {
                        break;
                    }
                    if self.passes(&event) {
                        pause = AGAIN.0;
                        if self.say.send(event).await.is_err() {
                            return;
                        }
                    }
                }
                tracing::debug!(server = %self.server.name(), "its part of a subscription ended; it is asked again");
            }
            self.pause(pause).await;
            pause = (pause * 2).min(AGAIN.1);
            let edition = self.shared.registry.current();
            if !edition.has(&self.server) {
                return;
            }
            match self.open(&edition).await {
                Opened::Stream(open, _) => {
                    stream = Some(open);
                    for message in self.missed() {
                        if self.say.send(ServerEvent::of(message)).await.is_err() {
                            return;
                        }
                    }
                }
                Opened::Unknown | Opened::Refused(_) => return,
                Opened::Failed => {}
            }
        }
    }

    /// Waits until it is time to ask again, or until a probe finds that a server that was down is up.
    async fn pause(&self, pause: Duration) {
        let there = self.server.is_there();
        let back = async {
            match there {
                true => std::future::pending().await,
                false => self.server.up().await,
            }
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = back => {}
        }
    }

    /// Whether a message belongs on the subscription: only the changes that were asked for do.
    fn passes(&self, event: &ServerEvent) -> bool {
        let Some(Shape::Notification { method }) = event.message.as_ref().map(Message::shape)
        else {
            return false;
        };
        match &**method {
            UPDATED => !self.uris.is_empty(),
            ACKNOWLEDGED
            | "notifications/message"
            | "notifications/progress"
            | "notifications/cancelled" => false,
            list if list.ends_with("/list_changed") => self.filter.wanted.has(list),
            _ => true,
        }
    }

    /// Notifications of everything that may have changed while no subscription was open.
    fn missed(&self) -> impl Iterator<Item = Message> + '_ {
        let lists = self.filter.wanted.notices();
        let updated = self.uris.iter().map(|uri| {
            let params = own(format!(
                r#"{{"_meta":{},"uri":{}}}"#,
                mark(&self.id),
                Json::string(uri).as_str()
            ));
            Message::notification(UPDATED, &params)
        });
        lists.map(|notice| marked(notice, &self.id)).chain(updated)
    }

    async fn open(&self, edition: &Arc<Edition>) -> Opened {
        let opening = async {
            let asker = Asker::new(self.caller.principal.name.as_ref(), &self.headers);
            let budget = &self.caller.budget;
            let conversation = self.server.converse_for(Era::Modern, &asker, budget).await;
            let proxy = Proxy {
                shared: self.shared.clone(),
                caller: self.caller.clone(),
                conn: UpstreamConn::new(self.server.clone(), conversation),
                pending: None,
                claims: Some(NameClaims::new()),
            };
            proxy
                .request(edition, self.request.clone(), &self.headers, None)
                .await
        };
        let wait = self.server.config().list_timeout;
        let opened = async {
            self.server.ready_for_lists().await.ok()?;
            tokio::time::timeout(wait, Box::pin(opening)).await.ok()
        };
        let Some(response) = opened.await else {
            return Opened::Failed;
        };
        match response.body {
            ClientResponseBody::Stream(stream) => acknowledged(stream, wait).await,
            ClientResponseBody::Message(reply) => judged(reply),
            ClientResponseBody::Raw(_) | ClientResponseBody::Empty => Opened::Failed,
        }
    }
}

/// Waits for the acknowledgement. An interceptor may withhold it, and the stream is open nevertheless.
async fn acknowledged(mut stream: EventStream, wait: Duration) -> Opened {
    let first = async {
        while let Some(event) = stream.next().await {
            if let Some(message) = event.message {
                return Some(message);
            }
        }
        None
    };
    match tokio::time::timeout(wait, first).await {
        Ok(Some(message)) if message.method() == Some(ACKNOWLEDGED) => {
            Opened::Stream(stream, Some(message.payload().clone()))
        }
        // Not the acknowledgement, which must come first, but not the end either.
        Ok(Some(message)) if message.method().is_some() => Opened::Stream(stream, None),
        Ok(Some(reply)) => judged(reply),
        Ok(None) => Opened::Failed,
        Err(_) => Opened::Stream(stream, None),
    }
}

/// Interprets a reply in place of a stream.
fn judged(reply: Message) -> Opened {
    let code: Option<i64> = reply.payload().get("code").and_then(|code| code.to().ok());
    match code {
        Some(error_codes::METHOD_NOT_FOUND) => Opened::Unknown,
        // The server cannot be reached, or does not answer.
        Some(error_codes::SERVER) | None => Opened::Failed,
        Some(_) => Opened::Refused(reply),
    }
}

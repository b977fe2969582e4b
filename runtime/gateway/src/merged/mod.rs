//! The merged endpoint: all servers behind one. The gateway itself answers `initialize`, `server/discover` and `ping`,
//! merges lists, and routes any other request to the one server it concerns, under that server's own name for the
//! target. Every message to a server passes the pipeline as a call to that server alone.

pub(crate) mod cursor;
mod feeds;
mod filter;
mod initialize;
mod links;
mod lists;
pub(crate) mod names;
mod replayed_state;
mod routes;
mod server_handle;

use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use http::{HeaderMap, StatusCode};
use sandgate_access::Viewer;
use sandgate_message::{Era, Id, Json, Message, Method, Shape};

use crate::call::caller::Caller;
use crate::call::error_reply;
use crate::call::proxy::Proxy;
use crate::call::response::{ClientResponse, ClientResponseBody};
use crate::claims::NameClaims;
use crate::protocol::subscription::LISTEN;
use crate::registry::Edition;
use crate::shared::Shared;
use crate::upstream_conn::UpstreamConn;
pub(crate) use links::Links;
use links::WaitPolicy;
use sandgate_upstream::{Asker, Conversation, Definitions, Server, ServerError};
use server_handle::ServerHandle;

/// One client of the merged endpoint, under one edition.
pub(crate) struct Merged {
    shared: Arc<Shared>,
    edition: Arc<Edition>,
    client: Client,
}

enum Client {
    /// A legacy session.
    Session(Arc<Links>),
    /// The caller of a single modern message.
    Stateless(Caller),
}

impl Merged {
    pub(crate) fn of_session(edition: Arc<Edition>, links: Arc<Links>) -> Self {
        Self {
            shared: links.shared().clone(),
            edition,
            client: Client::Session(links),
        }
    }
    pub(crate) fn stateless(shared: Arc<Shared>, edition: Arc<Edition>, caller: Caller) -> Self {
        Self {
            shared,
            edition,
            client: Client::Stateless(caller),
        }
    }

    fn caller(&self) -> &Caller {
        match &self.client {
            Client::Session(links) => links.caller(),
            Client::Stateless(caller) => caller,
        }
    }

    fn principal(&self) -> Option<&str> {
        self.caller().principal.name.as_deref()
    }

    fn viewer(&self) -> Viewer<'_> {
        self.caller().principal.viewer()
    }

    /// The servers that the client may know of.
    fn servers(&self) -> impl Iterator<Item = &Arc<Server>> {
        self.edition.servers_for(self.viewer())
    }

    /// Handles a request or notification of the client.
    pub(crate) async fn receive(&self, message: Message, headers: &HeaderMap) -> ClientResponse {
        if let Some(refusal) = self.legacy_only().await {
            return refusal;
        }
        match message.shape() {
            Shape::Request { id, method } => {
                let (id, method) = (id.clone(), method.clone());
                let mut response = self.request(&id, &method, message, headers).await;
                if let (ClientResponseBody::Message(reply), Client::Stateless(_), StatusCode::OK) =
                    (&response.body, &self.client, response.status)
                {
                    response.status = error_reply::modern_status(reply);
                }
                response
            }
            _ => self.notify(message, headers).await,
        }
    }

    async fn request(
        &self,
        id: &Id,
        method: &str,
        message: Message,
        headers: &HeaderMap,
    ) -> ClientResponse {
        let legacy = matches!(self.client, Client::Session(_));
        let lists = method == "tasks/list" || Method::new(method).list_member().is_some();
        if let Client::Session(links) = &self.client
            && (lists || method == "logging/setLevel")
        {
            links.replayed_state().goes(&message, None);
        }
        match method {
            // Boxed because the future is large and rarely needed.
            "initialize" if legacy => Box::pin(self.initialize(id, &message)).await,
            "server/discover" if !legacy => self.discover(id, message, headers).await,
            LISTEN if !legacy => Box::pin(self.listen(id, message, headers)).await,
            "ping" if legacy => ClientResponse::message(Message::result(id, &Json::empty_object())),
            "logging/setLevel" => self.everywhere(id, message, headers).await,
            "tools/call"
            | "prompts/get"
            | "resources/read"
            | "resources/subscribe"
            | "resources/unsubscribe"
            | "completion/complete"
            | "tasks/cancel"
            | "tasks/get"
            | "tasks/result"
            | "tasks/update" => self.route(id, method, message, headers).await,
            "tasks/list" if legacy => self.list(id, "tasks", message, headers).await,
            _ => match Method::new(method).list_member() {
                Some(member) => self.list(id, member, message, headers).await,
                None => ClientResponse::message(error_reply::no_method(id, method)),
            },
        }
    }

    /// The refusal of modern clients where the endpoint is legacy: one legacy server makes it so. The refusal is plain
    /// text, as a legacy server would send it. The decision holds for the edition: a server that turns out to be legacy
    /// later is left out for modern clients.
    async fn legacy_only(&self) -> Option<ClientResponse> {
        let Client::Stateless(_) = self.client else {
            return None;
        };
        let era = match (
            self.shared.config.merged_era,
            self.edition.merged_era().get(),
        ) {
            (Some(era), _) => era,
            (None, Some(era)) => *era,
            (None, None) => self.decide_era().await?,
        };
        if era == Era::Modern {
            return None;
        }
        let known = self
            .servers()
            .find(|server| server.eras().modern == Some(false));
        // The reason may be a server that the client may not know of: no other is blamed for it.
        let one = match self.edition.views().are_in_force() {
            true => known,
            false => Some(known.or(self.edition.servers().first())?),
        };
        let (name, era) = (one.map(|server| server.name().clone()), Era::Modern);
        Some(match name {
            Some(server) => error_reply::legacy_only(&ServerError::WrongEra {
                server,
                era: era.as_str(),
            }),
            None => error_reply::legacy_only(&format_args!(
                "this endpoint does not speak the {} protocol",
                era.as_str()
            )),
        })
    }

    /// Decides the endpoint's era, once each server has answered its probe or exceeded its `list-timeout`. `None` if no
    /// server's era is known.
    async fn decide_era(&self) -> Option<Era> {
        let servers = self.edition.servers();
        join_all(servers.iter().map(|server| server.ready_for_lists())).await;
        let says = |answer: bool| servers.iter().any(|s| s.eras().modern == Some(answer));
        if !says(false) && !says(true) {
            // No server is ready: wait for the first one.
            let mut probes: FuturesUnordered<_> = servers.iter().map(|s| s.probe()).collect();
            while let Some(eras) = probes.next().await {
                if eras.is_ok_and(|eras| eras.modern.is_some()) {
                    break;
                }
            }
        }
        let era = match (says(false), says(true)) {
            (true, _) => Era::Legacy,
            (false, true) => Era::Modern,
            (false, false) => return None,
        };
        Some(*self.edition.merged_era().get_or_init(|| era))
    }

    /// Whether every server is known to be modern.
    async fn only_modern(&self) -> bool {
        let servers = self.edition.servers();
        join_all(servers.iter().map(|server| server.ready_for_lists())).await;
        let modern = |server: &Arc<Server>| server.eras().modern == Some(true);
        !servers.is_empty() && servers.iter().all(modern)
    }

    /// Sends a request to every reachable server; the endpoint agrees if one server does.
    async fn everywhere(&self, id: &Id, message: Message, headers: &HeaderMap) -> ClientResponse {
        let asked = self.servers().filter(|server| !server.is_held());
        let asked = asked.map(|server| async {
            let handle = self.handle(server, headers, WaitPolicy::List).await;
            let reply = handle.ask(&self.edition, message.clone()).await?;
            self.agreed(&message, server, &reply);
            Some(reply)
        });
        let replies: Vec<Message> = join_all(asked).await.into_iter().flatten().collect();
        match replies
            .iter()
            .position(|reply| !reply.failed())
            .or_else(|| replies.iter().position(Message::failed))
        {
            Some(at) => ClientResponse::message(replies[at].clone()),
            None => ClientResponse::message(error_reply::no_method(
                id,
                message.method().unwrap_or_default(),
            )),
        }
    }

    /// Notes a setting that a server agreed to and that lasts as long as the session.
    fn agreed(&self, request: &Message, server: &Arc<Server>, reply: &Message) {
        if let (Client::Session(links), false) = (&self.client, reply.failed()) {
            links.replayed_state().agreed(request, server.name());
        }
    }

    /// Sends a notification to every server it may concern.
    async fn notify(&self, message: Message, headers: &HeaderMap) -> ClientResponse {
        let Client::Session(links) = &self.client else {
            return ClientResponse::accepted();
        };
        let to = match message.method() {
            Some("notifications/initialized") => links.initialized(),
            // Several servers may have chosen the same token: only the server that asked is told.
            Some("notifications/progress") => links.asker(&message),
            // The reason of a cancellation is not for other servers.
            Some("notifications/cancelled") => {
                let way = links.replayed_state().way_of(&message);
                let mut to = links.joined();
                to.retain(|handle| {
                    let name = handle.proxy.conn.server.name();
                    let there = |way: &Option<_>| way.as_ref().is_none_or(|way| way == name);
                    way.as_ref().is_some_and(there)
                });
                to
            }
            _ => links.joined(),
        };
        join_all(
            to.iter()
                .filter(|handle| {
                    let server = &handle.proxy.conn.server;
                    let shown = self.edition.views().show(self.viewer(), server.name());
                    shown && self.edition.has(server)
                })
                .map(|handle| async {
                    let mut sent = headers.clone();
                    sent.extend(handle.headers.clone());
                    handle
                        .proxy
                        .notify(&self.edition, message.clone(), &sent)
                        .await
                }),
        )
        .await;
        ClientResponse::accepted()
    }

    /// The definitions that this client was last shown by a server.
    async fn definitions(
        &self,
        server: &Arc<Server>,
        headers: &HeaderMap,
    ) -> Option<Arc<Definitions>> {
        match &self.client {
            Client::Session(links) => links.definitions(server),
            Client::Stateless(caller) => {
                let asker = Asker::new(caller.principal.name.as_ref(), headers);
                Some(server.definitions(&asker))
            }
        }
    }

    /// A handle to one server. If the server cannot be reached, calls through the handle fail, but are still judged and
    /// recorded.
    async fn handle(
        &self,
        server: &Arc<Server>,
        headers: &HeaderMap,
        wait: WaitPolicy,
    ) -> Arc<ServerHandle> {
        match &self.client {
            Client::Session(links) => links.join(&self.edition, server, wait).await,
            Client::Stateless(caller) => {
                let conversation = self.converse(caller, server, headers, wait).await;
                let conn = UpstreamConn::new(server.clone(), conversation);
                let proxy = Proxy {
                    shared: self.shared.clone(),
                    caller: caller.clone(),
                    conn,
                    pending: None,
                    claims: Some(NameClaims::new()),
                };
                Arc::new(ServerHandle::plain(proxy, headers.clone()))
            }
        }
    }

    /// A handle without a conversation, for a call that is refused and recorded.
    fn without(&self, server: &Arc<Server>, headers: &HeaderMap) -> Arc<ServerHandle> {
        let proxy = match &self.client {
            Client::Session(links) => links.proxy(server, Err(server.starting())),
            Client::Stateless(caller) => Proxy {
                shared: self.shared.clone(),
                caller: caller.clone(),
                conn: UpstreamConn::new(server.clone(), Err(server.starting())),
                pending: None,
                claims: Some(NameClaims::new()),
            },
        };
        Arc::new(ServerHandle::plain(proxy, headers.clone()))
    }

    /// Opens a modern conversation.
    ///
    /// # Errors
    ///
    /// The server is legacy, cannot be reached, or does not answer in time.
    async fn converse(
        &self,
        caller: &Caller,
        server: &Arc<Server>,
        headers: &HeaderMap,
        wait: WaitPolicy,
    ) -> Result<Arc<Conversation>, ServerError> {
        if server.eras().modern == Some(false) {
            return Err(ServerError::WrongEra {
                server: server.name().clone(),
                era: Era::Modern.as_str(),
            });
        }
        let wait = match wait {
            WaitPolicy::Call => server.config().connect_timeout,
            _ => {
                server.ready_for_lists().await?;
                server.config().list_timeout
            }
        };
        let asker = Asker::new(caller.principal.name.as_ref(), headers);
        let opening = server.converse_for(Era::Modern, &asker, &caller.budget);
        let opened = tokio::time::timeout(wait, opening).await;
        opened.unwrap_or_else(|_| Err(server.starting()))
    }
}

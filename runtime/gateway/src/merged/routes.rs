//! Routing on the merged endpoint: by the prefix of a name, or by the server that lists a URI.

use std::sync::Arc;

use futures_util::future::join_all;
use http::HeaderMap;
use sandgate_access::Kind;
use sandgate_message::{Id, Json, Message};

use super::links::WaitPolicy;
use super::{Client, Merged, names};
use crate::call::error_reply;
use crate::call::response::ClientResponse;
use crate::nested::task;
use crate::nested::ttl_map::{Lookup, Owner};
use sandgate_upstream::Server;

/// The route of a request.
struct Route {
    server: Arc<Server>,
    /// The message under the server's own name for the target.
    message: Message,
    /// The client's name for the target, where it differs.
    alias: Option<Arc<str>>,
}

impl Merged {
    pub(super) async fn route(
        &self,
        id: &Id,
        method: &str,
        message: Message,
        headers: &HeaderMap,
    ) -> ClientResponse {
        let params = message.payload().clone();
        let route = match method {
            "tools/call" | "prompts/get" => self.by_name(&message, "/name"),
            _ if method.starts_with("tasks/") => self.by_task(message),
            // Decided by the type of the reference, as the policies read it.
            "completion/complete" if is_resource(&params) => {
                self.by_uri(message, params.at("/ref/uri"), headers).await
            }
            "completion/complete" => self.by_name(&message, "/ref/name"),
            _ => self.by_uri(message, params.get("uri"), headers).await,
        };
        let Some(Route {
            server,
            message,
            alias,
        }) = route
        else {
            return ClientResponse::message(self.nowhere(id, method));
        };
        // A server that the client may not know of is not even opened for it.
        let shown = self.edition.views().show(self.viewer(), server.name());
        let handle = match shown {
            true => self.handle(&server, headers, WaitPolicy::Call).await,
            false => self.without(&server, headers),
        };
        if let Client::Session(links) = &self.client {
            links.replayed_state().goes(&message, Some(server.name()));
        }
        let proxy = &handle.proxy;
        if !matches!(method, "resources/subscribe" | "resources/unsubscribe") {
            return proxy
                .request(&self.edition, message, &handle.headers, alias)
                .await;
        }
        // Only the reply is returned: these requests have no stream of their own.
        match handle.ask(&self.edition, message.clone()).await {
            Some(reply) => {
                self.agreed(&message, &server, &reply);
                ClientResponse::message(reply)
            }
            None => ClientResponse::message(self.nowhere(id, method)),
        }
    }

    fn nowhere(&self, id: &Id, method: &str) -> Message {
        let legacy = matches!(self.client, Client::Session(_));
        error_reply::nowhere(id, method, legacy, true)
    }

    /// Routes to the server that created the task for this caller. Servers choose task ids independently: if two chose
    /// the same id for this caller, neither is guessed.
    fn by_task(&self, message: Message) -> Option<Route> {
        let id = message.payload().get("taskId")?;
        let id = id.root().string()?;
        let caller = self.caller();
        let owner = Owner::client(caller.principal.name.as_ref(), caller.session.as_ref());
        let promised = |server: &&Arc<Server>| {
            let place = task::place(server.name(), &id);
            matches!(
                self.shared.nested.tasks.find(&place, &owner),
                Lookup::Own(_)
            )
        };
        let mut servers = self.servers().filter(promised);
        match (servers.next(), servers.next()) {
            (Some(server), None) => Some(Route {
                server: server.clone(),
                message,
                alias: None,
            }),
            _ => None,
        }
    }

    fn by_name(&self, message: &Message, pointer: &str) -> Option<Route> {
        let name = message.payload().at(pointer)?;
        let name = name.root().string()?;
        let (server, own) = names::split(&name)?;
        let server = self.edition.server(server)?.clone();
        let params = names::set(message.payload(), pointer, own, &self.shared.config.limits)?;
        Some(Route {
            server,
            message: message.with_payload(params),
            alias: Some((&*name).into()),
        })
    }

    async fn by_uri(
        &self,
        message: Message,
        uri: Option<Json>,
        headers: &HeaderMap,
    ) -> Option<Route> {
        let uri = uri?.root().string()?.into_owned();
        // Boxed because the future is large and rarely runs to its end.
        let owner = Box::pin(self.owner(&uri, headers)).await;
        Some(Route {
            server: owner.or_else(|| self.refuser(&uri))?,
            message,
            alias: None,
        })
    }

    /// The server that owns a resource or resource template: the first, in the configuration's order, that lists it;
    /// else the first with a template that the URI fits; else the only server that offers resources. Lists that are not
    /// cached are fetched.
    pub(super) async fn owner(&self, uri: &str, headers: &HeaderMap) -> Option<Arc<Server>> {
        let servers: Vec<_> = self.usable(uri).collect();
        let listing = async || {
            for server in servers.iter().copied() {
                let known = self.definitions(server, headers).await;
                if known.is_some_and(|known| known.get("resources/read", uri).is_some()) {
                    return Some(server.clone());
                }
            }
            None
        };
        let fitting = async || {
            for server in servers.iter().copied() {
                let known = self.definitions(server, headers).await;
                let templates = known.map(|known| known.templates()).unwrap_or_default();
                let fits = |template: &str| template == uri || names::fits(template, uri);
                if templates.iter().any(|template| fits(template)) {
                    return Some(server.clone());
                }
            }
            None
        };
        if let Some(server) = listing().await {
            return Some(server);
        }
        let reaches = servers
            .iter()
            .map(|server| self.handle(server, headers, WaitPolicy::List));
        let reaches = join_all(reaches).await;
        let offering: Vec<_> = reaches
            .iter()
            .filter(|handle| handle.offers("resources"))
            .collect();
        for method in ["resources/read", "completion/complete"] {
            join_all(offering.iter().map(|handle| async move {
                let conn = &handle.proxy.conn;
                if let Ok(conversation) = &conn.conversation {
                    let definitions = conversation.definitions();
                    let fetch = definitions.fetch(conversation, method, uri, &handle.headers);
                    let wait = conn.server.config().list_timeout;
                    if tokio::time::timeout(wait, fetch).await.is_err() {
                        conn.server.check();
                    }
                }
            }))
            .await;
            let mut found = listing().await;
            if found.is_none() && method != "resources/read" {
                found = fitting().await;
            }
            if found.is_some() {
                return found;
            }
        }
        match offering.as_slice() {
            [only] => Some(only.proxy.conn.server.clone()),
            _ => None,
        }
    }

    /// Of the servers that the client may know of, those on which it may use this resource.
    fn usable(&self, uri: &str) -> impl Iterator<Item = &Arc<Server>> {
        let views = self.edition.views();
        let view = views.of_client(self.viewer());
        self.servers().filter(move |server| {
            let judged = view
                .as_ref()
                .map(|view| view.judge(server.name(), Kind::Resource, uri));
            judged.map_or(!views.are_in_force(), |verdict| verdict.is_allowed())
        })
    }

    /// The server at which a request for what its client may use nowhere is refused, and recorded: the first.
    pub(super) fn refuser(&self, uri: &str) -> Option<Arc<Server>> {
        match self.usable(uri).next() {
            Some(_) => None,
            None => self.servers().next().cloned(),
        }
    }
}

fn is_resource(params: &Json) -> bool {
    let kind = params.at("/ref/type");
    kind.is_some_and(|kind| kind.root().string().as_deref() == Some("ref/resource"))
}

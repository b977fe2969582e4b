//! Whether a request's token grants what the request needs. What it lacks is named all at once, so that a client asks its
//! user once.

use std::sync::Arc;

use http::{HeaderMap, StatusCode};
use sandgate_access::{Authorization, Endpoint, Grant, Kind};
use sandgate_message::{Call, Direction, Json, Message, error_codes};
use sandgate_upstream::Server;

use super::Router;
use crate::call::caller::{Caller, Requester};
use crate::call::error_reply;
use crate::call::proxy::Proxy;
use crate::call::response::ClientResponse;
use crate::call::views::named;
use crate::merged::names;
use crate::nested::task;
use crate::nested::ttl_map::{Lookup, Owner};
use crate::registry::Edition;
use crate::upstream_conn::UpstreamConn;
use sandgate_observe::RefusedBy;

/// Checks what every request needs.
///
/// # Errors
///
/// The token does not grant it; the error is the answer.
pub(super) fn baseline(router: &Router, requester: &Requester) -> Result<(), Box<ClientResponse>> {
    let edition = router.shared.registry.current();
    let Some(grant) = &requester.grant else {
        return Ok(());
    };
    let Some(authorization) = edition.authorization() else {
        return Err(Box::new(grant.challenge.withdrawn().into()));
    };
    match Needed::baseline(authorization).lacking(grant) {
        None => Ok(()),
        Some(scopes) => {
            let text = format!("{}\n", insufficient(&scopes));
            let response = ClientResponse::text(StatusCode::FORBIDDEN, text);
            Err(step_up(grant, response, &scopes))
        }
    }
}

/// Checks what a message needs: the baseline, and the scopes of what it names. A refusal is recorded as a call; `caller` is
/// who made it.
///
/// # Errors
///
/// The token does not grant it; the error is the answer.
pub(super) fn check(
    router: &Router,
    requester: &Requester,
    endpoint: &Endpoint,
    (message, headers): (&Message, &HeaderMap),
    caller: impl FnOnce() -> Caller,
) -> Result<(), Box<ClientResponse>> {
    let edition = router.shared.registry.current();
    let Some(grant) = &requester.grant else {
        return Ok(());
    };
    let Some(authorization) = edition.authorization() else {
        return Err(Box::new(grant.challenge.withdrawn().into()));
    };
    let mut needed = Needed::baseline(authorization);
    let scopes = authorization.scopes();
    for (server, thing) in things(router, &edition, requester, endpoint, message) {
        match thing {
            Some((kind, name)) => {
                for (scope, pattern) in scopes.of(server.name(), kind, &name) {
                    needed.add(scope, server, pattern);
                }
            }
            None => {
                for (scope, pattern) in scopes.of_all(server.name()) {
                    needed.add(scope, server, pattern);
                }
            }
        }
    }
    let Some(scopes) = needed.lacking(grant) else {
        return Ok(());
    };
    let text = insufficient(&scopes);
    tracing::warn!("turned away: {text}");
    let id = message.id().filter(|_| message.method().is_some());
    let code = error_codes::INVALID_REQUEST;
    let mut response = error_reply::error(StatusCode::FORBIDDEN, id, code, &text);
    let merged = || {
        edition
            .servers_for(requester.principal.viewer())
            .next()
            .cloned()
    };
    let concerned = needed.at.take().or_else(|| match endpoint {
        Endpoint::Server(name) => edition
            .server_for(requester.principal.viewer(), name)
            .map(|server| (server.clone(), None)),
        Endpoint::Merged => merged().map(|server| (server, None)),
    });
    if let Some((server, pattern)) = concerned {
        let proxy = Proxy {
            shared: router.shared.clone(),
            caller: caller(),
            conn: UpstreamConn::new(server.clone(), Err(server.starting())),
            pending: None,
            claims: None,
        };
        let rule = RefusedBy {
            pattern,
            ..RefusedBy::of("scope.missing")
        };
        if let Some(reply) = proxy.forbid(&edition, (message, headers), &text, &rule) {
            response = ClientResponse::message(reply);
        }
    }
    Err(step_up(grant, response, &scopes))
}

/// Makes a response that of a token that does not grant enough. `scopes` are all that the operation needs.
fn step_up(grant: &Grant, mut response: ClientResponse, scopes: &str) -> Box<ClientResponse> {
    response.status = StatusCode::FORBIDDEN;
    grant.challenge.step_up(&mut response.headers, scopes);
    Box::new(response)
}

/// The scopes that an operation needs, in the order in which they are told.
struct Needed {
    scopes: Vec<String>,
    /// The first thing that needs a scope beyond the baseline: its server, and the pattern that says so.
    at: Option<(Arc<Server>, Option<Arc<str>>)>,
}

impl Needed {
    fn baseline(authorization: &Authorization) -> Self {
        Self {
            scopes: authorization.scopes().baseline().to_vec(),
            at: None,
        }
    }

    fn add(&mut self, scope: &str, server: &Arc<Server>, pattern: Arc<str>) {
        if !self.scopes.iter().any(|one| one == scope) {
            self.scopes.push(scope.to_owned());
        }
        self.at
            .get_or_insert_with(|| (server.clone(), Some(pattern)));
    }

    /// All of the scopes, where the token lacks one of them.
    fn lacking(&self, grant: &Grant) -> Option<String> {
        let granted = |scope: &String| grant.scopes.contains(scope);
        (!self.scopes.iter().all(granted)).then(|| self.scopes.join(" "))
    }
}

fn insufficient(scopes: &str) -> String {
    format!("The request was not sent: it needs a token with the scopes {scopes}.")
}

/// A thing on a server; `None` for what may be anything there.
type Thing = Option<(Kind, String)>;

/// What a message names, on each server that it may mean.
fn things<'e>(
    router: &Router,
    edition: &'e Edition,
    requester: &'e Requester,
    endpoint: &Endpoint,
    message: &Message,
) -> Vec<(&'e Arc<Server>, Thing)> {
    // A server that the client may not know of is answered as one that is not there.
    let viewer = requester.principal.viewer();
    let all: Vec<&Arc<Server>> = match endpoint {
        Endpoint::Server(name) => edition.server_for(viewer, name).into_iter().collect(),
        Endpoint::Merged => edition.servers_for(viewer).collect(),
    };
    let mut of_task = None;
    let direction = Direction::ClientToServer;
    let task = |params: &Json| {
        let found = task_of(router, requester, &all, params);
        of_task = found.as_ref().map(|call| call.server.clone());
        found
    };
    // A task that is not remembered, and a reference of an unknown type, may be about anything on each of them.
    let Some(named) = named(message, direction, task) else {
        return all.into_iter().map(|server| (server, None)).collect();
    };
    let mut things = Vec::new();
    for (kind, name) in named {
        match (&of_task, endpoint, kind) {
            (Some(server), ..) => {
                let server = all.iter().find(|one| one.name() == server);
                things.extend(server.map(|server| (*server, Some((kind, name)))));
            }
            (None, Endpoint::Merged, Kind::Tool | Kind::Prompt) => {
                let Some((server, own)) = names::split(&name) else {
                    continue;
                };
                let server = all.iter().find(|one| **one.name() == *server);
                things.extend(server.map(|server| (*server, Some((kind, own.to_owned())))));
            }
            // Which server a URI means is not known yet: the scopes of each count.
            _ => things.extend(
                all.iter()
                    .map(|server| (*server, Some((kind, name.clone())))),
            ),
        }
    }
    things
}

/// The call that created the task, if it was this client's.
fn task_of(
    router: &Router,
    requester: &Requester,
    servers: &[&Arc<Server>],
    params: &Json,
) -> Option<Arc<Call>> {
    let id = params.root().get("taskId")?.string()?;
    let owner = Owner::client(requester.principal.name.as_ref(), None);
    servers.iter().find_map(|server| {
        let place = task::place(server.name(), &id);
        match router.shared.nested.tasks.find(&place, &owner) {
            Lookup::Own(task) => Some(task.call().clone()),
            Lookup::Others | Lookup::Nothing => None,
        }
    })
}

impl Proxy {
    /// Records a message whose token does not grant what it needs. Returns the reply for its asker.
    fn forbid(
        &self,
        edition: &Edition,
        (message, headers): (&Message, &HeaderMap),
        text: &str,
        rule: &RefusedBy,
    ) -> Option<Message> {
        let direction = Direction::ClientToServer;
        let (recorder, limits) = (&self.shared.recorder, &self.shared.config.limits);
        let (arrival, message) = recorder.arrival(message.clone(), headers, direction, limits);
        let call = self.call(&message, direction, None, None);
        let reply = message.id().map(|id| {
            let code = error_codes::INVALID_REQUEST;
            Message::error(Some(id), code, text, None)
        });
        let rule = (Some(rule), edition.version());
        self.record_refused(rule, call, &message, reply, arrival)
    }
}

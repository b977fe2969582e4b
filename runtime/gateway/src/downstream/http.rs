//! HTTP requests of clients: access checks, and dispatch by path and method.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::header::{ALLOW, AUTHORIZATION, CONNECTION, EXPECT, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};

use super::http_rules::{
    SESSION, accepts, nothing_here, session, too_many_listeners, until_end_of_token,
};
use super::response::{ResponseBody, respond};
use super::{Router, post, protected, scopes};
use crate::call::caller::Requester;
use crate::call::error_reply;
use crate::call::response::{ClientResponse, ClientResponseBody};
use crate::registry::Edition;
use sandgate_access::{
    Authorization, Endpoint, Grant, Principal, UnknownClientError, host_of, token,
};
use sandgate_admission::Connection;
use sandgate_wire::challenge;
use sandgate_wire::{Budget, Permit};

/// How long the rest of a body that is not needed is read before its request is answered.
const DRAIN: Duration = Duration::from_secs(1);
/// How much of such a body is read, in messages of the largest size: enough that most senders of an oversized message
/// get the answer.
const DRAIN_BODIES: u64 = 4;

/// Answers one request.
pub(crate) async fn handle(
    router: Arc<Router>,
    connection: Arc<Connection>,
    request: Request<Incoming>,
) -> Response<ResponseBody> {
    let active = connection.begin();
    let (head, mut body) = request.into_parts();
    let mut head = Request::from_parts(head, ());
    let answered = answer(&router, &connection, &mut head, &mut body).await;
    let most = DRAIN_BODIES * router.shared.config.limits.bytes as u64;
    drain(head.headers(), &mut body, most).await;
    match answered {
        Answered::Health(response) => respond(response, active),
        Answered::ClientResponse(response, place) => respond(response, (active, place)),
    }
}

/// Reads and discards the rest of a request's body, up to `most` bytes and for at most [`DRAIN`]. HTTP/2 allows an
/// answer before the end of the body, followed by a reset without an error (RFC 9113, 8.1), but common clients (curl
/// 7.88 among them) lose the answer with that reset. A client that sent `Expect` has not sent its body yet.
async fn drain(headers: &HeaderMap, body: &mut Incoming, most: u64) {
    let announced = body.size_hint().lower();
    if body.is_end_stream() || announced > most || headers.contains_key(EXPECT) {
        return;
    }
    let drained = async {
        let mut read = 0;
        while let Some(Ok(frame)) = body.frame().await {
            read += frame.data_ref().map_or(0, |data| data.len() as u64);
            if read > most {
                return;
            }
        }
    };
    let _ = tokio::time::timeout(DRAIN, drained).await;
}

/// An answer, and what the request holds until the answer is sent.
enum Answered {
    /// An answer about the gateway itself, or a refusal. It holds no place.
    Health(ClientResponse),
    ClientResponse(ClientResponse, Option<Permit>),
}

async fn answer(
    router: &Router,
    connection: &Connection,
    request: &mut Request<()>,
    body: &mut Incoming,
) -> Answered {
    use Answered::Health;
    let path = request.uri().path();
    if path == "/healthz" {
        return Health(ClientResponse::text(StatusCode::OK, "ok\n"));
    }
    if let Err(denied) =
        router
            .shared
            .config
            .access
            .check(request.uri(), request.headers(), connection.local)
    {
        tracing::warn!(host = ?request.headers().get(http::header::HOST), origin = ?request.headers().get(http::header::ORIGIN), "{denied}");
        return Health(ClientResponse::text(
            StatusCode::FORBIDDEN,
            format!("{denied}\n"),
        ));
    }
    let mut edition = router.shared.registry.current();
    let endpoint = match path {
        "/readyz" => {
            return Health(
                router
                    .status
                    .readiness(&edition, router.draining.is_cancelled()),
            );
        }
        _ if connection.for_health => return Health(too_many_connections()),
        "/mcp" => Endpoint::Merged,
        _ => match path.strip_prefix("/mcp/") {
            Some(name) => Endpoint::Server(name.into()),
            None => {
                let own = address(router, connection, request);
                return Health(protected::resource(&edition, request.method(), path, &own).await);
            }
        },
    };
    // Authenticate before revealing which servers exist.
    let (principal, grant) = loop {
        let admitted = authenticate(&edition, &endpoint, connection, request.headers());
        match admitted.await {
            Ok(admitted) => break admitted,
            // Another edition was published while the token was judged: that one counts.
            Err(_)
                if edition
                    .authorization()
                    .is_some_and(Authorization::is_retired) =>
            {
                edition = router.shared.registry.current();
            }
            Err(response) => return Health(*response),
        }
    };
    let admission = &router.admission;
    let account = principal
        .account()
        .unwrap_or_else(|| admission.connections.account(connection, request.headers()));
    if !admission.connections.belongs(connection, &account) {
        return Health(too_many_connections());
    }
    if let Err(wait) = principal.within_rate() {
        return Health(too_fast(wait));
    }
    let (mut forwards, mut exchanges) = (false, false);
    if let Endpoint::Server(name) = &endpoint {
        // A server of which the client's views allow nothing is not there for it.
        match edition.server_for(principal.viewer(), name) {
            Some(server) => {
                forwards = server.config().forward_authorization;
                exchanges = server.config().exchange.is_some();
            }
            None => return Health(nothing_here()),
        }
    }
    let mut challenges = None;
    if forwards && edition.is_open() {
        if request.headers().get_all(AUTHORIZATION).iter().count() > 1 {
            let text = "more than one Authorization: it is not clear which is meant\n";
            return Health(ClientResponse::text(StatusCode::BAD_REQUEST, text));
        }
        let own = address(router, connection, request);
        challenges = protected::metadata_url(&endpoint, &own);
    } else if !(exchanges && grant.is_some()) {
        // The token was meant for the gateway: no server may see it. One that is exchanged is left for that.
        request.headers_mut().remove(AUTHORIZATION);
    }
    drop(edition);
    let requester = Requester {
        grant,
        principal,
        budget: Budget::new(account, admission.memory.clone()),
    };
    let (mut response, place) = match *request.method() {
        Method::POST => post::post(router, &requester, &endpoint, request.headers(), body).await,
        Method::GET => get(router, &requester, &endpoint, request.headers()).await,
        Method::DELETE => (
            delete(router, &requester, &endpoint, request.headers()).await,
            None,
        ),
        _ => (not_allowed(), None),
    };
    match &requester.grant {
        Some(grant) => grant.challenge.keep_own(&mut response.headers),
        None => challenge::reword(&mut response.headers, challenges.as_deref()),
    }
    // A stream ends when its client is removed from the configuration.
    Answered::ClientResponse(response.until(requester.principal.over()), place)
}

/// The response where the gateway or the client has too many connections.
fn too_many_connections() -> ClientResponse {
    let text = "too many connections: close one first, or try again later\n";
    let mut response = ClientResponse::text(StatusCode::SERVICE_UNAVAILABLE, text);
    let headers = &mut response.headers;
    headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

/// The response to a client that exceeds its requests per second.
fn too_fast(wait: Duration) -> ClientResponse {
    let text = "more requests than this client may make in a second: try again later\n";
    let mut response = ClientResponse::text(StatusCode::TOO_MANY_REQUESTS, text);
    let seconds = wait.as_millis().div_ceil(1000).max(1);
    let seconds = u64::try_from(seconds).unwrap_or(u64::MAX);
    response.headers.insert(RETRY_AFTER, seconds.into());
    response
}

/// The gateway's own URL, as the client knows it.
fn address(router: &Router, connection: &Connection, request: &Request<()>) -> String {
    if let Some(url) = &router.shared.config.public_url {
        return url.clone();
    }
    let scheme = if connection.https { "https" } else { "http" };
    // The access check has compared the host with the allowed ones.
    let host = host_of(request.uri(), request.headers()).unwrap_or_default();
    format!("{scheme}://{host}")
}

/// The client of a request, by its key, its token, or, where it sends neither, the certificate of its connection; and what
/// the token grants.
///
/// # Errors
///
/// The request has neither, or one that admits nobody; the error is the answer.
async fn authenticate(
    edition: &Edition,
    endpoint: &Endpoint,
    connection: &Connection,
    headers: &HeaderMap,
) -> Result<(Arc<Principal>, Option<Arc<Grant>>), Box<ClientResponse>> {
    if let (false, Some(certificate)) = (
        headers.contains_key(AUTHORIZATION),
        connection.certificate.get(),
    ) && let Some(principal) = edition
        .clients()
        .shown(certificate.names(SystemTime::now()))
    {
        return Ok((principal, None));
    }
    let Some(authorization) = edition.authorization() else {
        let known = edition.clients().admit(headers).map_err(|unknown| {
            tracing::warn!("turned away: {unknown}");
            Box::new(unauthorised(unknown))
        })?;
        return Ok((known, None));
    };
    let clients = edition.clients();
    let scopes = authorization.scopes().baseline().join(" ");
    let token = token(headers).map_err(|unknown| {
        tracing::warn!("turned away: {unknown}");
        let challenge = authorization.challenge(endpoint);
        Box::new(challenge.no_token(unknown, &scopes).into())
    })?;
    if !clients.is_open()
        && let Some(principal) = clients.holder(token)
    {
        return Ok((principal, None));
    }
    let admitted = authorization.admit(token, endpoint, (clients, edition.views()));
    match admitted.await {
        Ok((principal, grant)) => Ok((principal, Some(Arc::new(grant)))),
        Err(why) => {
            tracing::warn!("turned away: {why}");
            let challenge = authorization.challenge(endpoint);
            Err(Box::new(challenge.refused(&why, &scopes).into()))
        }
    }
}

fn unauthorised(unknown: UnknownClientError) -> ClientResponse {
    let mut response = ClientResponse::text(StatusCode::UNAUTHORIZED, format!("{unknown}\n"));
    let challenge = HeaderValue::from_static("Bearer");
    response.headers.insert(WWW_AUTHENTICATE, challenge);
    response
}

async fn get(
    router: &Router,
    requester: &Requester,
    endpoint: &Endpoint,
    headers: &HeaderMap,
) -> (ClientResponse, Option<Permit>) {
    if let Some(turned_away) = router.stopped(requester, endpoint, None) {
        return (turned_away, None);
    }
    // Versions before 2025-03-26 and after 2025-11-25 have no such stream, and clients of both know this status.
    if !headers.contains_key(SESSION) {
        return (not_allowed(), None);
    }
    if !accepts(headers, "text/event-stream") {
        let text = "a GET is answered by text/event-stream: say so in Accept\n";
        return (ClientResponse::text(StatusCode::NOT_ACCEPTABLE, text), None);
    }
    if let Err(response) = scopes::baseline(router, requester) {
        return (*response, None);
    }
    let Some(session) = session(router, &requester.principal, endpoint, headers) else {
        return (error_reply::no_session(None), None);
    };
    let Some(place) = router
        .admission
        .listeners
        .take(requester.budget.account(), 1)
    else {
        return (too_many_listeners(None), None);
    };
    // Boxed because the future is large, and would be a part of that of every request.
    let response = Box::pin(router.listen(&session, headers, false)).await;
    (until_end_of_token(requester, response), Some(place))
}

async fn delete(
    router: &Router,
    requester: &Requester,
    endpoint: &Endpoint,
    headers: &HeaderMap,
) -> ClientResponse {
    if !headers.contains_key(SESSION) {
        return not_allowed();
    }
    if let Err(response) = scopes::baseline(router, requester) {
        return *response;
    }
    match session(router, &requester.principal, endpoint, headers) {
        Some(session) => {
            router.close(&session).await;
            ClientResponse::new(StatusCode::OK, ClientResponseBody::Empty)
        }
        None => error_reply::no_session(None),
    }
}

fn not_allowed() -> ClientResponse {
    let mut response = ClientResponse::text(
        StatusCode::METHOD_NOT_ALLOWED,
        "not here: POST a message; GET and DELETE are for sessions\n",
    );
    response
        .headers
        .insert(ALLOW, HeaderValue::from_static("POST, GET, DELETE"));
    response
}

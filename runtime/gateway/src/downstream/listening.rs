//! A listening client: its servers' own messages and the gateway's notifications on one stream.

use std::pin::pin;
use std::sync::Arc;

use futures_util::StreamExt;
use http::{HeaderMap, StatusCode};
use tokio::sync::OwnedMutexGuard;
use tokio_util::sync::CancellationToken;

use super::unheard::Hearing;
use super::{Backing, Router, Session};
use crate::call::error_reply;
use crate::call::proxy::Proxy;
use crate::call::response::{ClientResponse, ClientResponseBody};
use crate::upstream_conn::UpstreamConn;
use sandgate_upstream::{Answer, Body, ServerError, ServerEvent, ServerEvents};

const RESUME: &str = "last-event-id";

/// A client's open listening stream. Dropping it means that the client no longer listens.
struct Listening {
    session: Arc<Session>,
    /// The server's stream, on an endpoint of one server.
    server: Option<(Proxy, ServerEvents)>,
    /// The queue of waiting messages; `None` on a stream that resumes another.
    hearing: Option<OwnedMutexGuard<Hearing>>,
    over: CancellationToken,
    draining: CancellationToken,
}

pub(super) async fn listen(
    router: &Router,
    session: &Arc<Session>,
    headers: &HeaderMap,
    always: bool,
) -> ClientResponse {
    let (mut status, mut passed) = (StatusCode::OK, HeaderMap::new());
    let (mut server, mut resumes) = (None, false);
    if let Backing::One(conn) = session.backing() {
        resumes = headers.contains_key(RESUME) && conn.server.transport().is_resumable();
        let conversation = match &conn.conversation {
            Ok(conversation) => conversation,
            Err(_) => return error_reply::no_session(None),
        };
        let Some(opened) = opened(router, session, conn, conversation.listen(headers)).await else {
            return error_reply::no_session(None);
        };
        match opened {
            Ok(Answer {
                status: given,
                headers,
                body: Body::Stream(events),
            }) => {
                (status, passed) = (given, headers);
                server = Some((session.proxy(&router.shared, conn.clone()), events));
            }
            // On stdio the listening stream must exist for the gateway's own notifications.
            Ok(_) | Err(_) if always => {}
            // The server refuses to open a stream. Its status is passed on, but not its body, which no interceptor saw.
            Ok(Answer {
                status, headers, ..
            }) => {
                return ClientResponse {
                    status,
                    headers,
                    body: ClientResponseBody::Empty,
                };
            }
            Err(error) => {
                tracing::warn!("{}", error.detail());
                return ClientResponse::text(StatusCode::BAD_GATEWAY, format!("{error}\n"));
            }
        }
    }
    let (over, hearing) = if resumes {
        (session.over().child_token(), None)
    } else {
        // The previous listener releases the queue as soon as its token is cancelled.
        let over = session.take_over();
        (over, Some(session.hearing().lock_owned().await))
    };
    let listening = Listening {
        session: session.clone(),
        server,
        hearing,
        over,
        draining: router.draining.clone(),
    };
    let stream = futures_util::stream::unfold(listening, Listening::next);
    ClientResponse {
        status,
        headers: passed,
        body: ClientResponseBody::Stream(Box::pin(stream)),
    }
}

/// Opens a server's stream by polling `opens`, unless the session ends or a stop comes before or meanwhile: a server may
/// take its time, and so may an issuer that is asked for a token first. None is opened once the stop is acknowledged.
/// `None` where the session is over.
async fn opened(
    router: &Router,
    session: &Session,
    conn: &UpstreamConn,
    opens: impl Future<Output = Result<Answer, ServerError>>,
) -> Option<Result<Answer, ServerError>> {
    let mut opens = pin!(opens);
    let mut guard = router.shared.registry.guard();
    let server = conn.server.name();
    loop {
        let stops = guard.edition().stops();
        if stops.client(session.principal().name.as_deref()).is_some() {
            return None;
        }
        if stops.server(server).is_some() {
            let server = server.clone();
            return Some(Err(ServerError::Stopped { server }));
        }
        tokio::select! {
            biased;
            () = session.over().cancelled() => return None,
            () = guard.changed() => {}
            opened = opens.as_mut() => return Some(opened),
        }
    }
}

impl Listening {
    async fn next(mut self) -> Option<(ServerEvent, Self)> {
        loop {
            let said = tokio::select! {
                biased;
                () = self.over.cancelled() => return None,
                () = self.draining.cancelled() => return None,
                notice = heard(&mut self.hearing) => {
                    self.session.touch();
                    return Some((notice, self));
                }
                said = said(&mut self.server) => said,
            };
            self.session.touch();
            let (Some((proxy, _)), Some(event)) = (&self.server, said) else {
                return None;
            };
            if let Some(event) = proxy.receive_event(event).await {
                return Some((event, self));
            }
        }
    }
}

impl Drop for Listening {
    /// The session's idle time starts now.
    fn drop(&mut self) {
        self.session.touch();
    }
}

/// The next queued message. Never resolves if there is no queue or its senders are gone.
async fn heard(hearing: &mut Option<OwnedMutexGuard<Hearing>>) -> ServerEvent {
    if let Some(hearing) = hearing
        && let Some(event) = hearing.recv().await
    {
        return event;
    }
    std::future::pending().await
}

/// The server's next event; `None` at the end of its stream. Never resolves if there is no stream.
async fn said(server: &mut Option<(Proxy, ServerEvents)>) -> Option<ServerEvent> {
    match server {
        None => std::future::pending().await,
        Some((proxy, events)) => match events.next().await? {
            Ok(event) => Some(event),
            Err(error) => {
                tracing::warn!(server = %proxy.conn.server.name(), "{}", error.detail());
                None
            }
        },
    }
}

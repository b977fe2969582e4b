//! One client on a pair of streams, with one message per line. Messages are handled as over HTTP; only the protocol is
//! written to the output.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io;
use std::sync::Arc;

use bytes::BytesMut;
use futures_util::StreamExt;
use http::HeaderMap;
use parking_lot::Mutex;
use sandgate_access::Endpoint;
use sandgate_message::{Account, Era, Id, Message, MessageError, Shape, error_codes};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{Router, Session, managed};
use crate::call::caller::Requester;
use crate::call::error_reply;
use crate::call::pending::PendingError;
use crate::call::response::{ClientResponse, ClientResponseBody};
use crate::protocol::subscription::{LISTEN, cancelled, closed};
use sandgate_wire::era;
use sandgate_wire::framing::lines::{self, Line, Lines};
use sandgate_wire::{Budget, MemoryError};

/// The most messages that wait for the client to read; at that number their senders wait.
const UNREAD: usize = 64;
/// Messages that are ready are written together, up to about this many bytes.
const TOGETHER: usize = 64 << 10;

/// The endpoint that is served, and the client it is served to.
#[derive(Clone)]
pub(crate) struct Served {
    pub(crate) endpoint: Endpoint,
    /// The client's name in the configuration.
    pub(crate) client: Option<Arc<str>>,
}

/// The client, shared by the tasks that work for it.
#[derive(Clone)]
struct Client {
    router: Arc<Router>,
    served: Served,
    output: mpsc::Sender<Message>,
    session: Arc<Mutex<Option<Arc<Session>>>>,
    /// Cancellation tokens of the modern requests in flight.
    cancels: Arc<Mutex<HashMap<Id, CancellationToken>>>,
    /// Cancelled at the end of the input: subscriptions, which would last as long as the client likes, end then.
    over: CancellationToken,
    /// Cancelled when the gateway shuts down: the client is told that its subscriptions end.
    stop: CancellationToken,
}

pub(crate) async fn serve<R, W>(
    router: Arc<Router>,
    input: R,
    output: W,
    served: Served,
    stop: CancellationToken,
) -> io::Result<()>
where
    R: AsyncRead + Unpin + Send,
    W: AsyncWrite + Unpin + Send + 'static,
{
    let limits = router.shared.config.limits;
    let (sender, receiver) = mpsc::channel(UNREAD);
    let writer = tokio::spawn(write(output, receiver));
    let places = Arc::new(Semaphore::new(
        router
            .shared
            .config
            .max_in_flight
            .min(Semaphore::MAX_PERMITS),
    ));
    let drain = router.shared.config.drain;
    let budget = Budget::new(Account::Local, router.admission.memory.clone());
    let client = Client {
        router,
        served,
        output: sender,
        session: Arc::default(),
        cancels: Arc::default(),
        over: CancellationToken::new(),
        stop: stop.clone(),
    };
    let mut lines = Lines::new(input, limits.bytes);
    let mut tasks = JoinSet::new();
    let ended = loop {
        let line = tokio::select! {
            biased;
            () = stop.cancelled() => break Ok(()),
            Some(_) = tasks.join_next() => continue,
            line = lines.next() => line,
        };
        let message = match line {
            Ok(Some(Line::Whole(line))) => Message::parse(line, &limits),
            Ok(Some(Line::TooLong(_))) => {
                client
                    .say(refusal(
                        error_codes::INVALID_REQUEST,
                        &format!("a message here has at most {} bytes", limits.bytes),
                    ))
                    .await;
                continue;
            }
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        };
        match message {
            Err(why) => client.say(unreadable(&why)).await,
            Ok(message) if budget.hold(&message).is_err() => {
                let id = message.id().filter(|_| message.method().is_some());
                let text = MemoryError.to_string();
                client
                    .say(Message::error(id, error_codes::SERVER, &text, None))
                    .await;
            }
            // Notifications and replies are handled in order, since later messages may depend on them.
            Ok(message) if message.id().is_none() || message.method().is_none() => {
                client.take(message).await
            }
            Ok(message)
                if message.method() == Some("initialize")
                    && era::of_line(&message) == Era::Legacy =>
            {
                client.request(message).await
            }
            Ok(message) => {
                let Ok(place) = places.clone().try_acquire_owned() else {
                    // Waiting here would also delay the client's answers to servers' requests.
                    let text = PendingError::TooMany.to_string();
                    client
                        .say(Message::error(
                            message.id(),
                            error_codes::SERVER,
                            &text,
                            None,
                        ))
                        .await;
                    continue;
                };
                let client = client.clone();
                tasks.spawn(async move {
                    client.request(message).await;
                    drop(place);
                });
            }
        }
    };
    client.over.cancel();
    let finish = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(drain, finish).await.is_err() {
        tracing::warn!("calls still under way after {} s were cut", drain.as_secs());
    }
    tasks.shutdown().await;
    let session = client.session.lock().take();
    if let Some(session) = session {
        client.router.close(&session).await;
    }
    drop(client);
    match writer.await {
        Ok(written) => ended.and(written),
        Err(panicked) => Err(io::Error::other(panicked)),
    }
}

impl Client {
    async fn say(&self, message: Message) {
        // Fails only once the output is closed, and then the input ends too.
        let _ = self.output.send(message).await;
    }

    /// The requester under the current edition; `None` if the client is not configured.
    fn requester(&self) -> Option<Requester> {
        let edition = self.router.shared.registry.current();
        let principal = edition.clients().named(self.served.client.as_deref())?;
        let budget = Budget::new(Account::Local, self.router.admission.memory.clone());
        Some(Requester {
            principal,
            budget,
            grant: None,
        })
    }

    /// Handles a notification, or a reply to a server's request.
    async fn take(&self, message: Message) {
        let Some(requester) = self.requester() else {
            return;
        };
        let (router, endpoint) = (&self.router, &self.served.endpoint);
        if router.stopped(&requester, endpoint, None).is_some() {
            return;
        }
        let judged = managed::judge(router, &requester, endpoint, message, &HeaderMap::new());
        // Nobody waits for a reply.
        let Ok(message) = judged else { return };
        if message.method() == Some("notifications/cancelled") && self.cancel(&message) {
            return;
        }
        let session = self.session.lock().clone();
        match session {
            Some(session) => {
                self.router
                    .within(&session, message, &HeaderMap::new())
                    .await;
            }
            None => {
                if message.method().is_some() {
                    self.router
                        .modern(
                            &requester,
                            &self.served.endpoint,
                            message,
                            &HeaderMap::new(),
                        )
                        .await;
                }
            }
        }
    }

    /// Cancels a modern request, which closes its stream; its transport tells the server. Returns `false` if no such
    /// request is in flight.
    fn cancel(&self, message: &Message) -> bool {
        let request = message.payload().get("requestId");
        let id = request.as_ref().and_then(Id::from_json);
        let token = id.and_then(|id| self.cancels.lock().get(&id).cloned());
        token.inspect(CancellationToken::cancel).is_some()
    }

    /// Handles a request: writes exactly one reply, unless the client cancels it.
    async fn request(&self, message: Message) {
        let Some(id) = message.id().cloned() else {
            return;
        };
        let Some(requester) = self.requester() else {
            return self.say(stranger(&id, self.served.client.as_deref())).await;
        };
        let endpoint = &self.served.endpoint;
        if let Some(turned_away) = self.router.stopped(&requester, endpoint, Some(&message)) {
            return self.deliver(&id, turned_away, false).await;
        }
        let none = HeaderMap::new();
        let (router, endpoint) = (&self.router, &self.served.endpoint);
        let message = match managed::judge(router, &requester, endpoint, message, &none) {
            Ok(message) => message,
            Err(refusal) => {
                let until = refusal.until(requester.principal.over());
                return self.deliver(&id, until, false).await;
            }
        };
        let session = self.session.lock().clone();
        let edition = self.router.shared.registry.current();
        // An `initialize` may replace a session whose server is gone.
        let session = session
            .filter(|session| message.method() != Some("initialize") || session.stands(&edition));
        let response = match (era::of_line(&message), message.method(), session) {
            (Era::Modern, ..) => return self.modern(&requester, id, message).await,
            (Era::Legacy, Some("initialize"), None) => {
                let (response, session) = self
                    .router
                    .open(&requester, &self.served.endpoint, message, &none)
                    .await;
                if let Some(session) = session {
                    self.begin(session);
                }
                response
            }
            (Era::Legacy, _, Some(session)) => self.router.within(&session, message, &none).await,
            (Era::Legacy, _, None) => {
                let text = "begin with initialize, or name a protocol version in _meta";
                error_reply::bad_request(Some(&id), text)
            }
        };
        self.deliver(&id, response.until(requester.principal.over()), false)
            .await;
    }

    async fn modern(&self, requester: &Requester, id: Id, message: Message) {
        let token = CancellationToken::new();
        let taken = match self.cancels.lock().entry(id.clone()) {
            Entry::Occupied(_) => true,
            Entry::Vacant(place) => {
                place.insert(token.clone());
                false
            }
        };
        if taken {
            // The client could not tell the two replies apart.
            let (code, text) = (
                error_codes::INVALID_REQUEST,
                PendingError::IdInUse.to_string(),
            );
            return self.say(Message::error(Some(&id), code, &text, None)).await;
        }
        let listens = message.method() == Some(LISTEN);
        tokio::select! {
            biased;
            () = token.cancelled() => {}
            () = self.stop.cancelled(), if listens => self.say(closed(&id)).await,
            () = self.over.cancelled(), if listens => {}
            () = async {
                let response = self.router
                    .modern(requester, &self.served.endpoint, message, &HeaderMap::new())
                    .await;
                self.deliver(&id, response.until(requester.principal.over()), listens).await;
            } => {}
        }
        self.cancels.lock().remove(&id);
    }

    /// Installs a session and listens to its servers from the start.
    fn begin(&self, session: Arc<Session>) {
        let before = self.session.lock().replace(session.clone());
        if let Some(before) = before {
            self.router.sessions.forget(&before);
            before.retire();
        }
        self.router.sessions.remember(&session);
        let (router, output) = (self.router.clone(), self.output.clone());
        tokio::spawn(async move {
            if let ClientResponseBody::Stream(mut stream) =
                router.listen(&session, &HeaderMap::new(), true).await.body
            {
                while let Some(event) = stream.next().await {
                    if let Some(message) = event.message
                        && output.send(message).await.is_err()
                    {
                        break;
                    }
                }
            }
        });
    }

    /// Writes a response. With `lasts` it is a subscription's, which may end without a reply.
    async fn deliver(&self, id: &Id, response: ClientResponse, lasts: bool) {
        let mut replied = false;
        match response.body {
            ClientResponseBody::Message(message) => {
                replied = true;
                self.say(message).await;
            }
            ClientResponseBody::Stream(mut stream) => {
                while let Some(event) = stream.next().await {
                    let Some(message) = event.message else {
                        continue;
                    };
                    replied |= match message.shape() {
                        Shape::Result { .. } | Shape::Error { .. } => true,
                        Shape::Notification { method } => {
                            lasts && &**method == "notifications/cancelled"
                        }
                        Shape::Request { .. } => false,
                    };
                    self.say(message).await;
                }
                if lasts && !replied {
                    // Over HTTP the end of the stream tells the client.
                    replied = true;
                    self.say(cancelled(id)).await;
                }
            }
            ClientResponseBody::Raw(text) => {
                replied = true;
                // A probing client takes an unknown method as a sign to begin with `initialize`.
                let text = String::from_utf8_lossy(&text);
                let text = format!(
                    "{}: {}",
                    response.status,
                    text.trim_end().chars().take(500).collect::<String>()
                );
                self.say(Message::error(
                    Some(id),
                    error_codes::METHOD_NOT_FOUND,
                    &text,
                    None,
                ))
                .await;
            }
            ClientResponseBody::Empty => {}
        }
        if !replied {
            let text = format!("the server gave no reply ({})", response.status);
            self.say(Message::error(Some(id), error_codes::SERVER, &text, None))
                .await;
        }
    }
}

async fn write<W: AsyncWrite + Unpin>(
    mut output: W,
    mut messages: mpsc::Receiver<Message>,
) -> io::Result<()> {
    let mut buffer = BytesMut::new();
    while let Some(message) = messages.recv().await {
        buffer.clear();
        lines::write(&mut buffer, &message.line());
        // Write whatever else is ready together with it.
        while buffer.len() < TOGETHER
            && let Ok(message) = messages.try_recv()
        {
            lines::write(&mut buffer, &message.line());
        }
        output.write_all(&buffer).await?;
        output.flush().await?;
    }
    Ok(())
}

fn stranger(id: &Id, client: Option<&str>) -> Message {
    let text = match client {
        Some(name) => format!("the configuration has no client {name:?}"),
        None => {
            "the configuration has clients now: start the gateway with --client NAME".to_owned()
        }
    };
    Message::error(Some(id), error_codes::SERVER, &text, None)
}

fn unreadable(why: &MessageError) -> Message {
    let code = match why {
        MessageError::Json(_) => error_codes::PARSE,
        MessageError::Envelope(_) | MessageError::Batch => error_codes::INVALID_REQUEST,
    };
    refusal(code, &why.to_string())
}

fn refusal(code: i64, text: &str) -> Message {
    Message::error(None, code, text, None)
}

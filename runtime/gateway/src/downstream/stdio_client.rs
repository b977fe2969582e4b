//! The client on a pair of streams: its messages are handled as over HTTP.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use futures_util::StreamExt;
use http::HeaderMap;
use parking_lot::Mutex;
use sandgate_access::Endpoint;
use sandgate_message::{Account, Era, Id, Message, Shape, error_codes};
use sandgate_wire::{Budget, era};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Router, Session, managed};
use crate::call::caller::Requester;
use crate::call::error_reply;
use crate::call::pending::PendingError;
use crate::call::response::{ClientResponse, ClientResponseBody};
use crate::protocol::subscription::{LISTEN, cancelled, closed};

/// The endpoint that is served, and the client it is served to.
#[derive(Clone)]
pub(crate) struct Served {
    pub(crate) endpoint: Endpoint,
    /// The client's name in the configuration.
    pub(crate) client: Option<Arc<str>>,
}

/// The client, shared by the tasks that work for it.
#[derive(Clone)]
pub(super) struct Client {
    pub(super) router: Arc<Router>,
    pub(super) served: Served,
    pub(super) output: mpsc::Sender<Message>,
    pub(super) session: Arc<Mutex<Option<Arc<Session>>>>,
    /// Cancellation tokens of the modern requests in flight.
    pub(super) cancels: Arc<Mutex<HashMap<Id, CancellationToken>>>,
    /// Cancelled at the end of the input: subscriptions, which would last as long as the client likes, end then.
    pub(super) over: CancellationToken,
    /// Cancelled when the gateway shuts down: the client is told that its subscriptions end.
    pub(super) stop: CancellationToken,
}

impl Client {
    pub(super) async fn say(&self, message: Message) {
        // Fails only once the output is closed, and then the input ends too.
        let _ = self.output.send(message).await;
    }

    /// Answers with an error of the gateway's own; without an id where the message has none that can be read.
    pub(super) async fn fail(&self, id: Option<&Id>, code: i64, text: &str) {
        self.say(Message::error(id, code, text, None)).await;
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
    pub(super) async fn take(&self, message: Message) {
        let Some(requester) = self.requester() else {
            return;
        };
        let (router, endpoint) = (&self.router, &self.served.endpoint);
        if router.stopped(&requester, endpoint, None).is_some() {
            return;
        }
        let none = HeaderMap::new();
        let judged = managed::judge(router, &requester, endpoint, message, &none);
        // Nobody waits for a reply.
        let Ok(message) = judged else { return };
        if message.method() == Some("notifications/cancelled") && self.cancel(&message) {
            return;
        }
        let session = self.session.lock().clone();
        match session {
            Some(session) => drop(router.within(&session, message, &none).await),
            None if message.method().is_some() => {
                drop(router.modern(&requester, endpoint, message, &none).await);
            }
            None => {}
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
    pub(super) async fn request(&self, message: Message) {
        let Some(id) = message.id().cloned() else {
            return;
        };
        let Some(requester) = self.requester() else {
            let text = stranger(self.served.client.as_deref());
            return self.fail(Some(&id), error_codes::SERVER, &text).await;
        };
        let (router, endpoint) = (&self.router, &self.served.endpoint);
        if let Some(turned_away) = router.stopped(&requester, endpoint, Some(&message)) {
            return self.deliver(&id, turned_away, false).await;
        }
        let none = HeaderMap::new();
        let message = match managed::judge(router, &requester, endpoint, message, &none) {
            Ok(message) => message,
            Err(refusal) => {
                let until = refusal.until(requester.principal.over());
                return self.deliver(&id, until, false).await;
            }
        };
        let session = self.session.lock().clone();
        let edition = router.shared.registry.current();
        // An `initialize` may replace a session whose server is gone.
        let session = session
            .filter(|session| message.method() != Some("initialize") || session.stands(&edition));
        let response = match (era::of_line(&message), message.method(), session) {
            (Era::Modern, ..) => return self.modern(&requester, id, message).await,
            (Era::Legacy, Some("initialize"), None) => {
                let (response, session) = router.open(&requester, endpoint, message, &none).await;
                if let Some(session) = session {
                    self.begin(session);
                }
                response
            }
            (Era::Legacy, _, Some(session)) => router.within(&session, message, &none).await,
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
            let text = PendingError::IdInUse.to_string();
            return self
                .fail(Some(&id), error_codes::INVALID_REQUEST, &text)
                .await;
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
                self.fail(Some(id), error_codes::METHOD_NOT_FOUND, &text)
                    .await;
            }
            ClientResponseBody::Empty => {}
        }
        if !replied {
            let text = format!("the server gave no reply ({})", response.status);
            self.fail(Some(id), error_codes::SERVER, &text).await;
        }
    }
}

/// What a client that is not configured is told.
fn stranger(client: Option<&str>) -> String {
    match client {
        Some(name) => format!("the configuration has no client {name:?}"),
        None => {
            "the configuration has clients now: start the gateway with --client NAME".to_owned()
        }
    }
}

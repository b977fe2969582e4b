//! Messages that a server starts: notifications and requests to the client, and late replies. Each notification or
//! request is a call of its own in the server-to-client direction, under the edition that is current when it arrives,
//! since a stream may outlive several editions.

use http::HeaderMap;
use sandgate_message::{Direction, Edit, Id, Message, Shape, apply, error_codes};

use crate::call::admit::{Incoming, Refused};
use crate::call::from_client::restamped;
use crate::call::in_flight::InFlight;
use crate::call::proxy::Proxy;
use crate::nested::task;
use crate::nested::ttl_map::{Lookup, Owner};
use sandgate_observe::Decision;
use sandgate_upstream::ServerEvent;

impl Proxy {
    /// Takes an event that is not the reply to the request on whose stream it arrived. Returns what the client gets of
    /// it.
    pub(crate) async fn receive_event(&self, mut event: ServerEvent) -> Option<ServerEvent> {
        let Some(message) = event.message.take() else {
            return Some(event);
        };
        event.message = match message.shape() {
            Shape::Notification { .. } => self.receive_notification(message).await,
            Shape::Request { .. } => self.receive_request(message).await,
            Shape::Result { .. } | Shape::Error { .. } => self.receive_late_reply(message).await,
        };
        // An event without its message still carries the id from which a client resumes.
        let says_something = event.message.is_some() || event.id.is_some() || event.retry.is_some();
        says_something.then_some(event)
    }

    async fn receive_notification(&self, message: Message) -> Option<Message> {
        let Some(message) = self.own(message) else {
            let what = "a notification about what is not this server's";
            self.conn.server.dropped(what);
            return None;
        };
        let in_flight = self.let_in(message).await.ok()?;
        let message = in_flight.message().clone();
        in_flight.end(Decision::Forwarded, None).ok()?;
        Some(message)
    }

    /// The notification, with ids as the client knows them. `None` where the client hears several servers merged and
    /// the notification names something of another server.
    fn own(&self, message: Message) -> Option<Message> {
        let server = self.conn.server.name();
        match (message.method(), &self.claims) {
            (Some("notifications/cancelled"), _) => self.withdrawal(message),
            (Some("notifications/tasks" | "notifications/tasks/status"), Some(_)) => {
                self.knows_task(&message).then_some(message)
            }
            (_, Some(claims)) => claims.allow(&message, server).then_some(message),
            (_, None) => Some(message),
        }
    }

    /// Whether this server created the task that the notification is about, for this caller.
    fn knows_task(&self, message: &Message) -> bool {
        let task = message.payload().get("taskId");
        let caller = &self.caller;
        let owner = Owner::client(caller.principal.name.as_ref(), caller.session.as_ref());
        task.and_then(|task| task.to::<String>().ok())
            .is_some_and(|id| {
                let place = task::place(self.conn.server.name(), &id);
                let found = self.shared.nested.tasks.find(&place, &owner);
                matches!(found, Lookup::Own(_))
            })
    }

    /// Maps a `notifications/cancelled` of the server. A legacy server cancels a request of its own, which the client
    /// may know by another id. A modern server gives up a request that it was sent.
    fn withdrawal(&self, message: Message) -> Option<Message> {
        let request = message.payload().get("requestId");
        if let (Some(claims), None) = (&self.claims, &self.pending) {
            let own = claims.has_request(request.as_ref()?, self.conn.server.name());
            return own.then_some(message);
        }
        let id = request.as_ref().and_then(Id::from_json);
        let (Some(pending), Some(id)) = (&self.pending, id) else {
            return self.claims.is_none().then_some(message);
        };
        Some(match pending.withdrawn(&self.conn, &id) {
            Some(seen) if seen != id => {
                let edit = [Edit::Set("/requestId".into(), seen.as_str().into())];
                match apply(message.payload(), &edit, &self.shared.config.limits) {
                    Ok(params) => message.with_payload(params),
                    Err(_) => message,
                }
            }
            Some(_) => message,
            None if self.claims.is_none() => message,
            None => return None,
        })
    }

    async fn receive_request(&self, message: Message) -> Option<Message> {
        let id = message.id()?.clone();
        let mut in_flight = match self.let_in(message).await {
            Ok(in_flight) => in_flight,
            Err(refused) => {
                self.conn.reply(refused.reply()?);
                return None;
            }
        };
        if let Some(answer) = in_flight.take_answer() {
            let reply = self.own_reply(in_flight, answer, Decision::Answered).await;
            self.conn.reply(reply?);
            return None;
        }
        let message = in_flight.message().clone();
        let asked = match &self.pending {
            Some(pending) => pending.ask(&self.conn, &id, in_flight),
            None => Err(Box::new(in_flight)),
        };
        match asked {
            Ok(seen) => {
                if let Some(claims) = &self.claims {
                    claims.asks(&message, self.conn.server.name());
                }
                Some(restamped(message, &seen))
            }
            Err(in_flight) => {
                self.unaskable(&id, *in_flight).await;
                None
            }
        }
    }

    /// Ends a server's request that cannot be sent to the client; the server gets an error.
    pub(crate) async fn unaskable(&self, id: &Id, in_flight: InFlight) {
        let error = Message::error(
            Some(id),
            error_codes::SERVER,
            "the client cannot be asked now",
            None,
        );
        if let Some(error) = self.failed(in_flight, error).await {
            self.conn.reply(error);
        }
    }

    /// Finishes a parked call, whose stream closed before its reply, with the reply that arrives on the stream the
    /// client opened to resume. A reply to any other request is dropped: that request passed no interceptor.
    async fn receive_late_reply(&self, message: Message) -> Option<Message> {
        let server = self.conn.server.name();
        let parked = message
            .id()
            .and_then(|id| self.pending.as_ref()?.unpark(server, id));
        let Some(in_flight) = parked else {
            self.conn.server.dropped("a reply to no request under way");
            return None;
        };
        let edition = self.shared.registry.current();
        self.finish(&edition, in_flight, message, Decision::Forwarded)
            .await
            .message
    }

    /// Describes and admits a server's message under the current edition.
    ///
    /// # Errors
    ///
    /// The message is refused; see [`Refused`].
    async fn let_in(&self, message: Message) -> Result<InFlight, Refused> {
        let incoming = Incoming {
            message,
            direction: Direction::ServerToClient,
            headers: &HeaderMap::new(),
            alias: None,
        };
        let edition = self.shared.registry.current();
        let described = self.receive(&edition, incoming).await?;
        self.admit(&edition, described).await
    }
}

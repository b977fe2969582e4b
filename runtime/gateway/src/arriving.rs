//! What a server says of its own accord: notifications and requests on their way to the client, and the client's replies
//! to the latter. Each is a call of its own, in the other direction, under the edition in force when it comes: a stream
//! may outlive many.

use http::HeaderMap;
use sandgate_message::{Direction, Edit, Id, Message, Shape, apply, error_codes};
use sandgate_pipeline::{Entry, TrailEntry};

use crate::exchange::Exchange;
use crate::journal::Underway;
use crate::memory::{Found, Owner};
use crate::record::Decision;
use crate::telling::restamped;
use crate::upstream::Arrival;
use crate::{carried, tasks, validation};

impl Exchange {
    /// Something the server said that is no reply to the request on whose stream it came: what of it the client gets.
    pub(crate) async fn arrive(&self, mut arrival: Arrival) -> Option<Arrival> {
        let Some(message) = arrival.message.take() else {
            return Some(arrival);
        };
        arrival.message = match message.shape() {
            Shape::Notification { .. } => self.arrive_notification(message).await,
            Shape::Request { .. } => self.arrive_request(message).await,
            Shape::Result { .. } | Shape::Error { .. } => self.arrive_late(message).await,
        };
        // An event whose message was kept back still moves the place from which a client resumes.
        let says_something =
            arrival.message.is_some() || arrival.id.is_some() || arrival.retry.is_some();
        says_something.then_some(arrival)
    }

    async fn arrive_notification(&self, message: Message) -> Option<Message> {
        let Some(message) = self.own(message) else {
            let what = "a notification about what is not this server's";
            self.link.server.dropped(what);
            return None;
        };
        let underway = self.admit(message).await.ok()?;
        let message = underway.message().clone();
        underway.end(Decision::Forwarded, None).ok()?;
        Some(message)
    }

    /// The notification, by the names that the client knows. None where the client hears several servers, and what this
    /// one names is not its own.
    fn own(&self, message: Message) -> Option<Message> {
        let server = self.link.server.name();
        match (message.method(), &self.claims) {
            (Some("notifications/cancelled"), _) => self.withdrawal(message),
            (Some("notifications/tasks" | "notifications/tasks/status"), Some(_)) => {
                self.knows_task(&message).then_some(message)
            }
            (_, Some(claims)) => claims.allow(&message, server).then_some(message),
            (_, None) => Some(message),
        }
    }

    /// This server promised the caller the task that it tells of.
    fn knows_task(&self, message: &Message) -> bool {
        let task = message.payload().get("taskId");
        let caller = &self.caller;
        let owner = Owner::client(caller.principal.name.as_ref(), caller.session.as_ref());
        task.and_then(|task| task.to::<String>().ok())
            .is_some_and(|id| {
                let place = tasks::place(self.link.server.name(), &id);
                let found = self.house.carriage.tasks.find(&place, &owner);
                matches!(found, Found::Own(_))
            })
    }

    /// A server takes back a question of its own, which the client may know by another id; or, in the modern era, gives up
    /// a request that it was sent.
    fn withdrawal(&self, message: Message) -> Option<Message> {
        let request = message.payload().get("requestId");
        if let (Some(claims), None) = (&self.claims, &self.ledger) {
            let own = claims.has_request(request.as_ref()?, self.link.server.name());
            return own.then_some(message);
        }
        let id = request.as_ref().and_then(Id::from_json);
        let (Some(ledger), Some(id)) = (&self.ledger, id) else {
            return self.claims.is_none().then_some(message);
        };
        Some(match ledger.withdrawn(&self.link, &id) {
            Some(seen) if seen != id => {
                let edit = [Edit::Set("/requestId".into(), seen.as_str().into())];
                match apply(message.payload(), &edit, &self.house.config.limits) {
                    Ok(params) => message.with_payload(params),
                    Err(_) => message,
                }
            }
            Some(_) => message,
            None if self.claims.is_none() => message,
            None => return None,
        })
    }

    async fn arrive_request(&self, message: Message) -> Option<Message> {
        let id = message.id()?.clone();
        let mut underway = match self.admit(message).await {
            Ok(underway) => underway,
            Err(refusal) => {
                self.link.reply(*refusal?);
                return None;
            }
        };
        if let Some(answer) = underway.take_answer() {
            let carriage = &self.house.carriage;
            let left = carried::leave(carriage, None, underway, answer, Decision::Answered).await;
            self.link.reply(left.message?);
            return None;
        }
        let message = underway.message().clone();
        let asked = match &self.ledger {
            Some(ledger) => ledger.ask(&self.link, &id, underway),
            None => Err(Box::new(underway)),
        };
        match asked {
            Ok(seen) => {
                if let Some(claims) = &self.claims {
                    claims.asks(&message, self.link.server.name());
                }
                Some(restamped(message, &seen))
            }
            Err(underway) => {
                self.unaskable(&id, *underway).await;
                None
            }
        }
    }

    /// The client cannot be asked after all.
    pub(crate) async fn unaskable(&self, id: &Id, underway: Underway) {
        let error = Message::error(
            Some(id),
            error_codes::SERVER,
            "the client cannot be asked now",
            None,
        );
        if let Some(error) = self.failed(underway, error).await {
            self.link.reply(error);
        }
    }

    /// The reply to a call whose stream was closed before it, on the stream that the client opened to resume. A reply to
    /// anything else passed no interceptor on its way in, and does not pass.
    async fn arrive_late(&self, message: Message) -> Option<Message> {
        let server = self.link.server.name();
        let parked = message
            .id()
            .and_then(|id| self.ledger.as_ref()?.unpark(server, id));
        let Some(underway) = parked else {
            self.link.server.dropped("a reply to no request under way");
            return None;
        };
        carried::leave(
            &self.house.carriage,
            Some(&self.link),
            underway,
            message,
            Decision::Forwarded,
        )
        .await
        .message
    }

    async fn admit(&self, message: Message) -> Result<Underway, Option<Box<Message>>> {
        let (mut came, message) = self.came(message, &HeaderMap::new(), Direction::ServerToClient);
        let edition = self.house.registry.current();
        let call = self
            .describe(
                &edition,
                &message,
                Direction::ServerToClient,
                &HeaderMap::new(),
                None,
            )
            .await;
        if let Err(why) = validation::check(edition.chain(), &call, &message) {
            let refusal = self.refuse(edition.chain(), call, &message, &why, came);
            return Err(refusal.map(Box::new));
        }
        let lookout = self.house.journal.lookout();
        lookout.describe(
            &mut came,
            &self.house.carriage,
            edition.chain(),
            &call,
            &message,
        );
        let size = message.bytes().len();
        match carried::enter(
            &self.house.carriage,
            edition.chain(),
            call,
            message,
            came.asides(),
        )
        .await
        {
            Entry::Onward(passage) => {
                let journal = &self.house.journal;
                let undecided = passage.message().id().is_none()
                    && passage.trail().entries.iter().all(TrailEntry::is_silent);
                if undecided && !self.link.notices.admit(journal, passage.call()) {
                    return Ok(journal.begin_unrecorded(passage, came));
                }
                journal.begin(passage, came)
            }
            Entry::Refused(departure) => Err(self
                .house
                .journal
                .refused(departure, size, came)
                .map(Box::new)),
        }
    }
}

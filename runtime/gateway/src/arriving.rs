//! What a server says of its own accord: notifications and requests on their way to the client, and the client's replies
//! to the latter. Each is a call of its own, in the other direction, under the edition in force when it comes: a stream
//! may outlive many.

use http::HeaderMap;
use sandgate_message::{Direction, Edit, Id, Message, Shape, apply, error_codes};
use sandgate_pipeline::Entry;

use crate::carried;
use crate::exchange::Exchange;
use crate::journal::Underway;
use crate::record::Decision;
use crate::telling::restamped;
use crate::upstream::Arrival;
use crate::validation;

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
        let underway = self.admit(self.withdrawal(message)).await.ok()?;
        let message = underway.message().clone();
        underway.end(Decision::Forwarded, None).ok()?;
        Some(message)
    }

    /// A server takes back a question of its own: the client may know it by another id.
    fn withdrawal(&self, message: Message) -> Message {
        let (Some("notifications/cancelled"), Some(ledger)) = (message.method(), &self.ledger)
        else {
            return message;
        };
        let request = message.payload().get("requestId");
        let Some(id) = request.as_ref().and_then(Id::from_json) else {
            return message;
        };
        match ledger.withdrawn(&self.link, &id) {
            Some(seen) if seen != id => {
                let edit = [Edit::Set("/requestId".into(), seen.as_str().into())];
                match apply(message.payload(), &edit, &self.house.config.limits) {
                    Ok(params) => message.with_payload(params),
                    Err(_) => message,
                }
            }
            _ => message,
        }
    }

    async fn arrive_request(&self, message: Message) -> Option<Message> {
        let id = message.id()?.clone();
        let mut underway = match self.admit(message).await {
            Ok(underway) => underway,
            Err(refusal) => {
                self.say_to_server(*refusal?);
                return None;
            }
        };
        if let Some(answer) = underway.take_answer() {
            self.say_to_server(underway.leave(answer, Decision::Answered).await.message?);
            return None;
        }
        let message = underway.message().clone();
        let asked = match &self.ledger {
            Some(ledger) => ledger.ask(&self.link, &id, underway),
            None => Err(Box::new(underway)),
        };
        match asked {
            Ok(seen) => Some(restamped(message, &seen)),
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
        if let Some(error) = underway.leave(error, Decision::Failed).await.message {
            self.say_to_server(error);
        }
    }

    /// The reply to a call whose stream was closed before it, on the stream that the client opened to resume. A reply to
    /// anything else passed no interceptor on its way in, and does not pass.
    async fn arrive_late(&self, message: Message) -> Option<Message> {
        let parked = message.id().and_then(|id| self.ledger.as_ref()?.unpark(id));
        let Some(underway) = parked else {
            tracing::warn!(server = %self.link.server.name(), "dropped a reply to no request that is under way");
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
            Entry::Onward(passage) => self.house.journal.begin(passage, came),
            Entry::Refused(departure) => Err(self
                .house
                .journal
                .refused(departure, size, came)
                .map(Box::new)),
        }
    }

    /// Does not wait: the server may itself be waiting until what it sends is read.
    fn say_to_server(&self, reply: Message) {
        let link = self.link.clone();
        tokio::spawn(async move {
            if let Err(error) = link.send(&reply, &HeaderMap::new()).await {
                tracing::warn!(server = %link.server.name(), "{error}");
            }
        });
    }
}

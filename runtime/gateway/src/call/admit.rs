//! Admission: every request and notification, from either side, is described, checked, judged by the interceptors and
//! recorded here before it is forwarded.

use std::sync::Arc;

use http::{HeaderMap, StatusCode};
use sandgate_message::{Call, Direction, Era, Message};
use sandgate_pipeline::{Admission, TrailEntry};

use crate::call::error_reply;
use crate::call::in_flight::InFlight;
use crate::call::proxy::Proxy;
use crate::call::response::ClientResponse;
use crate::nested;
use crate::protocol::validation;
use crate::registry::Edition;
use sandgate_observe::Arrival;

/// A message as it was received, before any check.
pub(crate) struct Incoming<'a> {
    pub(crate) message: Message,
    pub(crate) direction: Direction,
    pub(crate) headers: &'a HeaderMap,
    /// The client's name for the target; `None` where it equals the server's name.
    pub(crate) alias: Option<Arc<str>>,
}

/// A message that passed the gateway's own rules, with its call described. No interceptor has seen it yet.
pub(crate) struct Described {
    pub(crate) call: Arc<Call>,
    pub(crate) message: Message,
    pub(crate) arrival: Arrival,
}

/// Why a message is not forwarded. The payload is the reply to the asker; a notification gets none.
pub(crate) enum Refused {
    /// The headers do not mirror the body. Not recorded: it is unclear which of the two is meant.
    HeaderMismatch(ClientResponse),
    /// The gateway's own rules refuse the message.
    Invalid(Option<Message>),
    /// The client may not use what the message names.
    Hidden(Option<Message>),
    /// The operator has stopped what the message comes from, goes to or names.
    Stopped(Option<Message>),
    /// An interceptor refuses the message.
    Policy(Option<Message>),
    /// The gateway is overloaded.
    Overloaded(Option<Message>),
    /// The call log cannot record the message, and the policy is to refuse what cannot be recorded.
    Unrecorded(Option<Box<Message>>),
}

impl Proxy {
    /// Describes the call and applies the gateway's own rules.
    ///
    /// # Errors
    ///
    /// A stop is in force for the message, the client may not use what it names, the headers do not mirror the body, or the message breaks one of
    /// the gateway's rules.
    pub(crate) async fn receive(
        &self,
        edition: &Edition,
        incoming: Incoming<'_>,
    ) -> Result<Described, Refused> {
        let Incoming {
            message,
            direction,
            headers,
            alias,
        } = incoming;
        let (recorder, limits) = (&self.shared.recorder, &self.shared.config.limits);
        let (arrival, message) = recorder.arrival(message, headers, direction, limits);
        if let Err(rule) = self.judge(edition, &message, direction) {
            // A server may say more of what is hidden than the log can hold.
            if direction == Direction::ServerToClient && message.id().is_none() {
                let what = "a notification about what its client may not use";
                self.conn.server.dropped(what);
                return Err(Refused::Hidden(None));
            }
            let call = self.call(&message, direction, alias, None);
            let reply = self.hide(edition, call, &message, &rule, arrival);
            return Err(Refused::Hidden(reply));
        }
        // After the views: what they hide is not told to be stopped.
        if let Some(rule) = self.stopped(edition, &message, direction) {
            if direction == Direction::ServerToClient && message.id().is_none() {
                self.conn
                    .server
                    .dropped("a notification while a stop is in force");
                return Err(Refused::Stopped(None));
            }
            let call = self.call(&message, direction, alias, None);
            let reply = self.turn_away(edition, call, &message, &rule, arrival);
            return Err(Refused::Stopped(reply));
        }
        let call = self
            .describe(edition, &message, direction, headers, alias)
            .await;
        if let Err(mismatch) = self.mirrored(&call, &message, headers).await {
            let response = error_reply::mismatch(message.id(), &mismatch.to_string());
            return Err(Refused::HeaderMismatch(response));
        }
        let valid = match direction {
            Direction::ClientToServer => self.validate(edition, &call, &message, headers).await,
            Direction::ServerToClient => validation::check(edition.chain(), false, &call, &message),
        };
        if let Err(error) = valid {
            let reply = self.refuse(edition.chain(), call, &message, &error, arrival);
            return Err(Refused::Invalid(reply));
        }
        Ok(Described {
            call,
            message,
            arrival,
        })
    }

    /// Runs a message through the interceptors and writes its first record.
    ///
    /// # Errors
    ///
    /// An interceptor refuses the message, the gateway is overloaded, or the record cannot be written.
    pub(crate) async fn admit(
        &self,
        edition: &Edition,
        described: Described,
    ) -> Result<InFlight, Refused> {
        let Described {
            call,
            message,
            mut arrival,
        } = described;
        let (recorder, store) = (&self.shared.recorder, &self.shared.nested);
        let chain = edition.chain();
        let wanted = recorder.wants(&call, || nested::continued(store, &call, &message));
        if wanted {
            arrival.begin_capture(&self.with_definition(&call), &message, chain);
        }
        let size = message.bytes().len();
        let admitted = match nested::enter(store, chain, call, message, arrival.nested_runs()).await
        {
            Admission::Continue(admitted) => admitted,
            Admission::Refused(filtered) => {
                let overloaded = filtered.overloaded;
                let reply = recorder.refused(filtered, size, arrival);
                return Err(match overloaded {
                    true => Refused::Overloaded(reply),
                    false => Refused::Policy(reply),
                });
            }
        };
        let from_server = admitted.call().direction == Direction::ServerToClient;
        let undecided = from_server
            && admitted.message().id().is_none()
            && admitted.trail().entries.iter().all(TrailEntry::is_silent);
        if undecided
            && !self
                .conn
                .notification_budget
                .admit(recorder, admitted.call())
        {
            return Ok(InFlight::begin_unrecorded(recorder, admitted, arrival));
        }
        InFlight::begin(recorder, admitted, arrival).map_err(Refused::Unrecorded)
    }

    /// The call with its target's definition added, for a capture. No interceptor reads the definition now, but a
    /// replay of the call may.
    fn with_definition(&self, call: &Arc<Call>) -> Arc<Call> {
        if let (None, Direction::ClientToServer) = (&call.definition, call.direction)
            && let Some(target) = call.target.as_deref()
            && let Some(definitions) = self.conn.definitions()
            && let Some(definition) = definitions.get(&call.method, target)
        {
            let mut call = (**call).clone();
            call.definition = Some(definition);
            return Arc::new(call);
        }
        call.clone()
    }
}

impl Refused {
    /// The reply to the asker of a request. `None` for a header mismatch, which has a response of its own.
    pub(crate) fn reply(self) -> Option<Message> {
        match self {
            Self::Invalid(reply)
            | Self::Hidden(reply)
            | Self::Stopped(reply)
            | Self::Policy(reply)
            | Self::Overloaded(reply) => reply,
            Self::Unrecorded(reply) => reply.map(|reply| *reply),
            Self::HeaderMismatch(_) => None,
        }
    }

    /// The HTTP response to a client's refused request.
    pub(crate) fn response(self, era: Era) -> ClientResponse {
        let (invalid, overloaded) = (
            matches!(self, Self::Invalid(_)),
            matches!(self, Self::Overloaded(_)),
        );
        let reply = match self {
            Self::HeaderMismatch(response) => return response,
            other => other.reply(),
        };
        let status = reply.as_ref().map(error_reply::modern_status);
        let mut response = ClientResponse::of(reply);
        if let (true, Era::Modern, Some(status)) = (invalid, era, status) {
            response.status = status;
        }
        match overloaded {
            true => error_reply::later(response),
            false => response,
        }
    }

    /// The HTTP response to a client's refused notification.
    pub(crate) fn acknowledgement(self) -> ClientResponse {
        let unavailable =
            |text: &'static str| ClientResponse::text(StatusCode::SERVICE_UNAVAILABLE, text);
        match self {
            Self::Overloaded(_) => {
                error_reply::later(unavailable("not sent: the gateway is overloaded\n"))
            }
            Self::Unrecorded(_) => unavailable("not sent: the gateway cannot record it\n"),
            Self::HeaderMismatch(response) => response,
            Self::Invalid(_) | Self::Hidden(_) | Self::Stopped(_) | Self::Policy(_) => {
                ClientResponse::accepted()
            }
        }
    }
}

//! Calls that meet a stop: refused when they come, refused before they are sent, and cancelled at the server.

use std::pin::Pin;
use std::sync::Arc;

use sandgate_access::StopKind;
use sandgate_message::{Call, Direction, Id, Message, Method, Target, error_codes};

use crate::call::error_reply;
use crate::call::in_flight::InFlight;
use crate::call::proxy::Proxy;
use crate::registry::Edition;
use sandgate_observe::{Arrival, Decision, RefusedBy};

/// A call that a stop ended.
pub(crate) struct Stopped {
    rule: RefusedBy,
    /// Whether the server may have got it.
    began: bool,
}

impl Proxy {
    /// The stop that a message meets in this edition.
    pub(crate) fn stopped(
        &self,
        edition: &Edition,
        message: &Message,
        direction: Direction,
    ) -> Option<RefusedBy> {
        let stops = edition.stops();
        if stops.all().is_empty() {
            return None;
        }
        let server = self.conn.server.name();
        let client = stops.client(self.caller.principal.name.as_deref());
        if let Some(stop) = client.or_else(|| stops.server(server)) {
            return Some(stop.rule());
        }
        if direction == Direction::ServerToClient {
            return None;
        }
        let of_server = stops.tool_of(server)?;
        let tool = |name: Option<&str>| Some(stops.tool(server, name?)?.rule());
        let method = message.method().unwrap_or_default();
        let params = message.payload().root();
        match Method::new(method).target() {
            Target::Tool => tool(params.get("name").and_then(|name| name.string()).as_deref()),
            _ if method.starts_with("tasks/") && method != "tasks/list" => {
                match self.task_of(message.payload()) {
                    Some(call) => match Method::new(&call.method).target() {
                        Target::Tool => tool(call.target.as_deref()),
                        _ => None,
                    },
                    // A task that is not remembered may be one of the stopped tool.
                    None => Some(of_server.rule()),
                }
            }
            _ => None,
        }
    }

    /// Records a message that meets a stop. Returns the reply for its asker.
    pub(crate) fn turn_away(
        &self,
        edition: &Edition,
        call: Arc<Call>,
        message: &Message,
        rule: &RefusedBy,
        arrival: Arrival,
    ) -> Option<Message> {
        let reply = message.id().map(|id| refusal(id, &call, rule, false));
        let rule = (Some(rule), edition.version());
        self.record_refused(rule, call, message, reply, arrival)
    }

    /// Sends an admitted call by polling `sends`, unless it meets a stop before or meanwhile. The first poll comes after
    /// the check, and a stop waits until each call that passed it has noticed: none begins once the stop is acknowledged.
    ///
    /// # Errors
    ///
    /// The call meets a stop. `sends` is dropped then.
    pub(crate) async fn unless_stopped<T>(
        &self,
        in_flight: &InFlight,
        mut sends: Pin<&mut impl Future<Output = T>>,
    ) -> Result<T, Stopped> {
        let mut guard = self.shared.registry.guard();
        let mut began = false;
        loop {
            if let Some(rule) = self.meets(guard.edition(), in_flight) {
                return Err(Stopped { rule, began });
            }
            began = true;
            tokio::select! {
                biased;
                () = guard.changed() => {}
                sent = sends.as_mut() => return Ok(sent),
            }
        }
    }

    /// The stop that an admitted call meets now.
    pub(crate) fn meets(&self, edition: &Edition, in_flight: &InFlight) -> Option<RefusedBy> {
        let call = in_flight.call();
        let stopped = self.stopped(edition, in_flight.message(), call.direction);
        stopped.or_else(|| {
            let step = in_flight.chain()?.stopped(call)?;
            Some(RefusedBy {
                stopped: Some(step.name().clone()),
                ..RefusedBy::of(StopKind::Plugin.code())
            })
        })
    }

    /// Ends a call that a stop ended. Returns the reply for its asker.
    pub(crate) async fn end_stopped(
        &self,
        mut in_flight: InFlight,
        id: &Id,
        stopped: Stopped,
    ) -> Option<Message> {
        let Stopped { rule, began } = stopped;
        let reply = refusal(id, in_flight.call(), &rule, began);
        in_flight.refused_by(rule, began);
        self.own_reply(in_flight, reply, Decision::Refused).await
    }
}

impl Stopped {
    /// A call that met a stop while it was at the server.
    pub(crate) fn at_the_server(rule: RefusedBy) -> Self {
        Self { rule, began: true }
    }

    /// Ends a notification, or another message that nobody waits for.
    pub(crate) fn end(self, mut in_flight: InFlight) {
        in_flight.refused_by(self.rule, self.began);
        // There is no reply that a missing record could withhold.
        let _ = in_flight.end(Decision::Refused, None);
    }
}

/// The reply to a request that met a stop. Neither the operator's reason nor the stop's name is for clients.
fn refusal(id: &Id, call: &Call, rule: &RefusedBy, began: bool) -> Message {
    let why = match (rule.code, rule.stopped.as_deref()) {
        ("stop.plugin", Some(name)) => {
            format!("the gateway's operator has stopped policy {name:?}, which would judge it")
        }
        // Not by its name: that of a stop may be a glob.
        (code, _) => {
            let what = code.strip_prefix("stop.").unwrap_or_default();
            format!("the gateway's operator has stopped this {what}")
        }
    };
    match began {
        false => error_reply::not_sent(call, error_codes::SERVER, &why),
        true => error_reply::given_up(call, &why),
    }
    .with_id(id)
}

//! Clients that the operator has stopped: whatever they send is turned away, before anything else looks at it.

use std::sync::Arc;
use std::time::Instant;

use http::{HeaderMap, StatusCode};
use sandgate_access::Endpoint;
use sandgate_message::{Call, Message, Method, error_codes};
use sandgate_wire::era;

use super::Router;
use crate::call::caller::Requester;
use crate::call::error_reply;
use crate::call::response::{ClientResponse, ClientResponseBody};
use sandgate_observe::new_id;

/// What the records of a stopped client's messages to `/mcp` name in place of a server: no server was chosen.
const NO_SERVER: &str = "*";

impl Router {
    /// The response to a client that is stopped; `None` if it is not. Requests are recorded.
    pub(crate) fn stopped(
        &self,
        requester: &Requester,
        endpoint: &Endpoint,
        message: Option<&Message>,
    ) -> Option<ClientResponse> {
        let edition = self.shared.registry.current();
        let principal = &requester.principal;
        let stop = edition.stops().client(principal.name.as_deref())?;
        let text = "the gateway's operator has stopped this client";
        let Some((message, id)) = message.and_then(|it| it.method().and(Some((it, it.id()?))))
        else {
            return Some(ClientResponse::text(
                StatusCode::FORBIDDEN,
                format!("{text}\n"),
            ));
        };
        // Nothing has looked at the message yet: what the client writes itself may be a value that the gateway keeps.
        let method = message.method().filter(|name| Method::new(name).is_known());
        let issuer = principal.issuer.as_deref();
        let issuer = issuer.map(|issuer| ("issuer".to_owned(), issuer.to_owned()));
        let server = match endpoint {
            Endpoint::Server(name) => name.clone(),
            Endpoint::Merged => NO_SERVER.into(),
        };
        let call = Arc::new(Call {
            era: era::of_line(message),
            principal: principal.name.clone(),
            account: requester.budget.account().clone(),
            groups: principal.groups.clone(),
            attributes: issuer.into_iter().collect(),
            ..Call::anonymous(new_id(), server, method.unwrap_or("unknown"))
        });
        let reply = error_reply::not_sent(&call, error_codes::SERVER, text).with_id(id);
        let recorder = &self.shared.recorder;
        let arrival = recorder.nested_arrival(Instant::now());
        let size = message.bytes().len();
        let rule = stop.rule();
        let rule = (Some(&rule), edition.version());
        let reply = recorder.refused_by(rule, call, Some(reply), size, arrival)?;
        Some(ClientResponse {
            status: StatusCode::FORBIDDEN,
            headers: HeaderMap::new(),
            body: ClientResponseBody::Message(reply),
        })
    }
}

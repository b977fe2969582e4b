//! What a client says without waiting for a reply: its notifications, and its replies to servers' requests.

use http::{HeaderMap, StatusCode};
use sandgate_message::{Direction, Id, Message};
use sandgate_pipeline::Entry;

use crate::carried;
use crate::delivery::{Content, Delivery};
use crate::exchange::Exchange;
use crate::house::House;
use crate::ledger::{Ledger, Question};
use crate::record::Decision;
use crate::registry::Edition;
use crate::reply;
use crate::upstream::{Answer, ServerError};

impl Exchange {
    /// A notification of the client's.
    pub(crate) async fn tell(
        &self,
        edition: &Edition,
        message: Message,
        headers: &HeaderMap,
    ) -> Delivery {
        let (mut came, message) = self.came(message, headers, Direction::ClientToServer);
        let traced = came.renew(headers);
        let headers = traced.as_ref().unwrap_or(headers);
        let call = self
            .describe(edition, &message, Direction::ClientToServer, headers, None)
            .await;
        if let Err(why) = self.validate(edition, &call, &message, headers).await {
            self.refuse(edition.chain(), call, &message, &why, came);
            return Delivery::accepted();
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
        let passage = match carried::enter(
            &self.house.carriage,
            edition.chain(),
            call,
            message,
            came.asides(),
        )
        .await
        {
            Entry::Onward(passage) => passage,
            Entry::Refused(departure) => {
                let overloaded = departure.overloaded;
                self.house.journal.refused(departure, size, came);
                return match overloaded {
                    true => reply::later(Delivery::text(
                        StatusCode::SERVICE_UNAVAILABLE,
                        "not sent: the gateway is overloaded\n",
                    )),
                    false => Delivery::accepted(),
                };
            }
        };
        let Ok(underway) = self.house.journal.begin(passage, came) else {
            return Delivery::text(
                StatusCode::SERVICE_UNAVAILABLE,
                "not sent: the gateway cannot record it\n",
            );
        };
        let answer = self.link.send(underway.message(), headers).await;
        let decision = if answer.is_ok() {
            Decision::Forwarded
        } else {
            Decision::Failed
        };
        // Nothing comes back that a missing record could still withhold.
        let _ = underway.end(decision, None);
        acknowledgement(answer)
    }
}

/// The client's reply to a server's request.
pub(crate) async fn answer(
    house: &House,
    ledger: &Ledger,
    message: Message,
    headers: &HeaderMap,
) -> Delivery {
    let Some(question) = message.id().and_then(|id| ledger.answered(id)) else {
        return reply::bad_request(None, "no server waits for a reply with this id");
    };
    let Question {
        underway, link, id, ..
    } = question;
    let left = carried::leave(
        &house.carriage,
        Some(&link),
        underway,
        message,
        Decision::Forwarded,
    )
    .await;
    match left.message {
        Some(reply) => acknowledgement(link.send(&restamped(reply, &id), headers).await),
        None => Delivery::accepted(),
    }
}

/// What a client is told of a message that needs no reply.
fn acknowledgement(answer: Result<Answer, ServerError>) -> Delivery {
    match answer {
        Ok(answer) if answer.status.is_success() => Delivery {
            headers: answer.headers,
            ..Delivery::accepted()
        },
        Ok(answer) => Delivery {
            headers: answer.headers,
            ..Delivery::new(answer.status, Content::Empty)
        },
        Err(error) => {
            tracing::warn!("{}", error.detail());
            Delivery::text(StatusCode::BAD_GATEWAY, format!("{error}\n"))
        }
    }
}

/// The id that the client sees in place of the server's.
pub(crate) fn restamped(message: Message, id: &Id) -> Message {
    if message.id() == Some(id) {
        message
    } else {
        message.with_id(id)
    }
}

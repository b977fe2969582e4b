//! Every place at which a message of the protocol meets an interceptor: method × era × direction × hook. A message that
//! is not in this list has no way through the gateway, or its method is unknown to the protocol. An unknown method
//! passes where no interceptor looks, and where the operator knows it, by both hooks under its own name.

use crate::call::{Direction, Era};
use crate::decision::Hook;
use crate::method::Method;

/// A place at which a message meets an interceptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HookPoint {
    /// The event that interceptors see.
    pub method: &'static str,
    /// The era of the side that asked.
    pub era: Era,
    /// The direction of the request or notification. Its reply goes the other way.
    pub direction: Direction,
    /// The hook. A pre-call sees the params, a post-call the result or the error.
    pub hook: Hook,
    /// How the message travels.
    pub carrier: Carrier,
}

/// How a message travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// As a message of its own.
    Itself,
    /// Nested in another message: a modern server asks in the `inputRequests` of its reply, and the client answers in
    /// the `inputResponses` of its next try.
    InputRequired,
}

/// All hook points: legacy before modern, in the order of the table of methods.
pub fn hook_points() -> impl Iterator<Item = HookPoint> {
    [Era::Legacy, Era::Modern].into_iter().flat_map(|era| {
        Method::known().flat_map(move |method| {
            [Direction::ClientToServer, Direction::ServerToClient]
                .into_iter()
                .filter_map(move |direction| Some((direction, carrier(method, era, direction)?)))
                .flat_map(move |(direction, carrier)| {
                    hooks(method).iter().map(move |&hook| HookPoint {
                        method: method.name,
                        era,
                        direction,
                        hook,
                        carrier,
                    })
                })
        })
    })
}

fn carrier(method: Method<'_>, era: Era, direction: Direction) -> Option<Carrier> {
    let given_up = method.name == "notifications/cancelled"
        && (era, direction) == (Era::Modern, Direction::ClientToServer);
    if given_up {
        // The gateway cancels the request in the way of the server's transport, in words of its own.
        return None;
    }
    if method.exists(era, direction) {
        return Some(Carrier::Itself);
    }
    let asked = era == Era::Modern
        && direction == Direction::ServerToClient
        && method.may_be_input_required();
    asked.then_some(Carrier::InputRequired)
}

/// The hooks of a method. A notification has no reply, so no post-call.
fn hooks(method: Method<'_>) -> &'static [Hook] {
    if method.is_notification() {
        &[Hook::PreCall]
    } else {
        &[Hook::PreCall, Hook::PostCall]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_place_is_there_once() {
        let all: Vec<_> = hook_points().collect();
        for one in &all {
            assert_eq!(
                all.iter().filter(|other| *other == one).count(),
                1,
                "{one:?}"
            );
        }
    }

    #[test]
    fn each_method_and_sender_of_the_table_has_its_places() {
        for era in [Era::Legacy, Era::Modern] {
            for direction in [Direction::ClientToServer, Direction::ServerToClient] {
                for method in Method::known().filter(|method| method.exists(era, direction)) {
                    let places = hook_points().filter(|meeting| {
                        (meeting.method, meeting.era, meeting.direction)
                            == (method.name, era, direction)
                    });
                    let given_up = method.name == "notifications/cancelled"
                        && (era, direction) == (Era::Modern, Direction::ClientToServer);
                    let expected = if given_up {
                        0
                    } else if method.is_notification() {
                        1
                    } else {
                        2
                    };
                    assert_eq!(places.count(), expected, "{}", method.name);
                }
            }
        }
    }

    #[test]
    fn a_modern_server_asks_within_its_replies() {
        let within: Vec<_> = hook_points()
            .filter(|meeting| {
                meeting.carrier == Carrier::InputRequired && meeting.hook == Hook::PreCall
            })
            .map(|meeting| meeting.method)
            .collect();
        assert_eq!(
            within,
            ["sampling/createMessage", "elicitation/create", "roots/list"]
        );
    }
}

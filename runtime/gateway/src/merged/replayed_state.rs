//! The settings and subscriptions of a legacy session, which are replayed to a server that joins again. Also the routes
//! of recent requests, so that only the right server is told when one is cancelled.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use sandgate_message::{Id, Json, Message};

/// The most subscriptions and the most routes kept; one more drops the oldest.
const MOST: usize = 1024;

/// The replayed state of one session.
#[derive(Debug, Default)]
pub(super) struct ReplayedState(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    /// The last `logging/setLevel`, for every server.
    level: Option<Message>,
    /// The `resources/subscribe` requests, each with the server that has the resource.
    subscriptions: VecDeque<(Arc<str>, Message)>,
    /// The server of each request; `None` for one that went to every server.
    ways: VecDeque<(Id, Option<Arc<str>>)>,
}

impl ReplayedState {
    /// Notes the server that a request goes to; `None` means every server.
    pub(super) fn goes(&self, request: &Message, server: Option<&Arc<str>>) {
        let mut kept = self.0.lock();
        if let Some(id) = request.id() {
            push(&mut kept.ways, (id.clone(), server.cloned()));
        }
    }

    /// The route of the request that a notification cancels: the outer `None` means that it is unknown, the inner that
    /// the request went to every server.
    pub(super) fn way_of(&self, cancelled: &Message) -> Option<Option<Arc<str>>> {
        let id = Id::from_json(&cancelled.payload().get("requestId")?)?;
        let kept = self.0.lock();
        let found = kept.ways.iter().rfind(|(known, _)| *known == id);
        found.map(|(_, server)| server.clone())
    }

    /// Notes that a server agreed to a request.
    pub(super) fn agreed(&self, request: &Message, server: &Arc<str>) {
        let mut kept = self.0.lock();
        let same = |(of, known): &(Arc<str>, Message)| of == server && uri(known) == uri(request);
        match request.method() {
            Some("logging/setLevel") => kept.level = Some(request.clone()),
            Some("resources/subscribe") => {
                kept.subscriptions.retain(|one| !same(one));
                push(&mut kept.subscriptions, (server.clone(), request.clone()));
            }
            Some("resources/unsubscribe") => kept.subscriptions.retain(|one| !same(one)),
            _ => {}
        }
    }

    /// The requests to replay to a server that joins again.
    pub(super) fn of(&self, server: &str) -> Vec<Message> {
        let kept = self.0.lock();
        let of = |(of, _): &&(Arc<str>, Message)| **of == *server;
        let subscriptions = kept.subscriptions.iter().filter(of);
        let subscriptions = subscriptions.map(|(_, request)| request.clone());
        kept.level.iter().cloned().chain(subscriptions).collect()
    }
}

fn uri(request: &Message) -> Option<Json> {
    request.payload().get("uri")
}

fn push<T>(kept: &mut VecDeque<T>, one: T) {
    if kept.len() == MOST {
        kept.pop_front();
    }
    kept.push_back(one);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use sandgate_message::Limits;

    use super::*;

    fn request(id: u64, method: &str, params: &str) -> Message {
        let text =
            format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#);
        Message::parse(text, &Limits::default()).unwrap()
    }

    fn methods(replayed_state: &ReplayedState, server: &str) -> Vec<String> {
        let of = replayed_state.of(server);
        of.iter()
            .map(|one| one.payload().as_str().to_owned())
            .collect()
    }

    #[test]
    fn a_server_is_asked_again_for_what_it_agreed_to() {
        let (replayed_state, one, two) = (ReplayedState::default(), "one".into(), "two".into());
        replayed_state.agreed(&request(1, "logging/setLevel", r#"{"level":"info"}"#), &one);
        replayed_state.agreed(
            &request(2, "logging/setLevel", r#"{"level":"debug"}"#),
            &one,
        );
        for uri in ["a", "b", "a"] {
            let params = format!(r#"{{"uri":"{uri}"}}"#);
            replayed_state.agreed(&request(3, "resources/subscribe", &params), &one);
        }
        replayed_state.agreed(&request(4, "resources/unsubscribe", r#"{"uri":"b"}"#), &one);
        replayed_state.agreed(&request(5, "tools/call", "{}"), &one);
        assert_eq!(
            methods(&replayed_state, "one"),
            [r#"{"level":"debug"}"#, r#"{"uri":"a"}"#]
        );
        assert_eq!(
            methods(&replayed_state, &two as &Arc<str>),
            [r#"{"level":"debug"}"#]
        );
    }

    #[test]
    fn the_way_of_a_request_is_remembered_within_bounds() {
        let replayed_state = ReplayedState::default();
        replayed_state.goes(&request(7, "tools/call", "{}"), Some(&"one".into()));
        replayed_state.goes(&request(7, "tools/call", "{}"), Some(&"two".into()));
        let cancelled = request(0, "notifications/cancelled", r#"{"requestId":7}"#);
        assert_eq!(replayed_state.way_of(&cancelled), Some(Some("two".into())));
        for id in 100..100 + MOST as u64 {
            replayed_state.goes(&request(id, "tools/call", "{}"), Some(&"one".into()));
        }
        assert_eq!(replayed_state.way_of(&cancelled), None);
    }
}

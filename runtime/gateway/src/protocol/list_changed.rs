//! `list_changed` notifications for clients whose lists may differ under a new edition.

use std::sync::Arc;

use sandgate_access::Viewer;
use sandgate_message::{Direction, Hook, Json, Message};

use crate::registry::Edition;

/// The lists, each with its `list_changed` notification.
const LISTS: [(&str, &str); 4] = [
    ("tools/list", TOOLS),
    ("prompts/list", PROMPTS),
    ("resources/list", RESOURCES),
    ("resources/templates/list", RESOURCES),
];

pub(crate) const TOOLS: &str = "notifications/tools/list_changed";
pub(crate) const PROMPTS: &str = "notifications/prompts/list_changed";
pub(crate) const RESOURCES: &str = "notifications/resources/list_changed";

/// The notifications due to a client of one server, or of the merged endpoint (`None`). A list may differ if
/// interceptors that judge it changed, if the client's views or the stops changed or, on the merged endpoint, if the servers changed.
pub(crate) fn lists(
    before: &Edition,
    now: &Edition,
    server: Option<&str>,
    viewer: Viewer<'_>,
) -> Vec<&'static str> {
    let viewed = now.views().differ(before.views(), viewer, server)
        || now.stops().differ(before.stops(), server);
    let others = before.servers().len() != now.servers().len()
        || !before.servers().iter().all(|server| now.has(server));
    if Arc::ptr_eq(before.chain(), now.chain()) && !others && !viewed {
        return Vec::new();
    }
    let mut notices: Vec<&'static str> = LISTS
        .iter()
        .filter(|(list, _)| {
            let differs = |server: &str| {
                viewed || looked_at(before, server, list) || looked_at(now, server, list)
            };
            match server {
                Some(server) => differs(server),
                None => others || now.servers().iter().any(|server| differs(server.name())),
            }
        })
        .map(|(_, notice)| *notice)
        .collect();
    notices.dedup();
    notices
}

/// The notification as a message.
pub(crate) fn notice(method: &str) -> Message {
    Message::notification(method, &Json::empty_object())
}

fn looked_at(edition: &Edition, server: &str, list: &str) -> bool {
    let chain = edition.chain();
    [Hook::PreCall, Hook::PostCall]
        .iter()
        .any(|hook| chain.concerns(*hook, list, Direction::ClientToServer, server))
}

#[cfg(test)]
mod tests {
    use sandgate_message::Method;

    use super::*;

    #[test]
    fn clients_are_told_when_any_list_may_differ() {
        let lists = Method::known().filter(|method| method.list_member().is_some());
        for method in lists {
            assert!(
                LISTS.iter().any(|(list, _)| *list == method.name),
                "{} has no `list_changed`",
                method.name
            );
        }
    }
}

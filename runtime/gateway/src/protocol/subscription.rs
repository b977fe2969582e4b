//! The words of a subscription: the method that opens one, the lists that a client wants to be told of, and what the
//! gateway itself says on its stream.

use sandgate_message::{Id, Json, Limits, Message};

use crate::protocol::list_changed;

/// The method that opens one.
pub(crate) const LISTEN: &str = "subscriptions/listen";
/// What must come first on its stream.
pub(crate) const ACKNOWLEDGED: &str = "notifications/subscriptions/acknowledged";
/// The changes of lists that a client asked to be told of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    tools: bool,
    prompts: bool,
    resources: bool,
}

impl Wanted {
    /// As the params of `subscriptions/listen` have it.
    pub(crate) fn of(params: &Json) -> Self {
        let filter = params.root().get("notifications");
        let wants = |name: &str| {
            filter
                .and_then(|filter| filter.get(name))
                .is_some_and(|value| value.as_str() == "true")
        };
        Self {
            tools: wants("toolsListChanged"),
            prompts: wants("promptsListChanged"),
            resources: wants("resourcesListChanged"),
        }
    }

    /// Whether it is this notification.
    pub(crate) fn has(self, notice: &str) -> bool {
        match notice {
            list_changed::TOOLS => self.tools,
            list_changed::PROMPTS => self.prompts,
            list_changed::RESOURCES => self.resources,
            _ => false,
        }
    }

    /// All of these notifications.
    pub(crate) fn notices(self) -> impl Iterator<Item = &'static str> {
        let all = [
            list_changed::TOOLS,
            list_changed::PROMPTS,
            list_changed::RESOURCES,
        ];
        all.into_iter().filter(move |notice| self.has(notice))
    }
}

/// The reply to a request that opened a subscription: it is over, and that is no failure.
pub(crate) fn closed(id: &Id) -> Message {
    Message::result(
        id,
        &own(format!(
            r#"{{"resultType":"complete","_meta":{}}}"#,
            mark(id)
        )),
    )
}

/// The same where a stream would simply end: for a client that has no stream for each request.
pub(crate) fn cancelled(id: &Id) -> Message {
    let params = own(format!(r#"{{"requestId":{}}}"#, id.as_str()));
    Message::notification("notifications/cancelled", &params)
}

/// A notification of the gateway's own on a subscription.
pub(crate) fn marked(method: &str, id: &Id) -> Message {
    Message::notification(method, &own(format!(r#"{{"_meta":{}}}"#, mark(id))))
}

/// What says to which subscription a message belongs.
pub(crate) fn mark(id: &Id) -> String {
    format!(
        r#"{{"io.modelcontextprotocol/subscriptionId":{}}}"#,
        id.as_str()
    )
}

/// Well-formed by construction: an id is JSON.
pub(crate) fn own(text: String) -> Json {
    let limits = Limits {
        bytes: text.len(),
        depth: 8,
    };
    Json::parse(text, &limits).unwrap_or_else(|_| Json::empty_object())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(text: &str) -> Json {
        Json::parse(text.to_owned(), &Limits::default()).unwrap()
    }

    #[test]
    fn only_what_was_asked_for_is_wanted() {
        let wanted = Wanted::of(&read(
            r#"{"notifications":{"toolsListChanged":true,"promptsListChanged":false,"resourcesListChanged":1}}"#,
        ));
        assert_eq!(wanted.notices().collect::<Vec<_>>(), [list_changed::TOOLS]);
        assert_eq!(Wanted::of(&read("{}")), Wanted::default());
        assert!(!wanted.has("notifications/message"));
    }

    #[test]
    fn what_the_gateway_says_bears_the_subscriptions_own_id() {
        let id = Id::from_json(&read(r#""a\u0062""#)).unwrap();
        assert_eq!(
            std::str::from_utf8(&closed(&id).bytes()).unwrap(),
            r#"{"jsonrpc":"2.0","id":"a\u0062","result":{"resultType":"complete","_meta":{"io.modelcontextprotocol/subscriptionId":"a\u0062"}}}"#
        );
        assert_eq!(
            std::str::from_utf8(&marked(list_changed::TOOLS, &id).bytes()).unwrap(),
            r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":"a\u0062"}}}"#
        );
    }
}

//! The protocol of subscriptions: the method that opens one, the list changes that a client wants, and the gateway's
//! own messages on the stream.

use sandgate_message::{Id, Json, Limits, Message};

use crate::protocol::list_changed;

/// The method that opens a subscription.
pub(crate) const LISTEN: &str = "subscriptions/listen";
/// The notification that must come first on a subscription's stream.
pub(crate) const ACKNOWLEDGED: &str = "notifications/subscriptions/acknowledged";
/// The list changes that a client wants to be notified about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    tools: bool,
    prompts: bool,
    resources: bool,
}

impl Wanted {
    /// Reads the params of `subscriptions/listen`.
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

    /// Whether the client wants this notification.
    pub(crate) fn has(self, notice: &str) -> bool {
        match notice {
            list_changed::TOOLS => self.tools,
            list_changed::PROMPTS => self.prompts,
            list_changed::RESOURCES => self.resources,
            _ => false,
        }
    }

    /// The notifications that the client wants.
    pub(crate) fn notices(self) -> impl Iterator<Item = &'static str> {
        let all = [
            list_changed::TOOLS,
            list_changed::PROMPTS,
            list_changed::RESOURCES,
        ];
        all.into_iter().filter(move |notice| self.has(notice))
    }
}

/// The reply that ends a subscription without an error.
pub(crate) fn closed(id: &Id) -> Message {
    Message::result(
        id,
        &own(format!(
            r#"{{"resultType":"complete","_meta":{}}}"#,
            mark(id)
        )),
    )
}

/// The notification that ends a subscription without a reply, for a client on stdio, which has no stream per request.
pub(crate) fn cancelled(id: &Id) -> Message {
    let params = own(format!(r#"{{"requestId":{}}}"#, id.as_str()));
    Message::notification("notifications/cancelled", &params)
}

/// A notification of the gateway's own on a subscription.
pub(crate) fn marked(method: &str, id: &Id) -> Message {
    Message::notification(method, &own(format!(r#"{{"_meta":{}}}"#, mark(id))))
}

/// The `_meta` that names the subscription of a message.
pub(crate) fn mark(id: &Id) -> String {
    format!(
        r#"{{"io.modelcontextprotocol/subscriptionId":{}}}"#,
        id.as_str()
    )
}

/// Parses JSON that is well-formed by construction, since an id is JSON.
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

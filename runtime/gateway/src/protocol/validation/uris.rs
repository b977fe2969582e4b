//! The URIs that a client's message names.

use sandgate_message::{Message, Method, Node, Target};

use crate::protocol::subscription::LISTEN;

/// Whether a message with this method may name URIs.
pub(crate) fn has_uris(method: &str, message: &Message) -> bool {
    method == LISTEN
        || match Method::new(method).target() {
            Target::Resource => true,
            Target::Reference => reference(message.payload().root()).is_some(),
            Target::Tool | Target::Prompt | Target::None => false,
        }
}

/// The URIs of a message, each with the method whose targets include it in the server's lists; `None` for a URI that no
/// list can have.
pub(crate) fn of(method: &str, message: &Message) -> Vec<(String, Option<&'static str>)> {
    let params = message.payload().root();
    let text = |node: Node<'_>| node.string().map(std::borrow::Cow::into_owned);
    let resource = |uri: String| (uri, Some("resources/read"));
    if method == LISTEN {
        let uris = params
            .get("notifications")
            .and_then(|filter| filter.get("resourceSubscriptions"));
        let uris = uris.into_iter().flat_map(|uris| uris.elements());
        return uris.filter_map(text).map(resource).collect();
    }
    let Some(template) = reference(params) else {
        let uri = params.get("uri").and_then(text);
        return uri.map(resource).into_iter().collect();
    };
    let expanded = expanded(&template, &values(params));
    vec![(template, Some("completion/complete")), (expanded, None)]
}

/// The URI or template that a completion is about.
fn reference(params: Node<'_>) -> Option<String> {
    let reference = params.get("ref")?;
    let kind = reference.get("type").and_then(|kind| kind.string());
    if kind.as_deref() == Some("ref/prompt") {
        return None;
    }
    Some(reference.get("uri")?.string()?.into_owned())
}

/// The values of the template's variables: the one being completed, and those chosen before.
fn values(params: Node<'_>) -> Vec<(String, String)> {
    let pair = |name: &str, value: Node<'_>| Some((name.to_owned(), value.string()?.into_owned()));
    let completed = params.get("argument").and_then(|argument| {
        let name = argument.get("name")?.string()?.into_owned();
        pair(&name, argument.get("value")?)
    });
    let chosen = params
        .get("context")
        .and_then(|context| context.get("arguments"));
    let chosen = chosen
        .into_iter()
        .flat_map(|chosen| chosen.members())
        .filter_map(|(name, value)| pair(&name, value));
    completed.into_iter().chain(chosen).collect()
}

/// Expands a template (RFC 6570) with the values unescaped, except for spaces, which no URI contains. `_` stands for an
/// unknown value.
fn expanded(template: &str, values: &[(String, String)]) -> String {
    let mut uri = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((literal, after)) = rest.split_once('{') {
        uri.push_str(literal);
        let (expression, after) = after.split_once('}').unwrap_or((after, ""));
        rest = after;
        let names = expression.trim_start_matches(['+', '#', '.', '/', ';', '?', '&']);
        if expression.starts_with('/') {
            uri.push('/');
        }
        for (n, name) in names.split(',').enumerate() {
            if n > 0 {
                uri.push(',');
            }
            let name = name.split([':', '*']).next().unwrap_or_default();
            match values.iter().find(|(known, _)| known == name) {
                Some((_, value)) => uri.push_str(&value.replace(' ', "%20")),
                None => uri.push('_'),
            }
        }
    }
    uri.push_str(rest);
    uri
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use sandgate_message::Limits;

    use super::*;

    fn named(method: &str, params: &str) -> Vec<String> {
        let text = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#);
        let message = Message::parse(text, &Limits::default()).unwrap();
        assert!(has_uris(method, &message));
        of(method, &message)
            .into_iter()
            .map(|(uri, _)| uri)
            .collect()
    }

    #[test]
    fn a_message_names_uris_where_the_protocol_has_them() {
        assert_eq!(named("resources/read", r#"{"uri":"a:b"}"#), ["a:b"]);
        assert_eq!(
            named(
                "subscriptions/listen",
                r#"{"notifications":{"resourceSubscriptions":["a:b","c:d"]}}"#
            ),
            ["a:b", "c:d"]
        );
        assert_eq!(
            named(
                "completion/complete",
                r#"{"ref":{"type":"ref/resource","uri":"file:///{dir}/{+path*}{?q}"},
                    "argument":{"name":"path","value":"../a b"},"context":{"arguments":{"dir":"open"}}}"#
            ),
            ["file:///{dir}/{+path*}{?q}", "file:///open/../a%20b_"]
        );
    }

    #[test]
    fn a_prompt_is_no_uri() {
        let text = r#"{"jsonrpc":"2.0","id":1,"method":"completion/complete",
            "params":{"ref":{"type":"ref/prompt","name":"x","uri":"y"},"argument":{"name":"a","value":""}}}"#;
        let message = Message::parse(text.to_owned(), &Limits::default()).unwrap();
        assert!(!has_uris("completion/complete", &message));
    }
}

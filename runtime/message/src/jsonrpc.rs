//! A JSON-RPC message: an envelope over the original bytes.

use bytes::Bytes;

use crate::envelope::Envelope;
use crate::escape::quote_into;
use crate::json::{AROUND, Json};
use crate::json_error::Limits;
use crate::line::line_breaks;
use crate::shape::{Id, MessageError, Shape};
use crate::slot::{Copy, Slot};

/// A message: the bytes as they came, and the payload (`params`, `result` or `error`), which is the part that
/// interceptors look at and may replace.
#[derive(Clone, Debug)]
pub struct Message {
    text: Bytes,
    shape: Shape,
    payload: Json,
    id_at: Slot,
    payload_at: Slot,
    strange: bool,
}

impl Message {
    /// Parses one message.
    ///
    /// # Errors
    ///
    /// The text is not JSON within the limits, or not a message.
    pub fn parse(bytes: impl Into<Bytes>, limits: &Limits) -> Result<Self, MessageError> {
        let text = bytes.into();
        let whole = Json::parse(text.clone(), limits)?;
        let Envelope {
            shape,
            payload,
            id_at,
            payload_at,
            strange,
        } = Envelope::read(&whole)?;
        Ok(Self {
            // White space around the value is kept: it came, so it goes on.
            text,
            shape,
            payload,
            id_at,
            payload_at,
            strange,
        })
    }
    /// A request of the gateway's own.
    pub fn request(id: &Id, method: &str, params: &Json) -> Self {
        let shape = Shape::Request {
            id: id.clone(),
            method: method.into(),
        };
        Self::write(shape, Some(id), Some(method), "params", params.clone())
    }
    /// A notification of the gateway's own.
    pub fn notification(method: &str, params: &Json) -> Self {
        Self::write(
            Shape::Notification {
                method: method.into(),
            },
            None,
            Some(method),
            "params",
            params.clone(),
        )
    }
    /// A reply with a result.
    pub fn result(id: &Id, result: &Json) -> Self {
        Self::write(
            Shape::Result { id: id.clone() },
            Some(id),
            None,
            "result",
            result.clone(),
        )
    }
    /// A reply with an error.
    pub fn error(id: Option<&Id>, code: i64, message: &str, data: Option<&Json>) -> Self {
        let mut error = format!("{{\"code\":{code},\"message\":");
        quote_into(message, &mut error);
        if let Some(data) = data {
            error.push_str(",\"data\":");
            error.push_str(data.as_str());
        }
        error.push('}');
        // The JSON is well-formed by construction. It exceeds the representation only if message and data together pass
        // 512 MiB.
        let error = Json::parse(error, &Limits::NONE).unwrap_or_else(|_| Json::empty_object());
        let null = Id::null();
        Self::write(
            Shape::Error { id: id.cloned() },
            Some(id.unwrap_or(&null)),
            None,
            "error",
            error,
        )
    }
    /// The message's shape.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }
    /// The method of a request or notification.
    pub fn method(&self) -> Option<&str> {
        match &self.shape {
            Shape::Request { method, .. } | Shape::Notification { method } => Some(method),
            _ => None,
        }
    }
    /// The id of a request or reply.
    pub fn id(&self) -> Option<&Id> {
        match &self.shape {
            Shape::Request { id, .. } | Shape::Result { id } => Some(id),
            Shape::Error { id } => id.as_ref(),
            Shape::Notification { .. } => None,
        }
    }
    /// Whether the message is a reply with an error.
    pub fn failed(&self) -> bool {
        matches!(self.shape, Shape::Error { .. })
    }
    /// The bytes of memory that the message counts as: its text twice (an edit, or the frame that it is sent in, is a
    /// copy), the index of its text, and what surrounds it.
    pub fn memory(&self) -> usize {
        self.payload.memory().max(self.text.len() * 2 + AROUND)
    }
    /// Keeps a value, such as the permit for the message's memory, until nobody holds the message or a part of it any
    /// more. The first value is kept, later ones are dropped.
    pub fn keep(&self, kept: impl std::any::Any + Send + Sync) {
        self.payload.keep(kept);
    }
    /// The `params`, `result` or `error`. An empty object if a request has no params.
    pub fn payload(&self) -> &Json {
        &self.payload
    }
    /// The message with another payload. All other bytes stay. Adds `params` if there were none.
    #[must_use]
    pub fn with_payload(&self, payload: Json) -> Self {
        self.with(None, Some(payload))
    }
    /// The message with another id. All other bytes stay. A notification has no id and is left as it is.
    #[must_use]
    pub fn with_id(&self, id: &Id) -> Self {
        self.with(Some(id), None)
    }
    /// The message with another id and another payload, in one copy.
    #[must_use]
    pub fn with(&self, id: Option<&Id>, payload: Option<Json>) -> Self {
        let id = id.filter(|id| {
            !matches!(self.shape, Shape::Notification { .. }) && self.id() != Some(id)
        });
        let payload = payload.filter(|payload| *payload != self.payload);
        if id.is_none() && payload.is_none() {
            return self.clone();
        }
        let id_text = id.map(Id::as_str);
        let payload_text = payload.as_ref().map(Json::as_str);
        let grown = [id_text, payload_text]
            .into_iter()
            .flatten()
            .map(str::len)
            .sum::<usize>()
            + r#","params":"#.len();
        let mut copy = Copy::new(&self.text, grown);
        let (id_at, payload_at);
        if self.id_at.start() < self.payload_at.start() {
            id_at = copy.slot(&self.id_at, "id", id_text);
            payload_at = copy.slot(&self.payload_at, "params", payload_text);
        } else {
            payload_at = copy.slot(&self.payload_at, "params", payload_text);
            id_at = copy.slot(&self.id_at, "id", id_text);
        }
        Self {
            text: copy.finish(),
            shape: id.map_or_else(|| self.shape.clone(), |id| self.shape.under(id)),
            payload: payload.unwrap_or_else(|| self.payload.clone()),
            id_at,
            payload_at,
            strange: self.strange,
        }
    }
    /// The message without members that JSON-RPC does not know. No interceptor sees such members, so they do not pass
    /// where one judges. Returns the message itself if it has none, as is usual.
    #[must_use]
    pub fn plain(self) -> Self {
        if !self.strange {
            return self;
        }
        let null = Id::null();
        let id = self.id().cloned();
        let id = match &self.shape {
            Shape::Error { id: None } => Some(null),
            _ => id,
        };
        let payload = match &self.shape {
            Shape::Result { .. } => "result",
            Shape::Error { .. } => "error",
            Shape::Request { .. } | Shape::Notification { .. } => "params",
        };
        let method = self.method().map(str::to_owned);
        Self::write(
            self.shape,
            id.as_ref(),
            method.as_deref(),
            payload,
            self.payload,
        )
    }
    /// The whole message's text, including white space around it. If nothing was replaced, these are the very bytes
    /// that came in.
    pub fn bytes(&self) -> Bytes {
        self.text.clone()
    }
    /// The message as one line, for framings by lines (stdio, SSE `data`). CR and LF between tokens are left out.
    /// U+0085, U+2028 and U+2029, which stand in strings only, are escaped, since some readers end a line there.
    /// Returns the bytes themselves if they have none of these.
    pub fn line(&self) -> Bytes {
        let breaks = line_breaks(&self.text);
        if breaks.is_empty() {
            return self.text.clone();
        }
        let mut line = Vec::with_capacity(self.text.len() + 3 * breaks.len());
        let mut copied = 0;
        for (at, instead) in breaks {
            line.extend_from_slice(&self.text[copied..at.start]);
            line.extend_from_slice(instead.as_bytes());
            copied = at.end;
        }
        line.extend_from_slice(&self.text[copied..]);
        line.into()
    }

    fn write(
        shape: Shape,
        id: Option<&Id>,
        method: Option<&str>,
        member: &str,
        payload: Json,
    ) -> Self {
        let mut text =
            String::with_capacity(64 + method.map_or(0, str::len) + payload.as_str().len());
        text.push_str(r#"{"jsonrpc":"2.0""#);
        let mut id_at = Slot::Free(text.len());
        if let Some(id) = id {
            text.push_str(r#","id":"#);
            id_at = Slot::Taken(text.len()..text.len() + id.as_str().len());
            text.push_str(id.as_str());
        }
        if let Some(method) = method {
            text.push_str(r#","method":"#);
            quote_into(method, &mut text);
        }
        text.push_str(",\"");
        text.push_str(member);
        text.push_str("\":");
        let payload_at = Slot::Taken(text.len()..text.len() + payload.as_str().len());
        text.push_str(payload.as_str());
        text.push('}');
        Self {
            text: text.into(),
            shape,
            payload,
            id_at,
            payload_at,
            strange: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape::error_codes;

    fn parse(text: &str) -> Message {
        Message::parse(text.to_string(), &Limits::default()).expect("valid")
    }

    fn json(text: &str) -> Json {
        Json::parse(text.to_string(), &Limits::default()).expect("valid")
    }

    /// Asserts that a message agrees with its own bytes.
    fn assert_true_to_its_bytes(message: &Message) {
        let again = Message::parse(message.bytes(), &Limits::default()).expect("still a message");
        assert_eq!(again.shape(), message.shape());
        assert_eq!(again.payload(), message.payload());
        for (ours, theirs) in [
            (&message.id_at, &again.id_at),
            (&message.payload_at, &again.payload_at),
        ] {
            match (ours, theirs) {
                // The place of an absent member is of no account.
                (Slot::Free(_), Slot::Free(_)) => {}
                _ => assert_eq!(ours, theirs),
            }
        }
    }

    const ODD: &str = "{ \"x\":1e400,\t\"params\" :\n{\"a\":1.0 } ,\"id\": 18446744073709551616.0,\"jsonrpc\":\"2.0\",\"method\":\"m\\u002f\", \"y\" : [ ] }";

    #[test]
    fn white_space_around_a_message_stays() {
        let text = " \t{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\" } \r\n ";
        let message = parse(text);
        assert_eq!(message.bytes(), text);
        let one = Json::parse("[1]", &Limits::default()).ok();
        let changed = message.with(Some(&Id::number(2)), one);
        assert_eq!(
            changed.bytes(),
            " \t{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"m\",\"params\":[1] } \r\n "
        );
        assert_eq!(message.line(), text.replace("\r\n", ""));
    }

    #[test]
    fn the_bytes_that_came_in_go_out() {
        let bytes = Bytes::from(ODD);
        let message = Message::parse(bytes.clone(), &Limits::default()).expect("valid");
        assert_eq!(message.bytes().as_ptr(), bytes.as_ptr());
        assert_eq!(message.bytes(), bytes);
        assert_eq!(message.method(), Some("m/"));
        assert_eq!(message.id().map(Id::as_str), Some("18446744073709551616.0"));
        assert_eq!(message.payload().as_str(), "{\"a\":1.0 }");
    }

    #[test]
    fn another_payload_or_id_changes_those_bytes_only() {
        let message = parse(ODD);
        let payload = json(" {\"b\": [2]} ");
        let id = Id::number(7);
        let with_payload = ODD.replace("{\"a\":1.0 }", "{\"b\": [2]}");
        let with_id = ODD.replace("18446744073709551616.0", "7");
        let with_both = with_payload.replace("18446744073709551616.0", "7");
        for (changed, expected) in [
            (message.with_payload(payload.clone()), &with_payload),
            (message.with_id(&id), &with_id),
            (message.with(Some(&id), Some(payload.clone())), &with_both),
            (
                message.with_id(&id).with_payload(payload.clone()),
                &with_both,
            ),
            (
                message.with_payload(payload.clone()).with_id(&id),
                &with_both,
            ),
        ] {
            assert_eq!(changed.bytes(), expected.as_bytes());
            assert_true_to_its_bytes(&changed);
        }
        let back = message
            .with(Some(&id), Some(payload))
            .with(message.id(), Some(message.payload().clone()));
        assert_eq!(back.bytes(), ODD);
    }

    #[test]
    fn params_are_added_where_there_were_none() {
        for text in [
            r#"{"jsonrpc":"2.0","id":1,"method":"ping" }"#,
            r#" {"id" : 1 , "method":"ping","jsonrpc":"2.0"} "#,
        ] {
            let message = parse(text);
            assert_eq!(message.payload(), &Json::empty_object());
            let changed = message
                .with_id(&Id::number(22))
                .with_payload(json(r#"{"a":1}"#));
            assert_true_to_its_bytes(&changed);
            assert_eq!(changed.payload().as_str(), r#"{"a":1}"#);
            assert_true_to_its_bytes(&changed.with_payload(json("{}")).with_id(&Id::number(333)));
        }
        let notification =
            parse(r#"{"jsonrpc":"2.0","method":"x"}"#).with_payload(json(r#"{"a":1}"#));
        assert_eq!(
            notification.bytes(),
            r#"{"jsonrpc":"2.0","method":"x","params":{"a":1}}"#
        );
        assert_true_to_its_bytes(&notification);
    }

    #[test]
    fn the_same_payload_and_id_cost_no_copy() {
        let message = parse(ODD);
        let same = message.with(message.id(), Some(message.payload().clone()));
        assert_eq!(same.bytes().as_ptr(), message.bytes().as_ptr());
    }

    #[test]
    fn an_error_without_an_id_is_given_one() {
        for text in [
            r#"{"jsonrpc":"2.0","id":null,"error":{"code":1}}"#,
            r#"{"jsonrpc":"2.0","error":{"code":1}}"#,
        ] {
            let message = parse(text).with_id(&Id::number(5));
            assert_eq!(message.id(), Some(&Id::number(5)));
            assert_true_to_its_bytes(&message);
        }
    }

    #[test]
    fn a_notification_takes_no_id() {
        let message = parse(r#"{"jsonrpc":"2.0","method":"x"}"#);
        assert_eq!(message.with_id(&Id::number(5)).bytes(), message.bytes());
        let odd = parse(r#"{"jsonrpc":"2.0","method":"x"}"#)
            .with(Some(&Id::number(5)), Some(json(r#"{"a":1}"#)));
        assert_eq!(odd.shape(), &Shape::Notification { method: "x".into() });
        assert_true_to_its_bytes(&odd);
    }

    #[test]
    fn the_gateways_own_messages_read_back_as_they_were_made() {
        let id = Id::from_json(&Json::string("a\"b")).expect("a string");
        let params = json(r#"{"p":[1]}"#);
        let data = json(r#"{"d":"\u0000"}"#);
        for message in [
            Message::request(&id, "tools/\"call\"", &params),
            Message::notification("notifications/x", &params),
            Message::result(&id, &params),
            Message::error(
                Some(&id),
                error_codes::INTERNAL,
                "it \"broke\"\n",
                Some(&data),
            ),
            Message::error(None, error_codes::PARSE, "", None),
        ] {
            assert_true_to_its_bytes(&message);
        }
        let error = Message::error(None, error_codes::PARSE, "no", None);
        assert_eq!(
            error.bytes(),
            r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"no"}}"#
        );
        assert!(error.failed());
    }

    #[test]
    fn a_line_has_no_line_breaks_and_all_else() {
        let message = parse(
            "\r\n{\"jsonrpc\":\"2.0\",\r\n\t\"method\" :\n\n\"x\",\"params\":{\"a\":\"b\\r\\n\"}\r}\n",
        );
        assert_eq!(
            message.line(),
            "{\"jsonrpc\":\"2.0\",\t\"method\" :\"x\",\"params\":{\"a\":\"b\\r\\n\"}}"
        );
        let plain = parse(r#"{"jsonrpc":"2.0","method":"x"}"#);
        assert_eq!(plain.line().as_ptr(), plain.bytes().as_ptr());
    }

    #[test]
    fn what_some_readers_take_for_a_line_end_is_escaped() {
        let message = parse(
            "{\"jsonrpc\":\"2.0\",\n\"method\":\"m\",\"params\":{\"k\":\"a\u{85}b\u{2028}c\u{2029}d€\u{a0}\"}}",
        );
        let line = message.line();
        let expected = "{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"params\":{\"k\":\"a\\u0085b\\u2028c\\u2029d€\u{a0}\"}}";
        assert_eq!(line, expected);
        let text = |message: &Message| message.payload().get("k")?.to::<String>().ok();
        assert_eq!(text(&parse(expected)), text(&message));
    }

    #[test]
    fn an_id_is_a_string_or_a_number_as_it_was_spelled() {
        assert_eq!(
            Id::from_json(&json("1.0")).as_ref().map(Id::as_str),
            Some("1.0")
        );
        assert_eq!(
            Id::from_json(&json(r#""\u0061""#)).as_ref().map(Id::as_str),
            Some(r#""\u0061""#)
        );
        for other in ["null", "true", "[]", "{}"] {
            assert_eq!(Id::from_json(&json(other)), None);
        }
    }
}

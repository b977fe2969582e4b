//! The envelope of a message: its shape, and where its id and payload stand.

use crate::json::Json;
use crate::method::Method;
use crate::node::Node;
use crate::shape::{Id, MessageError, Shape};
use crate::slot::Slot;
use crate::tape::Kind;

pub(crate) struct Envelope {
    pub(crate) shape: Shape,
    pub(crate) payload: Json,
    pub(crate) id_at: Slot,
    pub(crate) payload_at: Slot,
    /// Whether the envelope has members that JSON-RPC does not know.
    pub(crate) strange: bool,
}

/// The members that decide what a message is. Other members pass unless an interceptor judges the message. The envelope is then
/// written anew without them.
const MEMBERS: [&str; 6] = ["jsonrpc", "id", "method", "params", "result", "error"];

/// The longest method, in bytes. Every log line and every policy names the method.
const MAX_METHOD: usize = 128;

/// The members of params that decide what a call reaches and what goes with it.
const PARAMS: [&str; 7] = [
    "name",
    "uri",
    "ref",
    "arguments",
    "taskId",
    "inputResponses",
    "requestState",
];

impl Envelope {
    /// Reads a checked text. Places are offsets within the text's bytes, including white space before the value.
    pub(crate) fn read(whole: &Json) -> Result<Self, MessageError> {
        let root = whole.root();
        match root.kind() {
            Kind::Object => {}
            Kind::Array => return Err(MessageError::Batch),
            _ => return wrong("it is no object"),
        }
        let mut found: [Option<Node<'_>>; MEMBERS.len()] = [None; MEMBERS.len()];
        let mut end = root.span().start;
        let mut strange = false;
        for (key, value) in root.fields() {
            let name = key.content();
            match MEMBERS.iter().position(|member| name == *member) {
                Some(n) => found[n] = Some(value),
                None if disguises(&name, &MEMBERS) => {
                    return wrong(
                        "a member's name differs from one of JSON-RPC's by letter case only",
                    );
                }
                None => strange = true,
            }
            end = value.span().end;
        }
        let [version, id, method, params, result, error] = found;
        if !version.is_some_and(|version| version.is_string("2.0")) {
            return wrong("`jsonrpc` is not \"2.0\"");
        }
        let place = |node: Option<Node<'_>>| match node {
            Some(node) => Slot::Taken(node.span()),
            None => Slot::Free(end),
        };
        let (shape, payload) = match (method, result, error) {
            (Some(method), None, None) => (Self::call(id, method, params)?, params),
            (None, Some(result), None) => match id.and_then(read_id) {
                Some(id) => (Shape::Result { id }, Some(result)),
                None => {
                    return wrong(
                        "a result needs an `id`, a string or a number of at most 256 bytes",
                    );
                }
            },
            (None, None, Some(error)) => {
                if error.kind() != Kind::Object {
                    return wrong("`error` is no object");
                }
                (
                    Shape::Error {
                        id: Self::error_id(id)?,
                    },
                    Some(error),
                )
            }
            (None, None, None) => return wrong("none of `method`, `result` and `error`"),
            _ => return wrong("more than one of `method`, `result` and `error`"),
        };
        Ok(Self {
            shape,
            payload: payload.map_or_else(Json::own_empty_object, |payload| payload.to_json()),
            id_at: place(id),
            payload_at: place(payload),
            strange,
        })
    }

    fn call(
        id: Option<Node<'_>>,
        method: Node<'_>,
        params: Option<Node<'_>>,
    ) -> Result<Shape, MessageError> {
        let Some(method) = method.string() else {
            return wrong("`method` is no string");
        };
        if method.len() > MAX_METHOD {
            return wrong("`method` is longer than 128 bytes");
        }
        if let Some(params) = params {
            if params.kind() != Kind::Object {
                return wrong("`params` is no object");
            }
            if Method::new(&method).is_known()
                && params
                    .fields()
                    .any(|(key, _)| disguises(&key.content(), &PARAMS))
            {
                return wrong(
                    "a name in `params` differs from one of the protocol's by letter case only",
                );
            }
        }
        let method = method.into();
        match id.map(read_id) {
            None => Ok(Shape::Notification { method }),
            Some(Some(id)) => Ok(Shape::Request { id, method }),
            Some(None) => wrong("`id` is neither a string nor a number, or longer than 256 bytes"),
        }
    }

    fn error_id(id: Option<Node<'_>>) -> Result<Option<Id>, MessageError> {
        match id {
            None => Ok(None),
            Some(id) if id.kind() == Kind::Null => Ok(None),
            Some(id) => match read_id(id) {
                Some(id) => Ok(Some(id)),
                None => wrong("`id` is neither a string nor a number, or longer than 256 bytes"),
            },
        }
    }
}

fn read_id(node: Node<'_>) -> Option<Id> {
    Id::from_json(&node.to_json())
}

fn wrong<T>(what: &'static str) -> Result<T, MessageError> {
    Err(MessageError::Envelope(what))
}

/// Whether some readers take the name for one of these names and others do not. Go's `encoding/json` matches names
/// without regard to case, and a server built on it would act on another method or tool than the interceptors judged.
fn disguises(name: &str, names: &[&str]) -> bool {
    names
        .iter()
        .any(|exact| name != *exact && name.chars().map(fold).eq(exact.chars().map(fold)))
}

/// Lower-cases by Unicode's simple folding, as far as that leads into ASCII.
fn fold(char: char) -> char {
    match char {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        other => other.to_ascii_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use crate::json_error::Limits;
    use crate::jsonrpc::Message;
    use crate::shape::{MessageError, Shape};

    fn shape(text: &'static str) -> Result<Shape, MessageError> {
        Message::parse(text, &Limits::default()).map(|message| message.shape().clone())
    }

    fn wrong(text: &'static str) -> &'static str {
        match shape(text) {
            Err(MessageError::Envelope(what)) => what,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn the_four_shapes_are_told_apart() {
        assert!(matches!(
            shape(r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#),
            Ok(Shape::Request { .. })
        ));
        assert!(matches!(
            shape(r#"{"jsonrpc":"2.0","method":"ping"}"#),
            Ok(Shape::Notification { .. })
        ));
        assert!(matches!(
            shape(r#"{"result":[],"id":"x","jsonrpc":"2.0"}"#),
            Ok(Shape::Result { .. })
        ));
        assert!(matches!(
            shape(r#"{"jsonrpc":"2.0","id":1,"error":{}}"#),
            Ok(Shape::Error { id: Some(_) })
        ));
    }

    #[test]
    fn an_error_may_lack_the_id_that_could_not_be_read() {
        assert_eq!(
            shape(r#"{"jsonrpc":"2.0","id":null,"error":{}}"#),
            Ok(Shape::Error { id: None })
        );
        assert_eq!(
            shape(r#"{"jsonrpc":"2.0","error":{}}"#),
            Ok(Shape::Error { id: None })
        );
    }

    #[test]
    fn names_are_read_as_they_read() {
        let message = r#"{"json\u0072pc":"2.\u0030","\u0069d":1,"\u006dethod":"pin\u0067"}"#;
        let message = Message::parse(message, &Limits::default()).expect("valid");
        assert_eq!(message.method(), Some("ping"));
    }

    #[test]
    fn what_is_no_message_is_refused_with_the_reason() {
        assert_eq!(shape("[]"), Err(MessageError::Batch));
        assert_eq!(
            shape(r#"[{"jsonrpc":"2.0","method":"a"}]"#),
            Err(MessageError::Batch)
        );
        assert!(matches!(
            shape(r#"{"jsonrpc":"2.0","jsonrpc":"2.0"}"#),
            Err(MessageError::Json(_))
        ));
        for (text, what) in [
            ("1", "it is no object"),
            ("{}", "`jsonrpc` is not \"2.0\""),
            (
                r#"{"jsonrpc":"1.0","method":"a"}"#,
                "`jsonrpc` is not \"2.0\"",
            ),
            (
                r#"{"jsonrpc":2.0,"method":"a"}"#,
                "`jsonrpc` is not \"2.0\"",
            ),
            (
                r#"{"jsonrpc":"2.0","id":1}"#,
                "none of `method`, `result` and `error`",
            ),
            (
                r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{}}"#,
                "more than one of `method`, `result` and `error`",
            ),
            (
                r#"{"jsonrpc":"2.0","id":1,"result":{},"error":null}"#,
                "more than one of `method`, `result` and `error`",
            ),
            (
                r#"{"jsonrpc":"2.0","id":1,"result":{},"method":"a"}"#,
                "more than one of `method`, `result` and `error`",
            ),
            (
                r#"{"jsonrpc":"2.0","id":1,"method":null}"#,
                "`method` is no string",
            ),
            (
                r#"{"jsonrpc":"2.0","id":null,"method":"a"}"#,
                "`id` is neither a string nor a number, or longer than 256 bytes",
            ),
            (
                r#"{"jsonrpc":"2.0","id":[1],"error":{}}"#,
                "`id` is neither a string nor a number, or longer than 256 bytes",
            ),
            (
                r#"{"jsonrpc":"2.0","result":{}}"#,
                "a result needs an `id`, a string or a number of at most 256 bytes",
            ),
            (
                r#"{"jsonrpc":"2.0","id":null,"result":{}}"#,
                "a result needs an `id`, a string or a number of at most 256 bytes",
            ),
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"a","params":[]}"#,
                "`params` is no object",
            ),
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"a","params":null}"#,
                "`params` is no object",
            ),
            (
                r#"{"jsonrpc":"2.0","id":1,"error":"no"}"#,
                "`error` is no object",
            ),
        ] {
            assert_eq!(wrong(text), what, "{text}");
        }
    }

    #[test]
    fn a_member_that_some_servers_would_take_for_another_is_refused() {
        let envelope = "a member's name differs from one of JSON-RPC's by letter case only";
        assert_eq!(
            wrong(r#"{"jsonrpc":"2.0","id":1,"method":"ping","Method":"tools/call"}"#),
            envelope
        );
        assert_eq!(
            wrong(r#"{"jsonrpc":"2.0","id":1,"method":"ping","para\u006d\u017f":{}}"#),
            envelope
        );
        let params = "a name in `params` differs from one of the protocol's by letter case only";
        for text in [
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"safe","NAME":"evil"}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"safe","argument\u017f":{}}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"a","Uri":"b"}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"tasks/update","params":{"taskID":"a","inputResponses":{}}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":"a","inputresponses":{}}}"#,
        ] {
            assert_eq!(wrong(text), params, "{text}");
        }
        for text in [
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","arguments":{"Name":"b","NAME":"c"}}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"x/y","params":{"Name":"b"},"methods":1,"metho":2}"#,
        ] {
            assert!(shape(text).is_ok(), "{text}");
        }
    }
}

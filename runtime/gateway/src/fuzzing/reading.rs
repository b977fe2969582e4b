use sandgate_message::{Json, Kind, Limits, Message, Node, Shape, canonical_uri, is_canonical_uri};
use serde_json::{Value, json};

use super::{header_text, let_in, relay};

/// What the gateway reads in some bytes, for comparison with other parsers; null if it refuses them. `onward` is what
/// it would forward, which the other parsers are to read.
///
/// The kinds are: `j` a JSON text, `m` a message, `s` a server's event stream, `h` a mirroring header, `o` a `Host` and
/// on a second line an `Origin`, `u` a URI that rules judge.
pub fn reading(kind: u8, bytes: &[u8]) -> Value {
    let limits = Limits::default();
    match kind {
        b'j' => Json::parse(bytes.to_vec(), &limits).map_or(
            Value::Null,
            |json| json!({ "onward": json.as_str(), "read": tree(json.root()) }),
        ),
        b'm' => Message::parse(bytes.to_vec(), &limits).map_or(Value::Null, |message| {
            json!({
                "onward": String::from_utf8_lossy(&message.line()),
                "read": [of_message(&message)],
            })
        }),
        b's' => {
            let (written, messages) = relay(bytes);
            let read: Vec<Value> = messages.iter().map(of_message).collect();
            // The gateway only writes text, so the other parsers get it as text.
            match String::from_utf8(written) {
                Ok(written) => json!({ "onward": written, "read": read }),
                Err(_) => Value::Null,
            }
        }
        b'h' => match (std::str::from_utf8(bytes), header_text(bytes)) {
            (Ok(header), Some(text)) => json!({ "onward": header, "read": text }),
            _ => Value::Null,
        },
        b'o' => {
            let mut lines = bytes.splitn(2, |&b| b == b'\n');
            let host = lines.next().unwrap_or_default();
            match let_in(host, lines.next()) {
                true => json!({ "onward": String::from_utf8_lossy(bytes), "read": true }),
                false => Value::Null,
            }
        }
        b'u' => match std::str::from_utf8(bytes) {
            Ok(uri) if is_canonical_uri(uri) => {
                json!({ "onward": uri, "read": canonical_uri(uri) })
            }
            _ => Value::Null,
        },
        _ => Value::Null,
    }
}

fn of_message(message: &Message) -> Value {
    let kind = match message.shape() {
        Shape::Request { .. } => "request",
        Shape::Notification { .. } => "notification",
        Shape::Result { .. } => "result",
        Shape::Error { .. } => "error",
    };
    let id = message.id().and_then(|id| {
        Json::parse(id.as_str().to_owned(), &Limits::default())
            .ok()
            .map(|id| tree(id.root()))
    });
    let spelling = message.id().map(|id| id.as_str());
    json!({
        "kind": kind,
        "id": id,
        // MCP ids are strings and integers.
        "odd_id": spelling.is_some_and(|id| !id.starts_with('"') && id.contains(['.', 'e', 'E'])),
        "method": message.method(),
        "payload": tree(message.payload().root()),
    })
}

/// A value in a form that keeps what JSON libraries lose: the order and number of members. Numbers become the double
/// that most parsers read.
fn tree(node: Node<'_>) -> Value {
    match node.kind() {
        Kind::Null => Value::Null,
        Kind::Bool => json!(node.as_str() == "true"),
        // Adding zero drops the sign of a negative zero, as some parsers do.
        Kind::Number => {
            let number = node.as_str().parse::<f64>().unwrap_or(f64::NAN) + 0.0;
            json!(["n", format!("{:016x}", number.to_bits())])
        }
        Kind::String => json!(["s", node.string()]),
        Kind::Array => json!(["a", node.elements().map(tree).collect::<Vec<_>>()]),
        Kind::Object => {
            let members = node
                .members()
                .map(|(name, value)| json!([name, tree(value)]));
            json!(["o", members.collect::<Vec<_>>()])
        }
    }
}

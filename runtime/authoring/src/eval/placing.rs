//! Where the text of a row is put: where that kind of text lives in the traffic of a gateway.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::corpus::{Corpus, Label, Row};
use super::tool_calls;
use crate::args::Place;

/// One exchange that a plugin is to see.
pub(super) struct Exchange {
    pub(super) method: &'static str,
    pub(super) target: Option<String>,
    pub(super) definition: Option<Value>,
    pub(super) params: Value,
    /// `None`: the call ends before a reply comes.
    pub(super) reply: Option<Value>,
    /// Whether what the plugin does here counts. Otherwise the exchange only leads up to one that does.
    pub(super) counts: bool,
}

/// The names that are genuine in a corpus.
pub(super) struct Names(Vec<String>);

impl Names {
    pub(super) fn of(corpus: &Corpus) -> Self {
        let genuine = corpus
            .rows
            .iter()
            .filter(|row| {
                row.kind.starts_with("tool_name") && Label::of(&row.label) == Label::Negative
            })
            .map(|row| row.text.clone());
        Self(genuine.collect())
    }
}

/// Where the text of this kind lives, by the beginning of the kind.
pub(super) fn place_of(kind: &str) -> Place {
    let table = [
        ("arg.", Place::Argument),
        ("call.", Place::Calls),
        ("trace.", Place::Calls),
        ("tool_definition.", Place::Definition),
        ("tool_drift.", Place::Change),
        ("tool_name.", Place::Names),
        ("sequence.", Place::Sequence),
    ];
    let found = table.iter().find(|(prefix, _)| kind.starts_with(prefix));
    found.map_or(Place::Result, |(_, place)| *place)
}

/// The exchanges that bring the row before a plugin. `None`: the row's text is not what its kind says.
pub(super) fn exchanges(row: &Row, place: Place, names: &Names) -> Option<Vec<Exchange>> {
    Some(match place {
        Place::Result => vec![result(&row.text)],
        Place::Argument => vec![call("tool", json!({ argument(row): row.text }))],
        Place::Calls => {
            let calls = tool_calls::read(&row.text);
            let exchange = |it: tool_calls::ToolCall| call(&it.tool, it.arguments);
            calls.into_iter().map(exchange).collect()
        }
        Place::Definition => vec![list(vec![definition(
            serde_json::from_str(&row.text).ok()?,
        )?])],
        Place::Change => {
            let change: BTreeMap<String, Value> = serde_json::from_str(&row.text).ok()?;
            let of = |side| Some(list(vec![definition(change.get(side)?.clone())?]));
            let mut before = of("before")?;
            before.counts = false;
            vec![before, of("after")?]
        }
        Place::Names => {
            let listed = match &row.of {
                Some(genuine) => vec![genuine.as_str(), &row.text],
                None => names.0.iter().map(String::as_str).collect(),
            };
            let tools = listed.into_iter().map(bare).collect();
            vec![list(tools)]
        }
        Place::Sequence => {
            let task: BTreeMap<String, Value> = serde_json::from_str(&row.text).ok()?;
            let tools = task
                .get("tools")?
                .as_array()?
                .iter()
                .filter_map(Value::as_str);
            let step = |tool: &str| Exchange {
                definition: Some(bare(tool)),
                reply: Some(json!({ "content": [{ "type": "text", "text": "" }] })),
                ..call(tool, json!({}))
            };
            tools.map(step).collect()
        }
    })
}

/// The name of the argument: the row's own, else the usual one for its kind.
fn argument(row: &Row) -> String {
    let usual = || match row.kind.strip_prefix("arg.")? {
        "path_traversal" => Some("path"),
        "cmdi" => Some("host"),
        "sqli" => Some("id"),
        "nosqli" => Some("filter"),
        "xxe" => Some("xml"),
        "ssti" => Some("template"),
        "open_redirect" | "ssrf" => Some("url"),
        "ldapi" => Some("user"),
        "crlf" => Some("header"),
        _ => None,
    };
    let named = row.argument.as_deref().or_else(usual);
    named.unwrap_or("value").to_owned()
}

fn result(text: &str) -> Exchange {
    Exchange {
        reply: Some(json!({ "content": [{ "type": "text", "text": text }] })),
        ..call("tool", json!({}))
    }
}

fn call(tool: &str, arguments: Value) -> Exchange {
    Exchange {
        method: "tools/call",
        target: Some(tool.to_owned()),
        definition: Some(bare(tool)),
        params: json!({ "name": tool, "arguments": arguments }),
        reply: None,
        counts: true,
    }
}

fn list(tools: Vec<Value>) -> Exchange {
    Exchange {
        method: "tools/list",
        target: None,
        definition: None,
        params: json!({}),
        reply: Some(json!({ "tools": tools })),
        counts: true,
    }
}

/// A definition that says no more than a name.
fn bare(name: &str) -> Value {
    json!({ "name": name, "inputSchema": { "type": "object" } })
}

/// A definition as a server writes it. Where only the names of arguments are known (`args`), each is a text.
fn definition(written: Value) -> Option<Value> {
    let Value::Object(mut members) = written else {
        return None;
    };
    let names = members.remove("args");
    if !members.contains_key("inputSchema") {
        let properties: Map<String, Value> = names
            .as_ref()
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|name| Some((name.as_str()?.to_owned(), json!({ "type": "string" }))))
            .collect();
        let schema = json!({ "type": "object", "properties": properties });
        members.insert("inputSchema".into(), schema);
    }
    members.contains_key("name").then_some(members.into())
}

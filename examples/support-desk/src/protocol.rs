//! JSON-RPC and the two eras: one message in, the messages that answer it out. Transports frame them.

use serde_json::{Map, Value, json};

use crate::{Desk, tools};

/// The era without a handshake.
pub(crate) const MODERN: &str = "2026-07-28";
/// The versions agreed on by `initialize`, newest first.
pub(crate) const LEGACY: [&str; 3] = ["2025-11-25", "2025-06-18", "2024-11-05"];
/// Where each modern request says its version.
pub(crate) const VERSION_KEY: &str = "io.modelcontextprotocol/protocolVersion";
const CAPABILITIES_KEY: &str = "io.modelcontextprotocol/clientCapabilities";

/// Which half of the protocol's history a message belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Era {
    /// 2024-11-05 to 2025-11-25: a handshake, then a session.
    Legacy,
    /// 2026-07-28: every request stands alone.
    Modern,
}

/// What a message brought about.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    /// For the sender: notifications first, the reply last. Empty where the message wanted no reply.
    pub(crate) messages: Vec<Value>,
    /// For every client with a session: what changed.
    pub(crate) news: Vec<Value>,
}

impl Answer {
    pub(crate) fn error(
        id: &Value,
        code: i64,
        message: impl Into<String>,
        data: Option<Value>,
    ) -> Self {
        let mut error = json!({ "code": code, "message": message.into() });
        if let Some(data) = data {
            error["data"] = data;
        }
        Self {
            messages: vec![json!({ "jsonrpc": "2.0", "id": id, "error": error })],
            news: Vec::new(),
        }
    }

    /// The code of the error that the reply is, if it is one.
    pub(crate) fn error_code(&self) -> Option<i64> {
        self.messages.last()?["error"]["code"].as_i64()
    }
}

impl Era {
    /// A modern message says so itself.
    pub(crate) fn of(message: &Value) -> Self {
        if message["params"]["_meta"].get(VERSION_KEY).is_some() {
            Self::Modern
        } else {
            Self::Legacy
        }
    }
}

/// Answers one message; `body` is what it was before it was parsed.
pub(crate) fn answer(desk: &Desk, era: Era, message: &Value, body: &str) -> Answer {
    let method = message["method"].as_str().unwrap_or_default();
    desk.record(era, method, body);
    let Some(id) = message.get("id").filter(|_| !method.is_empty()) else {
        return Answer::default();
    };
    if era == Era::Modern
        && let Err(refusal) = check_envelope(id, &message["params"]["_meta"])
    {
        return refusal;
    }
    let params = &message["params"];
    let result = match (era, method) {
        (Era::Legacy, "initialize") => Ok(initialize(params)),
        (Era::Legacy, "ping") => Ok(json!({})),
        (Era::Modern, "server/discover") => Ok(discover()),
        (_, "tools/list") => Ok(json!({ "tools": tools::tools() })),
        (_, "resources/list") => Ok(json!({ "resources": tools::resources(desk) })),
        (_, "resources/templates/list") => Ok(json!({ "resourceTemplates": [] })),
        (_, "prompts/list") => Ok(json!({ "prompts": tools::prompts() })),
        (_, "tools/call") => named(params, "name", "tool", |name| {
            tools::call(desk, name, &params["arguments"])
        }),
        (_, "resources/read") => named(params, "uri", "resource", |uri| tools::read(desk, uri)),
        (_, "prompts/get") => named(params, "name", "prompt", |name| {
            tools::prompt(desk, name, &params["arguments"])
        }),
        _ => return Answer::error(id, -32601, format!("no method {method:?}"), None),
    };
    match result {
        Err(wrong) => Answer::error(id, -32602, wrong, None),
        Ok(mut result) => {
            let mut answer = Answer::default();
            if method == "tools/call" && result["isError"] != true {
                follow(params, &mut answer);
            }
            if era == Era::Modern {
                complete(method, &mut result);
            }
            answer
                .messages
                .push(json!({ "jsonrpc": "2.0", "id": id, "result": result }));
            answer
        }
    }
}

/// Every modern request carries its version and what its client can do.
fn check_envelope(id: &Value, meta: &Value) -> Result<(), Answer> {
    if !meta[CAPABILITIES_KEY].is_object() {
        return Err(Answer::error(
            id,
            -32602,
            format!("params._meta lacks {CAPABILITIES_KEY}"),
            None,
        ));
    }
    match meta[VERSION_KEY].as_str() {
        Some(MODERN) => Ok(()),
        Some(other) => {
            let supported = std::iter::once(MODERN).chain(LEGACY).collect::<Vec<_>>();
            let data = json!({ "supported": supported, "requested": other });
            Err(Answer::error(
                id,
                -32022,
                "Unsupported protocol version",
                Some(data),
            ))
        }
        None => Err(Answer::error(
            id,
            -32602,
            format!("{VERSION_KEY} must be a string"),
            None,
        )),
    }
}

fn initialize(params: &Value) -> Value {
    let asked = params["protocolVersion"].as_str();
    let agreed = LEGACY
        .into_iter()
        .find(|version| asked == Some(version))
        .unwrap_or(LEGACY[0]);
    json!({
        "protocolVersion": agreed,
        "capabilities": { "tools": {}, "resources": { "listChanged": true }, "prompts": {} },
        "serverInfo": server_info(),
        "instructions": INSTRUCTIONS,
    })
}

fn discover() -> Value {
    json!({
        "supportedVersions": std::iter::once(MODERN).chain(LEGACY).collect::<Vec<_>>(),
        "capabilities": { "tools": {}, "resources": {}, "prompts": {} },
        "instructions": INSTRUCTIONS,
    })
}

const INSTRUCTIONS: &str = "Look a customer up before answering their tickets.";

fn server_info() -> Value {
    json!({ "name": "support-desk", "version": env!("CARGO_PKG_VERSION") })
}

/// Finds what `params[key]` names, or says what is wrong with it.
fn named(
    params: &Value,
    key: &str,
    kind: &str,
    find: impl Fn(&str) -> Option<Value>,
) -> Result<Value, String> {
    let name = params[key]
        .as_str()
        .ok_or_else(|| format!("params.{key} must be a string"))?;
    find(name).ok_or_else(|| format!("no {kind} {name:?}"))
}

/// What goes out beside the result of a tool that did its work.
fn follow(params: &Value, answer: &mut Answer) {
    if let Some(token) = params["_meta"].get("progressToken") {
        answer.messages.push(json!({
            "jsonrpc": "2.0", "method": "notifications/progress",
            "params": { "progressToken": token, "progress": 1, "total": 1 },
        }));
    }
    if params["name"] == "delete_customer" {
        answer
            .news
            .push(json!({ "jsonrpc": "2.0", "method": "notifications/resources/list_changed" }));
    }
}

/// What a modern result says beyond a legacy one. Nothing may be kept: customers come and go.
fn complete(method: &str, result: &mut Value) {
    let mut more = Map::new();
    more.insert("resultType".into(), "complete".into());
    more.insert(
        "_meta".into(),
        json!({ "io.modelcontextprotocol/serverInfo": server_info() }),
    );
    if method.ends_with("/list") || matches!(method, "server/discover" | "resources/read") {
        more.insert("ttlMs".into(), 0.into());
        more.insert("cacheScope".into(), "private".into());
    }
    if let Some(result) = result.as_object_mut() {
        result.append(&mut more);
    }
}

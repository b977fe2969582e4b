//! The text of a fixture: what an interceptor met of a recorded call.

use std::collections::BTreeMap;

use sandgate_message::{Call, Hook};
use sandgate_recording::{Exchange, Observation};
use serde_json::{Map, Value, json};

use super::test::item;

/// The fixture of this observation, with the settings and the state that the interceptor had.
pub(super) fn text(
    exchange: &Exchange,
    observation: &Observation,
    settings: &Value,
    remembered: &BTreeMap<String, Vec<u8>>,
) -> String {
    let mut document = toml_edit::DocumentMut::new();
    let mut put = |key: &str, value: Value| {
        document.insert(key, item(&value));
    };
    put("hook", observation.hook.as_str().into());
    put("event", (&*observation.call.method).into());
    let (params, reply) = match observation.hook {
        Hook::PreCall => (Some(&observation.document), None),
        Hook::PostCall => (observation.sent.as_ref(), Some(&observation.document)),
    };
    if let Some(params) = params {
        put("params", params.as_str().into());
    }
    if let Some(reply) = reply {
        put("reply", reply.as_str().into());
        if observation.failed {
            put("failed", true.into());
        }
    }
    if let Some(note) = &observation.carried {
        put("carried", remembered_value(note));
    }
    put("clock", exchange.time.clone().into());
    if settings
        .as_object()
        .is_some_and(|settings| !settings.is_empty())
    {
        put("settings", settings.clone());
    }
    put("context", context(&observation.call));
    if !remembered.is_empty() {
        let entries = remembered.iter();
        let state: Map<String, Value> = entries
            .map(|(key, value)| (key.clone(), remembered_value(value)))
            .collect();
        put("state", state.into());
    }
    format!(
        "# A recorded call, {}, as it met the interceptor {:?}.\n{document}",
        exchange.id, observation.interceptor
    )
}

fn context(call: &Call) -> Value {
    let mut context = Map::new();
    let mut put = |key: &str, value: Value| {
        context.insert(key.to_owned(), value);
    };
    put("id", (*call.id.0).into());
    put("direction", call.direction.as_str().into());
    put("server", (*call.server).into());
    if let Some(target) = &call.target {
        put("target", (**target).into());
    }
    if let Some(session) = &call.session {
        put("session", (**session).into());
    }
    if let Some(principal) = &call.principal {
        put("principal", (**principal).into());
    }
    if !call.groups.is_empty() {
        put("groups", json!(&*call.groups));
    }
    if let Some(definition) = &call.definition {
        put("definition", definition.as_str().into());
    }
    if !call.attributes.is_empty() {
        let attributes = call.attributes.iter();
        let attributes: Map<String, Value> = attributes
            .map(|(name, value)| (name.clone(), value.as_str().into()))
            .collect();
        put("attributes", attributes.into());
    }
    context.into()
}

fn remembered_value(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.chars().any(char::is_control) => text.into(),
        _ => json!({ "hex": sandgate_text::hex::encode(bytes) }),
    }
}

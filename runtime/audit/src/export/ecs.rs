//! Elastic Common Schema 8.17.

use serde_json::{Value, json};

use super::record::{CallRecord, Outcome};

pub(super) fn event(record: &CallRecord) -> Value {
    let (kind, outcome) = match record.outcome {
        Outcome::Unknown => ("access", "unknown"),
        Outcome::Success => ("allowed", "success"),
        Outcome::Failure => ("allowed", "failure"),
        Outcome::Refused => ("denied", "failure"),
    };
    let mut types = vec!["access"];
    if kind != "access" {
        types.push(kind);
    }
    let mut event = json!({
        "@timestamp": record.time,
        "ecs": { "version": "8.17.0" },
        "event": {
            "kind": "event", "category": ["api"], "type": types, "outcome": outcome,
            "action": record.method, "reason": record.decision(), "id": record.id,
            "module": "sandgate", "dataset": "sandgate.calls",
        },
        "service": { "name": record.server, "type": "mcp" },
        "observer": { "vendor": "Sandgate", "product": "Sandgate", "type": "gateway" },
        "sandgate": {
            "era": record.era, "direction": record.direction, "target": record.target,
            "session": record.session, "request_bytes": record.request_bytes,
            "reply_bytes": record.reply_bytes, "trail": record.trail,
        },
    });
    if let Some(us) = record.us {
        // Nanoseconds.
        event["event"]["duration"] = us.saturating_mul(1000).into();
    }
    if let Some(seq) = record.seq {
        event["event"]["sequence"] = seq.into();
    }
    if let Some(name) = &record.principal {
        event["user"] = json!({ "name": name });
    }
    if let Some(client) = &record.client {
        event["user_agent"] = json!({ "name": client.name, "version": client.version });
    }
    if let Some((name, digest, code)) = record.refusing() {
        event["rule"] = json!({ "name": name, "uuid": digest, "id": code });
    }
    event
}

//! Open Cybersecurity Schema Framework 1.9, class API Activity.

use serde_json::{Map, Value, json};

use super::record::{CallRecord, Outcome};

const CLASS: u64 = 6003;

pub(super) fn event(record: &CallRecord) -> Value {
    let reads = record.method.ends_with("/list")
        || record.method.ends_with("/read")
        || record.method.ends_with("/get");
    // What a tool does is not known, so a call of one is none of create, read, update and delete.
    let (activity, activity_name) = match reads {
        true => (2, "Read"),
        false => (99, record.method.as_str()),
    };
    let (status, status_name) = match record.outcome {
        Outcome::Unknown => (0, "Unknown"),
        Outcome::Success => (1, "Success"),
        Outcome::Failure | Outcome::Refused => (2, "Failure"),
    };
    let (severity, severity_name) = match record.outcome {
        Outcome::Refused => (3, "Medium"),
        Outcome::Failure => (2, "Low"),
        Outcome::Success | Outcome::Unknown => (1, "Informational"),
    };
    let (action, disposition) = match record.outcome {
        Outcome::Refused => ((2, "Denied"), (2, "Blocked")),
        _ => ((1, "Allowed"), (1, "Allowed")),
    };
    let client = record.client.as_ref();
    let mut actor = Map::new();
    if let Some(name) = &record.principal {
        actor.insert(
            "user".into(),
            json!({ "name": name, "type_id": 0, "type": "Unknown" }),
        );
    }
    if let Some(uid) = &record.session {
        actor.insert("session".into(), json!({ "uid": uid }));
    }
    // An actor says at least one thing.
    let program = client.map_or("unknown", |client| client.name.as_str());
    actor.insert("app_name".into(), program.into());
    let mut event = json!({
        "metadata": {
            "version": "1.9.0",
            "profiles": ["security_control"],
            "product": { "name": "Sandgate", "vendor_name": "Sandgate" },
            "uid": record.id,
        },
        "category_uid": 6, "category_name": "Application Activity",
        "class_uid": CLASS, "class_name": "API Activity",
        "activity_id": activity, "activity_name": activity_name,
        "type_uid": CLASS * 100 + activity, "type_name": format!("API Activity: {activity_name}"),
        "time": record.milliseconds(),
        "severity_id": severity, "severity": severity_name,
        "status_id": status, "status": status_name, "status_detail": record.decision(),
        "action_id": action.0, "action": action.1,
        "disposition_id": disposition.0, "disposition": disposition.1,
        "actor": actor,
        "api": {
            "operation": record.method,
            "service": { "name": record.server },
            "request": { "uid": record.id },
        },
        "src_endpoint": { "name": record.principal.as_deref().unwrap_or(program), "type_id": 0 },
        "dst_endpoint": { "name": record.server, "type_id": 1 },
        "unmapped": {
            "era": record.era, "direction": record.direction, "request_bytes": record.request_bytes,
            "reply_bytes": record.reply_bytes, "trail": record.trail,
        },
    });
    let Some(members) = event.as_object_mut() else {
        return event;
    };
    if let Some(us) = record.us {
        members.insert("duration".into(), (us / 1000).into());
    }
    if let Some(target) = &record.target {
        members.insert("resources".into(), json!([{ "name": target }]));
    }
    if let Some((name, digest, code)) = record.refusing() {
        let policy = json!({ "name": name, "uid": digest, "desc": code });
        members.insert("policy".into(), policy);
    }
    if let Some(seq) = record.seq {
        event["metadata"]["sequence"] = seq.into();
    }
    event
}

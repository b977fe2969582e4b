#![allow(clippy::unwrap_used)]
use serde_json::{Value, json};

use super::*;

const REFUSED: &str = r#"{"seq":7,"prev":"00","record":"ended","time":"2026-01-02T03:04:05.678901Z","id":"abc-1","era":"modern","client":{"name":"agent|x","version":"1.2"},"principal":"ada","direction":"client-to-server","server":"crm","method":"tools/call","target":"drop=all\\now","decision":"refused","failed":false,"request_bytes":120,"reply_bytes":80,"us":1234,"trail":{"version":1,"entries":[{"interceptor":"first","digest":"sha256:aa","hook":"pre-call","mode":"enforce","decision":"proceed","applied":true,"us":3},{"interceptor":"guard","digest":"sha256:bb","hook":"pre-call","mode":"enforce","decision":"refuse","applied":true,"code":"not-allowed","findings":[{"rule":"sql","severity":"high","part":"request","message":"x"}],"us":3}]}}"#;

fn forwarded(id: &str) -> String {
    json!({
        "record": "forwarded", "time": "2026-01-02T03:04:05Z", "id": id, "era": "legacy",
        "direction": "client-to-server", "server": "crm", "method": "tools/list", "request_bytes": 9,
    })
    .to_string()
}

fn events(format: Format, lines: &[&str]) -> Vec<String> {
    let mut exporter = Exporter::new(format, false);
    let mut events: Vec<String> = lines
        .iter()
        .filter_map(|line| exporter.line(line.as_bytes()))
        .collect();
    events.extend(exporter.finish());
    events
}

#[test]
fn each_call_is_one_event() {
    let open = forwarded("open");
    let begun = forwarded("abc-1");
    let opened = r#"{"seq":0,"prev":"00","record":"opened","peaks":[]}"#;
    let lines = [opened, &begun, &open, REFUSED, "no json", ""];
    // In a chained log, what was put in is no event.
    let mut chained = Exporter::new(Format::Ecs, true);
    assert!(
        lines
            .iter()
            .all(|line| chained.line(line.as_bytes()).is_none())
    );
    assert_eq!(chained.finish().count(), 0);
    for format in [Format::Ocsf, Format::Ecs, Format::Cef] {
        let events = events(format, &lines);
        assert_eq!(events.len(), 2, "{events:?}");
        assert!(events[0].contains("abc-1") && events[1].contains("open"));
        assert!(events.iter().all(|event| !event.contains('\n')));
    }
}

/// What OCSF 1.9 requires of API Activity and of the objects in it.
#[test]
fn an_event_of_ocsf_has_what_its_class_requires() {
    for event in events(Format::Ocsf, &[REFUSED, &forwarded("open")]) {
        let event: Value = serde_json::from_str(&event).unwrap();
        for required in [
            "/activity_id",
            "/actor",
            "/api/operation",
            "/api/service/name",
            "/category_uid",
            "/class_uid",
            "/metadata/product/vendor_name",
            "/metadata/version",
            "/severity_id",
            "/src_endpoint/name",
            "/time",
            "/type_uid",
            // Of the profile that it names.
            "/action_id",
            "/disposition_id",
        ] {
            assert!(event.pointer(required).is_some(), "{required}: {event:#}");
        }
        let number = |pointer: &str| event.pointer(pointer).and_then(Value::as_u64).unwrap();
        assert_eq!(
            number("/type_uid"),
            number("/class_uid") * 100 + number("/activity_id")
        );
    }
    let event: Value = serde_json::from_str(&events(Format::Ocsf, &[REFUSED])[0]).unwrap();
    assert_eq!(event["time"], 1_767_323_045_678_u64);
    assert_eq!(
        event["policy"],
        json!({"name": "guard", "uid": "sha256:bb", "desc": "not-allowed"})
    );
    assert_eq!(event["action"], "Denied");
    assert_eq!(event["metadata"]["sequence"], 7);
    assert_eq!(event["actor"]["user"]["name"], "ada");
}

#[test]
fn an_event_of_ecs_says_who_did_what_and_how_it_ended() {
    let event: Value = serde_json::from_str(&events(Format::Ecs, &[REFUSED])[0]).unwrap();
    assert_eq!(event["event"]["type"], json!(["access", "denied"]));
    assert_eq!(event["event"]["outcome"], "failure");
    assert_eq!(event["event"]["duration"], 1_234_000);
    assert_eq!(event["user"]["name"], "ada");
    assert_eq!(event["rule"]["name"], "guard");
}

#[test]
fn an_event_of_cef_keeps_its_fields_apart() {
    let event = &events(Format::Cef, &[REFUSED])[0];
    assert!(event.starts_with("CEF:0|Sandgate|Sandgate|"), "{event}");
    assert!(event.contains("|tools/call|tools/call refused|6|rt=1767323045678 "));
    assert!(event.contains(r" request=drop\=all\\now "), "{event}");
    assert!(event.contains(" requestClientApplication=agent|x "));
    assert!(event.contains(
        " cs1Label=interceptor cs1=guard cs2Label=code cs2=not-allowed cs3Label=rules cs3=sql "
    ));
}

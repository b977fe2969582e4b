#![allow(clippy::unwrap_used)]
use std::time::{Duration, SystemTime};

use sandgate_config::AlertKind;
use serde_json::Value;

use super::*;
use crate::event::Event;

/// A name that a hostile client or server would choose.
const HOSTILE: &str =
    "<!channel> *x* `y` \"z\"\\\n<134>1 - forged \u{1b}[2J \u{202e}gpj.exe & http://evil.example/";

fn notice(status: NoticeStatus) -> Notice {
    let event = Event {
        server: Some("desk"),
        client: Some("ada"),
        tool: Some(HOSTILE),
        call: Some("0abc"),
        ..Event::of(AlertKind::Finding, "flow.pair", "ada")
    };
    let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    Notice {
        status,
        ..Notice::of(&event, 6, at)
    }
}

#[test]
fn a_webhook_is_json_of_the_standards_shape() {
    let body: Value =
        serde_json::from_str(&webhook("flow", &notice(NoticeStatus::Firing))).unwrap();
    assert_eq!(body["type"], "alert.firing");
    assert_eq!(body["timestamp"], "2027-01-15T08:00:00.000Z");
    let data = &body["data"];
    for (key, value) in [
        ("alert", "flow"),
        ("kind", "finding"),
        ("code", "flow.pair"),
        ("client", "ada"),
        ("call", "0abc"),
    ] {
        assert_eq!(data[key], value, "{key}");
    }
    assert_eq!(data["count"], 6);
    assert!(data.get("detail").is_none());
}

#[test]
fn no_name_steers_a_reader_of_any_shape() {
    let notice = notice(NoticeStatus::Firing);
    let texts = [
        webhook("flow", &notice),
        slack("flow", &notice).unwrap(),
        alertmanager("flow", &notice),
        syslog("flow", &notice).unwrap(),
    ];
    for text in &texts {
        assert!(!text.contains(['\n', '\r', '\u{1b}', '\u{202e}']), "{text}");
        assert!(!text.contains("\\n") && !text.contains("\\u001b"), "{text}");
    }
    let slack: Value = serde_json::from_str(&texts[1]).unwrap();
    let said = slack["text"].as_str().unwrap();
    assert!(
        said.contains("&lt;!channel&gt;") && !said.contains('<') && !said.contains('>'),
        "{said}"
    );
    assert_eq!(
        (&slack["mrkdwn"], &slack["link_names"]),
        (&Value::from(false), &Value::from(false))
    );
    assert_eq!(texts[3].matches("<1").count(), 2, "{}", texts[3]);
    assert!(
        texts[3].starts_with("<132>1 2027-01-15T08:00:00.000Z "),
        "{}",
        texts[3]
    );
}

#[test]
fn no_name_is_an_address_for_slack() {
    let event = Event {
        tool: Some("see https://evil.example/x"),
        ..Event::of(AlertKind::Finding, "c", "ada")
    };
    let told = slack("r", &Notice::of(&event, 1, SystemTime::now())).unwrap();
    assert!(
        !told.contains("://") && told.contains("evil.example/x"),
        "{told}"
    );
}

#[test]
fn a_long_name_is_cut() {
    let event = Event {
        tool: Some(&"x".repeat(1 << 20)),
        server: Some(&"é".repeat(1 << 20)),
        ..Event::of(AlertKind::Finding, "c", "ada")
    };
    let notice = Notice::of(&event, 1, SystemTime::now());
    for text in [
        webhook("r", &notice),
        alertmanager("r", &notice),
        syslog("r", &notice).unwrap(),
    ] {
        assert!(text.len() < 4096, "{} bytes", text.len());
    }
    assert!(notice.size() < 1024);
}

#[test]
fn an_alertmanager_is_told_the_same_labels_at_both_ends() {
    let parse =
        |notice: &Notice| serde_json::from_str::<Value>(&alertmanager("flow", notice)).unwrap();
    let begun = notice(NoticeStatus::Firing);
    let mut over = begun.clone();
    (over.status, over.more, over.at) = (
        NoticeStatus::Resolved,
        37,
        begun.at + Duration::from_secs(90),
    );
    let (begun, over) = (parse(&begun), parse(&over));
    assert_eq!(begun[0]["labels"], over[0]["labels"]);
    assert_eq!(begun[0]["labels"]["instance"], syslog::host());
    assert_eq!(begun[0]["startsAt"], over[0]["startsAt"]);
    assert_eq!(begun[0]["endsAt"], "2027-01-15T08:04:00.000Z");
    assert_eq!(over[0]["endsAt"], "2027-01-15T08:01:30.000Z");
    assert!(
        over[0]["annotations"]["summary"]
            .as_str()
            .unwrap()
            .contains("and 37 more")
    );
}

#[test]
fn people_are_not_told_that_what_happened_once_is_over() {
    let mut over = notice(NoticeStatus::Resolved);
    assert!(slack("flow", &over).is_none() && syslog("flow", &over).is_none());
    over.more = 2;
    assert!(slack("flow", &over).is_some());
    assert!(syslog("flow", &over).unwrap().starts_with("<134>1 "));
    (over.more, over.kind) = (0, AlertKind::Stop);
    assert!(slack("flow", &over).is_some());
}

#![allow(clippy::unwrap_used)]

use super::*;
use crate::testing::json;

fn entry() -> TrailEntry {
    TrailEntry {
        interceptor: "scrub".into(),
        digest: "sha256:00".into(),
        hook: Hook::PostCall,
        mode: Mode::Audit,
        decision: Decision::Proceed,
        applied: false,
        code: None,
        pointer: None,
        explanation: None,
        failure: None,
        fault: None,
        findings: Vec::new(),
        seen: None,
        us: 12,
        asked: None,
    }
}

#[test]
fn a_plain_entry_is_small() {
    let text = serde_json::to_string(&Trail {
        version: 3,
        entries: vec![entry()],
    })
    .unwrap();
    assert_eq!(
        text,
        r#"{"version":3,"entries":[{"interceptor":"scrub","digest":"sha256:00","hook":"post-call","mode":"audit","decision":"proceed","applied":false,"us":12}]}"#
    );
}

#[test]
fn findings_are_written_whole_and_their_details_as_they_came() {
    let finding = Finding {
        rule: "pii.email".into(),
        severity: Severity::Warn,
        part: Part::Reply,
        pointer: Some("/content/0/text".into()),
        message: "an address".into(),
        details: Some(json(r#"{"score": 0.970}"#)),
    };
    let text = serde_json::to_string(&TrailEntry {
        findings: vec![finding],
        ..entry()
    })
    .unwrap();
    let wanted = r#""findings":[{"rule":"pii.email","severity":"warn","part":"reply","pointer":"/content/0/text","message":"an address","details":{"score": 0.970}}]"#;
    assert!(text.contains(wanted), "{text}");
}

#[test]
fn a_code_and_a_failure_are_written_where_there_are_any() {
    let refused = TrailEntry {
        decision: Decision::Refuse,
        code: Some("no".into()),
        ..entry()
    };
    assert!(
        serde_json::to_string(&refused)
            .unwrap()
            .contains(r#""decision":"refuse","applied":false,"code":"no""#)
    );
    let failed = TrailEntry {
        decision: Decision::Fault,
        failure: Some("own-error"),
        fault: Malfunction::of(&Failure::Own {
            kind: "ValueError".into(),
            frames: vec!["plugin.py:12 in scrub".into()],
            detail: "CANARY".into(),
        }),
        ..entry()
    };
    let text = serde_json::to_string(&failed).unwrap();
    let wanted =
        r#""failure":"own-error","fault":{"kind":"ValueError","frames":["plugin.py:12 in scrub"]}"#;
    assert!(text.contains(wanted) && !text.contains("CANARY"), "{text}");
}

#[test]
fn only_what_was_applied_stopped_or_changed_anything() {
    let trail = |decision, applied| Trail {
        version: 1,
        entries: vec![TrailEntry {
            decision,
            applied,
            ..entry()
        }],
    };
    assert!(trail(Decision::Refuse, true).stopped_by().is_some());
    assert!(trail(Decision::Fault, true).stopped_by().is_some());
    assert!(trail(Decision::Refuse, false).stopped_by().is_none());
    assert!(trail(Decision::Proceed, true).stopped_by().is_none());
    assert!(trail(Decision::Edit, true).changed() && !trail(Decision::Edit, false).changed());
}

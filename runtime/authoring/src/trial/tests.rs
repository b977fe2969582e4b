#![allow(clippy::unwrap_used)]

use bytes::Bytes;
use serde_json::json;

use super::*;
use crate::smoke::smoke;
use crate::stand::timeout;

fn guest(name: &str) -> PluginFile {
    let guest = sandgate_guests::find(name).unwrap();
    PluginFile::read(Bytes::from_static(guest.bytes)).unwrap()
}

fn exercise(params: &Value) -> Exercise {
    Exercise {
        hook: Hook::PreCall,
        call: crate::context::call("tools/call"),
        params: Some(Json::of(params).unwrap()),
        reply: None,
        failed: false,
        carried: None,
    }
}

async fn ran(guest_name: &str, params: Value) -> Seen {
    let file = guest(guest_name);
    let limit = timeout(&file);
    let trial = Trial::keeping(None).unwrap();
    let prepared = trial.prepare(file, json!({}), Grants::default()).await;
    let exercise = exercise(&params);
    exercise
        .run(&mut prepared.unwrap(), Simulation::default(), limit)
        .await
}

#[tokio::test]
async fn a_decision_that_a_gateway_could_not_apply_is_a_failure() {
    for (name, says) in [
        (
            "validator-that-edits",
            "a validation may only proceed or refuse",
        ),
        ("edits-what-is-not-there", "nothing stands there"),
        ("edits-overlapping", "edit"),
    ] {
        let failure = ran(name, json!({ "misbehave": true }))
            .await
            .decided
            .unwrap_err();
        assert_eq!(failure.kind(), "malformed", "{name}");
        assert!(failure.to_string().contains(says), "{name}: {failure}");
    }
}

#[tokio::test]
async fn a_run_gets_the_time_that_a_gateway_gives_it_and_the_place_where_it_ended_is_known() {
    let seen = ran("loops", json!({ "misbehave": true })).await;
    assert!(seen.took < Duration::from_secs(1), "{:?}", seen.took);
    let Err(Failure::Deadline { limit, frames }) = seen.decided else {
        panic!("{:?}", seen.decided);
    };
    assert_eq!(limit, Duration::from_millis(50));
    assert!(
        frames.iter().any(|frame| frame.contains("pre-call")),
        "{frames:?}"
    );
}

#[tokio::test]
async fn what_a_guest_prints_is_kept() {
    let seen = ran("floods-stderr", json!({ "misbehave": true })).await;
    assert!(!seen.printed.is_empty() && seen.printed.len() <= 4 << 10);
}

#[tokio::test]
async fn a_first_run_finds_hooks_that_always_fail() {
    let trial = Trial::keeping(None).unwrap();
    let none = Vec::new();
    let error = smoke(&trial, &guest("own-error"), &none).await;
    assert!(error.is_ok(), "{error:?}");
    for name in ["fails-at-once", "traps-in-configure"] {
        let error = smoke(&trial, &guest(name), &none).await.unwrap_err();
        assert!(error.to_string().contains(".rs:"), "{name}: {error}");
    }
}

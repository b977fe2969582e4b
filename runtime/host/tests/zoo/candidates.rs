//! A guest that is tried beside a live one: it reaches nothing outside, and harms nobody.

use std::time::Duration;

use sandgate_host::{Access, DirGrant, Host, Plugin, Spec};
use sandgate_message::{Failure, HookRequest, Interceptor};
use serde_json::{Value, json};

use crate::stand::{answer, answered, host, run, spec, within, works};

async fn tried(spec: Spec) -> Plugin {
    host().prepare_candidate(spec).await.unwrap()
}

/// As a candidate is asked.
async fn asked(plugin: &Plugin, params: Value) -> Value {
    let run = HookRequest {
        shadow: true,
        ..run(params)
    };
    answered(plugin.pre_call(run).await.decision)
}

#[tokio::test]
async fn has_no_http_whatever_is_granted() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut spec = spec("reaches-out");
    spec.grants.http = vec![format!("127.0.0.1:{port}")];
    let plugin = tried(spec).await;
    assert_eq!(plugin.withheld()[0].what, "http *");
    let url = format!("http://127.0.0.1:{port}/");
    let said = asked(&plugin, json!({ "url": url, "redirects": 0 })).await;
    assert_eq!(said["error"], "ErrorCode::HttpRequestDenied");
    let reached = tokio::time::timeout(Duration::from_millis(100), listener.accept()).await;
    assert!(reached.is_err(), "nobody connects");
}

#[tokio::test]
async fn begins_with_what_the_live_one_remembers_and_leaves_it_alone() {
    let host = host();
    let counter = || {
        let mut spec = spec("counter");
        spec.grants.state = true;
        spec
    };
    let increment = json!({ "op": "increment", "key": "calls" });
    let live = host.prepare(counter()).await.unwrap();
    assert_eq!(answer(&live, increment.clone()).await, 1);
    let new = host.prepare_candidate(counter()).await.unwrap();
    assert_eq!(asked(&new, increment.clone()).await, 2);
    assert_eq!(asked(&new, increment.clone()).await, 3);
    assert_eq!(answer(&live, increment.clone()).await, 2);
    assert_eq!(
        answer(&new, increment).await,
        4,
        "also where a run does not say that it is in shadow"
    );
    assert_eq!(host.state().entries("tried")["calls"], 2_i64.to_le_bytes());
}

#[tokio::test]
async fn writes_to_no_directory() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("rule"), "rule").unwrap();
    let dir = cap_std::fs::Dir::open_ambient_dir(folder.path(), cap_std::ambient_authority());
    let mut spec = spec("reaches-for-files");
    spec.grants.dirs = vec![DirGrant {
        guest: "/work".into(),
        dir: std::sync::Arc::new(dir.unwrap()),
        access: Access::Rw,
    }];
    let plugin = tried(spec).await;
    let read = asked(&plugin, json!({ "op": "read", "path": "/work/rule" })).await;
    assert_eq!(read["ok"], "rule");
    let order = json!({ "op": "write", "path": "/work/made", "text": "by a guest" });
    let written = asked(&plugin, order).await;
    assert!(written["error"].is_string(), "{written}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_grant_that_it_does_not_ask_for_is_refused_as_it_would_be_live() {
    let mut spec = spec("noop");
    spec.grants.state = true;
    assert!(host().prepare_candidate(spec).await.is_err());
}

/// Each of those that misbehave at a call, beside a live one on the same host.
#[tokio::test]
async fn however_it_misbehaves_the_live_one_works() {
    let host = host();
    let live = host.prepare(spec("noop")).await.unwrap();
    for guest in [
        "amplifies",
        "exits",
        "floods-findings",
        "floods-host-calls",
        "floods-stderr",
        "floods-the-log",
        "hoards",
        "hoards-handles",
        "hoards-tables",
        "huge-output",
        "loops",
        "loops-slowly",
        "own-error",
        "panics",
        "recurses",
        "returns-nonsense",
        "sleeps",
        "traps",
    ] {
        misbehaves(&host, guest).await;
        works(&live).await;
    }
}

async fn misbehaves(host: &std::sync::Arc<Host>, guest: &str) {
    let plugin = host.prepare_candidate(spec(guest)).await.unwrap();
    let run = HookRequest {
        shadow: true,
        ..within(Duration::from_millis(300), json!({ "misbehave": true }))
    };
    let decision = plugin.pre_call(run).await.decision;
    if let Err(Failure::Load(why)) = decision {
        panic!("{guest} did not run: {why}");
    }
}

#[tokio::test]
async fn takes_no_instance_from_live_runs() {
    // As many at once as there are instances for candidates, and all of them hang.
    let host = host();
    let hangs = std::sync::Arc::new(host.prepare_candidate(spec("sleeps")).await.unwrap());
    let live = host.prepare(spec("noop")).await.unwrap();
    let hanging: Vec<_> = (0..64)
        .map(|n| {
            let hangs = hangs.clone();
            tokio::spawn(async move {
                let run = within(Duration::from_millis(400), json!({ "misbehave": true }));
                let run = crate::stand::by(&format!("caller {n}"), run);
                hangs.pre_call(run).await.decision
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(50)).await;
    works(&live).await;
    for one in hanging {
        assert!(one.await.unwrap().is_err());
    }
}

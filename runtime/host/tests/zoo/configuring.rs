//! Guests that do not get past being prepared.

use std::time::{Duration, Instant};

use sandgate_host::{DirGrant, Grants, Issue, PrepareError};
use sandgate_message::{Failure, Hook};
use serde_json::json;
use std::sync::Arc;

use crate::stand::{answer, prepare, spec};

const CANARY: &str = "canary-hunter2";

pub(crate) mod fails_configure {
    use super::*;

    async fn issues(settings: serde_json::Value, private: bool) -> Vec<Issue> {
        let mut spec = spec("fails-configure");
        spec.settings = settings;
        spec.settings_private = private;
        match prepare(spec).await {
            Err(PrepareError::Settings(issues)) => issues,
            Err(other) => panic!("{other}"),
            Ok(_) => panic!("accepted"),
        }
    }

    #[tokio::test]
    async fn says_what_and_where() {
        let found = issues(json!({ "limit": 3 }), false).await;
        assert_eq!(
            found,
            [Issue {
                pointer: "/limit".into(),
                message: "3 is odd".into()
            }]
        );
    }

    #[tokio::test]
    async fn is_not_even_asked_where_its_schema_says_no() {
        let found = issues(json!({ "limit": 11 }), false).await;
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].pointer, "/limit");
        assert!(
            found[0].message.contains("11") && !found[0].message.contains("odd"),
            "{found:?}"
        );
        let found = issues(json!({ "limmit": 2 }), false).await;
        assert_eq!(found[0].pointer, "/limmit");
    }

    #[tokio::test]
    async fn never_repeats_a_setting_that_came_from_elsewhere() {
        let found = issues(json!({ "token": CANARY }), true).await;
        assert_eq!(found[0].pointer, "/token");
        assert!(!found[0].message.contains(CANARY), "{found:?}");
        let found = issues(json!({ "limit": CANARY }), true).await;
        assert_eq!(found[0].pointer, "/limit");
        assert!(!found[0].message.contains(CANARY), "{found:?}");
    }

    #[tokio::test]
    async fn is_accepted_with_settings_it_likes() {
        let mut spec = spec("fails-configure");
        spec.settings = json!({ "limit": 2 });
        prepare(spec).await.unwrap();
    }
}

async fn configure_fails(guest: &str) -> Failure {
    match prepare(spec(guest)).await {
        Err(PrepareError::Configure(failure)) => failure,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("accepted"),
    }
}

pub(crate) mod traps_in_configure {
    use super::*;

    #[tokio::test]
    async fn is_not_prepared() {
        assert_eq!(configure_fails("traps-in-configure").await.kind(), "trap");
    }

    #[tokio::test]
    async fn never_repeats_a_setting_that_came_from_elsewhere() {
        let mut spec = spec("traps-in-configure");
        spec.settings = json!({ "token": CANARY });
        spec.settings_private = true;
        let error = prepare(spec).await.err().unwrap();
        assert!(!format!("{error} {error:?}").contains(CANARY), "{error:?}");
    }
}

pub(crate) mod hoards_in_configure {
    use super::*;

    #[tokio::test]
    async fn is_not_prepared() {
        let failure = configure_fails("hoards-in-configure").await;
        assert_eq!(failure, Failure::Memory(sandgate_host::DEFAULT_MEMORY));
    }
}

pub(crate) mod loops_in_configure {
    use super::*;

    #[tokio::test]
    async fn is_not_prepared_and_does_not_take_for_ever() {
        let started = Instant::now();
        assert_eq!(
            configure_fails("loops-in-configure").await.kind(),
            "deadline"
        );
        assert!(started.elapsed() < Duration::from_secs(30));
    }
}

pub(crate) mod fails_at_once {
    use super::*;

    #[tokio::test]
    async fn is_found_out_before_traffic_is() {
        let error = prepare(spec("fails-at-once")).await.err().unwrap();
        let message = error.to_string();
        let PrepareError::Smoke {
            hook: Hook::PreCall,
            failure,
        } = error
        else {
            panic!("{message}")
        };
        assert_eq!(failure.kind(), "trap");
        assert!(
            message.contains("pre-call") && message.contains("crashed: panic"),
            "{message}"
        );
    }
}

pub(crate) mod imports_the_unknown {
    use super::*;

    #[tokio::test]
    async fn is_told_what_is_missing() {
        let error = prepare(spec("imports-the-unknown")).await.err().unwrap();
        assert!(
            matches!(&error, PrepareError::Link(why) if why.contains("acme:telepathy/minds@1.2.0")),
            "{error}"
        );
    }
}

pub(crate) mod peeks_in_configure {
    use super::*;

    #[tokio::test]
    async fn sees_nothing_there_that_it_sees_in_a_run() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("rule"), "one").unwrap();
        let dir = cap_std::fs::Dir::open_ambient_dir(folder.path(), cap_std::ambient_authority())
            .unwrap();
        let mut spec = spec("peeks-in-configure");
        spec.grants = Grants {
            state: true,
            http: vec!["127.0.0.1:1".into()],
            dirs: vec![DirGrant {
                guest: "/rules".into(),
                dir: Arc::new(dir),
                access: sandgate_host::Access::Rw,
            }],
            env: vec![("SECRET".into(), CANARY.into())],
        };
        let plugin = prepare(spec).await.unwrap();
        let (one, two) = (
            answer(&plugin, json!({})).await,
            answer(&plugin, json!({})).await,
        );
        let mut configure = one["configure"].clone();
        assert_eq!(configure["random"], two["configure"]["random"]);
        configure["random"].take();
        assert_eq!(
            configure,
            json!({
                "state": "Err(Failure::Denied)", "http": "Some(ErrorCode::HttpRequestDenied)", "dirs": 0,
                "env": [], "args": 0, "time": 0, "ticks": false, "random": null, "lookup": false,
            })
        );

        let run = &one["run"];
        assert_eq!(run["state"], "Ok(1)", "the smoke call left nothing");
        assert_eq!(two["run"]["state"], "Ok(2)");
        assert!(
            run["http"].as_str().unwrap().contains("ConnectionRefused"),
            "{run}"
        );
        assert_eq!(run["dirs"], 1);
        assert_eq!(run["env"], json!([["SECRET", CANARY]]));
        assert_eq!((&run["args"], &run["lookup"]), (&json!(0), &json!(false)));
        assert!(
            run["time"].as_u64().unwrap() > 1_700_000_000 && run["ticks"] == true,
            "{run}"
        );
        assert_ne!(run["random"], two["run"]["random"]);
    }
}

/// A plugin whose settings have this schema, and settings that are an empty object.
async fn with_schema(schema: serde_json::Value) -> Option<PrepareError> {
    let hook = r#"(component (instance $hook) (export "sandgate:interceptor/pre-call@0.1.0" (instance $hook)))"#;
    let mut component = wat::parse_str(hook).unwrap();
    let manifest = json!({
        "name": "a", "version": "1.0.0", "settings": schema,
        "hooks": { "pre-call": { "type": "mutation", "events": ["*"] } },
    });
    sandgate_embed::embed(&mut component, &manifest.to_string());
    prepare(crate::stand::spec_of(component.leak())).await.err()
}

#[tokio::test]
async fn a_schema_elsewhere_is_never_fetched() {
    let server = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/schema.json", server.local_addr().unwrap());
    for schema in [
        json!({ "$ref": url }),
        json!({ "properties": { "a": { "$ref": "file:///etc/passwd" } } }),
        json!({ "$schema": url }),
    ] {
        let error = with_schema(schema.clone()).await.unwrap();
        assert!(
            matches!(error, PrepareError::Schema(_)),
            "{schema}: {error}"
        );
    }
    let reached = tokio::time::timeout(Duration::from_millis(50), server.accept());
    assert!(reached.await.is_err(), "somebody asked for it");
}

#[tokio::test]
async fn a_schema_that_doubles_at_every_step_is_refused() {
    let mut defs = serde_json::Map::new();
    for n in 0..40 {
        let next = json!({ "$ref": format!("#/$defs/d{}", n + 1) });
        defs.insert(format!("d{n}"), json!({ "allOf": [next, next] }));
    }
    defs.insert("d40".into(), json!({ "type": "object" }));
    let error = with_schema(json!({ "$ref": "#/$defs/d0", "$defs": defs }))
        .await
        .unwrap();
    assert!(
        matches!(&error, PrepareError::Schema(why) if why.contains("too much work")),
        "{error}"
    );
}

#[tokio::test]
async fn a_schema_that_only_refers_to_itself_does_no_harm() {
    for schema in [
        json!({ "allOf": [{ "$ref": "#" }] }),
        json!({
            "$ref": "#/$defs/a",
            "$defs": { "a": { "$ref": "#/$defs/b" }, "b": { "anyOf": [{ "$ref": "#/$defs/a" }] } },
        }),
    ] {
        // It goes on to the next trouble, which is that this component has nothing but a hook's name.
        let error = with_schema(schema.clone()).await.unwrap();
        assert!(matches!(error, PrepareError::Link(_)), "{schema}: {error}");
    }
}

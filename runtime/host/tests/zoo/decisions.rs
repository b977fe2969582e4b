//! Guests that decide: what comes back is what they said, or a failure where it makes no sense.

use sandgate_message::{
    Edit, EditError, Failure, Hook, HookRequest, Interceptor, Json, Limits, Part, PostDecision,
    PreDecision, Role, apply,
};
use serde_json::{Value, json};
use std::sync::Arc;

use crate::stand::{answer, failure, plugin, post, pre, prepare, run, spec};

pub(crate) mod noop {
    use super::*;

    #[tokio::test]
    async fn proceeds_in_both_hooks() {
        let plugin = plugin("noop").await;
        assert_eq!(
            pre(&plugin, json!({ "name": "lookup" })).await,
            Ok(PreDecision::Proceed)
        );
        assert_eq!(
            post(&plugin, json!({ "content": [] })).await,
            Ok(PostDecision::Proceed)
        );
    }

    #[tokio::test]
    async fn is_described_by_its_manifest() {
        let plugin = plugin("noop").await;
        let described = plugin.plugin();
        assert_eq!(
            (described.name.as_str(), described.version.as_str()),
            ("noop", "0.1.0")
        );
        let any = || vec!["*".to_owned()];
        let hooks = [
            (Hook::PreCall, Role::Validation, any()),
            (Hook::PostCall, Role::Validation, any()),
        ];
        assert_eq!(described.hooks, hooks);
        assert!(described.digest.starts_with("sha256:"));
    }
}

pub(crate) mod returns_nonsense {
    use super::*;

    #[tokio::test]
    async fn is_a_malfunction_whatever_the_nonsense() {
        let plugin = plugin("returns-nonsense").await;
        for (nonsense, says) in [
            ("broken", "invalid JSON"),
            ("duplicate-keys", "duplicate key"),
            ("lone-surrogate", "lone surrogate"),
            ("deep", "nested deeper"),
            ("two-documents", "invalid JSON"),
            ("answer", "answer"),
            ("details", "refusal's details"),
            ("finding", "finding's details"),
        ] {
            match failure(&plugin, run(json!({ "misbehave": nonsense }))).await {
                Failure::Malformed(why) => {
                    assert!(why.contains(says), "{nonsense}: {why}");
                    assert!(!why.contains("delete"), "it is not repeated: {why}");
                }
                other => panic!("{nonsense}: {other:?}"),
            }
        }
    }
}

/// What the edits come to where they are put into effect.
async fn applied(guest: &str, params: Value) -> EditError {
    let plugin = plugin(guest).await;
    let Ok(PreDecision::Edit(edits)) = pre(&plugin, params.clone()).await else {
        panic!("no edits")
    };
    apply(&Json::of(&params).unwrap(), &edits, &Limits::default()).unwrap_err()
}

pub(crate) mod edits_what_is_not_there {
    use super::*;

    #[tokio::test]
    async fn is_refused_when_it_is_applied() {
        let error = applied("edits-what-is-not-there", json!({ "misbehave": true })).await;
        assert!(matches!(error, EditError::Missing { .. }), "{error}");
        let error = applied("edits-what-is-not-there", json!({ "misbehave": "text" })).await;
        assert!(matches!(error, EditError::Text { text: 99, .. }), "{error}");
    }
}

pub(crate) mod edits_overlapping {
    use super::*;

    #[tokio::test]
    async fn is_refused_when_it_is_applied() {
        let error = applied("edits-overlapping", json!({ "misbehave": { "within": 1 } })).await;
        assert!(matches!(error, EditError::Overlap { .. }), "{error}");
    }
}

pub(crate) mod edits_below_a_missing_parent {
    use super::*;

    #[tokio::test]
    async fn is_refused_when_it_is_applied() {
        let error = applied("edits-below-a-missing-parent", json!({ "misbehave": true })).await;
        assert!(matches!(error, EditError::Missing { .. }), "{error}");
    }
}

pub(crate) mod validator_that_edits {
    use super::*;

    /// Whether a hook may change something is the pipeline's to judge; here the two must be there to be compared.
    #[tokio::test]
    async fn is_known_as_a_validator_and_its_edits_as_edits() {
        let plugin = plugin("validator-that-edits").await;
        assert_eq!(plugin.plugin().hooks[0].1, Role::Validation);
        let decision = pre(&plugin, json!({ "misbehave": true })).await;
        assert!(matches!(decision, Ok(PreDecision::Edit(edits)) if edits.len() == 1));
    }
}

pub(crate) mod carries {
    use super::*;

    #[tokio::test]
    async fn a_note_from_its_pre_call_to_its_post_call() {
        let plugin = plugin("carries").await;
        let outcome = plugin.pre_call(run(json!({ "note": 1 }))).await;
        let reply = HookRequest {
            carried: outcome.carry,
            ..run(json!({}))
        };
        let Ok(PostDecision::Replace(note)) = plugin.post_call(reply).await.decision else {
            panic!("no note")
        };
        assert_eq!(note.as_str(), r#"{"note":1}"#);
        assert_eq!(
            post(&plugin, json!({})).await,
            Ok(PostDecision::Proceed),
            "no note, none found"
        );
    }
}

pub(crate) mod mirrors_context {
    use super::*;

    #[tokio::test]
    async fn shows_nothing_that_the_gateway_does_not_know() {
        let plugin = plugin("mirrors-context").await;
        let seen = answer(&plugin, json!({ "a": 1 })).await;
        for unknown in [
            "session",
            "principal",
            "definition",
            "params",
            "client.name",
            "unknown",
        ] {
            assert_eq!(seen[unknown], Value::Null, "{unknown}");
        }
        assert_eq!(seen["groups"], "[]");
        assert_eq!(seen["failed"], false);
    }

    #[tokio::test]
    async fn shows_all_that_it_does() {
        let plugin = plugin("mirrors-context").await;
        let mut asked = run(json!({ "code": -32000 }));
        let call = Arc::make_mut(&mut asked.call);
        call.session = Some("pseudonym".into());
        call.principal = Some("ann".into());
        call.groups = Arc::new(["staff".to_owned(), "eu\"".to_owned()]);
        call.definition = Some(Json::of(&json!({ "name": "lookup" })).unwrap());
        call.attributes = Arc::new([("client.name".to_owned(), "inspector".to_owned())]);
        asked.sent = Some(Json::of(&json!({ "sent": true })).unwrap());
        asked.failed = true;
        let Ok(PostDecision::Replace(seen)) = plugin.post_call(asked).await.decision else {
            panic!("no mirror")
        };
        let mut seen: Value = seen.to().unwrap();
        let left = seen["remaining-us"].take().as_u64().unwrap();
        assert!(left > 0 && left <= 20_000_000, "{left}");
        assert_eq!(
            seen,
            json!({
                "id": "call-1", "method": "tools/call", "direction": "client-to-server", "server": "crm",
                "target": "lookup", "session": "pseudonym", "principal": "ann", "definition": r#"{"name":"lookup"}"#,
                "params": r#"{"sent":true}"#, "failed": true, "remaining-us": null, "groups": r#"["staff","eu\""]"#,
                "client.name": "inspector", "unknown": null, "document": r#"{"code":-32000}"#,
            })
        );
    }
}

pub(crate) mod touches_everything {
    use super::*;

    #[tokio::test]
    async fn finds_everything_there() {
        let mut spec = spec("touches-everything");
        spec.grants.state = true;
        everything_is_there(&prepare(spec).await.unwrap()).await;
    }
}

/// Every function of the contract answers, and every decision arrives.
pub(crate) async fn everything_is_there(plugin: &sandgate_host::Plugin) {
    let known = |params: Value| {
        let mut run = run(params);
        let call = Arc::make_mut(&mut run.call);
        call.session = Some("pseudonym".into());
        call.principal = Some("ann".into());
        call.definition = Some(Json::of(&json!({})).unwrap());
        run
    };
    let outcome = plugin.pre_call(known(json!({ "name": "answer" }))).await;
    // All but the params as sent (i), which a pre-call has none of.
    assert_eq!(crate::stand::answered(outcome.decision), "abcdefghjklmnopq");
    let finding = &outcome.findings[0];
    assert_eq!(
        (finding.rule.as_str(), finding.part),
        ("touches-everything", Part::Params)
    );
    assert_eq!(finding.details.as_ref().unwrap().as_str(), r#"{"n": 1}"#);

    let reply = HookRequest {
        sent: Some(Json::of(&json!({ "name": "answer" })).unwrap()),
        carried: outcome.carry,
        ..known(json!({ "content": [{ "type": "text", "text": "hello" }] }))
    };
    let Ok(PostDecision::Replace(said)) = plugin.post_call(reply).await.decision else {
        panic!("no reply")
    };
    assert_eq!(said.as_str(), "\"abcdefghijklmnopq\"");

    let edits = vec![
        Edit::Set("/added".into(), "true".into()),
        Edit::Remove("/arguments/gone".into()),
        Edit::Text(0, "changed".into()),
    ];
    assert_eq!(
        pre(plugin, json!({ "name": "edit" })).await,
        Ok(PreDecision::Edit(edits))
    );
    let replaced = pre(plugin, json!({ "name": "replace" })).await;
    assert!(
        matches!(replaced, Ok(PreDecision::Replace(json)) if json.as_str() == r#"{"replaced": true}"#)
    );
    let Ok(PreDecision::Refuse(refusal)) = pre(plugin, json!({ "name": "refuse" })).await else {
        panic!("no refusal")
    };
    assert_eq!(
        (refusal.code.as_str(), refusal.message.as_str()),
        ("touched", "on request")
    );
    assert_eq!(refusal.pointer.as_deref(), Some("/name"));
    assert_eq!(
        pre(plugin, json!({ "name": "fail" })).await,
        Err(Failure::Own {
            kind: "Touched".into(),
            frames: vec!["touches-everything.rs in handle".into()],
            detail: String::new(),
        })
    );
}

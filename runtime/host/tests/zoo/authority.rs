//! State and environment: what was asked for and given, and nothing else.

use std::time::Duration;

use sandgate_host::{Grants, PrepareError, State, StateQuota};
use sandgate_message::{HookRequest, Interceptor, PreDecision};
use serde_json::{Value, json};

use crate::stand::{answer, answered, host, host_with, pre, prepare, run, spec};

pub(crate) mod counter {
    use super::*;

    fn granted(interceptor: &str) -> sandgate_host::Spec {
        let mut spec = spec("counter");
        spec.interceptor = interceptor.into();
        spec.grants.state = true;
        spec
    }

    fn increment(key: &str) -> Value {
        json!({ "op": "increment", "key": key })
    }

    #[tokio::test]
    async fn counts_from_call_to_call() {
        let plugin = prepare(granted("limit")).await.unwrap();
        for n in 1..=3 {
            assert_eq!(answer(&plugin, increment("calls")).await, n);
        }
    }

    #[tokio::test]
    async fn is_denied_without_the_grant_and_says_that_it_was_withheld() {
        let plugin = prepare(spec("counter")).await.unwrap();
        assert_eq!(plugin.withheld()[0].what, "state");
        for op in ["get", "set", "delete", "increment", "compare-and-set"] {
            assert_eq!(
                answer(&plugin, json!({ "op": op, "key": "k" })).await,
                "Failure::Denied",
                "{op}"
            );
        }
    }

    #[tokio::test]
    async fn counts_for_its_own_interceptor_only() {
        let host = host();
        let one = host.prepare(granted("one")).await.unwrap();
        let two = host.prepare(granted("two")).await.unwrap();
        assert_eq!(answer(&one, increment("calls")).await, 1);
        assert_eq!(answer(&two, increment("calls")).await, 1);
        assert_eq!(answer(&one, increment("calls")).await, 2);
    }

    #[tokio::test]
    async fn goes_on_counting_when_it_is_prepared_anew() {
        let host = host();
        let old = host.prepare(granted("limit")).await.unwrap();
        assert_eq!(answer(&old, increment("calls")).await, 1);
        let new = host.prepare(granted("limit")).await.unwrap();
        assert_eq!(answer(&new, increment("calls")).await, 2);
        assert_eq!(
            answer(&old, increment("calls")).await,
            3,
            "a call that entered before the reload"
        );
    }

    #[tokio::test]
    async fn leaves_no_mark_in_a_shadow() {
        let plugin = prepare(granted("limit")).await.unwrap();
        let shadow = || HookRequest {
            shadow: true,
            ..run(increment("calls"))
        };
        assert_eq!(answered(plugin.pre_call(shadow()).await.decision), 1);
        assert_eq!(
            answered(plugin.pre_call(shadow()).await.decision),
            2,
            "a state of its own"
        );
        assert_eq!(answer(&plugin, increment("calls")).await, 1);
    }

    #[tokio::test]
    async fn starts_again_when_its_window_is_over() {
        let plugin = prepare(granted("limit")).await.unwrap();
        let order = json!({ "op": "increment", "key": "window", "ttl-ms": 150 });
        assert_eq!(answer(&plugin, order.clone()).await, 1);
        assert_eq!(answer(&plugin, order.clone()).await, 2);
        tokio::time::sleep(Duration::from_millis(160)).await;
        assert_eq!(answer(&plugin, order).await, 1);
    }

    #[tokio::test]
    async fn sets_only_where_what_it_expects_still_stands() {
        let plugin = prepare(granted("limit")).await.unwrap();
        let order = |expected: Value, value| json!({ "op": "compare-and-set", "key": "k", "expected": expected, "value": value });
        assert_eq!(answer(&plugin, order(json!("a"), "b")).await, false);
        assert_eq!(answer(&plugin, order(Value::Null, "a")).await, true);
        assert_eq!(answer(&plugin, order(json!("a"), "b")).await, true);
        assert_eq!(
            answer(&plugin, json!({ "op": "get", "key": "k" })).await,
            "b"
        );
        assert_eq!(
            answer(&plugin, json!({ "op": "delete", "key": "k" })).await,
            true
        );
        assert_eq!(
            answer(&plugin, json!({ "op": "get", "key": "k" })).await,
            Value::Null
        );
    }

    #[tokio::test]
    async fn meets_its_quota_alone() {
        let quota = StateQuota {
            bytes: 64 << 10,
            ..StateQuota::default()
        };
        let host = host_with(None, State::in_memory(quota));
        let greedy = host.prepare(granted("greedy")).await.unwrap();
        let modest = host.prepare(granted("modest")).await.unwrap();
        assert_eq!(
            answer(&greedy, json!({ "op": "fill" })).await,
            "Failure::Quota"
        );
        assert_eq!(answer(&modest, increment("calls")).await, 1);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn loses_no_count_where_many_count_at_once() {
        let plugin = std::sync::Arc::new(prepare(granted("limit")).await.unwrap());
        let mut runs = tokio::task::JoinSet::new();
        for _ in 0..200 {
            let plugin = plugin.clone();
            runs.spawn(async move {
                plugin
                    .pre_call(run(increment("calls")))
                    .await
                    .decision
                    .unwrap()
            });
        }
        runs.join_all().await;
        assert_eq!(answer(&plugin, increment("calls")).await, 201);
    }
}

pub(crate) mod reads_env {
    use super::*;

    #[tokio::test]
    async fn sees_what_was_asked_for_and_given() {
        let mut spec = spec("reads-env");
        spec.grants.env = vec![("REGION".into(), "eu".into())];
        let plugin = prepare(spec).await.unwrap();
        assert_eq!(
            answer(&plugin, json!({ "misbehave": true })).await,
            json!({ "REGION": "eu" })
        );
        assert_eq!(plugin.withheld()[0].what, "env TOKEN");
    }

    #[tokio::test]
    async fn sees_nothing_of_the_gateways_own() {
        let plugin = prepare(spec("reads-env")).await.unwrap();
        assert_eq!(
            answer(&plugin, json!({ "misbehave": true })).await,
            json!({})
        );
    }

    #[tokio::test]
    async fn cannot_be_given_what_it_does_not_ask_for() {
        let mut spec = spec("reads-env");
        spec.grants.env = vec![("HOME".into(), "/home/ann".into())];
        let error = prepare(spec).await.err().unwrap().to_string();
        assert_eq!(
            error,
            "grants.env: the plugin does not ask for HOME; it asks for REGION, TOKEN"
        );
    }
}

#[tokio::test]
async fn what_is_given_and_not_asked_for_is_refused_whatever_it_is() {
    let grants = [
        Grants {
            state: true,
            ..Grants::default()
        },
        Grants {
            http: vec!["api.example.com".into()],
            ..Grants::default()
        },
        Grants {
            env: vec![("REGION".into(), "eu".into())],
            ..Grants::default()
        },
    ];
    for grants in grants {
        let mut spec = spec("noop");
        spec.grants = grants;
        let error = prepare(spec).await.err().unwrap();
        assert!(matches!(error, PrepareError::Grants(_)), "{error}");
    }
}

pub(crate) mod refuses_every_third {
    use super::*;

    #[tokio::test]
    async fn by_what_it_counted() {
        let mut spec = spec("refuses-every-third");
        spec.grants.state = true;
        let plugin = prepare(spec).await.unwrap();
        for n in 1..=6 {
            match pre(&plugin, json!({})).await.unwrap() {
                PreDecision::Proceed => assert_ne!(n % 3, 0),
                PreDecision::Refuse(refusal) => {
                    let code = refusal.code;
                    assert!(
                        n % 3 == 0 && code.starts_with(&format!("third.n{n}.r")),
                        "{code}"
                    );
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

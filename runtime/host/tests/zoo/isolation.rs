//! Guests that try to remember.

use sandgate_message::Interceptor;
use serde_json::json;

use crate::stand::{answer, answered, by, plugin, run};

pub(crate) mod keeps_state {
    use super::*;

    #[tokio::test]
    async fn finds_nothing_of_the_last_call_in_the_next_one() {
        let plugin = plugin("keeps-state").await;
        for n in 0..200 {
            let caller = ["ann", "bob"][n % 2];
            let run = by(
                caller,
                run(json!({ "secret": format!("of {caller}, number {n}") })),
            );
            let said = answered(plugin.pre_call(run).await.decision);
            assert_eq!(said, json!({ "asked": 1, "last": null }));
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn finds_nothing_of_calls_beside_it_either() {
        let plugin = std::sync::Arc::new(plugin("keeps-state").await);
        let mut runs = tokio::task::JoinSet::new();
        for n in 0..200 {
            let plugin = plugin.clone();
            let run = by(&n.to_string(), run(json!({ "secret": n })));
            runs.spawn(async move { answered(plugin.pre_call(run).await.decision) });
        }
        for said in runs.join_all().await {
            assert_eq!(said, json!({ "asked": 1, "last": null }));
        }
    }
}

pub(crate) mod remembers_randomness {
    use super::*;

    #[tokio::test]
    async fn of_its_configure_but_draws_anew_in_every_run() {
        let plugin = plugin("remembers-randomness").await;
        let (one, two) = (
            answer(&plugin, json!({})).await,
            answer(&plugin, json!({})).await,
        );
        for same in ["configured", "configured-map"] {
            assert_eq!(one[same], two[same], "{same}");
        }
        for anew in ["run", "run-again", "wasi", "wasi-insecure-seed"] {
            assert_ne!(one[anew], two[anew], "{anew}");
        }
        assert_ne!(one["run"], one["run-again"]);
    }

    #[tokio::test]
    async fn is_the_same_in_every_configure() {
        let (one, two) = (
            plugin("remembers-randomness").await,
            plugin("remembers-randomness").await,
        );
        assert_eq!(
            answer(&one, json!({})).await["configured"],
            answer(&two, json!({})).await["configured"]
        );
    }
}

pub(crate) mod holds_on_in_configure {
    use super::*;

    #[tokio::test]
    async fn is_configured_anew_for_every_run() {
        let plugin = plugin("holds-on-in-configure").await;
        assert_eq!(
            plugin.configured_each_time(),
            Some("configure leaves WASI resources open")
        );
        for _ in 0..3 {
            let said = answer(&plugin, json!({})).await;
            assert_eq!(said, json!({ "runs": 1, "held": "since configure" }));
        }
    }
}

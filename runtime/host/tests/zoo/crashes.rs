//! Guests that crash, or are refused what they ask for.

use sandgate_host::PrepareError;
use sandgate_message::{Failure, Interceptor};
use serde_json::json;

use crate::stand::{Log, failure, plugin, prepare, run, spec, works};

const CANARY: &str = "canary-5105105105105100";

pub(crate) mod hoards {
    use super::*;

    #[tokio::test]
    async fn ends_at_the_memory_it_is_given() {
        let mut spec = spec("hoards");
        spec.memory = Some(16 << 20);
        let plugin = prepare(spec).await.unwrap();
        let failure = failure(&plugin, run(json!({ "misbehave": true }))).await;
        assert_eq!(failure, Failure::Memory(16 << 20));
    }

    #[tokio::test]
    async fn cannot_be_given_more_than_there_is() {
        let mut spec = spec("hoards");
        spec.memory = Some(sandgate_host::MAX_MEMORY + 1);
        let error = prepare(spec).await.err().unwrap();
        assert!(matches!(error, PrepareError::Memory), "{error}");
    }
}

pub(crate) mod hoards_tables {
    use super::*;

    #[tokio::test]
    async fn ends_at_the_table_it_may_have() {
        let plugin = plugin("hoards-tables").await;
        let failure = failure(&plugin, run(json!({ "misbehave": true }))).await;
        assert_eq!(failure, Failure::Quota("table entries"));
    }
}

pub(crate) mod hoards_handles {
    use super::*;

    #[tokio::test]
    async fn ends_at_the_handles_it_may_hold() {
        let plugin = plugin("hoards-handles").await;
        let failure = failure(&plugin, run(json!({ "misbehave": true }))).await;
        assert_eq!(failure, Failure::Quota("handles"));
    }
}

pub(crate) mod recurses {
    use super::*;

    #[tokio::test]
    async fn ends_at_its_own_stack() {
        let plugin = plugin("recurses").await;
        let Failure::Trap { reason, frames, .. } =
            failure(&plugin, run(json!({ "misbehave": true }))).await
        else {
            panic!("no trap")
        };
        assert!(reason.contains("call stack exhausted"), "{reason}");
        assert_eq!(frames, ["in recurses::deeper"], "one line however deep");
    }
}

pub(crate) mod traps {
    use super::*;

    #[tokio::test]
    async fn ends_as_a_crash() {
        let plugin = plugin("traps").await;
        let Failure::Trap {
            reason,
            frames,
            detail,
        } = failure(&plugin, run(json!({ "misbehave": true }))).await
        else {
            panic!("no trap")
        };
        assert!(reason.contains("unreachable"), "{reason}");
        let way = frames.join("\n");
        assert!(way.contains("pre-call"), "the way there: {way}");
        assert_eq!(detail, "");
    }
}

pub(crate) mod panics {
    use super::*;

    #[tokio::test]
    async fn ends_as_a_crash_that_repeats_nothing_of_the_payload() {
        let (log, _guard) = Log::start();
        let plugin = plugin("panics").await;
        let failure = failure(&plugin, run(json!({ "misbehave": CANARY }))).await;
        assert_eq!(failure.kind(), "trap");
        assert!(!format!("{failure} {failure:?}").contains(CANARY));
        assert!(log.text().contains("crashed"));
        assert!(!log.everything().contains(CANARY));
    }

    #[tokio::test]
    async fn says_its_last_words_where_the_operator_wants_them() {
        let mut spec = spec("panics");
        spec.fault_detail = true;
        let plugin = prepare(spec).await.unwrap();
        let Failure::Trap {
            reason,
            frames,
            detail,
        } = failure(&plugin, run(json!({ "misbehave": CANARY }))).await
        else {
            panic!("no trap")
        };
        assert_eq!(reason, "panic");
        assert_eq!(frames[0], "tests/guests/zoo/guests/panics.rs:3");
        assert!(
            detail.contains("I cannot stand") && detail.contains(CANARY),
            "{detail}"
        );
    }
}

pub(crate) mod exits {
    use super::*;

    #[tokio::test]
    async fn ends_as_a_crash_even_if_it_says_that_all_is_well() {
        let plugin = plugin("exits").await;
        let Failure::Trap { reason, .. } =
            failure(&plugin, run(json!({ "misbehave": true }))).await
        else {
            panic!("no trap")
        };
        assert!(reason.to_lowercase().contains("exit"), "{reason}");
    }
}

pub(crate) mod own_error {
    use super::*;

    #[tokio::test]
    async fn is_a_failure_whose_text_is_withheld() {
        let (log, _guard) = Log::start();
        let plugin = plugin("own-error").await;
        let failure = failure(&plugin, run(json!({ "misbehave": CANARY }))).await;
        let own = Failure::Own {
            kind: "Error".into(),
            frames: vec!["tests/guests/zoo/guests/own-error.rs:3".into()],
            detail: String::new(),
        };
        assert_eq!(failure, own);
        let logged = log.everything();
        assert!(
            logged.contains("at tests/guests/zoo/guests/own-error.rs:3"),
            "{logged}"
        );
        assert!(!log.everything().contains(CANARY));
    }

    #[tokio::test]
    async fn is_told_where_the_operator_wants_it_and_never_in_the_message() {
        let mut spec = spec("own-error");
        spec.fault_detail = true;
        let plugin = prepare(spec).await.unwrap();
        let failure = failure(&plugin, run(json!({ "misbehave": CANARY }))).await;
        assert!(
            matches!(&failure, Failure::Own { detail, .. } if detail.contains(CANARY)),
            "{failure:?}"
        );
        assert!(!failure.to_string().contains(CANARY));
    }
}

/// Every way to crash, one after another on one host: the pool's slots are as good as new.
#[tokio::test]
async fn a_host_outlives_a_hundred_crashes() {
    let host = crate::stand::host();
    let mut plugins = Vec::new();
    for guest in [
        "hoards",
        "hoards-tables",
        "recurses",
        "traps",
        "panics",
        "exits",
    ] {
        let mut spec = spec(guest);
        spec.memory = Some(4 << 20);
        plugins.push(host.prepare(spec).await.unwrap());
    }
    for _ in 0..100 / plugins.len() + 1 {
        for plugin in &plugins {
            let outcome = plugin.pre_call(run(json!({ "misbehave": true }))).await;
            assert!(outcome.decision.is_err());
        }
    }
    for plugin in &plugins {
        works(plugin).await;
    }
}

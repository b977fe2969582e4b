//! Guests that do not come to an end by themselves.

use std::time::{Duration, Instant};

use sandgate_message::{Failure, Interceptor, PreDecision};
use serde_json::json;

use crate::stand::{by, failure, host, plugin, prepare, run, spec, within, works};

const SHORT: Duration = Duration::from_millis(50);
/// A guest is stopped within a tick or two of its deadline; the rest is for a machine that has other things to do.
const LATE: Duration = Duration::from_millis(450);

/// The run was stopped at this timeout. The frames where it computed are returned.
#[track_caller]
fn assert_deadline(decision: &Result<PreDecision, Failure>, timeout: Duration) -> &[String] {
    let Err(Failure::Deadline { limit, frames }) = decision else {
        panic!("{decision:?}");
    };
    assert_eq!(*limit, timeout);
    frames
}

async fn is_stopped_at_its_deadline(guest: &str) {
    let plugin = plugin(guest).await;
    let started = Instant::now();
    let failure = failure(&plugin, within(SHORT, json!({ "misbehave": true }))).await;
    let took = started.elapsed();
    assert_deadline(&Err(failure), SHORT);
    assert!(took >= SHORT && took < SHORT + LATE, "{took:?}");
}

pub(crate) mod loops {
    use super::*;

    #[tokio::test]
    async fn is_stopped_at_its_deadline() {
        super::is_stopped_at_its_deadline("loops").await;
    }

    /// On a runtime of one thread: the guest has to let go of it.
    #[tokio::test]
    async fn lets_timers_and_others_have_the_thread() {
        let plugin = plugin("loops").await;
        let run = plugin.pre_call(within(
            Duration::from_millis(500),
            json!({ "misbehave": 1 }),
        ));
        let other = async {
            let started = Instant::now();
            tokio::time::sleep(Duration::from_millis(10)).await;
            started.elapsed()
        };
        let (outcome, slept) = tokio::join!(run, other);
        assert_eq!(outcome.decision.unwrap_err().kind(), "deadline");
        assert!(slept < Duration::from_millis(250), "{slept:?}");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn costs_its_caller_a_place_and_nobody_else() {
        let mut spec = spec("loops");
        spec.concurrency = Some(1);
        let plugin = std::sync::Arc::new(prepare(spec).await.unwrap());
        let (looping, long) = (plugin.clone(), Duration::from_secs(2));
        let first = tokio::spawn(async move {
            let run = by("mallory", within(long, json!({ "misbehave": true })));
            looping.pre_call(run).await.decision
        });
        tokio::time::sleep(SHORT).await;
        let mut second = by("mallory", within(SHORT, json!({})));
        second.deadline = Instant::now() + SHORT;
        let second = plugin.pre_call(second).await;
        let no_place = Failure::Overload("one of its caller's places");
        assert_eq!(second.decision, Err(no_place));
        let other = plugin
            .pre_call(by("ann", within(SHORT * 10, json!({}))))
            .await;
        assert!(other.decision.is_ok(), "{other:?}");
        let frames = assert_deadline(&first.await.unwrap(), long).to_vec();
        assert!(frames[0].contains("pre-call"), "{frames:?}");
        works(&plugin).await;
    }

    #[tokio::test]
    async fn is_stopped_even_when_its_host_is_gone() {
        let host = host();
        let plugin = host.prepare(spec("loops")).await.unwrap();
        drop(host);
        let run = plugin.pre_call(within(SHORT, json!({ "misbehave": true })));
        let outcome = tokio::time::timeout(Duration::from_secs(5), run)
            .await
            .unwrap();
        assert_deadline(&outcome.decision, SHORT);
    }

    /// The clock stands still while no guest can run.
    #[tokio::test]
    async fn is_stopped_at_its_deadline_on_the_first_call_after_idling() {
        let plugin = plugin("loops").await;
        for pause in [11, 40, 100, 300] {
            tokio::time::sleep(Duration::from_millis(pause)).await;
            let started = Instant::now();
            let run = plugin.pre_call(within(SHORT, json!({ "misbehave": true })));
            let outcome = tokio::time::timeout(Duration::from_secs(20), run)
                .await
                .unwrap();
            assert_deadline(&outcome.decision, SHORT);
            assert!(started.elapsed() >= SHORT);
        }
    }

    #[tokio::test]
    async fn is_given_up_where_others_have_the_processor_for_too_long() {
        let plugin = plugin("loops").await;
        let mut run = within(Duration::from_secs(60), json!({ "misbehave": true }));
        run.deadline = Instant::now() + SHORT;
        let outcome = plugin.pre_call(run).await;
        assert_eq!(outcome.decision, Err(Failure::Overload("a processor")));
        works(&plugin).await;
    }

    #[tokio::test]
    async fn ends_when_its_caller_goes_away() {
        let plugin = plugin("loops").await;
        let abandoned = plugin.pre_call(run(json!({ "misbehave": true })));
        assert!(tokio::time::timeout(SHORT, abandoned).await.is_err());
        works(&plugin).await;
    }
}

pub(crate) mod loops_slowly {

    #[tokio::test]
    async fn is_stopped_at_its_deadline() {
        super::is_stopped_at_its_deadline("loops-slowly").await;
    }
}

pub(crate) mod burns {
    use super::*;

    /// On one thread, on which all of them together take many times what one may.
    #[tokio::test]
    async fn decides_in_its_own_time_however_many_run_at_once() {
        let plugin = plugin("burns").await;
        let alone = plugin
            .pre_call(run(json!({ "misbehave": true })))
            .await
            .took;
        // Several times what it needs; a fraction of what all need.
        let timeout = (4 * alone).max(Duration::from_millis(10));
        let all = (0..64).map(|n| {
            let run = within(timeout, json!({ "misbehave": true }));
            plugin.pre_call(by(&n.to_string(), run))
        });
        let started = Instant::now();
        for outcome in futures_util::future::join_all(all).await {
            assert!(outcome.decision.is_ok(), "{outcome:?}");
        }
        let took = started.elapsed();
        assert!(took > timeout, "{took:?} is no load for {timeout:?}");
    }

    #[tokio::test]
    async fn refuses_what_is_forbidden() {
        let forbidden = json!({ "misbehave": true, "name": "forbidden" });
        let decision = crate::stand::pre(&plugin("burns").await, forbidden).await;
        assert!(matches!(decision, Ok(PreDecision::Refuse(_))));
    }
}

pub(crate) mod sleeps {

    #[tokio::test]
    async fn is_stopped_while_it_waits_in_the_host() {
        super::is_stopped_at_its_deadline("sleeps").await;
    }
}

pub(crate) mod floods_host_calls {
    use super::*;

    #[tokio::test]
    async fn is_stopped_at_its_quota() {
        let plugin = plugin("floods-host-calls").await;
        let failure = failure(&plugin, run(json!({ "misbehave": true }))).await;
        assert_eq!(failure, Failure::Quota("calls into the gateway"));
    }

    #[tokio::test]
    async fn is_stopped_at_its_deadline_where_that_comes_first() {
        let plugin = plugin("floods-host-calls").await;
        let short = Duration::from_millis(2);
        let failure = failure(&plugin, within(short, json!({ "misbehave": true }))).await;
        assert_deadline(&Err(failure), short);
    }
}

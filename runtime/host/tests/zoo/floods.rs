//! Guests that say too much.

use sandgate_message::{Failure, Interceptor, PreDecision};
use serde_json::json;

use crate::stand::{Log, failure, plugin, prepare, run, spec, works};

pub(crate) mod floods_the_log {
    use super::*;

    #[tokio::test]
    async fn is_cut_short_and_says_so() {
        let plugin = plugin("floods-the-log").await;
        let (log, _guard) = Log::start();
        let outcome = plugin.pre_call(run(json!({ "misbehave": true }))).await;
        assert_eq!(outcome.decision, Ok(PreDecision::Proceed));
        let text = log.text();
        assert!(text.len() < 64 << 10, "{} bytes", text.len());
        assert_eq!(
            text.matches("the rest of this run's log is left out")
                .count(),
            1
        );
        assert!(text.lines().last().unwrap().contains("is left out)"));
        assert!(text.contains("interceptor=\"tried\""), "whose they are");
    }

    #[tokio::test]
    async fn cannot_make_its_words_look_like_lines_of_the_gateway() {
        let plugin = plugin("floods-the-log").await;
        let (log, _guard) = Log::start();
        plugin
            .pre_call(run(json!({ "misbehave": true })))
            .await
            .decision
            .unwrap();
        let everything = log.everything();
        let forged: Vec<_> = everything
            .lines()
            .filter(|line| line.contains("forged"))
            .collect();
        assert!(
            forged.len() == 1 && forged[0].contains("innocent"),
            "{forged:?}"
        );
        assert!(!everything.contains('\x1b'));
    }
}

pub(crate) mod floods_findings {
    use super::*;

    #[tokio::test]
    async fn is_cut_short_and_says_so() {
        let plugin = plugin("floods-findings").await;
        let outcome = plugin.pre_call(run(json!({ "misbehave": true }))).await;
        assert_eq!(outcome.decision, Ok(PreDecision::Proceed));
        assert_eq!(outcome.findings.len(), 257);
        assert_eq!(outcome.findings[256].rule, "sandgate.findings-cut");
        for finding in &outcome.findings {
            let pointer = finding.pointer.as_deref().unwrap_or_default();
            for text in [&finding.rule, &finding.message, pointer] {
                assert!(text.len() <= 1100, "{} bytes", text.len());
            }
        }
    }
}

pub(crate) mod floods_stderr {
    use super::*;

    #[tokio::test]
    async fn leaves_only_its_last_words() {
        let mut spec = spec("floods-stderr");
        spec.fault_detail = true;
        let plugin = prepare(spec).await.unwrap();
        let Failure::Trap { detail, .. } =
            failure(&plugin, run(json!({ "misbehave": true }))).await
        else {
            panic!("no trap")
        };
        assert!(detail.contains("the last words"), "{detail}");
        assert!(detail.len() < 9 << 10, "{} bytes", detail.len());
    }
}

pub(crate) mod carries_too_much {
    use super::*;

    #[tokio::test]
    async fn is_stopped_at_its_quota() {
        let plugin = plugin("carries-too-much").await;
        let outcome = plugin.pre_call(run(json!({ "misbehave": true }))).await;
        assert_eq!(outcome.decision.unwrap_err().kind(), "quota");
        assert!(outcome.carry.is_none());
        works(&plugin).await;
    }
}

pub(crate) mod huge_output {
    use super::*;

    #[tokio::test]
    async fn is_over_its_quota() {
        let plugin = plugin("huge-output").await;
        for output in ["replace", "answer", "one-edit", "many-edits"] {
            let failure = failure(&plugin, run(json!({ "misbehave": output }))).await;
            assert_eq!(failure.kind(), "quota", "{output}: {failure:?}");
        }
    }

    #[tokio::test]
    async fn is_shortened_where_it_is_a_refusal() {
        let plugin = plugin("huge-output").await;
        let outcome = plugin
            .pre_call(run(json!({ "misbehave": "refusal" })))
            .await;
        let Ok(PreDecision::Refuse(refusal)) = outcome.decision else {
            panic!("no refusal: {outcome:?}")
        };
        assert!(refusal.code.len() <= 128 && refusal.code.starts_with("ccc"));
        assert!(refusal.message.len() <= 2 << 10 && refusal.message.starts_with("üüü"));
        assert_eq!(
            refusal.pointer, None,
            "a shortened pointer points elsewhere"
        );
    }

    #[tokio::test]
    async fn is_shortened_where_it_is_an_error() {
        let mut spec = spec("huge-output");
        spec.fault_detail = true;
        let plugin = prepare(spec).await.unwrap();
        let Failure::Own { detail: text, .. } =
            failure(&plugin, run(json!({ "misbehave": "error" }))).await
        else {
            panic!("no error of its own")
        };
        assert!(
            text.starts_with("eee") && text.len() < 9 << 10,
            "{} bytes",
            text.len()
        );
    }
}

pub(crate) mod amplifies {
    use super::*;

    #[tokio::test]
    async fn is_over_its_quota_before_it_is_copied() {
        let plugin = plugin("amplifies").await;
        let failure = failure(&plugin, run(json!({ "misbehave": true }))).await;
        assert_eq!(failure.kind(), "quota", "{failure:?}");
    }
}

//! Finds where two configurations, or a configuration and the live decisions, decide differently about a call.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Decided;
use crate::{Exchange, RunId, Verdict, by_run};

/// A difference between two decisions about a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The call's id.
    pub call: String,
    /// When the call came.
    pub time: String,
    /// The call's server.
    pub server: String,
    /// The call's method.
    pub method: String,
    /// The call's target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// What differs.
    pub what: What,
    /// The method of the nested message, if the difference is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    /// The hook, if an interceptor's decision or findings differ.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hook: Option<String>,
    /// The interceptor whose decision or findings differ.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interceptor: Option<String>,
    /// The value before: by the older configuration, or live.
    pub was: String,
    /// The value now.
    pub is: String,
}

/// What can differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum What {
    /// An interceptor's decision.
    Decision,
    /// The outcome of the call.
    Outcome,
    /// The document that goes on or comes back, if the decisions are the same.
    Document,
    /// What an interceptor noticed.
    Findings,
}

/// Stands for a run that did not take place.
const NONE: &str = "-";

/// Appends every difference about one call.
pub(super) fn between(
    exchange: &Exchange,
    was: &Decided,
    is: &Decided,
    findings: bool,
    differences: &mut Vec<Difference>,
) {
    let begun = differences.len();
    let mut say = |what, run: Option<&Verdict>, was: String, is: String| {
        differences.push(Difference {
            call: exchange.id.clone(),
            time: exchange.time.clone(),
            server: exchange.server.clone(),
            method: exchange.method.clone(),
            target: exchange.target.clone(),
            what,
            of: run.and_then(|run| run.of.clone()),
            hook: run.map(|run| run.hook.clone()),
            interceptor: run.map(|run| run.interceptor.clone()),
            was,
            is,
        });
    };
    let before: BTreeMap<RunId<'_>, &Verdict> = by_run(&was.verdicts).collect();
    let now: BTreeMap<RunId<'_>, &Verdict> = by_run(&is.verdicts).collect();
    let fresh = by_run(&is.verdicts).filter(|(key, _)| !before.contains_key(key));
    for (key, run) in by_run(&was.verdicts).chain(fresh) {
        let (before, now) = (before.get(&key).copied(), now.get(&key).copied());
        let (before_word, now_word) = (word(before), word(now));
        // Not to be asked and to have nothing to say are the same.
        let silent = |word: &str| word == NONE || word == "proceed";
        if before_word != now_word && !(silent(&before_word) && silent(&now_word)) {
            say(What::Decision, Some(run), before_word, now_word);
        }
        if findings {
            let (before, now) = (noticed(before), noticed(now));
            if before != now {
                say(What::Findings, Some(run), before, now);
            }
        }
    }
    let (before, now) = (outcome(&was.became), outcome(&is.became));
    if before != now {
        say(What::Outcome, None, before.into(), now.into());
    }
    if let (Some(before), Some(now)) = (&was.documents, &is.documents)
        && before != now
        && differences.len() == begun
    {
        let part = match before[0] == now[0] {
            true => "what comes back",
            false => "what goes on",
        };
        differences.push(Difference {
            call: exchange.id.clone(),
            time: exchange.time.clone(),
            server: exchange.server.clone(),
            method: exchange.method.clone(),
            target: exchange.target.clone(),
            what: What::Document,
            of: None,
            hook: None,
            interceptor: None,
            was: part.into(),
            is: "another".into(),
        });
    }
}

/// The outcome as it is compared. Whether the server could be reached is not a decision.
fn outcome(became: &str) -> &str {
    match became {
        "failed" | "overloaded" | "cancelled" => "forwarded",
        other => other,
    }
}

/// A run's decision, and whether it took effect.
fn word(run: Option<&Verdict>) -> String {
    let Some(run) = run else {
        return NONE.into();
    };
    let word = run.word();
    match (run.decision.as_str(), run.audit, run.applied) {
        ("proceed", ..) | (_, false, true) => word,
        (_, true, _) => format!("{word}, in audit"),
        (_, false, false) => format!("{word}, not applied"),
    }
}

fn noticed(run: Option<&Verdict>) -> String {
    let mut findings: Vec<String> = run
        .map(|run| &run.findings)
        .into_iter()
        .flatten()
        .map(|finding| match &finding.pointer {
            Some(pointer) => format!("{} at {pointer}", finding.rule),
            None => finding.rule.clone(),
        })
        .collect();
    findings.sort();
    match findings.is_empty() {
        true => NONE.into(),
        false => findings.join(", "),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::Noticed;

    fn exchange() -> Exchange {
        serde_json::from_str(
            r#"{"id":"0a","time":"2026-01-01T00:00:00.000000Z","era":"modern","direction":"client-to-server","server":"crm","method":"tools/call","target":"lookup","params":{},"became":"forwarded","trail":[]}"#,
        )
        .unwrap()
    }

    fn run(interceptor: &str, decision: &str, code: Option<&str>) -> Verdict {
        Verdict {
            of: None,
            interceptor: interceptor.into(),
            digest: String::new(),
            hook: "pre-call".into(),
            audit: false,
            decision: decision.into(),
            applied: true,
            code: code.map(Into::into),
            failure: None,
            findings: Vec::new(),
        }
    }

    fn decided(verdicts: &[Verdict], became: &str) -> Decided {
        Decided {
            verdicts: verdicts.to_vec(),
            became: became.into(),
            documents: None,
        }
    }

    fn said(was: &Decided, is: &Decided) -> Vec<String> {
        let mut differences = Vec::new();
        between(&exchange(), was, is, true, &mut differences);
        let say = |one: &Difference| {
            let who = one.interceptor.as_deref().unwrap_or("call");
            format!("{who}: {} -> {}", one.was, one.is)
        };
        differences.iter().map(say).collect()
    }

    #[test]
    fn another_decision_and_what_it_means_for_the_call_are_told() {
        let was = decided(
            &[run("a", "proceed", None), run("b", "refuse", Some("b.x"))],
            "refused",
        );
        let is = decided(&[run("a", "refuse", Some("a.x"))], "refused");
        assert_eq!(
            said(&was, &is),
            ["a: proceed -> refuse (a.x)", "b: refuse (b.x) -> -"]
        );
        let is = decided(
            &[run("a", "proceed", None), run("c", "proceed", None)],
            "forwarded",
        );
        assert_eq!(
            said(&was, &is),
            ["b: refuse (b.x) -> -", "call: refused -> forwarded"]
        );
    }

    #[test]
    fn silence_is_silence_and_a_server_that_failed_is_no_decision() {
        let was = decided(&[run("a", "proceed", None)], "failed");
        let is = decided(&[run("b", "proceed", None)], "forwarded");
        assert!(said(&was, &is).is_empty());
    }

    #[test]
    fn audit_findings_and_texts_are_told_apart() {
        let live = run("a", "refuse", Some("a.x"));
        let audit = Verdict {
            audit: true,
            applied: false,
            findings: vec![Noticed {
                rule: "pii.email".into(),
                severity: "info".into(),
                part: "params".into(),
                pointer: Some("/a".into()),
            }],
            ..live.clone()
        };
        let (was, is) = (decided(&[live], "refused"), decided(&[audit], "refused"));
        assert_eq!(
            said(&was, &is),
            [
                "a: refuse (a.x) -> refuse (a.x), in audit",
                "a: - -> pii.email at /a"
            ]
        );
        let edit = [run("a", "edit", None)];
        let with = |byte: u8| Decided {
            documents: Some([[0; 32], [byte; 32]]),
            ..decided(&edit, "forwarded")
        };
        assert!(said(&with(1), &with(1)).is_empty());
        assert_eq!(
            said(&with(1), &with(2)),
            ["call: what comes back -> another"]
        );
    }
}

//! The call log of the second gateway: who decided what of a call, and which alerts it raised.

use std::io;
use std::path::PathBuf;

use serde::Deserialize;

/// Reads the records of a file.
pub(crate) struct Records {
    file: PathBuf,
}

/// A record: of a call's end, or of an alert.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Record {
    record: String,
    pub(crate) id: String,
    method: String,
    pub(crate) refused_by: Option<Rule>,
    trail: Trail,
    /// Of an alert: its rule, what it is about, and the call.
    alert: String,
    status: String,
    kind: String,
    call: String,
    /// Of a gap: how many records are missing.
    unwritten: u64,
}

/// A rule of the gateway's own that refused.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Rule {
    pub(crate) code: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Trail {
    entries: Vec<Run>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Run {
    interceptor: String,
    mode: String,
    decision: String,
    applied: bool,
    code: Option<String>,
    failure: Option<String>,
    findings: Vec<Finding>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Finding {
    rule: Option<String>,
}

impl Records {
    pub(crate) fn of(file: PathBuf) -> Self {
        Self { file }
    }

    fn all(&self) -> io::Result<Vec<Record>> {
        let text = std::fs::read_to_string(&self.file)?;
        text.lines()
            .map(|line| serde_json::from_str(line).map_err(io::Error::from))
            .collect()
    }

    /// How many there are.
    pub(crate) fn count(&self) -> io::Result<usize> {
        Ok(self.all()?.len())
    }

    /// The last end of a call of that method since the first `n` records. Records are written before replies depart.
    pub(crate) fn ended(&self, n: usize, method: &str) -> io::Result<Option<Record>> {
        let mut since = self.all()?.into_iter().skip(n);
        let is_end =
            |one: &Record| one.method == method && ["ended", "refused"].contains(&&*one.record);
        Ok(since.by_ref().filter(is_end).last())
    }

    /// The code of the gateway's own rule that refused the call of which an answer tells the id. `None`: an answer of
    /// another kind.
    pub(crate) fn rule_of(&self, answer: &str) -> io::Result<Option<String>> {
        let refused = self.all()?.into_iter();
        let mut of_it = refused.filter(|one| !one.id.is_empty() && answer.contains(&one.id));
        Ok(of_it.find_map(|one| one.refused_by).map(|rule| rule.code))
    }

    /// How many records the log says are missing. `None`: it says nothing.
    pub(crate) fn gap(&self) -> io::Result<Option<u64>> {
        let mut all = self.all()?.into_iter();
        Ok(all.find(|one| one.record == "gap").map(|gap| gap.unwritten))
    }

    /// The rules of alerts that this call raised.
    pub(crate) fn alerts_of(&self, call: &str) -> io::Result<Vec<String>> {
        let all = self.all()?;
        let of_call = all.iter().filter(|one| one.is_alert() && one.call == call);
        Ok(of_call.map(|one| one.alert.clone()).collect())
    }

    /// The rules of alerts of this kind.
    pub(crate) fn alerts_on(&self, kind: &str) -> io::Result<Vec<String>> {
        let all = self.all()?;
        let of_kind = all.iter().filter(|one| one.is_alert() && one.kind == kind);
        Ok(of_kind.map(|one| one.alert.clone()).collect())
    }
}

impl Record {
    fn is_alert(&self) -> bool {
        self.record == "alert" && self.status == "firing"
    }

    /// Who did or noticed something: the interceptor, what it did, and the code.
    pub(crate) fn detections(&self) -> Vec<Detection> {
        let runs = self.trail.entries.iter().filter_map(Run::detection);
        let rule = self.refused_by.iter().map(|rule| Detection {
            by: "the gateway".to_owned(),
            did: REFUSED.to_owned(),
            code: rule.code.clone(),
            in_force: true,
        });
        let mut all = Vec::new();
        for one in rule.chain(runs) {
            if !all.contains(&one) {
                all.push(one);
            }
        }
        all
    }
}

/// Who did or noticed something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Detection {
    pub(crate) by: String,
    pub(crate) did: String,
    pub(crate) code: String,
    /// A decision that was carried out: neither a failure nor one of an interceptor in audit.
    pub(crate) in_force: bool,
}

impl Detection {
    /// Whether it is a refusal that was carried out.
    pub(crate) fn is_refusal(&self) -> bool {
        self.in_force && self.did == REFUSED
    }
}

/// What a refusal that was carried out is called.
const REFUSED: &str = "refused";

impl Run {
    fn detection(&self) -> Option<Detection> {
        let code = || {
            let found = self.findings.iter().find_map(|found| found.rule.clone());
            self.code.clone().or(found).unwrap_or_default()
        };
        let did = match &*self.decision {
            _ if self.failure.is_some() => "failed",
            "refuse" if self.applied => REFUSED,
            "refuse" if self.mode == "audit" => "would have refused",
            "refuse" => "refused too",
            "edit" | "replace" | "answer" if self.applied => "changed it",
            "edit" | "replace" | "answer" if self.mode == "audit" => "would have changed it",
            "edit" | "replace" | "answer" => "changed it too",
            _ if !self.findings.is_empty() => "noticed it",
            _ => return None,
        };
        let code = self.failure.clone().unwrap_or_else(code);
        let decides = ["refuse", "edit", "replace", "answer"].contains(&&*self.decision);
        let in_force = decides && self.applied && self.failure.is_none() && self.mode != "audit";
        let audit = match self.mode == "audit" {
            true => " (audit)",
            false => "",
        };
        Some(Detection {
            by: self.interceptor.clone(),
            did: format!("{did}{audit}"),
            code,
            in_force,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn in_force(entry: Value) -> serde_json::Result<Vec<bool>> {
        let record: Record = serde_json::from_value(json!({ "trail": { "entries": [entry] } }))?;
        Ok(record.detections().iter().map(|one| one.in_force).collect())
    }

    #[test]
    fn a_failure_an_audit_and_a_finding_are_no_decisions_in_force() -> serde_json::Result<()> {
        let refuse = json!({ "interceptor": "a", "decision": "refuse", "applied": true });
        let with = |name: &str, value: Value| {
            let mut entry = refuse.clone();
            entry[name] = value;
            entry
        };
        assert_eq!(in_force(refuse.clone())?, [true]);
        assert_eq!(in_force(with("decision", json!("edit")))?, [true]);
        assert_eq!(in_force(with("failure", json!("timeout")))?, [false]);
        assert_eq!(in_force(with("mode", json!("audit")))?, [false]);
        assert_eq!(in_force(with("applied", json!(false)))?, [false]);
        let mut found = with("decision", json!("allow"));
        found["findings"] = json!([{ "rule": "r" }]);
        assert_eq!(in_force(found)?, [false]);
        Ok(())
    }

    #[test]
    fn an_answer_that_names_no_refused_call_is_of_no_rule() -> io::Result<()> {
        let file = tempfile::NamedTempFile::new()?;
        let text = concat!(
            r#"{"record":"ended","id":"0af1","refused_by":{"code":"stop.tool"}}"#,
            "\n",
            r#"{"record":"ended","id":"0af2","refused_by":null}"#,
            "\n"
        );
        std::fs::write(file.path(), text)?;
        let records = Records::of(file.path().to_owned());
        let rule = |answer| records.rule_of(answer);
        assert_eq!(rule(r#"{"callId":"0af1"}"#)?.as_deref(), Some("stop.tool"));
        assert_eq!(rule(r#"{"callId":"0af2"}"#)?, None);
        assert_eq!(rule("too many requests")?, None);
        Ok(())
    }
}

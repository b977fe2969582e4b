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
            did: "refused".to_owned(),
            code: rule.code.clone(),
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
}

impl Run {
    fn detection(&self) -> Option<Detection> {
        let code = || {
            let found = self.findings.iter().find_map(|found| found.rule.clone());
            self.code.clone().or(found).unwrap_or_default()
        };
        let did = match &*self.decision {
            _ if self.failure.is_some() => "failed",
            "refuse" if self.applied => "refused",
            "refuse" if self.mode == "audit" => "would have refused",
            "refuse" => "refused too",
            "edit" | "replace" | "answer" if self.applied => "changed it",
            "edit" | "replace" | "answer" if self.mode == "audit" => "would have changed it",
            "edit" | "replace" | "answer" => "changed it too",
            _ if !self.findings.is_empty() => "noticed it",
            _ => return None,
        };
        let code = self.failure.clone().unwrap_or_else(code);
        let audit = match self.mode == "audit" {
            true => " (audit)",
            false => "",
        };
        Some(Detection {
            by: self.interceptor.clone(),
            did: format!("{did}{audit}"),
            code,
        })
    }
}

//! The report of a reload: what changed, or why nothing did.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use sandgate_config::Loaded;
use sandgate_gateway::Server;
use sandgate_message::Interceptor;
use sandgate_pipeline::Step;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::restart;

/// The report of a reload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReloadReport {
    /// The version in force now.
    pub version: u64,
    /// The changes from the version before.
    pub changes: Vec<Change>,
    /// Why nothing changed: all errors, as `check` reports them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Warnings about what is probably a mistake.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warnings: Option<String>,
    /// Whether a key of `[gateway]` or `[telemetry]` differs from its value at the start, and takes effect at the next
    /// start.
    pub at_next_start: bool,
    /// The keys that take effect at the next start, for example `gateway.limits.max-sessions`.
    #[serde(default)]
    pub needs_restart: Vec<String>,
    /// Each secret of a server, as `SERVER/NAME`, and whether its value is another one than before.
    #[serde(skip)]
    pub secrets: BTreeMap<String, bool>,
}

/// A change between two configurations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The kind of the changed part: `server`, `interceptor`, `client`, `view`, `alert`, or `table` for `[gateway]` and `[call-log]`.
    pub what: String,
    /// The name of the changed part.
    pub name: String,
    /// How the part changed, for example `added`, or `changed (mode, settings)`.
    pub how: String,
}

/// A configuration in force, as it was written.
pub(crate) struct Written {
    /// The keys of `[gateway]` that a reload puts in force.
    gateway: Value,
    call_log: Value,
    call_log_target: Value,
    authorization: Value,
    clients: Vec<(String, Value)>,
    views: Vec<(String, Value)>,
    alerts: Vec<(String, Value)>,
    servers: Vec<(String, Value)>,
    interceptors: Vec<(String, Value, Run)>,
}

/// The live interceptor of a step, and its candidate.
type Run = Vec<Arc<dyn Interceptor>>;

impl ReloadReport {
    /// The report of a refused reload: this version stays in force.
    pub(crate) fn refused(version: u64, why: String) -> Self {
        Self {
            version,
            changes: Vec::new(),
            error: Some(why),
            warnings: None,
            at_next_start: false,
            needs_restart: Vec::new(),
            secrets: BTreeMap::new(),
        }
    }

    /// The report for people: what changed (for stdout), and errors or warnings (for stderr).
    pub fn text(&self) -> (String, String) {
        let mut aside = self.warnings.clone().unwrap_or_default();
        if let Some(error) = &self.error {
            let kept = format!(
                "Nothing has changed: version {} stays in force.\n",
                self.version
            );
            return (kept, error.clone());
        }
        let mut text = format!("Reloaded: version {} is in force.\n", self.version);
        for Change { what, name, how } in &self.changes {
            let _ = writeln!(text, "  {what} {name}: {how}");
        }
        match (self.changes.is_empty(), self.needs_restart.is_empty()) {
            (true, true) => text.push_str("  nothing differs from the version before\n"),
            (true, false) => text.push_str("  nothing else differs from the version before\n"),
            _ => {}
        }
        if !self.needs_restart.is_empty() {
            let keys = self.needs_restart.join(", ");
            let _ = writeln!(aside, "not in force before the next start: {keys}");
        }
        (text, aside)
    }
}

impl Written {
    pub(crate) fn of(loaded: &Loaded, steps: &[Step]) -> Self {
        let value = |part: Result<Value, _>| part.unwrap_or_default();
        let servers = loaded.config.servers.iter();
        let interceptors = loaded.config.interceptors.iter().zip(steps);
        let clients = loaded.config.clients.iter();
        let views = loaded.config.views.iter();
        let alerts = loaded.config.alerts.iter();
        Self {
            gateway: restart::live(&loaded.config),
            call_log: restart::call_log(&loaded.config),
            authorization: value(serde_json::to_value(&loaded.config.authorization)),
            call_log_target: restart::call_log_target(&loaded.config),
            clients: clients
                .map(|(name, client)| (name.clone(), value(serde_json::to_value(client))))
                .collect(),
            views: views
                .map(|(name, view)| (name.clone(), value(serde_json::to_value(view))))
                .collect(),
            alerts: alerts
                .map(|alert| (alert.name.clone(), value(serde_json::to_value(alert))))
                .collect(),
            servers: servers
                .map(|(name, server)| (name.clone(), value(serde_json::to_value(server))))
                .collect(),
            interceptors: interceptors
                .map(|(written, step)| {
                    let value = value(serde_json::to_value(written));
                    let tried = step.candidate().map(|one| one.step().interceptor());
                    let run = [Some(step.interceptor()), tried];
                    let run = run.into_iter().flatten().cloned().collect();
                    (written.name.clone(), value, run)
                })
                .collect(),
        }
    }

    /// The destination of the call log, and whether it has payloads.
    pub(crate) fn call_log_target(&self) -> Value {
        self.call_log_target.clone()
    }

    /// The changes in `now`. The servers that ran before and those that run now show changes of values from outside the
    /// file.
    pub(crate) fn changes(
        &self,
        now: &Self,
        (ran, run): (&[Arc<Server>], &[Arc<Server>]),
    ) -> Vec<Change> {
        let mut changes = Vec::new();
        let mut say = |what: &str, name: &str, how: String| {
            changes.push(Change {
                what: what.into(),
                name: name.into(),
                how,
            });
        };
        let running = |servers: &[Arc<Server>], name: &str| {
            servers
                .iter()
                .find(|server| &**server.name() == name)
                .cloned()
        };
        let tables = [
            ("[gateway]", &self.gateway, &now.gateway),
            ("[call-log]", &self.call_log, &now.call_log),
            ("[authorization]", &self.authorization, &now.authorization),
        ];
        for (name, before, now) in tables {
            if let Some(how) = difference(before, now, true, "") {
                say("table", name, how);
            }
        }
        for (what, before, now) in [
            ("client", &self.clients, &now.clients),
            ("view", &self.views, &now.views),
            ("alert", &self.alerts, &now.alerts),
        ] {
            for (name, value) in now {
                match before.iter().find(|(before, _)| before == name) {
                    None => say(what, name, "added".into()),
                    Some((_, before)) => {
                        if let Some(how) = difference(before, value, true, "") {
                            say(what, name, how);
                        }
                    }
                }
            }
            for (name, _) in before {
                if !now.iter().any(|(now, _)| now == name) {
                    say(what, name, "removed".into());
                }
            }
        }
        for (name, value) in &now.servers {
            let before = self.servers.iter().find(|(before, _)| before == name);
            let same = match (running(ran, name), running(run, name)) {
                (Some(before), Some(now)) => Arc::ptr_eq(&before, &now),
                _ => false,
            };
            match before {
                None => say("server", name, "added".into()),
                Some((_, before)) => {
                    if let Some(how) =
                        difference(before, value, same, "a value from outside the file")
                    {
                        say("server", name, how);
                    }
                }
            }
        }
        for (name, _) in &self.servers {
            if !now.servers.iter().any(|(now, _)| now == name) {
                say("server", name, "removed".into());
            }
        }
        for (name, value, runs) in &now.interceptors {
            match self.interceptors.iter().find(|(before, ..)| before == name) {
                None => say("interceptor", name, "added".into()),
                Some((_, before, ran)) => {
                    let pairs = ran.iter().zip(runs);
                    let same = pairs.fold(ran.len() == runs.len(), |same, (ran, runs)| {
                        same && Arc::ptr_eq(ran, runs)
                    });
                    let otherwise = "its plugin's file, or a value from outside the file";
                    if let Some(how) = difference(before, value, same, otherwise) {
                        say("interceptor", name, how);
                    }
                }
            }
        }
        for (name, ..) in &self.interceptors {
            if !now.interceptors.iter().any(|(now, ..)| now == name) {
                say("interceptor", name, "removed".into());
            }
        }
        // Compares the interceptors that stayed. Added and removed ones have been reported.
        let order = |one: &Self, other: &Self| -> Vec<String> {
            let stays =
                |name: &&String| other.interceptors.iter().any(|(there, ..)| there == *name);
            let names = one.interceptors.iter().map(|(name, ..)| name);
            names.filter(stays).cloned().collect()
        };
        let (before, after) = (order(self, now), order(now, self));
        if before != after {
            say("interceptors", "order", after.join(", "));
        }
        changes
    }
}

/// Describes a difference by its keys. Values are never named, since they may be secrets.
fn difference(before: &Value, now: &Value, same: bool, otherwise: &str) -> Option<String> {
    let empty = serde_json::Map::new();
    let members = |value: &'_ Value| value.as_object().cloned().unwrap_or_else(|| empty.clone());
    let (before, now) = (members(before), members(now));
    let mut keys: Vec<&String> = before
        .keys()
        .chain(now.keys())
        .filter(|key| before.get(*key) != now.get(*key))
        .collect();
    keys.sort();
    keys.dedup();
    match (keys.is_empty(), same) {
        (true, true) => None,
        (true, false) => Some(format!("changed ({otherwise})")),
        (false, _) => {
            let keys: Vec<&str> = keys.into_iter().map(String::as_str).collect();
            Some(format!("changed ({})", keys.join(", ")))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_difference_names_keys_and_no_values() {
        let before = json!({ "url": "http://a", "headers": { "x": "canary" } });
        let now = json!({ "url": "http://a", "headers": { "x": "other" }, "timeout": "1s" });
        let how = difference(&before, &now, false, "outside");
        assert_eq!(how.as_deref(), Some("changed (headers, timeout)"));
        assert_eq!(difference(&before, &before, true, "outside"), None);
        let how = difference(&before, &before, false, "outside");
        assert_eq!(how.as_deref(), Some("changed (outside)"));
    }

    #[test]
    fn a_refused_change_says_that_the_old_version_stays() {
        let (text, aside) = ReloadReport::refused(3, "error: no\n".into()).text();
        assert_eq!(text, "Nothing has changed: version 3 stays in force.\n");
        assert_eq!(aside, "error: no\n");
    }

    #[test]
    fn a_reload_that_changed_nothing_says_so() {
        let outcome = ReloadReport {
            version: 2,
            changes: Vec::new(),
            error: None,
            warnings: None,
            at_next_start: false,
            needs_restart: Vec::new(),
            secrets: BTreeMap::new(),
        };
        let (text, aside) = outcome.text();
        assert_eq!(
            text,
            "Reloaded: version 2 is in force.\n  nothing differs from the version before\n"
        );
        assert_eq!(aside, "");
        let outcome = ReloadReport {
            at_next_start: true,
            needs_restart: vec!["call-log.to".into(), "gateway.listen".into()],
            ..outcome
        };
        let (text, aside) = outcome.text();
        assert_eq!(
            text,
            "Reloaded: version 2 is in force.\n  nothing else differs from the version before\n"
        );
        assert_eq!(
            aside,
            "not in force before the next start: call-log.to, gateway.listen\n"
        );
    }
}

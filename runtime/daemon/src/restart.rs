//! Decides which keys a running gateway takes from a changed file, and which wait for its next start.

use std::collections::BTreeMap;

use sandgate_config::{Config, Limits};
use serde::Serialize;
use serde_json::Value;

/// Keys of `[gateway]` that a reload puts in force. It also puts all of `[call-log]`, `[authorization]`, `[clients]`, `[views]`, `[servers]`,
/// `[[interceptors]]` and `[[alerts]]` in force. Every other key waits for the next start.
const LIVE: [&str; 9] = [
    "allow-unauthenticated",
    "known-methods",
    "not-ready-when",
    "refusal",
    "require-containment",
    "require-lock",
    "require-signatures",
    "tls",
    "why-values",
];

/// The keys that wait for the next start, with their values at the start.
pub(crate) struct StartKeys {
    keys: BTreeMap<String, Value>,
    limits: Limits,
}

impl StartKeys {
    pub(crate) fn of(config: &Config) -> Self {
        Self {
            keys: keys(config),
            limits: config.gateway.limits.clone(),
        }
    }

    /// The keys that differ in a changed file, in the order of their names, for example `gateway.limits.max-sessions`.
    pub(crate) fn differing(&self, config: &Config) -> Vec<String> {
        let now = keys(config);
        let names = self.keys.keys().chain(now.keys());
        let mut differing: Vec<String> = names
            .filter(|name| self.keys.get(*name) != now.get(*name))
            .cloned()
            .collect();
        differing.sort();
        differing.dedup();
        differing
    }

    /// Restores the limits of the start, so that the parts that a reload makes anew go by the same limits as the rest
    /// of the gateway.
    pub(crate) fn keep(&self, config: &mut Config) {
        config.gateway.limits = self.limits.clone();
    }
}

/// The keys of `[gateway]` that a reload puts in force, as they were written.
pub(crate) fn live(config: &Config) -> Value {
    let mut gateway = value(&config.gateway);
    if let Some(gateway) = gateway.as_object_mut() {
        gateway.retain(|key, _| LIVE.contains(&key.as_str()));
    }
    gateway
}

/// `[call-log]`, as it was written.
pub(crate) fn call_log(config: &Config) -> Value {
    value(&config.call_log)
}

/// All of `[call-log]` that its destination is made of, as it was written.
pub(crate) fn call_log_target(config: &Config) -> Value {
    let mut call_log = value(&config.call_log);
    if let Some(members) = call_log.as_object_mut() {
        members.remove("on-failure");
    }
    call_log
}

fn keys(config: &Config) -> BTreeMap<String, Value> {
    let mut keys = BTreeMap::new();
    let mut add = |table: &str, value: Value| {
        let members = value.as_object().cloned().unwrap_or_default();
        for (key, value) in members {
            keys.insert(format!("{table}.{key}"), value);
        }
    };
    let mut gateway = value(&config.gateway);
    if let Some(gateway) = gateway.as_object_mut() {
        let limits = gateway.remove("limits");
        add("gateway.limits", limits.unwrap_or_default());
        gateway.retain(|key, _| !LIVE.contains(&key.as_str()));
    }
    add("gateway", gateway);
    add("audit", value(&config.audit));
    add("telemetry", value(&config.telemetry));
    add("console", value(&config.console));
    keys
}

fn value(part: &impl Serialize) -> Value {
    serde_json::to_value(part).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::Path;

    use super::*;
    use sandgate_config::Loaded;

    fn config(text: &str) -> Config {
        let text = format!("{text}\n[servers.a]\nurl = \"http://127.0.0.1:9/mcp\"\n");
        Loaded::parse(Path::new("sandgate.toml"), text)
            .unwrap()
            .config
    }

    #[test]
    fn each_key_that_waits_is_named_once() {
        let start = StartKeys::of(&config(""));
        let changed = config(
            "[gateway]\nstate = \"x\"\nrefusal = \"error\"\n[gateway.limits]\nmax-depth = 9\n\
             [call-log]\npayloads = true\n[telemetry]\notlp = \"http://127.0.0.1:4318\"\n",
        );
        let named = [
            "gateway.limits.max-depth",
            "gateway.state",
            "telemetry.otlp",
        ];
        assert_eq!(start.differing(&changed), named);
        assert_eq!(start.differing(&config("")), [""; 0]);
        let (before, now) = (live(&config("")), live(&changed));
        assert_ne!(before["refusal"], now["refusal"]);
    }
}

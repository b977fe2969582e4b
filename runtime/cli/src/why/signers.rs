//! Who signed what a call went through: the server, and plugins of registries, as the running gateway has them.

use std::collections::BTreeMap;
use std::fmt::Write;

use sandgate_daemon::status::Status;
use sandgate_text::printable;
use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize)]
struct Ended {
    server: String,
    #[serde(default)]
    trail: Trail,
}

#[derive(Default, Deserialize)]
struct Trail {
    #[serde(default)]
    entries: Vec<Run>,
}

#[derive(Deserialize)]
struct Run {
    interceptor: String,
    digest: String,
}

/// Lines that name the signers. A plugin is named by its digest: another version that runs by now is not meant. Empty: nothing
/// that the call went through is signed.
pub(super) fn lines(records: &[Box<RawValue>], status: &Status) -> String {
    let ended = records
        .iter()
        .filter_map(|record| serde_json::from_str::<Ended>(record.get()).ok());
    // Each once, however many hooks ran.
    let mut signers = BTreeMap::new();
    for record in ended {
        let mut servers = status.servers.iter();
        let server = servers.find(|one| one.name == record.server);
        if let Some(signer) = server.and_then(|one| one.signed_by.clone()) {
            signers.insert(format!("server {}", record.server), signer);
        }
        for run in record.trail.entries {
            let mut all = status.interceptors.iter();
            let is_it = all.find(|one| one.name == run.interceptor && one.digest == run.digest);
            if let Some(signer) = is_it.and_then(|one| one.signed_by.clone()) {
                signers.insert(format!("interceptor {}", run.interceptor), signer);
            }
        }
    }
    let mut text = String::new();
    for (what, signer) in signers {
        let said = format!("{what}, by {signer}");
        let _ = writeln!(text, "{:<11}{}", "signed", printable(&said));
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn status() -> Status {
        let interceptor = |name: &str, digest: &str, signer: Option<&str>| {
            json!({
                "name": name, "plugin": name, "plugin_version": "1.0.0", "digest": digest, "signed_by": signer,
                "memory": 0, "mode": "active", "fail_open": false, "runs": 0, "refusals": 0, "faults": 0,
            })
        };
        let status = json!({
            "version": "1", "process": 1, "config": "x", "started": "", "uptime_s": 0,
            "edition": { "number": 1, "since": "" }, "listeners": [], "connections": 0,
            "calls": { "forwarded": 0, "refused": 0, "answered": 0, "failed": 0, "cancelled": 0 }, "sessions": 0,
            "under_way": 0, "waiting": 0,
            "interceptors": [interceptor("mask", "sha256:aa", Some("key sha256:00")), interceptor("own", "sha256:bb", None)],
            "servers": [],
        });
        serde_json::from_value(status).unwrap()
    }

    #[test]
    fn a_signer_is_named_for_the_digest_that_ran() {
        let record = |digest: &str| {
            let run = |name: &str, digest: &str| json!({ "interceptor": name, "digest": digest, "hook": "pre-call" });
            let entries = [
                run("mask", digest),
                run("mask", digest),
                run("own", "sha256:bb"),
            ];
            let record =
                json!({ "record": "ended", "server": "crm", "trail": { "entries": entries } });
            vec![RawValue::from_string(record.to_string()).unwrap()]
        };
        assert_eq!(
            lines(&record("sha256:aa"), &status()),
            "signed     interceptor mask, by key sha256:00\n"
        );
        assert_eq!(lines(&record("sha256:cc"), &status()), "");
    }
}

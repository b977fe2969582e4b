//! What the call log says afterwards.

use std::collections::BTreeSet;

use serde_json::Value;

/// What the call log says of the tools' calls.
#[derive(Default)]
pub(crate) struct Records {
    pub(crate) versions: BTreeSet<u64>,
    pub(crate) calls: usize,
    pub(crate) refused: usize,
}

impl Records {
    pub(crate) fn read(log: &str) -> Self {
        let mut records = Self::default();
        for line in log.lines() {
            let record: Value = serde_json::from_str(line).unwrap();
            if record["record"] != "ended" || record["method"] != "tools/call" {
                continue;
            }
            let version = record["trail"]["version"].as_u64().unwrap();
            let entries = record["trail"]["entries"].as_array().unwrap();
            assert!(!entries.is_empty(), "{record}");
            for entry in entries {
                let name = entry["interceptor"].as_str().unwrap();
                assert!(
                    name.ends_with(&format!("-{version}")),
                    "{name} in version {version}: {record}"
                );
            }
            match record["decision"].as_str() {
                Some("forwarded") => assert_eq!(entries.len(), 3, "{record}"),
                Some("refused") => records.refused += 1,
                _ => panic!("{record}"),
            }
            records.versions.insert(version);
            records.calls += 1;
        }
        records
    }
}

//! What a package was resolved to: names, versions and hashes.

use std::collections::BTreeMap;

/// What is installed, by name or place: its version and its hashes. Where another package lies under that name, its own
/// name stands before the version: `other@1.0.0`.
pub(crate) type Contents = BTreeMap<String, (String, String)>;

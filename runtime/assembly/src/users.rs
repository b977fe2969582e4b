//! Users of contained servers, where the gateway is root.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The users that a gateway of root's gives its servers, one each: the range that systemd also gives to services that
/// bring no user.
const USERS: std::ops::RangeInclusive<u32> = 61_184..=65_519;

/// A user for each of the servers, where the gateway is root: from the name, so that it stays over restarts.
pub(super) fn users<'a>(names: &[&'a str]) -> BTreeMap<&'a str, u32> {
    if !rustix::process::geteuid().is_root() {
        return BTreeMap::new();
    }
    let count = USERS.end() - USERS.start() + 1;
    let mut taken = BTreeSet::new();
    let mut users = BTreeMap::new();
    for name in names {
        // FNV-1a: the same on every machine and with every version.
        let hash = name.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
            (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
        });
        let free = (0..count).map(|step| USERS.start() + (hash % count + step) % count);
        if let Some(user) = free.into_iter().find(|user| taken.insert(*user)) {
            users.insert(*name, user);
        }
    }
    users
}

/// Whether a file's mode lets a user do something (1: go through, 2: change).
pub(super) fn allows(path: &Path, user: u32, what: u32) -> bool {
    let Ok(about) = std::fs::metadata(path) else {
        return false;
    };
    let shift = match (about.uid() == user, about.gid() == user) {
        (true, _) => 6,
        (_, true) => 3,
        _ => 0,
    };
    (about.mode() >> shift) & what == what
}

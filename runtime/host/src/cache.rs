//! The cache of machine code on disk, which lets a gateway start in milliseconds: components by plugin and settings, and
//! what other settings can use of them. Machine code that is loaded is trusted, so every entry is authenticated with a
//! key that only the owner of the folder can read. The bytes that were checked are the bytes that are loaded.

use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt, PermissionsExt};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use std::io::{Read, Write};
use std::time::SystemTime;

use crate::functions::{CodeDigest, FunctionSet, MAX_SET};
use crate::machine_code::MachineCode;

/// The file of the key, in the cache's folder.
const KEY_FILE: &str = "key";
/// Bytes of a MAC, and of its key.
const MAC_BYTES: usize = 32;

/// What an entry of the cache is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A plugin with its settings.
    Component,
    /// A plugin as it is before it sees any settings, instrumented for its snapshot.
    Instrumented,
    /// Functions of plugins with the same code.
    Functions,
}

impl Kind {
    /// How the names of its files begin.
    fn prefix(self) -> &'static str {
        match self {
            Self::Component => "",
            Self::Instrumented => "instrumented-",
            Self::Functions => "functions-",
        }
    }

    fn of(name: &str) -> Self {
        let prefixed = [Self::Instrumented, Self::Functions];
        let found = prefixed
            .into_iter()
            .find(|kind| name.starts_with(kind.prefix()));
        found.unwrap_or(Self::Component)
    }

    /// How many entries are kept, and bytes of them in all. Beyond either, the oldest are removed.
    fn bounds(self) -> (usize, u64) {
        match self {
            Self::Component => (256, 4 << 30),
            Self::Instrumented | Self::Functions => (32, 512 << 20),
        }
    }
}

/// Why a folder cannot be used as a cache.
#[derive(Debug, thiserror::Error)]
#[error("the machine code cache: {0}")]
pub struct CacheError(String);

/// A private folder with machine code.
pub struct Cache {
    dir: Dir,
    key: Vec<u8>,
}

/// The machine code of one plugin with its settings.
pub(crate) struct Entry {
    /// Whether the code is that of a snapshot: its initial memory is that after `configure`.
    pub(crate) snapshotted: bool,
    pub(crate) code: MachineCode,
}

impl Entry {
    /// Reads an entry that is trusted: it becomes machine code. `None`: it is empty.
    pub(crate) fn read(mut body: Vec<u8>) -> Option<Self> {
        let flag = body.pop()?;
        Some(Self {
            snapshotted: flag == 1,
            code: MachineCode::genuine(body),
        })
    }
}

impl Cache {
    /// Opens the cache in a folder, which must belong to this user. Access of other users to the folder is removed, and
    /// a key is made where there is none.
    ///
    /// # Errors
    /// The folder belongs to another user, or cannot be read or written.
    pub fn open(dir: Dir) -> Result<Self, CacheError> {
        let error = |what: &str, e: std::io::Error| CacheError(format!("{what}: {e}"));
        let meta = dir.dir_metadata().map_err(|e| error("the folder", e))?;
        if cap_std::fs::MetadataExt::uid(&meta) != rustix::process::geteuid().as_raw() {
            return Err(CacheError("the folder belongs to another user".into()));
        }
        if meta.permissions().mode() & 0o077 != 0 {
            dir.set_permissions(".", cap_std::fs::Permissions::from_mode(0o700))
                .map_err(|e| error("its permissions", e))?;
        }
        let key = match dir.read(KEY_FILE) {
            Ok(key) if key.len() == MAC_BYTES => key,
            // A new key replaces a damaged or missing one. Entries under the old key are then no longer genuine.
            _ => {
                let key: [u8; MAC_BYTES] = rand::random();
                write(&dir, KEY_FILE, &[&key]).map_err(|e| error("its key", e))?;
                key.to_vec()
            }
        };
        Ok(Self { dir, key })
    }

    /// The component under a key, if there is one and it is genuine.
    pub(crate) fn get(&self, key: &CacheKey) -> Option<Entry> {
        Entry::read(self.genuine(key, &mut self.dir.open(key.name()).ok()?)?)
    }

    /// The name and the bytes of each component that is here and genuine, for [`Entry::read`].
    pub(crate) fn components(&self) -> std::io::Result<Vec<(String, Vec<u8>)>> {
        let mut found = Vec::new();
        for entry in self.dir.entries()? {
            let Ok(name) = entry?.file_name().into_string() else {
                continue;
            };
            if let Some(key) = CacheKey::of_component(&name)
                && let Some(body) = self.genuine(&key, &mut self.dir.open(&name)?)
            {
                found.push((name, body));
            }
        }
        found.sort_unstable();
        Ok(found)
    }

    /// Stores a component's code. A failure is logged and nothing else: the code is then compiled again at the next
    /// start.
    pub(crate) fn put(&self, key: &CacheKey, snapshotted: bool, code: &MachineCode) {
        self.store(key, &[code.bytes(), &[u8::from(snapshotted)]]);
    }

    /// The functions under a key, if there are any and they are genuine. They count as used now.
    pub(crate) fn functions(&self, key: &CacheKey) -> Option<FunctionSet> {
        let mut file = self.dir.open(key.name()).ok()?;
        if file.metadata().ok()?.len() > (MAX_SET + MAC_BYTES) as u64 {
            return None;
        }
        let set = FunctionSet::read(self.genuine(key, &mut file)?)?;
        // Without it they are removed a little early.
        let _ = file.into_std().set_modified(SystemTime::now());
        Some(set)
    }

    /// Stores functions, with the rules of [`Self::put`].
    pub(crate) fn put_functions(&self, key: &CacheKey, set: &[u8]) {
        self.store(key, &[set]);
    }

    /// What stands in a file behind its MAC, if that shows that it was stored under this key.
    fn genuine(&self, key: &CacheKey, file: &mut cap_std::fs::File) -> Option<Vec<u8>> {
        let mut tag = [0; MAC_BYTES];
        let mut body = Vec::new();
        file.read_exact(&mut tag).ok()?;
        file.read_to_end(&mut body).ok()?;
        if self.mac(key, &[&body]).verify_slice(&tag).is_err() {
            tracing::warn!(
                entry = key.name(),
                "an entry of the machine code cache is not genuine; compiling anew"
            );
            return None;
        }
        Some(body)
    }

    fn store(&self, key: &CacheKey, body: &[&[u8]]) {
        let tag = self.mac(key, body).finalize().into_bytes();
        let parts: Vec<&[u8]> = std::iter::once(&tag[..])
            .chain(body.iter().copied())
            .collect();
        if let Err(error) = write(&self.dir, &key.name(), &parts) {
            tracing::warn!("machine code cannot be cached: {error}");
        }
        self.prune(key.kind, key.kind.bounds());
    }

    fn mac(&self, key: &CacheKey, body: &[&[u8]]) -> Hmac<Sha256> {
        // HMAC accepts keys of any length.
        #[allow(clippy::expect_used)]
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("any length");
        mac.update(&key.hash);
        for part in body {
            mac.update(part);
        }
        mac
    }

    /// Removes the oldest entries of a kind, so that no more than `count` with `bytes` in all are left.
    fn prune(&self, kind: Kind, (count, bytes): (usize, u64)) {
        let Ok(entries) = self.dir.entries() else {
            return;
        };
        let mut found: Vec<_> = entries
            .filter_map(Result::ok)
            .filter_map(|entry| {
                let about = entry.metadata().ok()?;
                let name = entry.file_name().into_string().ok()?;
                let ours = about.is_file() && name != KEY_FILE && Kind::of(&name) == kind;
                ours.then_some((about.modified().ok()?, about.len(), name))
            })
            .collect();
        found.sort_unstable_by(|one, other| other.cmp(one));
        let (mut places, mut left) = (count, bytes);
        for (_, length, name) in &found {
            // One that does not fit goes alone: older ones that are smaller may fit.
            match (places.checked_sub(1), left.checked_sub(*length)) {
                (Some(fewer), Some(less)) => (places, left) = (fewer, less),
                _ => drop(self.dir.remove_file(name)),
            }
        }
    }
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cache")
    }
}

/// The key of an entry: a hash of its kind and of all that machine code depends on.
pub(crate) struct CacheKey {
    kind: Kind,
    hash: [u8; 32],
}

impl CacheKey {
    /// The key of a component, which depends on the plugin's bytes, its settings, the engine, and the version of this
    /// crate.
    pub(crate) fn component(plugin_digest: &str, settings: &str, engine: u64) -> Self {
        Self::new(Kind::Component, &[plugin_digest, settings], engine)
    }

    /// The key of a plugin that is instrumented for its snapshot.
    pub(crate) fn instrumented(plugin_digest: &str, engine: u64) -> Self {
        Self::new(Kind::Instrumented, &[plugin_digest], engine)
    }

    /// The key of the functions that are kept for this code.
    pub(crate) fn functions(code: CodeDigest, engine: u64) -> Self {
        Self::new(
            Kind::Functions,
            &[&sandgate_text::hex::encode(code.0)],
            engine,
        )
    }

    fn new(kind: Kind, parts: &[&str], engine: u64) -> Self {
        let mut hash = Sha256::new();
        for part in [&[env!("CARGO_PKG_VERSION"), kind.prefix()], parts].concat() {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        hash.update(engine.to_le_bytes());
        Self {
            kind,
            hash: hash.finalize().into(),
        }
    }

    /// The key of the component whose file has this name.
    fn of_component(name: &str) -> Option<Self> {
        let hash = sandgate_text::hex::decode_lower(name)?;
        Some(Self {
            kind: Kind::Component,
            hash,
        })
    }

    /// The name of the entry's file.
    pub(crate) fn name(&self) -> String {
        format!(
            "{}{}",
            self.kind.prefix(),
            sandgate_text::hex::encode(self.hash)
        )
    }
}

/// Writes a file whole or not at all, by renaming a temporary file.
fn write(dir: &Dir, name: &str, parts: &[&[u8]]) -> std::io::Result<()> {
    let temporary = format!("{name}.{:016x}", rand::random::<u64>());
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let written = dir
        .open_with(&temporary, &options)
        .and_then(|mut file| parts.iter().try_for_each(|part| file.write_all(part)));
    let renamed = written.and_then(|()| dir.rename(&temporary, dir, name));
    if renamed.is_err() {
        let _ = dir.remove_file(&temporary);
    }
    renamed
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn open(folder: &std::path::Path) -> Cache {
        Cache::open(Dir::open_ambient_dir(folder, cap_std::ambient_authority()).unwrap()).unwrap()
    }

    #[test]
    fn only_genuine_entries_come_back() {
        let folder = tempfile::tempdir().unwrap();
        let key = CacheKey::component("sha256:a", "{}", 7);
        let code = MachineCode::genuine(b"code".to_vec());
        open(folder.path()).put(&key, true, &code);
        let entry = open(folder.path()).get(&key).unwrap();
        assert!(entry.snapshotted && entry.code.bytes() == b"code");

        let path = folder.path().join(key.name());
        let genuine = std::fs::read(&path).unwrap();
        for at in 0..genuine.len() {
            let mut forged = genuine.clone();
            forged[at] ^= 1;
            std::fs::write(&path, forged).unwrap();
            assert!(open(folder.path()).get(&key).is_none(), "byte {at}");
        }
        // An entry under another's name is not that entry.
        let other = CacheKey::component("sha256:b", "{}", 7);
        std::fs::write(folder.path().join(other.name()), &genuine).unwrap();
        assert!(open(folder.path()).get(&other).is_none());
        std::fs::write(folder.path().join(KEY_FILE), [0; MAC_BYTES]).unwrap();
        std::fs::write(&path, &genuine).unwrap();
        assert!(open(folder.path()).get(&key).is_none(), "another key");
    }

    #[test]
    fn functions_are_genuine_for_one_code_and_one_engine() {
        let folder = tempfile::tempdir().unwrap();
        let cache = open(folder.path());
        let key = CacheKey::functions(CodeDigest([1; 32]), 7);
        let set = [&[9; 32][..], &[2, 0, 0, 0], b"ok"].concat();
        cache.put_functions(&key, &set);
        assert!(cache.functions(&key).is_some());
        let genuine = std::fs::read(folder.path().join(key.name())).unwrap();
        let others = [
            CacheKey::functions(CodeDigest([1; 32]), 8),
            CacheKey::functions(CodeDigest([2; 32]), 7),
        ];
        for other in others {
            std::fs::write(folder.path().join(other.name()), &genuine).unwrap();
            assert!(cache.functions(&other).is_none());
        }
        for at in 0..genuine.len() {
            let mut forged = genuine.clone();
            forged[at] ^= 1;
            std::fs::write(folder.path().join(key.name()), forged).unwrap();
            assert!(cache.functions(&key).is_none(), "byte {at}");
        }
    }

    #[test]
    fn the_oldest_of_a_kind_go_first() {
        let folder = tempfile::tempdir().unwrap();
        let cache = open(folder.path());
        let age = |name: &str, seconds: u64| {
            let file = std::fs::File::options();
            let file = file.clone().write(true).open(folder.path().join(name));
            let then = SystemTime::now() - std::time::Duration::from_secs(seconds);
            file.unwrap().set_modified(then).unwrap();
        };
        let keys: Vec<_> = (0..5)
            .map(|code| CacheKey::functions(CodeDigest([code; 32]), 7))
            .collect();
        let set = [&[9; 32][..], &[2, 0, 0, 0], b"ok"].concat();
        let component = CacheKey::component("sha256:a", "{}", 7);
        cache.put(&component, true, &MachineCode::genuine(b"code".to_vec()));
        for (key, seconds) in keys.iter().zip([50, 40, 30, 20, 10]) {
            cache.put_functions(key, &set);
            age(&key.name(), seconds);
        }
        let left = || {
            let there = |key: &&CacheKey| folder.path().join(key.name()).exists();
            keys.iter().filter(there).count()
        };
        // What is used counts as new.
        assert!(cache.functions(&keys[0]).is_some());
        cache.prune(Kind::Functions, (4, u64::MAX));
        assert_eq!(left(), 4);
        assert!(!folder.path().join(keys[1].name()).exists());
        let length = (MAC_BYTES + set.len()) as u64;
        cache.prune(Kind::Functions, (9, 2 * length + 1));
        assert_eq!(left(), 2);
        assert!(cache.functions(&keys[0]).is_some());
        assert!(cache.get(&component).is_some(), "another kind");
        // The newest does not fit, and the others stay.
        cache.put_functions(&keys[1], &[set, vec![0; 3 * 36]].concat());
        cache.prune(Kind::Functions, (9, 2 * length + 1));
        assert_eq!(left(), 2);
        assert!(cache.functions(&keys[1]).is_none());
    }

    #[test]
    fn the_folder_becomes_private() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        open(folder.path());
        let mode =
            |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(folder.path()), 0o700);
        assert_eq!(mode(&folder.path().join(KEY_FILE)), 0o600);
    }
}

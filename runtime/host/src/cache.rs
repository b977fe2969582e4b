//! The cache of machine code on disk, which lets a gateway start in milliseconds. Machine code that is loaded is
//! trusted, so every entry is authenticated with a key that only the owner of the folder can read. The bytes that were
//! checked are the bytes that are loaded.

use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt, PermissionsExt};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use std::io::{Read, Write};
use wasmtime::Engine;
use wasmtime::component::Component;

/// The file of the key, in the cache's folder.
const KEY_FILE: &str = "key";
/// Bytes of a MAC, and of its key.
const MAC_BYTES: usize = 32;
/// Entries that are kept. Beyond that, the oldest are removed.
const MAX_ENTRIES: usize = 256;

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
    code: Vec<u8>,
}

impl Entry {
    /// Loads the code into an engine. `None`: the code is for another version or configuration of the engine.
    pub(crate) fn load(&self, engine: &Engine) -> Option<Component> {
        // SAFETY: only `Cache::get` makes entries, of bytes that `put` wrote: their MAC was checked with a key that
        // only this user can read, and they are in our memory, so nobody changes them after the check.
        #[allow(unsafe_code)]
        let component = unsafe { Component::deserialize(engine, &self.code) };
        component.ok()
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

    /// The entry under a key, if there is one and it is genuine.
    pub(crate) fn get(&self, key: &CacheKey) -> Option<Entry> {
        let mut bytes = Vec::new();
        self.dir
            .open(key.name())
            .ok()?
            .read_to_end(&mut bytes)
            .ok()?;
        if bytes.len() <= MAC_BYTES {
            return None;
        }
        let body = bytes.split_off(MAC_BYTES);
        if self.mac(key, &body).verify_slice(&bytes).is_err() {
            tracing::warn!(
                entry = key.name(),
                "an entry of the machine code cache is not genuine; compiling anew"
            );
            return None;
        }
        let (flag, code) = body.split_first()?;
        Some(Entry {
            snapshotted: *flag == 1,
            code: code.to_vec(),
        })
    }

    /// Stores code. A failure is logged and nothing else: the code is then compiled again at the next start.
    pub(crate) fn put(&self, key: &CacheKey, snapshotted: bool, code: &[u8]) {
        let mut body = Vec::with_capacity(code.len() + 1);
        body.push(u8::from(snapshotted));
        body.extend_from_slice(code);
        let tag = self.mac(key, &body).finalize().into_bytes();
        if let Err(error) = write(&self.dir, &key.name(), &[&tag, &body]) {
            tracing::warn!("machine code cannot be cached: {error}");
        }
        self.prune();
    }

    fn mac(&self, key: &CacheKey, body: &[u8]) -> Hmac<Sha256> {
        // HMAC accepts keys of any length.
        #[allow(clippy::expect_used)]
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("any length");
        mac.update(&key.0);
        mac.update(body);
        mac
    }

    fn prune(&self) {
        let Ok(entries) = self.dir.entries() else {
            return;
        };
        let mut found: Vec<_> = entries
            .filter_map(Result::ok)
            .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.file_name())))
            .filter(|(_, name)| name != KEY_FILE)
            .collect();
        if found.len() > MAX_ENTRIES {
            found.sort_by_key(|(modified, _)| *modified);
            for (_, name) in &found[..found.len() - MAX_ENTRIES] {
                let _ = self.dir.remove_file(name);
            }
        }
    }
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cache")
    }
}

/// The key of an entry: a hash of all that machine code depends on, which is the plugin's bytes, its settings, the
/// engine, and the version of this crate.
pub(crate) struct CacheKey([u8; 32]);

impl CacheKey {
    pub(crate) fn new(plugin_digest: &str, settings: &str, engine: u64) -> Self {
        let mut hash = Sha256::new();
        for part in [env!("CARGO_PKG_VERSION"), plugin_digest, settings] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        hash.update(engine.to_le_bytes());
        Self(hash.finalize().into())
    }

    fn name(&self) -> String {
        sandgate_text::hex::encode(self.0)
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
        let key = CacheKey::new("sha256:a", "{}", 7);
        open(folder.path()).put(&key, true, b"code");
        let entry = open(folder.path()).get(&key).unwrap();
        assert!(entry.snapshotted && entry.code == b"code");

        let path = folder.path().join(key.name());
        let genuine = std::fs::read(&path).unwrap();
        for at in 0..genuine.len() {
            let mut forged = genuine.clone();
            forged[at] ^= 1;
            std::fs::write(&path, forged).unwrap();
            assert!(open(folder.path()).get(&key).is_none(), "byte {at}");
        }
        // An entry under another's name is not that entry.
        let other = CacheKey::new("sha256:b", "{}", 7);
        std::fs::write(folder.path().join(other.name()), &genuine).unwrap();
        assert!(open(folder.path()).get(&other).is_none());
        std::fs::write(folder.path().join(KEY_FILE), [0; MAC_BYTES]).unwrap();
        std::fs::write(&path, &genuine).unwrap();
        assert!(open(folder.path()).get(&key).is_none(), "another key");
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

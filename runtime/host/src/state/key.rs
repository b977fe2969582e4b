//! The key beside the state file. Interceptors recognise their own marks by keys that are derived from it.

use std::io::{ErrorKind, Write as _};

use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt};
use hmac::{Hmac, KeyInit, Mac};
use sandgate_text::hex;
use sha2::Sha256;

/// Bytes of the key.
const BYTES: usize = 32;

/// A random key that stays the same across restarts. Each interceptor gets a key of its own, which is derived from it,
/// so that no interceptor can imitate another one.
#[derive(Clone)]
pub struct StateKey([u8; BYTES]);

impl StateKey {
    /// The key beside the state file `name` of `dir`, if there is one.
    pub fn read(dir: &Dir, name: &str) -> Option<Self> {
        let text = dir.read_to_string(file_name(name)).ok()?;
        Some(Self(parse(text.trim())?))
    }

    /// The key beside the state file `name` of `dir`. A missing or damaged key is replaced by a new one: marks of
    /// earlier runs are then no longer recognised.
    pub(super) fn open(dir: &Dir, name: &str) -> Result<Self, String> {
        if let Some(key) = Self::read(dir, name) {
            return Ok(key);
        }
        let key = Self(rand::random());
        let file = file_name(name);
        let error = |error: std::io::Error| format!("its key {file}: {error}");
        match dir.remove_file(&file) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            removed => removed.map_err(error)?,
        }
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        let mut opened = dir.open_with(&file, &options).map_err(error)?;
        writeln!(opened, "{}", hex::encode(key.0)).map_err(error)?;
        Ok(key)
    }

    /// The key of an interceptor, 64 hex digits.
    pub(super) fn of_interceptor(&self, name: &str) -> String {
        // HMAC accepts keys of any length.
        #[allow(clippy::expect_used)]
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("any length");
        mac.update(b"interceptor\0");
        mac.update(name.as_bytes());
        hex::encode(mac.finalize().into_bytes())
    }
}

impl std::fmt::Debug for StateKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StateKey")
    }
}

fn file_name(state: &str) -> String {
    format!("{state}.key")
}

fn parse(text: &str) -> Option<[u8; BYTES]> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let bytes: Option<Vec<u8>> = text
        .as_bytes()
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => u8::try_from(digit(*high)? * 16 + digit(*low)?).ok(),
            _ => None,
        })
        .collect();
    bytes?.try_into().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use cap_std::ambient_authority;

    #[test]
    fn a_key_is_made_once_kept_and_private() {
        let folder = tempfile::tempdir().unwrap();
        let dir = Dir::open_ambient_dir(folder.path(), ambient_authority()).unwrap();
        assert!(StateKey::read(&dir, "state").is_none());
        let first = StateKey::open(&dir, "state").unwrap();
        let again = StateKey::open(&dir, "state").unwrap();
        assert_eq!(first.of_interceptor("scrub"), again.of_interceptor("scrub"));
        assert_ne!(first.of_interceptor("scrub"), first.of_interceptor("other"));
        assert_eq!(first.of_interceptor("scrub").len(), 64);
        use std::os::unix::fs::PermissionsExt as _;
        let file = folder.path().join("state.key");
        assert_eq!(
            std::fs::metadata(file).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }

    #[test]
    fn a_damaged_key_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let dir = Dir::open_ambient_dir(folder.path(), ambient_authority()).unwrap();
        for damaged in ["", "12", "zz", "0é"] {
            dir.write("state.key", damaged).unwrap();
            assert!(StateKey::read(&dir, "state").is_none(), "{damaged:?}");
            StateKey::open(&dir, "state").unwrap();
            assert!(StateKey::read(&dir, "state").is_some(), "{damaged:?}");
        }
    }
}

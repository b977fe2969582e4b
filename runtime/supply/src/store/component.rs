//! The components of plugins of registries in the store, each named by its own digest.

use std::fs::{self, File, Permissions};
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::Store;
use super::error::StoreError;
use crate::oci;

impl Store {
    /// The component with this digest, of at most `most` bytes, and where it lies.
    ///
    /// # Errors
    ///
    /// It is not here, or another one is in its place.
    pub fn component(&self, digest: &str, most: u64) -> Result<(PathBuf, Vec<u8>), StoreError> {
        use rustix::fs::{Mode, OFlags};
        let path = self.component_path(digest);
        if fs::symlink_metadata(&path).is_err() {
            let digest = digest.to_owned();
            return Err(StoreError::NoComponent { digest });
        }
        let read = || -> io::Result<Vec<u8>> {
            self.check()?;
            let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
            let file = File::from(rustix::fs::open(&path, flags, Mode::empty())?);
            let mut bytes = Vec::new();
            file.take(most).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        let bytes = read().map_err(|why| StoreError::Io {
            path: path.clone(),
            why,
        })?;
        let found = oci::digest(&bytes);
        match found == digest {
            true => Ok((path, bytes)),
            false => Err(StoreError::OtherComponent { path, found }),
        }
    }

    /// Keeps a component under its digest. Another that lies in its place is replaced.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub fn keep_component(&self, bytes: &[u8]) -> Result<PathBuf, StoreError> {
        let path = self.component_path(&oci::digest(bytes));
        let keep = || -> io::Result<()> {
            let scratch = self.scratch()?;
            let new = scratch.path().join("component");
            fs::write(&new, bytes)?;
            fs::set_permissions(&new, Permissions::from_mode(0o444))?;
            fs::rename(new, &path)
        };
        match keep() {
            Ok(()) => Ok(path),
            Err(why) => Err(StoreError::Io { path, why }),
        }
    }

    fn component_path(&self, digest: &str) -> PathBuf {
        let digits = digest.strip_prefix("sha256:").unwrap_or(digest);
        let name: String = digits.chars().filter(char::is_ascii_alphanumeric).collect();
        self.folder.join(format!("{name}.wasm"))
    }
}

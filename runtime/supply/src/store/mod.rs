//! Where packages lie once they are installed: a folder a locked package, named by the digest of its lock, put in its
//! place whole, closed to writing, and looked through once before it is run. Beside them lie the components of plugins of
//! registries, each named by its own digest.

mod component;
mod error;
mod own;
mod scratch;

use std::collections::BTreeSet;
use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use sandgate_config::{Ecosystem, Package};

use crate::lock::LockedServer;
use crate::program::Program;
use crate::{manifest, npm, pypi};
use error::WITHIN;
use own::own;
use scratch::SCRATCH;

pub use error::StoreError;
pub(crate) use scratch::Scratch;

/// After this long, what an installation left that did not end is removed.
const STALE: Duration = Duration::from_secs(24 * 60 * 60);

/// Folders that this process has looked through.
static LOOKED_THROUGH: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// The folder of installed packages, in the gateway's cache.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) folder: PathBuf,
}

impl Store {
    /// The packages in a cache.
    pub fn in_cache(cache: &Path) -> Self {
        let cache = std::path::absolute(cache).unwrap_or_else(|_| cache.to_owned());
        Self {
            folder: cache.join("packages"),
        }
    }

    fn place(&self, entry: &LockedServer) -> PathBuf {
        let digits = entry.digest.strip_prefix("sha256:");
        let name: String = digits
            .unwrap_or(&entry.digest)
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .collect();
        self.folder.join(name)
    }

    /// The folder with a locked package, looked through once a process.
    ///
    /// # Errors
    ///
    /// It is not installed, or not as it was installed.
    pub fn find(&self, package: &Package, entry: &LockedServer) -> Result<PathBuf, StoreError> {
        let place = self.place(entry);
        let files = place.join("files");
        if fs::symlink_metadata(&place).is_err() {
            let package = package.clone();
            return Err(StoreError::NotInstalled { package });
        }
        self.check().map_err(|why| StoreError::Io {
            path: place.clone(),
            why,
        })?;
        let mut known = LOOKED_THROUGH
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if known.contains(&place) && files.is_dir() {
            return Ok(files);
        }
        let changed = |what: String| StoreError::Changed {
            folder: place.clone(),
            what,
        };
        let unread = |why: io::Error| changed(format!("its manifest cannot be read ({why})"));
        let wanted = fs::read_to_string(place.join("manifest")).map_err(unread)?;
        let found = manifest::of(&files).map_err(|why| changed(why.to_string()))?;
        if let Some(name) = manifest::first_difference(&wanted, &found) {
            return Err(changed(format!("files/{name} differs")));
        }
        known.insert(place.clone());
        Ok(files)
    }

    /// The program of an installed package.
    ///
    /// # Errors
    ///
    /// As for [`Self::find`]; or the package has no such program.
    pub fn program(
        &self,
        package: &Package,
        entry: &LockedServer,
        bin: Option<&str>,
    ) -> Result<(Program, PathBuf), StoreError> {
        let files = self.find(package, entry)?;
        Ok((Program::of(package, &files, bin)?, files))
    }

    /// Installs a locked package, if it is not installed as it should be. One installation at a time, of all processes;
    /// a further one waits and finds the package there. `kept` was checked by [`crate::Locks::kept`].
    ///
    /// # Errors
    ///
    /// The ecosystem's tool is missing or fails, something has another hash than the lock says, or it takes too long.
    pub fn install(
        &self,
        package: &Package,
        entry: &LockedServer,
        kept: &str,
    ) -> Result<PathBuf, StoreError> {
        let place = self.place(entry);
        let failed = |why| StoreError::Io {
            path: place.clone(),
            why,
        };
        let end = Instant::now() + WITHIN;
        self.make().map_err(failed)?;
        let gate = gate(&place.with_extension("lock")).map_err(failed)?;
        while rustix::fs::flock(&gate, rustix::fs::FlockOperation::NonBlockingLockExclusive)
            .is_err()
        {
            if Instant::now() > end {
                let package = package.clone();
                return Err(StoreError::Busy { package });
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        match self.find(package, entry) {
            Ok(files) => return Ok(files),
            Err(StoreError::NotInstalled { .. }) => {}
            Err(_) => manifest::remove(&place).map_err(failed)?,
        }
        let scratch = self.scratch().map_err(failed)?;
        let (files, within) = (
            scratch.files(),
            end.saturating_duration_since(Instant::now()),
        );
        let installed = match package.ecosystem {
            Ecosystem::Npm => npm::install(
                package,
                kept,
                &files,
                &scratch.said().map_err(failed)?,
                within,
            ),
            // An engine has its own store.
            Ecosystem::Image => Ok(()),
            Ecosystem::PyPi => pypi::install(
                package,
                kept,
                &files,
                &scratch.said().map_err(failed)?,
                within,
            ),
        };
        installed.map_err(|why| StoreError::Install {
            package: package.clone(),
            why: Box::new(why),
        })?;
        let done = || -> io::Result<()> {
            fs::remove_dir_all(scratch.path().join("said"))?;
            manifest::close(&files)?;
            fs::write(scratch.path().join("manifest"), manifest::of(&files)?)?;
            fs::rename(scratch.path(), &place)?;
            fs::set_permissions(place.join("manifest"), Permissions::from_mode(0o444))?;
            fs::set_permissions(&place, Permissions::from_mode(0o555))
        };
        done().map_err(failed)?;
        self.find(package, entry)
    }

    fn make(&self) -> io::Result<()> {
        // As the cache of compiled plugins: for its owner alone.
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folder)?;
        self.check()?;
        for entry in fs::read_dir(&self.folder)?.flatten() {
            let begun = entry.metadata().and_then(|about| about.modified());
            let age =
                begun.map(|begun| SystemTime::now().duration_since(begun).unwrap_or_default());
            let left = entry.file_name().to_string_lossy().starts_with(SCRATCH);
            if left && age.is_ok_and(|age| age > STALE) {
                let _ = manifest::remove(&entry.path());
            }
        }
        Ok(())
    }

    /// What lies here is run: the folder and the cache that it lies in are this user's alone to change.
    pub(crate) fn check(&self) -> io::Result<()> {
        let cache = self.folder.parent();
        cache
            .into_iter()
            .chain([self.folder.as_path()])
            .try_for_each(own)
    }

    /// A new folder beside the packages, which is removed in the end unless it was renamed.
    pub(crate) fn scratch(&self) -> io::Result<Scratch> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        self.make()?;
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let name = format!(
            "{SCRATCH}{}-{number}-{}",
            std::process::id(),
            now.as_nanos()
        );
        let scratch = Scratch::new(self.folder.join(name));
        fs::create_dir(scratch.path())?;
        fs::create_dir(scratch.files())?;
        Ok(scratch)
    }
}

/// The file at which installations wait for each other. A link in its place is not followed.
fn gate(path: &Path) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags};
    let flags = OFlags::CREATE | OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR)?;
    Ok(File::from(file))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use sandgate_config::Scalar;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// A store with a package that was put there as an installation puts it.
    fn stocked() -> (tempfile::TempDir, Store, Package, LockedServer, PathBuf) {
        let cache = tempfile::tempdir().unwrap();
        let store = Store::in_cache(cache.path());
        let package = Package::read("npm:a@1.0.0").unwrap();
        let entry = LockedServer::new(&package, "h".into(), Vec::new(), "");
        let place = store.place(&entry);
        store.make().unwrap();
        fs::create_dir_all(place.join("files/node_modules")).unwrap();
        fs::write(place.join("files/node_modules/a.js"), "1").unwrap();
        std::os::unix::fs::symlink("a.js", place.join("files/node_modules/b.js")).unwrap();
        fs::write(
            place.join("manifest"),
            manifest::of(&place.join("files")).unwrap(),
        )
        .unwrap();
        (cache, store, package, entry, place)
    }

    #[test]
    fn an_installed_package_is_found_and_an_absent_one_is_not() {
        let (_cache, store, package, entry, place) = stocked();
        assert_eq!(store.find(&package, &entry).unwrap(), place.join("files"));
        let other = LockedServer::new(&package, "h".into(), Vec::new(), "other");
        let said = store.find(&package, &other).unwrap_err().to_string();
        assert!(said.contains("locked and not installed"), "{said}");
    }

    #[test]
    fn a_folder_that_others_could_change_holds_nothing_that_is_run() {
        type Change = fn(&Path);
        let changes: [(Change, &str); 4] = [
            (
                |cache| fs::set_permissions(cache, Permissions::from_mode(0o770)).unwrap(),
                "can be written by others",
            ),
            (
                |cache| {
                    let packages = cache.join("packages");
                    fs::set_permissions(packages, Permissions::from_mode(0o707)).unwrap();
                },
                "run chmod go-w",
            ),
            (
                |cache| {
                    fs::rename(cache.join("packages"), cache.join("other")).unwrap();
                    std::os::unix::fs::symlink("other", cache.join("packages")).unwrap();
                },
                "packages is a link",
            ),
            (
                |cache| fs::set_permissions(cache, Permissions::from_mode(0o1777)).unwrap(),
                "can be written by others",
            ),
        ];
        for (change, words) in changes {
            let (cache, store, package, entry, _) = stocked();
            store.find(&package, &entry).unwrap();
            change(cache.path());
            let found = store.find(&package, &entry).unwrap_err().to_string();
            let installed = store.install(&package, &entry, "").unwrap_err().to_string();
            let made = store.scratch().err().unwrap().to_string();
            for said in [found, installed, made] {
                assert!(said.contains(words), "{words:?} is not in {said}");
            }
        }
    }

    #[test]
    fn an_installation_waits_at_no_link() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("precious"), folder.path().join("x.lock"));
        fs::write(&file, "kept").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert!(gate(&link).is_err());
        assert_eq!(fs::read_to_string(&file).unwrap(), "kept");
        fs::remove_file(&link).unwrap();
        gate(&link).unwrap();
        gate(&link).unwrap();
    }

    #[test]
    fn whatever_was_changed_is_named() {
        type Change = fn(&Path);
        let changes: [(Change, &str); 6] = [
            (
                |place| fs::write(place.join("files/node_modules/a.js"), "2").unwrap(),
                "files/node_modules/a.js",
            ),
            (
                |place| fs::write(place.join("files/node_modules/c.js"), "").unwrap(),
                "files/node_modules/c.js",
            ),
            (
                |place| fs::remove_file(place.join("files/node_modules/a.js")).unwrap(),
                "differs",
            ),
            (
                |place| {
                    fs::remove_file(place.join("files/node_modules/b.js")).unwrap();
                    std::os::unix::fs::symlink(
                        "/etc/passwd",
                        place.join("files/node_modules/b.js"),
                    )
                    .unwrap();
                },
                "files/node_modules/b.js",
            ),
            (
                |place| {
                    let path = place.join("files/node_modules/a.js");
                    fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
                },
                "files/node_modules/a.js",
            ),
            (
                |place| fs::remove_file(place.join("manifest")).unwrap(),
                "manifest cannot be read",
            ),
        ];
        for (change, words) in changes {
            let (_cache, store, package, entry, place) = stocked();
            change(&place);
            let said = store.find(&package, &entry).unwrap_err().to_string();
            assert!(said.contains(words), "{words:?} is not in {said}");
        }
    }

    #[test]
    fn a_closed_folder_lets_nobody_write_and_can_be_removed() {
        let (_cache, _, _, _, place) = stocked();
        manifest::close(&place).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&place.join("files/node_modules")), 0o555);
        assert_eq!(mode(&place.join("files/node_modules/a.js")), 0o444);
        manifest::remove(&place).unwrap();
        assert!(!place.exists());
    }
}

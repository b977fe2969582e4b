//! Where packages lie once they are installed: a folder a locked package, named by the digest of its lock, put in its
//! place whole, closed to writing, and looked through once before it is run. Beside them lie the components of plugins of
//! registries, each named by its own digest.

use std::collections::BTreeSet;
use std::fs::{self, File, Permissions};
use std::io::{self, Read as _};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use sandgate_config::{Ecosystem, Package};

use crate::lock::LockedServer;
use crate::manifest;
use crate::npm::{self, InstallError};
use crate::oci;
use crate::program::{Program, ProgramError};
use crate::pypi;

/// How long one installation may take, the wait for another that is under way included.
const WITHIN: Duration = Duration::from_secs(5 * 60);

/// After this long, what an installation left that did not end is removed.
const STALE: Duration = Duration::from_secs(24 * 60 * 60);

/// Folders that this process has looked through.
static LOOKED_THROUGH: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// The folder of installed packages, in the gateway's cache.
#[derive(Clone, Debug)]
pub struct Store {
    folder: PathBuf,
}

/// Why an installed package cannot be used, or none was installed.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum StoreError {
    #[error("{package} is locked and not installed")]
    NotInstalled { package: Package },
    #[error("{} is not as it was installed: {what}", .folder.display())]
    Changed { folder: PathBuf, what: String },
    #[error("{package} was not installed: {why}")]
    Install {
        package: Package,
        why: Box<InstallError>,
    },
    #[error("{} cannot be used: {why}", .path.display())]
    Io { path: PathBuf, why: io::Error },
    #[error("the component {digest} is locked and not here")]
    NoComponent { digest: String },
    #[error("{} is not the component that it was: it has {found}", .path.display())]
    OtherComponent { path: PathBuf, found: String },
    #[error("another installation of {package} has been under way for {} s", WITHIN.as_secs())]
    Busy { package: Package },
    #[error("{0}")]
    Program(#[from] ProgramError),
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
    fn check(&self) -> io::Result<()> {
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
        let scratch = Scratch(self.folder.join(name));
        fs::create_dir(scratch.path())?;
        fs::create_dir(scratch.files())?;
        Ok(scratch)
    }
}

/// Whether a folder is one, belongs to this user, and can be changed by nobody else.
fn own(folder: &Path) -> io::Result<()> {
    let about = fs::symlink_metadata(folder)?;
    let shown = folder.display();
    let user = rustix::process::geteuid().as_raw();
    let (what, remedy) = if about.is_symlink() {
        let remedy = "name the folder that it leads to as `cache` of `[gateway]`";
        ("is a link".to_owned(), remedy.to_owned())
    } else if !about.is_dir() {
        (
            "is no folder".to_owned(),
            format!("move it away (mv {shown} {shown}.old)"),
        )
    } else if about.uid() != user {
        let what = format!(
            "belongs to user {}, and not to {user}, who runs this",
            about.uid()
        );
        let remedy = "run it as that user, or name another `cache` of `[gateway]`";
        (what, remedy.to_owned())
    } else if about.mode() & 0o022 != 0 {
        let what = "can be written by others".to_owned();
        (
            what,
            format!("look at what lies in it, then run chmod go-w {shown}"),
        )
    } else {
        return Ok(());
    };
    let why = format!("{shown} {what}, and packages that are run lie there; {remedy}");
    Err(io::Error::other(why))
}

/// The file at which installations wait for each other. A link in its place is not followed.
fn gate(path: &Path) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags};
    let flags = OFlags::CREATE | OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR)?;
    Ok(File::from(file))
}

const SCRATCH: &str = "new-";

/// A folder for what is not finished.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// The folder that is filled.
    pub(crate) fn files(&self) -> PathBuf {
        self.0.join("files")
    }

    /// A folder for what tools say.
    fn said(&self) -> io::Result<PathBuf> {
        let said = self.0.join("said");
        fs::create_dir(&said)?;
        Ok(said)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if self.0.exists() {
            let _ = manifest::remove(&self.0);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use sandgate_config::Scalar;

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

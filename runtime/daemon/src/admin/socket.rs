//! The path of the admin socket, and who may hold it: one gateway at a time, in a directory that nobody else writes to.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{self, AtFlags, FileType, FlockOperation, Mode, OFlags};
use sandgate_config::{AdminSocket, Environment, Files};
use sha2::{Digest, Sha256};
use tokio::net::{UnixListener, UnixSocket};

/// The most connections that wait to be accepted. People ask one question at a time.
const WAITING: u32 = 16;
/// The hexadecimal digits of a name in the default directory: enough that two configurations of one user do not
/// collide.
const DIGITS: usize = 16;

/// The path of the admin socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketPath {
    /// The socket's path.
    pub path: PathBuf,
    /// Whether the configuration names the path. Otherwise it is the default, which a gateway can do without.
    pub configured: bool,
}

/// A listening admin socket. Dropping it removes the socket.
#[derive(Debug)]
pub struct AdminListener {
    pub(super) listener: UnixListener,
    folder: OwnedFd,
    name: OsString,
    lock_name: OsString,
    /// The lock on the socket's name, held for as long as the socket exists. The kernel releases it with the process,
    /// however that ends.
    _lock: OwnedFd,
}

/// Why the admin socket cannot be opened or used.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// Another gateway holds the socket.
    #[error(
        "{} belongs to another gateway that runs{}: stop that one, or give this one another `admin`",
        .path.display(),
        .process.map(|id| format!(" (process {id})")).unwrap_or_default()
    )]
    Held {
        /// The socket's path.
        path: PathBuf,
        /// The process id of the other gateway, if known.
        process: Option<u32>,
    },
    /// Other users could replace the socket.
    #[error("{} {why}: choose a directory that only its owner writes to (`chmod go-w`)", .folder.display())]
    Folder {
        /// The socket's directory.
        folder: PathBuf,
        /// What is wrong with the directory.
        why: String,
    },
    /// Something that is not a socket has the name.
    #[error("{} is there and is no socket: remove it, or give another path", .0.display())]
    NoSocket(PathBuf),
    /// The operating system reports an error.
    #[error("{} cannot be {what}: {source}", .path.display())]
    Io {
        /// The path of the socket or its directory.
        path: PathBuf,
        /// The failed action: `made` or `opened`.
        what: &'static str,
        /// The cause.
        source: io::Error,
    },
}

impl SocketPath {
    /// The path for a configuration file: the configured one, or by default a path in the user's runtime directory
    /// (`XDG_RUNTIME_DIR`, else a directory under /tmp that bears the user's number). `None` if the configuration says
    /// `none`, or the file's directory does not exist.
    pub fn of(
        config_file: &Path,
        admin: Option<&AdminSocket>,
        environment: &Environment,
    ) -> Option<Self> {
        match admin {
            Some(AdminSocket::None) => None,
            Some(AdminSocket::Path(path)) => Some(Self {
                path: Files::beside(config_file).path(path),
                configured: true,
            }),
            None => {
                let folder = match environment.get("XDG_RUNTIME_DIR").map(PathBuf::from) {
                    Some(runtime) if runtime.is_absolute() => runtime.join("sandgate"),
                    _ => PathBuf::from(format!(
                        "/tmp/sandgate-{}",
                        rustix::process::geteuid().as_raw()
                    )),
                };
                Some(Self {
                    path: folder.join(default_name(config_file)?),
                    configured: false,
                })
            }
        }
    }

    /// Creates the socket and listens on it. Replaces a socket that a dead gateway left.
    ///
    /// # Errors
    ///
    /// Another gateway holds the socket, or its directory cannot be trusted.
    pub fn open(&self) -> Result<AdminListener, SocketError> {
        let failed = |what| {
            let path = self.path.clone();
            move |source: io::Error| SocketError::Io { path, what, source }
        };
        let made = |error: rustix::io::Errno| failed("made")(error.into());
        let (folder, name) = self.folder(true)?;
        let beside = |extension: &str| {
            let mut other = OsString::from(".");
            other.push(&name);
            other.push(extension);
            other
        };
        let lock_name = beside(".lock");
        let lock = match self.lock(&folder, &lock_name).map_err(made)? {
            Ok(lock) => lock,
            Err(process) => {
                return Err(SocketError::Held {
                    path: self.path.clone(),
                    process,
                });
            }
        };
        // The process id is only for the error message above.
        let _ = fs::ftruncate(&lock, 0);
        let _ = rustix::io::pwrite(&lock, format!("{}\n", std::process::id()).as_bytes(), 0);

        if let Ok(there) = fs::statat(&folder, &name, AtFlags::SYMLINK_NOFOLLOW)
            && FileType::from_raw_mode(there.st_mode) != FileType::Socket
        {
            return Err(SocketError::NoSocket(self.path.clone()));
        }
        let new = beside(".new");
        let _ = fs::unlinkat(&folder, &new, AtFlags::empty());
        let listener = listen(&folder, &new).map_err(failed("made"))?;
        let renamed = only_owners(&folder, &new)
            .and_then(|()| fs::renameat(&folder, &new, &folder, &name).map_err(io::Error::from));
        if let Err(error) = renamed {
            let _ = fs::unlinkat(&folder, &new, AtFlags::empty());
            return Err(failed("made")(error));
        }
        Ok(AdminListener {
            listener,
            folder,
            name,
            lock_name,
            _lock: lock,
        })
    }

    /// Takes the lock, which is held until it is dropped. The inner error is the id of the process that holds it, if
    /// known.
    fn lock(
        &self,
        folder: &OwnedFd,
        name: &OsStr,
    ) -> Result<Result<OwnedFd, Option<u32>>, rustix::io::Errno> {
        loop {
            let lock = fs::openat(
                folder,
                name,
                OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC,
                Mode::RUSR | Mode::WUSR,
            )?;
            match fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => {}
                Err(rustix::io::Errno::WOULDBLOCK) => {
                    let mut text = [0; 16];
                    let read = rustix::io::pread(&lock, &mut text, 0).unwrap_or(0);
                    let text = std::str::from_utf8(&text[..read]).unwrap_or_default();
                    return Ok(Err(text.trim().parse().ok()));
                }
                Err(error) => return Err(error),
            }
            // A gateway that ends removes its lock file, so only a lock on the file that has the name now counts.
            let (held, named) = (
                fs::fstat(&lock)?,
                fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW),
            );
            if named.is_ok_and(|named| (named.st_dev, named.st_ino) == (held.st_dev, held.st_ino)) {
                return Ok(Ok(lock));
            }
        }
    }

    /// Opens the socket's directory once, so that what was checked is what is used.
    pub(super) fn folder(&self, make: bool) -> Result<(OwnedFd, OsString), SocketError> {
        let failed = |what| {
            let path = self.path.clone();
            move |source: io::Error| SocketError::Io { path, what, source }
        };
        let name = self
            .path
            .file_name()
            .ok_or_else(|| failed("opened")(io::Error::other("it names no file")))?
            .to_owned();
        let parent = match self.path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        if make {
            match fs::mkdir(parent, Mode::RWXU) {
                Ok(()) | Err(rustix::io::Errno::EXIST) => {}
                Err(error) => return Err(failed("made")(error.into())),
            }
        }
        let mut flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        if !self.configured {
            // Anybody could have put a link there under /tmp.
            flags |= OFlags::NOFOLLOW;
        }
        let folder = fs::open(parent, flags, Mode::empty())
            .map_err(|error| failed("opened")(error.into()))?;
        let meta = fs::fstat(&folder).map_err(|error| failed("opened")(error.into()))?;
        trusted(
            meta.st_uid,
            meta.st_mode,
            rustix::process::geteuid().as_raw(),
        )
        .map_err(|why| SocketError::Folder {
            folder: parent.to_owned(),
            why,
        })?;
        Ok((folder, name))
    }
}

/// The path of a name within an open directory. It works however long the directory's path is, and wherever that leads
/// by now.
pub(super) fn within(folder: &OwnedFd, name: &OsStr) -> PathBuf {
    Path::new("/proc/self/fd")
        .join(folder.as_fd().as_raw_fd().to_string())
        .join(name)
}

/// Checks that only this user (or root) decides what is in a directory. The owner of a directory may replace its
/// contents. So root, too, trusts only itself.
fn trusted(owner: u32, mode: u32, user: u32) -> Result<(), String> {
    if owner != user && owner != 0 {
        return Err(format!("belongs to another user (number {owner})"));
    }
    if mode & 0o022 != 0 {
        return Err(format!(
            "may be written to by others (mode {:03o})",
            mode & 0o777
        ));
    }
    Ok(())
}

fn listen(folder: &OwnedFd, name: &OsStr) -> io::Result<UnixListener> {
    let socket = UnixSocket::new_stream()?;
    // Sets the mode before the socket has a name, so that the socket never exists with another mode.
    fs::fchmod(socket.as_fd(), Mode::RUSR | Mode::WUSR)?;
    socket.bind(within(folder, name))?;
    socket.listen(WAITING)
}

fn only_owners(folder: &OwnedFd, name: &OsStr) -> io::Result<()> {
    fs::chmodat(folder, name, Mode::RUSR | Mode::WUSR, AtFlags::empty())?;
    let meta = fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
    if meta.st_mode & 0o177 == 0 {
        Ok(())
    } else {
        Err(io::Error::other(
            "its file system does not keep it to its owner: choose another directory",
        ))
    }
}

/// The default name, made of the file's own path. The file's link is not followed, so that a link that is swapped to
/// another file stays one configuration.
fn default_name(config_file: &Path) -> Option<String> {
    let parent = match config_file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let path = std::fs::canonicalize(parent)
        .ok()?
        .join(config_file.file_name()?);
    let digest = Sha256::digest(path.as_os_str().as_encoded_bytes());
    let digits = digest.iter().flat_map(|byte| {
        [byte >> 4, byte & 15].map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)]))
    });
    Some(digits.take(DIGITS).chain(".sock".chars()).collect())
}

impl Drop for AdminListener {
    fn drop(&mut self) {
        let _ = fs::unlinkat(&self.folder, &self.name, AtFlags::empty());
        // The lock is removed last.
        let _ = fs::unlinkat(&self.folder, &self.lock_name, AtFlags::empty());
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    use super::*;

    fn place(folder: &Path) -> SocketPath {
        SocketPath {
            path: folder.join("admin.sock"),
            configured: true,
        }
    }

    #[tokio::test]
    async fn the_socket_is_its_owners_alone_and_goes_with_the_listener() {
        let folder = tempfile::tempdir().unwrap();
        let place = place(&folder.path().join("new"));
        let listener = place.open().unwrap();
        let mode = |path: &Path| std::fs::symlink_metadata(path).unwrap().mode() & 0o777;
        assert_eq!(mode(&place.path), 0o600);
        assert_eq!(mode(place.path.parent().unwrap()), 0o700);
        drop(listener);
        let left = std::fs::read_dir(place.path.parent().unwrap()).unwrap();
        assert_eq!(left.count(), 0);
    }

    #[tokio::test]
    async fn a_second_gateway_is_refused_and_the_first_keeps_its_socket() {
        let folder = tempfile::tempdir().unwrap();
        let first = place(folder.path()).open().unwrap();
        let error = place(folder.path()).open().unwrap_err();
        let me = std::process::id();
        assert!(
            matches!(error, SocketError::Held { process: Some(id), .. } if id == me),
            "{error}"
        );
        assert!(folder.path().join("admin.sock").exists());
        drop(first);
        place(folder.path()).open().unwrap();
    }

    #[tokio::test]
    async fn a_socket_that_a_dead_gateway_left_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("admin.sock");
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        let before = std::fs::symlink_metadata(&path).unwrap().ino();
        let _listener = place(folder.path()).open().unwrap();
        assert_ne!(std::fs::symlink_metadata(&path).unwrap().ino(), before);
    }

    #[tokio::test]
    async fn a_file_of_that_name_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("admin.sock");
        std::fs::write(&path, "mine").unwrap();
        let error = place(folder.path()).open().unwrap_err();
        assert!(matches!(error, SocketError::NoSocket(_)), "{error}");
        assert_eq!(std::fs::read_to_string(path).unwrap(), "mine");
    }

    #[tokio::test]
    async fn a_directory_that_others_write_to_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
        let error = place(folder.path()).open().unwrap_err();
        assert!(matches!(error, SocketError::Folder { .. }), "{error}");
        assert!(error.to_string().contains("mode 777"), "{error}");
    }

    #[test]
    fn a_directory_of_another_user_is_not_trusted() {
        assert!(trusted(1000, 0o40700, 1000).is_ok());
        assert!(trusted(0, 0o40755, 1000).is_ok());
        assert!(trusted(0, 0o40700, 0).is_ok());
        assert!(trusted(1000, 0o40700, 0).is_err());
        assert!(trusted(1001, 0o40700, 1000).is_err());
        assert!(trusted(1000, 0o40770, 1000).is_err());
        assert!(trusted(0, 0o41777, 1000).is_err());
    }

    #[tokio::test]
    async fn a_long_path_is_no_hindrance() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("x".repeat(200));
        let place = place(&deep);
        let _listener = place.open().unwrap();
        assert!(place.path.as_os_str().len() > 108);
    }

    #[test]
    fn left_out_it_is_found_by_the_configurations_path() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.toml");
        let runtime: Environment = [("XDG_RUNTIME_DIR", "/run/user/7")].into_iter().collect();
        let default = |file: &Path, environment: &Environment| {
            let place = SocketPath::of(file, None, environment).unwrap();
            assert!(!place.configured);
            place.path
        };
        let path = default(&file, &runtime);
        assert!(path.starts_with("/run/user/7/sandgate"), "{path:?}");
        assert_eq!(path, default(&folder.path().join("./a.toml"), &runtime));
        assert_ne!(path, default(&folder.path().join("b.toml"), &runtime));
        let elsewhere = default(&file, &Environment::default());
        assert!(elsewhere.starts_with("/tmp"), "{elsewhere:?}");
        assert_eq!(
            SocketPath::of(&file, Some(&AdminSocket::None), &runtime),
            None
        );
        let named = AdminSocket::Path("run/admin.sock".into());
        let place = SocketPath::of(&file, Some(&named), &runtime).unwrap();
        assert_eq!(place.path, folder.path().join("run/admin.sock"));
    }
}

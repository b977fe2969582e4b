//! Machine code that a package brings beside the program, so that a first start compiles nothing. Machine code that is
//! loaded is trusted. Here that rests on the program: it holds the digest of the list of digests, so only who can write the
//! program can have it load other code. The owner and mode of what lies there are checked as well.

use std::collections::HashMap;
use std::fs::{File, Metadata};
use std::io::{Read, Write};
use std::os::unix::fs::MetadataExt;

use cap_std::fs::Dir;
use rustix::fs::{Mode, OFlags, openat};
use rustix::io::Errno;
use sandgate_text::hex;
use sha2::{Digest, Sha256};

use crate::cache::{Cache, CacheKey, Entry};

/// The list of digests, as `sha256sum` writes and checks it.
const LIST: &str = "SHA256SUMS";
/// Bytes of the longest list.
const MAX_LIST: u64 = 64 << 10;
/// Bytes of the largest file beside it.
const MAX_FILE: u64 = 64 << 20;

/// The SHA-256 of a folder's list of digests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PackageDigest(pub [u8; 32]);

/// Why packaged machine code cannot be used. Plugins are then compiled.
#[derive(Debug, thiserror::Error)]
pub enum PackagedError {
    /// There is no such folder, or no such file in it.
    #[error("{0} is not there")]
    Missing(String),
    /// It cannot be read or written.
    #[error("{0}: {1}")]
    Io(String, std::io::Error),
    /// Others than those who can change the program can change this.
    #[error(
        "{name} belongs to user {uid} and has mode {mode:04o}: it must belong to root or to the owner of the program, and \
         be writable by nobody who cannot write the program (`chmod go-w`)"
    )]
    Exposed {
        /// What it is.
        name: String,
        /// Whose it is.
        uid: u32,
        /// Its permissions.
        mode: u32,
    },
    /// This is not what the program was packaged with.
    #[error("{0} is not of this build of the program, or was changed: install the package again")]
    Foreign(String),
}

impl PackagedError {
    /// Whether this is no more than a program without its package.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Missing(_))
    }
}

/// Who can change a program's file.
#[derive(Clone, Copy, Debug)]
pub struct ProgramFile {
    uid: u32,
    gid: u32,
    mode: u32,
}

impl ProgramFile {
    /// What `about` says of the program's file.
    pub fn new(about: &Metadata) -> Self {
        Self {
            uid: about.uid(),
            gid: about.gid(),
            mode: about.mode(),
        }
    }

    /// Whether only they can change a file or folder who can change the program anyway.
    fn vouches_for(&self, about: &Metadata) -> bool {
        let shared = about.mode() & self.mode;
        let group = about.mode() & 0o020 == 0 || (shared & 0o020 != 0 && about.gid() == self.gid);
        let others = about.mode() & 0o002 == 0;
        [0, self.uid].contains(&about.uid()) && group && others
    }
}

/// A folder of machine code that came with the program. It is only read.
pub struct Packaged {
    folder: File,
    program: ProgramFile,
    /// The SHA-256 of each file, by its name.
    digests: HashMap<String, [u8; 32]>,
}

impl Packaged {
    /// Opens the folder that `path` leads to from the folder `from`, part by part and through no symbolic link.
    ///
    /// # Errors
    /// The folder is not there, others could change it, or its list is not the one with this digest.
    pub fn open(
        from: &Dir,
        path: &[&str],
        program: ProgramFile,
        digest: PackageDigest,
    ) -> Result<Self, PackagedError> {
        let clone = from.try_clone();
        let clone = clone.map_err(|error| PackagedError::Io(path.join("/"), error))?;
        let mut folder = clone.into_std_file();
        for part in path {
            let (next, about) = open(&folder, part, OFlags::DIRECTORY)?;
            // What is above the program's own folder is as safe as that folder is.
            if *part != ".." && !program.vouches_for(&about) {
                return Err(exposed(part, &about));
            }
            folder = next;
        }
        let list = read(&folder, LIST, MAX_LIST, program)?;
        let foreign = || PackagedError::Foreign(LIST.into());
        if Sha256::digest(&list)[..] != digest.0 {
            return Err(foreign());
        }
        let list = String::from_utf8(list).map_err(|_| foreign())?;
        let line = |line: &str| {
            let (digest, name) = line.split_once("  ")?;
            Some((name.to_owned(), hex::decode_lower(digest)?))
        };
        let digests = list.lines().map(line).collect::<Option<_>>();
        Ok(Self {
            folder,
            program,
            digests: digests.ok_or_else(foreign)?,
        })
    }

    /// The component under a key, if it was packaged and is what was packaged.
    pub(crate) fn get(&self, key: &CacheKey) -> Option<Entry> {
        let name = key.name();
        let digest = self.digests.get(&name)?;
        let body = read(&self.folder, &name, MAX_FILE, self.program).and_then(|body| {
            match Sha256::digest(&body)[..] == *digest {
                true => Ok(body),
                false => Err(PackagedError::Foreign(name)),
            }
        });
        match body {
            Ok(body) => Entry::read(body),
            Err(error) => {
                tracing::warn!("packaged machine code is not used: {error}");
                None
            }
        }
    }
}

impl std::fmt::Debug for Packaged {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Packaged")
    }
}

impl Cache {
    /// Writes the components of this cache into an empty folder, for [`Packaged::open`].
    ///
    /// # Errors
    /// The cache cannot be read, or the folder cannot be written.
    pub fn package(&self, into: &Dir) -> Result<PackageDigest, PackagedError> {
        let failed = |name: &str| {
            let name = name.to_owned();
            move |error| PackagedError::Io(name, error)
        };
        let mut list = String::new();
        for (name, body) in self.components().map_err(failed("the cache"))? {
            into.write(&name, &body).map_err(failed(&name))?;
            list += &format!("{}  {name}\n", hex::encode(Sha256::digest(&body)));
        }
        let written = into
            .create(LIST)
            .and_then(|mut file| file.write_all(list.as_bytes()));
        written.map_err(failed(LIST))?;
        Ok(PackageDigest(Sha256::digest(&list).into()))
    }
}

/// Opens what lies in a folder under this name, if it is no symbolic link.
fn open(folder: &File, name: &str, flags: OFlags) -> Result<(File, Metadata), PackagedError> {
    // A pipe must hold up nobody.
    let flags = flags | OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let opened = openat(folder, name, flags, Mode::empty());
    let file = opened.map(File::from).map_err(|errno| match errno {
        Errno::NOENT => PackagedError::Missing(name.into()),
        errno => PackagedError::Io(name.into(), errno.into()),
    })?;
    match file.metadata() {
        Ok(about) => Ok((file, about)),
        Err(error) => Err(PackagedError::Io(name.into(), error)),
    }
}

fn read(
    folder: &File,
    name: &str,
    most: u64,
    program: ProgramFile,
) -> Result<Vec<u8>, PackagedError> {
    let (file, about) = open(folder, name, OFlags::empty())?;
    if !program.vouches_for(&about) {
        return Err(exposed(name, &about));
    }
    if !about.is_file() || about.len() > most {
        return Err(PackagedError::Foreign(name.into()));
    }
    let mut body = Vec::with_capacity(usize::try_from(about.len()).unwrap_or_default());
    match file.take(most).read_to_end(&mut body) {
        Ok(_) => Ok(body),
        Err(error) => Err(PackagedError::Io(name.into(), error)),
    }
}

fn exposed(name: &str, about: &Metadata) -> PackagedError {
    PackagedError::Exposed {
        name: name.into(),
        uid: about.uid(),
        mode: about.mode() & 0o7777,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::{Path, PathBuf};

    use super::*;
    use crate::machine_code::MachineCode;

    /// A program with a package: `bin/program` and `lib/code/…`.
    struct Installed {
        place: tempfile::TempDir,
        digest: PackageDigest,
    }

    fn key() -> CacheKey {
        CacheKey::component("sha256:a", "{}", 7)
    }

    impl Installed {
        fn new() -> Self {
            let place = tempfile::tempdir().unwrap();
            let folder = |path: &str| {
                let path = place.path().join(path);
                fs::create_dir_all(&path).unwrap();
                Dir::open_ambient_dir(path, cap_std::ambient_authority()).unwrap()
            };
            let cache = Cache::open(folder("cache")).unwrap();
            cache.put(&key(), true, &MachineCode::genuine(b"code".to_vec()));
            folder("bin").write("program", "").unwrap();
            let digest = cache.package(&folder("lib/code")).unwrap();
            for path in ["bin/program", "lib", "lib/code", "lib/code/SHA256SUMS"] {
                chmod(&place.path().join(path), 0o755);
            }
            let this = Self { place, digest };
            chmod(&this.code(), 0o644);
            this
        }

        fn path(&self, path: &str) -> PathBuf {
            self.place.path().join(path)
        }

        fn code(&self) -> PathBuf {
            self.path("lib/code").join(key().name())
        }

        fn open_with(&self, digest: PackageDigest) -> Result<Packaged, PackagedError> {
            let program = ProgramFile::new(&fs::metadata(self.path("bin/program")).unwrap());
            let bin = Dir::open_ambient_dir(self.path("bin"), cap_std::ambient_authority());
            Packaged::open(&bin.unwrap(), &["..", "lib", "code"], program, digest)
        }

        fn open(&self) -> Result<Packaged, PackagedError> {
            self.open_with(self.digest)
        }

        fn has_code(&self) -> bool {
            let entry = self.open().unwrap().get(&key());
            entry.is_some_and(|entry| entry.snapshotted && entry.code.bytes() == b"code")
        }
    }

    fn chmod(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn what_was_packaged_comes_back_and_nothing_else() {
        let installed = Installed::new();
        assert!(installed.has_code());
        let packaged = installed.open().unwrap();
        for other in [
            ("sha256:b", "{}", 7),
            ("sha256:a", "{\"x\":1}", 7),
            ("sha256:a", "{}", 8),
        ] {
            assert!(
                packaged
                    .get(&CacheKey::component(other.0, other.1, other.2))
                    .is_none()
            );
        }
        // Read-only is enough.
        for path in [
            installed.code(),
            installed.path("lib/code"),
            installed.path("lib"),
        ] {
            let mode = fs::metadata(&path).unwrap().mode();
            chmod(&path, mode & 0o555);
        }
        assert!(installed.has_code());
        chmod(&installed.path("lib"), 0o755);
        chmod(&installed.path("lib/code"), 0o755);
    }

    #[test]
    fn a_changed_byte_a_cut_file_and_a_long_one_are_not_loaded() {
        let installed = Installed::new();
        let genuine = fs::read(installed.code()).unwrap();
        let mut hostile: Vec<_> = (0..genuine.len())
            .map(|at| {
                let mut forged = genuine.clone();
                forged[at] ^= 1;
                forged
            })
            .collect();
        hostile.extend([
            Vec::new(),
            genuine[..3].to_vec(),
            [&genuine[..], b"x"].concat(),
        ]);
        for forged in hostile {
            fs::write(installed.code(), &forged).unwrap();
            assert!(!installed.has_code(), "{forged:?}");
        }
        fs::remove_file(installed.code()).unwrap();
        assert!(!installed.has_code());
        // Nobody waits for what never comes.
        let fifo = std::process::Command::new("mkfifo")
            .arg(installed.code())
            .status();
        assert!(fifo.unwrap().success());
        assert!(!installed.has_code());
    }

    #[test]
    fn a_list_that_is_not_the_programs_own_is_refused() {
        let installed = Installed::new();
        let other = PackageDigest([7; 32]);
        assert!(matches!(
            installed.open_with(other),
            Err(PackagedError::Foreign(_))
        ));
        // An attacker's code with the attacker's list.
        fs::write(installed.code(), b"evil").unwrap();
        let list = format!(
            "{}  {}\n",
            hex::encode(Sha256::digest(b"evil")),
            key().name()
        );
        fs::write(installed.path("lib/code/SHA256SUMS"), list).unwrap();
        assert!(matches!(installed.open(), Err(PackagedError::Foreign(_))));
        fs::remove_file(installed.path("lib/code/SHA256SUMS")).unwrap();
        assert!(installed.open().unwrap_err().is_missing());
        fs::remove_dir_all(installed.path("lib")).unwrap();
        assert!(installed.open().unwrap_err().is_missing());
    }

    #[test]
    fn what_others_can_write_is_refused_whatever_is_in_it() {
        for path in ["lib", "lib/code", "lib/code/SHA256SUMS"] {
            let installed = Installed::new();
            for mode in [0o777, 0o775, 0o757] {
                chmod(&installed.path(path), mode);
                let error = installed.open().unwrap_err();
                assert!(
                    matches!(error, PackagedError::Exposed { .. }),
                    "{path} {mode:o}"
                );
            }
            // Who can write the program anyway gains nothing.
            chmod(&installed.path(path), 0o775);
            chmod(&installed.path("bin/program"), 0o775);
            assert!(installed.has_code());
        }
        let installed = Installed::new();
        chmod(&installed.code(), 0o666);
        assert!(!installed.has_code());
    }

    #[test]
    fn what_belongs_to_a_stranger_is_refused() {
        let installed = Installed::new();
        let mut program = ProgramFile::new(&fs::metadata(installed.path("bin/program")).unwrap());
        let about = fs::metadata(installed.code()).unwrap();
        assert!(program.vouches_for(&about));
        program.uid = about.uid() + 1;
        // Root can change the program, too.
        assert_eq!(program.vouches_for(&about), about.uid() == 0);
        if std::os::unix::fs::chown(installed.code(), Some(12_345), None).is_ok() {
            assert!(!installed.has_code());
        }
        let shared = ProgramFile {
            mode: 0o775,
            gid: about.gid() + 1,
            ..program
        };
        chmod(&installed.code(), 0o664);
        let about = fs::metadata(installed.code()).unwrap();
        assert!(!shared.vouches_for(&about), "another group");
    }

    #[test]
    fn a_symbolic_link_leads_nowhere() {
        let installed = Installed::new();
        let elsewhere = Installed::new();
        fs::rename(installed.path("lib/code"), installed.path("lib/moved")).unwrap();
        symlink(installed.path("lib/moved"), installed.path("lib/code")).unwrap();
        assert!(installed.open().is_err());
        fs::remove_file(elsewhere.code()).unwrap();
        symlink(
            installed.path("lib/moved").join(key().name()),
            elsewhere.code(),
        )
        .unwrap();
        assert!(!elsewhere.has_code());
    }
}

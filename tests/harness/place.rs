//! Where things are.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The gateway's binary: `SANDGATE_BIN`, or the one built beside this test.
pub fn sandgate() -> PathBuf {
    std::env::var_os("SANDGATE_BIN").map_or_else(|| binary("sandgate"), PathBuf::from)
}

/// A program of the workspace, built in the profile of this test.
///
/// # Panics
/// Where it was not built.
pub fn binary(name: &str) -> PathBuf {
    let path = profile_folder().join(name);
    assert!(
        path.is_file(),
        "{} is missing: run `cargo build --workspace --bins` (`make test` does)",
        path.display()
    );
    path
}

/// Where the real clients and servers are installed: `SANDGATE_PEERS`, or `peers` in the target folder.
///
/// # Panics
/// Where they are not.
pub fn peers() -> PathBuf {
    let path = std::env::var_os("SANDGATE_PEERS").map_or_else(
        || profile_folder().parent().unwrap().join("peers"),
        PathBuf::from,
    );
    assert!(
        path.join("stamp").is_file(),
        "{} is missing: run `make peers` (`make test` does)",
        path.display()
    );
    path
}

/// Node 22, which some peers need: the one installed beside them, or where there is none for this machine, the one on the
/// `PATH`.
pub fn node() -> PathBuf {
    let installed = peers().join("node_modules/.bin/node");
    match installed.is_file() {
        true => installed,
        false => PathBuf::from("node"),
    }
}

/// Where what the SDKs of other languages are built with is installed: `sdks` in the target folder.
///
/// # Panics
/// Where it is not.
pub fn sdks() -> PathBuf {
    let path = profile_folder().parent().unwrap().join("sdks");
    assert!(
        path.join("stamp").is_file(),
        "{} is missing: run `make sdks` (`make test` does)",
        path.display()
    );
    path
}

/// The client scripts.
pub(crate) fn clients() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/clients")
}

/// Compiled policies are kept here between runs, away from the user's own.
pub fn cache() -> PathBuf {
    profile_folder().join("journeys-cache")
}

/// A user without privileges, where the test is root: with everything of its own, it is in no list of users.
pub fn other_user() -> Option<u32> {
    rustix::process::geteuid().is_root().then_some(61_000)
}

/// A file that every user may reach: the given one, or where a folder above it is closed, a copy of it.
///
/// # Panics
/// Where it cannot be copied.
pub fn open_to_all(path: &Path) -> PathBuf {
    static COPIES: OnceLock<tempfile::TempDir> = OnceLock::new();
    let open = |folder: &Path| {
        let about = std::fs::metadata(folder).unwrap();
        about.permissions().mode() & 0o1 != 0
    };
    let real = path.canonicalize().unwrap();
    if real.ancestors().skip(1).all(open) {
        return real;
    }
    let copies = COPIES.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let all = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(folder.path(), all).unwrap();
        folder
    });
    let copy = copies.path().join(real.file_name().unwrap());
    if !copy.exists() {
        let done = std::process::Command::new("cp")
            .arg("-rL")
            .arg(&real)
            .arg(&copy)
            .status();
        assert!(
            done.unwrap().success(),
            "{} cannot be copied",
            real.display()
        );
    }
    copy
}

/// A Python that every user may run: the system's.
///
/// # Panics
/// Where there is none.
pub fn system_python() -> PathBuf {
    let path = PathBuf::from("/usr/bin/python3");
    assert!(
        path.is_file(),
        "{} is missing: install the system's Python 3",
        path.display()
    );
    path
}

/// `target/debug` or its like: a test runs from its folder `deps`.
fn profile_folder() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let folder = test.parent().unwrap();
    if folder.ends_with("deps") {
        folder.parent().unwrap().to_owned()
    } else {
        folder.to_owned()
    }
}

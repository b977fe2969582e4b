//! Where things are.

use std::path::{Path, PathBuf};

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

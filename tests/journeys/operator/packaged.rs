//! A program that came with its package compiles nothing at its first start. What is wrong with the package is said, and
//! costs time alone.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// One of the built-in plugins, which is compiled quickly in a debug build, too.
const PLUGIN: &str = "allow-tools";

/// A program with its package, and a configuration that `sandgate init` wrote.
struct Installed {
    folder: tempfile::TempDir,
}

impl Installed {
    fn new() -> Self {
        let this = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        for folder in ["bin", "lib/sandgate", "elsewhere"] {
            fs::create_dir_all(this.path(folder)).unwrap();
        }
        for folder in ["lib", "lib/sandgate"] {
            fs::set_permissions(this.path(folder), Permissions::from_mode(0o755)).unwrap();
        }
        fs::copy(harness::sandgate(), this.program()).unwrap();
        let packaged = Command::new(harness::sandgate())
            .args(["plugin", "compile-builtins", "--to"])
            .arg(this.path("lib/sandgate/compiled"))
            .arg("--program")
            .arg(this.program())
            .arg(PLUGIN)
            .output()
            .unwrap();
        assert!(packaged.status.success(), "{packaged:?}");
        let init = Command::new(this.program())
            .args(["init", "--config"])
            .arg(this.path("whole.toml"))
            .output()
            .unwrap();
        assert!(init.status.success(), "{init:?}");
        let whole = fs::read_to_string(this.path("whole.toml")).unwrap();
        let (head, interceptors) = whole.split_once("[[interceptors]]").unwrap();
        let written = format!("\nplugin = \"builtin:{PLUGIN}\"\n");
        let mut interceptors = interceptors.split("[[interceptors]]");
        let own = interceptors.find(|one| one.contains(&written)).unwrap();
        fs::write(this.config(), format!("{head}[[interceptors]]{own}")).unwrap();
        this
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn program(&self) -> PathBuf {
        self.path("bin/sandgate")
    }

    fn config(&self) -> PathBuf {
        self.path("sandgate.toml")
    }

    /// The packaged components.
    fn components(&self) -> Vec<PathBuf> {
        let folder = fs::read_dir(self.path("lib/sandgate/compiled")).unwrap();
        let mut paths: Vec<_> = folder.map(|entry| entry.unwrap().path()).collect();
        paths.retain(|path| !path.ends_with("SHA256SUMS"));
        paths
    }

    /// A first start of this program: whether it compiled anything, and what it said.
    fn first_start(&self, program: &Path) -> (bool, String) {
        let cache = tempfile::tempdir().unwrap();
        let Output {
            status,
            stdout,
            stderr,
        } = Command::new(program)
            .args(["check", "--config"])
            .arg(self.config())
            .env("XDG_CACHE_HOME", cache.path())
            .env("NO_COLOR", "1")
            .current_dir(self.path("elsewhere"))
            .output()
            .unwrap();
        let said = String::from_utf8([stdout, stderr].concat()).unwrap();
        assert!(status.success(), "{said}");
        let kept = fs::read_dir(cache.path().join("sandgate")).unwrap();
        let mut kept = kept.map(|entry| entry.unwrap().file_name());
        (kept.any(|name| name != "key"), said)
    }

    fn starts(&self) -> (bool, String) {
        self.first_start(&self.program())
    }
}

#[test]
fn a_packaged_program_compiles_nothing_at_its_first_start() {
    let installed = Installed::new();
    let (compiled, said) = installed.starts();
    assert!(!compiled && !said.contains("packaged"), "{said}");

    // A link to the program leads to the program. So does one beside a folder of somebody's making.
    let link = installed.path("elsewhere/sandgate");
    symlink(installed.program(), &link).unwrap();
    fs::create_dir(installed.path("elsewhere/sandgate-compiled")).unwrap();
    let (compiled, said) = installed.first_start(&link);
    assert!(!compiled, "{said}");

    // Other settings are compiled as ever.
    let config = fs::read_to_string(installed.config()).unwrap();
    let other = config.replace("allow = [\"*\"]", "allow = [\"files/*\"]");
    assert_ne!(config, other);
    fs::write(installed.config(), other).unwrap();
    assert!(installed.starts().0);
    fs::write(installed.config(), config).unwrap();

    // A program that was not packaged has nothing to do with what lies there. Neither has one without its package.
    let plain = installed.path("bin/plain");
    fs::copy(harness::sandgate(), &plain).unwrap();
    let (compiled, said) = installed.first_start(&plain);
    assert!(compiled && !said.contains("packaged"), "{said}");
    let alone = installed.path("elsewhere/bin/sandgate");
    fs::create_dir(alone.parent().unwrap()).unwrap();
    fs::rename(installed.program(), &alone).unwrap();
    let (compiled, said) = installed.first_start(&alone);
    assert!(compiled && !said.contains("packaged"), "{said}");
}

#[test]
fn a_package_that_was_changed_is_said_to_be_and_not_used() {
    let installed = Installed::new();
    let refused = |what: &str| {
        let (compiled, said) = installed.starts();
        assert!(
            compiled && said.contains("packaged machine code is not used"),
            "{what}: {said}"
        );
        assert!(said.contains(what), "{what}: {said}");
    };
    for path in installed.components() {
        let mut code = fs::read(&path).unwrap();
        let middle = code.len() / 2;
        code[middle] ^= 1;
        fs::write(&path, code).unwrap();
    }
    refused("is not of this build of the program, or was changed");

    let folder = installed.path("lib/sandgate/compiled");
    fs::set_permissions(&folder, Permissions::from_mode(0o777)).unwrap();
    refused("compiled belongs to user");
    fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();

    // The attacker's code with the attacker's list of digests: the program knows its own.
    let list = folder.join("SHA256SUMS");
    let forged = Command::new("sh")
        .args(["-c", "sha256sum [0-9a-f]* > SHA256SUMS"])
        .current_dir(&folder)
        .status();
    assert!(forged.unwrap().success());
    refused("SHA256SUMS is not of this build");
    fs::remove_file(&list).unwrap();
    assert!(installed.starts().0);
}

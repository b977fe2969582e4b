//! The programs that languages need: where they are, and how to install missing ones.

use std::path::{Path, PathBuf};

/// A missing program, and how to get it on this system.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} is not installed\n\n  {}\n", .install.join("\n  "))]
pub struct Missing {
    /// The program for people, for example `cargo, which builds Rust,`.
    pub what: String,
    /// Command lines, one of which suffices. The first is the best on this system.
    pub install: Vec<String>,
}

/// How a program is installed, by kind of system. An empty entry is not offered.
#[derive(Clone, Copy, Debug, Default)]
pub struct Install {
    /// Debian, Ubuntu and their derivatives.
    pub debian: &'static str,
    /// Fedora and its derivatives.
    pub fedora: &'static str,
    /// Arch and its derivatives.
    pub arch: &'static str,
    /// Alpine.
    pub alpine: &'static str,
    /// macOS.
    pub macos: &'static str,
    /// Any system.
    pub anywhere: &'static str,
}

impl Install {
    /// The command lines for this system, the system's own package first.
    pub fn here(&self) -> Vec<String> {
        let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
        self.on(std::env::consts::OS, &release)
    }

    fn on(&self, os: &str, release: &str) -> Vec<String> {
        let own = if os == "macos" {
            self.macos
        } else {
            let likes = |wanted: &[&str]| {
                release
                    .lines()
                    .filter_map(|line| line.strip_prefix("ID=").or(line.strip_prefix("ID_LIKE=")))
                    .flat_map(|value| value.trim_matches('"').split_whitespace())
                    .any(|id| wanted.contains(&id))
            };
            if likes(&["debian", "ubuntu"]) {
                self.debian
            } else if likes(&["fedora", "rhel", "centos"]) {
                self.fedora
            } else if likes(&["arch"]) {
                self.arch
            } else if likes(&["alpine"]) {
                self.alpine
            } else {
                ""
            }
        };
        let all = [own, self.anywhere];
        all.iter()
            .filter(|line| !line.is_empty())
            .map(|line| (*line).to_owned())
            .collect()
    }
}

/// The path of a program: in one of these folders, else on the `PATH`.
pub(super) fn find(program: &str, folders: &[PathBuf]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    folders
        .iter()
        .cloned()
        .chain(std::env::split_paths(&path))
        .map(|folder| folder.join(program))
        .find(|file| is_program(file))
}

fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(file)
        .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_to_install_is_what_this_system_calls_it() {
        let install = Install {
            debian: "apt install x",
            macos: "brew install x",
            anywhere: "pip install x",
            ..Install::default()
        };
        assert_eq!(
            install.on(
                "linux",
                "NAME=Mint\nID=linuxmint\nID_LIKE=\"ubuntu debian\"\n"
            ),
            ["apt install x", "pip install x"]
        );
        assert_eq!(install.on("linux", "ID=alpine\n"), ["pip install x"]);
        assert_eq!(install.on("macos", ""), ["brew install x", "pip install x"]);
    }

    #[test]
    fn a_program_in_the_projects_own_folder_goes_before_the_paths() {
        use std::os::unix::fs::PermissionsExt;
        let own = tempfile::tempdir().unwrap();
        let file = own.path().join("sh");
        std::fs::write(&file, "").unwrap();
        let folders = [own.path().to_owned()];
        assert_ne!(
            find("sh", &folders),
            Some(file.clone()),
            "it cannot be run yet"
        );
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(find("sh", &folders), Some(file));
        assert_eq!(find("no-such-program-anywhere", &folders), None);
    }
}

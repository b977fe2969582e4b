//! The digest of everything that goes into a build, by which a build knows that nothing has changed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::language::{Beside, Project};
use crate::vendored_sdk;

/// The most files of a project, and the most bytes of them. A folder with more holds something that no author wrote.
const MOST_SOURCES: usize = 4096;
const MOST_BYTES: u64 = 64 << 20;
/// The most files of installed packages.
const MOST_INSTALLED: usize = 100_000;

/// Folders of a project that do not go into a build. What is installed in an environment, its language names.
const LEFT_OUT: [&str; 3] = [".git", ".venv", "__pycache__"];
/// The file that marks a folder filled by a program. Test runners put it into hidden folders. Elsewhere it says nothing of
/// what a compiler reads.
const OF_A_TOOL: &str = "CACHEDIR.TAG";
/// The file that marks an environment of Python, and the usual name of one.
const ENVIRONMENT: (&str, &str) = ("pyvenv.cfg", "venv");
/// The folders of npm's packages.
pub(crate) const PACKAGES: &str = "node_modules";

/// The digest of what goes into a build of the project, in hexadecimal. `None`: the files cannot be read, or are too many.
///
/// The files of the project's folder count by their content, whatever they are for; so does this very program, which
/// makes the component of what a compiler leaves.
pub(crate) fn digest(project: &Project, beside: &Beside) -> Option<String> {
    let mut all = Vec::new();
    let program = std::env::current_exe().ok()?;
    part(&mut all, env!("CARGO_PKG_VERSION").as_bytes());
    part(&mut all, &print(&fs::metadata(&program).ok()?));
    part(&mut all, project.language.key().as_bytes());
    for word in &beside.words {
        part(&mut all, word.as_bytes());
    }
    if makes_sources(&project.folder, project.language.key()) {
        return None;
    }
    let mut found = Found::default();
    found
        .sources(&project.folder, project.language.key())
        .ok()?;
    for folder in &beside.installed {
        found.installed(folder).ok()?;
    }
    for (path, content) in &found.files {
        part(&mut all, path.as_os_str().as_bytes());
        part(&mut all, content);
    }
    Some(vendored_sdk::digest(&all))
}

/// Whether `target`, which holds what was made, holds sources of the language, too: a source may take them in from there.
/// What tools put into `target` itself is not meant.
fn makes_sources(folder: &Path, language: &str) -> bool {
    let endings: &[&str] = match language {
        "python" => &["py"],
        "ts" => &["ts", "tsx", "mts", "cts", "js", "jsx", "mjs", "cjs", "json"],
        "go" => &["go", "s"],
        // Cargo knows its sources itself, and no include leads from a source of C to here.
        _ => return false,
    };
    let made = |folder: &Path| fs::read_dir(folder).into_iter().flatten().flatten();
    let mut left: Vec<_> = made(&folder.join("target"))
        .map(|entry| entry.path())
        // Where interpreters are kept, if this user has no caches.
        .filter(|path| path.is_dir() && !path.ends_with("dev"))
        .collect();
    while let Some(here) = left.pop() {
        for entry in made(&here) {
            let path = entry.path();
            let ending = path.extension().unwrap_or_default();
            // Links are not followed: they may lead back.
            if path.is_symlink() || endings.iter().any(|one| ending == *one) {
                return true;
            }
            if path.is_dir() {
                left.push(path);
            }
        }
    }
    false
}

/// Adds a part with its length, so that no two sequences of parts read alike.
fn part(all: &mut Vec<u8>, bytes: &[u8]) {
    all.extend(bytes.len().to_be_bytes());
    all.extend(bytes);
}

/// The size and the times of a file: whoever writes it changes them.
fn print(meta: &Metadata) -> Vec<u8> {
    let times = [
        meta.mtime(),
        meta.mtime_nsec(),
        meta.ctime(),
        meta.ctime_nsec(),
    ];
    let numbers = times.into_iter().flat_map(i64::to_be_bytes);
    meta.size()
        .to_be_bytes()
        .into_iter()
        .chain(numbers)
        .collect()
}

/// The files that were found: the digest of the content, or the print, by path.
#[derive(Default)]
struct Found {
    files: BTreeMap<PathBuf, Vec<u8>>,
    /// The folders that were entered. A link may lead back to one.
    entered: BTreeSet<PathBuf>,
    bytes: u64,
    prints: usize,
}

impl Found {
    /// Takes the files of the project's folder and below it.
    fn sources(&mut self, folder: &Path, language: &str) -> io::Result<()> {
        let mut left = vec![folder.to_owned()];
        while let Some(here) = left.pop() {
            if !self.entered.insert(fs::canonicalize(&here)?) {
                continue;
            }
            for entry in fs::read_dir(&here)? {
                let path = entry?.path();
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                // Where a link leads to nothing there is nothing to go in.
                let Ok(meta) = fs::metadata(&path) else {
                    continue;
                };
                let of_a_tool = || name.starts_with('.') && path.join(OF_A_TOOL).is_file();
                let environment = || {
                    let (mark, usual) = ENVIRONMENT;
                    language == "python" && (name == usual || path.join(mark).is_file())
                };
                let left_out = || LEFT_OUT.contains(&&*name) || of_a_tool() || environment();
                if meta.is_file() {
                    self.bytes += meta.len();
                    if self.bytes > MOST_BYTES {
                        return Err(too_much(folder));
                    }
                    let content = Sha256::digest(fs::read(&path)?).to_vec();
                    self.files.insert(
                        path.strip_prefix(folder).unwrap_or(&path).to_owned(),
                        content,
                    );
                    if self.files.len() > MOST_SOURCES {
                        return Err(too_much(folder));
                    }
                } else if !meta.is_dir() || left_out() {
                } else if name == PACKAGES {
                    self.installed(&path)?;
                } else if here != folder || name != "target" {
                    left.push(path);
                }
            }
        }
        Ok(())
    }

    /// Takes the prints of the files of a folder and below it. A folder that is not there has none.
    fn installed(&mut self, folder: &Path) -> io::Result<()> {
        let mut left = vec![folder.to_owned()];
        while let Some(here) = left.pop() {
            let Ok(real) = fs::canonicalize(&here) else {
                continue;
            };
            if !real.is_dir() || !self.entered.insert(real) {
                continue;
            }
            for entry in fs::read_dir(&here)? {
                let path = entry?.path();
                let Ok(meta) = fs::metadata(&path) else {
                    continue;
                };
                if meta.is_file() {
                    self.files.insert(path, print(&meta));
                    self.prints += 1;
                    if self.prints > MOST_INSTALLED {
                        return Err(too_much(folder));
                    }
                } else if meta.is_dir() && !path.ends_with("__pycache__") {
                    left.push(path);
                }
            }
        }
        Ok(())
    }
}

fn too_much(folder: &Path) -> io::Error {
    io::Error::other(format!("{} holds too much", folder.display()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_file_that_goes_in_changes_the_digest_and_what_tools_leave_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let project = folder.path().join("p");
        let installed = folder.path().join("lib");
        let write = |path: &Path, text: &str| {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write(
            &project.join("plugin.toml"),
            "name = \"n\"\nversion = \"0.1.0\"\n[hooks.pre-call]\ntype = \"validation\"\nevents = [\"ping\"]\n",
        );
        write(&project.join("src/plugin.c"), "1");
        write(&installed.join("package/__init__.py"), "1");
        // As npm links a package that lies beside the project.
        fs::create_dir(project.join("node_modules")).unwrap();
        std::os::unix::fs::symlink(&installed, project.join("node_modules/linked")).unwrap();
        // A link that leads back to where it lies.
        std::os::unix::fs::symlink(&project, project.join("src/back")).unwrap();
        let opened = Project::open(&project, None).unwrap();
        let with = |words: &[&str]| {
            let beside = Beside {
                words: words.iter().map(ToString::to_string).collect(),
                installed: vec![installed.clone(), folder.path().join("not-there")],
            };
            digest(&opened, &beside).unwrap()
        };
        let before = with(&["1.0"]);
        assert_eq!(with(&["1.0"]), before);
        assert_ne!(with(&["1.1"]), before);
        assert_ne!(with(&["1.", "0"]), before);
        for left in [
            "target/a.wasm",
            "__pycache__/a.pyc",
            ".venv/a",
            ".git/index",
            ".test_cache/CACHEDIR.TAG",
        ] {
            write(&project.join(left), "1");
            assert_eq!(with(&["1.0"]), before, "{left}");
        }
        let mut known = BTreeSet::from([before]);
        for goes_in in [
            project.join("src/plugin.c"),
            project.join("plugin.toml"),
            project.join("vendor/sdk/sandgate.h"),
            project.join("fixtures/a.toml"),
            project.join("src/target/inner.c"),
            project.join("src/marked/CACHEDIR.TAG"),
            project.join("src/marked/inner.h"),
            project.join("venv/pyvenv.cfg"),
            project.join("venv/inner.h"),
            project.join(".npmrc"),
            installed.join("package/__init__.py"),
            installed.join("package/new.py"),
        ] {
            write(&goes_in, "2");
            assert!(known.insert(with(&["1.0"])), "{}", goes_in.display());
        }
        fs::remove_file(project.join(".npmrc")).unwrap();
        assert!(known.insert(with(&["1.0"])), "a file that goes");
    }

    #[test]
    fn an_environment_is_left_out_of_a_project_in_python_alone() {
        let folder = tempfile::tempdir().unwrap();
        for path in ["venv/a.py", "own/pyvenv.cfg", "own/a.py", "plugin.py"] {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let found = |language| {
            let mut found = Found::default();
            found.sources(folder.path(), language).unwrap();
            found.files.len()
        };
        assert_eq!((found("python"), found("go")), (1, 4));
    }

    #[test]
    fn sources_in_a_folder_of_the_target_are_found() {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        };
        for made in ["a.wasm", "plugin.js", "dev/core.wasm", "dev/a.js"] {
            write(&format!("target/{made}"));
        }
        assert!(!makes_sources(folder.path(), "ts"));
        write("target/made/a.ts");
        assert!(makes_sources(folder.path(), "ts"));
        assert!(!makes_sources(folder.path(), "go"));
        write("target/made/deep/a.go");
        assert!(makes_sources(folder.path(), "go"));
    }

    #[test]
    fn a_folder_that_holds_too_much_has_no_digest() {
        let folder = tempfile::tempdir().unwrap();
        let file = fs::File::create(folder.path().join("large")).unwrap();
        file.set_len(MOST_BYTES + 1).unwrap();
        assert!(Found::default().sources(folder.path(), "c").is_err());
    }
}

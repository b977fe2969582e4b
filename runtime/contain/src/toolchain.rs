//! What a program outside the system's folders needs to run: the file, the links that lead to it, its interpreter, and
//! the installation that it belongs to (a virtual environment, a version of Node or Python, `node_modules`).

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::path::{Component, Path, PathBuf};

use crate::system;

/// The most links and interpreters that are followed.
const MOST: usize = 40;

/// A program found: where it is, and what must be visible for it to run.
#[derive(Debug, Default)]
pub(crate) struct Toolchain {
    /// Files and folders outside the system's.
    pub(crate) paths: BTreeSet<PathBuf>,
    /// The program, the links that lead to it, its interpreters, and the files that say where those are: who changes one
    /// chooses what runs.
    pub(crate) files: BTreeSet<PathBuf>,
    /// Folders that belong into the program's search path.
    pub(crate) folders: Vec<PathBuf>,
}

impl Toolchain {
    /// The toolchain of a program. `search` are the folders in which its interpreter is looked up (`env node`).
    pub(crate) fn of(program: &Path, search: &[PathBuf]) -> Self {
        let mut found = Self::default();
        let mut left = vec![program.to_owned()];
        let mut seen = BTreeSet::new();
        while let Some(path) = left.pop() {
            if seen.len() > MOST || !seen.insert(path.clone()) {
                continue;
            }
            if let Some(folder) = path.parent().filter(|folder| !system::has(folder)) {
                found.folders.push(folder.to_owned());
            }
            // `uvx` is `uv` under another name, and starts it.
            let uv = path.with_file_name("uv");
            if path.ends_with("uvx") && uv.exists() {
                left.push(uv);
            }
            if let Some(next) = link(&path) {
                left.push(next);
            } else if let Some(interpreter) = interpreter(&path, search) {
                left.push(interpreter);
            }
            found.files.insert(path.clone());
            if system::has(&path) {
                continue;
            }
            match installation(&path) {
                Some(folder) => {
                    let python = base_python(&folder);
                    if python.is_some() {
                        found.files.insert(folder.join("pyvenv.cfg"));
                    }
                    left.extend(python);
                    found.paths.insert(folder);
                }
                None => drop(found.paths.insert(path)),
            }
        }
        found
    }
}

/// What must stay as it is for a program to run as it was planned: the files of `Toolchain::files`, and installations
/// with everything in them. `search` are the folders in which its interpreter is looked up.
pub fn runs(program: &Path, search: &str) -> Runs {
    let search: Vec<PathBuf> = search.split(':').map(PathBuf::from).collect();
    let found = Toolchain::of(program, &search);
    Runs {
        files: found.files.iter().flat_map(|path| places(path)).collect(),
        installed: found.paths.iter().flat_map(|path| places(path)).collect(),
    }
}

/// What a program runs, by paths as they are written and by where they lead.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Runs {
    /// The program, links to it, its interpreters, and what says where those are.
    pub files: Vec<PathBuf>,
    /// The files and folders of its installation outside the system's.
    pub installed: Vec<PathBuf>,
}

/// A path as it is written, the same in the folder that this is without links, and where it leads.
fn places(path: &Path) -> Vec<PathBuf> {
    let mut places = vec![path.to_owned()];
    if let (Some(folder), Some(name)) = (path.parent(), path.file_name()) {
        places.extend(folder.canonicalize().map(|folder| folder.join(name)));
    }
    places.extend(path.canonicalize());
    places
}

fn link(path: &Path) -> Option<PathBuf> {
    let to = std::fs::read_link(path).ok()?;
    let folder = path.parent()?.canonicalize().ok()?;
    Some(plain(&folder.join(to)))
}

/// The path without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            other => plain.push(other),
        }
    }
    plain
}

/// The program of a script's first line. After `env` a plain name alone is looked up: what its options and a path name
/// is not followed.
fn interpreter(path: &Path, search: &[PathBuf]) -> Option<PathBuf> {
    let mut begin = [0; 256];
    let length = File::open(path).ok()?.read(&mut begin).ok()?;
    let text = std::str::from_utf8(begin[..length].split(|byte| *byte == b'\n').next()?).ok()?;
    let mut words = text.strip_prefix("#!")?.split_whitespace();
    let first = words.next()?;
    if !first.ends_with("/env") {
        return Some(first.into());
    }
    let name = words
        .next()
        .filter(|word| !word.starts_with('-') && !word.contains(['/', '=']))?;
    let found = search.iter().map(|folder| folder.join(name));
    found.into_iter().find(|file| file.is_file())
}

/// The folder that holds all of the installation to which a program belongs.
fn installation(path: &Path) -> Option<PathBuf> {
    let modules = path.ancestors().filter(|one| one.ends_with("node_modules"));
    if let Some(outermost) = modules.last() {
        return Some(outermost.to_owned());
    }
    let folder = path.parent()?;
    if folder.ends_with("shims") && folder.parent()?.join("versions").is_dir() {
        return Some(folder.parent()?.to_owned());
    }
    let prefix = folder.parent().filter(|_| folder.ends_with("bin"))?;
    // Anything may lie in `~/.local`, and in a home with a `bin`: that a library is there too says nothing.
    let anything = prefix.ends_with(".local") || prefix.parent().is_none();
    let runtime = ["lib/node_modules", "include/node"];
    let python = || {
        let names = std::fs::read_dir(prefix.join("lib")).into_iter().flatten();
        let mut names = names.flatten().map(|entry| entry.file_name());
        names.any(|name| name.to_string_lossy().starts_with("python3"))
    };
    let whole = prefix.join("pyvenv.cfg").is_file()
        || (!anything && (runtime.iter().any(|mark| prefix.join(mark).is_dir()) || python()));
    whole.then(|| prefix.to_owned())
}

/// The Python that a virtual environment was made of.
fn base_python(folder: &Path) -> Option<PathBuf> {
    let text = std::fs::read_to_string(folder.join("pyvenv.cfg")).ok()?;
    let mut lines = text.lines().filter_map(|line| line.split_once('='));
    let (_, home) = lines.find(|(key, _)| key.trim() == "home")?;
    let python = Path::new(home.trim()).join("python3");
    python.canonicalize().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn touch(path: &Path, text: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn a_program_of_the_system_needs_nothing_more() {
        let found = Toolchain::of(Path::new("/usr/bin/env"), &[]);
        assert!(found.paths.is_empty() && found.folders.is_empty());
    }

    #[test]
    fn a_virtual_environment_brings_its_python_and_a_script_its_interpreter() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        touch(&root.join("versions/3/bin/python3.11"), "");
        touch(&root.join("versions/3/lib/python3.11/os.py"), "");
        symlink("python3.11", root.join("versions/3/bin/python3")).unwrap();
        let venv = root.join("venv");
        touch(
            &venv.join("pyvenv.cfg"),
            &format!("home = {}\n", root.join("versions/3/bin").display()),
        );
        touch(
            &venv.join("bin/server"),
            &format!("#!{}\n", venv.join("bin/python").display()),
        );
        symlink(root.join("versions/3/bin/python3"), venv.join("bin/python")).unwrap();
        let found = Toolchain::of(&venv.join("bin/server"), &[]);
        assert_eq!(found.paths, BTreeSet::from([venv, root.join("versions/3")]));
    }

    #[test]
    fn a_program_in_a_home_brings_itself_and_not_the_home() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        touch(&root.join(".local/lib/python3.11/x.py"), "");
        touch(&root.join(".local/share/keyrings/login"), "secret");
        touch(&root.join(".local/bin/uvx"), "\x7fELF");
        touch(&root.join(".local/bin/uv"), "\x7fELF");
        let programs = ["uv", "uvx"].map(|name| root.join(".local/bin").join(name));
        let found = Toolchain::of(&programs[1], &[]);
        assert_eq!(found.paths, BTreeSet::from(programs));
    }

    #[test]
    fn after_env_a_plain_name_alone_is_followed() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        touch(&root.join("bin/node"), "");
        touch(&root.join("secret"), "secret");
        let secret = root.join("secret");
        let program = root.join("program");
        let search = [root.join("bin")];
        for (words, found) in [
            ("node".to_owned(), Some(root.join("bin/node"))),
            ("node --option".into(), Some(root.join("bin/node"))),
            (secret.display().to_string(), None),
            ("../secret".into(), None),
            ("-S node".into(), None),
            (format!("-S {}", secret.display()), None),
            (format!("-u A {}", secret.display()), None),
            (format!("A=b {}", secret.display()), None),
            (String::new(), None),
        ] {
            touch(&program, &format!("#!/usr/bin/env {words}\n"));
            assert_eq!(interpreter(&program, &search), found, "{words:?}");
        }
    }

    #[test]
    fn a_link_into_node_modules_brings_the_modules_and_node() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        touch(&root.join("node/bin/node"), "");
        fs::create_dir_all(root.join("node/lib/node_modules")).unwrap();
        touch(
            &root.join("app/node_modules/x/dist/index.js"),
            "#!/usr/bin/env node\n",
        );
        fs::create_dir_all(root.join("app/node_modules/.bin")).unwrap();
        let program = root.join("app/node_modules/.bin/x");
        symlink("../x/dist/index.js", &program).unwrap();
        let found = Toolchain::of(&program, &[root.join("node/bin")]);
        let wanted = BTreeSet::from([root.join("app/node_modules"), root.join("node")]);
        assert_eq!(found.paths, wanted);
    }
}

//! The program of an installed package, and how it is started.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use sandgate_config::{Ecosystem, Package};
use serde_json::Value;

use crate::kept::plain_name;
use crate::pypi::PROGRAMS;

/// The longest first line of a program that is looked at, in bytes.
const LINE: u64 = 256;

/// What is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The program: `node`, which is looked up, or a path.
    pub command: String,
    /// Its arguments before those of the configuration.
    pub args: Vec<String>,
}

/// Why a package cannot be run. Continues "`servers.NAME.package` …".
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum ProgramError {
    #[error("{0} has no program")]
    None(Package),
    #[error("{package} has no program {bin:?}; it has {names}")]
    Other {
        package: Package,
        bin: String,
        names: String,
    },
    #[error("{package} has several programs: {names}")]
    Several { package: Package, names: String },
    #[error("the program {0:?} leads out of the package")]
    Outside(String),
    #[error(
        "the program {0:?} names an interpreter that a package may not choose; it may be node (`#!/usr/bin/env node`), \
         a shell, or a program's plain name (`#!/usr/bin/env NAME`), without further words"
    )]
    Interpreter(String),
}

impl Program {
    /// The program of a package that lies in a folder. `bin` is the wanted one's name.
    ///
    /// # Errors
    ///
    /// The package has none, several, or not the wanted one.
    pub(crate) fn of(
        package: &Package,
        folder: &Path,
        bin: Option<&str>,
    ) -> Result<Self, ProgramError> {
        let programs = match package.ecosystem {
            Ecosystem::Npm => npm(package, folder),
            Ecosystem::PyPi => pypi(folder),
            Ecosystem::Image => BTreeMap::new(),
        };
        let (name, file) = chosen(package, &programs, bin)?;
        let inside = folder.join(file).canonicalize();
        let real = folder.canonicalize();
        let (Ok(file), Ok(folder)) = (inside, real) else {
            return Err(ProgramError::None(package.clone()));
        };
        if !file.starts_with(&folder) {
            return Err(ProgramError::Outside(name.to_owned()));
        }
        let path = file.display().to_string();
        if package.ecosystem == Ecosystem::PyPi {
            return Ok(Self {
                command: folder.join("bin/python").display().to_string(),
                args: vec![path],
            });
        }
        match of_node(&file) {
            Some(true) => Ok(Self {
                command: "node".into(),
                args: vec![path],
            }),
            Some(false) => Ok(Self {
                command: path,
                args: Vec::new(),
            }),
            None => Err(ProgramError::Interpreter(name.to_owned())),
        }
    }
}

fn chosen<'a>(
    package: &Package,
    programs: &'a BTreeMap<String, String>,
    bin: Option<&str>,
) -> Result<(&'a String, &'a String), ProgramError> {
    let names: Vec<&str> = programs.keys().map(String::as_str).collect();
    let names = names.join(", ");
    let package = package.clone();
    match bin {
        Some(bin) => programs
            .get_key_value(bin)
            .ok_or_else(|| ProgramError::Other {
                package,
                bin: bin.to_owned(),
                names,
            }),
        None if programs.len() > 1 => {
            let own = plain_name(unscoped(&package.name));
            let mut like = programs.iter().filter(|(name, _)| plain_name(name) == own);
            like.next().ok_or(ProgramError::Several { package, names })
        }
        None => programs.iter().next().ok_or(ProgramError::None(package)),
    }
}

fn unscoped(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// Names and files, relative to the folder.
fn npm(package: &Package, folder: &Path) -> BTreeMap<String, String> {
    let place = format!("node_modules/{}", package.name);
    let about = std::fs::read(folder.join(&place).join("package.json")).unwrap_or_default();
    let about: Value = serde_json::from_slice(&about).unwrap_or_default();
    let within = |file: &str| format!("{place}/{file}");
    match &about["bin"] {
        Value::String(file) => [(unscoped(&package.name).to_owned(), within(file))].into(),
        Value::Object(all) => {
            let known = all
                .iter()
                .filter_map(|(name, file)| Some((name.clone(), within(file.as_str()?))));
            known.collect()
        }
        _ => BTreeMap::new(),
    }
}

fn pypi(folder: &Path) -> BTreeMap<String, String> {
    let scripts = std::fs::read_dir(folder.join(PROGRAMS));
    let names = scripts.into_iter().flatten().flatten().filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        let file = format!("{PROGRAMS}/{name}");
        Some((name.strip_suffix(".py")?.to_owned(), file))
    });
    names.collect()
}

/// Whether Node runs a file, by its ending or its first line; `None`: its first line names what a package may not choose.
/// The interpreter of a program is given to the server to read, with its installation: by a path, a package could have
/// any file of the operator's.
fn of_node(file: &Path) -> Option<bool> {
    let mut begin = Vec::new();
    let read = File::open(file).and_then(|file| file.take(LINE).read_to_end(&mut begin));
    read.ok()?;
    if !begin.starts_with(b"#!") {
        let ends = ["js", "mjs", "cjs"];
        let end = file.extension();
        return Some(end.is_some_and(|end| ends.iter().any(|one| end == *one)));
    }
    let whole = begin.contains(&b'\n') || (begin.len() as u64) < LINE;
    let first = begin[2..].split(|byte| *byte == b'\n').next()?;
    let first = std::str::from_utf8(first).ok().filter(|_| whole)?;
    let plain = |word: &str| {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '.';
        !word.starts_with('.') && !word.is_empty() && word.chars().all(fits)
    };
    let words: Vec<&str> = first.split_ascii_whitespace().collect();
    let interpreter = match words[..] {
        ["/usr/bin/env", word] => word,
        ["/bin/sh"] => "sh",
        ["/bin/bash"] => "bash",
        ["/usr/bin/env"] => return None,
        [path] => path.strip_prefix("/usr/bin/")?,
        _ => return None,
    };
    plain(interpreter).then_some(matches!(interpreter, "node" | "nodejs"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use sandgate_config::Scalar;

    use super::*;

    fn installed(about: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let own = folder.path().join("node_modules/@a/server");
        std::fs::create_dir_all(own.join("dist")).unwrap();
        std::fs::write(own.join("package.json"), about).unwrap();
        std::fs::write(own.join("dist/a.js"), "#!/usr/bin/env node\n").unwrap();
        std::fs::write(own.join("dist/b"), "#!/bin/sh\n").unwrap();
        std::fs::write(own.join("dist/e"), "#!/home/ada/.ssh/id\n").unwrap();
        std::os::unix::fs::symlink("/usr/bin/env", own.join("dist/c")).unwrap();
        folder
    }

    #[test]
    fn a_package_chooses_no_file_as_its_interpreter() {
        let folder = tempfile::tempdir().unwrap();
        let of = |name: &str, first: &str| {
            let file = folder.path().join(name);
            std::fs::write(&file, first).unwrap();
            of_node(&file)
        };
        let long = format!("#!/usr/bin/env node{}", " ".repeat(300));
        for (first, node) in [
            ("", Some(false)),
            ("\x7fELF", Some(false)),
            ("#!/usr/bin/env node\nx", Some(true)),
            ("#!/usr/bin/env node", Some(true)),
            ("#! /usr/bin/env node\r\n", Some(true)),
            ("#!/usr/bin/node\n", Some(true)),
            ("#!/usr/bin/env python3.11\n", Some(false)),
            ("#!/bin/sh\n", Some(false)),
            ("#!/bin/bash\n", Some(false)),
            ("#!/usr/bin/bash\n", Some(false)),
            ("#!/home/ada/.ssh/id_ed25519\n", None),
            ("#!/home/ada/node\n", None),
            ("#!/tmp/env node\n", None),
            ("#!/usr/bin/../../home/ada/node\n", None),
            ("#!/usr/bin/..\n", None),
            ("#!/usr/bin/env /home/ada/node\n", None),
            ("#!/usr/bin/env ../node\n", None),
            ("#!/usr/bin/env -S node\n", None),
            ("#!/usr/bin/env -S/home/ada/node\n", None),
            ("#!/usr/bin/env A=b node\n", None),
            ("#!/usr/bin/env node --require=/home/ada/x\n", None),
            ("#!/bin/sh -x\n", None),
            ("#!/usr/bin/env\n", None),
            ("#!\n", None),
            ("#!/usr/bin/env no\u{f6}de\n", None),
            (&long, None),
        ] {
            assert_eq!(of("bin", first), node, "{first:?}");
        }
        assert_eq!(of("bin.mjs", "import x"), Some(true));
        assert_eq!(of("bin.js", "#!/home/ada/node\n"), None);
        assert_eq!(of_node(&folder.path().join("nothing")), None);
    }

    #[test]
    fn the_program_is_the_only_one_the_one_of_the_packages_name_or_the_one_that_is_asked_for() {
        let package = Package::read("npm:@a/server@1.0.0").unwrap();
        let of = |about: &str, bin: Option<&str>| {
            let folder = installed(about);
            Program::of(&package, folder.path(), bin)
        };
        let two = r#"{"bin": {"server": "dist/a.js", "b": "dist/b", "c": "dist/c"}}"#;
        let one = of(r#"{"bin": "./dist/a.js"}"#, None).unwrap();
        assert_eq!(one.command, "node");
        assert!(
            one.args[0].ends_with("node_modules/@a/server/dist/a.js"),
            "{one:?}"
        );
        assert!(of(two, None).unwrap().args[0].ends_with("a.js"));
        assert!(of(two, Some("b")).unwrap().command.ends_with("dist/b"));
        for (about, bin, words) in [
            (two, Some("d"), "has no program \"d\"; it has b, c, server"),
            (two, Some("c"), "leads out of the package"),
            (
                r#"{"bin": {"x": "dist/a.js", "y": "dist/b"}}"#,
                None,
                "has several programs: x, y",
            ),
            ("{}", None, "has no program"),
            (
                r#"{"bin": "dist/e"}"#,
                None,
                "\"server\" names an interpreter that a package may not choose",
            ),
            (r#"{"bin": "../../../nowhere"}"#, None, "has no program"),
        ] {
            let said = of(about, bin).unwrap_err().to_string();
            assert!(said.contains(words), "{words:?} is not in {said}");
        }
    }
}

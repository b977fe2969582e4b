//! Python: the SDK checks that manifest and source agree, and makes a component with componentize-py.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{File, New, captured, counted, interpreter, output_of, tested, to_count};
use crate::cover::{Ran, lcov};
use crate::language::{Beside, Compiled, ForDev, Language, NotCompiled, Project, SourceFile};
use crate::toolchain::{Install, Missing, find};
use crate::vendored_sdk;

const TEMPLATE: [(&str, &str); 8] = [
    ("plugin.py", include_str!("../templates/python/plugin.py")),
    (
        "test_plugin.py",
        include_str!("../templates/python/test_plugin.py"),
    ),
    (
        "plugin.toml",
        include_str!("../templates/python/plugin.toml"),
    ),
    (
        "pyproject.toml",
        include_str!("../templates/python/pyproject.toml"),
    ),
    (
        "requirements.txt",
        include_str!("../templates/python/requirements.txt"),
    ),
    (".gitignore", include_str!("../templates/python/gitignore")),
    ("README.md", include_str!("../templates/python/README.md")),
    (
        ".github/workflows/ci.yml",
        include_str!("../templates/python/ci.yml"),
    ),
];

const PYTHON: Install = Install {
    debian: "sudo apt install python3 python3-venv",
    fedora: "sudo dnf install python3",
    arch: "sudo pacman -S python",
    alpine: "apk add python3",
    macos: "brew install python",
    anywhere: "see https://www.python.org/downloads",
};

/// The package of the SDK, in a project.
const SDK: &str = "vendor/sandgate";

/// Prints the SDK's version if SDK and compiler are installed.
const PROBE: &str = "import sandgate, componentize_py; print(sandgate.__version__)";

/// Runs the tests, and writes which lines they ran. The standard library is enough for it.
const COUNT: &str = include_str!("../cover/lines.py");

/// Its exit code where there is no pytest.
const NO_PYTEST: i32 = 100;

/// Prints Python's version, then the folders from which it imports packages, each after a NUL.
const WHERE: &str = "import sys, sysconfig
own = {sysconfig.get_path('stdlib'), sysconfig.get_path('platstdlib')}
own |= {path + '/lib-dynload' for path in own}
print(sys.version, *(path for path in sys.path if path not in own), sep='\\0', end='\\0')";

/// Python.
pub(super) struct Python;

impl Language for Python {
    fn key(&self) -> &'static str {
        "python"
    }
    fn name(&self) -> &'static str {
        "Python"
    }
    fn mark(&self) -> &'static str {
        "plugin.py"
    }

    fn compile(&self, project: &Project) -> Result<Compiled, NotCompiled> {
        let (python, folder) = &installed(project)?;
        let version = probed(python, folder)?;
        let scratch = tempfile::tempdir()
            .map_err(|error| NotCompiled::Project(format!("no temporary folder: {error}")))?;
        let made = scratch.path().join("component.wasm");
        output_of(
            python_in(python, folder)
                .args(["-m", "sandgate", "build", "--bare", "-o"])
                .arg(&made)
                .arg("."),
        )?;
        let wasm = std::fs::read(&made).map_err(|error| {
            NotCompiled::Project(format!("componentize-py made no component: {error}"))
        })?;
        Ok(Compiled {
            wasm,
            sdk: Some(("sandgate".into(), version)),
        })
    }

    fn beside(&self, project: &Project) -> Result<Option<Beside>, NotCompiled> {
        let (python, folder) = &installed(project)?;
        let said = output_of(python_in(python, folder).args(["-c", WHERE]))?;
        let said = String::from_utf8_lossy(&said).into_owned();
        let (version, folders) = said.split_once('\0').unwrap_or((&said, ""));
        let folders = folders.split_terminator('\0').map(|path| folder.join(path));
        Ok(Some(Beside {
            words: vec![version.to_owned()],
            // The project's own files count by their content.
            installed: folders.filter(|path| path != folder).collect(),
        }))
    }

    fn cover(&self, project: &Project) -> Result<Ran, NotCompiled> {
        let (python, _) = &installed(project)?;
        let (scratch, folder) = to_count(project)?;
        let file = scratch.path().join("lcov.info");
        let mut command = python_in(python, &folder);
        let code = tested(command.args(["-B", "-c", COUNT]).arg(&file))?;
        if code == Some(NO_PYTEST) {
            return Err(Missing {
                what: "pytest, which runs the tests of a project in Python,".into(),
                install: vec!["python3 -m venv .venv && .venv/bin/pip install pytest".into()],
            }
            .into());
        }
        Ok(Ran {
            passed: code == Some(0),
            files: lcov(&counted(&file)?, &folder),
        })
    }

    fn compile_for_dev(&self, project: &Project) -> Result<ForDev, NotCompiled> {
        let (python, folder) = &installed(project)?;
        let version = probed(python, folder)?;
        let mut command = python_in(python, folder);
        command
            .args(["-m", "sandgate", "dev", "--interpreters"])
            .arg(interpreter::folder())
            .arg(".");
        interpreter::made(&mut command, folder, Some(("sandgate".into(), version)))
    }

    fn once(&self) -> Option<&'static str> {
        Some("python3 -m venv .venv && .venv/bin/pip install -r requirements.txt")
    }

    fn template(&self, new: &New) -> Vec<File> {
        TEMPLATE
            .iter()
            .map(|(path, text)| File::new(*path, new.render(text)))
            .collect()
    }
    fn sdk_folder(&self) -> &'static str {
        SDK
    }
    fn sdk(&self) -> &'static [SourceFile] {
        vendored_sdk::PYTHON
    }
}

/// The interpreter that runs the SDK, and the project's folder.
fn installed(project: &Project) -> Result<(PathBuf, PathBuf), NotCompiled> {
    // A relative path of a program would be looked up in the folder in which it runs.
    let folder = std::path::absolute(&project.folder)
        .map_err(|error| NotCompiled::Project(format!("{}: {error}", project.folder.display())))?;
    let own = [folder.join(".venv/bin")];
    let python = find("python3", &own).ok_or_else(|| Missing {
        what: "Python 3.11 or later".into(),
        install: PYTHON.here(),
    })?;
    Ok((python, folder))
}

/// The SDK's version.
fn probed(python: &Path, folder: &Path) -> Result<String, NotCompiled> {
    let output = captured(python_in(python, folder).args(["-c", PROBE]))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    if said.contains("No module named 'sandgate'") {
        return Err(NotCompiled::Project(format!(
            "{} is not there: `sandgate plugin new` lays it into a new project, from which it can be copied",
            folder.join(SDK).display()
        )));
    }
    let here = folder.join("requirements.txt").is_file();
    let wanted = match here {
        true => "-r requirements.txt",
        false => "componentize-py",
    };
    Err(Missing {
        what: "componentize-py, which makes WebAssembly of Python,".into(),
        install: vec![format!(
            "python3 -m venv .venv && .venv/bin/pip install {wanted}"
        )],
    }
    .into())
}

/// A Python command in this folder. It finds the SDK in the folder's `vendor`, and leaves no bytecode there.
fn python_in(python: &Path, folder: &Path) -> Command {
    let mut command = Command::new(python);
    command
        .current_dir(folder)
        .env("PYTHONDONTWRITEBYTECODE", "1");
    let vendor = PathBuf::from("vendor");
    if folder.join(&vendor).join("sandgate").is_dir() {
        let given = std::env::var_os("PYTHONPATH").unwrap_or_default();
        let paths = std::iter::once(vendor).chain(std::env::split_paths(&given));
        if let Ok(paths) = std::env::join_paths(paths) {
            command.env("PYTHONPATH", paths);
        }
    }
    command
}

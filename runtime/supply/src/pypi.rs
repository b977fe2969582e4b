//! PyPI: resolving a package to requirements with hashes, and installing them into an environment of their own. Only
//! wheels are used: nothing of a package runs while it is resolved or installed.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sandgate_config::Package;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::install_error::InstallError;
use crate::kept::{self, plain_name};
use crate::registry_host::host;
use crate::resolve_error::ResolveError;
use crate::sha256::sha256;
use crate::tool::Tool;

/// The folder with a small script for each program of the package.
pub(crate) const PROGRAMS: &str = "run";

/// Starts pip so that it builds nothing. `--only-binary` holds for what the index has, and not for an archive that a
/// wheel names by its address: that one's code would run while pip asks what it needs. Pip itself lies beside Python, and
/// not in the folder that it runs in.
const PIP: &str = "\
import sys
if sys.path[:1] == ['']:
    del sys.path[0]
import runpy
try:
    from pip._internal.distributions.sdist import SourceDistribution
    SourceDistribution.prepare_distribution_metadata
except (ImportError, AttributeError) as error:
    raise SystemExit(f'pip 22 or later is needed, and this Python has another or none: {error}')
def refuse(*_args, **_named):
    raise SystemExit('a source distribution is refused: nothing is built')
SourceDistribution.prepare_distribution_metadata = refuse
sys.argv[0] = 'pip'
runpy.run_module('pip', run_name='__main__', alter_sys=True)
";

const COMMON: [&str; 4] = [
    "--only-binary=:all:",
    "--no-input",
    "--disable-pip-version-check",
    "--quiet",
];

fn tool<'a>(folder: &'a Path, said: &'a Path, within: Duration) -> Tool<'a> {
    Tool {
        program: "python3",
        needed: ("PyPI", "install Python 3 with pip"),
        folder,
        said,
        variables: &[("PYTHONDONTWRITEBYTECODE", "")],
        within,
    }
}

/// Resolves a package: the index's host, the tools, and requirements with hashes.
pub(crate) fn resolve(
    package: &Package,
    folder: &Path,
    said: &Path,
    within: Duration,
) -> Result<(String, Vec<String>, String), ResolveError> {
    let python = tool(folder, said, within);
    let wanted = format!("{}=={}", package.name, package.version);
    let mut args = vec!["-c", PIP, "install", "--dry-run", "--ignore-installed"];
    args.extend(COMMON);
    args.extend(["--report", "report.json", &wanted]);
    python.run(&args)?;
    let report = std::fs::read(folder.join("report.json"))?;
    let report: Value = serde_json::from_slice(&report)
        .map_err(|_| python.unexpected("a report that is no JSON"))?;
    let kept = requirements(&report)?;
    let pip = report["pip_version"].as_str().unwrap_or_default();
    let version = &report["environment"]["python_full_version"];
    let tools = vec![
        format!("pip {pip}"),
        format!("python {}", version.as_str().unwrap_or_default()),
    ];
    // Pip says nothing where the index is the ordinary one.
    let index = python.run(&["-m", "pip", "config", "get", "global.index-url"]);
    let index = std::env::var("PIP_INDEX_URL").ok().or_else(|| index.ok());
    let index = index.as_deref().and_then(host);
    Ok((index.unwrap_or_else(|| "pypi.org".into()), tools, kept))
}

/// The requirements of pip's report, in the order of their names.
fn requirements(report: &Value) -> Result<String, ResolveError> {
    let all = report["install"].as_array();
    let mut lines = Vec::new();
    for one in all.into_iter().flatten() {
        let text = |pointer: &str| {
            one.pointer(pointer)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let name = plain_name(text("/metadata/name"));
        let info = &one["download_info"];
        if one["is_direct"] == true
            || info.get("vcs_info").is_some()
            || info.get("dir_info").is_some()
        {
            let from = host(text("/download_info/url")).unwrap_or_else(|| "a folder".into());
            return Err(ResolveError::NotRegistry { name, from });
        }
        let Some(hash) = info
            .pointer("/archive_info/hashes/sha256")
            .and_then(Value::as_str)
        else {
            return Err(ResolveError::NoHash { name });
        };
        lines.push((name, text("/metadata/version").to_owned(), hash.to_owned()));
    }
    lines.sort();
    let mut out = format!("{}\n", kept::HEADER);
    for (name, version, hash) in lines {
        let _ = writeln!(out, "{name}=={version} \\\n    --hash=sha256:{hash}");
    }
    Ok(out)
}

/// Installs requirements into a folder: an environment, and a script for each program of the package.
pub(crate) fn install(
    package: &Package,
    kept: &str,
    folder: &Path,
    said: &Path,
    within: Duration,
) -> Result<(), InstallError> {
    let python = tool(folder, said, within);
    let text = kept::requirements(package, kept);
    let text = text.map_err(|why| InstallError::Odd(why.to_string()))?;
    python.run(&["-m", "venv", "--without-pip", "."])?;
    let made = pythons(folder)?;
    let requirements = said.join("requirements.txt");
    std::fs::write(&requirements, text)?;
    let requirements = requirements.display().to_string();
    let own = folder.join("bin/python").display().to_string();
    let mut args = vec!["-m", "pip", "--python", &own, "install", "--no-user"];
    args.extend(["--require-hashes", "--no-deps", "--no-warn-script-location"]);
    args.extend(COMMON);
    args.extend(["-r", &requirements]);
    // Exact versions with hashes, without what they depend on: no address of a package's own comes into it.
    python.run(&args)?;
    if !pythons(folder).is_ok_and(|now| now == made) {
        return Err(InstallError::Odd(format!(
            "{package} is refused: it replaces its Python (pyvenv.cfg, or python in bin)"
        )));
    }
    let programs = folder.join(PROGRAMS);
    std::fs::create_dir(&programs)?;
    for (name, module, function) in entry_points(package, folder)? {
        let script = launcher(&module, &function);
        std::fs::write(programs.join(format!("{name}.py")), script)?;
    }
    Ok(())
}

/// The script of a program. Its folder comes first in the module path, where a script of the module's name would stand
/// for the module.
fn launcher(module: &str, function: &str) -> String {
    let first = function.split('.').next().unwrap_or_default();
    format!("import sys\ndel sys.path[0]\nfrom {module} import {first}\nsys.exit({function}())\n")
}

/// What makes an environment's Python: the file that says where its installation is, and the names of Python in `bin`
/// with what each leads to. What they name is given to the server to read.
fn pythons(folder: &Path) -> std::io::Result<Vec<(String, String)>> {
    let what = |path: &Path| -> std::io::Result<String> {
        let about = std::fs::symlink_metadata(path)?;
        Ok(if about.is_symlink() {
            format!("link {:?}", std::fs::read_link(path)?)
        } else if about.is_file() {
            sha256(&Sha256::digest(std::fs::read(path)?))
        } else if about.is_dir() {
            "folder".into()
        } else {
            "something else".into()
        })
    };
    let mut found = vec![("bin".to_owned(), what(&folder.join("bin"))?)];
    found.push(("pyvenv.cfg".into(), what(&folder.join("pyvenv.cfg"))?));
    for entry in std::fs::read_dir(folder.join("bin"))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let version = |c: char| c.is_ascii_digit() || c == '.';
        let python = name.strip_prefix("python");
        if python.is_some_and(|rest| rest.chars().all(version)) {
            found.push((name, what(&entry.path())?));
        }
    }
    found.sort();
    Ok(found)
}

/// The programs that a package says it has: name, module and function.
fn entry_points(
    package: &Package,
    folder: &Path,
) -> Result<Vec<(String, String, String)>, InstallError> {
    let about = about(package, folder)
        .ok_or_else(|| InstallError::Odd(format!("{package} was not installed by pip")))?;
    let text = std::fs::read_to_string(about.join("entry_points.txt")).unwrap_or_default();
    let mut scripts = false;
    let mut found = Vec::new();
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            scripts = line == "[console_scripts]";
            continue;
        }
        let Some((name, target)) = line.split_once('=').filter(|_| scripts) else {
            continue;
        };
        let (name, target) = (
            name.trim(),
            target.split('[').next().unwrap_or_default().trim(),
        );
        let word = |text: &str, more: &str| {
            let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || more.contains(c);
            !text.is_empty() && !text.starts_with('.') && text.chars().all(fits)
        };
        let Some((module, function)) = target.split_once(':') else {
            continue;
        };
        let (module, function) = (module.trim(), function.trim());
        if word(name, "-.") && word(module, ".") && word(function, ".") {
            found.push((name.to_owned(), module.to_owned(), function.to_owned()));
        }
    }
    Ok(found)
}

/// The folder in which an environment keeps what it knows of the package.
fn about(package: &Package, folder: &Path) -> Option<PathBuf> {
    let wanted = plain_name(&package.name);
    let pythons = std::fs::read_dir(folder.join("lib")).ok()?;
    for python in pythons.flatten() {
        let packages = std::fs::read_dir(python.path().join("site-packages"));
        for entry in packages.into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let known = name
                .strip_suffix(".dist-info")
                .and_then(|name| name.split_once('-'));
            if known.is_some_and(|(name, _)| plain_name(name) == wanted) {
                return Some(entry.path());
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use sandgate_config::Scalar;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_report_becomes_requirements_and_what_is_not_of_the_index_is_refused() {
        let hash = "0a".repeat(32);
        let one = |name: &str, more: Value| {
            let mut one = json!({
                "download_info": { "url": "https://u:p@files.example/x.whl", "archive_info": { "hashes": { "sha256": hash } } },
                "is_direct": false,
                "metadata": { "name": name, "version": "1.0" },
            });
            one.as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            one
        };
        let report = json!({ "install": [one("B_x", json!({})), one("a", json!({}))] });
        let text = requirements(&report).unwrap();
        let package = Package::read("pypi:b.x==1.0").unwrap();
        assert_eq!(kept::check(&package, &text).unwrap().len(), 2);
        assert!(
            text.find("a==").unwrap() < text.find("b-x==").unwrap(),
            "{text}"
        );
        let direct = json!({ "install": [one("a", json!({ "is_direct": true }))] });
        let said = requirements(&direct).unwrap_err().to_string();
        assert!(said.contains("a comes from files.example"), "{said}");
        let bare =
            json!({ "install": [one("a", json!({ "download_info": { "archive_info": {} } }))] });
        assert!(
            requirements(&bare)
                .unwrap_err()
                .to_string()
                .contains("a has no SHA-256")
        );
    }

    /// Python that is installed here, without an index: it needs no network.
    fn python(args: &[&str]) -> std::process::Output {
        let folder = tempfile::tempdir().unwrap();
        std::process::Command::new("python3")
            .args(args)
            .current_dir(folder.path())
            .env("PIP_CONFIG_FILE", "/dev/null")
            .env("PIP_NO_INDEX", "1")
            .output()
            .unwrap()
    }

    #[test]
    fn pip_builds_nothing_that_is_given_by_its_address() {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("source");
        let mark = folder.path().join("mark");
        std::fs::create_dir(&source).unwrap();
        let script = format!("open({mark:?}, 'w')\n");
        std::fs::write(source.join("setup.py"), script).unwrap();
        let wanted = format!("x @ file://{}", source.display());
        let mut args = vec!["-c", PIP, "install", "--dry-run", "--ignore-installed"];
        args.extend(COMMON);
        args.push(&wanted);
        let done = python(&args);
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(!done.status.success());
        assert!(said.contains("a source distribution is refused"), "{said}");
        assert!(!mark.exists(), "its code has run");
        let version = python(&["-c", PIP, "--version"]);
        assert!(version.stdout.starts_with(b"pip "), "{version:?}");
    }

    #[test]
    fn a_launcher_that_is_named_as_its_module_does_not_import_itself() {
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("platform.py");
        std::fs::write(&script, launcher("platform", "system")).unwrap();
        let done = python(&[script.to_str().unwrap()]);
        // What a program returns is said on stderr where it is no number.
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert_eq!(done.status.code(), Some(1), "{said}");
        assert!(
            !said.contains("Traceback") && !said.trim().is_empty(),
            "{said}"
        );
    }

    #[test]
    fn a_package_that_replaces_its_python_is_found() {
        use std::os::unix::fs::symlink;
        type Change = fn(&Path);
        let made = || {
            let folder = tempfile::tempdir().unwrap();
            let bin = folder.path().join("bin");
            std::fs::create_dir(&bin).unwrap();
            std::fs::write(folder.path().join("pyvenv.cfg"), "home = /usr/bin\n").unwrap();
            symlink("/usr/bin/python3", bin.join("python3")).unwrap();
            symlink("python3", bin.join("python")).unwrap();
            folder
        };
        let folder = made();
        let before = pythons(folder.path()).unwrap();
        let names: Vec<&str> = before.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["bin", "python", "python3", "pyvenv.cfg"]);
        // A program of another name is the package's own affair.
        std::fs::write(folder.path().join("bin/python-dotenv"), "").unwrap();
        assert_eq!(pythons(folder.path()).unwrap(), before);
        let changes: [Change; 5] = [
            |folder| std::fs::write(folder.join("pyvenv.cfg"), "home = /home/ada\n").unwrap(),
            |folder| std::fs::write(folder.join("bin/python3.11"), "").unwrap(),
            |folder| std::fs::remove_file(folder.join("bin/python")).unwrap(),
            |folder| {
                std::fs::remove_file(folder.join("bin/python")).unwrap();
                symlink("/home/ada/.ssh/id", folder.join("bin/python")).unwrap();
            },
            |folder| {
                std::fs::rename(folder.join("bin"), folder.join("other")).unwrap();
                symlink("other", folder.join("bin")).unwrap();
            },
        ];
        for (index, change) in changes.into_iter().enumerate() {
            let folder = made();
            assert_eq!(pythons(folder.path()).unwrap(), before);
            change(folder.path());
            assert_ne!(pythons(folder.path()).unwrap(), before, "change {index}");
        }
    }

    #[test]
    fn programs_are_those_of_the_package_and_no_code_hides_in_a_name() {
        let folder = tempfile::tempdir().unwrap();
        let about = folder
            .path()
            .join("lib/python3.11/site-packages/My_Server-1.0.dist-info");
        std::fs::create_dir_all(&about).unwrap();
        let text = "[console_scripts]\nmy-server = my.server:app.main [extra]\nbad/../x = a:b\nworse = a:b;exit\n\
                    [gui_scripts]\nwindow = a:b\n";
        std::fs::write(about.join("entry_points.txt"), text).unwrap();
        let package = Package::read("pypi:my-server==1.0").unwrap();
        let found = entry_points(&package, folder.path()).unwrap();
        assert_eq!(
            found,
            [("my-server".into(), "my.server".into(), "app.main".into())]
        );
    }
}

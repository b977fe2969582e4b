//! PyPI: resolving a package to requirements with hashes, and installing them into an environment of their own. Only
//! wheels are used: nothing of a package runs while it is resolved or installed.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sandgate_config::Package;
use serde_json::Value;

use crate::kept::plain_name;
use crate::npm::InstallError;
use crate::resolve::{ResolveError, host};
use crate::tool::Tool;

/// The folder with a small script for each program of the package.
pub(crate) const PROGRAMS: &str = "run";

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
    let mut args = vec!["-m", "pip", "install", "--dry-run", "--ignore-installed"];
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
    let mut out = String::from("# Resolved by pip for `sandgate lock`. Not to be edited.\n");
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
    python.run(&["-m", "venv", "--without-pip", "."])?;
    let requirements = said.join("requirements.txt");
    std::fs::write(&requirements, kept)?;
    let requirements = requirements.display().to_string();
    let own = folder.join("bin/python").display().to_string();
    let mut args = vec!["-m", "pip", "--python", &own, "install", "--no-user"];
    args.extend(["--require-hashes", "--no-deps", "--no-warn-script-location"]);
    args.extend(COMMON);
    args.extend(["-r", &requirements]);
    python.run(&args)?;
    let programs = folder.join(PROGRAMS);
    std::fs::create_dir(&programs)?;
    for (name, module, function) in entry_points(package, folder)? {
        // The folder of the script comes first in the module path: nothing but these scripts is in it.
        let first = function.split('.').next().unwrap_or_default();
        let script = format!("import sys\nfrom {module} import {first}\nsys.exit({function}())\n");
        std::fs::write(programs.join(format!("{name}.py")), script)?;
    }
    Ok(())
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
        assert_eq!(crate::kept::check(&package, &text).unwrap().len(), 2);
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

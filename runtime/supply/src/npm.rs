//! npm: resolving a package to a lock with a hash for everything, and installing what a lock says.

use std::path::Path;
use std::time::Duration;

use sandgate_config::Package;
use serde_json::json;

use crate::install_error::InstallError;
use crate::registry_host::host;
use crate::resolve_error::ResolveError;
use crate::tool::Tool;

/// Variables that say no to what could be run, or fetched from elsewhere than the registry. A dependency in a repository
/// or at an address is prepared by a second npm, in that one's folder: our arguments do not come there, and these stand
/// above the `.npmrc` that lies in it. Versions of npm that do not know one ignore it, so that the lock is checked
/// whatever they do; what would be run meanwhile is Git and scripts, which every version knows.
const VARIABLES: [(&str, &str); 9] = [
    ("npm_config_git", "/bin/false"),
    ("npm_config_ignore_scripts", "true"),
    ("npm_config_allow_git", "none"),
    ("npm_config_allow_remote", "none"),
    ("npm_config_allow_file", "none"),
    ("npm_config_allow_directory", "none"),
    ("npm_config_update_notifier", "false"),
    ("npm_config_progress", "false"),
    ("npm_config_workspaces", "false"),
];

const COMMON: [&str; 5] = [
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    "--global=false",
    "--install-strategy=hoisted",
];

fn tool<'a>(folder: &'a Path, said: &'a Path, within: Duration) -> Tool<'a> {
    Tool {
        program: "npm",
        needed: ("npm", "install Node.js, which brings it"),
        folder,
        said,
        variables: &VARIABLES,
        within,
    }
}

fn write_project(folder: &Path, package: &Package) -> std::io::Result<()> {
    let project = json!({
        "name": "sandgate-package",
        "version": "1.0.0",
        "private": true,
        "dependencies": { (package.name.as_str()): package.version },
    });
    std::fs::write(folder.join("package.json"), format!("{project:#}\n"))
}

/// Resolves a package: the registry's host, the tools, and npm's lock.
pub(crate) fn resolve(
    package: &Package,
    folder: &Path,
    said: &Path,
    within: Duration,
) -> Result<(String, Vec<String>, String), ResolveError> {
    write_project(folder, package)?;
    let npm = tool(folder, said, within);
    let scope = package.name.split_once('/').map(|(scope, _)| scope);
    let mut registry = match scope {
        Some(scope) => npm.run(&["config", "get", &format!("{scope}:registry")])?,
        None => "undefined".into(),
    };
    if registry == "undefined" {
        registry = npm.run(&["config", "get", "registry"])?;
    }
    let registry = host(&registry).ok_or_else(|| npm.unexpected("no address of a registry"))?;
    let version = npm.run(&["--version"])?;
    // Addresses of the registry stay out of the lock: another machine may have a mirror, or a name and password in it.
    let mut args = vec!["install", "--package-lock-only", "--lockfile-version=3"];
    args.push("--omit-lockfile-registry-resolved");
    args.extend(COMMON);
    npm.run(&args)?;
    let kept = std::fs::read_to_string(folder.join("package-lock.json"))?;
    Ok((registry, vec![format!("npm {version}")], kept))
}

/// Installs what a lock says into a folder.
pub(crate) fn install(
    package: &Package,
    kept: &str,
    folder: &Path,
    said: &Path,
    within: Duration,
) -> Result<(), InstallError> {
    write_project(folder, package)?;
    std::fs::write(folder.join("package-lock.json"), kept)?;
    let mut args = vec!["ci", "--prefer-offline"];
    args.extend(COMMON);
    tool(folder, said, within).run(&args)?;
    Ok(())
}

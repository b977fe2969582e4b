//! Rust: `cargo build --release --target wasm32-wasip2` makes a component by itself.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sandgate_assembly::host_setup::default_cache_folder;
use sandgate_config::Environment;
use serde_json::Value;

use super::{File, New, counted, run, tested, to_count};
use crate::cover::{Ran, lcov};
use crate::language::{Beside, Compiled, ForDev, Language, NotCompiled, Project, SourceFile};
use crate::toolchain::{Install, Missing, find};
use crate::vendored_sdk;

const TEMPLATE: [(&str, &str); 4] = [
    ("Cargo.toml", include_str!("../templates/rust/Cargo.toml")),
    ("src/lib.rs", include_str!("../templates/rust/src/lib.rs")),
    ("README.md", include_str!("../templates/rust/README.md")),
    (
        ".github/workflows/ci.yml",
        include_str!("../templates/rust/ci.yml"),
    ),
];

/// The lock file of a project that depends on the SDK alone. `BLESS=1` of the journey that builds a project writes it.
const LOCK: &str = include_str!("../templates/rust/Cargo.lock");

const TARGET: &str = "wasm32-wasip2";
const SDK: &str = "sandgate-sdk";

const CARGO: Install = Install {
    debian: "sudo apt install rustup && rustup default stable && rustup target add wasm32-wasip2",
    fedora: "sudo dnf install rustup && rustup-init && rustup target add wasm32-wasip2",
    arch: "sudo pacman -S rustup && rustup default stable && rustup target add wasm32-wasip2",
    alpine: "apk add rustup && rustup-init && rustup target add wasm32-wasip2",
    macos: "brew install rustup && rustup default stable && rustup target add wasm32-wasip2",
    anywhere: "see https://rustup.rs, then: rustup target add wasm32-wasip2",
};

/// What counts the lines that tests run.
const LLVM_COV: &str =
    "rustup component add llvm-tools-preview && cargo install --locked cargo-llvm-cov";

/// The variable by which cargo is told where to build. Since cargo 1.91; older ones ignore it.
const BUILD_DIR: &str = "CARGO_BUILD_BUILD_DIR";

/// Rust.
pub(super) struct Rust;

impl Language for Rust {
    fn key(&self) -> &'static str {
        "rust"
    }
    fn name(&self) -> &'static str {
        "Rust"
    }
    fn mark(&self) -> &'static str {
        "Cargo.toml"
    }

    fn compile(&self, project: &Project) -> Result<Compiled, NotCompiled> {
        compiled(project, &[])
    }

    /// Cargo knows the files of other folders, its own settings and rustc's, and finds in a moment that nothing changed.
    fn beside(&self, _: &Project) -> Result<Option<Beside>, NotCompiled> {
        Ok(None)
    }

    fn cover(&self, project: &Project) -> Result<Ran, NotCompiled> {
        let missing = |what: &str, install: Vec<String>| Missing {
            what: what.to_owned(),
            install,
        };
        let cargo =
            find("cargo", &[]).ok_or_else(|| missing("cargo, which builds Rust,", CARGO.here()))?;
        if find("cargo-llvm-cov", &[]).is_none() {
            let what = "cargo-llvm-cov, which counts the lines that tests of Rust run,";
            return Err(missing(what, vec![LLVM_COV.into()]).into());
        }
        let (scratch, folder) = to_count(project)?;
        let file = scratch.path().join("lcov.info");
        let llvm_cov = |arguments: &[&str]| {
            let mut command = Command::new(&cargo);
            command.arg("llvm-cov").args(arguments).current_dir(&folder);
            command
        };
        project.stages.end();
        // Where a test fails, the lines that ran are reported, too.
        let code = tested(&mut llvm_cov(&["--no-report", "--no-fail-fast"]))?;
        tested(llvm_cov(&["report", "--lcov", "--output-path"]).arg(&file))?;
        Ok(Ran {
            passed: code == Some(0),
            files: lcov(&counted(&file)?, &folder),
        })
    }

    /// Hides cargo's progress at each save. Messages of rustc are still shown.
    fn compile_for_dev(&self, project: &Project) -> Result<ForDev, NotCompiled> {
        compiled(project, &["--quiet"]).map(ForDev::from)
    }

    fn template(&self, new: &New) -> Vec<File> {
        let mut files: Vec<_> = TEMPLATE
            .iter()
            .map(|(path, text)| File::new(*path, new.render(text)))
            .collect();
        files.push(File::new("Cargo.lock", lock(&new.render(LOCK))));
        files
    }
    fn sdk_folder(&self) -> &'static str {
        "vendor/sandgate-sdk"
    }
    fn sdk(&self) -> &'static [SourceFile] {
        vendored_sdk::RUST
    }
}

/// The lock file with its packages in cargo's order, which depends on the project's name.
fn lock(text: &str) -> String {
    let mut parts: Vec<_> = text.trim_end().split("\n\n").collect();
    let packages = parts
        .iter()
        .position(|part| part.starts_with("[[package]]"));
    if let Some(packages) = parts.get_mut(packages.unwrap_or_default()..) {
        packages.sort_by_key(|package| {
            let mut lines = package.lines().skip(1);
            (
                lines.next().unwrap_or_default(),
                lines.next().unwrap_or_default(),
            )
        });
    }
    parts.join("\n\n") + "\n"
}

fn compiled(project: &Project, options: &[&str]) -> Result<Compiled, NotCompiled> {
    let cargo = find("cargo", &[]).ok_or_else(|| Missing {
        what: "cargo, which builds Rust,".into(),
        install: CARGO.here(),
    })?;
    target_is_installed(&project.folder)?;
    let mut command = Command::new(cargo);
    command
        .args(["build", "--release", "--lib", "--target", TARGET])
        .args(options)
        // Artefacts go to stdout as JSON, errors to stderr as people read them.
        .arg("--message-format=json-render-diagnostics")
        .current_dir(&project.folder);
    if let Some(folder) = build_folder() {
        command.env(BUILD_DIR, folder);
    }
    project.stages.end();
    let output = run(&mut command)?;
    if !output.status.success() {
        return Err(NotCompiled::Errors);
    }
    let made = Made::read(&output.stdout, &project.folder);
    let component = made.component.ok_or_else(|| {
            NotCompiled::Project(
                "cargo made no .wasm of this package: its Cargo.toml needs `[lib] crate-type = [\"cdylib\"]`".into(),
            )
        })?;
    let wasm = std::fs::read(&component).map_err(|error| {
        NotCompiled::Project(format!("{} cannot be read: {error}", component.display()))
    })?;
    Ok(Compiled {
        wasm,
        sdk: made.sdk.map(|version| (SDK.to_owned(), version)),
    })
}

/// Where cargo keeps what it makes on its way to the component: one folder for all of this user's projects, so that what
/// they depend on is compiled once. `None`: the author or an older cargo chooses.
fn build_folder() -> Option<PathBuf> {
    let chosen = [BUILD_DIR, "CARGO_TARGET_DIR"];
    if chosen.iter().any(|name| std::env::var_os(name).is_some()) {
        return None;
    }
    Some(default_cache_folder(&Environment::of_process())?.join("cargo"))
}

/// The files that cargo reports.
#[derive(Debug, Default, PartialEq, Eq)]
struct Made {
    component: Option<PathBuf>,
    sdk: Option<String>,
}

impl Made {
    fn read(messages: &[u8], folder: &Path) -> Self {
        let own = std::fs::canonicalize(folder.join("Cargo.toml")).unwrap_or_default();
        let mut made = Self::default();
        for message in serde_json::Deserializer::from_slice(messages).into_iter::<Value>() {
            let Ok(message) = message else { break };
            if message["reason"] != "compiler-artifact" {
                continue;
            }
            if message["target"]["name"] == "sandgate_sdk" {
                made.sdk = message["package_id"].as_str().and_then(version);
            }
            if message["manifest_path"].as_str().map(Path::new) == Some(&own) {
                let files = message["filenames"].as_array().into_iter().flatten();
                let wasm = files
                    .filter_map(Value::as_str)
                    .find(|name| name.ends_with(".wasm"));
                made.component = wasm.map(PathBuf::from).or(made.component);
            }
        }
        made
    }
}

/// The version in a package id: `path+file:///x/sandgate-sdk#0.1.0`, `registry+https://…#sandgate-sdk@0.1.0`.
fn version(package: &str) -> Option<String> {
    let (_, fragment) = package.rsplit_once('#')?;
    Some(fragment.rsplit('@').next().unwrap_or(fragment).to_owned())
}

fn target_is_installed(folder: &Path) -> Result<(), NotCompiled> {
    let Some(rustc) = find("rustc", &[]) else {
        return Err(Missing {
            what: "rustc, the Rust compiler,".into(),
            install: CARGO.here(),
        }
        .into());
    };
    let mut command = Command::new(rustc);
    command
        .args(["--print", "target-libdir", "--target", TARGET])
        .current_dir(folder)
        .stdin(Stdio::null());
    let output = command.output().map_err(|error| NotCompiled::Run {
        program: "rustc".into(),
        error,
    })?;
    let libraries = String::from_utf8_lossy(&output.stdout);
    // The compiler names the target's folder whether it is installed or not.
    if output.status.success() && Path::new(libraries.trim()).is_dir() {
        return Ok(());
    }
    let install = if find("rustup", &[]).is_some() {
        vec![format!("rustup target add {TARGET}")]
    } else {
        CARGO.here()
    };
    Err(Missing {
        what: format!("the Rust target {TARGET}"),
        install,
    }
    .into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_component_is_the_packages_own_and_the_sdk_is_known_by_its_version() {
        let folder = tempfile::tempdir().unwrap();
        let manifest = folder.path().join("Cargo.toml");
        std::fs::write(&manifest, "").unwrap();
        let manifest = manifest.canonicalize().unwrap();
        let messages = format!(
            "{}\n{}\n{}\n{}",
            r#"{"reason":"compiler-artifact","package_id":"path+file:///v/sandgate-sdk#0.3.1","manifest_path":"/v/Cargo.toml","target":{"name":"sandgate_sdk"},"filenames":["/t/libsandgate_sdk.rlib"]}"#,
            r#"{"reason":"compiler-artifact","package_id":"path+file:///o#0.1.0","manifest_path":"/o/Cargo.toml","target":{"name":"o"},"filenames":["/t/o.wasm"]}"#,
            serde_json::json!({"reason": "compiler-artifact", "package_id": "x", "manifest_path": manifest,
                "target": {"name": "p"}, "filenames": ["/t/libp.rlib", "/t/p.wasm"]}),
            r#"{"reason":"build-finished","success":true}"#,
        );
        let made = Made::read(messages.as_bytes(), folder.path());
        assert_eq!(
            made,
            Made {
                component: Some("/t/p.wasm".into()),
                sdk: Some("0.3.1".into())
            }
        );
        assert_eq!(
            version("registry+https://r#sandgate-sdk@1.2.3").as_deref(),
            Some("1.2.3")
        );
    }
}

//! TypeScript and JavaScript: the SDK checks that manifest and source agree, bundles with esbuild, and makes a
//! component with componentize-qjs.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::{Compiled, File, ForDev, Language, New, NotCompiled, interpreter, output_of};
use crate::project::Project;
use crate::toolchain::{Install, Missing, find};
use crate::vendored_sdk::{self, SourceFile};

const TEMPLATE: [(&str, &str); 8] = [
    ("plugin.ts", include_str!("../templates/ts/plugin.ts")),
    (
        "plugin.test.mjs",
        include_str!("../templates/ts/plugin.test.mjs"),
    ),
    ("plugin.toml", include_str!("../templates/ts/plugin.toml")),
    ("package.json", include_str!("../templates/ts/package.json")),
    (
        "tsconfig.json",
        include_str!("../templates/ts/tsconfig.json"),
    ),
    (".gitignore", include_str!("../templates/ts/gitignore")),
    ("README.md", include_str!("../templates/ts/README.md")),
    (
        ".github/workflows/ci.yml",
        include_str!("../templates/ts/ci.yml"),
    ),
];

const NODE: Install = Install {
    debian: "sudo apt install nodejs npm",
    fedora: "sudo dnf install nodejs npm",
    arch: "sudo pacman -S nodejs npm",
    alpine: "apk add nodejs npm",
    macos: "brew install node",
    anywhere: "see https://nodejs.org/download",
};

/// The folder in which npm installs the SDK.
const SDK: &str = "node_modules/sandgate";

const INSTALL: &str = "npm install";

/// TypeScript, and JavaScript with it.
pub(super) struct TypeScript;

impl Language for TypeScript {
    fn key(&self) -> &'static str {
        "ts"
    }
    fn name(&self) -> &'static str {
        "TypeScript"
    }
    fn mark(&self) -> &'static str {
        "plugin.ts"
    }
    fn owns(&self, folder: &Path) -> bool {
        ["plugin.ts", "plugin.js"]
            .iter()
            .any(|name| folder.join(name).is_file())
    }

    fn compile(&self, project: &Project) -> Result<Compiled, NotCompiled> {
        let folder = &project.folder;
        let scratch = tempfile::tempdir()
            .map_err(|error| NotCompiled::Project(format!("no temporary folder: {error}")))?;
        let made = scratch.path().join("component.wasm");
        let mut command = sdk_in(folder, &["build", ".", "--bare", "-o"])?;
        output_of(command.arg(&made))?;
        let wasm = std::fs::read(&made).map_err(|error| {
            NotCompiled::Project(format!("componentize-qjs made no component: {error}"))
        })?;
        Ok(Compiled {
            wasm,
            sdk: version(folder).map(|version| ("sandgate".into(), version)),
        })
    }

    fn compile_for_dev(&self, project: &Project) -> Result<ForDev, NotCompiled> {
        let folder = &project.folder;
        let mut command = sdk_in(folder, &["dev", ".", "--interpreters"])?;
        command.arg(interpreter::folder());
        let sdk = version(folder).map(|version| ("sandgate".into(), version));
        interpreter::made(&mut command, folder, sdk)
    }

    fn check(&self, project: &Project) -> Result<(), NotCompiled> {
        output_of(&mut sdk_in(&project.folder, &["types", "."])?).map(drop)
    }

    fn once(&self) -> Option<&'static str> {
        Some(INSTALL)
    }

    fn template(&self, new: &New) -> Vec<File> {
        TEMPLATE
            .iter()
            .map(|(path, text)| File::new(*path, new.render(text)))
            .collect()
    }
    fn sdk_folder(&self) -> &'static str {
        "vendor/sandgate"
    }
    fn sdk(&self) -> &'static [SourceFile] {
        vendored_sdk::JS
    }
}

/// A command of the SDK in this folder.
fn sdk_in(folder: &Path, arguments: &[&str]) -> Result<Command, NotCompiled> {
    let mut command = Command::new(installed(folder)?);
    command
        .arg(Path::new(SDK).join("dist/cli.js"))
        .args(arguments)
        .current_dir(folder);
    Ok(command)
}

/// Node's path, if the SDK is installed too.
fn installed(folder: &Path) -> Result<PathBuf, NotCompiled> {
    let node = find("node", &[]).ok_or_else(|| Missing {
        what: "Node 20 or later".into(),
        install: NODE.here(),
    })?;
    if !folder.join(SDK).join("dist/cli.js").is_file() {
        return Err(Missing {
            what: "the npm package sandgate".into(),
            install: vec![INSTALL.into()],
        }
        .into());
    }
    Ok(node)
}

fn version(folder: &Path) -> Option<String> {
    let text = std::fs::read_to_string(folder.join(SDK).join("package.json")).ok()?;
    let package: Value = serde_json::from_str(&text).ok()?;
    Some(package["version"].as_str()?.to_owned())
}

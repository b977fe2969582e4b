//! TypeScript and JavaScript: the SDK checks that manifest and source agree, bundles with esbuild, and makes a
//! component with componentize-qjs.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::{File, New, interpreter, is_set, output_of, tested, to_count};
use crate::cover::{Ran, v8};
use crate::inputs::PACKAGES;
use crate::language::{Beside, Compiled, ForDev, Language, NotCompiled, Project, SourceFile};
use crate::toolchain::{Install, Missing, find};
use crate::vendored_sdk;

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

    fn beside(&self, project: &Project) -> Result<Option<Beside>, NotCompiled> {
        let node = installed(&project.folder)?;
        let folder = std::path::absolute(&project.folder).unwrap_or_default();
        if is_set(&["NODE_OPTIONS", "NODE_PATH"]) || leads_outside(&folder) {
            return Ok(None);
        }
        let mut version = Command::new(node);
        let version = output_of(version.arg("--version"))?;
        let words = vec![String::from_utf8_lossy(&version).into_owned()];
        // Node and esbuild look for packages in the folders above, too.
        let above = folder.ancestors().skip(1);
        let installed = above.map(|folder| folder.join(PACKAGES)).collect();
        Ok(Some(Beside { words, installed }))
    }

    fn cover(&self, project: &Project) -> Result<Ran, NotCompiled> {
        installed(&project.folder)?;
        let npm = find("npm", &[]).ok_or_else(|| Missing {
            what: "npm, which runs a project's `test`,".into(),
            install: NODE.here(),
        })?;
        let (scratch, folder) = to_count(project)?;
        // Every Node that `npm test` starts writes a report there.
        let reports = scratch.path().join("reports");
        let mut command = Command::new(npm);
        command
            .args(["test", "--silent"])
            .current_dir(&folder)
            .env("NODE_V8_COVERAGE", &reports);
        let code = tested(&mut command)?;
        let files = v8(&reports, &folder).map_err(|why| {
            NotCompiled::Project(format!("the lines that ran cannot be read: {why}"))
        })?;
        if files.is_empty() {
            return Err(NotCompiled::Project(
                "`npm test` ran no line of the plugin: what is wrong stands above; a bundle needs `--sourcemap=inline`".into(),
            ));
        }
        Ok(Ran {
            passed: code == Some(0),
            files,
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

/// Whether a source, or the compiler's settings, may name a file outside of the project's folder.
fn leads_outside(folder: &Path) -> bool {
    let mut left = vec![(folder.to_owned(), 0)];
    while let Some((here, depth)) = left.pop() {
        for entry in std::fs::read_dir(&here).into_iter().flatten().flatten() {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            if path.is_dir() {
                if !name.starts_with('.') && ![PACKAGES, "vendor", "target"].contains(&&*name) {
                    // A linked folder's files import from where they lie.
                    if path.is_symlink() {
                        return true;
                    }
                    left.push((path, depth + 1));
                }
                continue;
            }
            let settings = name.starts_with("tsconfig") && name.ends_with(".json");
            let source = [".ts", ".js", ".mts", ".mjs", ".cts", ".cjs", ".tsx", ".jsx"]
                .iter()
                .any(|end| name.ends_with(end));
            if (settings || source)
                && std::fs::read_to_string(&path)
                    .is_ok_and(|text| names_outside(&text, depth, settings))
            {
                return true;
            }
        }
    }
    false
}

/// Whether a text in a folder this deep in the project has a path that leads out of it: after a word that imports or after a
/// comment, or, in settings, anywhere.
fn names_outside(text: &str, depth: usize, settings: bool) -> bool {
    text.match_indices(['"', '\'', '`']).any(|(at, quote)| {
        let path = text[at + 1..].split(quote).next().unwrap_or_default();
        if !path_leads_outside(path, depth) {
            return false;
        }
        let before = text[..at].trim_end().trim_end_matches('(').trim_end();
        let imports = ["from", "import", "require", "*/"];
        // What a comment stands before, and whether a word stands before that, is not read here.
        let commented = || {
            let line = before.lines().last().unwrap_or_default();
            line.contains("//") && text[before.len()..at].contains('\n')
        };
        settings || imports.iter().any(|word| before.ends_with(word)) || commented()
    })
}

/// Whether a path in a folder this deep leads out of the project, or may do so: by an escape, or by what a template puts in.
fn path_leads_outside(path: &str, depth: usize) -> bool {
    if path.starts_with('/') || path.starts_with("file:") {
        return true;
    }
    let mut left = Some(depth);
    for part in path.split('/') {
        left = match part {
            "." | "" => left,
            ".." => left.and_then(|depth| depth.checked_sub(1)),
            _ => left.map(|depth| depth + 1),
        };
    }
    left.is_none() || path.contains('\\') || path.contains("${")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_imported_from_outside_of_the_folder_counts() {
        for (text, depth, outside) in [
            ("import { a } from '../shared/a';", 0, true),
            ("import { a } from '../shared/a';", 1, false),
            ("import(\"../../a.js\")", 1, true),
            ("const { a } = require('/opt/a');", 0, true),
            (
                "if (path.includes('../')) return refuse('a.b', '../..');",
                0,
                false,
            ),
            ("import { a } from './a';", 0, false),
            ("import { a } from '..';", 0, true),
            ("import { a } from './../shared/a';", 0, true),
            ("import { a } from './in/../a';", 0, false),
            ("import { a } from '\\u002e./shared/a';", 0, true),
            ("import { a } from 'file:///opt/a.js';", 0, true),
            ("import { a } from /* here */ '../shared/a';", 0, true),
            ("import { a } from // here\n'../shared/a';", 0, true),
            ("await import(`${folder}/a.js`);", 0, true),
            ("const a = 'https://a.example' + '/b';", 0, false),
            ("// its path\nconst a = '/etc/passwd';", 0, false),
        ] {
            assert_eq!(names_outside(text, depth, false), outside, "{text}");
        }
        assert!(names_outside(r#"{"extends": "../tsconfig.json"}"#, 0, true));
        assert!(!names_outside(r#"{"include": ["*.ts"]}"#, 0, true));
    }
}

//! Puts the SDKs' sources into the binary, for new projects.
#![allow(clippy::print_stdout, reason = "cargo reads it")]

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    if let Err(error) = run() {
        // Cargo shows these above everything else that a failed build script said.
        println!(
            "cargo::error={}",
            error.to_string().replace('\n', "\ncargo::error=")
        );
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let workspace = Path::new(&env::var("CARGO_MANIFEST_DIR")?)
        .join("../..")
        .canonicalize()?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    // What the Rust SDK takes from the workspace is in the manifest.
    for source in ["sdk", "Cargo.toml"] {
        println!(
            "cargo::rerun-if-changed={}",
            workspace.join(source).display()
        );
    }
    let manifest = alone(&workspace, "sdk/rust/Cargo.toml")?;
    carry(
        &workspace.join("sdk/rust"),
        &["src", "wit"],
        &[("Cargo.toml", manifest)],
        &out.join("sdk_rust.rs"),
    )?;
    carry(
        &workspace.join("sdk/python/sandgate"),
        &[""],
        &[],
        &out.join("sdk_python.rs"),
    )?;
    let js = workspace.join("sdk/js");
    let whole = ["package.json", "tsconfig.json"]
        .map(|name| fs::read_to_string(js.join(name)).map(|text| (name, text)))
        .into_iter()
        .collect::<Result<Vec<_>, _>>()?;
    carry(&js, &["src", "wit"], &whole, &out.join("sdk_js.rs"))?;
    carry(
        &workspace.join("sdk/go"),
        &[""],
        &[],
        &out.join("sdk_go.rs"),
    )?;
    carry(&workspace.join("sdk/c"), &[""], &[], &out.join("sdk_c.rs"))?;
    Ok(())
}

/// A table of an SDK's files, for new projects: those in these folders of it, and some as text.
fn carry(
    sdk: &Path,
    folders: &[&str],
    texts: &[(&str, String)],
    table: &Path,
) -> Result<(), Box<dyn Error>> {
    let mut text = String::from("&[\n");
    for (name, content) in texts {
        writeln!(text, "    ({name:?}, {content:?}.as_bytes()),")?;
    }
    let mut left: Vec<PathBuf> = folders.iter().map(|folder| sdk.join(folder)).collect();
    let mut files = Vec::new();
    while let Some(folder) = left.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                // What Python leaves beside sources that were run, and what is for our own tests.
                if !path.ends_with("__pycache__") && !path.ends_with("testdata") {
                    left.push(path);
                }
            } else if !path.to_string_lossy().ends_with("_test.go") {
                files.push(path);
            }
        }
    }
    files.sort();
    for file in files {
        let name = file.strip_prefix(sdk)?.display().to_string();
        writeln!(text, "    ({name:?}, include_bytes!({file:?})),")?;
    }
    text += "]\n";
    fs::write(table, text)?;
    Ok(())
}

/// A crate's manifest without its workspace: what it takes from there is written out; what is for our tests and lints
/// goes.
fn alone(workspace: &Path, manifest: &str) -> Result<String, Box<dyn Error>> {
    let read = |path: &str| -> Result<toml::Table, Box<dyn Error>> {
        Ok(fs::read_to_string(workspace.join(path))?.parse()?)
    };
    let whole = read("Cargo.toml")?;
    let mut manifest = read(manifest)?;
    for gone in ["lints", "dev-dependencies"] {
        manifest.remove(gone);
    }
    for (section, from) in [("package", "package"), ("dependencies", "dependencies")] {
        let Some(toml::Value::Table(table)) = manifest.get_mut(section) else {
            continue;
        };
        table.remove("exclude");
        for (key, value) in table.iter_mut() {
            if value.get("workspace").is_some() {
                let taken = whole
                    .get("workspace")
                    .and_then(|all| all.get(from)?.get(key));
                *value = taken
                    .ok_or_else(|| format!("the workspace has no {from}.{key}"))?
                    .clone();
            }
        }
    }
    Ok(toml::to_string(&manifest)?)
}

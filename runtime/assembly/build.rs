//! Compiles the plugins under `plugins/` to components and puts them into the binary as `builtin:NAME`, compressed.
#![allow(clippy::print_stdout, reason = "cargo reads it")]

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use miniz_oxide::deflate::compress_to_vec;
use sandgate_embed::{Compiler, embed, manifest};

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
    // All that the components are made of; the profile and the versions are in the last two.
    for source in ["plugins", "sdk", "wit", "Cargo.toml", "Cargo.lock"] {
        println!(
            "cargo::rerun-if-changed={}",
            workspace.join(source).display()
        );
    }

    let names = plugins(&workspace.join("plugins"))?;
    let packages = names.iter().flat_map(|name| ["-p", name]);
    let components = Compiler::within(&workspace, &out).build(packages)?;

    let mut table = String::from("&[\n");
    for name in &names {
        let compiled = components.join(format!("{}.wasm", name.replace('-', "_")));
        let mut component =
            fs::read(&compiled).map_err(|error| format!("{}: {error}", compiled.display()))?;
        embed(
            &mut component,
            &manifest(&workspace.join("plugins").join(name))?,
        );
        // Tighter than this is a percent, and takes three times as long.
        fs::write(
            out.join(format!("{name}.deflated")),
            compress_to_vec(&component, 9),
        )?;
        writeln!(
            table,
            "    Builtin {{ name: {name:?}, length: {}, deflated: include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{name}.deflated\")) }},",
            component.len()
        )?;
    }
    table += "]\n";
    fs::write(out.join("builtins.rs"), table)?;
    Ok(())
}

/// The folders with a manifest, in alphabetical order. The package is named as the folder is.
fn plugins(folder: &Path) -> Result<Vec<String>, Box<dyn Error>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.path().join("plugin.toml").is_file() {
            names.push(
                entry
                    .file_name()
                    .into_string()
                    .map_err(|name| format!("a plugin's name is no text: {name:?}"))?,
            );
        }
    }
    names.sort();
    Ok(names)
}

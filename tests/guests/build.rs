//! Compiles the zoo to components, in one go, and writes the list of them.
#![allow(clippy::print_stdout, reason = "cargo reads it")]

use std::error::Error;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use sandgate_embed::{Compiler, embed, manifest};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// For those that do not say which hooks they have.
const USUAL_HOOK: &str = "[hooks.pre-call]\ntype = \"mutation\"\nevents = [\"tools/call\"]\n";

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
    let here = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let workspace = here.join("../..").canonicalize()?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    for source in [
        "tests/guests/zoo",
        "sdk/rust",
        "wit",
        "Cargo.toml",
        "Cargo.lock",
    ] {
        println!(
            "cargo::rerun-if-changed={}",
            workspace.join(source).display()
        );
    }

    let arguments = ["-p", "sandgate-zoo", "--features", "guests", "--examples"];
    let compiled = Compiler::within(&workspace, &out)
        .build(arguments)?
        .join("examples");

    let mut table = String::from("&[\n");
    let mut names = String::new();
    for file in files(&here.join("zoo/guests"))? {
        let name = file.file_stem().and_then(OsStr::to_str).ok_or("a name")?;
        let source = fs::read_to_string(&file)?;
        let mut component = match file.extension().and_then(OsStr::to_str) {
            Some("wat") => encode(&source, &workspace.join("wit"))
                .map_err(|error| format!("{}: {error}", file.display()))?,
            _ => {
                let path = compiled.join(format!("{}.wasm", name.replace('-', "_")));
                fs::read(path).map_err(|_| {
                    format!("{name} was not compiled: list it in tests/guests/zoo/Cargo.toml")
                })?
            }
        };
        let folder = out.join(name);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("plugin.toml"), plugin_toml(name, &source))?;
        embed(&mut component, &manifest(&folder)?);
        let finished = folder.join("guest.wasm");
        fs::write(&finished, component)?;
        writeln!(
            table,
            "    Guest {{ name: {name:?}, bytes: include_bytes!({finished:?}) }},"
        )?;
        write!(names, "{} ", name.replace('-', "_"))?;
    }
    table += "]\n";
    fs::write(out.join("guests.rs"), table)?;
    let each = format!(
        "/// `$each!(a_guest another_guest …)`, with the names of all guests as identifiers.\n\
         #[macro_export]\nmacro_rules! for_all_guests {{ ($each:ident) => {{ $each!({names}); }}; }}\n"
    );
    fs::write(out.join("for_all_guests.rs"), each)?;
    Ok(())
}

/// The guests' sources, in alphabetical order.
fn files(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        files.push(entry?.path());
    }
    files.sort();
    Ok(files)
}

/// A guest says what it is in its first comment line, and what else a manifest has in a fenced block below.
fn plugin_toml(name: &str, source: &str) -> String {
    let comment = |line: &str| {
        let line = line
            .strip_prefix("//!")
            .or_else(|| line.strip_prefix(";;!"))?;
        Some(line.strip_prefix(' ').unwrap_or(line).to_owned())
    };
    let mut comments = source.lines().map_while(comment);
    let description = comments.next().unwrap_or_default();
    let block: String = comments
        .skip_while(|line| line != "```toml")
        .skip(1)
        .take_while(|line| line != "```")
        .map(|line| line + "\n")
        .collect();
    let hooks = if block.contains("[hooks.") {
        ""
    } else {
        USUAL_HOOK
    };
    format!(
        "name = {name:?}\nversion = \"0.1.0\"\ndescription = {description:?}\nlicence = \"MIT OR Apache-2.0\"\n{hooks}{block}"
    )
}

/// A core module in text with the contract's own names for imports and exports, as a component.
fn encode(text: &str, wit: &Path) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut module = wat::parse_str(text)?;
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(wit)?;
    let world = resolve.select_world(&[package], Some("pre-call-interceptor"))?;
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)?;
    Ok(ComponentEncoder::default()
        .validate(true)
        .module(&module)?
        .encode()?)
}

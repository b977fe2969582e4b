//! The SDKs' sources that this program carries, so that a new project does not need the network for them.

use super::lang::File;

/// A source file: its path within the SDK, and its bytes.
type SourceFile = (&'static str, &'static [u8]);

/// The Rust SDK, with a manifest that needs no workspace.
const RUST: &[SourceFile] = include!(concat!(env!("OUT_DIR"), "/sdk_rust.rs"));

/// The Python package.
const PYTHON: &[SourceFile] = include!(concat!(env!("OUT_DIR"), "/sdk_python.rs"));

/// The npm package, in TypeScript.
const JS: &[SourceFile] = include!(concat!(env!("OUT_DIR"), "/sdk_js.rs"));

/// The Rust SDK, for this folder of a project.
pub(super) fn rust(folder: &str) -> Vec<File> {
    laid(RUST, folder)
}

/// The Python package, in a folder `sandgate` below this folder of a project.
pub(super) fn python(folder: &str) -> Vec<File> {
    laid(PYTHON, folder)
}

/// The npm package, for this folder of a project.
pub(super) fn js(folder: &str) -> Vec<File> {
    laid(JS, folder)
}

/// The C SDK's header and sources, with the contract's types as an object file.
const C: &[SourceFile] = include!(concat!(env!("OUT_DIR"), "/sdk_c.rs"));

/// The C SDK, for this folder of a project.
pub(super) fn c(folder: &str) -> Vec<File> {
    laid(C, folder)
}

/// The Go module.
const GO: &[SourceFile] = include!(concat!(env!("OUT_DIR"), "/sdk_go.rs"));

/// The Go module, for this folder of a project.
pub(super) fn go(folder: &str) -> Vec<File> {
    laid(GO, folder)
}

fn laid(files: &[SourceFile], folder: &str) -> Vec<File> {
    files
        .iter()
        .map(|(path, content)| File::new(format!("{folder}/{path}"), *content))
        .collect()
}

//! The SDKs' sources that this program carries, so that a new project does not need the network for them, and the list of
//! what was laid into a project, by which `upgrade` knows whether somebody edited it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use super::lang::File;
use super::language::{Language, SourceFile};

// Statics, since constants would be in the program once for each part of it that names them.

/// The Rust SDK, with a manifest that needs no workspace.
pub(super) static RUST: &[SourceFile] = include!(concat!(env!("OUT_DIR"), "/sdk_rust.rs"));

/// The Python package.
pub(super) static PYTHON: &[SourceFile] = include!(concat!(env!("OUT_DIR"), "/sdk_python.rs"));

/// The npm package, in TypeScript.
pub(super) static JS: &[SourceFile] = include!(concat!(env!("OUT_DIR"), "/sdk_js.rs"));

/// The Go module.
pub(super) static GO: &[SourceFile] = include!(concat!(env!("OUT_DIR"), "/sdk_go.rs"));

/// The C SDK's headers and sources, with the contract's types as an object file.
pub(super) static C: &[SourceFile] = include!(concat!(env!("OUT_DIR"), "/sdk_c.rs"));

/// The list of the SDK's files, in the SDK's folder of a project.
pub(super) const LIST: &str = "sandgate-sdk.sha256";

/// The SDK's files for a project, and their list.
pub(super) fn laid(language: &dyn Language) -> Vec<File> {
    let folder = language.sdk_folder();
    let mut files: Vec<_> = language
        .sdk()
        .iter()
        .map(|(path, content)| File::new(format!("{folder}/{path}"), *content))
        .collect();
    files.push(File::new(format!("{folder}/{LIST}"), list(language.sdk())));
    files
}

/// The text of [`LIST`]: the version of this program, then digest and path of each file, as `sha256sum` writes them.
pub(super) fn list(files: &[SourceFile]) -> String {
    let mut text = format!(
        "# The SDK of sandgate {}, as it was laid here; `sandgate plugin upgrade` lays another. Edit nothing in this folder.\n",
        env!("CARGO_PKG_VERSION")
    );
    for (path, content) in files {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}  {path}", digest(content));
    }
    text
}

/// The version in a list, and the digests by path. `None`: it is no such list.
pub(super) fn read(list: &str) -> Option<(String, BTreeMap<String, String>)> {
    let (first, rest) = list.split_once('\n')?;
    let version = first
        .strip_prefix("# The SDK of sandgate ")?
        .split(',')
        .next()?;
    let lines = rest.lines().map(|line| {
        let (digest, path) = line.split_once("  ")?;
        // Nothing outside of the SDK's folder is ever touched.
        let inside = path.split('/').all(|part| !matches!(part, "" | "." | ".."));
        (inside && digest.len() == 64).then(|| (path.to_owned(), digest.to_owned()))
    });
    Some((version.to_owned(), lines.collect::<Option<_>>()?))
}

/// SHA-256 in lower-case hexadecimal.
pub(super) fn digest(content: &[u8]) -> String {
    sandgate_text::hex::encode(Sha256::digest(content))
}

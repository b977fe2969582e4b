//! For build scripts: compiles plugins to components and writes what each says of itself into it, so that nobody runs
//! a plugin to learn what it wants.
//!
//! It answers for the command line of the compiler and for the custom section. It does not judge a manifest (the host
//! does) and knows no WebAssembly runtime.

mod compile;
mod manifest;

pub use compile::{Compiler, NotCompiled, TARGET};
pub use manifest::{NoManifest, SECTION, embed, json, manifest, section};

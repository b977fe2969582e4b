//! `sandgate plugin …`: the tools for an author of plugins, from an empty folder to one file for an operator.
//!
//! A project is a folder with a `plugin.toml` and sources in one of the languages of [`lang`]. Whatever its language,
//! the result is checked and run by the very host that the gateway uses.
#![allow(
    clippy::result_large_err,
    reason = "a report of what is wrong is made once, at a start or reload"
)]

pub mod args;
pub mod bench;
pub mod build;
mod build_record;
mod component;
mod config_lines;
mod context;
pub mod cover;
pub mod dev;
pub mod doc;
pub mod eval;
mod fixture;
mod fixture_text;
mod inputs;
mod junit;
pub mod lang;
pub mod language;
mod log_capture;
mod manifest;
pub mod new;
mod project;
pub mod recorded;
mod render;
pub mod run;
mod settings;
mod smoke;
pub mod stages;
mod stand;
pub mod test;
mod toolchain;
mod trial;
pub mod upgrade;
mod vendored_sdk;

pub use language::Project;
pub use manifest::{Authored, MANIFEST};
pub use project::ProjectError;
pub use toolchain::{Install, Missing};

//! `sandgate plugin …`: what an author of plugins needs, from an empty folder to one file for an operator.
//!
//! A project is a folder with a `plugin.toml` and sources in one of the languages of [`lang`]. Whatever its language,
//! what comes out is checked and run by the very host that the gateway uses.

pub mod build;
mod component;
pub mod lang;
mod manifest;
mod project;
mod toolchain;
mod trial;

pub use manifest::{Authored, MANIFEST};
pub use project::{Project, ProjectError};
pub use toolchain::{Install, Missing};

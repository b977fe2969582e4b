//! Catalogs: lists of servers that others keep. This crate fetches and reads them as what strangers wrote, and makes a
//! contained, pinned server of an entry.
//!
//! It starts nothing and locks nothing, and it opens a connection only to fetch a catalog that the operator named.

mod catalogs;
mod docker;
mod entry;
mod fetch;
mod format;
mod own;
mod plan;
mod plan_inputs;
mod plan_maker;
mod registry;
mod rules;
mod strict;

pub use catalogs::{
    Catalog, CatalogError, Catalogs, FOLDER, FindError, copy, difference, digest, forget, keep,
};
pub use entry::{Entry, Inject, Input, Mount, Offer, Part, Refusal, Runs, Secret, Text, Variable};
pub use fetch::{FetchError, fetch, is_url};
pub use format::{Contents, Format, FormatError, LARGEST, MOST_ENTRIES};
pub use plan::{Plan, PlanError, Wanted};

//! All policies together, as `sandgate init` writes them.

mod benign;
mod profile;
mod stories;

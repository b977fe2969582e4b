//! All policies together, as `sandgate init` writes them.

mod benign;
mod model_bridge;
mod profile;
mod stories;

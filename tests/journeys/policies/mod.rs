//! All policies together, as `sandgate init` writes them.

mod benign;
mod model_bridge;
mod pins;
mod profile;
mod stories;

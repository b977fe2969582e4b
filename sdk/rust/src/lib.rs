//! Write Sandgate interceptors in Rust.

//! Instrumenting a component for a snapshot: adds the exports through which its memory can be read.

use std::panic::{AssertUnwindSafe, catch_unwind};

use wasmtime_wizer::Wizer;

/// Checks that a component has a shape that can be snapshotted. The error says why not.
pub(crate) fn check(component: &[u8]) -> Result<(), String> {
    catch_panic(|| Wizer::new().instrument_component(component).map(|_| ()))
}

/// Runs `f` and turns a panic into an error: Wizer panics on components whose shape it does not know.
pub(crate) fn catch_panic<T>(f: impl FnOnce() -> wasmtime::Result<T>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(result) => result.map_err(|error| format!("{error:#}")),
        Err(_) => Err("a shape that cannot be snapshotted".into()),
    }
}

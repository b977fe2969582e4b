//! Instrumenting a component for a snapshot: adds the exports through which its memory can be read.

use std::panic::{AssertUnwindSafe, catch_unwind};

use wasmtime_wizer::Wizer;

/// Whether a component is of a shape that can be snapshotted.
pub(crate) fn possible(component: &[u8]) -> Result<(), String> {
    guarded(|| Wizer::new().instrument_component(component).map(|_| ()))
}

/// The instrumenter asserts where a component has a shape it does not know.
pub(crate) fn guarded<T>(f: impl FnOnce() -> wasmtime::Result<T>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(result) => result.map_err(|error| format!("{error:#}")),
        Err(_) => Err("a shape that cannot be snapshotted".into()),
    }
}

//! Lines in the gateway's log, under the interceptor's name.

use crate::bindings::contract::log as imports;

pub use imports::Level;

/// One line. It outlives the call: never repeat the payload.
pub fn log(level: Level, message: &str) {
    #[cfg(target_family = "wasm")]
    imports::log(level, message);
    #[cfg(not(target_family = "wasm"))]
    crate::testing::record_log(level, message);
}

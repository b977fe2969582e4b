//! Interceptors that are sandboxed WebAssembly components: prepared once, with a fresh instance for every hook run.
//!
//! This crate is responsible for isolation, limits and capabilities. It knows neither MCP's transports nor the pipeline: a
//! [`Plugin`] implements [`sandgate_message::Interceptor`], and callers need no more than that. The crate opens no path and
//! reads no environment variable by itself: directories and values are handed to it.
//!
//! Each module uses only modules above it in this list:
//!
//! - `clock`, `concurrency`, `digest`, `handles`, `instrument`, `manifest`, `schema`, `stderr`: use no other module
//! - `bindings`, `cache`, `dev_source`, `engine`, `grants`, `meter`
//! - `fault_report`, `file`; `failure`; `decisions`
//! - `state`, then `simulation`, then `capabilities` and `egress`
//! - `sandbox`: what a wasmtime store holds; `configure` and `imports`: calls into a guest and out of it
//! - `plugin`, `snapshot`; then `compiler`, `bench_instance` and `spec`
//! - `smoke`, `host`

#![warn(clippy::missing_errors_doc)]

mod bench_instance;
mod bindings;
mod cache;
mod capabilities;
mod clock;
mod compiler;
mod concurrency;
mod configure;
mod decisions;
mod dev_source;
mod digest;
mod egress;
mod engine;
mod failure;
mod fault_report;
mod file;
mod grants;
mod handles;
mod host;
mod imports;
mod instrument;
mod manifest;
mod meter;
mod plugin;
mod sandbox;
mod schema;
mod simulation;
mod smoke;
mod snapshot;
mod spec;
mod state;
mod stderr;

pub use bench_instance::BenchInstance;
pub use cache::{Cache, CacheError};
pub use dev_source::SOURCE;
pub use engine::{DEFAULT_MEMORY, EngineConfig, MAX_MEMORY, pagemap_scan_available};
pub use file::{FileError, MAX_FILE, PluginFile};
pub use grants::{DirGrant, GrantError, Grants, Withheld};
pub use host::Host;
pub use manifest::{
    Access, Asks, DirAsk, HookManifest, Hooks, HttpAsk, Manifest, ManifestError, SECTION,
};
pub use plugin::Plugin;
pub use schema::{Issue, check_schema};
pub use simulation::{CannedResponse, Simulation};
pub use spec::{DEFAULT_CONCURRENCY, PrepareError, Spec};
pub use state::{State, StateError, StateHealth, StateQuota};

//! Interceptors that are sandboxed WebAssembly components: prepared once, with a fresh instance for every hook run.
//!
//! It answers for isolation, limits and capabilities. It knows neither MCP's transports nor the pipeline: what it makes
//! implements [`sandgate_message::Interceptor`], and that is all anyone needs to know. It opens no path, address or
//! variable by itself; what it may reach is handed to it.

mod bench_instance;
mod bindings;
mod cache;
mod capabilities;
mod clock;
mod concurrency;
mod configure;
mod decide;
mod dev_source;
mod digest;
mod egress;
mod engine;
mod failure;
mod fault_report;
mod file;
mod grants;
mod handles;
mod imports;
mod instrument;
mod manifest;
mod meter;
mod plugin;
mod prepare;
mod sandbox;
mod schema;
mod simulation;
mod snapshot;
mod state;
mod stderr;

pub use bench_instance::BenchInstance;
pub use cache::{Cache, CacheError};
pub use dev_source::SOURCE;
pub use engine::{DEFAULT_MEMORY, EngineConfig, MAX_MEMORY, pagemap_scan_available};
pub use file::{FileError, MAX_FILE, PluginFile};
pub use grants::{DirGrant, GrantError, Grants, Withheld};
pub use manifest::{
    Access, Asks, DirAsk, HookManifest, Hooks, HttpAsk, Manifest, ManifestError, SECTION,
};
pub use plugin::Plugin;
pub use prepare::{DEFAULT_CONCURRENCY, Host, PrepareError, Spec};
pub use schema::{Issue, check_schema};
pub use simulation::{CannedResponse, Simulation};
pub use state::{State, StateError, StateHealth, StateQuota};

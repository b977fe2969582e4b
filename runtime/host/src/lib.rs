//! Interceptors that are sandboxed WebAssembly components: prepared once, with a fresh instance for every hook run.
//!
//! This crate is responsible for isolation, limits and capabilities. It knows neither MCP's transports nor the
//! pipeline: a [`Plugin`] implements [`sandgate_message::Interceptor`], and callers need no more than that. The crate
//! opens no path and reads no environment variable by itself: directories and values are handed to it.
//!
//! Each module uses only modules that stand before it:
//!
//! - A plugin's file: `digest`, `manifest`, `schema` (settings against their JSON Schema), `instrument` (for
//!   snapshots), `dev_source` (plugins under development), `file`.
//! - Grants and limits: `grants`, `concurrency`, `clock` (interrupts guests), `meter` (the own time of a run),
//!   `engine`.
//! - The contract: `handles`, `bindings`, `fault_report`, `failure`, `decisions`.
//! - What a guest can reach: `output_tail`, `state`, `simulation` (for authors' tests), `capabilities`, `egress`.
//! - One run: `sandbox` (the data of a store), `imports` (host functions), `configure`, `plugin`, `bench_instance`.
//! - Preparing: `functions`, `machine_code`, `snapshot`, `cache` (machine code on disk), `packaged` (that which
//!   a package brought), `known_functions` (what need
//!   not be compiled again), `turns` (how many are compiled at once), `spec`, `compiler`, `smoke`, `host`.

mod bench_instance;
mod bindings;
mod cache;
mod capabilities;
mod clock;
mod compiler;
mod concurrency;
mod configure;
mod contains;
mod decisions;
mod dev_source;
mod digest;
mod egress;
mod engine;
mod failure;
mod fault_report;
mod file;
mod functions;
mod grants;
mod handles;
mod host;
mod imports;
mod instrument;
mod known_functions;
mod machine_code;
mod manifest;
mod meter;
mod output_tail;
mod packaged;
mod plugin;
mod sandbox;
mod schema;
mod simulation;
mod smoke;
mod snapshot;
mod spec;
mod state;
mod turns;

pub use bench_instance::BenchInstance;
pub use cache::{Cache, CacheError};
pub use dev_source::SOURCE;
pub use engine::{DEFAULT_MEMORY, EngineConfig, IdleSlots, MAX_MEMORY, pagemap_scan_available};
pub use file::{FileError, MAX_FILE, PluginFile};
pub use grants::{DirGrant, GrantError, Grants, Withheld};
pub use host::Host;
pub use manifest::{
    Access, Asks, DirAsk, HookManifest, Hooks, HttpAsk, Manifest, ManifestError, SECTION,
};
pub use packaged::{PackageDigest, Packaged, PackagedError, ProgramFile};
pub use plugin::Plugin;
pub use schema::{Issue, check_schema};
pub use simulation::{CannedFailure, CannedResponse, Simulation};
pub use spec::{DEFAULT_CONCURRENCY, PrepareError, Spec};
pub use state::{State, StateError, StateHealth, StateKey, StateQuota};

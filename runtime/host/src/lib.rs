//! Interceptors that are sandboxed WebAssembly components: prepared once, with a fresh instance for every hook run.
//!
//! It answers for isolation, limits and authority. It knows neither MCP's transports nor the pipeline: what it makes
//! implements [`sandgate_message::Interceptor`], and that is all anyone needs to know. It opens no path, address or
//! variable by itself; what it may reach is handed to it.

mod bindings;
mod cache;
mod clock;
mod configure;
mod decide;
mod egress;
mod engine;
mod failure;
mod file;
mod grants;
mod imports;
mod loose;
mod manifest;
mod meter;
mod places;
mod plugin;
mod prepare;
mod sandbox;
mod schema;
mod snapshot;
mod stage;
mod state;
mod stderr;
mod warm;
mod words;

pub use cache::{Cache, CacheError};
pub use configure::Issue;
pub use engine::{EngineConfig, MAX_MEMORY, pagemap_scan_available};
pub use file::{FileError, MAX_FILE, PluginFile};
pub use grants::{DirGrant, GrantError, Grants, Withheld};
pub use loose::SOURCE;
pub use manifest::{
    Access, Asks, DirAsk, HookManifest, Hooks, HttpAsk, Manifest, ManifestError, SECTION,
};
pub use plugin::Plugin;
pub use prepare::{DEFAULT_CONCURRENCY, DEFAULT_MEMORY, Host, PrepareError, Spec};
pub use schema::check_schema;
pub use stage::{Answered, Stage};
pub use state::{State, StateError, StateHealth, StateQuota};
pub use warm::Warm;

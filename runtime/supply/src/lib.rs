//! Packages and images as servers: what `sandgate.lock` holds, how npm, pip and container engines make it, and where the
//! packages lie once they are installed.
//!
//! Nothing here opens a connection: npm, pip and engines do, when `sandgate lock`, `sandgate install` or the start of a gateway
//! ask them to. A server that runs never waits for one.

mod difference;
mod image;
mod kept;
mod lock;
mod manifest;
mod npm;
mod program;
mod pypi;
mod resolve;
mod store;
mod tool;

pub use difference::{differences, plugin_difference};
pub use image::{ImageError, LockedImage, resolve_image};
pub use kept::KeptError;
pub use lock::{FILE, Lock, LockError, LockedPlugin, LockedServer, Locks};
pub use npm::InstallError;
pub use program::{Program, ProgramError};
pub use resolve::{ResolveError, Resolved, resolve};
pub use store::{Store, StoreError};
pub use tool::ToolError;

//! Packages and images as servers, and plugins of registries: what `sandgate.lock` holds, how npm, pip, container engines
//! and registries make it, by whom images and plugins are signed, and where what was installed lies.
//!
//! npm, pip and engines open connections, when `sandgate lock`, `sandgate install` or the start of a gateway ask them
//! to. `sandgate lock`, `sandgate install` and
//! `sandgate plugin push` ask registries themselves, for signatures and plugins (`oci`). A server that runs never waits for one.

mod component;
mod difference;
mod image;
mod install_error;
mod kept;
mod lock;
mod lock_text;
mod locked_image;
mod locks;
mod manifest;
mod npm;
mod oci;
mod program;
mod pypi;
mod registry_host;
mod resolve;
mod resolve_error;
mod resolved;
mod sha256;
mod signature;
mod store;
mod tool;

pub use component::{
    ComponentError, FetchedComponent, LockedComponent, PushedComponent, fetch_component,
    push_component,
};
pub use difference::{differences, plugin_difference};
pub use image::{ImageError, resolve_image};
pub use install_error::InstallError;
pub use kept::KeptError;
pub use lock::{FILE, Lock, LockError, LockedPlugin, LockedServer};
pub use locked_image::LockedImage;
pub use locked_image::LockedSignature;
pub use locks::Locks;
pub use oci::RegistryError;
pub use program::{Program, ProgramError};
pub use resolve::resolve;
pub use resolve_error::ResolveError;
pub use resolved::Resolved;
pub use sandgate_signature::{Signer, Wanted};
pub use signature::{ImageSignatureError, SignedByError, wanted};
pub use store::{Store, StoreError};
pub use tool::ToolError;

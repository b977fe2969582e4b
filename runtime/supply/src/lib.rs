//! Packages and images as servers, and plugins of registries: what `sandgate.lock` holds, how npm, pip, container engines
//! and registries make it, by whom images and plugins are signed, and where what was installed lies.
//!
//! npm, pip and engines open connections, when `sandgate lock`, `sandgate install` or the start of a gateway ask them
//! to. `sandgate lock`, `sandgate install` and
//! `sandgate plugin push` ask registries themselves, for signatures and plugins (`oci`). A server that runs never waits for one.

mod component;
mod difference;
mod image;
mod kept;
mod lock;
mod lock_text;
mod locks;
mod manifest;
mod npm;
mod oci;
mod program;
mod pypi;
mod resolve;
mod signature;
mod store;
mod tool;

pub use component::{
    ComponentError, FetchedComponent, LockedComponent, PushedComponent, fetch_component,
    push_component,
};
pub use difference::{differences, plugin_difference};
pub use image::{ImageError, LockedImage, resolve_image};
pub use kept::KeptError;
pub use lock::{FILE, Lock, LockError, LockedPlugin, LockedServer};
pub use locks::Locks;
pub use npm::InstallError;
pub use oci::RegistryError;
pub use program::{Program, ProgramError};
pub use resolve::{ResolveError, Resolved, resolve};
pub use sandgate_signature::{Signer, Wanted};
pub use signature::{ImageSignatureError, LockedSignature, SignedByError, wanted};
pub use store::{Store, StoreError};
pub use tool::ToolError;

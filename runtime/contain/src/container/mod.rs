//! Containers: programs that come as an image, held by Podman or Docker.

mod arguments;
mod engine;
mod image;
#[cfg(target_os = "linux")]
mod seccomp;

#[cfg(target_os = "linux")]
pub(crate) use arguments::{Parts, arguments, variables};
pub use engine::Engine;
#[cfg(target_os = "linux")]
pub(crate) use engine::{LABEL, NAME};
pub use image::{Image, Mount};
#[cfg(target_os = "linux")]
pub(crate) use seccomp::profile;

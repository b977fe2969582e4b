//! What a container is made from.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::access::Access;

/// An image that is here, and the engine that has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// As operators know it, for example `ghcr.io/github/github-mcp-server:v1`.
    pub reference: String,
    /// What the engine is told to run, which nobody else can move: `sha256:` and the digits of the image's id.
    pub id: String,
    /// Folders for which the image wants a volume. Each is a temporary folder of the container's.
    pub volumes: Vec<String>,
    /// The engine's program.
    pub engine: PathBuf,
    /// The engine's own environment.
    pub environment: Vec<(String, String)>,
    /// By whom it is signed, as operators know them; `None`: nobody asked.
    pub signed_by: Option<String>,
    /// What is mounted.
    pub mounts: Vec<Mount>,
}

/// A file or folder of this machine that a container sees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mount {
    /// Where the container sees it.
    pub inside: PathBuf,
    /// What it sees.
    pub outside: PathBuf,
    /// What it may do with it.
    pub access: Access,
}

//! What holds a program.

use serde::{Deserialize, Serialize};

/// What holds a program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// Namespaces of its own, made by the program `bwrap`: it sees nothing but what it is given.
    #[default]
    Bubblewrap,
    /// The kernel's Landlock alone: it cannot open what it is not given.
    Landlock,
    /// A container of Podman's, made from an image.
    Podman,
    /// A container of Docker's, made from an image.
    Docker,
}

impl Backend {
    /// The name in a configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bubblewrap => "bubblewrap",
            Self::Landlock => "landlock",
            Self::Podman => "podman",
            Self::Docker => "docker",
        }
    }

    /// Whether it makes containers from images.
    pub fn is_engine(self) -> bool {
        matches!(self, Self::Podman | Self::Docker)
    }
}

//! What an operator wants of a program's containment.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::backend::Backend;
use crate::limits::Limits;

/// The network that a program has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Network {
    /// None: with bubblewrap a loopback interface of its own, with Landlock no socket at all.
    #[default]
    None,
    /// A loopback interface of its own, with a listener whose connections somebody outside accepts: a proxy.
    Proxy,
    /// The machine's, whole.
    Host,
}

/// A file in memory, which a program in bubblewrap's sandbox or in a container finds at a path, and can read.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivenFile {
    /// Where it is, within.
    pub path: PathBuf,
    /// What is in it.
    pub content: String,
}

/// Without the content, which may be secret.
impl fmt::Debug for GivenFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GivenFile({})", self.path.display())
    }
}

/// What an operator wants of a program's containment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// What holds it.
    pub backend: Backend,
    /// Paths that it may read.
    pub read: Vec<PathBuf>,
    /// Paths that it may change.
    pub write: Vec<PathBuf>,
    /// The folder with packages of `npx` or `uvx`, of this server alone.
    pub cache: Option<PathBuf>,
    /// The folder of an installed package, which it reads: the gateway put it there, so that it may lie in what is guarded.
    pub installed: Option<PathBuf>,
    /// Files that are in its sandbox alone, and on no disk.
    pub files: Vec<GivenFile>,
    /// Its network.
    pub network: Network,
    /// Its limits.
    pub limits: Limits,
    /// The user that a gateway of root's runs it as; `None`: the gateway's own.
    pub user: Option<u32>,
}

//! `contain`: what a server's program may reach and use.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::amount::Size;
use super::grants::Access;

/// Whether a program is contained: `true` with the defaults, `false`, or a table of what differs from them.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(untagged)]
pub enum Contain {
    /// With the defaults, or not at all.
    Switch(bool),
    /// With what is written.
    Table(Box<Containment>),
}

/// What a contained program may reach and use, beside the system's programs and libraries, which it reads, and a private
/// temporary folder. A key left out gives nothing more, or the default limit.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Containment {
    /// What holds it. `bubblewrap`: namespaces of its own, in which nothing else is there. `landlock`: the kernel's
    /// Landlock alone, without a helper program; weaker, see docs/containment.md. Where it is not to be had here, the
    /// configuration is wrong: another never takes its place. `podman` and `docker` hold an `image`, and nothing else does.
    /// Left out: `bubblewrap`; for an `image` Podman, or Docker where there is no program `podman`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub with: Option<Containing>,
    /// Files and folders that it may read, relative to this file. It sees them under their own paths.
    pub read: Vec<PathBuf>,
    /// Files and folders that it may also change, relative to this file.
    pub write: Vec<PathBuf>,
    /// What a container sees, by the path at which it does: `{ path = "data" }`, or with `access = "rw"` to change it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub mounts: BTreeMap<String, Mount>,
    /// Folder for the packages of `npx` and `uvx`, of this server alone, relative to this file. They need one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache: Option<PathBuf>,
    /// The network. `none`: none at all. `host`: all of the machine's, its loopback too.
    pub network: ServerNetwork,
    /// Variables of the gateway's environment that are handed on, beside `env`.
    pub environment: Vec<String>,
    /// Memory of all its processes together. Beyond it the server is ended.
    pub memory: Size,
    /// Processes and threads at a time. The kernel refuses a further one.
    #[schemars(range(min = 1, max = 32768))]
    pub processes: u32,
    /// Processors that it runs on.
    #[schemars(range(min = 1, max = 1024))]
    pub cpus: u32,
    /// Open files of one process at a time.
    #[schemars(range(min = 16, max = 1_048_576))]
    pub files: u32,
    /// Its largest file.
    pub file_size: Size,
    /// What may lie in its private temporary folder, which holds its home too.
    pub tmp: Size,
}

/// A file or folder that a container sees.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Mount {
    /// The file or folder, relative to this file.
    pub path: PathBuf,
    /// `ro`: it reads it. `rw`: it also changes it.
    #[serde(default)]
    pub access: Access,
}

/// What holds a program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Containing {
    /// Namespaces of its own, made by the program `bwrap`.
    #[default]
    Bubblewrap,
    /// The kernel's Landlock alone.
    Landlock,
    /// A container of Podman's.
    Podman,
    /// A container of Docker's.
    Docker,
}

/// The network of a contained program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ServerNetwork {
    /// None.
    #[default]
    None,
    /// The machine's, whole.
    Host,
}

impl Default for Containment {
    fn default() -> Self {
        Self {
            with: None,
            read: Vec::new(),
            write: Vec::new(),
            mounts: BTreeMap::new(),
            cache: None,
            network: ServerNetwork::default(),
            environment: Vec::new(),
            memory: Size::mib(512),
            processes: 128,
            cpus: 2,
            files: 1024,
            file_size: Size::mib(1024),
            tmp: Size::mib(64),
        }
    }
}

impl Contain {
    /// What is wanted; `None`: the program is not contained.
    pub fn wanted(&self) -> Option<Containment> {
        match self {
            Self::Switch(false) => None,
            Self::Switch(true) => Some(Containment::default()),
            Self::Table(wanted) => Some((**wanted).clone()),
        }
    }
}

impl JsonSchema for Contain {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Contain".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let table = generator.subschema_for::<Containment>();
        json_schema!({ "anyOf": [{ "type": "boolean" }, table] })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_switch_and_an_empty_table_are_the_same() {
        let empty: Containment = toml::from_str("").unwrap();
        assert_eq!(Contain::Switch(true).wanted(), Some(empty));
        assert_eq!(Contain::Switch(false).wanted(), None);
    }
}

//! What a program may use.

use serde::{Deserialize, Serialize};

/// The limits of a program and of everything that it starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Bytes of memory of all its processes together.
    pub memory: u64,
    /// Processes and threads at a time.
    pub processes: u32,
    /// Processors that it may run on.
    pub cpus: u32,
    /// Open files of one process at a time.
    pub files: u32,
    /// Bytes of its largest file.
    pub file_size: u64,
    /// Bytes in its temporary folder.
    pub tmp: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory: 512 << 20,
            processes: 128,
            cpus: 2,
            files: 1024,
            file_size: 1 << 30,
            tmp: 64 << 20,
        }
    }
}

/// A limit that a program reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Limit {
    /// [`Limits::memory`]: the program was ended.
    Memory,
    /// [`Limits::processes`]: the kernel refuses it another process.
    Processes,
    /// [`Limits::tmp`]: the program was ended, or cannot write there.
    Tmp,
}

impl Limit {
    /// The limit's key in a configuration.
    pub fn key(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Processes => "processes",
            Self::Tmp => "tmp",
        }
    }
}

impl Limits {
    /// What a limit allows, as text.
    pub(crate) fn allowed(&self, limit: Limit) -> String {
        match limit {
            Limit::Memory => size(self.memory),
            Limit::Processes => self.processes.to_string(),
            Limit::Tmp => size(self.tmp),
        }
    }
}

/// A size in the largest binary unit that divides it.
pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        0 => "0".into(),
        bytes if bytes % (1 << 30) == 0 => format!("{} GiB", bytes >> 30),
        bytes if bytes % (1 << 20) == 0 => format!("{} MiB", bytes >> 20),
        bytes if bytes % (1 << 10) == 0 => format!("{} KiB", bytes >> 10),
        bytes => format!("{bytes} bytes"),
    }
}

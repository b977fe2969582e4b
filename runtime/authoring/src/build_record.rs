//! The record of a build, beside its output: what went into it and what came of it.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use sandgate_host::PluginFile;
use serde::{Deserialize, Serialize};

/// The most bytes of a record that are read.
const MOST: u64 = 256 << 10;

/// What a build that passed every check left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BuildRecord {
    /// The digest of what went in: see [`crate::inputs`].
    pub(crate) inputs: String,
    /// The digest of the component that came of it.
    pub(crate) component: String,
    /// Notes about the checks.
    pub(crate) notes: Vec<String>,
}

impl BuildRecord {
    /// The record beside this output. `None`: there is none that can be read.
    pub(crate) fn read(output: &Path) -> Option<Self> {
        let mut text = String::new();
        let file = File::open(path(output)).ok()?;
        file.take(MOST).read_to_string(&mut text).ok()?;
        serde_json::from_str(&text).ok()
    }

    /// The component, where it lies there as this build left it, and the same went in.
    pub(crate) fn still(&self, inputs: &str, output: &Path) -> Option<PluginFile> {
        if self.inputs != inputs {
            return None;
        }
        let file = PluginFile::read(fs::read(output).ok()?.into()).ok()?;
        (file.digest() == self.component).then_some(file)
    }

    /// Writes the record. One that cannot be written is none: the next build does everything anew.
    pub(crate) fn write(&self, output: &Path) {
        let path = path(output);
        let text = serde_json::to_string_pretty(self).unwrap_or_default();
        if fs::write(&path, text).is_err() {
            let _ = fs::remove_file(&path);
        }
    }
}

fn path(output: &Path) -> PathBuf {
    output.with_extension("build.json")
}

//! A path that a program is given beside what every program sees.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::access::Access;
use crate::system;

/// Why a program is given a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reason {
    /// The program itself, or its runtime.
    Program,
    /// The operator says so.
    Given,
    /// The packages that `npx` or `uvx` run.
    Cache,
    /// A mount of a container's.
    Mount,
}

/// A path that a program is given beside what every program sees. It has no links.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exposed {
    /// The file or folder.
    pub path: PathBuf,
    /// What may be done with it.
    pub access: Access,
    /// Why it is there.
    pub reason: Reason,
}

pub(crate) fn expose(
    exposed: &mut BTreeMap<PathBuf, Exposed>,
    path: PathBuf,
    access: Access,
    reason: Reason,
) {
    let new = Exposed {
        path: path.clone(),
        access,
        reason,
    };
    let old = exposed.entry(path).or_insert_with(|| new.clone());
    if old.access < access {
        *old = new;
    }
}

pub(crate) fn is_visible(path: &Path, exposed: &[Exposed]) -> bool {
    system::has(path) || exposed.iter().any(|one| path.starts_with(&one.path))
}

//! `[audit]`: proof of what the call log says.

use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::amount::Period;
use super::scalar::{Mistake, Scalar, scalar};
use crate::url::Url;

/// Proof of what the call log says: each line holds the hash of the one before it, and signed checkpoints stand for all
/// of them. Needs a call log in a file.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Audit {
    /// File with the key that signs checkpoints, which `sandgate audit key` makes. Readable by the gateway's user only.
    pub key: PathBuf,
    /// The verifying keys that signed the log before `key`, as `sandgate audit key` printed them. `audit verify` believes
    /// what they signed, where `key` signed the end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former_keys: Vec<String>,
    /// How often a checkpoint is signed where there are new lines.
    #[serde(default = "minute")]
    pub every: Period,
    /// Where each checkpoint is kept as well, best where the gateway's user cannot change what is there: the path of a
    /// file that is appended to, or an `http` or `https` URL to which it is posted. Left out: nowhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anchor: Option<Anchor>,
}

fn minute() -> Period {
    Period(Duration::from_secs(60))
}

/// Where checkpoints are kept as well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// A file, by its path as it was written.
    File(PathBuf),
    /// A URL.
    Url(http::Uri),
}

impl Scalar for Anchor {
    const KIND: &'static str = "the path of a file, or an http or https URL";

    fn read(text: &str) -> Result<Self, Mistake> {
        match text {
            "" => Err(Mistake::new(
                "is empty",
                "write the path of a file, or a URL that checkpoints are posted to",
            )),
            text if text.contains("://") => Ok(Self::Url(Url::read(text)?.0)),
            path => Ok(Self::File(path.into())),
        }
    }

    fn write(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Url(url) => url.to_string(),
        }
    }
}

scalar!(Anchor);

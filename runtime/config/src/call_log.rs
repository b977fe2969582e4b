//! `[call-log]`: where the record of each call goes.

use std::num::NonZeroU32;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::amount::{Period, Size};
use super::scalar::{Mistake, Scalar, scalar};

mod check;
mod sink;

pub(crate) use check::check;
pub use sink::{CallLogSink, ResolvedSink, SinkFormat, SinkTarget};

/// The record of each call: one JSON line when it is forwarded and one when it ends.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct CallLog {
    /// `stdout`, `stderr`, `none`, or the path of a file that lines are appended to, relative to this file. Left out:
    /// `stdout`; with `--stdio`, whose stdout belongs to the client, `stderr`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Destination>,
    /// Record params and results too, as they were after the interceptors.
    pub payloads: bool,
    /// What happens to a call whose record cannot be written, or finds no room to wait for one of `sinks`.
    pub on_failure: OnFailure,
    /// A file with the key of hashes, which `sandgate audit key --hash` makes. With `payloads`, each text and number in
    /// params and results is recorded as its keyed hash (HMAC-SHA-256) instead, which `sandgate audit hash` computes of a
    /// value that is looked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hash_key: Option<PathBuf>,
    /// The size at which the file is moved away and another one begins. Left out: it grows until somebody moves it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_size: Option<Size>,
    /// The age of its first record at which the file is moved away and another one begins. Left out: however old it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_age: Option<Period>,
    /// How many of the files that were moved away are kept, the newest. Left out: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100_000))]
    pub max_files: Option<NonZeroU32>,
    /// How long a file that was moved away is kept after its last record. Left out: for ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep: Option<Period>,
    /// Where each record is sent as well.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sinks: Vec<CallLogSink>,
}

/// The destination of the call log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// The process's standard output.
    Stdout,
    /// The process's standard error.
    Stderr,
    /// Nowhere.
    None,
    /// A file, by its path as it was written.
    File(PathBuf),
}

/// What happens to a call whose record cannot be written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnFailure {
    /// It is refused: nothing happens off the record.
    #[default]
    Refuse,
    /// It goes on, and the gateway's own log says so.
    Continue,
}

impl Scalar for Destination {
    const KIND: &'static str = "\"stdout\", \"stderr\", \"none\" or the path of a file";

    fn read(text: &str) -> Result<Self, Mistake> {
        Ok(match text {
            "stdout" => Self::Stdout,
            "stderr" => Self::Stderr,
            "none" => Self::None,
            "" => {
                return Err(Mistake::new(
                    "is empty",
                    "write \"stdout\", \"stderr\", \"none\" or the path of a file",
                ));
            }
            path => Self::File(path.into()),
        })
    }

    fn write(&self) -> String {
        match self {
            Self::Stdout => "stdout".into(),
            Self::Stderr => "stderr".into(),
            Self::None => "none".into(),
            Self::File(path) => path.display().to_string(),
        }
    }
}

scalar!(Destination);

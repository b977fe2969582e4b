//! A corpus: labelled rows, one JSON object a line.

use std::path::{Path, PathBuf};

use sandgate_config::Files;
use serde::Deserialize;

use super::NotEvaluated;

/// The largest corpus, in bytes. It is read into memory.
const LARGEST: u64 = 512 << 20;

/// The rows of a file.
pub(super) struct Corpus {
    pub(super) path: PathBuf,
    pub(super) rows: Vec<Row>,
    /// The numbers of the lines that are no row, counted from 1.
    pub(super) unreadable: Vec<usize>,
}

/// A row. Members that are not named here are ignored.
#[derive(Debug, Deserialize)]
pub(super) struct Row {
    #[serde(default)]
    pub(super) id: String,
    /// Where the row comes from, for example a repository at a commit.
    #[serde(default)]
    pub(super) source: String,
    /// What the row is. [`Label::of`] says which labels count.
    pub(super) label: String,
    /// What kind of data it is. It decides where the text is put.
    #[serde(default)]
    pub(super) kind: String,
    pub(super) text: String,
    /// What is to be found, in characters of the text.
    #[serde(default)]
    pub(super) spans: Vec<Span>,
    /// The name that is imitated.
    pub(super) of: Option<String>,
    /// The name of the argument that holds the text, instead of the usual one for its kind.
    pub(super) argument: Option<String>,
}

/// A stretch of a text.
#[derive(Debug, Deserialize)]
pub(super) struct Span {
    #[serde(rename = "type")]
    pub(super) entity: String,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// What a row's label says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Label {
    /// Something is there to be found.
    Positive,
    /// Nothing is there.
    Negative,
    /// The row counts for nothing.
    NotScored,
}

impl Label {
    pub(super) fn of(label: &str) -> Self {
        match label {
            "pii" | "secret" | "attack" => Self::Positive,
            "benign" => Self::Negative,
            _ => Self::NotScored,
        }
    }
}

impl Corpus {
    pub(super) fn read(path: &Path) -> Result<Self, NotEvaluated> {
        let wrong = |why: String| NotEvaluated::Corpus {
            path: path.to_owned(),
            why,
        };
        let bytes = Files::in_folder(Path::new(""))
            .read(path, LARGEST)
            .map_err(|error| wrong(error.to_string()))?;
        let mut rows = Vec::new();
        let mut unreadable = Vec::new();
        let mut first = None;
        for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            if line.trim_ascii().is_empty() {
                continue;
            }
            match serde_json::from_slice(line) {
                Ok(row) => rows.push(row),
                Err(error) => {
                    first.get_or_insert(error);
                    unreadable.push(index + 1);
                }
            }
        }
        match first {
            Some(error) if rows.is_empty() => Err(wrong(format!(
                "no line is a row {{\"label\": …, \"kind\": …, \"text\": …}}; line {}: {error}",
                unreadable[0]
            ))),
            None if rows.is_empty() => Err(wrong("there is no row in it".into())),
            _ => Ok(Self {
                path: path.to_owned(),
                rows,
                unreadable,
            }),
        }
    }
}

//! A file as it was written: its text, and the places of its keys and values.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use sandgate_message::pointer;
use toml::de::DeTable;

use super::client::TokenHash;
use super::tree::{Entry, Table};
use crate::scalar::Scalar;

/// A parsed TOML file.
pub struct Source {
    path: PathBuf,
    pub(crate) text: String,
    /// The text to show if it differs: without what somebody wrote in place of a hash.
    shown: Option<String>,
    tree: Table,
}

/// A side of `key = value`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The key. For a table, its header.
    Key,
    /// The value. For a table that has a header, that header.
    Value,
}

/// A line and column, both from 1; columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Position {
    pub line: usize,
    pub column: usize,
}

/// An error of the TOML parser.
#[derive(Debug)]
pub struct SyntaxError {
    /// The parser's message.
    pub message: String,
    /// The range of bytes that the error is about.
    pub span: Range<usize>,
}

impl Source {
    /// Parses the text, as far as it is TOML.
    pub fn parse(path: &Path, text: String) -> (Self, Vec<SyntaxError>) {
        let (tree, errors) = DeTable::parse_recoverable(&text);
        let tree = Table::read(tree.get_ref());
        let errors = errors
            .iter()
            .map(|error| SyntaxError {
                message: error.message().to_owned(),
                span: error.span().unwrap_or(0..0),
            })
            .collect();
        (
            Self {
                path: path.to_owned(),
                shown: masked(&text, &tree),
                text,
                tree,
            },
            errors,
        )
    }

    /// The file's path, as it was given.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text that may be shown. Its bytes are at the same offsets as in the whole text.
    pub fn shown(&self) -> &str {
        self.shown.as_deref().unwrap_or(&self.text)
    }

    /// The parsed text.
    pub fn tree(&self) -> &Table {
        &self.tree
    }

    /// The range of bytes of a place (RFC 6901). If the place does not exist, the nearest table or list around it.
    pub fn locate(&self, pointer: &str, side: Side) -> Option<Range<usize>> {
        let mut found = None;
        let mut table = Some(&self.tree);
        let mut value: Option<&Entry> = None;
        for segment in pointer.split('/').skip(1) {
            let segment = pointer::unescape(segment);
            let (key, next) =
                if let Some((key, next)) = table.and_then(|table| table.member(&segment)) {
                    (Some(key), next)
                } else {
                    let list = value.and_then(Entry::list);
                    let Some(next) = segment
                        .parse::<usize>()
                        .ok()
                        .and_then(|index| list?.get(index))
                    else {
                        break;
                    };
                    (None, next)
                };
            found = Some(match (side, key) {
                (Side::Key, Some(key)) => key.span.clone(),
                _ => next.span.clone(),
            });
            table = next.table();
            value = Some(next);
        }
        found
    }

    /// The line and column of a byte offset.
    pub fn position(&self, offset: usize) -> Position {
        let before = self.text.get(..offset).unwrap_or(&self.text);
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        Position {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }

    /// Whether the table was opened by a `[header]`, so that the keys below it are its own until the next header.
    pub fn has_header(&self, table: &Entry) -> bool {
        table.table().is_some()
            && self
                .text
                .get(table.span.clone())
                .is_some_and(|text| text.starts_with('['))
    }
}

/// The text with stars in place of an invalid hash of a client's token, which is likely the token itself. `None` if
/// there is no such value.
fn masked(text: &str, tree: &Table) -> Option<String> {
    let clients = tree.table("clients").into_iter().flatten();
    let given = clients.flat_map(|(_, client)| {
        let client = client.table();
        let before = client.and_then(|client| client.table("previous"));
        let both = [client, before].into_iter().flatten();
        both.filter_map(|table| table.get("token-sha256"))
    });
    let secret = given.filter(|value| {
        value
            .text()
            .is_none_or(|text| TokenHash::read(text).is_err())
    });
    let mut bytes = None;
    for value in secret {
        let bytes: &mut Vec<u8> = bytes.get_or_insert_with(|| text.as_bytes().to_vec());
        if let Some(value) = bytes.get_mut(value.span.clone()) {
            value
                .iter_mut()
                .filter(|byte| !matches!(byte, b'\n' | b'\r'))
                .for_each(|byte| *byte = b'*');
        }
    }
    String::from_utf8(bytes?).ok()
}

/// Prints the path only: the text may hold what nobody wants in a log.
impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Source({})", self.path.display())
    }
}

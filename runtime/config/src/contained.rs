//! Whether a server's program is contained.

use super::tree::{Node, Table};

/// Whether a server's program is contained. A package and an image are unless `contain` says otherwise.
pub(crate) fn is_contained(table: &Table) -> bool {
    match table.get("contain") {
        Some(entry) => !matches!(entry.node, Node::Truth(false)),
        None => ["package", "image"]
            .iter()
            .any(|key| table.get(key).is_some()),
    }
}

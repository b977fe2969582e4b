//! Edits spliced into the bytes; everything else stays byte for byte.

use std::collections::BTreeMap;

use crate::change::{Action, Change, Resolver};
use crate::decision::Edit;
use crate::json::{Json, Limits, Malformed};
use crate::node::Node;
use crate::scan::check_size;
use crate::splice::{Splices, Touched};

/// Why a list of edits was refused as a whole.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The pointer leads nowhere: nothing to remove, or no parent to add to.
    #[error("edit {index}: nothing at {pointer:?}")]
    Missing {
        /** Which edit. */
        index: usize,
        /** As it was given. */
        pointer: String,
    },
    /// Not a pointer (RFC 6901), or one that cannot be used so (`-` in a removal).
    #[error("edit {index}: {pointer:?} is not usable here")]
    Pointer {
        /** Which edit. */
        index: usize,
        /** As it was given. */
        pointer: String,
    },
    /// No such text.
    #[error("edit {index}: text {text} of {count}")]
    Text {
        /** Which edit. */
        index: usize,
        /** Asked for. */
        text: u32,
        /** There are. */
        count: usize,
    },
    /// Two edits touch the same place.
    #[error("edits {first} and {second} overlap")]
    Overlap {
        /** The one. */
        first: usize,
        /** The other. */
        second: usize,
    },
    /// What was to be put in is no JSON text.
    #[error("edit {index}: {why}")]
    Value {
        /** Which edit. */
        index: usize,
        /** What is wrong with it. */
        why: Malformed,
    },
    /// The result is over a limit.
    #[error("the edited document is {0}")]
    Result(Malformed),
}

/// Applies the edits together; pointers and text indexes refer to `document` as it is now.
///
/// - [`Edit::Set`] replaces what stands at the pointer (`""`: the whole); where nothing does, it adds a member to an
///   object behind its last one, or, with `-` as the last token, an element to an array. Several additions to one array
///   or object keep their order. The parent must exist.
/// - [`Edit::Remove`] takes a member or element with its comma. The whole document cannot be removed.
/// - [`Edit::Text`] replaces a string by its index in [`Json::texts`]; one that says what is there already changes nothing.
/// - Two edits overlap where they are about the same place or one lies inside the other's; additions side by side do not.
/// - Array elements keep their numbers throughout, whatever else is removed.
pub fn apply(document: &Json, edits: &[Edit], limits: &Limits) -> Result<Json, EditError> {
    if edits.is_empty() {
        return Ok(document.clone());
    }
    let mut resolver = Resolver::new(document.root(), edits.len());
    let mut changes = Vec::with_capacity(edits.len());
    for (index, edit) in edits.iter().enumerate() {
        changes.push(resolver.resolve(index, edit, limits)?);
    }
    // Stable, so additions to one container keep the order in which they were given.
    changes.sort_by_key(|change| (change.target, matches!(change.action, Action::Add(_))));
    check_overlap(document.root(), &changes)?;
    let splices = splices(document.root(), changes);
    check_size(splices.size(), limits).map_err(EditError::Result)?;
    Json::parse(splices.join(), limits).map_err(EditError::Result)
}

/// In the order of targets, an edit overlaps an earlier one exactly where it begins within what that one covers.
fn check_overlap(root: Node<'_>, changes: &[Change<'_>]) -> Result<(), EditError> {
    let (mut covered, mut by) = (0, 0);
    for change in changes {
        if change.target < covered {
            let (first, second) = (change.edit.min(by), change.edit.max(by));
            return Err(EditError::Overlap { first, second });
        }
        if !matches!(change.action, Action::Add(_)) {
            (covered, by) = (root.entry_at(change.target).end(), change.edit);
        }
    }
    Ok(())
}

fn splices<'a>(root: Node<'a>, changes: Vec<Change<'a>>) -> Splices<'a> {
    let mut splices = Splices::new(root);
    let mut containers: BTreeMap<u32, Touched<'a>> = BTreeMap::new();
    for change in changes {
        match change.action {
            Action::Replace(json) => splices.put(root.entry_at(change.target).span(), json),
            Action::Remove(container) => containers
                .entry(container)
                .or_default()
                .removed
                .push(change.target),
            Action::Add(item) => containers
                .entry(change.target)
                .or_default()
                .added
                .push(item),
        }
    }
    for (container, touched) in containers {
        splices.change_children(root.entry_at(container), &touched);
    }
    splices
}

//! What the rules have in common.

use super::issue::Issue;
use super::scalar::Mistake;
use super::tree::Entry;
use super::tree::Node;

pub(crate) fn is_true(value: &Entry) -> bool {
    matches!(value.node, Node::Truth(true))
}

pub(crate) fn wrong(span: std::ops::Range<usize>, what: String, mistake: Mistake) -> Issue {
    Issue::error(Some(span), format!("{what} {}", mistake.why)).help(mistake.help)
}

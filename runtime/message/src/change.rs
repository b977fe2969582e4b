//! Resolves each edit against a document: which entry the edit is about, and what happens there.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::edit::{Edit, EditError};
use crate::escape::quote_into;
use crate::json_error::{JsonError, Limits};
use crate::node::Node;
use crate::pointer::{array_index, tokens};
use crate::scan::{check_size, scan};
use crate::tape::Kind;
use crate::text::text_places;

/// What one edit does to the document.
pub(crate) struct Change<'a> {
    pub(crate) edit: usize,
    /// The entry that is replaced or removed, or the container that is added to.
    pub(crate) target: u32,
    pub(crate) action: Action<'a>,
}

pub(crate) enum Action<'a> {
    Replace(Cow<'a, str>),
    /// Removes the target from this container.
    Remove(u32),
    /// Adds text behind the container's last child, with the member's name if the container is an object.
    Add(Cow<'a, str>),
}

/// Finds the places that the edits point at.
pub(crate) struct Resolver<'a> {
    root: Node<'a>,
    /// Whether to index the containers on the way, so that many edits to one large array do not take quadratic time.
    many: bool,
    containers: HashMap<u32, Children<'a>>,
    /// Names already added to an object, with the index of the edit that added them.
    added: HashMap<(u32, Cow<'a, str>), usize>,
    texts: Option<Vec<u32>>,
}

enum Children<'a> {
    Members(HashMap<Cow<'a, str>, Node<'a>>),
    Elements(Vec<Node<'a>>),
}

/// The number of edits from which on an index pays off.
const MANY: usize = 16;

impl<'a> Resolver<'a> {
    pub(crate) fn new(root: Node<'a>, edits: usize) -> Self {
        Self {
            root,
            many: edits >= MANY,
            containers: HashMap::new(),
            added: HashMap::new(),
            texts: None,
        }
    }

    pub(crate) fn resolve(
        &mut self,
        edit: usize,
        what: &'a Edit,
        limits: &Limits,
    ) -> Result<Change<'a>, EditError> {
        let change = |target, action| {
            Ok(Change {
                edit,
                target,
                action,
            })
        };
        match what {
            Edit::Set(pointer, json) => {
                let value =
                    checked(json, limits).map_err(|why| EditError::Value { index: edit, why })?;
                match self.find(edit, pointer)? {
                    Place::Value { node, .. } => {
                        change(node.index(), Action::Replace(value.into()))
                    }
                    Place::Element { array } => change(array.index(), Action::Add(value.into())),
                    Place::Member { object, name } => {
                        let mut member = String::with_capacity(name.len() + value.len() + 3);
                        quote_into(&name, &mut member);
                        member.push(':');
                        member.push_str(value);
                        if let Some(first) = self.added.insert((object.index(), name), edit) {
                            return Err(EditError::Overlap {
                                first,
                                second: edit,
                            });
                        }
                        change(object.index(), Action::Add(member.into()))
                    }
                }
            }
            Edit::Remove(pointer) => match self.find(edit, pointer)? {
                Place::Value {
                    node,
                    parent: Some(parent),
                } => change(node.index(), Action::Remove(parent.index())),
                Place::Value { parent: None, .. } | Place::Element { .. } => {
                    Err(unusable(edit, pointer))
                }
                Place::Member { .. } => Err(missing(edit, pointer)),
            },
            Edit::Text(text, content) => {
                let root = self.root;
                let texts = self
                    .texts
                    .get_or_insert_with(|| text_places(root).map(|node| node.index()).collect());
                let Some(&target) = texts.get(*text as usize) else {
                    return Err(EditError::Text {
                        index: edit,
                        text: *text,
                        count: texts.len(),
                    });
                };
                let node = root.entry_at(target);
                if node.is(content) {
                    // Keeps the spelling as it was, whatever its escapes.
                    return change(target, Action::Replace(node.as_str().into()));
                }
                let mut json = String::new();
                quote_into(content, &mut json);
                change(target, Action::Replace(json.into()))
            }
        }
    }

    fn find(&mut self, edit: usize, pointer: &'a str) -> Result<Place<'a>, EditError> {
        let tokens = tokens(pointer).and_then(|tokens| tokens.collect::<Option<Vec<_>>>());
        let mut tokens = tokens.ok_or_else(|| unusable(edit, pointer))?.into_iter();
        let (mut node, mut parent) = (self.root, None);
        while let Some(token) = tokens.next() {
            let last = tokens.len() == 0;
            let next = match node.kind() {
                Kind::Object => self.member(node, &token),
                Kind::Array => match array_index(&token) {
                    Some(n) => self.element(node, n),
                    None if last && token == "-" => return Ok(Place::Element { array: node }),
                    None => return Err(unusable(edit, pointer)),
                },
                _ => None,
            };
            (node, parent) = match next {
                Some(next) => (next, Some(node)),
                None if last && node.kind() == Kind::Object => {
                    return Ok(Place::Member {
                        object: node,
                        name: token,
                    });
                }
                None => return Err(missing(edit, pointer)),
            };
        }
        Ok(Place::Value { node, parent })
    }

    fn member(&mut self, object: Node<'a>, name: &str) -> Option<Node<'a>> {
        if !self.many {
            return object.get(name);
        }
        let index = || Children::Members(object.members().collect());
        match self.containers.entry(object.index()).or_insert_with(index) {
            Children::Members(members) => members.get(name).copied(),
            Children::Elements(_) => None,
        }
    }

    fn element(&mut self, array: Node<'a>, n: usize) -> Option<Node<'a>> {
        if !self.many {
            return array.elements().nth(n);
        }
        let index = || Children::Elements(array.elements().collect());
        match self.containers.entry(array.index()).or_insert_with(index) {
            Children::Elements(elements) => elements.get(n).copied(),
            Children::Members(_) => None,
        }
    }
}

/// The place that a pointer leads to.
enum Place<'a> {
    /// An existing value. The whole document has no parent.
    Value {
        node: Node<'a>,
        parent: Option<Node<'a>>,
    },
    /// A member that does not exist yet.
    Member {
        object: Node<'a>,
        name: Cow<'a, str>,
    },
    /// The place behind an array's last element.
    Element { array: Node<'a> },
}

/// Checks the value with the one parser, and returns its text without the white space around it.
fn checked<'a>(json: &'a str, limits: &Limits) -> Result<&'a str, JsonError> {
    check_size(json.len(), limits)?;
    Ok(&json[scan(json, limits)?[0].range()])
}

fn missing(index: usize, pointer: &str) -> EditError {
    EditError::Missing {
        index,
        pointer: pointer.into(),
    }
}

fn unusable(index: usize, pointer: &str) -> EditError {
    EditError::Pointer {
        index,
        pointer: pointer.into(),
    }
}

//! Nodes, for walking a checked text.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use crate::checked::Checked;
use crate::escape::{unescape, unescape_into};
use crate::pointer::{array_index, push, tokens};
use crate::tape::{Entry, Kind, Tag};

/// A value within a checked text, borrowed.
#[derive(Clone, Copy)]
pub struct Node<'a> {
    text: &'a Arc<Checked>,
    index: u32,
}

impl fmt::Debug for Node<'_> {
    /// Prints kind and size only, as for [`Json`](crate::Json).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}({} bytes)", self.kind(), self.span().len())
    }
}

impl<'a> Node<'a> {
    /// The kind of the value.
    pub fn kind(&self) -> Kind {
        self.entry().kind()
    }
    /// The value's JSON text.
    pub fn as_str(&self) -> &'a str {
        &self.text.text[self.span()]
    }
    /// The range of the value's text within the *checked text's* bytes.
    pub fn span(&self) -> std::ops::Range<usize> {
        self.entry().range()
    }
    /// The content of a string, escapes resolved. `None` for other kinds.
    pub fn string(&self) -> Option<Cow<'a, str>> {
        (self.entry().tag() == Tag::String).then(|| self.content())
    }
    /// The member of that (decoded) name, if this is an object.
    pub fn get(&self, name: &str) -> Option<Node<'a>> {
        self.fields()
            .find(|(key, _)| key.is(name))
            .map(|(_, value)| value)
    }
    /// Members in document order. Empty for other kinds.
    pub fn members(&self) -> impl Iterator<Item = (Cow<'a, str>, Node<'a>)> + use<'a> {
        self.fields().map(|(key, value)| (key.content(), value))
    }
    /// Elements in document order. Empty for other kinds.
    pub fn elements(&self) -> impl Iterator<Item = Node<'a>> + use<'a> {
        let children = self.children(Tag::Array);
        let (text, mut next) = (self.text, children.start);
        std::iter::from_fn(move || {
            let element = (next < children.end).then_some(Node { text, index: next })?;
            next = element.end();
            Some(element)
        })
    }
    /// The value at an RFC 6901 pointer.
    pub fn at(&self, pointer: &str) -> Option<Node<'a>> {
        tokens(pointer)?.try_fold(*self, |node, token| {
            let token = token?;
            match node.kind() {
                Kind::Object => node.get(&token),
                Kind::Array => node.elements().nth(array_index(&token)?),
                _ => None,
            }
        })
    }

    pub(crate) fn new(text: &'a Arc<Checked>, index: u32) -> Self {
        Self { text, index }
    }
    /// The checked text that the value stands in.
    pub(crate) fn text(&self) -> &'a Arc<Checked> {
        self.text
    }
    /// The pointer from this value to the entry of that index, which must lie within it.
    pub(crate) fn pointer_to(self, index: u32) -> String {
        let mut pointer = String::new();
        let mut node = self;
        'down: while node.index() < index {
            for (key, value) in node.fields() {
                if index < value.end() {
                    push(&mut pointer, &key.content());
                    node = value;
                    continue 'down;
                }
            }
            for (n, element) in node.elements().enumerate() {
                if index < element.end() {
                    push(&mut pointer, &n.to_string());
                    node = element;
                    continue 'down;
                }
            }
            break;
        }
        pointer
    }
    /// The index of the value's entry on the tape. Entries are in document order.
    pub(crate) fn index(&self) -> u32 {
        self.index
    }
    /// The index of the entry after the value's subtree.
    pub(crate) fn end(&self) -> u32 {
        self.index + self.entry().span()
    }
    /// The number of values and names in the value, itself included.
    pub(crate) fn entries(&self) -> usize {
        self.entry().span() as usize
    }
    /// The node of any entry of the same text.
    pub(crate) fn entry_at(&self, index: u32) -> Node<'a> {
        Node {
            text: self.text,
            index,
        }
    }
    pub(crate) fn tag(&self) -> Tag {
        self.entry().tag()
    }
    /// Members in document order, with each name as a node of its own.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (Node<'a>, Node<'a>)> + use<'a> {
        let children = self.children(Tag::Object);
        let (text, mut next) = (self.text, children.start);
        std::iter::from_fn(move || {
            let key = (next < children.end).then_some(Node { text, index: next })?;
            let value = Node {
                text,
                index: next + 1,
            };
            next = value.end();
            Some((key, value))
        })
    }
    /// The text between the quotes of a string or member name, as it is written.
    pub(crate) fn raw(&self) -> &'a str {
        &self.text.text[self.entry().content()]
    }
    pub(crate) fn escaped(&self) -> bool {
        self.entry().escaped()
    }
    /// The content of a string or member name.
    pub(crate) fn content(&self) -> Cow<'a, str> {
        if self.escaped() {
            unescape(self.raw())
        } else {
            Cow::Borrowed(self.raw())
        }
    }
    /// Appends the content of a string or member name.
    pub(crate) fn content_into(&self, text: &mut String) {
        if self.escaped() {
            unescape_into(self.raw(), text)
        } else {
            text.push_str(self.raw())
        }
    }
    /// Whether this is a string or member name with this content.
    pub(crate) fn is(&self, content: &str) -> bool {
        if self.escaped() {
            unescape(self.raw()) == content
        } else {
            self.raw() == content
        }
    }
    /// Whether this is a string value with this content.
    pub(crate) fn is_string(&self, content: &str) -> bool {
        self.tag() == Tag::String && self.is(content)
    }

    fn entry(&self) -> Entry {
        self.text.tape[self.index as usize]
    }
    fn children(&self, tag: Tag) -> std::ops::Range<u32> {
        if self.tag() == tag {
            self.index + 1..self.end()
        } else {
            0..0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Json;
    use crate::json_error::Limits;

    fn parse(text: &'static str) -> Json {
        Json::parse(text, &Limits::default()).expect("valid")
    }

    #[test]
    fn members_and_elements_come_in_document_order() {
        let json = parse(r#"{"b":1,"a":{"x":[0]},"\u0063":[[1,2],"s",null]}"#);
        let names: Vec<_> = json
            .root()
            .members()
            .map(|(name, value)| (name.into_owned(), value.kind()))
            .collect();
        assert_eq!(
            names,
            [
                ("b".into(), Kind::Number),
                ("a".into(), Kind::Object),
                ("c".into(), Kind::Array)
            ]
        );
        let elements: Vec<_> = json
            .root()
            .get("c")
            .expect("there")
            .elements()
            .map(|node| node.as_str())
            .collect();
        assert_eq!(elements, ["[1,2]", r#""s""#, "null"]);
    }

    #[test]
    fn other_kinds_have_neither_members_nor_elements() {
        for text in ["1", r#""s""#, "null", "true"] {
            assert_eq!(
                parse(text).root().members().count() + parse(text).root().elements().count(),
                0
            );
        }
        assert_eq!(parse("[1]").root().members().count(), 0);
        assert_eq!(parse(r#"{"a":1}"#).root().elements().count(), 0);
    }

    #[test]
    fn a_string_without_escapes_is_borrowed() {
        let json = parse(r#"["plain","esc\u0061ped",1]"#);
        let strings: Vec<_> = json.root().elements().map(|node| node.string()).collect();
        assert!(matches!(strings[0], Some(Cow::Borrowed("plain"))));
        assert_eq!(strings[1].as_deref(), Some("escaped"));
        assert_eq!(strings[2], None);
    }

    #[test]
    fn a_member_is_found_by_its_name_as_it_reads() {
        let json = parse(r#"{"a":"a","\u0062":{"a":"nested"},"A":3}"#);
        assert_eq!(
            json.root().get("b").map(|node| node.as_str()),
            Some(r#"{"a":"nested"}"#)
        );
        assert_eq!(
            json.root().get("a").map(|node| node.as_str()),
            Some(r#""a""#)
        );
        assert!(json.root().get("nested").is_none());
        assert_eq!(json.root().get("A").map(|node| node.span()), Some(37..38));
    }
}

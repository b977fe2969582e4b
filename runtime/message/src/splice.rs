//! Changes to a text as byte ranges and what takes their place. Commas are settled here.

use std::borrow::Cow;
use std::ops::Range;

use crate::json::Kind;
use crate::node::Node;

/// What happens to the children of one array or object.
#[derive(Default)]
pub(crate) struct Touched<'a> {
    /// Values that go, in document order.
    pub(crate) removed: Vec<u32>,
    /// Elements, or members with their names, that come behind the last child.
    pub(crate) added: Vec<Cow<'a, str>>,
}

/// Disjoint changes to one value's text.
pub(crate) struct Splices<'a> {
    whole: Node<'a>,
    list: Vec<(Range<usize>, Cow<'a, str>)>,
}

impl<'a> Splices<'a> {
    pub(crate) fn new(whole: Node<'a>) -> Self {
        Self {
            whole,
            list: Vec::new(),
        }
    }

    /// Puts a text in the place of what stands in that range of the checked text.
    pub(crate) fn put(&mut self, range: Range<usize>, text: impl Into<Cow<'a, str>>) {
        self.list.push((range, text.into()));
    }

    /// Removes and adds children. A run of removed ones takes the comma before it, or, at the front, the one behind it,
    /// so that what stays is separated as it was; white space before the closing bracket stays too.
    pub(crate) fn change_children(&mut self, container: Node<'a>, touched: &Touched<'a>) {
        let mut removed = touched.removed.iter().peekable();
        let mut kept_end = None;
        let mut gone: Option<Range<usize>> = None;
        for (item, value) in items(container) {
            if removed.next_if_eq(&&value).is_some() {
                let start = gone.map_or(kept_end.unwrap_or(item.start), |run| run.start);
                gone = Some(start..item.end);
                continue;
            }
            if let Some(run) = gone.take() {
                let end = if kept_end.is_some() {
                    run.end
                } else {
                    item.start
                };
                self.put(run.start..end, "");
            }
            kept_end = Some(item.end);
        }
        if gone.is_none() && touched.added.is_empty() {
            return;
        }
        let mut text = String::new();
        for (n, item) in touched.added.iter().enumerate() {
            if n > 0 || kept_end.is_some() {
                text.push(',');
            }
            text.push_str(item);
        }
        let end = kept_end.unwrap_or(container.span().start + 1);
        self.put(gone.unwrap_or(end..end), text);
    }

    /// Bytes of the changed text.
    pub(crate) fn size(&self) -> usize {
        let gone: usize = self.list.iter().map(|(range, _)| range.len()).sum();
        let come: usize = self.list.iter().map(|(_, text)| text.len()).sum();
        self.whole.span().len() - gone + come
    }

    /// The changed text.
    pub(crate) fn join(mut self) -> String {
        self.list.sort_by_key(|(range, _)| (range.start, range.end));
        let base = self.whole.span().start;
        let old = self.whole.as_str();
        let mut text = String::with_capacity(self.size());
        let mut copied = 0;
        for (range, new) in self.list {
            text.push_str(&old[copied..range.start - base]);
            text.push_str(&new);
            copied = range.end - base;
        }
        text.push_str(&old[copied..]);
        text
    }
}

/// Children in document order: the bytes of a whole element or member, and the value's entry.
fn items<'a>(container: Node<'a>) -> Box<dyn Iterator<Item = (Range<usize>, u32)> + 'a> {
    if container.kind() == Kind::Object {
        Box::new(
            container
                .fields()
                .map(|(key, value)| (key.span().start..value.span().end, value.index())),
        )
    } else {
        Box::new(
            container
                .elements()
                .map(|value| (value.span(), value.index())),
        )
    }
}

//! Changes to a text: byte ranges and their replacements. This module takes care of the commas.

use std::borrow::Cow;
use std::ops::Range;

use crate::node::Node;
use crate::tape::Kind;

/// The changes to the children of one array or object.
#[derive(Default)]
pub(crate) struct Touched<'a> {
    /// Values to remove, in document order.
    pub(crate) removed: Vec<u32>,
    /// Elements, or members with their names, to add behind the last child.
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

    /// Replaces a range of the checked text.
    pub(crate) fn put(&mut self, range: Range<usize>, text: impl Into<Cow<'a, str>>) {
        self.list.push((range, text.into()));
    }

    /// Removes and adds children. A run of removed children takes the comma before it, or, at the front, the comma
    /// behind it, so that the remaining ones are separated as before. White space before the closing bracket stays.
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

    /// The size of the changed text in bytes.
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

/// Children in document order: the range of a whole element or member, and the index of the value's entry.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Json;
    use crate::json_error::Limits;

    /// Removes the children of those numbers, and adds the given items.
    fn changed(text: &str, removed: &[usize], added: &[&'static str]) -> String {
        let json = Json::parse(text.to_string(), &Limits::default()).expect("valid");
        let children: Vec<u32> = items(json.root()).map(|(_, value)| value).collect();
        let removed = removed.iter().map(|&n| children[n]).collect();
        let added = added.iter().map(|&item| item.into()).collect();
        let mut splices = Splices::new(json.root());
        splices.change_children(json.root(), &Touched { removed, added });
        let size = splices.size();
        let text = splices.join();
        assert_eq!(text.len(), size);
        text
    }

    #[test]
    fn a_removed_child_takes_one_comma() {
        let array = "[ 1 , 2 , 3 ]";
        assert_eq!(changed(array, &[0], &[]), "[ 2 , 3 ]");
        assert_eq!(changed(array, &[1], &[]), "[ 1 , 3 ]");
        assert_eq!(changed(array, &[2], &[]), "[ 1 , 2 ]");
        let object = "{ \"a\" : 1 , \"b\" : [] , \"c\" : 3\n}";
        assert_eq!(changed(object, &[0], &[]), "{ \"b\" : [] , \"c\" : 3\n}");
        assert_eq!(changed(object, &[1], &[]), "{ \"a\" : 1 , \"c\" : 3\n}");
        assert_eq!(changed(object, &[2], &[]), "{ \"a\" : 1 , \"b\" : []\n}");
    }

    #[test]
    fn neighbours_go_together() {
        let array = "[ 1 , 2 , 3 , 4 ]";
        assert_eq!(changed(array, &[0, 1], &[]), "[ 3 , 4 ]");
        assert_eq!(changed(array, &[1, 2], &[]), "[ 1 , 4 ]");
        assert_eq!(changed(array, &[2, 3], &[]), "[ 1 , 2 ]");
        assert_eq!(changed(array, &[0, 3], &[]), "[ 2 , 3 ]");
        assert_eq!(changed(array, &[0, 2], &[]), "[ 2 , 4 ]");
        assert_eq!(changed(array, &[1, 3], &[]), "[ 1 , 3 ]");
        assert_eq!(changed(array, &[0, 1, 2, 3], &[]), "[  ]");
        assert_eq!(changed("[1]", &[0], &[]), "[]");
    }

    #[test]
    fn what_is_added_stands_behind_the_last_that_stays() {
        assert_eq!(changed("[ 1 , 2 ]", &[], &["X", "Y"]), "[ 1 , 2,X,Y ]");
        assert_eq!(changed("[ 1 , 2 ]", &[1], &["X", "Y"]), "[ 1,X,Y ]");
        assert_eq!(changed("[ 1 , 2 ]", &[0], &["X"]), "[ 2,X ]");
        assert_eq!(changed("[ 1 , 2 ]", &[0, 1], &["X", "Y"]), "[ X,Y ]");
        assert_eq!(changed("[ ]", &[], &["X"]), "[X ]");
        assert_eq!(changed("{}", &[], &["\"x\":X"]), "{\"x\":X}");
    }
}

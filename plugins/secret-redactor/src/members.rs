//! The strings of a part of a document, with their places and names. A walk over the JSON text, which the gateway has
//! checked: a tree of values would lose members that repeat.

use std::borrow::Cow;
use std::fmt::Write as _;

use sandgate_sdk::pointer::escape;

/// A string of the part, borrowed: memory is not given back before the run ends.
pub(crate) struct Member<'m> {
    /// A JSON Pointer into the part.
    pub(crate) pointer: &'m str,
    /// The name of the member. For an element of a list: the name of the member that holds the list.
    pub(crate) name: &'m str,
    /// The string.
    pub(crate) text: &'m str,
    /// Whether the string is itself the name of a member; `pointer` then leads to the object.
    pub(crate) is_name: bool,
}

/// Reads the strings in the order of the text: names first, then their values.
pub(crate) fn read(json: &str, see: &mut dyn FnMut(Member)) {
    let mut walk = Walk { json, at: 0 };
    walk.value(&mut String::new(), "", see);
}

struct Walk<'j> {
    json: &'j str,
    at: usize,
}

impl<'j> Walk<'j> {
    fn value(&mut self, pointer: &mut String, name: &str, see: &mut dyn FnMut(Member)) {
        let length = pointer.len();
        match self.peek() {
            Some(b'{') => {
                self.at += 1;
                while self.peek() == Some(b'"') {
                    let member = self.string();
                    see(Member {
                        pointer,
                        name,
                        text: &member,
                        is_name: true,
                    });
                    self.peek();
                    // Skips the colon.
                    self.at += 1;
                    pointer.push('/');
                    pointer.push_str(&escape(&member));
                    self.value(pointer, &member, see);
                    pointer.truncate(length);
                    self.comma();
                }
                self.at += 1;
            }
            Some(b'[') => {
                self.at += 1;
                let mut index = 0;
                while !matches!(self.peek(), Some(b']') | None) {
                    // Writing to a string cannot fail.
                    let _ = write!(pointer, "/{index}");
                    self.value(pointer, name, see);
                    pointer.truncate(length);
                    self.comma();
                    index += 1;
                }
                self.at += 1;
            }
            Some(b'"') => {
                let text = self.string();
                see(Member {
                    pointer,
                    name,
                    text: &text,
                    is_name: false,
                });
            }
            Some(_) => {
                let rest = &self.json.as_bytes()[self.at..];
                let end = rest.iter().position(|byte| {
                    matches!(byte, b',' | b']' | b'}') || byte.is_ascii_whitespace()
                });
                // At least one byte, so that the walk ends whatever stands there.
                self.at += end.unwrap_or(rest.len()).max(1);
            }
            None => {}
        }
    }

    /// The next byte that is not white space.
    fn peek(&mut self) -> Option<u8> {
        let bytes = self.json.as_bytes();
        while bytes.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
        bytes.get(self.at).copied()
    }

    fn comma(&mut self) {
        if self.peek() == Some(b',') {
            self.at += 1;
        }
    }

    fn string(&mut self) -> Cow<'j, str> {
        let bytes = self.json.as_bytes();
        let start = self.at;
        self.at += 1;
        let mut is_escaped = false;
        while let Some(byte) = bytes.get(self.at) {
            match byte {
                b'\\' => {
                    is_escaped = true;
                    self.at += 2;
                }
                b'"' => break,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        let end = self.at.min(bytes.len());
        if is_escaped {
            Cow::Owned(serde_json::from_str(&self.json[start..end]).unwrap_or_default())
        } else {
            Cow::Borrowed(
                self.json
                    .get(start + 1..end.saturating_sub(1))
                    .unwrap_or_default(),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_have_their_places_and_names() {
        let mut seen = Vec::new();
        read(
            r#" {"a/b":"1","l":["2",{"n\u0061":"3\n"},4, true],"a/b":"5"} "#,
            &mut |member| {
                if !member.is_name {
                    let Member {
                        pointer,
                        name,
                        text,
                        ..
                    } = member;
                    seen.push([pointer, name, text].map(str::to_owned));
                }
            },
        );
        let seen: Vec<_> = seen
            .iter()
            .map(|[a, b, c]| (a.as_str(), b.as_str(), c.as_str()))
            .collect();
        assert_eq!(
            seen,
            [
                ("/a~1b", "a/b", "1"),
                ("/l/0", "l", "2"),
                ("/l/1/na", "na", "3\n"),
                ("/a~1b", "a/b", "5")
            ]
        );
    }
}

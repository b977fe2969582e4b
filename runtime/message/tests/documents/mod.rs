//! Random JSON documents in odd spellings: white space anywhere, escapes where none is needed, numbers every way.

use proptest::prelude::*;

/// A value, without its spelling.
#[derive(Clone, Debug)]
pub(crate) enum Tree {
    Word(&'static str),
    Number(String),
    String(String),
    Array(Vec<Tree>),
    Object(Vec<(String, Tree)>),
}

/// Any document, as text. Numbers stay in the range of a 64-bit float, so that serde_json can read them too.
pub(crate) fn any_text() -> impl Strategy<Value = String> {
    (any_tree(), prop::collection::vec(any::<u8>(), 1..64)).prop_map(|(tree, noise)| {
        let mut text = String::new();
        Speller {
            noise: noise.into_iter().cycle(),
        }
        .spell(&tree, &mut text);
        text
    })
}

fn any_tree() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![
        prop::sample::select(vec!["null", "true", "false"]).prop_map(Tree::Word),
        any_number().prop_map(Tree::Number),
        any_content().prop_map(Tree::String),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Tree::Array),
            prop::collection::vec((any_name(), inner), 0..6).prop_map(|mut members| {
                let mut seen = std::collections::HashSet::new();
                members.retain(|(name, _)| seen.insert(name.clone()));
                Tree::Object(members)
            }),
        ]
    })
}

fn any_number() -> impl Strategy<Value = String> {
    "-?(0|[1-9][0-9]{0,25})(\\.[0-9]{1,25})?([eE][+-]?0{0,3}[0-9]{1,2})?"
}

fn any_content() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~]{0,40}",
        any::<String>(),
        "[\u{0}-\u{ff}]{0,10}",
        "[\u{fff0}-\u{1000f}]{0,5}"
    ]
}

/// Names of the protocol among others, so that every rule of `texts` is met, and names that need escapes in a pointer.
fn any_name() -> impl Strategy<Value = String> {
    let known = [
        "content",
        "type",
        "data",
        "mimeType",
        "_meta",
        "contents",
        "blob",
        "uri",
        "messages",
        "role",
        "cursor",
        "task",
        "taskId",
        "result",
        "arguments",
        "a/b",
        "~0",
        "-",
        "0",
        "",
    ];
    prop_oneof![
        prop::sample::select(known.to_vec()).prop_map(String::from),
        any_content()
    ]
}

struct Speller<I> {
    noise: std::iter::Cycle<I>,
}

impl<I: Iterator<Item = u8> + Clone> Speller<I> {
    fn spell(&mut self, tree: &Tree, text: &mut String) {
        self.space(text);
        match tree {
            Tree::Word(word) => text.push_str(word),
            Tree::Number(number) => text.push_str(number),
            Tree::String(content) => self.quote(content, text),
            Tree::Array(elements) => {
                text.push('[');
                for (n, element) in elements.iter().enumerate() {
                    text.push_str(if n > 0 { "," } else { "" });
                    self.spell(element, text);
                }
                self.space(text);
                text.push(']');
            }
            Tree::Object(members) => {
                text.push('{');
                for (n, (name, value)) in members.iter().enumerate() {
                    text.push_str(if n > 0 { "," } else { "" });
                    self.space(text);
                    self.quote(name, text);
                    self.space(text);
                    text.push(':');
                    self.spell(value, text);
                }
                self.space(text);
                text.push('}');
            }
        }
        self.space(text);
    }

    fn quote(&mut self, content: &str, text: &mut String) {
        text.push('"');
        for char in content.chars() {
            let escape = self.next().is_multiple_of(8);
            match char {
                '"' | '\\' => text.extend(['\\', char]),
                '/' if escape => text.push_str("\\/"),
                '\n' if escape => text.push_str("\\n"),
                _ if escape || char < ' ' => {
                    for unit in char.encode_utf16(&mut [0; 2]) {
                        let digits = format!("\\u{unit:04x}");
                        text.push_str(&if self.next().is_multiple_of(2) {
                            digits.to_uppercase().replace('U', "u")
                        } else {
                            digits
                        });
                    }
                }
                _ => text.push(char),
            }
        }
        text.push('"');
    }

    fn space(&mut self, text: &mut String) {
        text.push_str([" ", "\t", "\r\n", "\n  ", "", "", "", ""][usize::from(self.next() % 8)]);
    }

    fn next(&mut self) -> u8 {
        self.noise.next().unwrap_or_default()
    }
}

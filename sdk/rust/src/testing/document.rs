//! A document in memory.

use std::rc::Rc;

use serde_json::Value;

use crate::bindings::contract::call::TextRun;
use crate::decision::Edit;
use crate::document::{Document, Source};
use crate::testing::edits::edited;
use crate::testing::reading::{strings, texts};
use crate::testing::tree::{Kind, Tree};

/// A document of this JSON text.
///
/// # Panics
/// On a text that is no JSON.
pub fn document(json: &str) -> Document<'static> {
    Document(Source::Memory(Memory::parse(json)))
}

/// The document as these edits leave it, as a value.
///
/// # Panics
/// On an edit that the gateway would call a malfunction.
pub fn after(document: &Document, edits: &[Edit]) -> Value {
    let memory = Memory::of(document);
    edited(memory, edits).unwrap_or_else(|stopped| panic!("{stopped}"))
}

#[derive(Clone)]
pub(crate) struct Memory(Rc<Tree>);

impl Memory {
    pub(crate) fn parse(json: &str) -> Self {
        match Tree::parse(json) {
            Ok(tree) => Self(Rc::new(tree)),
            Err(error) => panic!("no JSON text: {error}"),
        }
    }

    pub(crate) fn of<'d>(document: &'d Document) -> &'d Self {
        let Source::Memory(memory) = &document.0 else {
            panic!("not made by `testing::document`")
        };
        memory
    }

    pub(crate) fn root(&self) -> &Tree {
        &self.0
    }

    pub(crate) fn size(&self) -> u64 {
        self.0.text.len() as u64
    }

    pub(crate) fn json(&self) -> String {
        self.0.text.clone()
    }

    pub(crate) fn get(&self, pointer: &str) -> Option<String> {
        let mut value = &*self.0;
        if !pointer.is_empty() {
            for token in pointer.strip_prefix('/')?.split('/') {
                value = match &value.kind {
                    Kind::Object(_) => value.get(&token.replace("~1", "/").replace("~0", "~"))?,
                    Kind::Array(elements) => elements.get(token.parse::<usize>().ok()?)?,
                    _ => return None,
                };
            }
        }
        Some(value.text.clone())
    }

    pub(crate) fn texts(&self) -> TextRun {
        run(texts(&self.0).into_iter().map(|(_, text)| text))
    }

    pub(crate) fn strings(&self) -> TextRun {
        run(strings(&self.0).into_iter().map(|(_, text)| text))
    }

    pub(crate) fn keys(&self) -> TextRun {
        fn collect(value: &Tree, keys: &mut Vec<String>) {
            match &value.kind {
                Kind::Object(members) => {
                    for (name, member) in members {
                        keys.push(name.clone());
                        collect(member, keys);
                    }
                }
                Kind::Array(elements) => elements.iter().for_each(|element| collect(element, keys)),
                _ => {}
            }
        }
        let mut keys = Vec::new();
        collect(&self.0, &mut keys);
        run(keys)
    }

    pub(crate) fn text_pointer(&self, index: u32) -> Option<String> {
        texts(&self.0)
            .into_iter()
            .nth(index as usize)
            .map(|(pointer, _)| pointer)
    }

    pub(crate) fn string_pointer(&self, index: u32) -> Option<String> {
        strings(&self.0)
            .into_iter()
            .nth(index as usize)
            .map(|(pointer, _)| pointer)
    }
}

fn run(texts: impl IntoIterator<Item = String>) -> TextRun {
    let mut run = TextRun {
        text: String::new(),
        ends: Vec::new(),
    };
    for text in texts {
        run.text += &text;
        run.ends
            .push(u32::try_from(run.text.len()).expect("a small test document"));
        run.text.push('\n');
    }
    run
}

//! A document in memory.

use std::rc::Rc;

use serde_json::Value;
use serde_json::value::RawValue;

use crate::bindings::contract::call::TextRun;
use crate::decision::Edit;
use crate::document::{Document, Source};
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
    let Source::Memory(memory) = &document.0 else {
        panic!("not made by `testing::document`")
    };
    let mut value: Value = serde_json::from_str(&memory.json()).expect("checked when it was made");
    // The last place first: indexes refer to the document as it was handed over.
    for edit in edits.iter().rev() {
        match edit {
            Edit::Text((index, text)) => {
                let pointer = memory.text_pointer(*index).expect("a text of that index");
                *value.pointer_mut(&pointer).expect("it stands there") = Value::from(text.as_str());
            }
            Edit::Set((pointer, json)) => {
                set(
                    &mut value,
                    pointer,
                    serde_json::from_str(json).expect("JSON text"),
                );
            }
            Edit::Remove(pointer) => remove(&mut value, pointer),
        }
    }
    value
}

fn parent<'v>(value: &'v mut Value, pointer: &str) -> (&'v mut Value, String) {
    let (parent, name) = pointer.rsplit_once('/').expect("a pointer below the root");
    let parent = value.pointer_mut(parent).expect("a parent");
    (parent, name.replace("~1", "/").replace("~0", "~"))
}

fn set(value: &mut Value, pointer: &str, new: Value) {
    if pointer.is_empty() {
        *value = new;
        return;
    }
    match parent(value, pointer) {
        (Value::Object(members), name) => drop(members.insert(name, new)),
        (Value::Array(elements), name) if name == "-" => elements.push(new),
        (Value::Array(elements), name) => elements[name.parse::<usize>().expect("an index")] = new,
        _ => panic!("{pointer}: the parent holds nothing"),
    }
}

fn remove(value: &mut Value, pointer: &str) {
    match parent(value, pointer) {
        (Value::Object(members), name) => drop(members.remove(&name).expect("a member")),
        (Value::Array(elements), name) => drop(elements.remove(name.parse().expect("an index"))),
        _ => panic!("{pointer}: the parent holds nothing"),
    }
}

#[derive(Clone)]
pub(crate) struct Memory(Rc<Tree>);

impl Memory {
    pub(crate) fn parse(json: &str) -> Self {
        let raw: &RawValue = serde_json::from_str(json).expect("JSON text");
        Self(Rc::new(Tree::of(raw).expect("JSON text")))
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

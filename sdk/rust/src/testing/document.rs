//! A document in memory.

use std::rc::Rc;

use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::bindings::contract::call::TextRun;
use crate::decision::Edit;
use crate::document::{Document, Source};

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
            Edit::Set((pointer, json)) => set(
                &mut value,
                pointer,
                serde_json::from_str(json).expect("JSON text"),
            ),
            Edit::Remove(pointer) => remove(&mut value, pointer),
        }
    }
    value
}

fn parent<'v>(value: &'v mut Value, pointer: &str) -> (&'v mut Value, String) {
    let (parent, name) = pointer.rsplit_once('/').expect("a pointer below the root");
    (
        value.pointer_mut(parent).expect("a parent"),
        name.replace("~1", "/").replace("~0", "~"),
    )
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
pub(crate) struct Memory {
    json: Rc<str>,
}

/// One value on the way through a document, in its order.
enum Seen<'a> {
    Key(String),
    Value {
        pointer: &'a str,
        name: Option<&'a str>,
        raw: &'a RawValue,
    },
}

impl Memory {
    pub(crate) fn parse(json: &str) -> Self {
        let raw: &RawValue = serde_json::from_str(json).expect("JSON text");
        Self {
            json: raw.get().into(),
        }
    }

    pub(crate) fn size(&self) -> u64 {
        self.json.len() as u64
    }

    pub(crate) fn json(&self) -> String {
        self.json.to_string()
    }

    pub(crate) fn get(&self, pointer: &str) -> Option<String> {
        let mut found = None;
        self.walk(&mut |seen| {
            if let Seen::Value {
                pointer: at, raw, ..
            } = seen
                && at == pointer
            {
                found = Some(raw.get().to_owned());
            }
        });
        found
    }

    pub(crate) fn texts(&self) -> TextRun {
        run(self.select(is_text).into_iter().map(|(_, text)| text))
    }

    pub(crate) fn strings(&self) -> TextRun {
        run(self.select(|_, _| true).into_iter().map(|(_, text)| text))
    }

    pub(crate) fn keys(&self) -> TextRun {
        let mut keys = Vec::new();
        self.walk(&mut |seen| {
            if let Seen::Key(key) = seen {
                keys.push(key);
            }
        });
        run(keys)
    }

    pub(crate) fn text_pointer(&self, index: u32) -> Option<String> {
        self.select(is_text)
            .into_iter()
            .nth(index as usize)
            .map(|(pointer, _)| pointer)
    }

    pub(crate) fn string_pointer(&self, index: u32) -> Option<String> {
        self.select(|_, _| true)
            .into_iter()
            .nth(index as usize)
            .map(|(pointer, _)| pointer)
    }

    /// Pointer and content of the strings that the rule takes, by pointer and member name.
    fn select(&self, rule: fn(&str, Option<&str>) -> bool) -> Vec<(String, String)> {
        let mut strings = Vec::new();
        self.walk(&mut |seen| {
            if let Seen::Value { pointer, name, raw } = seen
                && let Ok(text) = serde_json::from_str(raw.get())
                && rule(pointer, name)
            {
                strings.push((pointer.to_owned(), text));
            }
        });
        strings
    }

    fn walk(&self, see: &mut dyn FnMut(Seen)) {
        let raw = serde_json::from_str(&self.json).expect("checked when it was made");
        walk(raw, &mut String::new(), None, see);
    }
}

/// The contract: left out are protocol machinery (cursors, `requestState`, ids, MIME types) and base64 payloads
/// (`data`, `blob`).
fn is_text(_pointer: &str, name: Option<&str>) -> bool {
    !matches!(
        name,
        Some("cursor" | "nextCursor" | "requestState" | "id" | "mimeType" | "data" | "blob")
    )
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

fn walk(raw: &RawValue, pointer: &mut String, name: Option<&str>, see: &mut dyn FnMut(Seen)) {
    see(Seen::Value { pointer, name, raw });
    let mut deserializer = serde_json::Deserializer::from_str(raw.get());
    let length = pointer.len();
    match raw.get().as_bytes().first() {
        Some(b'{') => {
            for (key, value) in deserializer
                .deserialize_map(Members)
                .expect("checked when it was made")
            {
                see(Seen::Key(key.clone()));
                *pointer += &format!("/{}", key.replace('~', "~0").replace('/', "~1"));
                walk(value, pointer, Some(&key), see);
                pointer.truncate(length);
            }
        }
        Some(b'[') => {
            for (index, value) in deserializer
                .deserialize_seq(Elements)
                .expect("checked")
                .into_iter()
                .enumerate()
            {
                *pointer += &format!("/{index}");
                walk(value, pointer, name, see);
                pointer.truncate(length);
            }
        }
        _ => {}
    }
}

struct Members;
struct Elements;

impl<'de> Visitor<'de> for Members {
    type Value = Vec<(String, &'de RawValue)>;

    fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(members)
    }
}

impl<'de> Visitor<'de> for Elements {
    type Value = Vec<&'de RawValue>;

    fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Self::Value, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = sequence.next_element()? {
            elements.push(element);
        }
        Ok(elements)
    }
}

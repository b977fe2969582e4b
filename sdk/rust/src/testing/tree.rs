//! JSON as a test reads it: members in their order, each value with its text as it stands.

use std::collections::BTreeSet;

use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// A value. Small documents only: each level is read anew.
#[derive(Debug)]
pub(crate) struct Tree {
    /// Where it begins in the text of the whole, in bytes.
    pub(crate) start: usize,
    pub(crate) text: String,
    pub(crate) kind: Kind,
}

#[derive(Debug)]
pub(crate) enum Kind {
    Object(Vec<(String, Tree)>),
    Array(Vec<Tree>),
    String(String),
    Other,
}

impl Tree {
    /// Reads a JSON text.
    pub(crate) fn parse(json: &str) -> serde_json::Result<Self> {
        let raw: &RawValue = serde_json::from_str(json)?;
        Self::of(raw, raw.get().as_ptr().addr())
    }

    /// The same, and refuses more than `deepest` levels, and members of one name.
    pub(crate) fn parse_within(json: &str, deepest: usize) -> Result<Self, String> {
        check_depth(json, deepest)?;
        let tree = Self::parse(json).map_err(|error| error.to_string())?;
        match tree.is_unambiguous() {
            true => Ok(tree),
            false => Err("two members have one name".into()),
        }
    }

    fn is_unambiguous(&self) -> bool {
        match &self.kind {
            Kind::Object(members) => {
                let mut names = BTreeSet::new();
                let mut members = members.iter();
                members.all(|(name, value)| names.insert(name) && value.is_unambiguous())
            }
            Kind::Array(elements) => elements.iter().all(Self::is_unambiguous),
            Kind::String(_) | Kind::Other => true,
        }
    }

    /// `base`: the address at which the text of the whole begins.
    fn of(raw: &RawValue, base: usize) -> serde_json::Result<Self> {
        let text = raw.get();
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let kind = match text.as_bytes().first() {
            Some(b'{') => {
                let members = deserializer.deserialize_map(Members)?;
                let members = members
                    .into_iter()
                    .map(|(name, raw)| Ok((name, Self::of(raw, base)?)));
                Kind::Object(members.collect::<serde_json::Result<_>>()?)
            }
            Some(b'[') => {
                let elements = deserializer.deserialize_seq(Elements)?;
                let elements = elements.into_iter().map(|raw| Self::of(raw, base));
                Kind::Array(elements.collect::<serde_json::Result<_>>()?)
            }
            Some(b'"') => Kind::String(serde_json::from_str(text)?),
            _ => Kind::Other,
        };
        Ok(Self {
            start: text.as_ptr().addr() - base,
            text: text.into(),
            kind,
        })
    }

    /// Where it ends in the text of the whole, in bytes.
    pub(crate) fn end(&self) -> usize {
        self.start + self.text.len()
    }

    /// The member of an object.
    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        let Kind::Object(members) = &self.kind else {
            return None;
        };
        members
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value)
    }

    /// The content of a string.
    pub(crate) fn string(&self) -> Option<&str> {
        match &self.kind {
            Kind::String(content) => Some(content),
            _ => None,
        }
    }
}

fn check_depth(json: &str, deepest: usize) -> Result<(), String> {
    let (mut depth, mut quoted, mut escaped) = (0, false, false);
    for (at, byte) in json.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'[' | b'{' if !quoted => {
                depth += 1;
                if depth > deepest {
                    return Err(format!("nested deeper than {deepest} at byte {at}"));
                }
            }
            b']' | b'}' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Ok(())
}

struct Members;
struct Elements;

impl<'de> Visitor<'de> for Members {
    type Value = Vec<(String, &'de RawValue)>;

    fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        std::iter::from_fn(|| map.next_entry().transpose()).collect()
    }
}

impl<'de> Visitor<'de> for Elements {
    type Value = Vec<&'de RawValue>;

    fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
        std::iter::from_fn(|| elements.next_element().transpose()).collect()
    }
}

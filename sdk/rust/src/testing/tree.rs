//! JSON as a test reads it: members in their order, each value with its text as it stands.

use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// A value. Small documents only: each level is read anew.
#[derive(Debug)]
pub(crate) struct Tree {
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
    pub(crate) fn of(raw: &RawValue) -> serde_json::Result<Self> {
        let text = raw.get();
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let kind = match text.as_bytes().first() {
            Some(b'{') => {
                let members = deserializer.deserialize_map(Members)?;
                let members = members
                    .into_iter()
                    .map(|(name, raw)| Ok((name, Self::of(raw)?)));
                Kind::Object(members.collect::<serde_json::Result<_>>()?)
            }
            Some(b'[') => {
                let elements = deserializer.deserialize_seq(Elements)?;
                Kind::Array(
                    elements
                        .into_iter()
                        .map(Self::of)
                        .collect::<serde_json::Result<_>>()?,
                )
            }
            Some(b'"') => Kind::String(serde_json::from_str(text)?),
            _ => Kind::Other,
        };
        Ok(Self {
            text: text.into(),
            kind,
        })
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

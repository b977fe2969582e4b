//! How payloads are read and written: the members that a type names by their types, the others as they came.

use std::collections::BTreeMap;

use serde::de::{DeserializeOwned, Error};
use serde::ser::{Serialize, SerializeMap};
use serde_json::value::RawValue;

/// Members of an object by name, each as the JSON text that it came as.
pub type Members = BTreeMap<String, Box<RawValue>>;

/// Takes a member that has to be there.
pub(super) fn required<T: DeserializeOwned, E: Error>(
    members: &mut Members,
    name: &'static str,
) -> Result<T, E> {
    match members.remove(name) {
        Some(text) => read(name, &text),
        None => Err(E::missing_field(name)),
    }
}

/// Takes a member that may be left out.
pub(super) fn optional<T: DeserializeOwned, E: Error>(
    members: &mut Members,
    name: &'static str,
) -> Result<Option<T>, E> {
    members
        .remove(name)
        .map_or(Ok(None), |text| read(name, &text))
}

fn read<T: DeserializeOwned, E: Error>(name: &str, text: &RawValue) -> Result<T, E> {
    serde_json::from_str(text.get()).map_err(|error| E::custom(format_args!("`{name}`: {error}")))
}

/// Whether this member is there and is this text.
pub(super) fn is(members: &Members, name: &str, text: &str) -> bool {
    let read = |raw: &RawValue| serde_json::from_str::<String>(raw.get());
    members
        .get(name)
        .is_some_and(|raw| read(raw).is_ok_and(|found| found == text))
}

/// Writes a member where it is there.
pub(super) fn write<T: Serialize, M: SerializeMap>(
    value: Option<&T>,
    into: &mut M,
    name: &str,
) -> Result<(), M::Error> {
    value.map_or(Ok(()), |value| into.serialize_entry(name, value))
}

/// A struct of the members that it names, and of those that it does not.
macro_rules! payload {
    ($(#[$about:meta])* $name:ident {
        $(= $fixed:literal is $word:literal;)?
        $($(#[$of:meta])* $field:ident: $kind:ty = $member:literal $need:ident;)*
    }) => {
        $(#[$about])*
        #[derive(Clone, Debug)]
        pub struct $name {
            $($(#[$of])* pub $field: $kind,)*
            /// What is not named above, by name.
            pub unknown: $crate::mcp::Members,
        }

        impl $name {
            /// As JSON text.
            pub fn json(&self) -> String {
                // Text, numbers and JSON text can always be written.
                serde_json::to_string(self).unwrap_or_default()
            }

            #[allow(dead_code, reason = "only what a choice names is asked")]
            fn fits(members: &$crate::mcp::Members) -> bool {
                let _ = members;
                true $(&& $crate::mcp::members::is(members, $fixed, $word))?
                    $(&& $crate::mcp::members::there!(members, $member, $need))*
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let mut members = $crate::mcp::Members::deserialize(from)?;
                $(
                    if !$crate::mcp::members::is(&members, $fixed, $word) {
                        return Err(serde::de::Error::custom(concat!("`", $fixed, "` is not \"", $word, "\"")));
                    }
                    members.remove($fixed);
                )?
                Ok(Self {
                    $($field: $crate::mcp::members::$need(&mut members, $member)?,)*
                    unknown: members,
                })
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeMap as _;
                let mut map = to.serialize_map(None)?;
                $(map.serialize_entry($fixed, $word)?;)?
                $($crate::mcp::members::entry!(map, self.$field, $member, $need);)*
                for (name, value) in &self.unknown {
                    map.serialize_entry(name, value)?;
                }
                map.end()
            }
        }
    };
}

/// Whether a member is there, where it has to be.
macro_rules! there {
    ($members:ident, $member:literal, required) => {
        $members.contains_key($member)
    };
    ($members:ident, $member:literal, optional) => {
        true
    };
}

/// Writes a member, where it is there.
macro_rules! entry {
    ($map:ident, $value:expr, $member:literal, required) => {
        $map.serialize_entry($member, &$value)?
    };
    ($map:ident, $value:expr, $member:literal, optional) => {
        $crate::mcp::members::write($value.as_ref(), &mut $map, $member)?
    };
}

/// One of several payloads, or one that nobody knows yet.
macro_rules! choice {
    ($(#[$about:meta])* $name:ident: $($one:ident),*) => {
        $(#[$about])*
        #[derive(Clone, Debug)]
        pub enum $name {
            $(
                #[doc = concat!("See [`", stringify!($one), "`].")]
                $one($one),
            )*
            /// One that is not named above.
            Unknown($crate::mcp::Members),
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let members = $crate::mcp::Members::deserialize(from)?;
                $(
                    if $one::fits(&members) {
                        let whole = serde_json::to_string(&members).map_err(serde::de::Error::custom)?;
                        return serde_json::from_str(&whole).map(Self::$one).map_err(serde::de::Error::custom);
                    }
                )*
                Ok(Self::Unknown(members))
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                match self {
                    $(Self::$one(one) => one.serialize(to),)*
                    Self::Unknown(members) => members.serialize(to),
                }
            }
        }
    };
}

pub(super) use {choice, entry, payload, there};

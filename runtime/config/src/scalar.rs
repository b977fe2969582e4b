//! Scalars: typed values that the configuration writes as one string. Parsing, schema and error messages all come from
//! here, so that they cannot differ.

use std::borrow::Cow;

/// What is wrong with a scalar, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// What is wrong. Continues "`key` …", for example "is not a length of time".
    pub why: Cow<'static, str>,
    /// What to do.
    pub help: Cow<'static, str>,
}

impl Mistake {
    /// A mistake: what is wrong, and what to do.
    pub fn new(why: impl Into<Cow<'static, str>>, help: impl Into<Cow<'static, str>>) -> Self {
        Self {
            why: why.into(),
            help: help.into(),
        }
    }
}

/// A typed value written as one string.
pub trait Scalar: Sized {
    /// The kind of value, with an example. Continues "takes …".
    const KIND: &'static str;
    /// The regular expression that editors may check the string with.
    const PATTERN: Option<&'static str> = None;

    /// Parses the string.
    ///
    /// # Errors
    ///
    /// The string is not such a value.
    fn read(text: &str) -> Result<Self, Mistake>;
    /// The value as the configuration writes it.
    fn write(&self) -> String;
}

/// Implements serde and schema for scalars. The schema's definition has the type's own name, by which [`known`](crate::known_scalars::known) finds
/// it, and [`Scalar::KIND`] as its description.
macro_rules! scalar {
    ($($name:ident),+) => {$(
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str> as serde::Deserialize>::deserialize(from)?;
                <Self as $crate::scalar::Scalar>::read(&text)
                    .map_err(|mistake| serde::de::Error::custom(format!("{}; {}", mistake.why, mistake.help)))
            }
        }
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(&<Self as $crate::scalar::Scalar>::write(self))
            }
        }
        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let kind = <Self as $crate::scalar::Scalar>::KIND;
                let mut schema = schemars::json_schema!({ "type": "string", "description": kind });
                if let Some(pattern) = <Self as $crate::scalar::Scalar>::PATTERN {
                    schema.insert("pattern".into(), pattern.into());
                }
                schema
            }
        }
    )+};
}
pub(crate) use scalar;

//! Serializes checked JSON as raw text.

use sandgate_message::Json;
use serde::{Serialize, Serializer};

/// Serializes checked JSON as it is, without parsing it into a tree again.
pub(crate) fn raw_json<S: Serializer>(
    json: &Option<&Json>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let raw = json
        .map(|json| serde_json::from_str::<&serde_json::value::RawValue>(json.as_str()))
        .transpose();
    raw.map_err(serde::ser::Error::custom)?
        .serialize(serializer)
}

//! Checked JSON inside what serde writes.

use sandgate_message::Json;
use serde::{Serialize, Serializer};

/// Checked JSON goes out as it is, without being read again as a tree.
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

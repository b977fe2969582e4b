//! Records that are too long to be sent whole.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::value::RawValue;

/// The longest record that is sent whole, in bytes. A longer one is sent without its payload.
pub(super) const LONGEST: usize = 256 << 10;
/// The longest member of a record that is longer than that without its payload, in bytes.
const LONGEST_MEMBER: usize = 1 << 10;

/// The record, without its payload where it is too long to be sent whole. It says so, and is no line of the chain then.
pub(super) fn bounded(line: &[u8]) -> Cow<'_, [u8]> {
    if line.len() <= LONGEST {
        return Cow::Borrowed(line);
    }
    let read: Result<BTreeMap<String, &RawValue>, _> = serde_json::from_slice(line);
    let mut members = read.unwrap_or_default();
    members.retain(|name, _| !matches!(&**name, "params" | "reply" | "prev"));
    let size = |members: &BTreeMap<String, &RawValue>| -> usize {
        members.values().map(|value| value.get().len()).sum()
    };
    if size(&members) > LONGEST / 2 {
        members.retain(|_, value| value.get().len() <= LONGEST_MEMBER);
    }
    let marked = serde_json::value::to_raw_value(&true);
    if let Ok(marked) = &marked {
        members.insert("too_large".to_owned(), marked);
    }
    Cow::Owned(serde_json::to_vec(&members).unwrap_or_default())
}

//! What records have of params and results: nothing, all, or hashes in the place of values.

use std::borrow::Cow;
use std::io::Read as _;
use std::path::PathBuf;

use cap_std::fs::MetadataExt;
use sandgate_audit::HashKey;
use sandgate_config::{CallLog, FileError, Files};
use sandgate_message::Json;
use serde_json::value::RawValue;

use super::open_error::OpenError;

/// The longest file of a key, in bytes.
const MAX_KEY: u64 = 4096;

/// What records have of payloads.
#[derive(Debug, Default)]
pub enum Payloads {
    /// Nothing.
    #[default]
    None,
    /// All.
    Plain,
    /// Their shape and the names of their members; each text and number as its keyed hash.
    Hashed(Box<HashKey>),
}

impl Payloads {
    /// What the configuration asks for.
    ///
    /// # Errors
    ///
    /// The key of hashes cannot be read, is none, or can be read by others.
    pub fn of(config: &CallLog, files: &Files) -> Result<Self, OpenError> {
        Ok(match (config.payloads, &config.hash_key) {
            (false, _) => Self::None,
            (true, None) => Self::Plain,
            (true, Some(path)) => {
                let text = private(files, path)?;
                let text = std::str::from_utf8(&text).unwrap_or_default();
                let key = HashKey::from_text(text).map_err(|error| OpenError::Key {
                    path: files.path(path),
                    error,
                });
                Self::Hashed(Box::new(key?))
            }
        })
    }

    /// What a record has of this payload.
    pub(super) fn of_payload<'a>(&self, json: Option<&'a Json>) -> Option<Cow<'a, RawValue>> {
        let text = json?.as_str();
        // Checked when it came in: it is JSON.
        match self {
            Self::None => None,
            Self::Plain => serde_json::from_str(text).ok().map(Cow::Borrowed),
            Self::Hashed(key) => RawValue::from_string(hashed(text, key))
                .ok()
                .map(Cow::Owned),
        }
    }
}

/// The content of a file that its owner alone can read.
///
/// # Errors
///
/// It cannot be read, others than its owner can read it, or its owner is another user, who could.
pub(super) fn private(
    files: &Files,
    path: &std::path::Path,
) -> Result<zeroize::Zeroizing<Vec<u8>>, OpenError> {
    let whole: PathBuf = files.path(path);
    let failed = |source| FileError::Io {
        path: whole.clone(),
        what: "read",
        source,
    };
    // All is asked of one handle: another file may get this name in between.
    let mut file = files.open_read(path)?;
    let stat = file.metadata().map_err(failed)?;
    let mode = stat.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(OpenError::Mode { path: whole, mode });
    }
    let owner = stat.uid();
    if owner != 0 && owner != rustix::process::geteuid().as_raw() {
        return Err(OpenError::Owner { path: whole, owner });
    }
    let mut content = zeroize::Zeroizing::new(Vec::with_capacity(4097));
    file.by_ref()
        .take(MAX_KEY + 1)
        .read_to_end(&mut content)
        .map_err(failed)?;
    match content.len() as u64 > MAX_KEY {
        false => Ok(content),
        true => Err(FileError::TooLarge {
            path: whole,
            limit: MAX_KEY,
        }
        .into()),
    }
}

/// The JSON text with a hash in the place of each text and number. Members keep their names, and `true`, `false` and
/// `null` stay, of which a hash would hide nothing.
fn hashed(json: &str, key: &HashKey) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let mut rest = json;
    while let Some(first) = rest.chars().next() {
        let end = match first {
            '"' => end_of_text(rest),
            '-' | '0'..='9' => rest
                .find(|c: char| !matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E'))
                .unwrap_or(rest.len()),
            c => {
                out.push(c);
                rest = &rest[c.len_utf8()..];
                continue;
            }
        };
        let (token, after) = rest.split_at(end);
        rest = after;
        let is_name = first == '"' && after.trim_start().starts_with(':');
        if is_name {
            out.push_str(token);
            continue;
        }
        let value: Cow<'_, str> = match first {
            // One that cannot be read is hashed as it stands: nothing of it is shown.
            '"' => serde_json::from_str(token).map_or(token.into(), |text: String| text.into()),
            _ => token.into(),
        };
        out.push('"');
        out.push_str(&key.hash(&value));
        out.push('"');
    }
    out
}

/// The length of the text of JSON with which this begins, with its quotes.
fn end_of_text(text: &str) -> usize {
    let mut bytes = text.bytes().enumerate().skip(1);
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'"' => return at + 1,
            b'\\' => drop(bytes.next()),
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn values_are_hashes_and_their_shape_stays() {
        let key = HashKey::generate().unwrap();
        let text = r#"{ "name":"lookup" , "args" : {"mail": "ada\u0040example.com", "no":-1.50e3, "on":true, "x":null,
            "list":["a\\\"b", 7, {}], "a:b":"c\\"} }"#;
        let found: Value = serde_json::from_str(&hashed(text, &key)).unwrap();
        let of = |value: &str| key.hash(value);
        let expected = json!({
            "name": of("lookup"),
            "args": {
                "mail": of("ada@example.com"), "no": of("-1.50e3"), "on": true, "x": null,
                "list": [of("a\\\"b"), of("7"), {}], "a:b": of("c\\"),
            },
        });
        assert_eq!(found, expected);
        assert_eq!(hashed("\"ada\"", &key), format!("\"{}\"", of("ada")));
        assert_eq!(hashed("12", &key), format!("\"{}\"", of("12")));
    }
}

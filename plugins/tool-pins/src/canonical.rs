//! One text for equal JSON values, and its digest.

use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// The SHA-256 of a definition in canonical form. The order of members, blanks and the spelling of strings and numbers
/// do not matter.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest([u8; 32]);

/// What the text of a digest begins with.
const PREFIX: &str = "sha256:";

impl Digest {
    /// The digest of a definition.
    pub fn of(definition: &Value) -> Self {
        let mut text = String::with_capacity(1024);
        write(definition, &mut text);
        Self(Sha256::digest(text.as_bytes()).into())
    }

    /// Reads `sha256:` and 64 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(PREFIX)?.as_bytes();
        let mut digest = [0; 32];
        if digits.len() != 64 {
            return None;
        }
        for (byte, pair) in digest.iter_mut().zip(digits.chunks_exact(2)) {
            let pair = std::str::from_utf8(pair).ok()?;
            if !pair.bytes().all(|c| c.is_ascii_hexdigit()) {
                return None;
            }
            *byte = u8::from_str_radix(pair, 16).ok()?;
        }
        Some(Self(digest))
    }

    pub(crate) fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl std::fmt::Display for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(PREFIX)?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl std::fmt::Debug for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

/// Writes the value without blanks, the members of objects by name.
pub fn write(value: &Value, into: &mut String) {
    match value {
        Value::Object(members) => {
            // The order of a map depends on how `serde_json` was built.
            let mut members: Vec<_> = members.iter().collect();
            members.sort_unstable_by_key(|(name, _)| name.as_str());
            into.push('{');
            for (n, (name, member)) in members.into_iter().enumerate() {
                if n > 0 {
                    into.push(',');
                }
                quote(name, into);
                into.push(':');
                write(member, into);
            }
            into.push('}');
        }
        Value::Array(elements) => {
            into.push('[');
            for (n, element) in elements.iter().enumerate() {
                if n > 0 {
                    into.push(',');
                }
                write(element, into);
            }
            into.push(']');
        }
        Value::String(text) => quote(text, into),
        Value::Number(number) => match whole(number) {
            Some(whole) => into.push_str(&whole.to_string()),
            None => into.push_str(&number.to_string()),
        },
        Value::Bool(_) | Value::Null => into.push_str(&value.to_string()),
    }
}

/// The number without its fraction, where that is zero: `1.0` and `1` are one number.
fn whole(number: &serde_json::Number) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if let Some(whole) = number.as_i64() {
        return Some(whole);
    }
    let float = number.as_f64()?;
    #[allow(clippy::cast_possible_truncation, reason = "the range is checked")]
    (float.fract() == 0.0 && float.abs() < EXACT).then_some(float as i64)
}

fn quote(text: &str, into: &mut String) {
    into.push_str(&Value::from(text).to_string());
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn digest(json: &str) -> Digest {
        Digest::of(&serde_json::from_str(json).unwrap())
    }

    #[test]
    fn order_blanks_and_spelling_do_not_matter() {
        let one = digest(r#"{"name":"a","n":1,"x":{"b":[1,2],"a":"\u00e9"}}"#);
        assert_eq!(
            one,
            digest("{ \"x\": {\"a\": \"é\", \"b\": [1, 2.0]}, \"n\": 1.0, \"name\": \"a\" }")
        );
        assert_ne!(one, digest(r#"{"name":"a","n":1,"x":{"b":[2,1],"a":"é"}}"#));
    }

    #[test]
    fn the_text_of_a_digest_is_read_again() {
        let one = digest("{}");
        assert_eq!(
            one.to_string(),
            "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
        );
        assert_eq!(Digest::parse(&one.to_string()), Some(one));
        for wrong in [
            "",
            "sha256:",
            "sha256:+1",
            "md5:44136fa3",
            &one.to_string()[..70],
        ] {
            assert_eq!(Digest::parse(wrong), None, "{wrong}");
        }
        assert_eq!(Digest::parse(&format!("sha256:{}", "+f".repeat(32))), None);
    }
}

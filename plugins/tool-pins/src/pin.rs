//! What is remembered of a tool: the definitions of it that were accepted.

use serde_json::Value;

use crate::canonical::Digest;

/// How many definitions of one tool are remembered: a server may answer different callers differently.
const MOST: usize = 4;

/// The longest definition that is remembered as it is. Of a longer one only the digest is kept.
const LONGEST: usize = 32 << 10;

/// The accepted definitions of one tool, the newest first.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Pins(Vec<Pin>);

#[derive(Debug, PartialEq)]
enum Pin {
    Verbatim(String),
    Digest(Digest),
}

/// Tags of the two kinds.
const VERBATIM: u8 = 0;
const DIGEST: u8 = 1;

/// The key under which a tool is remembered. Names that are long or hold a separator are replaced by their digest.
pub(crate) fn key(server: &str, kind: &str, name: &str) -> String {
    match name.len() <= 128 && name.bytes().all(|c| c.is_ascii_graphic()) {
        true => format!("{server}/{kind}/{name}"),
        false => format!("{server}/{kind}/{}", Digest::of(&Value::from(name))),
    }
}

impl Pins {
    /// Whether this text is accepted, to the byte. It is answered from the remembered bytes as they are, because it is
    /// asked in every call.
    pub(crate) fn hold_verbatim(bytes: &[u8], definition: &str) -> bool {
        parts(bytes).any(|(tag, part)| tag == VERBATIM && part == definition.as_bytes())
    }

    /// Reads what was remembered. Parts that cannot be read are left out.
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let pin = |(tag, part): (u8, &[u8])| match tag {
            VERBATIM => String::from_utf8(part.into()).ok().map(Pin::Verbatim),
            _ => part
                .try_into()
                .ok()
                .map(Digest::from_bytes)
                .map(Pin::Digest),
        };
        Self(parts(bytes).filter_map(pin).collect())
    }

    /// The bytes to remember.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for pin in &self.0 {
            let (tag, part) = match pin {
                Pin::Verbatim(text) => (VERBATIM, text.as_bytes()),
                Pin::Digest(digest) => (DIGEST, &digest.bytes()[..]),
            };
            bytes.push(tag);
            bytes.extend(u32::try_from(part.len()).unwrap_or_default().to_le_bytes());
            bytes.extend(part);
        }
        bytes
    }

    /// Accepts one more definition. The oldest is forgotten where there are too many.
    pub(crate) fn accept(&mut self, definition: &str, digest: Digest) {
        let pin = match definition.len() <= LONGEST {
            true => Pin::Verbatim(definition.into()),
            false => Pin::Digest(digest),
        };
        self.0.insert(0, pin);
        self.0.truncate(MOST);
    }

    /// Whether a definition with this digest is accepted.
    pub(crate) fn have(&self, digest: Digest) -> bool {
        self.0.iter().any(|pin| match pin {
            Pin::Digest(one) => *one == digest,
            Pin::Verbatim(text) => {
                serde_json::from_str(text).is_ok_and(|value: Value| Digest::of(&value) == digest)
            }
        })
    }

    /// The accepted definitions that are kept.
    pub(crate) fn definitions(&self) -> impl Iterator<Item = Value> {
        self.0.iter().filter_map(|pin| match pin {
            Pin::Verbatim(text) => serde_json::from_str(text).ok(),
            Pin::Digest(_) => None,
        })
    }
}

/// The parts of what was remembered: the tag and the content of each.
fn parts(bytes: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let (tag, after) = rest.split_first()?;
        let (length, after) = after.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let (part, after) = after.split_at_checked(length)?;
        rest = after;
        Some((*tag, part))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_read_again() {
        let mut pins = Pins::default();
        let digest = Digest::of(&Value::Null);
        pins.accept(r#"{"name":"a"}"#, digest);
        pins.accept(&"x".repeat(LONGEST + 1), digest);
        let bytes = pins.to_bytes();
        assert_eq!(Pins::read(&bytes), pins);
        assert!(
            Pins::hold_verbatim(&bytes, r#"{"name":"a"}"#) && !Pins::hold_verbatim(&bytes, "{}")
        );
        assert!(pins.have(digest) && pins.have(Digest::of(&serde_json::json!({"name": "a"}))));
        for cut in 0..bytes.len() {
            let _ = Pins::read(&bytes[..cut]);
        }
        for n in 0..9 {
            pins.accept(&n.to_string(), digest);
        }
        assert_eq!(pins.0.len(), MOST);
    }
}

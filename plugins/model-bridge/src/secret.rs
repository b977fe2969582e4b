//! The secret behind the keys of cached verdicts and the tags of marks: without it nobody can tell what others sent.

use hmac::{Hmac, KeyInit, Mac};
use sandgate_sdk::Context;
use sha2::Sha256;

/// The attribute by which the gateway gives each interceptor a key of its own, as 64 hexadecimal digits.
const ATTRIBUTE: &str = "interceptor.key";

/// A key for HMAC-SHA256.
pub(crate) struct Secret(Vec<u8>);

impl Secret {
    /// The operator's key, else the gateway's; none where there is neither.
    pub(crate) fn of(set: Option<&str>, context: &Context) -> Option<Self> {
        if let Some(set) = set {
            return Some(Self(set.as_bytes().to_vec()));
        }
        let given = context.attribute(ATTRIBUTE)?;
        let bytes = decoded(&given).filter(|bytes| bytes.len() == 32)?;
        Some(Self(bytes))
    }

    /// The first `digits` hexadecimal digits of the HMAC over the parts. Each part goes in with its length, so that no
    /// two lists of parts are the same bytes.
    pub(crate) fn digest(&self, parts: &[&[u8]], digits: usize) -> Option<String> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        for part in parts {
            mac.update(&(part.len() as u64).to_le_bytes());
            mac.update(part);
        }
        let digest = mac.finalize().into_bytes();
        let mut text = String::with_capacity(64);
        for byte in digest {
            text.extend([byte >> 4, byte & 15].map(digit));
        }
        text.truncate(digits);
        Some(text)
    }
}

fn digit(value: u8) -> char {
    char::from_digit(value.into(), 16).unwrap_or('0')
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    let value = |byte: u8| char::from(byte).to_digit(16);
    text.as_bytes()
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => u8::try_from(value(*high)? * 16 + value(*low)?).ok(),
            _ => None,
        })
        .collect()
}

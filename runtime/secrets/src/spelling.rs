//! The spellings of a value that no decoding undoes byte by byte: base64 and base32 at every alignment, hexadecimal, and
//! the value backwards.

use base64::Engine;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{GeneralPurpose, general_purpose::NO_PAD};
use zeroize::Zeroizing;

/// One spelling of a value.
pub(crate) struct Spelling {
    pub(crate) text: Zeroizing<Vec<u8>>,
    /// Whether the characters beside it hold a few bits of the value too.
    pub(crate) shared_edges: bool,
}

/// The spellings of a value, without repetition. The case of letters does not matter.
pub(crate) fn spellings(value: &str) -> Vec<Spelling> {
    let mut all: Vec<Spelling> = Vec::new();
    let mut add = |text: Vec<u8>, shared_edges: bool| {
        let text = Zeroizing::new(text);
        let known = all.iter().any(|one| one.text.eq_ignore_ascii_case(&text));
        if !text.is_empty() && !known {
            all.push(Spelling { text, shared_edges });
        }
    };
    add(value.as_bytes().to_vec(), false);
    add(value.chars().rev().collect::<String>().into_bytes(), false);
    let value = value.as_bytes();
    let hex = value.iter().map(|byte| format!("{byte:02x}"));
    add(hex.collect::<String>().into_bytes(), false);
    for alphabet in [STANDARD, URL_SAFE] {
        let engine = GeneralPurpose::new(&alphabet, NO_PAD);
        for before in 0..3 {
            add(
                core(
                    &shifted(value, before, |bytes| engine.encode(bytes)),
                    before,
                    value.len(),
                    6,
                ),
                true,
            );
        }
    }
    for before in 0..5 {
        add(
            core(&shifted(value, before, base32), before, value.len(), 5),
            true,
        );
    }
    all
}

/// The spelling of the value behind some other bytes.
fn shifted(value: &[u8], before: usize, encode: impl Fn(&[u8]) -> String) -> Zeroizing<String> {
    let mut bytes = Zeroizing::new(vec![0; before]);
    bytes.extend_from_slice(value);
    Zeroizing::new(encode(&bytes))
}

/// The characters that the value alone decides, where each holds `bits`.
fn core(encoded: &str, before: usize, length: usize, bits: usize) -> Vec<u8> {
    let first = (before * 8).div_ceil(bits);
    let end = (before + length) * 8 / bits;
    encoded.as_bytes()[first..end].to_vec()
}

/// Base32 (RFC 4648) without padding.
fn base32(bytes: &[u8]) -> String {
    let (mut text, mut held, mut bits) = (String::new(), 0_u32, 0);
    let mut put = |five: u32| {
        text.push(char::from(
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[(five & 31) as usize],
        ))
    };
    for byte in bytes {
        held = (held << 8) | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            put(held >> bits);
        }
        held &= (1 << bits) - 1;
    }
    if bits > 0 {
        put(held << (5 - bits));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base32_is_that_of_rfc_4648() {
        for (plain, encoded) in [("f", "MY"), ("fo", "MZXQ"), ("foobar", "MZXW6YTBOI")] {
            assert_eq!(base32(plain.as_bytes()), encoded);
        }
    }

    #[test]
    fn a_core_is_in_the_encoding_of_whatever_surrounds_the_value() {
        let value = "s3cr3t-of-the-desk!";
        let all = spellings(value);
        for before in 0..6 {
            for after in 0..4 {
                let mut text = vec![b'x'; before];
                text.extend_from_slice(value.as_bytes());
                text.extend(vec![b'y'; after]);
                for encoded in [
                    base64::engine::general_purpose::STANDARD.encode(&text),
                    base32(&text),
                ] {
                    let found = all.iter().any(|one| {
                        let mut windows = encoded.as_bytes().windows(one.text.len());
                        windows.any(|window| window == &one.text[..])
                    });
                    assert!(found, "{before} {after} {encoded}");
                }
            }
        }
    }
}

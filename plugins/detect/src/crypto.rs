//! Detects addresses of cryptocurrencies: base58 with a check sum of SHA-256 (Bitcoin, Litecoin, Dogecoin, Dash), and
//! bech32 (Bitcoin, Litecoin, Cardano).

use sha2::{Digest, Sha256};

use crate::token::Token;

const BASE58: &[u8] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const BECH32: &[u8] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/// Whether the token is an address.
pub(crate) fn is_address(bytes: &[u8], token: &Token) -> bool {
    if !(26..=75).contains(&token.run) {
        return false;
    }
    let Some(text) = bytes
        .get(token.start..token.end)
        .filter(|text| text.is_ascii())
    else {
        return false;
    };
    match text[0] {
        b'1' | b'3' | b'L' | b'M' | b'D' | b'A' | b'X' if text.len() <= 35 => is_base58(text),
        b'b' | b'B' | b'l' | b't' | b'a' => is_bech32(text),
        _ => false,
    }
}

/// A version byte, a hash of 20 bytes, and the first four bytes of its double SHA-256.
fn is_base58(text: &[u8]) -> bool {
    let mut decoded = [0u8; 25];
    for character in text {
        let Some(digit) = BASE58.iter().position(|it| it == character) else {
            return false;
        };
        let carry = decoded.iter_mut().rev().fold(digit, |carry, byte| {
            let value = usize::from(*byte) * 58 + carry;
            *byte = (value % 256) as u8;
            value / 256
        });
        if carry > 0 {
            return false;
        }
    }
    let (body, sum) = decoded.split_at(21);
    Sha256::digest(Sha256::digest(body)).starts_with(sum)
}

/// A known prefix, `1`, and data whose polynomial is that of BIP 173 or BIP 350.
fn is_bech32(text: &[u8]) -> bool {
    let lower: Vec<u8> = text.to_ascii_lowercase();
    if text != lower && text.iter().any(u8::is_ascii_lowercase) {
        return false;
    }
    let Some(one) = lower.iter().rposition(|byte| *byte == b'1') else {
        return false;
    };
    let (prefix, data) = (&lower[..one], &lower[one + 1..]);
    if ![&b"bc"[..], b"tb", b"ltc", b"addr"].contains(&prefix) {
        return false;
    }
    let expanded = prefix
        .iter()
        .map(|byte| u32::from(byte >> 5))
        .chain([0])
        .chain(prefix.iter().map(|byte| u32::from(byte & 31)));
    let mut check = 1u32;
    let mut step = |value: u32| {
        let top = check >> 25;
        check = (check & 0x01ff_ffff) << 5 ^ value;
        for (bit, generator) in [
            0x3b6a_57b2,
            0x2650_8e6d,
            0x1ea1_19fa,
            0x3d42_33dd,
            0x2a14_62b3,
        ]
        .into_iter()
        .enumerate()
        {
            if top >> bit & 1 == 1 {
                check ^= generator;
            }
        }
    };
    expanded.for_each(&mut step);
    for character in data {
        let Some(value) = BECH32.iter().position(|it| it == character) else {
            return false;
        };
        step(value as u32);
    }
    matches!(check, 1 | 0x2bc8_30a3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_sum_makes_an_address() {
        let is = |text: &str| is_address(text.as_bytes(), &Token::at(text.as_bytes(), 0));
        for text in [
            "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
            "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy",
            "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
        ] {
            assert!(is(text), "{text}");
        }
        for text in [
            "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb",
            "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5",
            "3J98t1WpEZ73CNmQviecrnyiWrnq",
        ] {
            assert!(!is(text), "{text}");
        }
    }
}

//! Random numbers drawn for one value with the key of a recording.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

pub(super) const HEX: &str = "0123456789abcdef";

/// Random numbers drawn for one value.
pub(super) struct Draw<'a> {
    pub(super) key: &'a [u8; 32],
    pub(super) seed: Vec<u8>,
    pub(super) block: u32,
    pub(super) bytes: Vec<u8>,
}

impl Draw<'_> {
    /// A number below `bound`, which is at least 1. Slightly uneven unless `bound` is a power of two, which is harmless
    /// here.
    pub(super) fn below(&mut self, bound: u32) -> u32 {
        let mut word = [0; 4];
        for byte in &mut word {
            *byte = self.byte();
        }
        u32::from_le_bytes(word) % bound.max(1)
    }

    /// One of these characters.
    pub(super) fn one_of(&mut self, characters: &str) -> char {
        let count = u32::try_from(characters.chars().count()).unwrap_or(1);
        let index = self.below(count) as usize;
        characters.chars().nth(index).unwrap_or('x')
    }

    /// `count` of these characters.
    pub(super) fn some_of(&mut self, characters: &str, count: usize) -> String {
        (0..count).map(|_| self.one_of(characters)).collect()
    }

    /// A decimal digit.
    pub(super) fn digit(&mut self) -> u8 {
        u8::try_from(self.below(10)).unwrap_or(0)
    }

    fn byte(&mut self) -> u8 {
        if let Some(byte) = self.bytes.pop() {
            return byte;
        }
        let block = [&self.block.to_le_bytes(), self.seed.as_slice()].concat();
        self.block += 1;
        self.bytes = keyed(self.key, &block).to_vec();
        self.bytes.pop().unwrap_or(0)
    }
}

pub(super) fn keyed(key: &[u8; 32], text: &[u8]) -> [u8; 32] {
    // HMAC takes keys of any length, so this never fails.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return [0; 32];
    };
    mac.update(text);
    mac.finalize().into_bytes().into()
}

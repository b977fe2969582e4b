//! Surrogates: values that stand for others, of the same kind, in the same spelling and with valid check digits, so
//! that a policy that found the value finds the surrogate.
//!
//! Surrogates are drawn with a key that is made for a recording and never written: the same value has the same
//! surrogate throughout, and nobody can try out which value it was.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::kind;

/// The most surrogates that are remembered, so that no two values share one. Beyond that, chance alone keeps them
/// apart.
const REMEMBERED: usize = 1 << 16;
/// The most draws for one value.
const ATTEMPTS: u32 = 64;

/// Makes surrogates.
pub(super) struct Surrogates {
    key: [u8; 32],
    /// The keyed hash of the value that each surrogate stands for, by the surrogate's own hash.
    taken: HashMap<[u8; 16], [u8; 16]>,
}

/// Random numbers drawn for one value.
pub(super) struct Draw<'a> {
    key: &'a [u8; 32],
    seed: Vec<u8>,
    block: u32,
    bytes: Vec<u8>,
}

impl Default for Surrogates {
    fn default() -> Self {
        Self {
            key: rand::random(),
            taken: HashMap::new(),
        }
    }
}

impl Surrogates {
    /// The surrogate of a value. `label` is the word of the policy that found it. `None` if nothing in the value can be
    /// replaced.
    pub(super) fn of(&mut self, label: &str, value: &str) -> Option<String> {
        let kind = kind::of(label, value);
        let plain = kind.plain(value);
        let own = self.digest(plain.as_bytes());
        (0..ATTEMPTS).find_map(|attempt| {
            let seed = [
                &attempt.to_le_bytes(),
                kind.name().as_bytes(),
                b" ",
                plain.as_bytes(),
            ]
            .concat();
            let mut draw = Draw {
                key: &self.key,
                seed,
                block: 0,
                bytes: Vec::new(),
            };
            let made = kind.another(value, &mut draw)?;
            let is_another = !made.to_lowercase().contains(&value.to_lowercase());
            let free = self.claim(&kind.plain(&made), own);
            (is_another && free).then_some(made)
        })
    }

    /// A pseudonym for a conversation, the same throughout the recording.
    pub(super) fn session(&self, session: &str) -> String {
        let digest = self.digest(&[b"session ", session.as_bytes()].concat());
        sandgate_text::hex::encode(digest)
    }

    fn claim(&mut self, surrogate: &str, value: [u8; 16]) -> bool {
        let digest = self.digest(surrogate.as_bytes());
        let full = self.taken.len() >= REMEMBERED;
        match self.taken.entry(digest) {
            Entry::Occupied(taken) => *taken.get() == value,
            Entry::Vacant(free) => {
                if !full {
                    free.insert(value);
                }
                true
            }
        }
    }

    fn digest(&self, text: &[u8]) -> [u8; 16] {
        let whole = keyed(&self.key, text);
        std::array::from_fn(|n| whole[n])
    }
}

fn keyed(key: &[u8; 32], text: &[u8]) -> [u8; 32] {
    // HMAC takes keys of any length, so this never fails.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return [0; 32];
    };
    mac.update(text);
    mac.finalize().into_bytes().into()
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_value_has_one_surrogate_and_different_values_have_different_ones() {
        let mut surrogates = Surrogates::default();
        let first = surrogates.of("us-ssn", "219-09-9999").unwrap();
        assert_eq!(surrogates.of("us-ssn", "219-09-9999"), Some(first.clone()));
        assert_eq!(
            surrogates.of("us-ssn", "219099999").unwrap(),
            first.replace('-', "")
        );
        let mut all = std::collections::BTreeSet::new();
        for n in 0..2000 {
            all.insert(
                surrogates
                    .of("phone", &format!("+1 415 555 {n:04}"))
                    .unwrap(),
            );
        }
        assert_eq!(all.len(), 2000);
    }

    #[test]
    fn another_recording_draws_others() {
        let (mut one, mut other) = (Surrogates::default(), Surrogates::default());
        let email = "ada.lovelace@example.com";
        assert_ne!(one.of("email", email), other.of("email", email));
        assert_ne!(one.session("s"), other.session("s"));
    }

    #[test]
    fn what_has_no_letter_and_no_digit_has_no_surrogate() {
        assert_eq!(Surrogates::default().of("", "----"), None);
    }
}

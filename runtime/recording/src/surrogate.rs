//! Surrogates: values that stand for others, of the same kind, in the same spelling and with valid check digits, so
//! that a policy that found the value finds the surrogate.
//!
//! Surrogates are drawn with a key that is made for a recording and never written: the same value has the same
//! surrogate throughout, and nobody can try out which value it was.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::kind;
use crate::draw::{Draw, keyed};

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

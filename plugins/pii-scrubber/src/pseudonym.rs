//! Pseudonyms, which are the same for the same value: a keyed hash, or a number within a conversation.

use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use sandgate_detect::{Entity, folded};
use sandgate_sdk::{Error, random, state};
use sha2::Sha256;

/// How long the numbers of a conversation are kept.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The first eight bytes, in hexadecimal, of HMAC-SHA256 over the kind and the normalised value.
///
/// # Errors
///
/// None in practice: HMAC accepts keys of any length.
pub(crate) fn hash(key: &[u8], entity: Entity, value: &str) -> Result<String, Error> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key)?;
    mac.update(entity.name().as_bytes());
    mac.update(&[0]);
    mac.update(plain(entity, value).as_bytes());
    let digest = mac.finalize().into_bytes();
    Ok(digest
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect())
}

/// The number of the value in the conversation: 1, 2, and so on for each kind. A value without a number gets the next
/// one. The state contains no values, only their hashes under a key that the policy has generated.
///
/// # Errors
///
/// The state cannot be read or written.
pub(crate) fn number(conversation: &str, entity: Entity, value: &str) -> Result<i64, Error> {
    let digest = hash(&own_key()?, entity, value)?;
    let place = format!("value/{conversation}/{}/{digest}", entity.name());
    let count = format!("count/{conversation}/{}", entity.name());
    if let Some(number) = state::get(&place)? {
        // A conversation that goes on keeps its numbers.
        state::compare_and_set(&place, Some(&number), &number, Some(DAY))?;
        state::increment(&count, 0, Some(DAY))?;
        return read(number);
    }
    let number = state::increment(&count, 1, Some(DAY))?;
    if state::compare_and_set(&place, None, &number.to_le_bytes(), Some(DAY))? {
        return Ok(number);
    }
    // Another run has stored a number in the meantime.
    read(state::get(&place)?.unwrap_or_default())
}

fn read(number: Vec<u8>) -> Result<i64, Error> {
    let bytes = number
        .try_into()
        .map_err(|_| Error::new("the state holds no number where one was put"))?;
    Ok(i64::from_le_bytes(bytes))
}

/// The key for the hashes in the state. It is generated once and kept in the state.
fn own_key() -> Result<Vec<u8>, Error> {
    loop {
        if let Some(key) = state::get("key")? {
            return Ok(key);
        }
        let mut key = [0; 32];
        random::fill(&mut key);
        state::compare_and_set("key", None, &key, None)?;
    }
}

/// The normalised value: without capitals, separators in numbers and full-width digits, so that all spellings have the
/// same hash.
fn plain(entity: Entity, value: &str) -> String {
    let bytes = value.as_bytes();
    let mut plain = String::with_capacity(value.len());
    let mut at = 0;
    while at < bytes.len() {
        let (character, length) = folded(bytes, at).unwrap_or((b'?', 1));
        let keeps = match entity {
            Entity::Email | Entity::Ip => true,
            _ => character.is_ascii_alphanumeric(),
        };
        if keeps {
            plain.push(character.to_ascii_lowercase() as char);
        }
        at += length;
    }
    plain
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_same_value_has_the_same_hash_however_it_is_written() {
        let of = |value| hash(b"0123456789abcdef", Entity::Phone, value).unwrap();
        assert_eq!(of("090-1234-5678"), of("０９０ １２３４ ５６７８"));
        assert_ne!(of("090-1234-5678"), of("090-1234-5679"));
        assert_eq!(of("090-1234-5678").len(), 16);
        assert_ne!(
            hash(b"another key here", Entity::Phone, "090-1234-5678").unwrap(),
            of("090-1234-5678")
        );
    }

    #[test]
    fn numbers_are_a_conversations_own() {
        sandgate_sdk::testing::clear_state();
        let of = |conversation, value| number(conversation, Entity::Email, value).unwrap();
        assert_eq!(of("a", "ann@example.com"), 1);
        assert_eq!(of("a", "bob@example.com"), 2);
        assert_eq!(of("a", "Ann@Example.com"), 1);
        assert_eq!(of("b", "bob@example.com"), 1);
    }
}

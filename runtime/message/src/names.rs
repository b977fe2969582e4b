//! Checks that no two members of an object have the same name: two readers may take different ones of the two.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::escape::unescape;
use crate::json_error::{JsonError, JsonErrorKind};
use crate::tape::Entry;

/// The most members of an object whose names are compared pair by pair, which is cheaper than hashing and still linear
/// in the text.
const PAIRWISE: usize = 16;

/// Compares the names with their escapes resolved. `object` is the end of a tape, and begins with the object's entry.
pub(crate) fn check_names(text: &str, object: &[Entry]) -> Result<(), JsonError> {
    let (mut members, mut escaped) = (0, false);
    for key in names(object) {
        members += 1;
        escaped |= key.escaped();
    }
    if members <= 1 {
        return Ok(());
    }
    if members > PAIRWISE || escaped {
        return check_many(text, object, members);
    }
    let raw = |key: Entry| &text.as_bytes()[key.content()];
    let mut seen = [0u64; 4];
    for (n, key) in names(object).enumerate() {
        let name = raw(key);
        let mark = mark(name);
        let (word, bit) = (&mut seen[usize::from(mark >> 6)], 1 << (mark & 63));
        if *word & bit != 0 && names(object).take(n).any(|earlier| raw(earlier) == name) {
            return Err(duplicate(key));
        }
        *word |= bit;
    }
    Ok(())
}

fn check_many(text: &str, object: &[Entry], members: usize) -> Result<(), JsonError> {
    // The hash is keyed at random, std's default, so that a sender cannot choose names that collide.
    let mut seen: HashSet<Cow<'_, str>> = HashSet::with_capacity(members);
    for key in names(object) {
        if !seen.insert(unescape(&text[key.content()])) {
            return Err(duplicate(key));
        }
    }
    Ok(())
}

fn names(object: &[Entry]) -> impl Iterator<Item = Entry> {
    let mut next = 1;
    std::iter::from_fn(move || {
        let key = *object.get(next)?;
        next += 1;
        next += object.get(next)?.span() as usize;
        Some(key)
    })
}

/// A one-byte hash: equal for equal names, and seldom equal for two names of one object.
fn mark(name: &[u8]) -> u8 {
    let ends = match (name.first_chunk::<4>(), name.last_chunk::<4>()) {
        (Some(first), Some(last)) => {
            u64::from(u32::from_le_bytes(*first)) << 32 | u64::from(u32::from_le_bytes(*last))
        }
        _ => name
            .iter()
            .fold(0, |word, &byte| word << 8 | u64::from(byte)),
    };
    ((ends ^ name.len() as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as u8
}

fn duplicate(key: Entry) -> JsonError {
    JsonError {
        offset: key.start as usize,
        trouble: JsonErrorKind::DuplicateKey,
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use crate::json::Json;
    use crate::json_error::{JsonErrorKind, Limits};

    fn object(names: impl IntoIterator<Item = String>) -> String {
        let members: Vec<String> = names
            .into_iter()
            .map(|name| format!("\"{name}\":[0]"))
            .collect();
        format!("{{{}}}", members.join(","))
    }

    fn trouble(text: String) -> Option<JsonErrorKind> {
        Json::parse(text, &Limits::default())
            .err()
            .map(|malformed| malformed.trouble)
    }

    #[test]
    fn a_name_may_stand_once_in_objects_of_any_size() {
        for size in [1, 2, 3, 15, 16, 17, 18, 100, 1000] {
            for prefix in ["", "k", "name", "a longer name for a member "] {
                let names = || (0..size).map(|n| format!("{prefix}{n}"));
                assert_eq!(trouble(object(names())), None, "{size} {prefix}");
                for again in [0, size / 2, size - 1] {
                    let twice = names().chain([format!("{prefix}{again}")]);
                    assert_eq!(
                        trouble(object(twice)),
                        Some(JsonErrorKind::DuplicateKey),
                        "{size} {prefix} {again}"
                    );
                }
            }
        }
    }

    #[test]
    fn names_are_compared_as_they_read() {
        assert_eq!(
            trouble(r#"{"a":1,"\u0061":2}"#.into()),
            Some(JsonErrorKind::DuplicateKey)
        );
        assert_eq!(
            trouble(r#"{"\/":1,"/":2}"#.into()),
            Some(JsonErrorKind::DuplicateKey)
        );
        assert_eq!(
            trouble(r#"{"\ud83d\ude00":1,"😀":2}"#.into()),
            Some(JsonErrorKind::DuplicateKey)
        );
        assert_eq!(
            trouble(r#"{"a":1,"A":2,"\\u0061":3,"":4," ":5}"#.into()),
            None
        );
    }

    #[test]
    fn the_same_name_at_different_depths_is_no_duplicate() {
        assert_eq!(
            trouble(r#"{"a":{"a":[{"a":1},{"a":2}]},"b":{"a":1}}"#.into()),
            None
        );
        assert_eq!(
            trouble(r#"[[{"x":{"a":1,"b":{},"a":2}}]]"#.into()),
            Some(JsonErrorKind::DuplicateKey)
        );
    }

    #[test]
    fn a_hundred_thousand_names_take_no_quadratic_time() {
        let many = object((0..100_000).map(|n| format!("{n}")));
        let started = Instant::now();
        assert_eq!(trouble(many), None);
        // A comparison of all pairs took minutes. This takes about 10 ms, unoptimised 100 ms.
        assert!(started.elapsed() < Duration::from_secs(5));
    }

    #[test]
    fn the_second_of_the_two_is_pointed_at() {
        let error =
            Json::parse(r#"{"a":1,"b":2,"a":3}"#, &Limits::default()).expect_err("duplicate");
        assert_eq!(error.to_string(), "duplicate key at byte 13");
    }
}

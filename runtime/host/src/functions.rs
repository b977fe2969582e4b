//! The machine code of single functions. What was compiled for one plugin is found again when its settings change, and
//! by every version of it whose code is the same: a plugin in Python is CPython with other data.
//!
//! Wasmtime finds a function by a SHA-256 of its intermediate code and of all that the compiler was told, so a function
//! is never taken for another. Settings are in memory and in mutable globals, never in a function; but where a function
//! reads a fixed address, its code may depend on how large the memory is after `configure`.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::ops::Range;

use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use wasmparser::{Parser, Payload};
use wasmtime::CacheStore;

/// Bytes of a [`FunctionKey`].
const KEY_BYTES: usize = 32;

/// Bytes of the largest set of functions. CPython's, of both engines, have 70 MB together.
pub(crate) const MAX_SET: usize = 128 << 20;

/// A set is written again where more than this part of it is new: a quarter. Some functions have another hash whenever
/// they are compiled, of CPython's bytes an eighth; to keep them would let a set grow for nothing.
const WORTH_WRITING: usize = 4;

/// The hash by which wasmtime finds a function.
type FunctionKey = [u8; KEY_BYTES];

/// Which functions are kept together: a SHA-256 of the code of a component's largest core module. That is the
/// interpreter, where there is one, and the plugin itself where there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct CodeDigest(pub(crate) [u8; 32]);

impl CodeDigest {
    /// `None`: the component has no code, or is damaged.
    pub(crate) fn of(component: &[u8]) -> Option<Self> {
        let mut largest = 0..0;
        for payload in Parser::new(0).parse_all(component) {
            if let Payload::CodeSectionStart { range, .. } = payload.ok()?
                && range.len() > largest.len()
            {
                largest = range;
            }
        }
        let code = component.get(largest).filter(|code| !code.is_empty())?;
        Some(Self(Sha256::digest(code).into()))
    }
}

/// Functions as they are kept: for each its key, the length of its code in four bytes, little-endian, and its code.
#[derive(Default)]
pub(crate) struct FunctionSet {
    bytes: Vec<u8>,
    places: HashMap<FunctionKey, Range<usize>>,
}

impl FunctionSet {
    /// Reads a set that is trusted: it becomes machine code. `None`: the bytes are no set.
    pub(crate) fn read(bytes: Vec<u8>) -> Option<Self> {
        let mut places = HashMap::new();
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let (key, after) = rest.split_first_chunk::<KEY_BYTES>()?;
            let (length, after) = after.split_first_chunk::<4>()?;
            let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
            let start = bytes.len() - after.len();
            rest = after.get(length..)?;
            places.insert(*key, start..start + length);
        }
        Some(Self { bytes, places })
    }

    fn get(&self, key: &FunctionKey) -> Option<&[u8]> {
        self.bytes.get(self.places.get(key)?.clone())
    }
}

/// The functions of one compilation: those that were kept, and those that it adds.
pub(crate) struct Functions {
    kept: FunctionSet,
    /// Those of the kept ones that this compilation needed.
    used: Mutex<HashSet<FunctionKey>>,
    added: Mutex<HashMap<FunctionKey, Vec<u8>>>,
}

impl Functions {
    pub(crate) fn new(kept: FunctionSet) -> Self {
        Self {
            kept,
            used: Mutex::default(),
            added: Mutex::default(),
        }
    }

    /// Whether none are known so far.
    pub(crate) fn are_none(&self) -> bool {
        self.kept.places.is_empty() && self.added.lock().is_empty()
    }

    /// The bytes of a set of all these functions or, where those would be more than [`MAX_SET`], of the ones that this
    /// compilation needed. `None`: next to none were added, or even these are more.
    pub(crate) fn grown(&self) -> Option<Vec<u8>> {
        self.grown_within(MAX_SET)
    }

    fn grown_within(&self, most: usize) -> Option<Vec<u8>> {
        let added = self.added.lock();
        let more: usize = added.values().map(|code| KEY_BYTES + 4 + code.len()).sum();
        if more <= self.kept.bytes.len() / WORTH_WRITING {
            return None;
        }
        let mut bytes = Vec::new();
        if self.kept.bytes.len() + more <= most {
            bytes.reserve_exact(self.kept.bytes.len() + more);
            bytes.extend_from_slice(&self.kept.bytes);
        } else {
            for key in self.used.lock().iter() {
                append(&mut bytes, key, self.kept.get(key)?)?;
            }
        }
        for (key, code) in added.iter() {
            append(&mut bytes, key, code)?;
        }
        (bytes.len() <= most).then_some(bytes)
    }
}

/// Appends a function to the bytes of a set.
fn append(bytes: &mut Vec<u8>, key: &FunctionKey, code: &[u8]) -> Option<()> {
    bytes.extend_from_slice(key);
    bytes.extend_from_slice(&u32::try_from(code.len()).ok()?.to_le_bytes());
    bytes.extend_from_slice(code);
    Some(())
}

impl CacheStore for Functions {
    fn get(&self, key: &[u8]) -> Option<Cow<'_, [u8]>> {
        let key = key.try_into().ok()?;
        if let Some(code) = self.kept.get(key) {
            self.used.lock().insert(*key);
            return Some(Cow::Borrowed(code));
        }
        // What stands in a component twice, or in the one that was compiled before.
        let added = self.added.lock();
        added.get(key).map(|code| Cow::Owned(code.clone()))
    }

    fn insert(&self, key: &[u8], code: Vec<u8>) -> bool {
        let Ok(key) = key.try_into() else {
            return false;
        };
        self.added.lock().insert(key, code);
        true
    }
}

impl std::fmt::Debug for Functions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Functions")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const CODE: [u8; 64] = [7; 64];
    /// Bytes of one function in a set.
    const ONE: usize = KEY_BYTES + 4 + CODE.len();

    fn set(keys: &[u8]) -> FunctionSet {
        let mut bytes = Vec::new();
        for key in keys {
            append(&mut bytes, &[*key; KEY_BYTES], &CODE).unwrap();
        }
        FunctionSet::read(bytes).unwrap()
    }

    fn keys(set: Vec<u8>) -> Vec<u8> {
        let set = FunctionSet::read(set).unwrap();
        let mut keys: Vec<_> = set.places.keys().map(|key| key[0]).collect();
        keys.sort_unstable();
        keys
    }

    #[test]
    fn a_set_that_would_grow_too_large_keeps_what_was_needed() {
        let functions = Functions::new(set(&[1, 2, 3]));
        assert!(CacheStore::get(&functions, &[2; KEY_BYTES]).is_some());
        assert!(functions.grown_within(9 * ONE).is_none(), "nothing is new");
        functions.insert(&[4; KEY_BYTES], CODE.to_vec());
        let within = |most: usize| functions.grown_within(most).map(keys);
        assert_eq!(within(4 * ONE), Some(vec![1, 2, 3, 4]));
        assert_eq!(within(4 * ONE - 1), Some(vec![2, 4]));
        assert_eq!(within(2 * ONE - 1), None);
    }
}

//! State in memory, one a thread, with the room that a gateway gives.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::state::Failure;
use crate::testing::stop::denies;

/// Bytes of a key and of a value.
const KEY: usize = 1 << 10;
const VALUE: usize = 1 << 20;
/// Keys, and bytes of all keys and values.
const KEYS: usize = 1 << 16;
const STATE_BYTES: usize = 16 << 20;

#[derive(Clone)]
struct Entry {
    value: Vec<u8>,
    until: Option<Instant>,
}

thread_local! {
    static STATE: RefCell<BTreeMap<String, Entry>> = const { RefCell::new(BTreeMap::new()) };
    static GRANTED: Cell<bool> = const { Cell::new(true) };
}

/// Forgets everything.
pub fn clear() {
    STATE.with_borrow_mut(BTreeMap::clear);
}

/// Whether the operator grants `state`; it is granted unless a test says otherwise.
pub fn grant(granted: bool) {
    GRANTED.set(granted);
}

pub(crate) fn get(key: &str) -> Result<Option<Vec<u8>>, Failure> {
    Ok(entry(key)?.map(|entry| entry.value))
}

pub(crate) fn set(key: &str, value: &[u8], ttl_ms: Option<u64>) -> Result<(), Failure> {
    let until = ttl_ms.and_then(|ttl| Instant::now().checked_add(Duration::from_millis(ttl)));
    put(key, value, until)
}

pub(crate) fn delete(key: &str) -> Result<(), Failure> {
    check()?;
    STATE.with_borrow_mut(|state| state.remove(key));
    Ok(())
}

pub(crate) fn increment(key: &str, by: i64, ttl_ms: Option<u64>) -> Result<i64, Failure> {
    let before = entry(key)?;
    let count = match &before {
        None => 0,
        Some(entry) => i64::from_le_bytes(
            entry
                .value
                .as_slice()
                .try_into()
                .map_err(|_| Failure::Unavailable(format!("{key:?} holds no counter")))?,
        ),
    };
    let sum = count
        .checked_add(by)
        .ok_or_else(|| Failure::Unavailable(format!("{key:?} overflows")))?;
    match before {
        None => set(key, &sum.to_le_bytes(), ttl_ms)?,
        // The window stays where it is.
        Some(entry) => put(key, &sum.to_le_bytes(), entry.until)?,
    }
    Ok(sum)
}

pub(crate) fn compare_and_set(
    key: &str,
    expected: Option<&[u8]>,
    value: &[u8],
    ttl_ms: Option<u64>,
) -> Result<bool, Failure> {
    let stands = get(key)?.as_deref() == expected;
    if stands {
        set(key, value, ttl_ms)?;
    }
    Ok(stands)
}

fn check() -> Result<(), Failure> {
    match GRANTED.get() && !denies("state") {
        true => Ok(()),
        false => Err(Failure::Denied),
    }
}

fn entry(key: &str) -> Result<Option<Entry>, Failure> {
    check()?;
    let now = Instant::now();
    Ok(STATE.with_borrow_mut(|state| {
        state.retain(|_, entry| entry.until.is_none_or(|until| now < until));
        state.get(key).cloned()
    }))
}

fn put(key: &str, value: &[u8], until: Option<Instant>) -> Result<(), Failure> {
    entry(key)?;
    STATE.with_borrow_mut(|state| {
        let others = || state.iter().filter(|(name, _)| *name != key);
        let bytes: usize = others()
            .map(|(name, entry)| name.len() + entry.value.len())
            .sum();
        let fits = key.len() <= KEY
            && value.len() <= VALUE
            && others().count() < KEYS
            && bytes + key.len() + value.len() <= STATE_BYTES;
        if !fits {
            return Err(Failure::Quota);
        }
        let value = value.into();
        state.insert(key.into(), Entry { value, until });
        Ok(())
    })
}

//! State in memory, one a thread. Time-to-live is accepted and never passes.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::state::Failure;

thread_local! {
    static STATE: RefCell<BTreeMap<String, Vec<u8>>> = const { RefCell::new(BTreeMap::new()) };
}

/// Forgets everything.
pub fn clear() {
    STATE.with_borrow_mut(BTreeMap::clear);
}

pub(crate) fn get(key: &str) -> Result<Option<Vec<u8>>, Failure> {
    Ok(STATE.with_borrow(|state| state.get(key).cloned()))
}

pub(crate) fn set(key: &str, value: &[u8], _ttl_ms: Option<u64>) -> Result<(), Failure> {
    STATE.with_borrow_mut(|state| state.insert(key.into(), value.into()));
    Ok(())
}

pub(crate) fn delete(key: &str) -> Result<(), Failure> {
    STATE.with_borrow_mut(|state| state.remove(key));
    Ok(())
}

pub(crate) fn increment(key: &str, by: i64, ttl_ms: Option<u64>) -> Result<i64, Failure> {
    let before = match get(key)? {
        None => 0,
        Some(bytes) => i64::from_le_bytes(
            bytes
                .try_into()
                .map_err(|_| Failure::Unavailable(format!("{key:?} holds no counter")))?,
        ),
    };
    let sum = before
        .checked_add(by)
        .ok_or_else(|| Failure::Unavailable(format!("{key:?} overflows")))?;
    set(key, &sum.to_le_bytes(), ttl_ms)?;
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

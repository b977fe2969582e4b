//! Memory between calls, scoped to this interceptor and shared by everything that runs it. Without the grant every
//! function answers [`Failure::Denied`].

use std::time::Duration;

#[cfg(target_family = "wasm")]
use crate::bindings::contract::state as imports;
#[cfg(not(target_family = "wasm"))]
use crate::testing::state as imports;

pub use crate::bindings::contract::state::Failure;

/// The value under a key; none where there is none.
///
/// # Errors
///
/// [`Failure::Denied`] without the grant of state, [`Failure::Unavailable`] where the store cannot be read or written.
pub fn get(key: &str) -> Result<Option<Vec<u8>>, Failure> {
    imports::get(key)
}

/// Sets the value under a key. Without a TTL the value stays until it is deleted; with one, for that long from now.
///
/// # Errors
///
/// [`Failure::Denied`] without the grant of state, [`Failure::Unavailable`] where the store cannot be read or written,
/// [`Failure::Quota`] where the interceptor has used up its share of the store.
pub fn set(key: &str, value: &[u8], ttl: Option<Duration>) -> Result<(), Failure> {
    imports::set(key, value, milliseconds(ttl))
}

/// Removes the value under a key. A key without a value is no failure.
///
/// # Errors
///
/// [`Failure::Denied`] without the grant of state, [`Failure::Unavailable`] where the store cannot be read or written.
pub fn delete(key: &str) -> Result<(), Failure> {
    imports::delete(key)
}

/// Adds to a counter and gives the sum; nothing counts as 0. The TTL is set when the counter is made and not moved
/// afterwards, so a counter is a window.
///
/// # Errors
///
/// [`Failure::Denied`] without the grant of state, [`Failure::Unavailable`] where the store cannot be read or written,
/// or where the value is no counter, [`Failure::Quota`] where the interceptor has used up its share of the store.
pub fn increment(key: &str, by: i64, ttl: Option<Duration>) -> Result<i64, Failure> {
    imports::increment(key, by, milliseconds(ttl))
}

/// Sets only where `expected` (none: nothing) still stands; false where it does not.
///
/// # Errors
///
/// [`Failure::Denied`] without the grant of state, [`Failure::Unavailable`] where the store cannot be read or written,
/// [`Failure::Quota`] where the interceptor has used up its share of the store.
pub fn compare_and_set(
    key: &str,
    expected: Option<&[u8]>,
    value: &[u8],
    ttl: Option<Duration>,
) -> Result<bool, Failure> {
    imports::compare_and_set(key, expected, value, milliseconds(ttl))
}

/// Rounded up: a TTL shorter than the contract's unit is not "at once".
fn milliseconds(ttl: Option<Duration>) -> Option<u64> {
    ttl.map(|ttl| u64::try_from(ttl.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX))
}

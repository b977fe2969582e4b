//! Call ids: the id of a call in logs, traces and errors.

use std::time::{SystemTime, UNIX_EPOCH};

use sandgate_message::CallId;

/// Returns a new call id: 26 hexadecimal digits, of which 56 bits are microseconds since 1970 and 48 bits are random.
/// Ids sort by time, cannot be guessed and do not repeat.
pub fn new_id() -> CallId {
    let micros = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_micros() as u64);
    let random = rand::random::<u64>() >> 16;
    let number = u128::from(micros & ((1 << 56) - 1)) << 48 | u128::from(random);
    let digits: [u8; 26] =
        std::array::from_fn(|n| b"0123456789abcdef"[(number >> (4 * (25 - n)) & 0xf) as usize]);
    CallId(std::str::from_utf8(&digits).unwrap_or_default().into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn ids_sort_by_time_and_differ() {
        let first = new_id();
        let twin = new_id();
        std::thread::sleep(std::time::Duration::from_millis(2));
        let later = new_id();
        assert_eq!(first.0.len(), 26);
        let micros = u64::from_str_radix(&later.0[..14], 16).unwrap();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        assert!(now.as_micros() as u64 - micros < 60_000_000);
        assert!(first < later && twin < later);
        assert_ne!(first, twin);
    }
}

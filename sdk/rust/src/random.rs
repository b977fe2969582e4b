//! Randomness that the host draws anew for every run. Whatever was seeded in `configure` (a `HashMap`'s keys among it)
//! is part of the snapshot and the same in every run: do not take it for random.
#![allow(
    unsafe_code,
    reason = "the C library's own call, with the pointer and length of a live slice"
)]

/// Fills the bytes.
///
/// # Panics
/// Where the host has none to give; a policy that needs it cannot go on.
pub fn fill(bytes: &mut [u8]) {
    unsafe extern "C" {
        fn getentropy(buffer: *mut u8, length: usize) -> i32;
    }
    // No more than this at a time, by its definition.
    for part in bytes.chunks_mut(256) {
        #[allow(
            unsafe_code,
            reason = "the C library's own; the pointer and length are those of a live slice"
        )]
        let outcome = unsafe { getentropy(part.as_mut_ptr(), part.len()) };
        assert!(outcome == 0, "the host gave no randomness");
    }
}

/// Eight random bytes as a number.
pub fn u64() -> u64 {
    let mut bytes = [0; 8];
    fill(&mut bytes);
    u64::from_le_bytes(bytes)
}

#[cfg(test)]
mod tests {
    #[test]
    fn two_draws_differ() {
        assert_ne!(super::u64(), super::u64());
    }

    #[test]
    fn long_buffers_are_filled_to_the_end() {
        let mut bytes = [0; 1000];
        super::fill(&mut bytes);
        assert!(bytes[900..].iter().any(|byte| *byte != 0));
    }
}

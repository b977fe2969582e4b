//! Tells a task that waits for something from one that only lets others have the thread.
//!
//! A long computation gives way now and then and is polled again soon. A limiter of concurrent computations lets it
//! keep its place meanwhile, and takes the place from tasks that wait for something. A waker does not tell the two
//! apart.

use std::cell::Cell;

thread_local! {
    static GAVE_WAY: Cell<bool> = const { Cell::new(false) };
}

/// Marks that the future polled on this thread could go on at once, and lets others go first.
pub fn give_way() {
    GAVE_WAY.set(true);
}

/// Polls something, and returns whether anything within it gave way.
pub fn polled<T>(poll: impl FnOnce() -> T) -> (T, bool) {
    let before = GAVE_WAY.replace(false);
    let result = poll();
    let gave_way = GAVE_WAY.get();
    // An outer `polled` has to see the mark as well.
    GAVE_WAY.set(before || gave_way);
    (result, gave_way)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_polls_is_told_of_what_gives_way_within() {
        let ((), outer) = polled(|| {
            assert_eq!(polled(|| 1), (1, false));
            assert_eq!(polled(give_way), ((), true));
            assert_eq!(polled(|| 2), (2, false));
        });
        assert!(outer);
        assert_eq!(polled(|| 3), (3, false));
    }
}

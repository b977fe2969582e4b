//! Gives memory back to the system.

/// Gives back what is free in the allocator. To compile a plugin takes up to some hundred megabytes for a moment, in the
/// arenas of several threads, and glibc keeps what is free between blocks that live on. Takes milliseconds.
pub(crate) async fn give_back() {
    // On its own thread: it holds each arena's lock for a while.
    let _ = tokio::task::spawn_blocking(trim).await;
}

#[cfg(target_env = "gnu")]
fn trim() {
    // SAFETY: the function takes a number, and may be called at any time from any thread.
    #[allow(
        unsafe_code,
        reason = "glibc's own function, which no safe crate offers"
    )]
    unsafe {
        libc::malloc_trim(0);
    }
}

#[cfg(not(target_env = "gnu"))]
fn trim() {}

//! Stops dead.

sandgate_zoo::misbehaves!(|_, _| {
    #[cfg(target_family = "wasm")]
    core::arch::wasm32::unreachable();
    #[cfg(not(target_family = "wasm"))]
    std::process::abort()
});

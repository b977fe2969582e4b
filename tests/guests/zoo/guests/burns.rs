//! Computes for some milliseconds, as a policy may that looks closely, and then refuses what is called `forbidden`.

sandgate_zoo::misbehaves!(|_, params| {
    std::hint::black_box((0..4_000_000_u64).map(std::hint::black_box).sum::<u64>());
    match params.get("/name").as_deref() {
        Some("\"forbidden\"") => Ok(sandgate_sdk::refuse("forbidden", "not this one").into()),
        _ => Ok(sandgate_sdk::PreDecision::Proceed),
    }
});

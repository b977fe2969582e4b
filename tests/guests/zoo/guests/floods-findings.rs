//! Finds something ten thousand times, at length.

use sandgate_sdk::{PreDecision, finding};

sandgate_zoo::misbehaves!(|_, _| {
    for _ in 0..10_000 {
        finding("flood".repeat(1000), "flood ".repeat(1000))
            .at("/flood".repeat(1000))
            .report();
    }
    Ok(PreDecision::Proceed)
});

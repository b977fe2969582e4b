//! Writes a great deal to the log, some of it made to look like other lines.

use sandgate_sdk::{Level, PreDecision, log};

sandgate_zoo::misbehaves!(|_, _| {
    log(
        Level::Info,
        "innocent\n2026-01-01T00:00:00Z INFO forged=true \x1b[31mred",
    );
    for _ in 0..10_000 {
        log(Level::Info, &"flood ".repeat(1000));
    }
    Ok(PreDecision::Proceed)
});

//! Waits in the host for longer than it has.

use std::time::Duration;

sandgate_zoo::misbehaves!(|_, _| {
    std::thread::sleep(Duration::from_secs(3600));
    Ok(sandgate_sdk::PreDecision::Proceed)
});

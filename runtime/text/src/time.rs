//! Times as people and programs read them.

use std::time::SystemTime;

/// In UTC, to the second (RFC 3339).
pub fn time(time: SystemTime) -> String {
    humantime::format_rfc3339_seconds(time.max(SystemTime::UNIX_EPOCH)).to_string()
}

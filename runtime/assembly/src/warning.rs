//! Warnings about what is probably a mistake.

use sandgate_config::{Issue, Loaded, Severity, Side};

/// A warning at a value.
pub(super) fn warning(loaded: &Loaded, place: &str, why: impl std::fmt::Display) -> Issue {
    Issue {
        severity: Severity::Warning,
        ..loaded.error(place, Side::Value, why)
    }
}

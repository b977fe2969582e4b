//! The result of one fixture.

use std::time::Duration;

/// The result of a fixture.
pub(crate) struct FixtureResult {
    pub(crate) name: String,
    pub(crate) took: Duration,
    /// What is not as expected, for people. `None` if everything is.
    pub(crate) wrong: Option<String>,
}

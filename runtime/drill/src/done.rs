//! What was done to its end.

use serde::Serialize;

use crate::step::Step;

/// The harmless calls before the steps.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Control {
    pub(crate) us: u64,
}

/// What was done to its end.
pub(crate) struct Done {
    pub(crate) control: Control,
    pub(crate) steps: Vec<Step>,
}

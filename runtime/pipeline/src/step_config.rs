//! What the operator says of one interceptor: where, when and how it runs.

use std::time::Duration;

use crate::refusal::RefusalStyle;
use crate::scope::Scope;

/// Whether an interceptor's decisions count.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// They count.
    #[default]
    Active,
    /// They are recorded; nothing is blocked or changed.
    Audit,
}

/// Which reply a validator looks at.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Sees {
    /// What the asker gets.
    #[default]
    Final,
    /// What came, before any mutator.
    Raw,
}

/// Where and how an interceptor runs.
#[derive(Clone, Debug)]
pub struct StepConfig {
    /// What it is asked about.
    pub scope: Scope,
    /// Whether its decisions count.
    pub mode: Mode,
    /// A run that fails counts as if it had proceeded; otherwise the call is refused, the reply withheld. One that load
    /// kept from deciding is no such failure: its call is refused in any case.
    pub fail_open: bool,
    /// Of one hook run: what it computes, and waits for what it asks for; more than zero, an hour at most.
    pub timeout: Duration,
    /// Of a validator with a post-call only.
    pub sees: Sees,
    /// How its refusals reach the asker; none: as the chain says.
    pub refusal: Option<RefusalStyle>,
}

impl Default for StepConfig {
    /// Everywhere the plugin asks to be, active, fail closed, 50 ms.
    fn default() -> Self {
        Self {
            scope: Scope::default(),
            mode: Mode::Active,
            fail_open: false,
            timeout: Duration::from_millis(50),
            sees: Sees::Final,
            refusal: None,
        }
    }
}

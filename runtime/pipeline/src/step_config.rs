//! The operator's settings for one interceptor: where, when and how it runs.

use std::time::Duration;

use crate::refusal::RefusalStyle;
use crate::scope::Scope;

/// Whether its decisions count.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// They do.
    #[default]
    Active,
    /// They are recorded.
    Audit,
}

/// Which reply a validator judges.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Sees {
    /// What the client gets.
    #[default]
    Final,
    /// What the server sent.
    Raw,
}

/// Where and how an interceptor runs.
#[derive(Clone, Debug)]
pub struct StepConfig {
    /// The messages that the interceptor is asked about.
    pub scope: Scope,
    /// Whether the interceptor's decisions count.
    pub mode: Mode,
    /// Whether a run that fails counts as if it had proceeded. Otherwise the call is refused, or the reply withheld. A
    /// run that load kept from deciding is no such failure: its call is refused in any case.
    pub fail_open: bool,
    /// The timeout of one hook run: the time that it computes or waits for what it asks for. More than zero, at most an
    /// hour. Default: 50 ms.
    pub timeout: Duration,
    /// Which reply the interceptor looks at. For a validator with a post-call only.
    pub sees: Sees,
    /// How the interceptor's refusals reach the requester. `None`: as the chain says.
    pub refusal: Option<RefusalStyle>,
    /// Where the interceptor's plugin is from. `None`: from no registry.
    pub origin: Option<Origin>,
}

/// Where a plugin is from: a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The reference, with the digest of the manifest: `oci://ghcr.io/example/mask:1@sha256:…`.
    pub reference: String,
    /// By whom the plugin is signed. `None`: nobody asks for that.
    pub signer: Option<String>,
}

impl Default for StepConfig {
    /// Everywhere the plugin asks to be, active, fail-closed, with a timeout of 50 ms.
    fn default() -> Self {
        Self {
            scope: Scope::default(),
            mode: Mode::Active,
            fail_open: false,
            timeout: Duration::from_millis(50),
            sees: Sees::Final,
            refusal: None,
            origin: None,
        }
    }
}

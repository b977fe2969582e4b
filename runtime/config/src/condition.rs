//! The conditions of the gateway itself, by name.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Config, OnFailure};

/// Something that may be wrong with the gateway itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ConditionName {
    /// The call log cannot be written.
    CallLog,
    /// Checkpoints of the call log cannot be signed, written or kept elsewhere.
    Audit,
    /// The certificate that clients are shown ends in less than seven days.
    CertificateExpiring,
    /// The certificate that clients are shown has ended.
    CertificateExpired,
    /// The file that keeps what interceptors remember cannot be written.
    State,
    /// The gateway's own log cannot be written.
    Log,
    /// The last change of configuration was refused.
    Reload,
}

impl ConditionName {
    /// All conditions.
    pub const ALL: [Self; 7] = [
        Self::CallLog,
        Self::Audit,
        Self::CertificateExpiring,
        Self::CertificateExpired,
        Self::State,
        Self::Log,
        Self::Reload,
    ];

    /// The condition's name in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CallLog => "call-log",
            Self::Audit => "audit",
            Self::CertificateExpiring => "certificate-expiring",
            Self::CertificateExpired => "certificate-expired",
            Self::State => "state",
            Self::Log => "log",
            Self::Reload => "reload",
        }
    }
}

impl Config {
    /// The conditions that make `/readyz` answer 503: those that are written. By default it is a call log that cannot
    /// be written, if calls are then refused.
    pub fn not_ready_when(&self) -> Vec<ConditionName> {
        match (&self.gateway.not_ready_when, self.call_log.on_failure) {
            (Some(written), _) => written.clone(),
            (None, OnFailure::Refuse) => vec![ConditionName::CallLog],
            (None, OnFailure::Continue) => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_condition_is_written_as_it_is_called() {
        for name in ConditionName::ALL {
            assert_eq!(serde_json::to_value(name).unwrap(), name.as_str());
        }
    }
}

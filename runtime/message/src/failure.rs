//! The few ways in which an interceptor can fail. Each is answered by that interceptor's own policy.

use std::time::Duration;

/// Why a hook run has no decision.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// It could not be prepared; runs of a fail-open interceptor that never loaded end so.
    #[error("not loaded: {0}")]
    Load(String),
    /// It crashed. `detail` has the guest's backtrace and the tail of its stderr: for the operator's log, never for the
    /// caller, since a guest may print what it was given.
    #[error("crashed: {reason}")]
    Trap {
        /// Wasmtime's word for it, for example `unreachable`.
        reason: String,
        /// Backtrace and stderr.
        detail: String,
    },
    /// It ran, or waited for a place, longer than its timeout.
    #[error("took longer than {} ms", .0.as_millis())]
    Deadline(Duration),
    /// It asked for more memory or table space than it is given.
    #[error("asked for more than its {0} bytes of memory")]
    Memory(u64),
    /// It went over a quota other than memory; says which.
    #[error("went over its quota of {0}")]
    Quota(&'static str),
    /// What it returned makes no sense; says why, without repeating it.
    #[error("returned something unusable: {0}")]
    Malformed(String),
    /// Its own error result. The text may repeat the payload, so it is kept apart from the message.
    #[error("reported an error of its own")]
    Own(String),
}

impl Failure {
    /// The kind, as logs and metrics spell it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Load(_) => "load",
            Self::Trap { .. } => "trap",
            Self::Deadline(_) => "deadline",
            Self::Memory(_) => "memory",
            Self::Quota(_) => "quota",
            Self::Malformed(_) => "malformed",
            Self::Own(_) => "own-error",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_failure_says_repeats_nothing_that_a_guest_said() {
        let secret = "4111 1111 1111 1111";
        let trap = Failure::Trap {
            reason: "unreachable".into(),
            detail: secret.into(),
        };
        for failure in [trap, Failure::Own(secret.into())] {
            assert!(!failure.to_string().contains(secret), "{}", failure.kind());
        }
        assert_eq!(
            Failure::Deadline(Duration::from_millis(50)).to_string(),
            "took longer than 50 ms"
        );
    }
}

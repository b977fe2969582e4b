//! The ways in which an interceptor can fail. The interceptor's own policy says how each is answered.

use std::time::Duration;

/// Why a hook run has no decision.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The interceptor could not be prepared. Runs of a fail-open interceptor that never loaded end so.
    #[error("not loaded: {0}")]
    Load(String),
    /// The guest crashed.
    #[error("crashed: {reason}")]
    Trap {
        /// The guest's reason, for example `panic`, or wasmtime's, for example `unreachable`.
        reason: String,
        /// The author's own frames, as in [`Self::Own`].
        frames: Vec<String>,
        /// The guest's last words and the tail of its stderr. For the operator's log, never for the caller, since a
        /// guest may print what it was given.
        detail: String,
    },
    /// The run computed, and waited for what it asked the host for, longer than its timeout.
    #[error("took longer than {} ms", limit.as_millis())]
    Deadline {
        /// The timeout.
        limit: Duration,
        /// Where the guest computed when it was stopped, as in [`Self::Own`]. Empty if it waited for the host then, or if
        /// its frames are not known.
        frames: Vec<String>,
    },
    /// The gateway was overloaded; the text says what the run waited for. The call is refused whatever the
    /// interceptor's policy for failures is, since a caller could bring the overload about.
    #[error("waited too long for {0}")]
    Overload(&'static str),
    /// The guest asked for more memory or table space than it is given. The limit is in bytes.
    #[error("asked for more than its {0} bytes of memory")]
    Memory(u64),
    /// The guest exceeded a quota other than memory; the text says which.
    #[error("went over its quota of {0}")]
    Quota(&'static str),
    /// The guest returned something unusable. The text says why, without repeating it.
    #[error("returned something unusable: {0}")]
    Malformed(String),
    /// The guest returned an error of its own.
    #[error("reported an error of its own: {kind}")]
    Own {
        /// The error's type as its language names it, for example `ValueError`; never the payload.
        kind: String,
        /// The author's own frames, innermost first, for example `plugin.py:12 in scrub`; never the payload.
        frames: Vec<String>,
        /// The error's message. It may repeat the payload, so it is kept apart from the failure's own message.
        detail: String,
    },
}

impl Failure {
    /// A deadline that passed while the run waited, or without known frames.
    pub fn deadline(limit: Duration) -> Self {
        Self::Deadline {
            limit,
            frames: Vec::new(),
        }
    }

    /// The failure's kind in logs and metrics.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Load(_) => "load",
            Self::Trap { .. } => "trap",
            Self::Deadline { .. } => "deadline",
            Self::Overload(_) => "overload",
            Self::Memory(_) => "memory",
            Self::Quota(_) => "quota",
            Self::Malformed(_) => "malformed",
            Self::Own { .. } => "own-error",
        }
    }

    /// The name of a guest's own malfunction: an error's type, or why the guest crashed. `None` for other failures.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Trap { reason, .. } => Some(reason),
            Self::Own { kind, .. } => Some(kind),
            _ => None,
        }
    }

    /// The author's own frames, innermost first. Empty if none are known.
    pub fn frames(&self) -> &[String] {
        match self {
            Self::Trap { frames, .. }
            | Self::Own { frames, .. }
            | Self::Deadline { frames, .. } => frames,
            _ => &[],
        }
    }

    /// What a failing guest said, which may repeat the payload. Empty if the operator did not ask for it.
    pub fn detail(&self) -> &str {
        match self {
            Self::Trap { detail, .. } | Self::Own { detail, .. } => detail,
            _ => "",
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
            frames: Vec::new(),
            detail: secret.into(),
        };
        let own = Failure::Own {
            kind: "ValueError".into(),
            frames: vec!["plugin.py:12 in scrub".into()],
            detail: secret.into(),
        };
        for failure in [trap, own] {
            assert!(!failure.to_string().contains(secret), "{}", failure.kind());
            assert_eq!(failure.detail(), secret);
        }
        assert_eq!(
            Failure::deadline(Duration::from_millis(50)).to_string(),
            "took longer than 50 ms"
        );
    }
}

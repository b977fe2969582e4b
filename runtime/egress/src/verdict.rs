//! What became of a connection.

/// What became of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was let through by the list.
    Allowed,
    /// It was let through because of the audit, and the list would have refused it.
    Audited,
    /// A rule or a bound refused it.
    Refused,
    /// It could not be made, or was not asked for.
    Failed,
}

impl Verdict {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Allowed, Self::Audited, Self::Refused, Self::Failed];

    /// The word in logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Audited => "audited",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

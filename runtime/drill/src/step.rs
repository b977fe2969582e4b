//! A step of a drill: what was done, expected and seen.

use serde::Serialize;

use crate::seen::{Seen, micros};

/// What became of what a step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It had no effect.
    Stopped,
    /// It had its effect, and somebody can know.
    Noticed,
    /// It had its effect, and nobody knows.
    PassedUnseen,
}

impl Verdict {
    /// The verdict, for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Noticed => "noticed",
            Self::PassedUnseen => "passed unseen",
        }
    }
}

/// What should have looked at a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Guard {
    /// The builtin plugin of this name.
    Plugin(&'static str),
    /// Keys of clients.
    Keys,
    /// The gateway's own stops.
    Stops,
    /// The gateway's own timeouts.
    Hangs,
    /// The call log.
    Log,
}

/// A step of a drill.
#[derive(Clone, Debug, Serialize)]
pub struct Step {
    /// What was done.
    pub done: String,
    /// What was expected.
    pub expected: &'static str,
    /// What was seen.
    pub seen: String,
    /// What became of it.
    pub verdict: Verdict,
    /// Who did or noticed something, with what and the code.
    pub by: Vec<String>,
    /// The rules of `[[alerts]]` that it raised.
    pub alerts: Vec<String>,
    /// Microseconds until it was answered, or in force.
    pub us: u64,
    /// The call's id in the drill's call log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call: Option<String>,
    #[serde(skip)]
    pub(crate) guard: Guard,
}

impl Step {
    /// A step that is one call. `harmed`: it had its effect.
    ///
    /// # Errors
    ///
    /// It had no effect, and no decision in force says why.
    pub(crate) fn of_call(
        done: impl Into<String>,
        guard: Guard,
        seen: &Seen,
        harmed: bool,
        words: [&str; 2],
    ) -> Result<Self, crate::DrillError> {
        let done = done.into();
        if !harmed && !seen.detections.iter().any(|one| one.in_force) {
            let by = match seen.by() {
                by if by.is_empty() => String::new(),
                by => format!(" ({})", by.join(", ")),
            };
            return Err(crate::DrillError::Unexplained(format!(
                "{done}: {}{by}",
                words[1]
            )));
        }
        let noticed = !seen.detections.is_empty() || !seen.alerts.is_empty();
        Ok(Self {
            done,
            expected: "stopped, or noticed",
            seen: words[usize::from(!harmed)].to_owned(),
            verdict: match (harmed, noticed) {
                (false, _) => Verdict::Stopped,
                (true, true) => Verdict::Noticed,
                (true, false) => Verdict::PassedUnseen,
            },
            by: seen.by(),
            alerts: seen.alerts.clone(),
            us: micros(seen.answer.took),
            call: seen.record.as_ref().map(|record| record.id.clone()),
            guard,
        })
    }
}

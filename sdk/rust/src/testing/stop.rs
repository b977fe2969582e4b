//! Why the gateway ends a run, or cannot use what a hook decided: the kind of the failure, and the gateway's words.

use std::cell::RefCell;
use std::fmt;
use std::panic::resume_unwind;

use crate::testing::manifest::Manifest;

/// A failure that the gateway notices, whatever the hook makes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stopped {
    /// `malformed` or `quota`.
    pub(crate) kind: &'static str,
    pub(crate) says: String,
}

thread_local! {
    /// Of the run in progress; none outside of one.
    static RUN: RefCell<Option<Run>> = const { RefCell::new(None) };
}

/// A run of a hook or of `configure`.
#[derive(Default)]
pub(crate) struct Run {
    /// What the plugin asks for; none where there is no manifest: everything is granted.
    pub(crate) manifest: Option<Manifest>,
    /// `configure` computes from its settings alone.
    pub(crate) configuring: bool,
    pub(crate) stopped: Option<Stopped>,
}

/// A decision that cannot be applied.
pub(crate) fn malformed(says: impl Into<String>) -> Stopped {
    Stopped {
        kind: "malformed",
        says: says.into(),
    }
}

/// More of something than a run may have.
pub(crate) fn over(what: &str) -> Stopped {
    Stopped {
        kind: "quota",
        says: format!("went over its quota of {what}"),
    }
}

/// Ends the run that is in progress. A hook that a test calls itself panics.
pub(crate) fn stop(why: Stopped) -> ! {
    let running = RUN.with_borrow_mut(|run| match run {
        None => false,
        Some(run) => {
            run.stopped.get_or_insert_with(|| why.clone());
            true
        }
    });
    if running {
        // Without a message: what came of the run says it.
        resume_unwind(Box::new(why))
    }
    panic!("{why}")
}

/// Whether the run in progress may not use this import. Nothing is denied to a hook that a test calls itself.
pub(crate) fn denies(what: &str) -> bool {
    RUN.with_borrow(|run| {
        run.as_ref().is_some_and(|run| {
            let asked = run.manifest.as_ref();
            run.configuring || asked.is_some_and(|manifest| !manifest.asks_for(what))
        })
    })
}

/// Runs a hook, and says why it was stopped, where it was.
pub(crate) fn within<T>(run: Run, hook: impl FnOnce() -> T) -> Result<T, Stopped> {
    RUN.set(Some(run));
    let came = std::panic::catch_unwind(std::panic::AssertUnwindSafe(hook));
    let stopped = RUN.take().and_then(|run| run.stopped);
    match (stopped, came) {
        (Some(stopped), _) => Err(stopped),
        (None, Ok(came)) => Ok(came),
        // The test's own failure, or the hook's: a trap in a gateway.
        (None, Err(panic)) => resume_unwind(panic),
    }
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind, self.says)
    }
}

//! The audit runs of a phase. Nothing waits for them before the end of the phase.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use crate::hook_run::{FinishedRun, HookRun, HookRuns, poll_next};

/// The audit runs that have not finished.
#[derive(Default)]
pub(crate) struct AuditRuns<'a>(Option<HookRuns<'a>>);

impl<'a> AuditRuns<'a> {
    pub(crate) fn push(&mut self, run: HookRun<'a>) {
        self.0.get_or_insert_default().push(run);
    }

    /// Waits for the next run to finish. `None` once all have.
    pub(crate) async fn next(&mut self) -> Option<FinishedRun> {
        let runs = self.0.as_mut()?;
        poll_fn(|context| poll_next(runs, context)).await
    }

    /// Waits for `main`, and polls the runs meanwhile. Returns those that finished as well.
    pub(crate) async fn beside<T>(
        &mut self,
        main: impl Future<Output = T>,
    ) -> (T, Vec<FinishedRun>) {
        let mut over = Vec::new();
        let Some(runs) = &mut self.0 else {
            return (main.await, over);
        };
        let mut main = pin!(main);
        let result = poll_fn(|context| {
            while let Poll::Ready(Some(decided)) = poll_next(runs, context) {
                over.push(decided);
            }
            main.as_mut().poll(context)
        })
        .await;
        (result, over)
    }
}

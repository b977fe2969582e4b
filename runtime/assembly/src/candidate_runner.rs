//! Runs candidates on one thread for all of them, at a lower priority. So a candidate never takes a thread from a call,
//! and no call ever waits for it.

use std::sync::{Arc, Weak};
use std::time::Duration;

use sandgate_pipeline::Candidate;
use tokio::runtime::{Builder, Runtime};

/// How long an offer waits at most if nothing is before it. Polling for offers instead of being woken by them keeps a
/// system call out of every call's way.
const LOOK: Duration = Duration::from_millis(5);
/// The niceness of the thread: where all processors are busy, it gets about a third of what others get. A higher
/// niceness would stop the thread for long while it holds a lock of the pool.
const NICER: i32 = 5;

/// Runs candidates. Starts its thread with the first candidate.
#[derive(Default)]
pub(crate) struct CandidateRunner {
    runtime: Option<Runtime>,
}

impl CandidateRunner {
    /// Runs the candidate's offers until the candidate is dropped with its chain.
    pub(crate) fn run(&mut self, candidate: &Arc<Candidate>) {
        let runtime = match &mut self.runtime {
            Some(runtime) => runtime,
            none => match thread() {
                Ok(runtime) => none.insert(runtime),
                Err(error) => {
                    // Offers are then dropped and counted. Calls go on as before.
                    let interceptor = &**candidate.step().name();
                    tracing::warn!(interceptor, "its candidate will not run: {error}");
                    return;
                }
            },
        };
        runtime.spawn(keep(Arc::downgrade(candidate)));
    }
}

async fn keep(candidate: Weak<Candidate>) {
    while let Some(candidate) = candidate.upgrade() {
        candidate.drain().await;
        drop(candidate);
        tokio::time::sleep(LOOK).await;
    }
}

fn thread() -> std::io::Result<Runtime> {
    Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("sandgate-candidates")
        .on_thread_start(|| {
            // On Linux the niceness is the thread's own. If it cannot be set, the thread runs at normal priority.
            let _ = rustix::process::nice(NICER);
        })
        .enable_all()
        .build()
}

impl Drop for CandidateRunner {
    fn drop(&mut self) {
        // The runner may be dropped on a thread that must not block.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

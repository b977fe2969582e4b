//! Where candidates run: one thread for all of them, which the system gives what others leave over. So a candidate never
//! takes a thread from a call, and no call ever waits for it.

use std::sync::{Arc, Weak};
use std::time::Duration;

use sandgate_pipeline::Candidate;
use tokio::runtime::{Builder, Runtime};

/// How long an offer waits at most where nothing is before it. Looking for offers rather than being woken by them keeps a
/// system call out of every call's way.
const LOOK: Duration = Duration::from_millis(5);
/// How much less than others the thread may claim of a processor (in nice's steps: about a third of what they get, where
/// all are busy). Not the least there is: it would then be stopped for long with a lock of the pool in its hands.
const NICER: i32 = 5;

/// Runs candidates. Without one it is nothing.
#[derive(Default)]
pub(crate) struct CandidateRunner {
    runtime: Option<Runtime>,
}

impl CandidateRunner {
    /// Runs what is offered to it, until its chain is gone.
    pub(crate) fn run(&mut self, candidate: &Arc<Candidate>) {
        let runtime = match &mut self.runtime {
            Some(runtime) => runtime,
            none => match thread() {
                Ok(runtime) => none.insert(runtime),
                Err(error) => {
                    // What is offered to it is dropped and counted; calls are as they are.
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
            // On Linux this is the thread's own; where it is not to be had, the thread is as the others are.
            let _ = rustix::process::nice(NICER);
        })
        .enable_all()
        .build()
}

impl Drop for CandidateRunner {
    fn drop(&mut self) {
        // It may be dropped on a thread that must not wait.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

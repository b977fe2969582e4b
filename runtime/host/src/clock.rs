//! The epoch clock: it increments the engine's epoch while a guest can run, so that guests can be interrupted. It parks
//! its thread otherwise.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, Thread};
use std::time::Duration;

use wasmtime::Engine;

/// The time between two ticks. A guest is stopped at most this late, and yields its thread at least this often.
pub(crate) const TICK: Duration = Duration::from_micros(500);

/// Ticks without a guest after which the clock parks. Waking the thread for each of many calls would cost more than
/// these ticks.
const IDLE_TICKS: u32 = 20;

/// The epoch clock of one engine. It has a thread of its own, because a guest can keep every thread of the async
/// runtime busy. The thread ends when the clock is dropped.
pub(crate) struct EpochClock {
    shared: Arc<Shared>,
    thread: Thread,
}

/// Keeps the clock ticking. A guest must run only while it is held.
pub(crate) struct TickGuard<'a>(&'a Shared);

struct Shared {
    /// Guests that can run. The only value that runs on different processors both write.
    guests: AtomicUsize,
    /// The clock is parked; [`EpochClock::start`] wakes it.
    parked: AtomicBool,
    /// The clock has been dropped and its thread ends.
    stopped: AtomicBool,
}

impl EpochClock {
    /// Starts the clock of `engine`. The thread holds the engine weakly.
    pub(crate) fn new(engine: &Engine) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            guests: AtomicUsize::new(0),
            parked: AtomicBool::new(false),
            stopped: AtomicBool::new(false),
        });
        let (weak, own) = (engine.weak(), shared.clone());
        let ticks = move || {
            let Some(engine) = weak.upgrade() else {
                return false;
            };
            engine.increment_epoch();
            true
        };
        let ticking = thread::Builder::new()
            .name("sandgate-epoch".into())
            .spawn(move || own.run(ticks))?;
        Ok(Self {
            shared,
            thread: ticking.thread().clone(),
        })
    }

    /// Makes the clock tick until the returned guard is dropped. To be called before a guest can run.
    pub(crate) fn start(&self) -> TickGuard<'_> {
        // This thread counts the guest first and reads `parked` second; the clock sets `parked` first and reads the
        // count second. So at least one of them sees the other.
        self.shared.guests.fetch_add(1, Ordering::SeqCst);
        if self.shared.parked.load(Ordering::SeqCst) {
            self.wake();
        }
        TickGuard(&self.shared)
    }

    fn wake(&self) {
        self.shared.parked.store(false, Ordering::SeqCst);
        self.thread.unpark();
    }
}

impl Shared {
    /// The clock's thread: ticks until the clock is dropped or `ticks` returns `false`.
    fn run(&self, mut ticks: impl FnMut() -> bool) {
        let mut idle = 0;
        while !self.stopped.load(Ordering::SeqCst) {
            thread::sleep(TICK);
            if !ticks() {
                return;
            }
            idle = match self.guests.load(Ordering::SeqCst) {
                0 => idle + 1,
                _ => 0,
            };
            if idle >= IDLE_TICKS {
                self.park();
                idle = 0;
            }
        }
    }

    fn park(&self) {
        self.parked.store(true, Ordering::SeqCst);
        let nobody =
            || self.guests.load(Ordering::SeqCst) == 0 && !self.stopped.load(Ordering::SeqCst);
        while self.parked.load(Ordering::SeqCst) && nobody() {
            thread::park();
        }
        self.parked.store(false, Ordering::SeqCst);
    }
}

impl Drop for TickGuard<'_> {
    fn drop(&mut self) {
        self.0.guests.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Drop for EpochClock {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        self.wake();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::Instant;

    use super::*;

    fn eventually(so: impl Fn() -> bool) -> bool {
        let until = Instant::now() + Duration::from_secs(10);
        while Instant::now() < until {
            if so() {
                return true;
            }
            thread::sleep(Duration::from_millis(1));
        }
        false
    }

    #[test]
    fn it_ticks_while_a_guest_can_run_and_is_parked_otherwise() {
        let shared = Arc::new(Shared {
            guests: AtomicUsize::new(0),
            parked: AtomicBool::new(false),
            stopped: AtomicBool::new(false),
        });
        let (own, count) = (shared.clone(), Arc::new(AtomicUsize::new(0)));
        let counted = count.clone();
        let ticking = thread::spawn(move || {
            own.run(|| {
                counted.fetch_add(1, Ordering::SeqCst);
                true
            });
        });
        let clock = EpochClock {
            shared: shared.clone(),
            thread: ticking.thread().clone(),
        };
        for _ in 0..50 {
            assert!(eventually(|| shared.parked.load(Ordering::SeqCst)));
            let before = count.load(Ordering::SeqCst);
            let guest = clock.start();
            let more = before + IDLE_TICKS as usize + 5;
            assert!(eventually(|| count.load(Ordering::SeqCst) >= more));
            drop(guest);
        }
        drop(clock);
        ticking.join().unwrap();
    }

    #[test]
    fn guests_that_come_and_go_never_find_it_parked() {
        let engine = Engine::default();
        let clock = &EpochClock::new(&engine).unwrap();
        thread::scope(|scope| {
            for pause in [0, 700, 11_000] {
                scope.spawn(move || {
                    let until = Instant::now() + Duration::from_millis(400);
                    while Instant::now() < until {
                        let guest = clock.start();
                        assert!(
                            eventually(|| !clock.shared.parked.load(Ordering::SeqCst)),
                            "it is parked while a guest can run"
                        );
                        drop(guest);
                        thread::sleep(Duration::from_micros(pause));
                    }
                });
            }
        });
    }
}

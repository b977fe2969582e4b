//! The clock that stops guests: it ticks while a guest can run, and stands still otherwise.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, Thread};
use std::time::Duration;

use wasmtime::Engine;

/// Between two ticks: how late a runaway guest can be stopped, and how long it may hold a thread before it has to yield.
pub(crate) const TICK: Duration = Duration::from_micros(500);

/// Ticks without a guest after which it stands still: starting it anew for each of many calls costs more than those.
const LINGER: u32 = 20;

/// The clock of one engine, on a thread of its own: a runtime that a guest keeps busy could not. It ends when this is
/// dropped.
pub(crate) struct Clock {
    shared: Arc<Shared>,
    thread: Thread,
}

/// A guest of that engine can run for as long as this is kept.
pub(crate) struct Ticking<'a>(&'a Shared);

struct Shared {
    /// Guests that can run. The one thing that runs on two processors both write.
    guests: AtomicUsize,
    /// It stands still: whoever comes next starts it.
    standing: AtomicBool,
    over: AtomicBool,
}

impl Clock {
    /// Of this engine.
    pub(crate) fn new(engine: &Engine) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            guests: AtomicUsize::new(0),
            standing: AtomicBool::new(false),
            over: AtomicBool::new(false),
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
            .spawn(move || own.tick(ticks))?;
        Ok(Self {
            shared,
            thread: ticking.thread().clone(),
        })
    }

    /// It ticks from now on, until what this returns is dropped: to be called before a guest can run.
    pub(crate) fn start(&self) -> Ticking<'_> {
        // Counted first, looked at second; the clock does it the other way round. So one of the two notices the other.
        self.shared.guests.fetch_add(1, Ordering::SeqCst);
        if self.shared.standing.load(Ordering::SeqCst) {
            self.wake();
        }
        Ticking(&self.shared)
    }

    fn wake(&self) {
        self.shared.standing.store(false, Ordering::SeqCst);
        self.thread.unpark();
    }
}

impl Shared {
    /// Until it is over, or there is nothing left to tick for.
    fn tick(&self, mut ticks: impl FnMut() -> bool) {
        let mut idle = 0;
        while !self.over.load(Ordering::SeqCst) {
            thread::sleep(TICK);
            if !ticks() {
                return;
            }
            idle = match self.guests.load(Ordering::SeqCst) {
                0 => idle + 1,
                _ => 0,
            };
            if idle >= LINGER {
                self.stand();
                idle = 0;
            }
        }
    }

    fn stand(&self) {
        self.standing.store(true, Ordering::SeqCst);
        let nobody =
            || self.guests.load(Ordering::SeqCst) == 0 && !self.over.load(Ordering::SeqCst);
        while self.standing.load(Ordering::SeqCst) && nobody() {
            thread::park();
        }
        self.standing.store(false, Ordering::SeqCst);
    }
}

impl Drop for Ticking<'_> {
    fn drop(&mut self) {
        self.0.guests.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::SeqCst);
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
    fn it_ticks_while_a_guest_can_run_and_stands_still_otherwise() {
        let shared = Arc::new(Shared {
            guests: AtomicUsize::new(0),
            standing: AtomicBool::new(false),
            over: AtomicBool::new(false),
        });
        let (own, count) = (shared.clone(), Arc::new(AtomicUsize::new(0)));
        let counted = count.clone();
        let ticking = thread::spawn(move || {
            own.tick(|| {
                counted.fetch_add(1, Ordering::SeqCst);
                true
            });
        });
        let clock = Clock {
            shared: shared.clone(),
            thread: ticking.thread().clone(),
        };
        for _ in 0..50 {
            assert!(eventually(|| shared.standing.load(Ordering::SeqCst)));
            let before = count.load(Ordering::SeqCst);
            let guest = clock.start();
            let more = before + LINGER as usize + 5;
            assert!(eventually(|| count.load(Ordering::SeqCst) >= more));
            drop(guest);
        }
        drop(clock);
        ticking.join().unwrap();
    }

    #[test]
    fn guests_that_come_and_go_never_find_it_standing() {
        let engine = Engine::default();
        let clock = &Clock::new(&engine).unwrap();
        thread::scope(|scope| {
            for pause in [0, 700, 11_000] {
                scope.spawn(move || {
                    let until = Instant::now() + Duration::from_millis(400);
                    while Instant::now() < until {
                        let guest = clock.start();
                        assert!(
                            eventually(|| !clock.shared.standing.load(Ordering::SeqCst)),
                            "it stands still while a guest can run"
                        );
                        drop(guest);
                        thread::sleep(Duration::from_micros(pause));
                    }
                });
            }
        });
    }
}

//! The epoch clock: it increments the engine's epoch while a guest runs for long, so that guests can be interrupted. It
//! parks its thread while no guest runs.
//!
//! Most runs take microseconds, and a tick costs a busy processor about as long as such a run: an interrupt, and two
//! changes of threads. So the clock looks rarely, and ticks from when it has seen one guest twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, Thread};
use std::time::Duration;

use wasmtime::Engine;

/// The time between two ticks while a guest runs for long. Such a guest is stopped at most this late, and yields its
/// thread at least this often.
const TICK: Duration = Duration::from_micros(500);

/// The time between two looks while no guest runs for long.
const LOOK: Duration = Duration::from_millis(2);

/// The longest time from the start of a guest to its first tick: a look, from which the clock watches it, and a tick.
pub(crate) const FIRST_TICK: Duration = Duration::from_micros(2_500);

/// Looks without a guest after which the clock parks. Waking the thread for each of many calls would cost more than
/// these looks.
const IDLE_LOOKS: u32 = 5;

/// The epoch clock of one engine. It has a thread of its own, because a guest can keep every thread of the async
/// runtime busy. The thread ends when the clock is dropped.
pub(crate) struct EpochClock {
    shared: Arc<Shared>,
    thread: Thread,
}

/// Keeps the clock going. A guest must run only while it is held.
pub(crate) struct TickGuard<'a>(&'a AtomicUsize);

/// What the clock and the threads with guests share.
#[derive(Default)]
struct Shared {
    /// Guests that can run, by generation. A generation is what began between two looks. The clock watches one of the
    /// two, and guests begin in the other.
    guests: [AtomicUsize; 2],
    /// The generation in which guests begin, 0 or 1.
    beginning: AtomicUsize,
    /// The clock is parked; [`EpochClock::start`] wakes it.
    parked: AtomicBool,
    /// The clock has been dropped and its thread ends.
    stopped: AtomicBool,
}

impl EpochClock {
    /// Starts the clock of `engine`. The thread holds the engine weakly.
    pub(crate) fn new(engine: &Engine) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let (weak, own) = (engine.weak(), shared.clone());
        let tick = move || {
            if let Some(engine) = weak.upgrade() {
                engine.increment_epoch();
            }
        };
        let ticking = thread::Builder::new()
            .name("sandgate-epoch".into())
            .spawn(move || own.run(tick))?;
        Ok(Self {
            shared,
            thread: ticking.thread().clone(),
        })
    }

    /// Keeps the clock going until the returned guard is dropped. To be called before a guest can run.
    pub(crate) fn start(&self) -> TickGuard<'_> {
        // The clock may change the generation in between. The guest is then watched a look earlier.
        let guests = &self.shared.guests[self.shared.beginning.load(Ordering::Relaxed)];
        // This thread counts the guest first and reads `parked` second; the clock sets `parked` first and reads the
        // count second. So at least one of them sees the other.
        guests.fetch_add(1, Ordering::SeqCst);
        if self.shared.parked.load(Ordering::SeqCst) {
            self.wake();
        }
        TickGuard(guests)
    }

    fn wake(&self) {
        self.shared.parked.store(false, Ordering::SeqCst);
        self.thread.unpark();
    }
}

impl Shared {
    /// The clock's thread: looks, and calls `tick` where a guest runs for long, until the clock is dropped.
    fn run(&self, mut tick: impl FnMut()) {
        let (mut pause, mut idle) = (LOOK, 0);
        while !self.stopped.load(Ordering::SeqCst) {
            thread::sleep(pause);
            let beginning = self.beginning.load(Ordering::Relaxed);
            if self.guests[1 - beginning].load(Ordering::SeqCst) > 0 {
                tick();
                pause = TICK;
                continue;
            }
            // Nothing is watched: from now on, that which began since the last look.
            self.beginning.store(1 - beginning, Ordering::Relaxed);
            let guests = self.guests[beginning].load(Ordering::SeqCst);
            (pause, idle) = match guests {
                0 => (LOOK, idle + 1),
                _ => (TICK, 0),
            };
            if idle >= IDLE_LOOKS {
                self.park();
                idle = 0;
            }
        }
    }

    fn are_none(&self) -> bool {
        let none = |guests: &AtomicUsize| guests.load(Ordering::SeqCst) == 0;
        self.guests.iter().all(none)
    }

    fn park(&self) {
        self.parked.store(true, Ordering::SeqCst);
        let nobody = || self.are_none() && !self.stopped.load(Ordering::SeqCst);
        while self.parked.load(Ordering::SeqCst) && nobody() {
            thread::park();
        }
        self.parked.store(false, Ordering::SeqCst);
    }
}

impl Drop for TickGuard<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
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

    /// A clock that counts its ticks instead of an engine's epoch.
    fn counting() -> (EpochClock, Arc<AtomicUsize>) {
        let (shared, count) = (Arc::new(Shared::default()), Arc::new(AtomicUsize::new(0)));
        let (own, counted) = (shared.clone(), count.clone());
        let ticking = thread::spawn(move || {
            own.run(|| {
                counted.fetch_add(1, Ordering::SeqCst);
            });
        });
        let thread = ticking.thread().clone();
        (EpochClock { shared, thread }, count)
    }

    #[test]
    fn it_ticks_while_a_guest_runs_for_long_and_is_parked_without_one() {
        let (clock, count) = counting();
        for _ in 0..50 {
            assert!(eventually(|| clock.shared.parked.load(Ordering::SeqCst)));
            let before = count.load(Ordering::SeqCst);
            let guest = clock.start();
            assert!(eventually(|| count.load(Ordering::SeqCst) >= before + 20));
            drop(guest);
        }
    }

    #[test]
    fn a_guest_that_runs_for_long_is_seen_among_many_that_do_not() {
        let (clock, count) = counting();
        let long = clock.start();
        let until = Instant::now() + Duration::from_secs(10);
        while count.load(Ordering::SeqCst) < 20 {
            assert!(Instant::now() < until, "it does not tick");
            drop(clock.start());
        }
        drop(long);
    }

    #[test]
    fn short_guests_make_it_look_and_hardly_tick() {
        let (clock, count) = counting();
        let began = Instant::now();
        let mut guests = 0_u32;
        while began.elapsed() < Duration::from_millis(400) {
            drop(clock.start());
            guests += 1;
        }
        // 800 would be a tick each half millisecond. A guest that lost its processor while it was counted is seen twice.
        let ticks = count.load(Ordering::SeqCst);
        assert!(
            guests > 1_000 && ticks < 200,
            "{ticks} ticks for {guests} guests"
        );
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

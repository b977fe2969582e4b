//! Histograms of durations, counted by atomics: no lock that a call waits for.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;
use sandgate_gateway::TraceContext;

use super::family::{Buckets, Exemplar};

/// The upper bounds of the buckets for calls, in microseconds: those that OpenTelemetry's conventions advise (10 ms to
/// 300 s), and three finer ones before.
pub(super) const CALLS: [u64; 17] = [
    1_000,
    2_000,
    5_000,
    10_000,
    20_000,
    50_000,
    100_000,
    200_000,
    500_000,
    1_000_000,
    2_000_000,
    5_000_000,
    10_000_000,
    30_000_000,
    60_000_000,
    120_000_000,
    300_000_000,
];
/// The upper bounds for hook runs, in microseconds. Runs take microseconds, and their timeout is 50 ms by default.
pub(super) const RUNS: [u64; 15] = [
    10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 500_000,
    1_000_000,
];

/// Counts durations in buckets.
#[derive(Debug)]
pub(super) struct Histogram<const N: usize> {
    /// The upper bounds of the buckets, inclusive, in microseconds.
    bounds: &'static [u64; N],
    within: [AtomicU64; N],
    beyond: AtomicU64,
    /// The sum in nanoseconds. It overflows after centuries.
    sum: AtomicU64,
    /// The last traced measurement of each bucket. Empty until there is one.
    exemplars: OnceLock<Box<[Mutex<Option<Exemplar>>]>>,
}

impl<const N: usize> Histogram<N> {
    pub(super) fn new(bounds: &'static [u64; N]) -> Self {
        Self {
            bounds,
            within: std::array::from_fn(|_| AtomicU64::new(0)),
            beyond: AtomicU64::new(0),
            sum: AtomicU64::new(0),
            exemplars: OnceLock::new(),
        }
    }

    /// Counts a duration. `of`: the span of the call, if the trace is recorded.
    pub(super) fn count(&self, took: Duration, of: Option<TraceContext>) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let bucket = self.bounds.partition_point(|bound| bound * 1000 < nanos);
        let counter = self.within.get(bucket).unwrap_or(&self.beyond);
        counter.fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(nanos, Ordering::Relaxed);
        let Some(of) = of else {
            return;
        };
        let places = || (0..=N).map(|_| Mutex::default()).collect();
        // Another call's exemplar is as good: nobody waits to write one.
        if let Some(mut place) = self.exemplars.get_or_init(places)[bucket].try_lock() {
            *place = Some(Exemplar {
                of,
                value: took.as_secs_f64(),
                at: SystemTime::now(),
            });
        }
    }

    /// The buckets at this moment.
    pub(super) fn read(&self) -> Buckets {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let exemplars = self.exemplars.get().into_iter().flatten();
        Buckets {
            bounds: self
                .bounds
                .iter()
                .map(|bound| *bound as f64 / 1e6)
                .collect(),
            counts: self.within.iter().chain([&self.beyond]).map(read).collect(),
            sum: read(&self.sum) as f64 / 1e9,
            exemplars: exemplars.map(|place| *place.lock()).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_holds_its_own_bound() {
        let histogram = Histogram::new(&RUNS);
        for micros in [10, 11, 2_000_000] {
            histogram.count(Duration::from_micros(micros), None);
        }
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        assert_eq!(
            (read(&histogram.within[0]), read(&histogram.within[1])),
            (1, 1)
        );
        assert_eq!(
            (read(&histogram.beyond), read(&histogram.sum)),
            (1, 2_000_021_000)
        );
    }

    #[test]
    fn bounds_rise() {
        assert!(CALLS.is_sorted() && RUNS.is_sorted());
    }
}

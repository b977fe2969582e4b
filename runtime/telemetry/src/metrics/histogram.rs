//! Histograms of durations, counted by atomics: no lock on the path of a call.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::encoding::MetricEncoder;

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
}

impl<const N: usize> Histogram<N> {
    pub(super) fn new(bounds: &'static [u64; N]) -> Self {
        Self {
            bounds,
            within: std::array::from_fn(|_| AtomicU64::new(0)),
            beyond: AtomicU64::new(0),
            sum: AtomicU64::new(0),
        }
    }

    pub(super) fn count(&self, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let bucket = self.bounds.partition_point(|bound| bound * 1000 < nanos);
        let counter = self.within.get(bucket).unwrap_or(&self.beyond);
        counter.fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(nanos, Ordering::Relaxed);
    }

    /// Writes the histogram, unless nothing was ever counted.
    pub(super) fn encode(
        &self,
        encoder: &mut MetricEncoder<'_>,
        labels: &[(&str, &str); 2],
    ) -> std::fmt::Result {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let mut buckets: Vec<(f64, u64)> = self
            .bounds
            .iter()
            .zip(&self.within)
            .map(|(bound, counter)| (*bound as f64 / 1e6, read(counter)))
            .collect();
        buckets.push((f64::INFINITY, read(&self.beyond)));
        // The count is the sum of the buckets as written, so that the two agree while other threads count.
        let count = buckets.iter().map(|(_, count)| count).sum();
        if count == 0 {
            return Ok(());
        }
        let sum = read(&self.sum) as f64 / 1e9;
        encoder
            .encode_family(labels)?
            .encode_histogram::<[(&str, &str); 0]>(sum, count, &buckets, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_holds_its_own_bound() {
        let histogram = Histogram::new(&RUNS);
        for micros in [10, 11, 2_000_000] {
            histogram.count(Duration::from_micros(micros));
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

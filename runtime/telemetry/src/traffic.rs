//! The traffic of the last quarter of an hour, in slots of five seconds, and how long calls and hooks take. It is counted
//! where a call's record is remembered, in a few additions.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use sandgate_gateway::{Decision, Ended};
use sandgate_message::Hook;
use serde::{Deserialize, Serialize};

/// The length of a slot, in seconds.
pub const SLOT_SECONDS: u64 = 5;
/// The number of slots: a quarter of an hour.
pub const SLOTS: usize = 180;
/// The buckets of a distribution: four to each doubling, up to more than an hour.
const BUCKETS: usize = 128;

/// How often and how long, since the start and lately.
///
/// A clone shares the slots, and costs little: what counts next copies the slot that it counts in.
#[derive(Clone, Debug)]
pub(crate) struct Traffic {
    began: Instant,
    /// The slots with calls, oldest first, each with its number since `began`.
    slots: VecDeque<(u64, Arc<Slot>)>,
    /// The runs of each interceptor since the start, by hook.
    runs: BTreeMap<Arc<str>, Arc<[Distribution; 2]>>,
}

#[derive(Clone, Debug, Default)]
struct Slot {
    /// Calls that were forwarded or answered, refused or turned away, failed, cancelled.
    calls: [u64; 4],
    /// The whole call, the server's part, hook runs before and after.
    took: [Distribution; 4],
}

/// Durations in microseconds, to an eighth.
#[derive(Clone, Debug)]
struct Distribution([u32; BUCKETS]);

/// The traffic, for people. Slots are oldest first; the last one is not over.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct TrafficReport {
    /// The last quarter of an hour.
    pub slots: Vec<SlotReport>,
    /// Of that time: the whole call, the server's part, hook runs before the call is sent, hook runs after.
    pub took: [Quantiles; 4],
    /// The runs of each interceptor since the start: before the call is sent, and after.
    pub runs: BTreeMap<String, [Quantiles; 2]>,
}

/// The traffic of five seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotReport {
    /// Calls that were forwarded, or answered by an interceptor.
    pub passed: u64,
    /// Calls that were refused or turned away.
    pub refused: u64,
    /// Calls whose server failed.
    pub failed: u64,
    /// Calls whose asker went away.
    pub cancelled: u64,
    /// The 95th percentile of the whole call, in microseconds.
    pub p95: u64,
}

/// How long something took, in microseconds; 0 where nothing was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Quantiles {
    pub count: u64,
    pub p50: u64,
    pub p95: u64,
    pub p99: u64,
}

impl Default for Distribution {
    fn default() -> Self {
        Self([0; BUCKETS])
    }
}

impl Default for Traffic {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            slots: VecDeque::new(),
            runs: BTreeMap::new(),
        }
    }
}

impl Traffic {
    pub(crate) fn ended(&mut self, record: &Ended<'_>) {
        let now = self.now();
        let slot = self.slot(now);
        slot.calls[match record.decision {
            Decision::Forwarded | Decision::Answered => 0,
            Decision::Refused | Decision::Overloaded => 1,
            Decision::Failed => 2,
            Decision::Cancelled => 3,
        }] += 1;
        slot.took[0].count(micros(record.took));
        if let Some(server) = record.server {
            slot.took[1].count(micros(server));
        }
        for entry in &record.trail.entries {
            let hook = usize::from(entry.hook == Hook::PostCall);
            self.slot(now).took[2 + hook].count(entry.us);
            if !self.runs.contains_key(&entry.interceptor) {
                let name = entry.interceptor.clone();
                self.runs.insert(name, Arc::default());
            }
            if let Some(runs) = self.runs.get_mut(&entry.interceptor) {
                Arc::make_mut(runs)[hook].count(entry.us);
            }
        }
    }

    pub(crate) fn report(&self) -> TrafficReport {
        let now = self.now();
        let mut slots = vec![SlotReport::default(); SLOTS];
        let mut took: [Distribution; 4] = Default::default();
        for (number, slot) in &self.slots {
            let age = usize::try_from(now - number).unwrap_or(usize::MAX);
            let Some(at) = (SLOTS - 1).checked_sub(age) else {
                continue;
            };
            let [passed, refused, failed, cancelled] = slot.calls;
            slots[at] = SlotReport {
                passed,
                refused,
                failed,
                cancelled,
                p95: slot.took[0].quantiles().p95,
            };
            for (all, one) in took.iter_mut().zip(&slot.took) {
                all.add(one);
            }
        }
        let runs = self.runs.iter().map(|(name, hooks)| {
            let [pre, post] = &**hooks;
            (name.to_string(), [pre.quantiles(), post.quantiles()])
        });
        TrafficReport {
            slots,
            took: took.map(|one| one.quantiles()),
            runs: runs.collect(),
        }
    }

    fn now(&self) -> u64 {
        self.began.elapsed().as_secs() / SLOT_SECONDS
    }

    fn slot(&mut self, now: u64) -> &mut Slot {
        if self.slots.back().is_none_or(|(number, _)| *number != now) {
            if self.slots.len() == SLOTS {
                self.slots.pop_front();
            }
            self.slots.push_back((now, Arc::default()));
        }
        // One was put there above, where there was none.
        Arc::make_mut(&mut self.slots.back_mut().expect("there is a slot").1)
    }
}

impl Distribution {
    fn count(&mut self, us: u64) {
        let bucket = &mut self.0[bucket(us)];
        *bucket = bucket.saturating_add(1);
    }

    fn add(&mut self, other: &Self) {
        for (sum, one) in self.0.iter_mut().zip(&other.0) {
            *sum = sum.saturating_add(*one);
        }
    }

    fn quantiles(&self) -> Quantiles {
        let count: u64 = self.0.iter().map(|count| u64::from(*count)).sum();
        let at = |percent: u64| {
            let rank = (count * percent).div_ceil(100).max(1);
            let mut below = 0;
            for (place, one) in self.0.iter().enumerate() {
                below += u64::from(*one);
                if below >= rank {
                    return middle(place);
                }
            }
            0
        };
        Quantiles {
            count,
            p50: at(50),
            p95: at(95),
            p99: at(99),
        }
    }
}

/// The bucket of a duration: below 4 µs its own, then four to each doubling.
fn bucket(us: u64) -> usize {
    if us < 4 {
        return usize::try_from(us).unwrap_or_default();
    }
    let power = 63 - us.leading_zeros();
    let quarter = (us >> (power - 2)) & 3;
    let place = u64::from(power - 1) * 4 + quarter;
    usize::try_from(place).map_or(BUCKETS - 1, |place| place.min(BUCKETS - 1))
}

/// The middle of a bucket, in microseconds.
fn middle(bucket: usize) -> u64 {
    let place = bucket as u64;
    if place < 4 {
        return place;
    }
    let (power, quarter) = (place / 4 + 1, place % 4);
    let (low, width) = ((4 + quarter) << (power - 2), 1_u64 << (power - 2));
    low + width / 2
}

fn micros(took: Duration) -> u64 {
    u64::try_from(took.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_told_to_an_eighth() {
        for us in [0, 1, 3, 4, 7, 8, 100, 999, 1_000, 123_456, 60_000_000] {
            let told = middle(bucket(us));
            assert!(told.abs_diff(us) * 8 <= us, "{us} µs is told as {told} µs");
        }
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn quantiles_rise_and_nothing_has_none() {
        let mut distribution = Distribution::default();
        assert_eq!(distribution.quantiles(), Quantiles::default());
        for us in 1..=1000 {
            distribution.count(us);
        }
        let told = distribution.quantiles();
        assert_eq!(told.count, 1000);
        assert!(told.p50.abs_diff(500) < 70, "{told:?}");
        assert!(told.p95.abs_diff(950) < 120, "{told:?}");
        assert!(told.p50 < told.p95 && told.p95 <= told.p99, "{told:?}");
    }
}

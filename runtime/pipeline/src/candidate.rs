//! A candidate: another version of an interceptor, tried on the calls that the live one looks at, without effect.
//!
//! A call is tried in this order:
//!
//! 1. The live run decides. Only then is the candidate offered what that run saw: the same call, the same document, the
//!    params as sent. Nothing that is offered is copied.
//! 2. An offer never waits: it takes a place in a bounded queue, or it is dropped and counted. Queued offers hold on to
//!    at most [`HELD`] bytes of documents.
//! 3. With a share, some calls are offered and some are not: a call with all its hooks, or with none.
//! 4. The runner of the candidate takes offers out in order, one at a time ([`Candidate::drain`]), so that a post-call
//!    finds the note that the candidate's own pre-call left. If the pre-call was dropped, the post-call is dropped too:
//!    without its note it would differ for no fault of its own.
//! 5. If the candidate's plugin does not ask for an event, it counts as if it had proceeded, as it would when live.
//! 6. The two are compared by what would become of the call (see `trial`). The candidate's decision never reaches the
//!    call.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crossbeam_queue::ArrayQueue;
use sandgate_message::{Call, Finding, Hook, Json};

use crate::apply::{DecisionRules, Weighed};
use crate::bound::BoundInterceptor;
use crate::comparison::{Comparison, Results};
use crate::trial::{CandidateNotes, Live, Offer, Trial};

/// The most bytes of documents that the offers in one queue hold on to. A larger offer is taken if the queue is empty.
pub const HELD: usize = 32 << 20;

/// An interceptor on trial beside the live one.
pub struct Candidate {
    /// The candidate as it would stand in the place of the live interceptor.
    bound: BoundInterceptor,
    /// Calls whose hashed id is below this number are offered. `None`: all calls are offered.
    below: Option<u64>,
    share: f64,
    queue: ArrayQueue<Trial>,
    held: AtomicUsize,
    dropped: [AtomicU64; 2],
    comparison: Comparison,
    /// Keyed hashes, so that no caller can choose to be offered, or can make different decisions look the same.
    hashes: RandomState,
}

impl Candidate {
    /// Creates a candidate. `bound` is the candidate as it would stand in the place of the live interceptor, `share`
    /// the share of calls that are offered, from 0 to 1, and `queue` the most offers that wait, at least one.
    pub fn new(bound: impl Into<BoundInterceptor>, share: f64, queue: usize) -> Arc<Self> {
        // The share is exact to the precision of an `f64`.
        let below = (share < 1.0).then_some((share.max(0.0) * u64::MAX as f64) as u64);
        Arc::new(Self {
            bound: bound.into(),
            below,
            share,
            queue: ArrayQueue::new(queue.max(1)),
            held: AtomicUsize::new(0),
            dropped: Default::default(),
            comparison: Comparison::new(),
            hashes: RandomState::new(),
        })
    }

    /// The candidate as it would stand in the place of the live interceptor.
    pub fn step(&self) -> &BoundInterceptor {
        &self.bound
    }

    /// The share of calls that are offered, from 0 to 1.
    pub fn share(&self) -> f64 {
        self.share
    }

    /// The results of the comparison so far.
    pub fn results(&self) -> Results {
        let dropped = |hook: Hook| self.dropped[hook as usize].load(Ordering::Relaxed);
        self.comparison
            .results(dropped(Hook::PreCall), dropped(Hook::PostCall))
    }

    /// Runs and compares the queued offers, one after another, and returns when the queue is empty. Must have one
    /// caller at a time, and must not run on the path of a call.
    pub async fn drain(&self) {
        while let Some(trial) = self.queue.pop() {
            self.held.fetch_sub(trial.bytes, Ordering::Relaxed);
            let outcome = trial.run(&self.bound, &self.hashes).await;
            self.comparison.note(&self.bound, &trial, outcome);
        }
    }

    /// Whether this call is one of those that are offered.
    pub(crate) fn chooses(&self, call: &Call) -> bool {
        self.below
            .is_none_or(|below| self.hashes.hash_one(&*call.id.0) < below)
    }

    /// Offers what the live run saw and what it decided. Never waits.
    pub(crate) fn offer(
        &self,
        (hook, index): (Hook, usize),
        (offer, document, terms): (Offer, Json, DecisionRules),
        live: Live,
        tried: &mut Option<Box<CandidateNotes>>,
    ) {
        let note = match hook {
            // Without a post-call nobody reads the note.
            Hook::PreCall => self.bound.role(Hook::PostCall).map(|_| Arc::default()),
            Hook::PostCall => match tried
                .iter()
                .flat_map(|all| all.iter())
                .find(|(of, _)| *of == index)
            {
                Some((_, None)) => {
                    self.dropped[hook as usize].fetch_add(1, Ordering::Relaxed);
                    return;
                }
                Some((_, Some(note))) => Some(note.clone()),
                None => None,
            },
        };
        let kept = note.clone();
        let trial = Trial::new(hook, (offer, document, terms), note, live);
        let bytes = trial.bytes;
        let held = self.held.fetch_add(bytes, Ordering::Relaxed);
        let fits = held == 0 || held.saturating_add(bytes) <= HELD;
        let taken = fits && self.queue.push(trial).is_ok();
        if !taken {
            self.held.fetch_sub(bytes, Ordering::Relaxed);
            self.dropped[hook as usize].fetch_add(1, Ordering::Relaxed);
        }
        if hook == Hook::PreCall && kept.is_some() {
            let tried = tried.get_or_insert_default();
            tried.push((index, kept.filter(|_| taken)));
        }
    }

    /// The live run's decision, as far as it is compared.
    pub(crate) fn live(&self, weighed: &Weighed, findings: &[Finding], us: u64) -> Live {
        Live::of(weighed, findings, us, &self.hashes)
    }
}

impl fmt::Debug for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Candidate")
            .field("bound", &self.bound)
            .field("share", &self.share)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;

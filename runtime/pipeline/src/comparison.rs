//! The results of a candidate so far: counts, times, and the last calls that it would have decided otherwise. The
//! results never hold the payload.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime};

use sandgate_message::{CallId, Hook};

use crate::bound::BoundInterceptor;
use crate::trail::Decision;
use crate::trial::{Aspect, Trial, TrialResult};

/// The number of calls that are remembered.
const RECENT: usize = 100;
/// The number of runs whose times are remembered.
const TIMES: usize = 256;
/// The number of lines logged in each [`WINDOW`]. Further lines are only counted.
const LINES: u32 = 10;
const WINDOW: Duration = Duration::from_secs(60);

/// The results of a candidate.
#[derive(Clone, Debug)]
pub struct Results {
    /// When the comparison began.
    pub since: SystemTime,
    /// The counts by hook: pre-call, post-call.
    pub hooks: [Counts; 2],
    /// How often the live run and the candidate differed, and in what.
    pub differences: BTreeMap<Pair, u64>,
    /// How often the candidate failed, by kind.
    pub failures: BTreeMap<&'static str, u64>,
    /// The medians of the last run times in microseconds: the candidate's, and the live interceptor's on the same
    /// calls. `None` if the candidate has not run.
    pub medians: Option<(u64, u64)>,
    /// The last calls on which the candidate differed or failed, oldest first.
    pub recent: Vec<Difference>,
}

/// The counts at one hook.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Runs in which the candidate agreed with the live run.
    pub same: u64,
    /// Runs in which the candidate differed from the live run.
    pub differs: u64,
    /// Runs in which the candidate failed.
    pub failed: u64,
    /// Runs that were not offered because too much waited already.
    pub dropped: u64,
}

/// The decisions of the live run and of the candidate, and in what they differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)]
pub struct Pair {
    pub hook: Hook,
    pub live: Decision,
    pub candidate: Decision,
    pub in_what: Aspect,
}

/// A call on which the candidate differed or failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The call's id.
    pub call: CallId,
    /// When the difference was found.
    pub at: SystemTime,
    /// The hook of the run.
    pub hook: Hook,
    /// What the live interceptor decided.
    pub live: Decision,
    /// What the candidate decided.
    pub candidate: Decision,
    /// In what the two differ. `None` if the candidate failed.
    pub in_what: Option<Aspect>,
    /// The code of the candidate's refusal.
    pub code: Option<Box<str>>,
    /// The kind of the candidate's fault.
    pub failure: Option<&'static str>,
}

impl Counts {
    /// The number of runs: those that were compared and those that failed.
    pub fn runs(&self) -> u64 {
        self.same + self.differs + self.failed
    }
}

/// The comparison, kept current by the runner of the candidate. No call waits for its lock: it is taken after calls,
/// and by readers of the results.
pub(crate) struct Comparison {
    since: SystemTime,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    hooks: [Counts; 2],
    differences: BTreeMap<Pair, u64>,
    failures: BTreeMap<&'static str, u64>,
    times: VecDeque<(u64, u64)>,
    recent: VecDeque<Difference>,
    window: Option<Instant>,
    lines: u32,
}

impl Comparison {
    pub(crate) fn new() -> Self {
        Self {
            since: SystemTime::now(),
            kept: Mutex::default(),
        }
    }

    pub(crate) fn note(&self, bound: &BoundInterceptor, trial: &Trial, tried: TrialResult) {
        let mut kept = self.kept();
        let counts = &mut kept.hooks[trial.hook as usize];
        match (tried.failure, tried.differs) {
            (Some(_), _) => counts.failed += 1,
            (None, Some(_)) => counts.differs += 1,
            (None, None) => counts.same += 1,
        }
        if let Some(us) = tried.us {
            if kept.times.len() == TIMES {
                kept.times.pop_front();
            }
            kept.times.push_back((us, trial.live.us));
        }
        let in_what = match tried.failure {
            Some(kind) => {
                *kept.failures.entry(kind).or_default() += 1;
                None
            }
            None => {
                let Some(in_what) = tried.differs else {
                    return;
                };
                let pair = Pair {
                    hook: trial.hook,
                    live: trial.live.decision,
                    candidate: tried.decision,
                    in_what,
                };
                *kept.differences.entry(pair).or_default() += 1;
                Some(in_what)
            }
        };
        let difference = Difference {
            call: trial.call.id.clone(),
            at: SystemTime::now(),
            hook: trial.hook,
            live: trial.live.decision,
            candidate: tried.decision,
            in_what,
            code: tried.code,
            failure: tried.failure,
        };
        let (told, left_out) = kept.may_log();
        let line = told.then(|| difference.clone());
        if kept.recent.len() == RECENT {
            kept.recent.pop_front();
        }
        kept.recent.push_back(difference);
        drop(kept);
        if left_out > 0 {
            tracing::info!(interceptor = %bound.name(), "{left_out} more differences of its candidate were not logged");
        }
        if let Some(line) = line {
            line.log(bound);
        }
    }

    pub(crate) fn results(&self, dropped_in: u64, dropped_out: u64) -> Results {
        let kept = self.kept();
        let mut hooks = kept.hooks;
        (hooks[0].dropped, hooks[1].dropped) = (dropped_in, dropped_out);
        let median = |of: fn(&(u64, u64)) -> u64| {
            let mut times: Vec<u64> = kept.times.iter().map(of).collect();
            times.sort_unstable();
            times.get(times.len() / 2).copied()
        };
        Results {
            since: self.since,
            hooks,
            differences: kept.differences.clone(),
            failures: kept.failures.clone(),
            medians: median(|(own, _)| *own).zip(median(|(_, live)| *live)),
            recent: kept.recent.iter().cloned().collect(),
        }
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        // No panic can leave the data half-written, so a poisoned lock is usable.
        self.kept
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Kept {
    /// Whether one more line may be logged, and how many were left out before it.
    fn may_log(&mut self) -> (bool, u32) {
        let mut left_out = 0;
        if self.window.is_none_or(|began| began.elapsed() >= WINDOW) {
            left_out = self.lines.saturating_sub(LINES);
            (self.window, self.lines) = (Some(Instant::now()), 0);
        }
        self.lines = self.lines.saturating_add(1);
        (self.lines <= LINES, left_out)
    }
}

impl Difference {
    fn log(&self, bound: &BoundInterceptor) {
        let (name, call) = (bound.name(), &self.call);
        let (hook, live) = (self.hook.as_str(), self.live.as_str());
        match (self.in_what, self.failure) {
            (Some(in_what), _) => tracing::info!(
                interceptor = %name, %call, hook, live, candidate = self.candidate.as_str(), differs_in = in_what.as_str(),
                "its candidate differs"
            ),
            (None, failure) => tracing::info!(
                interceptor = %name, %call, hook, live, failure = failure.unwrap_or_default(),
                "its candidate failed"
            ),
        }
    }
}

//! What came of a candidate so far: counts, times, and the last calls that it would have decided otherwise. Never the
//! payload.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime};

use sandgate_message::{CallId, Hook};

use crate::bound::BoundInterceptor;
use crate::trail::Decision;
use crate::trial::{Aspect, Trial, TrialResult};

/// Calls that are remembered.
const RECENT: usize = 100;
/// Runs of which the times are remembered.
const TIMES: usize = 256;
/// Lines logged in each [`WINDOW`]; the others are counted.
const LINES: u32 = 10;
const WINDOW: Duration = Duration::from_secs(60);

/// What came of a candidate.
#[derive(Clone, Debug)]
pub struct Results {
    /// When it began.
    pub since: SystemTime,
    /// By hook: the way in, the way out.
    pub hooks: [Counts; 2],
    /// How often the two differed, in what.
    pub differences: BTreeMap<Pair, u64>,
    /// How often the candidate failed, by kind.
    pub failures: BTreeMap<&'static str, u64>,
    /// Half of the candidate's last runs took less, in microseconds; and of the live ones on the same calls. None: it has
    /// not run.
    pub medians: Option<(u64, u64)>,
    /// The last calls on which the candidate differed or failed, oldest first.
    pub recent: Vec<Difference>,
}

/// At one hook.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// It would have come to the same.
    pub same: u64,
    /// It would not.
    pub differs: u64,
    /// The candidate failed.
    pub failed: u64,
    /// It was not asked: too much waited already.
    pub dropped: u64,
}

/// What each of the two decided.
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
    /// Which.
    pub call: CallId,
    /// When that was found.
    pub at: SystemTime,
    /// Where.
    pub hook: Hook,
    /// What the live one decided.
    pub live: Decision,
    /// What the candidate decided.
    pub candidate: Decision,
    /// None: the candidate failed.
    pub in_what: Option<Aspect>,
    /// Of the candidate's refusal.
    pub code: Option<Box<str>>,
    /// Of the candidate's fault: its kind.
    pub failure: Option<&'static str>,
}

impl Counts {
    /// Runs that were compared, and those that failed.
    pub fn runs(&self) -> u64 {
        self.same + self.differs + self.failed
    }
}

/// Kept current by whoever runs the candidate. No call waits for its lock: it is taken after calls, and by those who ask.
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
        // Nothing in here is left half-done.
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

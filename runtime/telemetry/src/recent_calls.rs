//! The calls that a running gateway remembers, for questions about a call: the lines of the call log as they were
//! written, the oldest dropped first; and counts since the start.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use parking_lot::Mutex;
use sandgate_gateway::{Decision, Ended};
use sandgate_message::CallId;
use sandgate_pipeline::Decision as Decided;
use serde::{Deserialize, Serialize};

use crate::recent_connections::RecentConnections;
use crate::traffic::{Traffic, TrafficReport};

/// The most lines that are remembered. Most calls have two.
const MAX_LINES: usize = 4_000;
/// The most bytes that the lines hold together.
const MAX_BYTES: usize = 16 << 20;
/// The largest line that is remembered whole, in bytes. A larger one is remembered without its payload.
pub(crate) const MAX_LINE: usize = 256 << 10;
/// The most ids named in [`Ambiguous`].
const NAMED: usize = 5;

/// The remembered calls.
#[derive(Debug, Default)]
pub struct RecentCalls(Mutex<Kept>, RecentConnections);

#[derive(Debug, Default)]
struct Kept {
    lines: VecDeque<Line>,
    bytes: usize,
    calls: Calls,
    tallies: BTreeMap<Arc<str>, Tally>,
    traffic: Traffic,
    /// The number of the first line that is remembered.
    first: u64,
}

#[derive(Debug)]
struct Line {
    id: CallId,
    ended: bool,
    text: Arc<str>,
}

/// The number of calls since the start, by outcome. Calls that have not ended do not count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Calls {
    pub forwarded: u64,
    pub refused: u64,
    pub answered: u64,
    pub failed: u64,
    #[serde(default)]
    pub overloaded: u64,
    pub cancelled: u64,
}

/// The counts of an interceptor since the start, in audit or not. Interceptors of the same name share them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// The number of hook runs.
    pub runs: u64,
    /// The number of runs that decided to refuse.
    pub refusals: u64,
    /// The number of runs that failed.
    pub faults: u64,
}

/// Several ids have the given beginning.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{given:?} begins several ids: {}; give more of it", .ids.join(", "))]
pub struct Ambiguous {
    /// The beginning of the id that was asked for.
    pub given: String,
    /// The last of the ids that have this beginning.
    pub ids: Vec<String>,
}

impl RecentCalls {
    /// The connections that contained servers made.
    pub fn connections(&self) -> &RecentConnections {
        &self.1
    }

    /// Remembers a call that is about to be forwarded.
    pub(crate) fn forwarded(&self, id: &CallId, text: String) {
        self.0.lock().keep(id, false, text);
    }

    /// Remembers and counts a call that has ended.
    pub(crate) fn ended(&self, record: &Ended<'_>, text: String) {
        let mut kept = self.0.lock();
        let calls = &mut kept.calls;
        *match record.decision {
            Decision::Forwarded => &mut calls.forwarded,
            Decision::Refused => &mut calls.refused,
            Decision::Answered => &mut calls.answered,
            Decision::Failed => &mut calls.failed,
            Decision::Overloaded => &mut calls.overloaded,
            Decision::Cancelled => &mut calls.cancelled,
        } += 1;
        for entry in &record.trail.entries {
            if !kept.tallies.contains_key(&entry.interceptor) {
                kept.tallies
                    .insert(entry.interceptor.clone(), Tally::default());
            }
            if let Some(tally) = kept.tallies.get_mut(&entry.interceptor) {
                tally.runs += 1;
                tally.refusals += u64::from(entry.decision == Decided::Refuse);
                tally.faults += u64::from(entry.decision == Decided::Fault);
            }
        }
        kept.traffic.ended(record);
        kept.keep(&record.call.id, true, text);
    }

    /// The traffic of the last quarter of an hour.
    pub fn traffic(&self) -> TrafficReport {
        // Each call's end waits for the lock: nothing is computed under it.
        let traffic = self.0.lock().traffic.clone();
        traffic.report()
    }

    /// The lines of calls that ended, the last first, each with its number: those before the line of this number, or all.
    pub fn ended_before(&self, number: Option<u64>) -> Vec<(u64, Arc<str>)> {
        let kept = self.0.lock();
        let lines = kept.lines.iter().enumerate().rev();
        let lines = lines.map(|(place, line)| (kept.first + place as u64, line));
        let wanted =
            lines.filter(|(at, line)| line.ended && number.is_none_or(|number| *at < number));
        wanted.map(|(at, line)| (at, line.text.clone())).collect()
    }

    /// The lines of the last calls that ended, the last first: at most so many.
    pub fn last_ended(&self, most: usize) -> Vec<Arc<str>> {
        let kept = self.0.lock();
        let ended = kept.lines.iter().rev().filter(|line| line.ended);
        ended.take(most).map(|line| line.text.clone()).collect()
    }

    /// The number of calls by outcome.
    pub fn calls(&self) -> Calls {
        self.0.lock().calls
    }

    /// The counts of the interceptor of that name.
    pub fn tally(&self, interceptor: &str) -> Tally {
        self.0
            .lock()
            .tallies
            .get(interceptor)
            .copied()
            .unwrap_or_default()
    }

    /// The lines of the call whose id has this beginning, oldest first. With `None`, the lines of the last call that
    /// ended. Empty if the call is not remembered.
    ///
    /// # Errors
    ///
    /// Several calls' ids have this beginning.
    pub fn lines(&self, call: Option<&str>) -> Result<Vec<Arc<str>>, Ambiguous> {
        let kept = self.0.lock();
        let newest = || kept.lines.iter().rev();
        let id = match call {
            None => newest().find(|line| line.ended).map(|line| line.id.clone()),
            Some(given) => {
                let mut ids: Vec<&CallId> = newest()
                    .map(|line| &line.id)
                    .filter(|id| id.0.starts_with(given))
                    .collect();
                ids.sort();
                ids.dedup();
                if ids.len() > 1 {
                    let last = ids.iter().rev().take(NAMED);
                    return Err(Ambiguous {
                        given: given.to_owned(),
                        ids: last.map(|id| id.0.to_string()).collect(),
                    });
                }
                ids.first().map(|id| (*id).clone())
            }
        };
        let Some(id) = id else {
            return Ok(Vec::new());
        };
        let of_call = kept.lines.iter().filter(|line| line.id == id);
        Ok(of_call.map(|line| line.text.clone()).collect())
    }
}

impl Kept {
    fn keep(&mut self, id: &CallId, ended: bool, text: String) {
        self.bytes += text.len();
        self.lines.push_back(Line {
            id: id.clone(),
            ended,
            text: text.into(),
        });
        while self.lines.len() > MAX_LINES || self.bytes > MAX_BYTES {
            let Some(oldest) = self.lines.pop_front() else {
                return;
            };
            self.bytes -= oldest.text.len();
            self.first += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn remember(recent: &RecentCalls, id: &str, ended: bool, text: &str) {
        recent.0.lock().keep(&CallId(id.into()), ended, text.into());
    }

    fn found(recent: &RecentCalls, call: Option<&str>) -> Vec<String> {
        let lines = recent.lines(call).unwrap();
        lines.iter().map(|line| line.to_string()).collect()
    }

    #[test]
    fn a_call_is_found_by_the_beginning_of_its_id() {
        let recent = RecentCalls::default();
        remember(&recent, "0a1", false, "one forwarded");
        remember(&recent, "0a2", true, "two ended");
        remember(&recent, "0a1", true, "one ended");
        remember(&recent, "0b1", false, "three forwarded");
        assert_eq!(found(&recent, Some("0a1")), ["one forwarded", "one ended"]);
        assert_eq!(found(&recent, Some("0b")), ["three forwarded"]);
        assert_eq!(found(&recent, None), ["one forwarded", "one ended"]);
        assert!(found(&recent, Some("0c")).is_empty());
        let ambiguous = recent.lines(Some("0a")).unwrap_err();
        assert_eq!(ambiguous.ids, ["0a2", "0a1"]);
    }

    #[test]
    fn the_last_that_ended_come_first_and_no_more_than_are_asked_for() {
        let recent = RecentCalls::default();
        for n in 0..5 {
            remember(&recent, "a", true, &format!("ended {n}"));
            remember(&recent, "a", false, "forwarded");
        }
        let last = |most| {
            let lines = recent.last_ended(most);
            lines
                .iter()
                .map(|line| line.to_string())
                .collect::<Vec<_>>()
        };
        assert_eq!(last(2), ["ended 4", "ended 3"]);
        assert_eq!(last(0).len(), 0);
        assert_eq!(last(usize::MAX).len(), 5);
    }

    #[test]
    fn the_oldest_is_forgotten_by_count_and_by_size() {
        let recent = RecentCalls::default();
        for n in 0..=MAX_LINES {
            remember(&recent, &format!("{n:08}"), true, "x");
        }
        assert!(found(&recent, Some("00000000")).is_empty());
        assert_eq!(found(&recent, Some("00000001")), ["x"]);
        let large = "x".repeat(MAX_LINE);
        for n in 0..=MAX_BYTES / MAX_LINE {
            remember(&recent, &format!("l{n:08}"), true, &large);
        }
        assert!(recent.0.lock().bytes <= MAX_BYTES);
        assert!(found(&recent, Some("l00000000")).is_empty());
        assert_eq!(found(&recent, Some("l00000001")).len(), 1);
    }
}

//! Sinks that a reload has taken out of the configuration: they send what waits for them for a while, and what became of
//! their records stays known.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::figures::{Loss, RemoteSinkFigures};
use super::sink::RemoteSink;

/// How long records that wait are sent on after a reload named other sinks.
const AFTER_RELOAD: Duration = match cfg!(test) {
    false => Duration::from_secs(30),
    true => Duration::from_millis(200),
};
/// The most former sinks that still send. The oldest gives up what waits for it where there are more.
const MOST: usize = 8;
/// The most names of which figures are kept.
const NAMES: usize = 64;
/// The name that the figures of all others have.
const OTHERS: &str = "(others)";

/// The sinks that the configuration names no more.
#[derive(Debug, Default)]
pub(in crate::call_log) struct FormerSinks(Mutex<Former>);

#[derive(Debug, Default)]
struct Former {
    /// Those that still send, the oldest first.
    sending: Vec<Arc<RemoteSink>>,
    /// What became of the records of those that have ended, by name, and their last loss.
    ended: BTreeMap<String, (RemoteSinkFigures, Option<Loss>)>,
}

impl FormerSinks {
    /// Has these sinks send what waits for them, and no more than that.
    pub(in crate::call_log) fn add(&self, sinks: Vec<Arc<RemoteSink>>) {
        let mut former = self.0.lock();
        for sink in sinks {
            sink.leave(AFTER_RELOAD);
            let waiting = sink.figures().waiting;
            if waiting > 0 {
                tracing::info!(
                    bytes = waiting,
                    "records of the call log wait for {}, which is configured no more: they are sent for {} s",
                    sink.shown(),
                    AFTER_RELOAD.as_secs()
                );
            }
            former.sending.push(sink);
        }
        former.tidy();
        let more = former.sending.len().saturating_sub(MOST);
        for sink in &former.sending[..more] {
            let lost = sink.give_up();
            if lost > 0 {
                tracing::error!(
                    lost,
                    "records of the call log are lost for {}: others have left the configuration after it",
                    sink.shown()
                );
            }
        }
    }

    /// Those that still send.
    pub(super) fn sending(&self) -> Vec<Arc<RemoteSink>> {
        let mut former = self.0.lock();
        former.tidy();
        former.sending.clone()
    }

    /// These figures together with those of former sinks: one for each name.
    pub(super) fn with(&self, live: Vec<RemoteSinkFigures>) -> Vec<RemoteSinkFigures> {
        let mut former = self.0.lock();
        former.tidy();
        let sending = former.sending.iter().map(|sink| sink.figures());
        let all = live.into_iter().chain(sending);
        let mut sums: Vec<RemoteSinkFigures> = Vec::new();
        for figures in all.chain(former.ended.values().map(|(figures, _)| figures.clone())) {
            match sums.iter_mut().find(|sum| sum.sink == figures.sink) {
                Some(sum) => sum.add(&figures),
                None => sums.push(figures),
            }
        }
        sums
    }

    /// The recent losses, by name.
    pub(super) fn losses(&self) -> Vec<(String, Loss)> {
        let mut former = self.0.lock();
        former.tidy();
        let sending = former.sending.iter();
        let sending = sending.map(|sink| (sink.shown(), sink.loss()));
        let ended = former.ended.iter();
        let ended = ended.map(|(name, (_, loss))| (name.clone(), loss.clone()));
        let all = sending.chain(ended);
        all.filter_map(|(name, loss)| Some((name, loss.filter(Loss::is_recent)?)))
            .collect()
    }
}

impl Former {
    /// Keeps the figures of those that have ended.
    fn tidy(&mut self) {
        let Self { sending, ended } = self;
        for sink in sending.extract_if(.., |sink| sink.has_ended()) {
            let mut figures = sink.figures();
            if ended.len() >= NAMES && !ended.contains_key(&figures.sink) {
                OTHERS.clone_into(&mut figures.sink);
            }
            let loss = sink.loss();
            match ended.get_mut(&figures.sink) {
                Some((sum, last)) => {
                    sum.add(&figures);
                    *last = loss.or(last.take());
                }
                None => drop(ended.insert(figures.sink.clone(), (figures, loss))),
            }
        }
    }
}

impl RemoteSinkFigures {
    fn add(&mut self, more: &Self) {
        self.sent += more.sent;
        self.dropped += more.dropped;
        self.rejected += more.rejected;
        self.waiting += more.waiting;
    }
}

//! Where records are sent beside the call log's file. Each sink has a queue that is bounded in bytes and a task that sends
//! from it. A sink that is away costs its queue, and holds up no record until that is full.

mod bounded;
mod client;
mod delivery;
mod figures;
mod former;
mod sink;

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use sandgate_config::ResolvedSink;
use tokio_util::sync::CancellationToken;

use self::bounded::bounded;
use self::sink::RemoteSink;
use super::CallLogWriter;
use super::open_error::OpenError;

pub use self::figures::{LosingSink, RemoteSinkFigures, RemoteSinkStatus};
pub(super) use self::former::FormerSinks;

/// How long records that wait are sent on when the gateway ends.
const AT_END: Duration = Duration::from_secs(5);

/// All sinks of one configuration. Those of the one before that are the same take the place of its own.
#[derive(Debug, Default)]
pub(super) struct RemoteSinks {
    all: ArcSwap<Vec<Arc<RemoteSink>>>,
}

impl RemoteSinks {
    /// Sinks with empty queues, from which nothing is sent yet.
    ///
    /// # Errors
    ///
    /// The certificates that one of them is to trust are none.
    pub(super) fn new(sinks: Vec<ResolvedSink>) -> Result<Self, OpenError> {
        let one = |(index, config): (usize, ResolvedSink)| {
            RemoteSink::new(config)
                .map(Arc::new)
                .map_err(|why| OpenError::Sink { index, why })
        };
        let all: Result<Vec<_>, OpenError> = sinks.into_iter().enumerate().map(one).collect();
        Ok(Self {
            all: ArcSwap::from_pointee(all?),
        })
    }

    /// Goes on with those of another configuration that are the same, with what waits for them. Returns the others.
    pub(super) fn take_over(&self, before: &Self) -> Vec<Arc<RemoteSink>> {
        let mut others = before.all.load().to_vec();
        let all = self.all.load_full();
        let all = all.iter().map(|fresh| {
            let setup = fresh.setup.load_full();
            let is_same = |one: &Arc<RemoteSink>| one.setup.load().config.is_same(&setup.config);
            match others.iter().position(is_same) {
                None => fresh.clone(),
                Some(index) => {
                    let same = others.remove(index);
                    same.setup.store(setup);
                    same.renewed.notify_one();
                    same
                }
            }
        });
        self.all.store(Arc::new(all.collect()));
        others
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.load().is_empty()
    }

    /// Has a line wait for each sink. False: one of them has no room for it.
    pub(super) fn put(&self, line: &[u8]) -> bool {
        let line = bounded(line);
        // Every sink is asked, also after one that has no room.
        let all = self.all.load();
        all.iter().filter(|sink| !sink.put(&line)).count() == 0
    }

    /// The sinks, in the file's order.
    pub(super) fn all(&self) -> Arc<Vec<Arc<RemoteSink>>> {
        self.all.load_full()
    }
}

impl CallLogWriter {
    /// Sends records to the sinks of the configuration in force, and what waits for those that it names no more, until `end`;
    /// then for a few seconds what waits.
    pub async fn send(self: Arc<Self>, end: CancellationToken) {
        let mut tasks = Vec::new();
        loop {
            tasks.retain(|task: &tokio::task::JoinHandle<()>| !task.is_finished());
            tasks.extend(self.all_sinks().iter().filter_map(RemoteSink::begin));
            tokio::select! {
                () = self.redirected.notified() => {}
                () = end.cancelled() => break,
            }
        }
        let all = self.all_sinks();
        for sink in &all {
            sink.close(AT_END);
        }
        let until = tokio::time::Instant::now() + AT_END;
        for task in tasks {
            // An attempt under way has a timeout of its own, which is longer.
            let _ = tokio::time::timeout_at(until, task).await;
        }
        for sink in all.iter().filter(|sink| !sink.has_ended()) {
            let sending = sink.waiting.lock().sending as u64;
            let lost = sink.give_up() + sending;
            tracing::error!(
                lost,
                "the gateway ends, and records of the call log are lost for {}",
                sink.shown()
            );
        }
    }

    /// The sinks of the configuration in force, and those that still send what waited for them before.
    fn all_sinks(&self) -> Vec<Arc<RemoteSink>> {
        let mut all = self.target.load().remote.all().to_vec();
        all.extend(self.former_sinks.sending());
        all
    }

    /// Whether records go to these sinks.
    pub fn sends_to(&self, sinks: &[ResolvedSink]) -> bool {
        let all = self.target.load().remote.all();
        let setups: Vec<_> = all.iter().map(|sink| sink.setup.load_full()).collect();
        setups.iter().map(|setup| &setup.config).eq(sinks)
    }
}

#[cfg(test)]
mod tests;

//! One sink: its queue, which is bounded in bytes, and its counts.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use sandgate_config::ResolvedSink;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::client::RemoteClient;
use super::figures::{Loss, RemoteSinkFigures};

/// What a record costs beside its own bytes.
pub(super) const OVERHEAD: usize = 64;
/// Why a sink that takes records loses some.
const SLOW: &str = "it is slower than records come";

pub(in crate::call_log) struct RemoteSink {
    pub(super) setup: ArcSwap<Setup>,
    pub(super) waiting: Mutex<Waiting>,
    pub(super) changed: Notify,
    /// Told when there is another setup.
    pub(super) renewed: Notify,
    /// Whether a task sends from the queue.
    begun: AtomicBool,
    /// Whether that task has ended.
    pub(super) ended: AtomicBool,
    pub(super) sent: AtomicU64,
    dropped: AtomicU64,
    pub(super) rejected: AtomicU64,
    /// Since when it takes no records, and why.
    pub(super) failure: Mutex<Option<(SystemTime, String)>>,
    /// Whether a record found no room, and none was sent since.
    pub(super) full: AtomicBool,
    /// The last loss.
    pub(super) loss: Mutex<Option<Loss>>,
    /// Cancelled when no more records come.
    pub(super) closed: CancellationToken,
}

/// What a reload may change of a sink that stays the same.
pub(super) struct Setup {
    pub(super) config: ResolvedSink,
    pub(super) client: RemoteClient,
}

#[derive(Default)]
pub(super) struct Waiting {
    pub(super) lines: VecDeque<Box<str>>,
    /// How many lines are being sent.
    pub(super) sending: usize,
    /// The bytes of both.
    pub(super) bytes: usize,
    pub(super) until: Option<Instant>,
    /// Whether the configuration names it no more, so that a line that comes all the same is none of its own.
    left: bool,
}

impl RemoteSink {
    /// A sink with an empty queue, from which nothing is sent yet.
    ///
    /// # Errors
    ///
    /// The certificates that it is to trust are none.
    pub(super) fn new(config: ResolvedSink) -> Result<Self, String> {
        let client = RemoteClient::new(&config)?;
        Ok(Self {
            setup: ArcSwap::from_pointee(Setup { config, client }),
            waiting: Mutex::default(),
            changed: Notify::new(),
            renewed: Notify::new(),
            begun: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            sent: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            rejected: AtomicU64::new(0),
            failure: Mutex::new(None),
            full: AtomicBool::new(false),
            loss: Mutex::new(None),
            closed: CancellationToken::new(),
        })
    }

    /// No more lines come. What waits is sent for this long.
    pub(super) fn close(&self, left: Duration) {
        let until = Instant::now() + left;
        let mut waiting = self.waiting.lock();
        waiting.until = Some(waiting.until.map_or(until, |before| before.min(until)));
        self.closed.cancel();
    }

    /// The configuration names it no more. What waits is sent for this long; lines that come all the same are none of its own.
    pub(super) fn leave(&self, left: Duration) {
        self.waiting.lock().left = true;
        self.close(left);
    }

    /// Gives up all that waits, without another attempt. Returns how many lines that were.
    pub(super) fn give_up(&self) -> u64 {
        self.close(Duration::ZERO);
        let mut waiting = self.waiting.lock();
        let lines = std::mem::take(&mut waiting.lines);
        waiting.bytes -= lines
            .iter()
            .map(|line| line.len() + OVERHEAD)
            .sum::<usize>();
        drop(waiting);
        self.drop_records(lines.len() as u64);
        // No task begins for it any more.
        if !self.begun.swap(true, Ordering::Relaxed) {
            self.ended.store(true, Ordering::Release);
        }
        lines.len() as u64
    }

    /// Starts to send, once.
    pub(super) fn begin(self: &Arc<Self>) -> Option<tokio::task::JoinHandle<()>> {
        let begins = !self.begun.swap(true, Ordering::Relaxed);
        begins.then(|| tokio::spawn(self.clone().run()))
    }

    /// Whether it sends no more.
    pub(super) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    /// The sink, without what may be a secret.
    pub(super) fn shown(&self) -> String {
        self.setup.load().config.shown()
    }

    /// What became of its records.
    pub(super) fn figures(&self) -> RemoteSinkFigures {
        RemoteSinkFigures {
            sink: self.shown(),
            sent: self.sent.load(Ordering::Relaxed),
            dropped: self.dropped.load(Ordering::Relaxed),
            rejected: self.rejected.load(Ordering::Relaxed),
            waiting: self.waiting.lock().bytes as u64,
        }
    }

    /// The last loss, if it is recent or no more records can wait.
    pub(super) fn loss(&self) -> Option<Loss> {
        let loss = self.loss.lock().clone()?;
        (loss.is_recent() || self.full.load(Ordering::Relaxed)).then_some(loss)
    }

    pub(super) fn drop_records(&self, count: u64) {
        if count == 0 {
            return;
        }
        self.dropped.fetch_add(count, Ordering::Relaxed);
        let why = self.why_full();
        *self.loss.lock() = Some(Loss::now(why));
    }

    /// Why records find no room to wait.
    pub(super) fn why_full(&self) -> String {
        let failure = self.failure.lock();
        let why = failure.as_ref().map_or(SLOW, |(_, why)| why);
        why.to_owned()
    }

    pub(super) fn put(&self, line: &[u8]) -> bool {
        let text = String::from_utf8_lossy(line.strip_suffix(b"\n").unwrap_or(line));
        let size = text.len() + OVERHEAD;
        let mut waiting = self.waiting.lock();
        if waiting.left {
            return true;
        }
        let queue = self.setup.load().config.queue;
        let room = u64::try_from(waiting.bytes + size).is_ok_and(|all| all <= queue);
        if !room || self.closed.is_cancelled() {
            drop(waiting);
            self.drop_records(1);
            self.full.store(true, Ordering::Relaxed);
            return false;
        }
        waiting.bytes += size;
        waiting.lines.push_back(text.into());
        drop(waiting);
        self.changed.notify_one();
        true
    }

    pub(super) fn lost(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed) + self.rejected.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for RemoteSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RemoteSink({})", self.shown())
    }
}

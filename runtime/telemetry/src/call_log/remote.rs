//! Where records are sent beside the call log's file. Each sink has a queue that is bounded in bytes and a task that sends
//! from it. A sink that is away costs its queue, and holds up no record until that is full.

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use sandgate_audit::export::{self, Format};
use sandgate_config::{ResolvedSink, SinkFormat};
use sandgate_text::time;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::CallLogWriter;
use super::audit::OpenError;
use super::remote_client::{RemoteClient, Unsent};

/// How long records that wait are sent on when the gateway ends.
const AT_END: Duration = Duration::from_secs(5);
/// The most bytes of records in one request.
const BATCH: usize = 256 << 10;
/// The most records in one request.
const BATCH_RECORDS: usize = 1000;
/// How long records wait for more of them.
const LINGER: Duration = Duration::from_millis(200);
/// The pauses after a failure: each twice as long as the one before.
const PAUSES: (Duration, Duration) = match cfg!(test) {
    false => (Duration::from_millis(500), Duration::from_secs(30)),
    true => (Duration::from_millis(5), Duration::from_millis(50)),
};
/// How often the same records are sent to a sink that breaks on them, before fewer of them are sent, or the one is rejected.
const TRIES: u32 = 8;
/// The longest record that is sent whole, in bytes. A longer one is sent without its payload.
const LONGEST: usize = 256 << 10;
/// The longest member of a record that is longer than that without its payload, in bytes.
const LONGEST_MEMBER: usize = 1 << 10;
/// What a record costs beside its own bytes.
const OVERHEAD: usize = 64;
/// How often it is told that records are lost.
const SAY: Duration = Duration::from_secs(60);
/// How long after a loss records still count as being lost.
const LATELY: Duration = match cfg!(test) {
    false => Duration::from_secs(60),
    true => Duration::from_millis(500),
};
/// Why a sink that takes records loses some.
const SLOW: &str = "it is slower than records come";

/// All sinks of one configuration. Those of the one before that are the same take the place of its own.
#[derive(Debug, Default)]
pub(super) struct RemoteSinks {
    all: ArcSwap<Vec<Arc<RemoteSink>>>,
}

pub(super) struct RemoteSink {
    setup: ArcSwap<Setup>,
    waiting: Mutex<Waiting>,
    changed: Notify,
    /// Told when there is another setup.
    renewed: Notify,
    /// Whether a task sends from the queue.
    begun: AtomicBool,
    /// Whether that task has ended.
    ended: AtomicBool,
    sent: AtomicU64,
    dropped: AtomicU64,
    rejected: AtomicU64,
    /// Since when it takes no records, and why.
    failure: Mutex<Option<(SystemTime, String)>>,
    /// Whether a record found no room, and none was sent since.
    full: AtomicBool,
    /// The last loss.
    loss: Mutex<Option<Loss>>,
    /// Cancelled when no more records come.
    closed: CancellationToken,
}

/// When a record was lost, and why.
#[derive(Clone, Debug)]
pub(super) struct Loss {
    at: Instant,
    why: String,
}

impl Loss {
    fn now(why: String) -> Self {
        let at = Instant::now();
        Self { at, why }
    }

    /// Whether it counts as lasting.
    pub(super) fn is_recent(&self) -> bool {
        self.at.elapsed() < LATELY
    }
}

/// A sink for which records are lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LosingSink {
    /// The sink, without what may be a secret.
    pub sink: String,
    /// Why.
    pub why: String,
}

/// What a reload may change of a sink that stays the same.
struct Setup {
    config: ResolvedSink,
    client: RemoteClient,
}

#[derive(Default)]
struct Waiting {
    lines: VecDeque<Box<str>>,
    /// How many lines are being sent.
    sending: usize,
    /// The bytes of both.
    bytes: usize,
    until: Option<Instant>,
    /// Whether the configuration names it no more, so that a line that comes all the same is none of its own.
    left: bool,
}

/// What became of the records for one sink since the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteSinkFigures {
    /// The sink, without what may be a secret.
    pub sink: String,
    /// Records, or events made of them, that it took.
    pub sent: u64,
    /// Records that found no room to wait, or still waited at the end.
    pub dropped: u64,
    /// Records that it will never take.
    pub rejected: u64,
    /// What waits, in bytes.
    pub waiting: u64,
}

/// A sink, as operators see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoteSinkStatus {
    /// The sink, without what may be a secret.
    pub sink: String,
    /// Records that it took.
    pub sent: u64,
    /// Records that are lost for it.
    pub lost: u64,
    /// What waits, in bytes.
    pub waiting_bytes: u64,
    /// Since when it takes no records (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<String>,
    /// Why it takes none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl RemoteSinks {
    /// Sinks with empty queues, from which nothing is sent yet.
    ///
    /// # Errors
    ///
    /// The certificates that one of them is to trust are none.
    pub(super) fn new(sinks: Vec<ResolvedSink>) -> Result<Self, OpenError> {
        let one = |(index, config): (usize, ResolvedSink)| {
            let client =
                RemoteClient::new(&config).map_err(|why| OpenError::Sink { index, why })?;
            Ok(Arc::new(RemoteSink {
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
            }))
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

impl RemoteSink {
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

    fn drop_records(&self, count: u64) {
        if count == 0 {
            return;
        }
        self.dropped.fetch_add(count, Ordering::Relaxed);
        let why = self.why_full();
        *self.loss.lock() = Some(Loss::now(why));
    }

    /// Why records find no room to wait.
    fn why_full(&self) -> String {
        let failure = self.failure.lock();
        let why = failure.as_ref().map_or(SLOW, |(_, why)| why);
        why.to_owned()
    }

    fn put(&self, line: &[u8]) -> bool {
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

    /// Sends lines as they come, until no more come and none waits.
    async fn run(self: Arc<Self>) {
        self.send_all().await;
        self.ended.store(true, Ordering::Release);
    }

    async fn send_all(&self) {
        let mut said: Option<Instant> = None;
        loop {
            let closed = self.closed.is_cancelled();
            let batch = self.take();
            if batch.is_empty() {
                if closed {
                    return;
                }
                tokio::select! {
                    () = self.changed.notified() => {}
                    () = self.closed.cancelled() => {}
                }
                if self.setup.load().client.is_batched() {
                    tokio::select! {
                        () = tokio::time::sleep(LINGER) => {}
                        () = self.closed.cancelled() => {}
                    }
                }
                continue;
            }
            let lost = self.lost();
            let over = self.deliver(&batch).await.is_err();
            let size = batch
                .iter()
                .map(|line| line.len() + OVERHEAD)
                .sum::<usize>();
            {
                let mut waiting = self.waiting.lock();
                waiting.bytes -= size;
                waiting.sending = 0;
            }
            if over {
                self.give_up();
            }
            // What is lost at the end is always told: there is no later time for it.
            if self.lost() > lost && (over || said.is_none_or(|said| said.elapsed() >= SAY)) {
                said = Some(Instant::now());
                let lost = self.lost();
                tracing::error!(
                    lost,
                    "records of the call log are lost for {}",
                    self.shown()
                );
            }
            if over {
                return;
            }
        }
    }

    fn lost(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed) + self.rejected.load(Ordering::Relaxed)
    }

    fn take(&self) -> Vec<Box<str>> {
        let mut waiting = self.waiting.lock();
        let (mut count, mut bytes) = (0, 0);
        for line in waiting.lines.iter().take(BATCH_RECORDS) {
            bytes += line.len();
            if count > 0 && bytes > BATCH {
                break;
            }
            count += 1;
        }
        waiting.sending = count;
        waiting.lines.drain(..count).collect()
    }

    /// Sends a batch, as often as is needed. `Err`: the time for it is over, and it is lost.
    async fn deliver(&self, batch: &[Box<str>]) -> Result<(), ()> {
        let format = match self.setup.load().config.format {
            SinkFormat::Record => None,
            SinkFormat::Ocsf => Some(Format::Ocsf),
            SinkFormat::Ecs => Some(Format::Ecs),
            SinkFormat::Cef => Some(Format::Cef),
        };
        let events: Vec<String> = match format {
            None => batch.iter().map(|line| line.to_string()).collect(),
            Some(format) => {
                let lines = batch.iter();
                lines
                    .filter_map(|line| export::event(format, line.as_bytes()))
                    .collect()
            }
        };
        let mut events = &events[..];
        let mut pause = PAUSES.0;
        // The most events of a request: fewer where it takes not all of them, to find the one that it does not take.
        let mut most = usize::MAX;
        let mut tries = 0;
        while !events.is_empty() {
            let count = events.len().min(most);
            let setup = self.setup.load_full();
            let (taken, unsent) = setup.client.send(&events[..count]).await;
            self.sent.fetch_add(taken as u64, Ordering::Relaxed);
            events = &events[taken..];
            let why = match unsent {
                None => {
                    most = most.saturating_mul(2);
                    (pause, tries) = (PAUSES.0, 0);
                    self.takes();
                    continue;
                }
                Some(Unsent::Rejected(2.., _)) => {
                    most = count.div_ceil(2);
                    continue;
                }
                Some(Unsent::Rejected(_, why)) => {
                    self.reject(&mut events, &why);
                    self.takes();
                    continue;
                }
                Some(Unsent::Broken(why)) => {
                    tries += 1;
                    if tries >= TRIES {
                        tries = 0;
                        match count {
                            1 => self.reject(&mut events, &why),
                            _ => most = count.div_ceil(2),
                        }
                    }
                    why
                }
                Some(Unsent::Later(why)) => why,
            };
            self.tell(Some(why));
            let until = self.waiting.lock().until;
            if until.is_some_and(|until| until <= Instant::now()) {
                self.drop_records(events.len() as u64);
                return Err(());
            }
            let pausing = tokio::time::sleep(pause.mul_f64(rand::random_range(0.5..1.0)));
            match until {
                Some(_) => pausing.await,
                None => tokio::select! {
                    () = pausing => {}
                    () = self.closed.cancelled() => {}
                    // Another token may be what it waited for.
                    () = self.renewed.notified() => pause = PAUSES.0,
                },
            }
            pause = (pause * 2).min(PAUSES.1);
            if self.closed.is_cancelled() {
                pause = PAUSES.0;
            }
        }
        Ok(())
    }

    /// The sink takes records.
    fn takes(&self) {
        self.tell(None);
        self.full.store(false, Ordering::Relaxed);
    }

    /// Gives up the first of these events, which the sink never takes.
    fn reject(&self, events: &mut &[String], why: &str) {
        *events = &events[1..];
        let rejected = self.rejected.fetch_add(1, Ordering::Relaxed) + 1;
        *self.loss.lock() = Some(Loss::now(format!("it rejects a record: {why}")));
        // Seldom, since each record of a busy gateway may be rejected.
        if rejected.is_power_of_two() {
            tracing::error!(rejected, "{} rejects a record: {why}", self.shown());
        }
    }

    /// Says once that it takes no records, and once that it does again.
    fn tell(&self, why: Option<String>) {
        let mut failure = self.failure.lock();
        let shown = || self.shown();
        match (why, failure.as_ref()) {
            (Some(why), None) => {
                tracing::error!(
                    "{} takes no records of the call log, which wait: {why}",
                    shown()
                );
                *failure = Some((SystemTime::now(), why));
            }
            (Some(why), Some((since, _))) => *failure = Some((*since, why)),
            (None, Some(_)) => {
                tracing::info!("{} takes records of the call log again", shown());
                *failure = None;
            }
            (None, None) => {}
        }
    }
}

/// The record, without its payload where it is too long to be sent whole. It says so, and is no line of the chain then.
fn bounded(line: &[u8]) -> Cow<'_, [u8]> {
    if line.len() <= LONGEST {
        return Cow::Borrowed(line);
    }
    let read: Result<BTreeMap<String, &RawValue>, _> = serde_json::from_slice(line);
    let mut members = read.unwrap_or_default();
    members.retain(|name, _| !matches!(&**name, "params" | "reply" | "prev"));
    let size = |members: &BTreeMap<String, &RawValue>| -> usize {
        members.values().map(|value| value.get().len()).sum()
    };
    if size(&members) > LONGEST / 2 {
        members.retain(|_, value| value.get().len() <= LONGEST_MEMBER);
    }
    let marked = serde_json::value::to_raw_value(&true);
    if let Ok(marked) = &marked {
        members.insert("too_large".to_owned(), marked);
    }
    Cow::Owned(serde_json::to_vec(&members).unwrap_or_default())
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

    /// What became of records since the start, by sink: those in force in the file's order, then former ones.
    pub fn sink_figures(&self) -> Vec<RemoteSinkFigures> {
        let all = self.target.load().remote.all();
        let all = all.iter().map(|sink| sink.figures());
        self.former_sinks.with(all.collect())
    }

    /// The sinks, as operators see them.
    pub fn sink_status(&self) -> Vec<RemoteSinkStatus> {
        let all = self.target.load().remote.all();
        let all = all.iter().map(|sink| {
            let failure = sink.failure.lock().clone();
            let (since, error) = failure.unzip();
            RemoteSinkStatus {
                sink: sink.shown(),
                sent: sink.sent.load(Ordering::Relaxed),
                lost: sink.lost(),
                waiting_bytes: sink.waiting.lock().bytes as u64,
                failing_since: since.map(time),
                error,
            }
        });
        all.collect()
    }

    /// The first sink that has no room for a record, and why it takes none.
    pub(crate) fn full_sink(&self) -> Option<(String, String)> {
        let all = self.target.load().remote.all();
        let full = all.iter().find(|sink| sink.full.load(Ordering::Relaxed))?;
        Some((full.shown(), full.why_full()))
    }

    /// The sinks for which records are lost, or were in the last minute, those that a reload has taken out too.
    pub fn losing_sinks(&self) -> Vec<LosingSink> {
        let all = self.target.load().remote.all();
        let losses = all
            .iter()
            .filter_map(|sink| Some((sink.shown(), sink.loss()?)));
        let losses = losses.chain(self.former_sinks.losses());
        let mut found: Vec<LosingSink> = Vec::new();
        for (sink, Loss { why, .. }) in losses {
            if found.iter().all(|one| one.sink != sink) {
                found.push(LosingSink { sink, why });
            }
        }
        found
    }
}

impl fmt::Debug for RemoteSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RemoteSink({})", self.shown())
    }
}

#[cfg(test)]
mod tests;

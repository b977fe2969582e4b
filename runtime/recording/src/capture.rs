//! Records calls to be replayed: `sandgate run --record DIR`.
//!
//! Recording is off the path of every call: a captured call goes into a bounded queue, and a thread of its own does the
//! rest. With surrogates, a captured call is replayed twice through the chain that it passed: as it came, to learn what
//! policies find in it, and with the surrogates in place, to check that they find them again. A call in which the same
//! is not found again is not written.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use sandgate_gateway::CapturedCall;
use sandgate_message::{Call, CallId};
use sha2::{Digest, Sha256};
use tokio::sync::{Notify, mpsc};

use crate::folder::{Folder, FolderError};
use crate::recording_status::RecordingStatus;
use crate::seal::Recipient;
use crate::tallies::{Tallies, size};
use crate::writer::Writer;

/// The most captured calls that wait to be written.
const WAITING: usize = 1024;
/// The most bytes that the waiting calls hold together.
const WAITING_BYTES: usize = 64 << 20;
/// How long the gateway's end waits for calls that are not written yet.
const LAST: Duration = Duration::from_secs(10);

/// What `sandgate run` is asked to record.
#[derive(Clone)]
pub struct Wanted {
    /// The folder of the recording.
    pub folder: PathBuf,
    /// How many of 10,000 calls are recorded.
    pub share: u16,
    /// The most bytes of the whole recording.
    pub max: u64,
    /// The key whose owner can read the calls, which are then kept as they come. `None`: calls are kept with
    /// surrogates.
    pub raw_to: Option<Recipient>,
}

/// Records the calls of a gateway.
pub struct Recording {
    wanted: Wanted,
    queue: mpsc::Sender<Box<CapturedCall>>,
    /// Signals that nothing more is taken, and that what waits is to be written.
    closing: Arc<Notify>,
    waiting: Arc<AtomicUsize>,
    tallies: Arc<Tallies>,
    thread: Mutex<Option<std::thread::JoinHandle<()>>>,
}

impl Recording {
    /// Begins to record.
    ///
    /// # Errors
    ///
    /// The folder cannot be recorded to.
    pub fn begin(wanted: Wanted) -> Result<Arc<Self>, FolderError> {
        let folder = Folder::open(&wanted.folder, wanted.raw_to.clone(), wanted.max)?;
        let (queue, waits) = mpsc::channel(WAITING);
        let (waiting, tallies) = (Arc::<AtomicUsize>::default(), Arc::<Tallies>::default());
        let writer = Writer::new(folder, tallies.clone());
        let (bytes, closing) = (waiting.clone(), Arc::<Notify>::default());
        let close = closing.clone();
        let thread = std::thread::Builder::new()
            .name("recording".into())
            .spawn(move || writer.run(waits, &bytes, &close))
            .map_err(|source| FolderError::Io {
                path: wanted.folder.clone(),
                what: "cannot be recorded to",
                source,
            })?;
        Ok(Arc::new(Self {
            wanted,
            queue,
            closing,
            waiting,
            tallies,
            thread: Mutex::new(Some(thread)),
        }))
    }

    /// Whether the call is to be recorded. The id alone decides, so the question is cheap.
    pub fn wants(&self, call: &Call) -> bool {
        self.wanted.share >= 10_000 || lot(&call.id) < self.wanted.share
    }

    /// Queues a captured call, unless too many wait already. Takes no lock and never waits.
    pub fn take(&self, taken: Box<CapturedCall>) {
        let size = size(&taken);
        let fits = self.waiting.fetch_add(size, Ordering::Relaxed) + size <= WAITING_BYTES;
        if !fits || self.queue.try_send(taken).is_err() {
            self.waiting.fetch_sub(size, Ordering::Relaxed);
            let before = self.tallies.queue.fetch_add(1, Ordering::Relaxed);
            if before.is_power_of_two() || before == 0 {
                tracing::warn!(
                    dropped = before + 1,
                    "calls are not recorded, and go on: the recorder does not keep up"
                );
            }
        }
    }

    /// The current counts.
    pub fn status(&self) -> RecordingStatus {
        let Tallies {
            written,
            queue,
            orphaned,
            unplaced,
            unlike,
            left,
            large,
            failed,
        } = &*self.tallies;
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        RecordingStatus {
            folder: self.wanted.folder.clone(),
            sealed: self.wanted.raw_to.is_some(),
            written: count(written),
            dropped: count(queue),
            orphaned: count(orphaned),
            unplaced: count(unplaced),
            unlike: count(unlike),
            unclean: count(left),
            too_large: count(large),
            failed: count(failed),
        }
    }

    /// Writes what still waits, for ten seconds at most, and logs the counts.
    pub async fn finish(&self) {
        self.closing.notify_one();
        let thread = self.thread.lock().take();
        if let Some(thread) = thread {
            let ended = tokio::task::spawn_blocking(move || drop(thread.join()));
            if tokio::time::timeout(LAST, ended).await.is_err() {
                tracing::warn!("the last calls are not recorded: the recorder does not keep up");
            }
        }
        tracing::info!("{}", self.status().text());
    }
}

/// Maps an id evenly to a number below 10,000.
fn lot(id: &CallId) -> u16 {
    let digest = Sha256::digest(id.0.as_bytes());
    let word = u32::from_le_bytes(std::array::from_fn(|n| digest[n]));
    u16::try_from(word % 10_000).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use sandgate_message::{Json, Limits, Message};
    use sandgate_pipeline::Chain;

    use super::*;

    fn taken(text: &str) -> Box<CapturedCall> {
        let call = Arc::new(Call {
            method: "notifications/told".into(),
            server: "desk".into(),
            target: None,
            ..Call::example()
        });
        let params = Json::of(&serde_json::json!({ "text": text })).unwrap();
        let message = Message::notification("notifications/told", &params);
        let chain = Chain::new(1, Vec::new(), None, Limits::default());
        Box::new(CapturedCall::new(&call, &message, &chain))
    }

    /// A recording whose queue nobody empties.
    fn stuck() -> (Recording, mpsc::Receiver<Box<CapturedCall>>) {
        let (queue, waits) = mpsc::channel(WAITING);
        let recording = Recording {
            wanted: Wanted {
                folder: "calls".into(),
                share: 10_000,
                max: 1 << 20,
                raw_to: None,
            },
            queue,
            closing: Arc::default(),
            waiting: Arc::default(),
            tallies: Arc::default(),
            thread: Mutex::new(None),
        };
        (recording, waits)
    }

    #[test]
    fn where_the_recorder_is_behind_calls_are_dropped_and_counted() {
        let (recording, mut waits) = stuck();
        for _ in 0..WAITING + 3 {
            recording.take(taken("open"));
        }
        assert_eq!(recording.status().dropped, 3);
        assert!(waits.try_recv().is_ok());
        recording.take(taken("open"));
        assert_eq!(recording.status().dropped, 3);
    }

    #[test]
    fn what_waits_is_bounded_in_bytes_too() {
        let (recording, _waits) = stuck();
        let large = "x".repeat(WAITING_BYTES / 4);
        for _ in 0..5 {
            recording.take(taken(&large));
        }
        assert_eq!(recording.status().dropped, 2);
        assert!(recording.waiting.load(Ordering::Relaxed) <= WAITING_BYTES);
    }

    #[test]
    fn a_share_of_calls_is_that_share() {
        let drawn = (0..10_000).filter(|n| lot(&CallId(format!("{n:x}").into())) < 1_000);
        let count = drawn.count();
        assert!((850..1150).contains(&count), "{count}");
    }

    #[test]
    fn what_was_not_recorded_is_said_with_its_reason() {
        let status = RecordingStatus {
            folder: "rec".into(),
            written: 7,
            unlike: 2,
            ..RecordingStatus::default()
        };
        assert_eq!(
            status.text(),
            "rec: 7 calls; 2 not recorded, since surrogates would be judged otherwise"
        );
    }
}

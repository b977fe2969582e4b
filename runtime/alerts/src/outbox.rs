//! Messages of one rule on their way: a queue that is bounded in entries and bytes, and what sends from it. Whatever a
//! receiver does, it holds up this queue alone.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use parking_lot::Mutex;
use sandgate_text::time;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::notice::Notice;
use crate::sender::{Message, Sender, Unsent};
use crate::status::Delivery;

/// The most messages that wait.
const MAX_WAITING: usize = 256;
/// The most memory of those that wait, in bytes.
const MAX_BYTES: usize = 256 << 10;
/// The pauses between attempts to send one message, give or take half of each. After the last attempt it is lost.
const PAUSES: [Duration; 5] = [
    Duration::from_secs(1),
    Duration::from_secs(4),
    Duration::from_secs(16),
    Duration::from_secs(64),
    Duration::from_secs(128),
];
/// How long messages that wait are sent for, once each, when no more come: their receiver is none any more.
const LEFT: Duration = Duration::from_secs(30);
/// How often it is told that a receiver fails.
const SAY: Duration = Duration::from_secs(60);

/// The messages of one rule.
pub(crate) struct Outbox {
    rule: Arc<str>,
    sender: Sender,
    waiting: Mutex<Waiting>,
    changed: Notify,
    counts: Arc<Counts>,
    last: Mutex<Option<Delivery>>,
    /// Cancelled when no more come, with `waiting` locked: each message that waits has one attempt.
    closed: CancellationToken,
    /// Cancelled when the gateway ends: each message that waits has one attempt.
    over: CancellationToken,
}

/// What became of messages.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) sent: AtomicU64,
    pub(crate) failed: AtomicU64,
    pub(crate) dropped: AtomicU64,
}

#[derive(Default)]
struct Waiting {
    notices: VecDeque<Notice>,
    bytes: usize,
}

impl Outbox {
    pub(crate) fn new(
        rule: Arc<str>,
        sender: Sender,
        counts: Arc<Counts>,
        over: CancellationToken,
    ) -> Arc<Self> {
        Arc::new(Self {
            rule,
            sender,
            waiting: Mutex::default(),
            changed: Notify::new(),
            counts,
            last: Mutex::new(None),
            closed: CancellationToken::new(),
            over,
        })
    }

    /// The receiver.
    pub(crate) fn sender(&self) -> &Sender {
        &self.sender
    }

    /// Has a message wait for its turn. Where there is no room it is lost, and counted.
    pub(crate) fn put(&self, notice: Notice) {
        let size = notice.size();
        let mut waiting = self.waiting.lock();
        // After a reload a call that was under way may still be judged by a rule that is none any more.
        let closed = self.closed.is_cancelled();
        if closed || waiting.notices.len() >= MAX_WAITING || waiting.bytes + size > MAX_BYTES {
            drop(waiting);
            self.counts.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        waiting.bytes += size;
        waiting.notices.push_back(notice);
        drop(waiting);
        self.changed.notify_one();
    }

    /// The number of messages that wait.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.lock().notices.len()
    }

    /// The last message, and what came of it.
    pub(crate) fn last(&self) -> Option<Delivery> {
        self.last.lock().clone()
    }

    /// No more messages come.
    pub(crate) fn close(&self) {
        let waiting = self.waiting.lock();
        self.closed.cancel();
        drop(waiting);
    }

    /// Sends messages as they come, until no more come and none waits.
    pub(crate) async fn run(self: Arc<Self>) {
        let mut said: Option<Instant> = None;
        let mut broken = false;
        let mut until: Option<Instant> = None;
        loop {
            let (next, is_closed) = self.take();
            let Some(notice) = next else {
                if is_closed || self.over.is_cancelled() {
                    return;
                }
                tokio::select! {
                    () = self.changed.notified() => {}
                    () = self.closed.cancelled() => {}
                    () = self.over.cancelled() => {}
                }
                continue;
            };
            if is_closed && *until.get_or_insert_with(|| Instant::now() + LEFT) <= Instant::now() {
                self.counts.dropped.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            let Some(message) = self.sender.message(&self.rule, &notice) else {
                continue;
            };
            let outcome = self.deliver(&message).await;
            match &outcome {
                Ok(_) => {
                    self.counts.sent.fetch_add(1, Ordering::Relaxed);
                    if std::mem::take(&mut broken) {
                        tracing::info!(alert = %self.rule, "{} takes alerts again", self.sender.shown());
                    }
                }
                Err(unsent) => {
                    self.counts.failed.fetch_add(1, Ordering::Relaxed);
                    broken = true;
                    if said.is_none_or(|said| said.elapsed() >= SAY) {
                        said = Some(Instant::now());
                        let lost = self.counts.failed.load(Ordering::Relaxed);
                        tracing::error!(alert = %self.rule, lost, "an alert is lost: {}: {}", self.sender.shown(), unsent.why);
                    }
                }
            }
            *self.last.lock() = Some(delivery(outcome));
        }
    }

    /// The next message, and whether none comes after those that wait.
    fn take(&self) -> (Option<Notice>, bool) {
        let mut waiting = self.waiting.lock();
        let notice = waiting.notices.pop_front();
        waiting.bytes -= notice.as_ref().map_or(0, Notice::size);
        (notice, self.closed.is_cancelled())
    }

    async fn deliver(&self, message: &Message) -> Result<String, Unsent> {
        let mut pauses = PAUSES.iter();
        loop {
            let unsent = match self.sender.send(message).await {
                Ok(said) => return Ok(said),
                Err(unsent) => unsent,
            };
            let is_last = self.closed.is_cancelled() || self.over.is_cancelled();
            let again = unsent.passes && !is_last;
            let Some(pause) = pauses.next().filter(|_| again) else {
                return Err(unsent);
            };
            *self.last.lock() = Some(Delivery {
                said: format!("{}; it is tried again", unsent.why),
                ..delivery(Err(unsent))
            });
            tokio::select! {
                () = tokio::time::sleep(pause.mul_f64(rand::random_range(0.5..1.5))) => {}
                () = self.closed.cancelled() => {}
                () = self.over.cancelled() => {}
            }
        }
    }
}

/// What came of a message, as it is told now.
pub(crate) fn delivery(outcome: Result<String, Unsent>) -> Delivery {
    let (ok, said) = match outcome {
        Ok(said) => (true, said),
        Err(unsent) => (false, unsent.why),
    };
    Delivery {
        at: time(SystemTime::now()),
        ok,
        said,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use sandgate_config::{AlertKind, Receiver};

    use super::*;
    use crate::event::Event;

    fn outbox(url: &str) -> Arc<Outbox> {
        let receiver = Receiver::Webhook {
            url: url.parse().unwrap(),
            key: None,
        };
        let over = CancellationToken::new();
        Outbox::new("r".into(), Sender::new(receiver), Arc::default(), over)
    }

    fn notice(name: &str) -> Notice {
        let event = Event {
            tool: Some(name),
            ..Event::of(AlertKind::Refusals, "code", "ada")
        };
        Notice::of(&event, 1, SystemTime::now())
    }

    #[tokio::test]
    async fn it_never_grows_and_counts_what_finds_no_room() {
        let outbox = outbox("http://127.0.0.1:9/hook");
        for _ in 0..100_000 {
            outbox.put(notice("x"));
        }
        let dropped = || outbox.counts.dropped.load(Ordering::Relaxed);
        assert_eq!((outbox.waiting(), dropped()), (MAX_WAITING, 100_000 - 256));
        while outbox.take().0.is_some() {}
        assert_eq!(outbox.waiting.lock().bytes, 0);
        // Nor in bytes: names are cut before they come here.
        for _ in 0..100_000 {
            outbox.put(notice(&"x".repeat(1 << 10)));
        }
        assert!(outbox.waiting.lock().bytes <= MAX_BYTES);
    }

    #[tokio::test]
    async fn after_a_reload_the_old_receiver_has_one_attempt_for_each_message() {
        let outbox = outbox("http://127.0.0.1:9/hook");
        let run = tokio::spawn(outbox.clone().run());
        for _ in 0..20 {
            outbox.put(notice("x"));
        }
        // The first one's pause is cut short, too.
        tokio::time::sleep(Duration::from_millis(50)).await;
        outbox.close();
        let ended = tokio::time::timeout(Duration::from_secs(20), run);
        ended.await.unwrap().unwrap();
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let counts = &outbox.counts;
        assert_eq!(count(&counts.failed) + count(&counts.dropped), 20);
    }

    #[tokio::test]
    async fn what_waits_is_sent_before_it_ends_and_nothing_after() {
        let outbox = outbox("http://127.0.0.1:9/hook");
        outbox.put(notice("x"));
        outbox.close();
        outbox.put(notice("y"));
        outbox.over.cancel();
        let ended = tokio::time::timeout(Duration::from_secs(20), outbox.clone().run());
        ended.await.unwrap();
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        assert_eq!(count(&outbox.counts.failed), 1);
        assert_eq!(count(&outbox.counts.dropped), 1);
        assert!(!outbox.last().unwrap().ok);
    }
}

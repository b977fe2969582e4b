//! Sends what waits for a sink, as often as is needed.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime};

use sandgate_audit::export::{self, Format};
use sandgate_config::SinkFormat;

use super::client::Unsent;
use super::figures::Loss;
use super::sink::{OVERHEAD, RemoteSink};

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
/// How often it is told that records are lost.
const SAY: Duration = Duration::from_secs(60);

impl RemoteSink {
    /// Sends lines as they come, until no more come and none waits.
    pub(super) async fn run(self: Arc<Self>) {
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

    pub(super) fn take(&self) -> Vec<Box<str>> {
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

//! Spans of calls, sent to a collector by OTLP over HTTP. Spans hold ids, names and times, never a payload.
//!
//! A call leaves its spans in a bounded queue and goes on. Spans that find no room there are dropped and counted. One
//! task sends spans in batches; nothing else ever waits for the collector.

mod sender;
mod span;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use opentelemetry_proto::tonic::trace::v1::Span;
use parking_lot::Mutex;
use sandgate_config::{Collector, Config};
use sandgate_gateway::{CallTimings, Ended};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use self::sender::Sender;
use self::span::{Ends, Peer};
use crate::refusal_codes::RefusalCodes;

/// The most calls whose spans wait to be sent: a few megabytes at most.
const QUEUE: usize = 2048;
/// How long sending the last spans may take. Spans that are not sent by then are lost.
const FAREWELL: Duration = Duration::from_secs(2);

/// Makes spans of calls and queues them for sending.
pub struct Traces {
    queue: mpsc::Sender<Vec<Span>>,
    told: Arc<SpanCounts>,
    /// The peer that clients are.
    door: Peer,
    /// The peers that servers are, by name.
    servers: ArcSwap<HashMap<String, Peer>>,
    /// The codes of interceptors' refusals, by the interceptor's name.
    codes: ArcSwap<HashMap<String, Arc<RefusalCodes>>>,
    over: CancellationToken,
    sending: Mutex<Option<JoinHandle<()>>>,
}

/// The counts of spans by what became of them.
#[derive(Debug, Default)]
pub struct SpanCounts {
    sent: AtomicU64,
    dropped: AtomicU64,
    failed: AtomicU64,
}

impl SpanCounts {
    /// The counters with their labels: `sent` (taken by the collector), `dropped` (no room in the queue), `failed` (not
    /// taken).
    pub(crate) fn counters(&self) -> [(&'static str, &AtomicU64); 3] {
        [
            ("sent", &self.sent),
            ("dropped", &self.dropped),
            ("failed", &self.failed),
        ]
    }

    fn lost(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed) + self.failed.load(Ordering::Relaxed)
    }
}

impl Traces {
    /// Starts to send spans. `stdio`: clients are connected over pipes.
    pub fn start(collector: &Collector, stdio: bool) -> Arc<Self> {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let (told, over) = (Arc::<SpanCounts>::default(), CancellationToken::new());
        let sender = Sender::new(collector, told.clone(), over.clone());
        let sending = tokio::spawn(sender.run(waiting));
        Arc::new(Self {
            queue,
            told,
            door: if stdio { Peer::pipe() } else { Peer::tcp() },
            servers: ArcSwap::default(),
            codes: ArcSwap::default(),
            over,
            sending: Mutex::new(Some(sending)),
        })
    }

    /// The counts of spans so far.
    pub fn told(&self) -> &Arc<SpanCounts> {
        &self.told
    }

    /// Takes over the servers and interceptors of a configuration. Call it before any call can use the configuration.
    pub fn adopt(&self, config: &Config) {
        let mut servers = HashMap::clone(&self.servers.load());
        for (name, server) in &config.servers {
            let peer = server.url.as_ref().map(|url| Peer::at(&url.0));
            servers.insert(name.clone(), peer.unwrap_or_else(Peer::pipe));
        }
        self.servers.store(Arc::new(servers));
        let mut codes = HashMap::clone(&self.codes.load());
        for interceptor in &config.interceptors {
            codes.entry(interceptor.name.clone()).or_default();
        }
        self.codes.store(Arc::new(codes));
    }

    /// Queues the spans of a call that has ended.
    pub fn ended(&self, record: &Ended<'_>, timings: &CallTimings<'_>) {
        let Some(trace) = timings.trace else {
            return;
        };
        let servers = self.servers.load();
        let ends = Ends {
            client: &self.door,
            server: servers.get(&*record.call.server).unwrap_or(&self.door),
        };
        let spans = span::of(record, timings, trace, &ends, &self.codes.load());
        if let Err(unsent) = self.queue.try_send(spans) {
            let count = unsent.into_inner().len() as u64;
            self.told.dropped.fetch_add(count, Ordering::Relaxed);
        }
    }

    /// Sends the spans that still wait, for two seconds at most.
    pub async fn finish(&self) {
        self.over.cancel();
        let Some(mut sending) = self.sending.lock().take() else {
            return;
        };
        if tokio::time::timeout(FAREWELL, &mut sending).await.is_err() {
            sending.abort();
            tracing::warn!("the last spans were not sent: the collector did not take them in time");
        }
    }
}

//! Spans of calls, sent to a collector. Spans hold ids, names and times, never a payload.
//!
//! A call leaves its spans in a bounded queue and goes on.

mod sampler;
mod span;

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use opentelemetry_proto::tonic::trace::v1::Span;
use sandgate_config::{Config, Telemetry};
use sandgate_gateway::{CallTimings, Ended, TraceId};
use tokio::sync::mpsc;

use self::sampler::Sampler;
use self::span::{Ends, Peer};
use crate::export_counts::ExportCounts;
use crate::metrics::Metrics;
use crate::otlp::{Otlp, Spans};
use crate::refusal_codes::RefusalCodes;

/// The most calls whose spans wait to be sent: a few megabytes at most.
const QUEUE: usize = 2048;

/// Makes spans of calls and queues them for sending.
pub struct Traces {
    queue: mpsc::Sender<Vec<Span>>,
    counts: Arc<ExportCounts>,
    sampler: Sampler,
    /// The peer that clients are.
    door: Peer,
    /// The peers that servers are, by name.
    servers: ArcSwap<HashMap<String, Peer>>,
    /// The codes of interceptors' refusals, by the interceptor's name.
    codes: ArcSwap<HashMap<String, Arc<RefusalCodes>>>,
}

impl Traces {
    /// Starts to send spans, of the share of traces that `[telemetry]` says. `stdio`: clients are connected over pipes.
    pub fn start(otlp: &Otlp, telemetry: &Telemetry, stdio: bool) -> Arc<Self> {
        let (queue, counts) = otlp.queue::<Spans>(QUEUE);
        Arc::new(Self {
            queue,
            counts,
            sampler: Sampler::new(telemetry.sample),
            door: if stdio { Peer::pipe() } else { Peer::tcp() },
            servers: ArcSwap::default(),
            codes: ArcSwap::default(),
        })
    }

    /// Whether a trace that begins here is recorded.
    pub fn samples(&self, trace: TraceId) -> bool {
        self.sampler.keeps(trace)
    }

    /// Lets the metrics count the spans.
    pub fn count_in(&self, metrics: &Metrics) {
        let help = "Spans, by whether the collector took them";
        metrics.count_exports("sandgate_spans", help, self.counts.clone());
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
        let Some(trace) = timings.trace.filter(|trace| trace.call.sampled()) else {
            return;
        };
        let servers = self.servers.load();
        let ends = Ends {
            client: &self.door,
            server: servers.get(&*record.call.server).unwrap_or(&self.door),
        };
        let spans = span::of(record, timings, trace, &ends, &self.codes.load());
        if let Err(unsent) = self.queue.try_send(spans) {
            self.counts.drop_records(unsent.into_inner().len() as u64);
        }
    }
}

//! What is sent to an OpenTelemetry collector by OTLP over HTTP, in protobuf: spans, metrics, and the gateway's own log.
//!
//! Records wait in bounded queues. Those that find no room are dropped and counted. One task of each signal sends;
//! nothing else ever waits for the collector.

mod delivery;
mod logs;
mod metrics;
mod spans;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use opentelemetry_proto::tonic::resource::v1::Resource;
use parking_lot::Mutex;
use sandgate_config::{Secret, Telemetry};
use sandgate_gateway::SpanId;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use self::delivery::Delivery;
use self::logs::LogRecords;
pub(crate) use self::spans::Spans;
use crate::attribute::{nanos, text};
use crate::export_counts::ExportCounts;
use crate::http_client::{self, HttpClient};
use crate::logging;
use crate::metrics::Metrics;

/// The most log records that wait to be sent: some megabytes at most.
const LOG_PLACES: usize = 1024;
/// How long sending the last records may take. Records that are not sent by then are lost.
const FAREWELL: Duration = Duration::from_secs(2);

/// The collector of a gateway, and what sends to it.
pub struct Otlp {
    collector: Arc<Collector>,
    /// Cancelled when the gateway ends: what waits is sent once, and no more is awaited.
    over: CancellationToken,
    sending: Mutex<JoinSet<()>>,
}

/// A collector, and what each request tells it.
pub(crate) struct Collector {
    client: HttpClient,
    base: Uri,
    headers: HeaderMap,
    resource: Resource,
    /// When the gateway started, in nanoseconds since 1970.
    started: u64,
}

/// What one signal consists of, and how it is written.
pub(crate) trait Signal: Send + 'static {
    /// One record.
    type Record: Send + 'static;
    /// What is added to the collector's base URL.
    const PATH: &'static str;
    /// What the records are called in the gateway's own log.
    const RECORDS: &'static str;
    /// How many there are of what the collector counts when it rejects some.
    fn count(records: &[Self::Record]) -> u64 {
        records.len() as u64
    }
    /// The request that sends these records.
    fn request(records: Vec<Self::Record>, resource: Resource) -> Vec<u8>;
    /// How many of the records the collector rejected, by its response.
    fn rejected(response: &[u8]) -> u64;
}

impl Otlp {
    /// The collector that `[telemetry]` names, with the values of its `otlp-headers`. `None` if it names none.
    pub fn of(telemetry: &Telemetry, headers: &[(String, Secret)]) -> Option<Arc<Self>> {
        let collector = Collector {
            client: http_client::new(),
            base: telemetry.otlp.as_ref()?.0.clone(),
            headers: headers.iter().filter_map(header).collect(),
            resource: resource(telemetry),
            started: nanos(SystemTime::now()),
        };
        Some(Arc::new(Self {
            collector: Arc::new(collector),
            over: CancellationToken::new(),
            sending: Mutex::default(),
        }))
    }

    /// Starts to send the records of a signal, as they come. At most `places` groups of records wait.
    pub(crate) fn queue<S: Signal>(
        &self,
        places: usize,
    ) -> (mpsc::Sender<Vec<S::Record>>, Arc<ExportCounts>) {
        let (queue, waiting) = mpsc::channel(places);
        let delivery = Delivery::<S>::new(self.collector.clone(), self.over.clone());
        let counts = delivery.counts().clone();
        self.sending.lock().spawn(delivery.send_all(waiting));
        (queue, counts)
    }

    /// Starts to send metrics, one time in each `interval`.
    pub fn send_metrics(&self, metrics: &Arc<Metrics>, interval: Duration) {
        let (sender, over) = (self.collector.clone(), self.over.clone());
        let delivery = Delivery::<metrics::Points>::new(sender, over.clone());
        let help = "Data points of metrics sent by OTLP, by whether the collector took them";
        let counts = delivery.counts().clone();
        metrics.count_exports("sandgate_otlp_metrics", help, counts);
        let (metrics, started) = (metrics.clone(), self.collector.started);
        let read = move || metrics::of(&metrics.families(), started, nanos(SystemTime::now()));
        self.sending
            .lock()
            .spawn(delivery.send_each(interval, read));
    }

    /// Starts to send the gateway's own log. `metrics`: where that is counted.
    pub fn send_logs(&self, metrics: Option<&Metrics>) {
        let (queue, counts) = self.queue::<LogRecords>(LOG_PLACES);
        if let Some(metrics) = metrics {
            let help = "Log records sent by OTLP, by whether the collector took them";
            metrics.count_exports("sandgate_otlp_log_records", help, counts.clone());
        }
        logging::export_to(queue, counts);
    }

    /// Sends the records that still wait, for two seconds at most.
    pub async fn finish(&self) {
        self.over.cancel();
        let mut sending = std::mem::take(&mut *self.sending.lock());
        let all = async { while sending.join_next().await.is_some() {} };
        if tokio::time::timeout(FAREWELL, all).await.is_err() {
            tracing::warn!(
                "the last telemetry was not sent: the collector did not take it in time"
            );
        }
    }
}

fn header((name, value): &(String, Secret)) -> Option<(HeaderName, HeaderValue)> {
    let mut value = HeaderValue::from_str(value.expose()).ok()?;
    value.set_sensitive(true);
    Some((HeaderName::try_from(name).ok()?, value))
}

/// What the collector is told of this gateway. The instance's id is new at each start.
fn resource(telemetry: &Telemetry) -> Resource {
    let mut attributes = vec![
        text("service.version", env!("CARGO_PKG_VERSION")),
        text(
            "service.instance.id",
            &uuid(SpanId::random(), SpanId::random()),
        ),
    ];
    if !telemetry.resource.contains_key("service.name") {
        attributes.push(text("service.name", "sandgate"));
    }
    let own = telemetry.resource.iter();
    attributes.extend(own.map(|(key, value)| text(key, value)));
    Resource {
        attributes,
        ..Resource::default()
    }
}

/// A UUID of random bits (version 4, RFC 9562).
fn uuid(SpanId(first): SpanId, SpanId(last): SpanId) -> String {
    let (first, last) = (u64::from_be_bytes(first), u64::from_be_bytes(last));
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        first >> 32,
        (first >> 16) & 0xffff,
        first & 0xfff,
        0x8000 | ((last >> 48) & 0x3fff),
        last & 0xffff_ffff_ffff
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_is_named_by_a_uuid() {
        let all = SpanId([0xff; 8]);
        assert_eq!(uuid(all, all), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(
            uuid(SpanId([1; 8]), SpanId([0; 8])),
            "01010101-0101-4101-8000-000000000000"
        );
    }
}

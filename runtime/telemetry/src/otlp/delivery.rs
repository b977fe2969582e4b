//! Sends the records of one signal in batches. A collector that is down costs the memory of one queue and one batch, and
//! a warning each minute.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue, USER_AGENT};
use http::{Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Collector, Signal};
use crate::export_counts::ExportCounts;
use crate::http_client;

/// The approximate number of records in one request.
const BATCH: usize = 512;
/// How long a batch waits for more records.
const LINGER: Duration = Duration::from_secs(1);
/// The timeout of one request, as OTLP advises.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The pauses between attempts to send one batch. After the last attempt the batch is lost.
const PAUSES: [Duration; 3] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
];
/// How often lost records are warned of.
const SAY: Duration = Duration::from_secs(60);
/// The most bytes read of a response.
const LONGEST_ANSWER: usize = 64 << 10;

/// Sends the records of one signal to a collector.
pub(super) struct Delivery<S> {
    collector: Arc<Collector>,
    url: Uri,
    counts: Arc<ExportCounts>,
    /// Cancelled when the gateway ends: what waits is sent once, and no more is awaited.
    over: CancellationToken,
    said: Option<Instant>,
    broken: bool,
    signal: PhantomData<fn() -> S>,
}

/// Why a batch was not taken.
#[derive(Debug, thiserror::Error)]
enum Unsent {
    #[error("{0}")]
    Unreachable(String),
    #[error("it does not answer")]
    Silent,
    #[error("it answers {0}")]
    Status(StatusCode),
}

impl Unsent {
    /// Whether a later attempt may succeed, by OTLP's rules.
    fn passes(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Silent => true,
            Self::Status(status) => matches!(status.as_u16(), 429 | 502..=504),
        }
    }
}

impl<S: Signal> Delivery<S> {
    pub(super) fn new(collector: Arc<Collector>, over: CancellationToken) -> Self {
        Self {
            url: http_client::below(&collector.base, S::PATH),
            collector,
            counts: Arc::default(),
            over,
            said: None,
            broken: false,
            signal: PhantomData,
        }
    }

    pub(super) fn counts(&self) -> &Arc<ExportCounts> {
        &self.counts
    }

    /// Sends records as they come until the gateway ends, and then those that still wait.
    pub(super) async fn send_all(mut self, mut waiting: mpsc::Receiver<Vec<S::Record>>) {
        let over = self.over.clone();
        loop {
            let first = tokio::select! {
                biased;
                first = waiting.recv() => first,
                () = over.cancelled() => None,
            };
            let Some(mut batch) = first else {
                return;
            };
            let full = tokio::time::sleep(LINGER);
            tokio::pin!(full);
            while batch.len() < BATCH {
                let more = tokio::select! {
                    biased;
                    more = waiting.recv() => more,
                    () = over.cancelled() => None,
                    () = &mut full => None,
                };
                match more {
                    Some(more) => batch.extend(more),
                    None => break,
                }
            }
            self.deliver(batch).await;
        }
    }

    /// Sends what `read` returns, one time in each interval and when the gateway ends.
    pub(super) async fn send_each(
        mut self,
        interval: Duration,
        read: impl Fn() -> Vec<S::Record> + Send,
    ) {
        let over = self.over.clone();
        while !over.is_cancelled() {
            tokio::select! {
                () = tokio::time::sleep(interval) => {}
                () = over.cancelled() => {}
            }
            self.deliver(read()).await;
        }
    }

    async fn deliver(&mut self, batch: Vec<S::Record>) {
        let count = S::count(&batch);
        let body = Bytes::from(S::request(batch, self.collector.resource.clone()));
        let mut pauses = PAUSES.iter();
        loop {
            let unsent = match self.send(body.clone()).await {
                Ok(rejected) => {
                    self.counts.answer(count, rejected);
                    if std::mem::take(&mut self.broken) {
                        let (lost, records, url) = (self.counts.lost(), S::RECORDS, &self.url);
                        tracing::info!(lost, "the collector at {url} takes {records} again");
                    }
                    return;
                }
                Err(unsent) => unsent,
            };
            let pause = pauses
                .next()
                .filter(|_| unsent.passes() && !self.over.is_cancelled());
            let Some(pause) = pause else {
                self.counts.fail_records(count);
                return self.complain(&unsent);
            };
            tokio::select! {
                () = tokio::time::sleep(*pause) => {}
                () = self.over.cancelled() => {}
            }
        }
    }

    /// Sends one request. Returns how many of the records the collector rejected.
    async fn send(&self, body: Bytes) -> Result<u64, Unsent> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.url.clone();
        let headers = request.headers_mut();
        headers.clone_from(&self.collector.headers);
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/x-protobuf"),
        );
        headers.insert(USER_AGENT, http_client::USER_AGENT);
        let exchange = async {
            let response = self.collector.client.request(request).await;
            let response =
                response.map_err(|error| Unsent::Unreachable(http_client::cause(&error)))?;
            let status = response.status();
            // The body is read to its end, so that the connection can be used again.
            let body = Limited::new(response.into_body(), LONGEST_ANSWER)
                .collect()
                .await;
            if !status.is_success() {
                return Err(Unsent::Status(status));
            }
            let answer = body
                .map(http_body_util::Collected::to_bytes)
                .unwrap_or_default();
            Ok(S::rejected(&answer))
        };
        tokio::time::timeout(TIMEOUT, exchange)
            .await
            .unwrap_or(Err(Unsent::Silent))
    }

    fn complain(&mut self, unsent: &Unsent) {
        self.broken = true;
        if self.said.is_some_and(|said| said.elapsed() < SAY) {
            return;
        }
        self.said = Some(Instant::now());
        let (lost, records, url) = (self.counts.lost(), S::RECORDS, &self.url);
        tracing::warn!(
            lost,
            "{records} are lost, calls go on: the collector at {url}: {unsent}"
        );
    }
}

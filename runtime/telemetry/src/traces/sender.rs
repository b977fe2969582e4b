//! Sends spans in batches. A collector that is down costs the memory of one queue and one batch, and a warning each
//! minute.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue, USER_AGENT};
use http::{Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use sandgate_config::Collector;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::SpanCounts;
use crate::http_client::{self, HttpClient};

/// The approximate number of spans in one request.
const BATCH: usize = 512;
/// How long a batch waits for more spans.
const LINGER: Duration = Duration::from_secs(1);
/// The timeout of one request, as OTLP advises.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The pauses between attempts to send one batch. After the last attempt the batch is lost.
const PAUSES: [Duration; 3] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
];
/// How often lost spans are warned of.
const SAY: Duration = Duration::from_secs(60);
/// The most bytes read of a response.
const LONGEST_ANSWER: usize = 64 << 10;

/// Sends spans to one collector.
pub(super) struct Sender {
    client: HttpClient,
    url: Uri,
    told: Arc<SpanCounts>,
    /// Cancelled when the gateway ends: what waits is sent once, and no more is awaited.
    over: CancellationToken,
    said: Option<Instant>,
    broken: bool,
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

impl Sender {
    pub(super) fn new(
        collector: &Collector,
        told: Arc<SpanCounts>,
        over: CancellationToken,
    ) -> Self {
        Self {
            client: http_client::new(),
            url: endpoint(&collector.0),
            told,
            over,
            said: None,
            broken: false,
        }
    }

    /// Sends spans as they come until the gateway ends, and then those that still wait.
    pub(super) async fn run(mut self, mut waiting: mpsc::Receiver<Vec<Span>>) {
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

    async fn deliver(&mut self, batch: Vec<Span>) {
        let count = batch.len() as u64;
        let body = Bytes::from(request(batch).encode_to_vec());
        let mut pauses = PAUSES.iter();
        loop {
            let unsent = match self.send(body.clone()).await {
                Ok(rejected) => {
                    let rejected = rejected.min(count);
                    self.told
                        .sent
                        .fetch_add(count - rejected, Ordering::Relaxed);
                    self.told.failed.fetch_add(rejected, Ordering::Relaxed);
                    if std::mem::take(&mut self.broken) {
                        let lost = self.told.lost();
                        tracing::info!(lost, "the collector at {} takes spans again", self.url);
                    }
                    return;
                }
                Err(unsent) => unsent,
            };
            let pause = pauses
                .next()
                .filter(|_| unsent.passes() && !self.over.is_cancelled());
            let Some(pause) = pause else {
                self.told.failed.fetch_add(count, Ordering::Relaxed);
                return self.complain(&unsent);
            };
            tokio::select! {
                () = tokio::time::sleep(*pause) => {}
                () = self.over.cancelled() => {}
            }
        }
    }

    /// Sends one request. Returns how many of the spans the collector rejected.
    async fn send(&self, body: Bytes) -> Result<u64, Unsent> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.url.clone();
        let headers = request.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/x-protobuf"),
        );
        headers.insert(USER_AGENT, http_client::USER_AGENT);
        let exchange = async {
            let response = self.client.request(request).await;
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
            let partly = ExportTraceServiceResponse::decode(answer)
                .ok()
                .and_then(|answer| answer.partial_success);
            Ok(partly.map_or(0, |part| u64::try_from(part.rejected_spans).unwrap_or(0)))
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
        let lost = self.told.lost();
        tracing::warn!(
            lost,
            "spans are lost, calls go on: the collector at {}: {unsent}",
            self.url
        );
    }
}

fn request(spans: Vec<Span>) -> ExportTraceServiceRequest {
    let version = env!("CARGO_PKG_VERSION").to_owned();
    let attribute = |key: &str, value: &str| KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue {
            value: Some(Value::StringValue(value.to_owned())),
        }),
        ..KeyValue::default()
    };
    let resource = Resource {
        attributes: vec![
            attribute("service.name", "sandgate"),
            attribute("service.version", &version),
        ],
        ..Resource::default()
    };
    let scope = InstrumentationScope {
        name: "sandgate".into(),
        version,
        ..InstrumentationScope::default()
    };
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(resource),
            scope_spans: vec![ScopeSpans {
                scope: Some(scope),
                spans,
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    }
}

/// The URL of `/v1/traces` below the base.
fn endpoint(base: &Uri) -> Uri {
    let path = format!("{}/v1/traces", base.path().trim_end_matches('/'));
    let mut parts = base.clone().into_parts();
    parts.path_and_query = path.parse().ok();
    Uri::from_parts(parts).unwrap_or_else(|_| base.clone())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn spans_go_to_their_place_under_the_base() {
        for (base, whole) in [
            ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
            ("http://127.0.0.1:4318/", "http://127.0.0.1:4318/v1/traces"),
            ("https://x.example/in/", "https://x.example/in/v1/traces"),
        ] {
            assert_eq!(endpoint(&base.parse().unwrap()), whole);
        }
    }
}

//! A collector that keeps what it is sent.

use std::collections::BTreeMap;
use std::time::Duration;

use harness::{FakeServer, Heard, Reply};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;

pub(crate) struct Collector(FakeServer);

impl Collector {
    pub(crate) fn new() -> Self {
        Self(FakeServer::http_with(|_| {
            Reply::Status(200, "application/x-protobuf", Vec::new())
        }))
    }

    /// The base URL.
    pub(crate) fn url(&self) -> &str {
        self.0.url().trim_end_matches("/mcp")
    }

    /// Everything it was sent, as it came.
    pub(crate) fn heard(&self) -> Vec<Heard> {
        self.0.heard()
    }

    /// The bodies of that.
    pub(crate) fn bodies(&self) -> Vec<Vec<u8>> {
        self.0.heard().into_iter().map(|heard| heard.body).collect()
    }

    /// All spans, once there are so many.
    pub(crate) fn spans(&self, count: usize) -> Vec<Span> {
        for _ in 0..1500 {
            let spans = self.so_far();
            if spans.len() >= count {
                return spans;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("no {count} spans came: {:?}", self.so_far());
    }

    /// What `look` finds among the requests that came, once it finds something.
    pub(crate) fn wait<T>(&self, look: impl Fn(&[Heard]) -> Option<T>) -> T {
        for _ in 0..1500 {
            if let Some(found) = look(&self.0.heard()) {
                return found;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let paths: Vec<String> = self.0.heard().into_iter().map(|one| one.path).collect();
        panic!("nothing of it came: {paths:?}");
    }

    /// The spans that came so far.
    pub(crate) fn so_far(&self) -> Vec<Span> {
        let requests: Vec<ExportTraceServiceRequest> = sent(&self.0.heard(), "/v1/traces");
        let resources = requests.into_iter().flat_map(|one| one.resource_spans);
        let scopes = resources.flat_map(|resource| resource.scope_spans);
        scopes.flat_map(|scope| scope.spans).collect()
    }
}

/// The requests of one signal.
pub(crate) fn sent<T: Message + Default>(heard: &[Heard], path: &str) -> Vec<T> {
    let of_signal = heard.iter().filter(|heard| heard.path == path);
    let requests = of_signal.map(|heard| T::decode(&*heard.body));
    requests
        .map(|one| one.expect("what came is no request"))
        .collect()
}

/// A span's attributes as texts.
pub(crate) fn attributes(span: &Span) -> BTreeMap<&str, String> {
    texts(&span.attributes)
}

/// Attributes as texts.
pub(crate) fn texts(of: &[KeyValue]) -> BTreeMap<&str, String> {
    let text = |value: &Value| match value {
        Value::StringValue(text) => text.clone(),
        Value::IntValue(number) => number.to_string(),
        Value::BoolValue(truth) => truth.to_string(),
        other => panic!("{other:?}"),
    };
    of.iter()
        .map(|pair| {
            let value = pair.value.as_ref().and_then(|value| value.value.as_ref());
            (pair.key.as_str(), text(value.unwrap()))
        })
        .collect()
}

//! `[telemetry]`: metrics and traces.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::gateway::Listen;
use super::scalar::{Mistake, Scalar, scalar};
use super::server::Url;

/// Metrics and traces. Never a payload; neither holds up traffic.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Telemetry {
    /// Address and port at which `/metrics` is served for Prometheus. Port 0 takes a free one. Left out: nothing is
    /// counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics: Option<Listen>,
    /// Base URL of an OpenTelemetry collector, to which spans are sent by OTLP over HTTP: `/v1/traces` is added. Left
    /// out: nothing is traced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub otlp: Option<Collector>,
}

/// The base URL of an OpenTelemetry collector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collector(pub http::Uri);

impl Scalar for Collector {
    const KIND: &'static str = "the URL of a collector such as \"http://127.0.0.1:4318\"";

    fn read(text: &str) -> Result<Self, Mistake> {
        let help = "write the collector's base URL, for example \"http://127.0.0.1:4318\"";
        let uri = Url::read(text)
            .map_err(|mistake| Mistake::new(mistake.why, help))?
            .0;
        if uri.query().is_some() {
            return Err(Mistake::new("has a query (`?…`)", help));
        }
        if uri.path().trim_end_matches('/').ends_with("/v1/traces") {
            return Err(Mistake::new("ends in /v1/traces, which is added", help));
        }
        Ok(Self(uri))
    }

    fn write(&self) -> String {
        self.0.to_string()
    }
}

scalar!(Collector);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collector_is_named_by_its_base() {
        for text in ["http://127.0.0.1:4318", "https://otel.example.com/in/"] {
            assert!(Collector::read(text).is_ok(), "{text}");
        }
        for text in [
            "127.0.0.1:4318",
            "grpc://127.0.0.1:4317",
            "http://u:p@127.0.0.1:4318",
            "http://127.0.0.1:4318/v1/traces",
            "http://127.0.0.1:4318/?key=x",
        ] {
            assert!(Collector::read(text).is_err(), "{text}");
        }
    }
}

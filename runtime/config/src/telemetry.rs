//! `[telemetry]`: metrics, traces, and the gateway's own log for a collector.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::amount::Period;
use super::candidate::Share;
use super::gateway::Listen;
use super::issue::Issue;
use super::rule::wrong;
use super::scalar::{Mistake, Scalar, scalar};
use super::secret::ValueOrRef;
use super::server::check_header;
use super::tree::Table;
use super::wording::named;
use crate::url::Url;

/// The attributes of the resource that the gateway sets itself.
const OWN_ATTRIBUTES: [&str; 2] = ["service.instance.id", "service.version"];
/// The most attributes of the resource that an operator may add.
const MAX_ATTRIBUTES: usize = 32;
/// The longest text of such an attribute, in bytes.
const LONGEST_ATTRIBUTE: usize = 256;

/// Metrics, traces and logs. Never a payload; none of them holds up traffic.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Telemetry {
    /// Address and port at which `/metrics` is served for Prometheus. Port 0 takes a free one. Left out: no page is
    /// served.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics: Option<Listen>,
    /// Base URL of an OpenTelemetry collector (OTLP over HTTP): `/v1/traces`, `/v1/metrics` and `/v1/logs` are added.
    /// Left out: nothing is sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub otlp: Option<Collector>,
    /// What the collector gets: `traces`, `metrics`, `logs`.
    #[schemars(length(min = 1))]
    pub otlp_signals: BTreeSet<Signal>,
    /// Headers of every request to the collector. A value is text, `{ from-env = "NAME" }` or `{ from-file = "path" }`.
    pub otlp_headers: BTreeMap<String, ValueOrRef>,
    /// How often metrics are sent to the collector, from `1s` to `1h`.
    pub otlp_interval: Period,
    /// The share of the traces that begin here that are kept. A client that names a trace decides for itself.
    pub sample: Share,
    /// Attributes of the resource: what the collector is told of this gateway beside its name and version.
    pub resource: BTreeMap<String, String>,
}

/// A kind of telemetry.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Signal {
    /// The spans of calls.
    Traces,
    /// The metrics, as `/metrics` has them.
    Metrics,
    /// The gateway's own log.
    Logs,
}

impl Default for Telemetry {
    fn default() -> Self {
        Self {
            metrics: None,
            otlp: None,
            otlp_signals: BTreeSet::from([Signal::Traces]),
            otlp_headers: BTreeMap::new(),
            otlp_interval: Period::secs(60),
            sample: Share::default(),
            resource: BTreeMap::new(),
        }
    }
}

impl Telemetry {
    /// Whether the collector gets this signal.
    pub fn sends(&self, signal: Signal) -> bool {
        self.otlp.is_some() && self.otlp_signals.contains(&signal)
    }
}

/// Checks what no schema can state.
pub(crate) fn check(telemetry: &Table, issues: &mut Vec<Issue>) {
    let place = |key: &str| named(&format!("/telemetry/{key}"));
    for key in [
        "otlp-signals",
        "otlp-headers",
        "otlp-interval",
        "sample",
        "resource",
    ] {
        if let (Some((found, _)), None) = (telemetry.member(key), telemetry.get("otlp")) {
            let why = format!("{} has no effect without `otlp`", place(key));
            let issue = Issue::error(Some(found.span.clone()), why);
            issues.push(issue.help("add the collector's base URL as `otlp`, or leave this out"));
        }
    }
    if let Some(signals) = telemetry.get("otlp-signals")
        && signals.list().is_some_and(<[_]>::is_empty)
    {
        let help = "write one of \"traces\", \"metrics\" and \"logs\", or leave `otlp` out";
        let mistake = Mistake::new("is empty", help);
        issues.push(wrong(signals.span.clone(), place("otlp-signals"), mistake));
    }
    if let Some(value) = telemetry.get("otlp-interval")
        && let Some(period) = value.text().and_then(|text| Period::read(text).ok())
        && !(Period::secs(1)..=Period::secs(3600)).contains(&period)
    {
        let mistake = Mistake::new("is out of range", "write \"1s\" to \"1h\"");
        issues.push(wrong(value.span.clone(), place("otlp-interval"), mistake));
    }
    for (header, value) in telemetry.table("otlp-headers").into_iter().flatten() {
        let name = || format!("the header {:?}", header.name);
        if let Err(mistake) = check_header(&header.name) {
            issues.push(wrong(header.span.clone(), name(), mistake));
        }
        if (value.text()).is_some_and(|text| http::HeaderValue::from_str(text).is_err()) {
            let why = "has a line end or control character in its value";
            let mistake = Mistake::new(why, "leave it out");
            issues.push(wrong(value.span.clone(), name(), mistake));
        }
    }
    check_resource(telemetry, issues);
}

fn check_resource(telemetry: &Table, issues: &mut Vec<Issue>) {
    let Some(resource) = telemetry.get("resource") else {
        return;
    };
    let attributes = resource.table().into_iter().flatten();
    if attributes.clone().count() > MAX_ATTRIBUTES {
        let mistake = Mistake::new("has too many attributes", "keep 32 at most");
        let place = named("/telemetry/resource");
        issues.push(wrong(resource.span.clone(), place, mistake));
    }
    for (key, value) in attributes {
        let name = || format!("the attribute {:?}", key.name);
        let word = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
        let known = !key.name.is_empty() && key.name.len() <= 64 && key.name.chars().all(word);
        if !known {
            let help = "use letters, digits, `.`, `_`, `-` and `/`, at most 64";
            let mistake = Mistake::new("is not the name of an attribute", help);
            issues.push(wrong(key.span.clone(), name(), mistake));
        } else if OWN_ATTRIBUTES.contains(&key.name.as_str()) {
            let mistake = Mistake::new("is set by the gateway itself", "leave it out");
            issues.push(wrong(key.span.clone(), name(), mistake));
        }
        if value
            .text()
            .is_some_and(|text| text.len() > LONGEST_ATTRIBUTE)
        {
            let mistake = Mistake::new("is too long", "write at most 256 bytes");
            issues.push(wrong(value.span.clone(), name(), mistake));
        }
    }
}

/// What is added to a collector's base URL.
const PATHS: [&str; 3] = ["/v1/traces", "/v1/metrics", "/v1/logs"];

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
        let path = uri.path().trim_end_matches('/');
        if let Some(added) = PATHS.into_iter().find(|added| path.ends_with(added)) {
            let why = format!("ends in {added}, which is added");
            return Err(Mistake::new(why, help));
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
            "http://127.0.0.1:4318/v1/logs/",
            "http://127.0.0.1:4318/?key=x",
        ] {
            assert!(Collector::read(text).is_err(), "{text}");
        }
    }
}

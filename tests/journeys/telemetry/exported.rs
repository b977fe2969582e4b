//! What a collector is sent beside spans: metrics, the gateway's own log, and with all of it its headers and the resource.

use harness::{Gateway, Heard, request};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{Metric, number_data_point};

use crate::telemetry::collector::{Collector, sent, texts};
use crate::telemetry::{call, metrics_url, say, scrape, server};

const ALL: &str = "otlp-signals = [\"traces\", \"metrics\", \"logs\"]\notlp-interval = \"1s\"\n";

fn metrics(heard: &[Heard]) -> Vec<Metric> {
    let requests: Vec<ExportMetricsServiceRequest> = sent(heard, "/v1/metrics");
    let last = requests.into_iter().next_back().into_iter();
    let resources = last.flat_map(|one| one.resource_metrics);
    let scopes = resources.flat_map(|resource| resource.scope_metrics);
    scopes.flat_map(|scope| scope.metrics).collect()
}

fn logs(heard: &[Heard]) -> Vec<LogRecord> {
    let requests: Vec<ExportLogsServiceRequest> = sent(heard, "/v1/logs");
    let resources = requests.into_iter().flat_map(|one| one.resource_logs);
    let scopes = resources.flat_map(|resource| resource.scope_logs);
    scopes.flat_map(|scope| scope.log_records).collect()
}

fn body(record: &LogRecord) -> &str {
    match record.body.as_ref().and_then(|body| body.value.as_ref()) {
        Some(Value::StringValue(text)) => text,
        other => panic!("{other:?}"),
    }
}

/// The series of one counter: its labels and its value.
fn counts(metrics: &[Metric], name: &str) -> Vec<(String, i64)> {
    let found = metrics.iter().find(|metric| metric.name == name);
    let Some(Data::Sum(sum)) = found.and_then(|metric| metric.data.as_ref()) else {
        return Vec::new();
    };
    assert!(sum.is_monotonic);
    let points = sum.data_points.iter().map(|point| {
        let Some(number_data_point::Value::AsInt(value)) = point.value else {
            panic!("{point:?}");
        };
        assert!(point.start_time_unix_nano <= point.time_unix_nano);
        (format!("{:?}", texts(&point.attributes)), value)
    });
    points.collect()
}

#[test]
fn a_collector_gets_metrics_and_logs_with_its_headers_and_the_resource() {
    let (collector, server) = (Collector::new(), server());
    let config = format!(
        "[telemetry]\nmetrics = \"127.0.0.1:0\"\notlp = {:?}\n{ALL}\
         otlp-headers = {{ Authorization = {{ from-env = \"COLLECTOR\" }} }}\n\
         resource = {{ \"service.name\" = \"edge\", \"deployment.environment.name\" = \"test\" }}\n\n{}",
        collector.url(),
        server.config("fake")
    );
    let gateway = Gateway::start_as(&config, |command| {
        command.env("COLLECTOR", "Bearer key-of-the-collector");
    });
    for tool in ["plain", "plain", "fails"] {
        say(&gateway, "fake", &call(tool, ""));
    }
    let labels = r#"{"mcp.method.name": "tools/call", "outcome": "forwarded", "server": "fake"}"#;
    let all = collector.wait(|heard| {
        let all = metrics(heard);
        let calls = counts(&all, "sandgate.calls");
        calls.contains(&(labels.to_owned(), 3)).then_some(all)
    });
    let took = all
        .iter()
        .find(|one| one.name == "mcp.server.operation.duration");
    let Some(Data::Histogram(took)) = took.and_then(|metric| metric.data.as_ref()) else {
        panic!("{all:?}");
    };
    let point = &took.data_points[0];
    assert_eq!((point.count, point.bucket_counts.iter().sum()), (3, 3));
    assert_eq!(point.bucket_counts.len(), point.explicit_bounds.len() + 1);
    // A measurement names the trace of its call.
    let spans = collector.spans(6);
    let exemplar = &point.exemplars[0];
    let of_it = spans.iter().find(|span| span.span_id == exemplar.span_id);
    assert_eq!(of_it.unwrap().trace_id, exemplar.trace_id);

    let ready = collector.wait(|heard| {
        let mut found = logs(heard).into_iter();
        found.find(|record| body(record).starts_with("listening on http://"))
    });
    assert_eq!(
        (ready.severity_text.as_str(), ready.severity_number),
        ("INFO", 9)
    );
    assert!(gateway.log().contains(body(&ready)));

    let heard = collector.heard();
    for heard in &heard {
        assert_eq!(
            heard.header("authorization"),
            Some("Bearer key-of-the-collector")
        );
    }
    let traces: Vec<ExportTraceServiceRequest> = sent(&heard, "/v1/traces");
    let resource = traces[0].resource_spans[0].resource.as_ref().unwrap();
    let said = texts(&resource.attributes);
    assert_eq!(
        (
            said["service.name"].as_str(),
            said["deployment.environment.name"].as_str()
        ),
        ("edge", "test")
    );
    assert_eq!(said["service.instance.id"].len(), 36);
    let page = scrape(&gateway);
    for shown in [gateway.log(), page, gateway.command(&["status"]).output] {
        assert!(!shown.contains("key-of-the-collector"), "{shown}");
    }
}

#[test]
fn the_page_in_open_metrics_names_the_traces_of_its_measurements() {
    let (collector, server) = (Collector::new(), server());
    let gateway = Gateway::start(&format!(
        "[telemetry]\nmetrics = \"127.0.0.1:0\"\notlp = {:?}\n\n{}",
        collector.url(),
        server.config("fake")
    ));
    say(&gateway, "fake", &call("plain", ""));
    let trace: String = collector.spans(2)[0]
        .trace_id
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    let accept = ("accept", "application/openmetrics-text;version=1.0.0");
    let page = request("GET", &metrics_url(&gateway), &[accept], b"").body();
    let page = String::from_utf8(page).unwrap();
    let measured = "mcp_server_operation_duration_seconds_bucket{server=\"fake\"";
    let named = format!(" # {{trace_id=\"{trace}\",span_id=\"");
    assert!(
        page.lines()
            .any(|line| line.starts_with(measured) && line.contains(&named)),
        "{page}"
    );
    assert!(page.ends_with("# EOF\n"), "{page}");
}

#[test]
fn of_the_traces_that_begin_here_only_a_share_is_recorded() {
    let (collector, server) = (Collector::new(), server());
    let gateway = Gateway::start(&format!(
        "[telemetry]\notlp = {:?}\nsample = \"0.0001%\"\n\n{}",
        collector.url(),
        server.config("fake")
    ));
    let client = harness::Speaker::open(&gateway.mcp("fake"), harness::Era::Modern);
    for _ in 0..20 {
        client.say(&call("plain", ""));
    }
    // The server is told a trace that nobody records.
    let told = server.heard();
    let told = told.iter().filter_map(|heard| heard.header("traceparent"));
    assert_eq!(told.filter(|told| told.ends_with("-00")).count(), 20);
    // What a client records is recorded.
    let named = r#""traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01","#;
    client.say(&call("plain", named));
    assert_eq!(collector.spans(2).len(), 2);
    assert!(
        collector
            .so_far()
            .iter()
            .all(|span| span.trace_id[0] == 0x4b)
    );
}

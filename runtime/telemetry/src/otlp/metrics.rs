//! The signal of metrics: the families of the metrics page, with cumulative counts.
//!
//! Names have dots where OpenTelemetry's names do, so that a Prometheus that takes OTLP stores them under the names of
//! the metrics page.

use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Exemplar, Gauge, Histogram, HistogramDataPoint, Metric,
    NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, exemplar,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message;

use super::Signal;
use crate::attribute::{nanos, scope, text};
use crate::metrics::{self, Buckets, Family, Labels, Series};

/// All metrics at one moment.
pub(crate) struct Points;

impl Signal for Points {
    type Record = Metric;
    const PATH: &'static str = "/v1/metrics";
    const RECORDS: &'static str = "points of metrics";

    fn count(metrics: &[Metric]) -> u64 {
        let points = metrics.iter().map(|metric| match &metric.data {
            Some(Data::Sum(sum)) => sum.data_points.len(),
            Some(Data::Gauge(gauge)) => gauge.data_points.len(),
            Some(Data::Histogram(histogram)) => histogram.data_points.len(),
            _ => 0,
        });
        points.sum::<usize>() as u64
    }

    fn request(metrics: Vec<Metric>, resource: Resource) -> Vec<u8> {
        let of_scope = ScopeMetrics {
            scope: scope(),
            metrics,
            ..ScopeMetrics::default()
        };
        let of_resource = ResourceMetrics {
            resource: Some(resource),
            scope_metrics: vec![of_scope],
            ..ResourceMetrics::default()
        };
        let resource_metrics = vec![of_resource];
        ExportMetricsServiceRequest { resource_metrics }.encode_to_vec()
    }

    fn rejected(response: &[u8]) -> u64 {
        let response = ExportMetricsServiceResponse::decode(response).ok();
        let partly = response.and_then(|response| response.partial_success);
        partly.map_or(0, |part| {
            u64::try_from(part.rejected_data_points).unwrap_or(0)
        })
    }
}

/// The metrics of these families. `started` and `now` are nanoseconds since 1970. Families without series are left out.
pub(super) fn of(families: &[Family], started: u64, now: u64) -> Vec<Metric> {
    let metrics = families.iter().filter_map(|family| {
        // Zero says that the start is not known: then whoever reads takes a falling count for a new one.
        let start = if family.restarts { 0 } else { started };
        let at = |labels: &Labels, value| NumberDataPoint {
            attributes: attributes(labels),
            start_time_unix_nano: start,
            time_unix_nano: now,
            value: Some(value),
            ..NumberDataPoint::default()
        };
        let count = |value: u64| Value::AsInt(i64::try_from(value).unwrap_or(i64::MAX));
        let (name, data) = match &family.series {
            Series::Counter(points) => {
                let points = points
                    .iter()
                    .map(|point| at(&point.labels, count(point.value)));
                let sum = Sum {
                    data_points: points.collect(),
                    aggregation_temporality: AggregationTemporality::Cumulative.into(),
                    is_monotonic: true,
                };
                (dotted(family.name), Data::Sum(sum))
            }
            Series::Gauge(points) => {
                let points = points.iter();
                let points = points.map(|point| at(&point.labels, Value::AsInt(point.value)));
                let data_points = points.collect();
                (dotted(family.name), Data::Gauge(Gauge { data_points }))
            }
            Series::Histogram(points) => {
                let points = points.iter().map(|point| HistogramDataPoint {
                    attributes: attributes(&point.labels),
                    start_time_unix_nano: start,
                    time_unix_nano: now,
                    ..buckets(&point.value)
                });
                let histogram = Histogram {
                    data_points: points.collect(),
                    aggregation_temporality: AggregationTemporality::Cumulative.into(),
                };
                (dotted(family.name), Data::Histogram(histogram))
            }
            Series::Info(labels) => {
                let data_points = vec![at(labels, Value::AsInt(1))];
                (
                    dotted(family.name) + "_info",
                    Data::Gauge(Gauge { data_points }),
                )
            }
        };
        let empty = match &data {
            Data::Sum(sum) => sum.data_points.is_empty(),
            Data::Gauge(gauge) => gauge.data_points.is_empty(),
            Data::Histogram(histogram) => histogram.data_points.is_empty(),
            _ => false,
        };
        (!empty).then(|| Metric {
            name,
            description: family.help.to_owned(),
            unit: family.unit.map_or("", |unit| unit.symbol()).to_owned(),
            data: Some(data),
            ..Metric::default()
        })
    });
    metrics.collect()
}

/// The name with OpenTelemetry's dots: those of its conventions throughout, ours after `sandgate`.
fn dotted(name: &str) -> String {
    match name.strip_prefix("sandgate_") {
        Some(rest) => format!("sandgate.{rest}"),
        None => name.replace('_', "."),
    }
}

fn attributes(labels: &Labels) -> Vec<KeyValue> {
    let pairs = labels.iter();
    pairs
        .map(|(name, value)| match *name {
            "mcp_method_name" => text("mcp.method.name", value),
            name => text(name, value),
        })
        .collect()
}

fn buckets(of: &Buckets) -> HistogramDataPoint {
    let exemplars = of.exemplars.iter().flatten().map(one);
    HistogramDataPoint {
        count: of.count(),
        sum: Some(of.sum),
        bucket_counts: of.counts.clone(),
        explicit_bounds: of.bounds.clone(),
        exemplars: exemplars.collect(),
        ..HistogramDataPoint::default()
    }
}

fn one(of: &metrics::Exemplar) -> Exemplar {
    Exemplar {
        time_unix_nano: nanos(of.at),
        span_id: of.of.span.0.to_vec(),
        trace_id: of.of.trace.0.to_vec(),
        value: Some(exemplar::Value::AsDouble(of.value)),
        ..Exemplar::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_counted_and_not_their_families() {
        let metric = |points: usize| Metric {
            data: Some(Data::Gauge(Gauge {
                data_points: vec![NumberDataPoint::default(); points],
            })),
            ..Metric::default()
        };
        assert_eq!(Points::count(&[metric(3), metric(4), Metric::default()]), 7);
    }

    #[test]
    fn names_are_dotted_as_the_conventions_have_them() {
        for (name, expected) in [
            (
                "mcp_server_operation_duration",
                "mcp.server.operation.duration",
            ),
            ("sandgate_calls_under_way", "sandgate.calls_under_way"),
        ] {
            assert_eq!(dotted(name), expected);
        }
    }
}

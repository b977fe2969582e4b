//! One metric with all its series at one moment, before any encoding: the metrics page and OTLP write the same.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use sandgate_gateway::TraceContext;

/// A metric and its series.
#[derive(Debug)]
pub(crate) struct Family {
    /// The name without unit and without the suffix of its kind, for example `sandgate_calls`.
    pub(crate) name: &'static str,
    /// What it is, for people.
    pub(crate) help: &'static str,
    /// What its values are counted in. `None`: things.
    pub(crate) unit: Option<Unit>,
    /// Whether its counts may begin anew while the gateway runs.
    pub(crate) restarts: bool,
    /// The series.
    pub(crate) series: Series,
}

/// The series of a metric, by its kind.
#[derive(Debug)]
pub(crate) enum Series {
    /// Counts that only rise.
    Counter(Vec<Point<u64>>),
    /// Numbers that rise and fall.
    Gauge(Vec<Point<i64>>),
    /// Durations by bucket.
    Histogram(Vec<Point<Buckets>>),
    /// A fact, as labels.
    Info(Labels),
}

/// Names and values.
pub(crate) type Labels = Vec<(&'static str, String)>;

/// One series' value.
#[derive(Debug)]
pub(crate) struct Point<V> {
    pub(crate) labels: Labels,
    pub(crate) value: V,
}

/// What a metric is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Seconds,
    Bytes,
}

/// The buckets of a histogram.
#[derive(Debug)]
pub(crate) struct Buckets {
    /// The upper bounds, inclusive, in seconds.
    pub(crate) bounds: Vec<f64>,
    /// The counts of each bucket alone, and of what is beyond the last bound.
    pub(crate) counts: Vec<u64>,
    /// The sum in seconds.
    pub(crate) sum: f64,
    /// One traced measurement of each bucket, if there was one.
    pub(crate) exemplars: Vec<Option<Exemplar>>,
}

/// A measurement of a call that has a trace.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Exemplar {
    /// The span of the call.
    pub(crate) of: TraceContext,
    /// The measurement in seconds.
    pub(crate) value: f64,
    /// When it was taken.
    pub(crate) at: SystemTime,
}

impl Unit {
    /// The unit as Prometheus spells it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Seconds => "seconds",
            Self::Bytes => "bytes",
        }
    }

    /// The unit as OpenTelemetry spells it, by UCUM.
    pub(crate) fn symbol(self) -> &'static str {
        match self {
            Self::Seconds => "s",
            Self::Bytes => "By",
        }
    }
}

impl Buckets {
    /// All measurements.
    pub(crate) fn count(&self) -> u64 {
        self.counts.iter().sum()
    }
}

impl Family {
    fn new(name: &'static str, help: &'static str, series: Series) -> Self {
        Self {
            name,
            help,
            unit: None,
            restarts: false,
            series,
        }
    }

    /// A counter without series yet.
    pub(super) fn counter(name: &'static str, help: &'static str) -> Self {
        Self::new(name, help, Series::Counter(Vec::new()))
    }

    /// A gauge without series yet.
    pub(super) fn gauge(name: &'static str, help: &'static str) -> Self {
        Self::new(name, help, Series::Gauge(Vec::new()))
    }

    /// A histogram of durations without series yet.
    pub(super) fn duration(name: &'static str, help: &'static str) -> Self {
        Self::new(name, help, Series::Histogram(Vec::new())).in_unit(Unit::Seconds)
    }

    /// A fact.
    pub(super) fn info(name: &'static str, help: &'static str, labels: Labels) -> Self {
        Self::new(name, help, Series::Info(labels))
    }

    pub(super) fn in_unit(mut self, unit: Unit) -> Self {
        self.unit = Some(unit);
        self
    }

    pub(super) fn restarting(mut self) -> Self {
        self.restarts = true;
        self
    }

    /// Adds a series of a counter, unless it is zero: most counters never rise.
    pub(super) fn count(&mut self, labels: &[(&'static str, &str)], counter: &AtomicU64) {
        self.nonzero(labels, counter.load(Ordering::Relaxed));
    }

    /// Adds a series of a counter, unless it is zero.
    pub(super) fn nonzero(&mut self, labels: &[(&'static str, &str)], value: u64) {
        if value != 0 {
            self.always(labels, value);
        }
    }

    /// Adds a series of a counter.
    pub(super) fn always(&mut self, labels: &[(&'static str, &str)], value: u64) {
        if let Series::Counter(points) = &mut self.series {
            points.push(Point::new(labels, value));
        }
    }

    /// Adds a series of a gauge.
    pub(super) fn set(&mut self, labels: &[(&'static str, &str)], value: i64) {
        if let Series::Gauge(points) = &mut self.series {
            points.push(Point::new(labels, value));
        }
    }

    /// Adds a series of a histogram, unless nothing was ever counted.
    pub(super) fn buckets(&mut self, labels: &[(&'static str, &str)], buckets: Buckets) {
        if let Series::Histogram(points) = &mut self.series
            && buckets.count() != 0
        {
            points.push(Point::new(labels, buckets));
        }
    }
}

impl<V> Point<V> {
    fn new(labels: &[(&'static str, &str)], value: V) -> Self {
        let owned = |(name, value): &(&'static str, &str)| (*name, (*value).to_owned());
        Self {
            labels: labels.iter().map(owned).collect(),
            value,
        }
    }
}

//! The metrics page: families in either text format, OpenMetrics 1.0.0 or Prometheus' text 0.0.4. The two differ in
//! comment lines, in the end mark, and in exemplars, which only OpenMetrics has.
//!
//! Written here, since prometheus-client neither writes the older format nor takes exemplars of histograms that it does
//! not count itself.

use std::fmt::{self, Write};
use std::time::UNIX_EPOCH;

use super::exposition::Exposition;
use super::family::{Buckets, Exemplar, Family, Labels, Series};

/// The page of these families.
pub(super) fn page(families: &[Family], exposition: Exposition) -> String {
    let mut page = String::with_capacity(16 << 10);
    let open = exposition == Exposition::OpenMetrics;
    for family in families {
        // Writing to a text cannot fail.
        let _ = write_family(&mut page, family, open);
    }
    if open {
        page.push_str("# EOF\n");
    }
    page
}

fn write_family(page: &mut String, family: &Family, open: bool) -> fmt::Result {
    let unit = family.unit.map_or("", |unit| unit.word());
    let parting = if unit.is_empty() { "" } else { "_" };
    let name = &format!("{}{parting}{unit}", family.name);
    let (kind, suffix) = match (&family.series, open) {
        (Series::Counter(_), true) => ("counter", ""),
        (Series::Counter(_), false) => ("counter", "_total"),
        (Series::Gauge(_), _) => ("gauge", ""),
        (Series::Histogram(_), _) => ("histogram", ""),
        (Series::Info(_), true) => ("info", ""),
        (Series::Info(_), false) => ("gauge", "_info"),
    };
    writeln!(page, "# HELP {name}{suffix} {}", family.help)?;
    writeln!(page, "# TYPE {name}{suffix} {kind}")?;
    if open && !unit.is_empty() {
        writeln!(page, "# UNIT {name} {unit}")?;
    }
    match &family.series {
        Series::Counter(points) => {
            for point in points {
                sample(page, name, "_total", &point.labels, None)?;
                writeln!(page, "{}", point.value)?;
            }
        }
        Series::Gauge(points) => {
            for point in points {
                sample(page, name, "", &point.labels, None)?;
                writeln!(page, "{}", point.value)?;
            }
        }
        Series::Histogram(points) => {
            for point in points {
                write_buckets(page, name, &point.labels, &point.value, open)?;
            }
        }
        Series::Info(labels) => {
            sample(page, name, "_info", labels, None)?;
            writeln!(page, "1")?;
        }
    }
    Ok(())
}

fn write_buckets(
    page: &mut String,
    name: &str,
    labels: &Labels,
    buckets: &Buckets,
    open: bool,
) -> fmt::Result {
    sample(page, name, "_sum", labels, None)?;
    writeln!(page, "{}", number(buckets.sum))?;
    sample(page, name, "_count", labels, None)?;
    writeln!(page, "{}", buckets.count())?;
    let mut so_far = 0;
    for (place, count) in buckets.counts.iter().enumerate() {
        so_far += count;
        let bound = buckets.bounds.get(place);
        let bound = bound.map_or("+Inf".to_owned(), |bound| number(*bound));
        sample(page, name, "_bucket", labels, Some(&bound))?;
        write!(page, "{so_far}")?;
        if let (true, Some(Some(exemplar))) = (open, buckets.exemplars.get(place)) {
            write_exemplar(page, exemplar)?;
        }
        page.push('\n');
    }
    Ok(())
}

fn write_exemplar(page: &mut String, exemplar: &Exemplar) -> fmt::Result {
    let text = exemplar.of.to_string();
    let (trace, span) = (&text[3..35], &text[36..52]);
    let since = exemplar.at.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (value, at) = (number(exemplar.value), since.as_secs_f64());
    write!(
        page,
        " # {{trace_id=\"{trace}\",span_id=\"{span}\"}} {value} {at:.3}"
    )
}

/// A number with a decimal point, as OpenMetrics wants the bounds of buckets.
fn number(value: f64) -> String {
    let text = value.to_string();
    if text.contains('.') {
        text
    } else {
        text + ".0"
    }
}

/// Writes a series and the space before its value.
fn sample(
    page: &mut String,
    name: &str,
    suffix: &str,
    labels: &Labels,
    bound: Option<&str>,
) -> fmt::Result {
    write!(page, "{name}{suffix}")?;
    let mut before = '{';
    let labels = labels.iter().map(|(name, value)| (*name, value.as_str()));
    for (label, value) in labels.chain(bound.map(|bound| ("le", bound))) {
        write!(page, "{before}{label}=\"")?;
        for c in value.chars() {
            match c {
                '\\' => page.push_str("\\\\"),
                '"' => page.push_str("\\\""),
                '\n' => page.push_str("\\n"),
                c => page.push(c),
            }
        }
        page.push('"');
        before = ',';
    }
    if before == ',' {
        page.push('}');
    }
    page.push(' ');
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use sandgate_gateway::{SpanId, TraceContext, TraceId};

    use super::super::family::Unit;
    use super::*;

    fn families() -> Vec<Family> {
        let mut calls = Family::counter("calls", "Of calls");
        calls.always(&[("server", "a\"b\\c\nd")], 2);
        let mut bytes = Family::counter("egress", "Of bytes").in_unit(Unit::Bytes);
        bytes.always(&[], 7);
        let mut took = Family::duration("took", "Of time");
        let of = TraceContext {
            trace: TraceId([0x11; 16]),
            span: SpanId([0x22; 8]),
            flags: 1,
        };
        let exemplar = Exemplar {
            of,
            value: 0.25,
            at: UNIX_EPOCH + Duration::from_millis(1500),
        };
        let buckets = Buckets {
            bounds: vec![0.001, 1.0],
            counts: vec![1, 2, 1],
            sum: 0.75,
            exemplars: vec![None, Some(exemplar), None],
        };
        took.buckets(&[("hook", "pre")], buckets);
        let mut up = Family::gauge("up", "Of health");
        up.set(&[("server", "a")], 1);
        let build = Family::info("build", "Of builds", vec![("version", "1".into())]);
        vec![calls, bytes, took, up, build]
    }

    #[test]
    fn open_metrics_has_units_exemplars_and_an_end() {
        let expected = "# HELP calls Of calls\n# TYPE calls counter\ncalls_total{server=\"a\\\"b\\\\c\\nd\"} 2\n\
            # HELP egress_bytes Of bytes\n# TYPE egress_bytes counter\n# UNIT egress_bytes bytes\negress_bytes_total 7\n\
            # HELP took_seconds Of time\n# TYPE took_seconds histogram\n# UNIT took_seconds seconds\n\
            took_seconds_sum{hook=\"pre\"} 0.75\ntook_seconds_count{hook=\"pre\"} 4\n\
            took_seconds_bucket{hook=\"pre\",le=\"0.001\"} 1\n\
            took_seconds_bucket{hook=\"pre\",le=\"1.0\"} 3 # {trace_id=\"11111111111111111111111111111111\",\
            span_id=\"2222222222222222\"} 0.25 1.500\n\
            took_seconds_bucket{hook=\"pre\",le=\"+Inf\"} 4\n\
            # HELP up Of health\n# TYPE up gauge\nup{server=\"a\"} 1\n\
            # HELP build Of builds\n# TYPE build info\nbuild_info{version=\"1\"} 1\n# EOF\n";
        assert_eq!(page(&families(), Exposition::OpenMetrics), expected);
    }

    #[test]
    fn the_older_text_names_counters_by_their_samples() {
        let text = page(&families(), Exposition::Text);
        for line in [
            "# HELP calls_total Of calls",
            "# TYPE egress_bytes_total counter",
            "took_seconds_bucket{hook=\"pre\",le=\"1.0\"} 3",
            "# TYPE build_info gauge",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        assert!(!text.contains("EOF") && !text.contains("UNIT") && !text.contains("trace_id"));
    }
}

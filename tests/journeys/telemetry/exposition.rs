//! Prometheus' text format 0.0.4, checked line by line as `promtool check metrics` does.

use std::collections::{BTreeMap, BTreeSet};

/// A family's kind, and its samples in their order.
struct Family<'a> {
    kind: &'a str,
    samples: Vec<(&'a str, BTreeMap<&'a str, String>, f64)>,
}

/// Panics where the page is not in the format, or breaks a rule of naming.
pub(crate) fn check(page: &str) {
    assert!(page.ends_with('\n'), "the last line has no end");
    let mut families: BTreeMap<&str, Family<'_>> = BTreeMap::new();
    let (mut helped, mut seen) = (BTreeSet::new(), BTreeSet::new());
    let mut current = None;
    for line in page.lines() {
        assert!(!line.is_empty() && line.trim() == line, "{line:?}");
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, words) = rest.split_once(' ').expect(line);
            assert!(!words.is_empty() && !words.contains('"'), "{line}");
            assert!(helped.insert(name), "two HELP: {line}");
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').expect(line);
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            assert!(helped.contains(name), "no HELP before: {line}");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
            let family = Family {
                kind,
                samples: Vec::new(),
            };
            assert!(families.insert(name, family).is_none(), "two TYPE: {line}");
            current = Some(name);
        } else {
            assert!(!line.starts_with('#'), "no comment of this format: {line}");
            let (series, value) = line.rsplit_once(' ').expect(line);
            let value: f64 = value.parse().expect(line);
            assert!(seen.insert(series), "twice: {line}");
            let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
            let of = current.expect("a sample before any TYPE");
            let family = families.get_mut(of).unwrap();
            let suffix = name.strip_prefix(of).expect(line);
            let suffixes: &[&str] = match family.kind {
                "histogram" => &["_bucket", "_sum", "_count"],
                _ => &[""],
            };
            assert!(suffixes.contains(&suffix), "not of {of}: {line}");
            family.samples.push((suffix, labels_of(labels), value));
        }
    }
    assert!(families.len() > 5, "{page}");
    for (name, family) in &families {
        if family.kind == "histogram" {
            buckets(name, family);
        }
    }
}

fn labels_of(text: &str) -> BTreeMap<&str, String> {
    let text = text.strip_suffix('}').expect(text);
    let pairs = text.split("\",").filter(|pair| !pair.is_empty());
    let labels = pairs.map(|pair| {
        let (name, value) = pair.split_once("=\"").expect(pair);
        let plain = name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        assert!(plain, "{pair}");
        (name, value.trim_end_matches('"').to_owned())
    });
    labels.collect()
}

/// The buckets of one histogram, `le` and count, and its `_count`.
type Buckets = (Vec<(f64, f64)>, Option<f64>);

/// Buckets rise, the last is `+Inf`, and it is the count.
fn buckets(name: &str, family: &Family<'_>) {
    let mut series: BTreeMap<String, Buckets> = BTreeMap::new();
    for (suffix, labels, value) in &family.samples {
        let mut others = labels.clone();
        let bound = others.remove("le");
        let one = series.entry(format!("{others:?}")).or_default();
        match *suffix {
            "_bucket" => one.0.push((bound.unwrap().parse().unwrap(), *value)),
            "_count" => one.1 = Some(*value),
            _ => {}
        }
    }
    for (labels, (buckets, count)) in series {
        assert!(buckets.is_sorted(), "{name} {labels}: {buckets:?}");
        let rises = buckets.is_sorted_by(|one, next| one.1 <= next.1);
        assert!(rises, "{name} {labels}: {buckets:?}");
        let last = buckets.last().copied();
        assert_eq!(
            last.map(|last| last.0),
            Some(f64::INFINITY),
            "{name} {labels}"
        );
        assert_eq!(last.map(|last| last.1), count, "{name} {labels}");
    }
}

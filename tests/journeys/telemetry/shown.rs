//! The dashboard and the rules that come with the docs name only metrics and labels that the page in the docs has. `make
//! dashboard` asks a real Prometheus.

use std::collections::{BTreeMap, BTreeSet};

const DOCS: &str = include_str!("../../../docs/telemetry.md");
const DASHBOARD: &str = include_str!("../../../docs/telemetry/sandgate.dashboard.json");
const RULES: &str = include_str!("../../../docs/telemetry/sandgate.rules.yml");

/// Metrics that neither the dashboard nor a rule shows: another one in the same panel or rule says as much.
const NOT_SHOWN: [&str; 5] = [
    "sandgate_candidate_runs_total",
    "sandgate_egress_bytes_total",
    "sandgate_otlp_log_records_total",
    "sandgate_otlp_metrics_total",
    "sandgate_server_messages_dropped_total",
];

/// The labels of each metric, by the table in the docs.
fn listed() -> BTreeMap<&'static str, BTreeSet<&'static str>> {
    let rows = DOCS.lines().filter_map(|line| {
        let cells: Vec<&str> = line.strip_prefix("| `")?.split(" | ").collect();
        let name = cells[0].trim_end_matches('`');
        let known = ["counter", "gauge", "histogram"].contains(cells.get(1)?);
        known.then(|| (name, cells[2].split('`').skip(1).step_by(2).collect()))
    });
    rows.collect()
}

/// The words of an expression, by whether they stand in braces or behind `by`.
fn check(expression: &str, listed: &BTreeMap<&str, BTreeSet<&str>>) {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut labels = BTreeSet::new();
    let mut named = 0;
    for token in expression
        .split(|c| !word(c))
        .filter(|token| !token.is_empty())
    {
        if !token.starts_with("sandgate_") && !token.starts_with("mcp_")
            || token == "mcp_method_name"
        {
            continue;
        }
        let base = ["_bucket", "_count", "_sum"]
            .into_iter()
            .find_map(|end| token.strip_suffix(end));
        let found = listed.get(token).or_else(|| listed.get(base?));
        labels.extend(found.unwrap_or_else(|| panic!("no metric {token}: {expression}")));
        named += 1;
    }
    assert!(named > 0, "no metric: {expression}");
    labels.insert("le");
    let grouped = expression
        .split("by (")
        .skip(1)
        .map(|rest| rest.split(')').next().unwrap());
    let matched = expression
        .split('{')
        .skip(1)
        .map(|rest| rest.split('}').next().unwrap());
    let grouped = grouped.flat_map(|list| list.split(", "));
    let matched = matched.flat_map(|list| list.split(','));
    let matched = matched.map(|one| one.split(['=', '!']).next().unwrap());
    for label in grouped.chain(matched) {
        assert!(labels.contains(label), "no label {label}: {expression}");
    }
}

#[test]
fn the_dashboard_and_the_rules_name_what_is_there() {
    let listed = listed();
    assert!(listed.len() > 30, "{listed:?}");
    let dashboard: serde_json::Value = serde_json::from_str(DASHBOARD).unwrap();
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let targets = panels.flat_map(|panel| panel["targets"].as_array().into_iter().flatten());
    let shown: Vec<&str> = targets
        .map(|target| target["expr"].as_str().unwrap())
        .collect();
    assert!(shown.len() > 30);
    for expression in shown {
        check(expression, &listed);
    }
    // Of the rules, each expression is on its line or on the indented lines below.
    let mut expressions = 0;
    for rule in RULES.split("- alert: ").skip(1) {
        let (_, rest) = rule.split_once("expr: ").unwrap();
        let end = ["        for:", "        labels:"]
            .iter()
            .filter_map(|end| rest.find(end))
            .min();
        check(&rest[..end.unwrap()], &listed);
        expressions += 1;
    }
    assert!(expressions > 10);
}

#[test]
fn every_metric_is_shown() {
    let is_shown = |name: &&str| DASHBOARD.contains(*name) || RULES.contains(*name);
    let names = listed();
    let missing: Vec<&str> = names
        .keys()
        .copied()
        .filter(|name| !is_shown(name))
        .collect();
    assert_eq!(missing, NOT_SHOWN);
}

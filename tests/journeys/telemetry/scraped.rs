use harness::{Gateway, Save, request};

use crate::telemetry::collector::Collector;
use crate::telemetry::{
    GONE, POLICIES, call, exposition, metrics_url, sample, say, scrape, server,
};

const METRICS: &str = "[telemetry]\nmetrics = \"127.0.0.1:0\"\n\n";

#[test]
fn every_call_is_counted_once_and_exactly() {
    let server = server();
    let config = format!("{METRICS}{}{GONE}{POLICIES}", server.config("fake"));
    let gateway = Gateway::start(&config);
    for (tool, count) in [("plain", 3), ("address", 2), ("refused", 1), ("fails", 1)] {
        for _ in 0..count {
            say(&gateway, "fake", &call(tool, ""));
        }
    }
    say(&gateway, "gone", &call("plain", ""));
    let odd = String::from_utf8(call("plain", "")).unwrap();
    say(
        &gateway,
        "fake",
        odd.replace("tools/call", "odd/call").as_bytes(),
    );

    let page = scrape(&gateway);
    let server = |name: &str, of: &str| format!("{{server=\"{name}\",mcp_method_name=\"{of}\"}}");
    let calls = |name: &str, of: &str, outcome: &str| {
        let labels = format!("server=\"{name}\",mcp_method_name=\"{of}\",outcome=\"{outcome}\"");
        sample(&page, &format!("sandgate_calls_total{{{labels}}}"))
    };
    let decisions = |name: &str, hook: &str, decision: &str| {
        let labels = format!(
            "interceptor=\"{name}\",hook=\"{hook}\",mode=\"active\",decision=\"{decision}\""
        );
        sample(&page, &format!("sandgate_decisions_total{{{labels}}}"))
    };
    let count = |metric: &str, labels: String| sample(&page, &format!("{metric}_count{labels}"));
    let tools = "tools/call";
    assert_eq!(calls("fake", tools, "forwarded"), Some(6), "{page}");
    assert_eq!(calls("fake", tools, "refused"), Some(1), "{page}");
    assert_eq!(calls("gone", tools, "failed"), Some(1), "{page}");
    assert_eq!(calls("fake", "other", "refused"), Some(1), "{page}");
    assert!(!page.contains("odd/call"), "{page}");
    let errors = |labels: String| sample(&page, &format!("sandgate_error_replies_total{labels}"));
    assert_eq!(errors(server("fake", tools)), Some(1), "{page}");
    assert_eq!(errors(server("gone", tools)), Some(1), "{page}");
    assert_eq!(decisions("bar", "pre-call", "refuse"), Some(1), "{page}");
    assert_eq!(decisions("scrub", "post-call", "edit"), Some(2), "{page}");
    let refusals = "interceptor=\"bar\",mode=\"active\",code=\"allow-tools.not-allowed\"";
    let refusals = format!("sandgate_refusals_total{{{refusals}}}");
    assert_eq!(sample(&page, &refusals), Some(1), "{page}");
    let whole = "mcp_server_operation_duration_seconds";
    assert_eq!(count(whole, server("fake", tools)), Some(7), "{page}");
    let beyond = "mcp_client_operation_duration_seconds";
    assert_eq!(count(beyond, server("fake", tools)), Some(6), "{page}");
    let runs = "{interceptor=\"bar\",hook=\"pre-call\"}".to_owned();
    let took = "sandgate_interceptor_duration_seconds";
    assert_eq!(count(took, runs), Some(1), "{page}");
    for (gauge, value) in [("edition", 1), ("calls_under_way", 0), ("sessions", 0)] {
        let found = sample(&page, &format!("sandgate_{gauge}"));
        assert_eq!(found, Some(value), "{gauge}: {page}");
    }
}

#[test]
fn the_page_is_text_unless_open_metrics_is_asked_for() {
    let server = server();
    let config = format!("{METRICS}{}{GONE}{POLICIES}", server.config("fake"));
    let gateway = Gateway::start(&config);
    for tool in ["plain", "address", "refused", "fails"] {
        say(&gateway, "fake", &call(tool, ""));
    }
    let get = |accept: &str| {
        let reply = request("GET", &metrics_url(&gateway), &[("accept", accept)], b"");
        let kind = reply.header("content-type").unwrap().to_owned();
        (kind, String::from_utf8(reply.body()).unwrap())
    };
    for accept in ["*/*", "text/plain", "text/plain;version=0.0.4"] {
        let (kind, page) = get(accept);
        assert_eq!(kind, "text/plain; version=0.0.4; charset=utf-8", "{accept}");
        exposition::check(&page);
    }
    let open = "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.3";
    let (kind, page) = get(open);
    assert!(kind.starts_with("application/openmetrics-text"), "{kind}");
    assert!(page.ends_with("# EOF\n"), "{page}");
}

#[test]
fn what_is_wrong_with_the_gateway_is_a_metric() {
    let server = server();
    let config = format!(
        "[call-log]\nto = \"/dev/full\"\n\n{METRICS}{}",
        server.config("fake")
    );
    let gateway = Gateway::start(&config);
    let condition = |name: &str| {
        let series = format!("sandgate_condition{{condition=\"{name}\"}}");
        sample(&scrape(&gateway), &series)
    };
    assert_eq!(condition("call-log"), Some(0));
    say(&gateway, "fake", &call("plain", ""));
    assert_eq!(condition("call-log"), Some(1));
    assert_eq!(condition("state"), Some(0));
    let page = scrape(&gateway);
    assert!(
        sample(&page, "sandgate_call_log_failures_total") >= Some(1),
        "{page}"
    );
    assert_eq!(
        sample(&page, "sandgate_log_lines_dropped_total"),
        Some(0),
        "{page}"
    );
}

#[test]
fn reloads_are_counted_and_a_change_of_the_table_waits_for_the_next_start() {
    let server = server();
    let config = format!(
        "[gateway]\nlisten = \"127.0.0.1:0\"\n\n{METRICS}{}",
        server.config("fake")
    );
    let gateway = Gateway::start(&config);
    let file = gateway.config_file();
    Save::RenameOver.write(&file, b"nonsense");
    gateway.await_reload_error();
    let changed = config.replace(
        "[telemetry]\n",
        "[telemetry]\notlp = \"http://127.0.0.1:1\"\n",
    );
    let version = gateway.version();
    Save::RenameOver.write(&file, format!("{changed}\n{GONE}").as_bytes());
    gateway.await_version(version + 1);
    say(&gateway, "gone", &call("plain", ""));
    let page = scrape(&gateway);
    let reloads = |result: &str| {
        sample(
            &page,
            &format!("sandgate_reloads_total{{result=\"{result}\"}}"),
        )
    };
    assert!(reloads("applied") >= Some(1), "{page}");
    assert!(reloads("refused") >= Some(1), "{page}");
    assert_eq!(sample(&page, "sandgate_edition"), Some(version + 1));
    assert!(
        page.contains("sandgate_calls_total{server=\"gone\""),
        "{page}"
    );
    let log = gateway.log();
    assert!(
        log.contains("not in force before the next start: telemetry.otlp"),
        "{log}"
    );
}

#[test]
fn the_page_in_the_docs_lists_exactly_what_is_there() {
    let (server, collector) = (server(), Collector::new());
    let gateway = Gateway::start(&format!(
        "{METRICS}otlp = {:?}\notlp-signals = [\"traces\", \"metrics\", \"logs\"]\n\n{}",
        collector.url(),
        server.config("fake")
    ));
    let page = scrape(&gateway);
    let mut there: Vec<String> = page
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "))
        .map(|line| line.split(' ').next().unwrap().to_owned())
        .collect();
    let docs = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/telemetry.md");
    let docs = std::fs::read_to_string(docs).unwrap();
    let (metrics, _) = docs.split_once("## Traces").unwrap();
    let mut listed: Vec<String> = metrics
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .map(str::to_owned)
        .collect();
    there.sort();
    listed.sort();
    assert_eq!(there, listed);
}

#[test]
fn only_the_page_is_there_and_only_for_those_who_know_its_name() {
    let server = server();
    let gateway = Gateway::start(&format!("{METRICS}{}", server.config("fake")));
    let url = metrics_url(&gateway);
    let status =
        |verb: &str, url: &str, headers: &[(&str, &str)]| request(verb, url, headers, b"").status;
    assert_eq!(status("GET", &url, &[("host", "evil.example.com")]), 403);
    assert_eq!(
        status("GET", &url, &[("origin", "http://evil.example.com")]),
        403
    );
    assert_eq!(status("POST", &url, &[]), 405);
    assert_eq!(status("GET", &url.replace("/metrics", "/mcp"), &[]), 404);
    assert_eq!(
        status("GET", &gateway.mcp("").replace("/mcp", "/metrics"), &[]),
        404
    );
}

#[test]
fn a_second_gateway_on_the_same_port_says_so() {
    let server = server();
    let first = Gateway::start(&format!("{METRICS}{}", server.config("fake")));
    let url = metrics_url(&first);
    let address = url
        .trim_start_matches("http://")
        .trim_end_matches("/metrics");
    let config = format!(
        "[telemetry]\nmetrics = {address:?}\n\n{}",
        server.config("fake")
    );
    let (code, said) = Gateway::refused(&config);
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("is in use") && said.contains("another gateway"),
        "{said}"
    );
    assert!(said.contains("telemetry"), "{said}");
}

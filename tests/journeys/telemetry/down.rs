use std::net::TcpListener;
use std::time::{Duration, Instant};

use harness::{Era, Gateway, Speaker};

use crate::telemetry::{call, sample, scrape, server};

/// How long a call takes at the median of many.
fn median(gateway: &Gateway) -> Duration {
    let client = Speaker::open(&gateway.mcp("fake"), Era::Modern);
    let body = call("plain", "");
    let mut took: Vec<Duration> = (0..200)
        .map(|_| {
            let began = Instant::now();
            client.say(&body);
            began.elapsed()
        })
        .collect();
    took.sort();
    took[took.len() / 2]
}

/// Calls go on as without it, and the gateway ends in time.
fn untouched(otlp: &str) -> (Gateway, String) {
    let server = server();
    let plain = Gateway::start(&server.config("fake"));
    let config = format!(
        "[telemetry]\nmetrics = \"127.0.0.1:0\"\notlp = {otlp:?}\n\n{}",
        server.config("fake")
    );
    let mut gateway = Gateway::start(&config);
    let (without, with) = (median(&plain), median(&gateway));
    assert!(
        with < without * 4 + Duration::from_millis(5),
        "{with:?} against {without:?}"
    );
    let page = scrape(&gateway);
    let began = Instant::now();
    let ended = gateway.stop(Duration::from_secs(20));
    assert!(
        ended.is_some_and(|status| status.success()),
        "{}",
        gateway.log()
    );
    // Two seconds for the last spans; nothing else is under way.
    assert!(
        began.elapsed() < Duration::from_secs(8),
        "{:?}",
        began.elapsed()
    );
    (gateway, page)
}

#[test]
fn a_collector_that_is_down_changes_nothing_for_calls_timed() {
    let (gateway, page) = untouched("http://127.0.0.1:1");
    let log = gateway.log();
    assert_eq!(log.matches("spans are lost").count(), 1, "{log}");
    assert_eq!(
        sample(&page, "sandgate_spans_total{result=\"sent\"}"),
        Some(0)
    );
}

#[test]
fn a_collector_that_never_answers_changes_nothing_for_calls_timed() {
    // Connections are made and nobody ever reads.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    untouched(&format!("http://{}", silent.local_addr().unwrap()));
}

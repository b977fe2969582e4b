#![allow(clippy::unwrap_used)]
use sandgate_config::{
    Destination, Environment, Files, SinkFormat, SinkTarget, Sources, ValueOrRef,
};
use std::sync::atomic::Ordering;

use parking_lot::Mutex;
use tokio::task::JoinHandle;

use super::super::{CallLogParts, CallLogTarget};
use super::bounded::LONGEST;
use super::figures::LATELY;
use super::sink::OVERHEAD;
use super::*;

fn sink(url: &str, queue: u64) -> ResolvedSink {
    ResolvedSink {
        to: SinkTarget::Url(url.parse().unwrap(), None),
        ca: None,
        format: SinkFormat::Record,
        queue,
    }
}

fn sinks(url: &str, queue: u64) -> RemoteSinks {
    RemoteSinks::new(vec![sink(url, queue)]).unwrap()
}

fn begin(sinks: &RemoteSinks) -> Vec<JoinHandle<()>> {
    sinks.all().iter().filter_map(RemoteSink::begin).collect()
}

/// A log whose records go to these sinks alone.
fn target(sinks: Vec<ResolvedSink>) -> CallLogTarget {
    let parts = CallLogParts {
        sinks,
        ..CallLogParts::default()
    };
    let files = Files::in_folder(std::path::Path::new("/nonexistent"));
    CallLogTarget::open(&Destination::None, &files, parts).unwrap()
}

/// Has the log send to its sinks until the token is cancelled.
fn send(log: &Arc<CallLogWriter>) -> (JoinHandle<()>, CancellationToken) {
    let end = CancellationToken::new();
    (tokio::spawn(log.clone().send(end.clone())), end)
}

async fn until(mut holds: impl FnMut() -> bool) {
    let waited = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(20), waited);
    waited.await.unwrap();
}

#[test]
fn a_queue_never_grows_beyond_its_bytes_and_counts_what_finds_no_room() {
    let sinks = sinks("http://127.0.0.1:9/in", 64 << 10);
    let line = [b'x'; 960];
    let room = (0..1000).filter(|_| sinks.put(&line)).count();
    let sink = &sinks.all()[0].clone();
    assert_eq!(room, (64 << 10) / (960 + OVERHEAD));
    assert!(sink.waiting.lock().bytes <= 64 << 10);
    assert_eq!(sink.lost(), 1000 - room as u64);
    assert!(sink.full.load(Ordering::Relaxed));
    // A batch is bounded too, and what is being sent still counts.
    assert!(!sink.take().is_empty());
    assert!(!sinks.put(&line));
}

#[tokio::test]
async fn what_waits_at_the_end_is_tried_and_counted_as_lost() {
    let sinks = sinks("http://127.0.0.1:9/in", 1 << 20);
    for _ in 0..3 {
        assert!(sinks.put(b"{}\n"));
    }
    let tasks = begin(&sinks);
    assert!(begin(&sinks).is_empty(), "it begins once");
    sinks.all()[0].close(Duration::ZERO);
    assert!(!sinks.put(b"{}\n"), "none comes after the end");
    for task in tasks {
        let ended = tokio::time::timeout(Duration::from_secs(20), task);
        ended.await.unwrap().unwrap();
    }
    let sink = &sinks.all()[0].clone();
    assert_eq!((sink.lost(), sink.waiting.lock().bytes), (4, 0));
    assert!(sink.failure.lock().is_some());
}

/// A collector that answers with this status where a request has such a word, and else takes its records.
async fn collector(word: &'static str, status: u16) -> (String, Arc<Mutex<Vec<String>>>) {
    use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/in", listener.local_addr().unwrap());
    let taken: Arc<Mutex<Vec<String>>> = Arc::default();
    let into = taken.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mut stream = BufReader::new(stream);
            let mut length = 0;
            let mut head = String::new();
            loop {
                let mut line = String::new();
                if stream.read_line(&mut line).await.unwrap_or(0) == 0 || line == "\r\n" {
                    break;
                }
                if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                head.push_str(&line);
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).await.unwrap();
            let body = String::from_utf8(body).unwrap();
            let status = if body.contains(word) || head.contains(word) {
                status
            } else {
                200
            };
            if status == 200 {
                into.lock().extend(body.lines().map(str::to_owned));
            }
            let answer =
                format!("HTTP/1.1 {status} -\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (url, taken)
}

#[tokio::test]
async fn a_record_that_a_sink_rejects_takes_no_other_one_with_it() {
    let (url, taken) = collector("poison", 400).await;
    let sinks = sinks(&url, 1 << 20);
    for number in 0..100 {
        let word = if number % 40 == 7 { "poison" } else { "fine" };
        assert!(sinks.put(format!("{{\"{word}\":{number}}}\n").as_bytes()));
    }
    let tasks = begin(&sinks);
    sinks.all()[0].close(Duration::from_secs(20));
    for task in tasks {
        task.await.unwrap();
    }
    let sink = &sinks.all()[0].clone();
    let figures = (
        sink.sent.load(Ordering::Relaxed),
        sink.rejected.load(Ordering::Relaxed),
    );
    assert_eq!(figures, (97, 3));
    let expected: Vec<String> = (0..100)
        .filter(|number| number % 40 != 7)
        .map(|number| format!("{{\"fine\":{number}}}"))
        .collect();
    assert_eq!(*taken.lock(), expected, "in their order, each once");
}

#[tokio::test]
async fn a_record_on_which_a_sink_breaks_does_not_block_it_for_ever() {
    let (url, taken) = collector("poison", 500).await;
    let sinks = sinks(&url, 1 << 20);
    for line in ["{\"poison\":1}\n", "{\"fine\":2}\n"] {
        assert!(sinks.put(line.as_bytes()));
    }
    let tasks = begin(&sinks);
    while taken.lock().is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(*taken.lock(), ["{\"fine\":2}"]);
    assert_eq!(sinks.all()[0].rejected.load(Ordering::Relaxed), 1);
    for task in tasks {
        task.abort();
    }
}

#[test]
fn a_record_that_is_too_long_is_sent_without_its_payload_and_says_so() {
    let short = br#"{"seq":1,"record":"ended","reply":{}}"#;
    assert_eq!(&*bounded(short), short);
    let payload = "x".repeat(LONGEST);
    let long = format!("{{\"seq\":1,\"record\":\"ended\",\"id\":\"a\",\"reply\":\"{payload}\"}}\n");
    let expected = br#"{"id":"a","record":"ended","seq":1,"too_large":true}"#;
    assert_eq!(&*bounded(long.as_bytes()), expected);
    // Whatever it is that is long.
    let long = long.replace("reply", "detail");
    assert_eq!(&*bounded(long.as_bytes()), expected);
}

#[tokio::test]
async fn reloads_in_quick_succession_lose_nothing_of_what_waits_for_a_sink_that_stays() {
    let (url, taken) = collector("poison", 400).await;
    let log = Arc::new(CallLogWriter::to(target(vec![sink(&url, 1 << 20)])));
    for number in 0..6 {
        log.put(&format!("{number}\n")).unwrap();
        // Other queues, in another order, beside another one: it is the same sink.
        let mut next = vec![sink(&url, (1 << 20) + number)];
        if number % 2 == 1 {
            next.insert(0, sink("http://127.0.0.1:9/other", 1 << 20));
        }
        log.redirect(target(next));
    }
    let (sending, end) = send(&log);
    until(|| taken.lock().len() == 6).await;
    log.put("6\n").unwrap();
    log.redirect(target(vec![sink(&url, 1 << 20)]));
    end.cancel();
    sending.await.unwrap();
    assert_eq!(*taken.lock(), ["0", "1", "2", "3", "4", "5", "6"]);
    let own = log.sink_figures().swap_remove(0);
    assert_eq!((own.sent, own.dropped, own.waiting), (7, 0, 0));
}

#[tokio::test]
async fn what_waits_for_a_sink_that_a_reload_takes_out_is_sent_or_counted() {
    let (url, taken) = collector("poison", 400).await;
    let away = "http://127.0.0.1:9/in";
    let both = target(vec![sink(&url, 1 << 20), sink(away, 1 << 20)]);
    let log = Arc::new(CallLogWriter::to(both));
    log.put("1\n").unwrap();
    log.put("2\n").unwrap();
    let other = "http://127.0.0.1:8/in";
    log.redirect(target(vec![sink(other, 1 << 20)]));
    log.redirect(target(Vec::new()));
    log.put("3\n").unwrap();
    let (sending, end) = send(&log);
    let figures = |name: &str| {
        let all = log.sink_figures();
        let one = all.into_iter().find(|one| one.sink == name).unwrap();
        (one.sent, one.dropped, one.waiting)
    };
    until(|| figures("http://127.0.0.1:9") == (0, 2, 0)).await;
    let taking = url.strip_suffix("/in").unwrap();
    until(|| figures(taking) == (2, 0, 0)).await;
    assert_eq!(*taken.lock(), ["1", "2"]);
    // A counter never falls, also where the sink is named again.
    log.redirect(target(vec![sink(away, 1 << 20)]));
    assert_eq!(figures("http://127.0.0.1:9"), (0, 2, 0));
    end.cancel();
    sending.await.unwrap();
}

#[tokio::test]
async fn records_that_a_wrong_token_held_up_are_sent_with_the_right_one() {
    let (url, taken) = collector("wrong", 401).await;
    let with = |token: &str| {
        let files = Files::in_folder(std::path::Path::new("/nonexistent"));
        let sources = Sources {
            environment: &Environment::default(),
            files: &files,
        };
        let token = ValueOrRef::Plain(token.to_owned()).resolve(sources);
        ResolvedSink {
            to: SinkTarget::Url(url.parse().unwrap(), Some(token.unwrap())),
            ..sink(&url, 1 << 20)
        }
    };
    let log = Arc::new(CallLogWriter::to(target(vec![with("wrong")])));
    let (sending, end) = send(&log);
    log.put("1\n").unwrap();
    until(|| log.sink_status()[0].failing_since.is_some()).await;
    log.put("2\n").unwrap();
    log.redirect(target(vec![with("right")]));
    until(|| taken.lock().len() == 2).await;
    assert_eq!(*taken.lock(), ["1", "2"]);
    end.cancel();
    sending.await.unwrap();
}

#[test]
fn more_former_sinks_than_may_send_give_up_the_oldest_and_count_it() {
    let log = CallLogWriter::to(target(Vec::new()));
    for port in 1..=12 {
        let url = format!("http://127.0.0.1:{port}/in");
        log.redirect(target(vec![sink(&url, 1 << 20)]));
        log.put("1\n").unwrap();
    }
    let figures = log.sink_figures();
    let dropped: Vec<_> = figures.iter().map(|one| one.dropped).collect();
    // The one in force, the former ones that may send, and those that gave up.
    assert_eq!(dropped, [0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1]);
}

#[tokio::test]
async fn a_sink_that_loses_records_says_so_until_it_has_lost_none_for_a_while() {
    let (url, _) = collector("poison", 400).await;
    let log = Arc::new(CallLogWriter::to(target(vec![sink(&url, 1 << 20)])));
    let (sending, end) = send(&log);
    log.put("{\"fine\":1}\n").unwrap();
    until(|| log.sink_figures()[0].sent == 1).await;
    assert_eq!(log.losing_sinks(), []);
    log.put("{\"poison\":2}\n").unwrap();
    until(|| !log.losing_sinks().is_empty()).await;
    let losing = log.losing_sinks().swap_remove(0);
    assert_eq!(losing.sink, url.strip_suffix("/in").unwrap());
    assert_eq!(
        losing.why,
        "it rejects a record: it answers 400 Bad Request"
    );
    until(|| log.losing_sinks().is_empty()).await;
    // Full, for longer than that, and after a reload that took it out.
    let away = sink("http://127.0.0.1:9/in", 64 << 10);
    log.redirect(target(vec![away]));
    let record = format!("\"{}\"\n", "x".repeat(1000));
    while log.put(&record).is_ok() {}
    tokio::time::sleep(LATELY * 2).await;
    assert_eq!(log.losing_sinks()[0].sink, "http://127.0.0.1:9");
    log.redirect(target(Vec::new()));
    until(|| log.sink_figures().iter().all(|one| one.waiting == 0)).await;
    assert_eq!(log.losing_sinks()[0].sink, "http://127.0.0.1:9");
    until(|| log.losing_sinks().is_empty()).await;
    end.cancel();
    sending.await.unwrap();
}

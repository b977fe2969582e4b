#![allow(clippy::unwrap_used)]
use sandgate_config::SinkTarget;

use super::*;

fn sinks(url: &str, queue: u64) -> RemoteSinks {
    let to = SinkTarget::Url(url.parse().unwrap(), None);
    let sink = ResolvedSink {
        to,
        ca: None,
        format: SinkFormat::Record,
        queue,
    };
    RemoteSinks::new(vec![sink]).unwrap()
}

#[test]
fn a_queue_never_grows_beyond_its_bytes_and_counts_what_finds_no_room() {
    let sinks = sinks("http://127.0.0.1:9/in", 64 << 10);
    let line = [b'x'; 960];
    let room = (0..1000).filter(|_| sinks.put(&line)).count();
    let sink = &sinks.all[0];
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
    let tasks = sinks.begin();
    assert!(sinks.begin().is_empty(), "it begins once");
    sinks.close(Duration::ZERO);
    assert!(!sinks.put(b"{}\n"), "none comes after the end");
    for task in tasks {
        let ended = tokio::time::timeout(Duration::from_secs(20), task);
        ended.await.unwrap().unwrap();
    }
    let sink = &sinks.all[0];
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
            loop {
                let mut line = String::new();
                if stream.read_line(&mut line).await.unwrap_or(0) == 0 || line == "\r\n" {
                    break;
                }
                if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).await.unwrap();
            let body = String::from_utf8(body).unwrap();
            let status = if body.contains(word) { status } else { 200 };
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
    let tasks = sinks.begin();
    sinks.close(Duration::from_secs(20));
    for task in tasks {
        task.await.unwrap();
    }
    let sink = &sinks.all[0];
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
    let tasks = sinks.begin();
    while taken.lock().is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(*taken.lock(), ["{\"fine\":2}"]);
    assert_eq!(sinks.all[0].rejected.load(Ordering::Relaxed), 1);
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

//! Receivers that misbehave hold up nobody: neither calls, nor other receivers.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixDatagram;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use harness::{FakeServer, Gateway, Reply};
use parking_lot::Mutex;
use serde_json::Value;

use super::{alerts, bodies, call, client, desk, metrics, receiver, rule, told, url};

/// A receiver that does with each connection what the function says. Gives its URL.
fn raw(act: impl Fn(TcpStream) + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let act = Arc::new(act);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let act = act.clone();
            std::thread::spawn(move || act(stream));
        }
    });
    url
}

/// The rule of this name.
fn of<'a>(listed: &'a Value, name: &str) -> &'a Value {
    let mut all = listed.as_array().unwrap().iter();
    all.find(|it| it["name"] == name).unwrap()
}

fn reads_head(stream: &mut TcpStream) {
    let mut part = [0; 4096];
    let _ = stream.read(&mut part);
}

#[test]
fn a_receiver_that_hangs_or_fails_holds_up_neither_calls_nor_other_receivers() {
    let (desk, good) = (desk(), receiver());
    let twice = Arc::new(AtomicUsize::new(0));
    let counted = twice.clone();
    let mends = FakeServer::http_with(move |_| {
        let status = match counted.fetch_add(1, Ordering::SeqCst) {
            0 => 500,
            _ => 200,
        };
        Reply::Status(status, "text/plain", Vec::new())
    });
    let hangs = raw(|stream| {
        std::thread::sleep(Duration::from_secs(120));
        drop(stream);
    });
    let closes = raw(drop);
    let endless = raw(|mut stream| {
        reads_head(&mut stream);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
        while stream.write_all(b"1\r\nx\r\n").is_ok() {}
    });
    let long_head = raw(|mut stream| {
        reads_head(&mut stream);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n");
        while stream.write_all(b"x: y\r\n").is_ok() {}
    });
    let elsewhere = receiver();
    let target = url(&elsewhere);
    let redirects = raw(move |mut stream| {
        reads_head(&mut stream);
        let head = format!(
            "HTTP/1.1 307 Temporary Redirect\r\nlocation: {target}\r\ncontent-length: 0\r\n\r\n"
        );
        let _ = stream.write_all(head.as_bytes());
    });
    let gone = raw(|mut stream| {
        reads_head(&mut stream);
        let _ = stream.write_all(b"HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n");
    });
    let named = [
        ("hangs", &hangs),
        ("closes", &closes),
        ("endless", &endless),
        ("long-head", &long_head),
        ("redirects", &redirects),
        ("gone", &gone),
    ];
    let mut rules: String = named
        .iter()
        .map(|(name, url)| {
            format!("[[alerts]]\nname = \"{name}\"\non = [\"refusals\"]\nto = {{ webhook = \"{url}\" }}\n")
        })
        .collect();
    rules += &rule("mends", "on = [\"refusals\"]", &mends);
    rules += &rule("good", "on = [\"refusals\"]", &good);
    let (ada, let_ada) = client("ada");
    let config = format!(
        "[gateway]\nlisten = \"127.0.0.1:0\"\nwatch = false\n[telemetry]\nmetrics = \"127.0.0.1:0\"\n{let_ada}\n[views.all]\n\
         clients = [\"ada\"]\nallow = [\"desk/look\"]\n{}{rules}",
        desk.config("desk")
    );
    let mut gateway = Gateway::start(&config);
    let begun = Instant::now();
    for _ in 0..20 {
        call(&gateway, Some(&ada), "desk", "drop");
        assert!(call(&gateway, Some(&ada), "desk", "look")["result"].is_object());
    }
    assert_eq!(told(&good, 1), ["good firing"]);
    assert!(
        begun.elapsed() < Duration::from_secs(8),
        "{:?}",
        begun.elapsed()
    );
    // A second attempt has the same id, so that the receiver knows it again.
    assert_eq!(told(&mends, 2), ["mends firing", "mends firing"]);
    let ids: Vec<_> = mends
        .heard()
        .iter()
        .map(|it| it.header("webhook-id").map(str::to_owned))
        .collect();
    assert!(ids[0].is_some() && ids[0] == ids[1], "{ids:?}");

    let end = Instant::now() + Duration::from_secs(20);
    let listed = loop {
        let listed = alerts(&gateway);
        let known = |name: &&str| of(&listed, name)["last"]["said"].is_string();
        let names = [
            "closes",
            "endless",
            "long-head",
            "redirects",
            "gone",
            "mends",
        ];
        if names.iter().all(known) {
            break listed;
        }
        assert!(Instant::now() < end, "{listed:#}");
        std::thread::sleep(Duration::from_millis(100));
    };
    for (name, ok, words) in [
        ("endless", true, "200 OK"),
        ("redirects", false, "which is not followed"),
        ("gone", false, "410 Gone"),
        ("closes", false, "tried again"),
        ("long-head", false, "tried again"),
    ] {
        let one = of(&listed, name);
        assert_eq!(one["last"]["ok"], ok, "{one:#}");
        assert!(
            one["last"]["said"].as_str().unwrap().contains(words),
            "{one:#}"
        );
    }
    assert!(elsewhere.heard().is_empty());
    let page = metrics(&gateway);
    for line in [
        "sandgate_alert_messages_total{alert=\"gone\",result=\"failed\"} 1",
        "sandgate_alert_messages_total{alert=\"redirects\",result=\"failed\"} 1",
        "sandgate_alert_messages_total{alert=\"mends\",result=\"sent\"} 1",
        "sandgate_alert_messages_total{alert=\"hangs\",result=\"sent\"} 0",
    ] {
        assert!(page.contains(line), "{line}: {page}");
    }
    let log = gateway.log();
    assert!(
        log.contains("an alert is lost") && log.contains("410 Gone"),
        "{log}"
    );
    assert!(
        !log.contains("/hook"),
        "what may be a secret of a URL is not logged: {log}"
    );
    let status = gateway.command(&["status"]).output;
    assert!(status.contains("the receiver fails of"), "{status}");

    // Nor does it hold up the end.
    let begun = Instant::now();
    assert!(gateway.stop(Duration::from_secs(15)).is_some());
    assert!(
        begun.elapsed() < Duration::from_secs(10),
        "{:?}",
        begun.elapsed()
    );
}

/// An Alertmanager, as far as it takes alerts. Gives its base URL, and what it was told.
fn manager() -> (String, Arc<Mutex<Vec<Value>>>) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let kept = told.clone();
    let url = raw(move |stream| {
        let mut reader = BufReader::new(stream);
        loop {
            let (mut first, mut length) = (String::new(), 0);
            if reader.read_line(&mut first).unwrap_or(0) == 0 {
                return;
            }
            assert_eq!(first, "POST /api/v2/alerts HTTP/1.1\r\n");
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                if let Some(number) = line.to_lowercase().strip_prefix("content-length:") {
                    length = number.trim().parse().unwrap();
                }
                if line == "\r\n" {
                    break;
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            kept.lock().push(serde_json::from_slice(&body).unwrap());
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
            reader.get_mut().write_all(answer).unwrap();
        }
    });
    (url.replace("/hook", ""), told)
}

#[test]
fn each_receiver_is_told_in_its_own_words_and_a_test_says_what_came_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.sock");
    let socket = UnixDatagram::bind(&path).unwrap();
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let patience = Some(Duration::from_secs(10));
    socket.set_read_timeout(patience).unwrap();
    udp.set_read_timeout(patience).unwrap();
    let (desk, slack) = (desk(), receiver());
    let (base, manager) = manager();
    let rules = [
        ("slack", "{ slack = { from-env = \"HOOK\" } }".to_owned()),
        ("manager", format!("{{ alertmanager = \"{base}\" }}")),
        (
            "udp",
            format!("{{ syslog = \"udp://{}\" }}", udp.local_addr().unwrap()),
        ),
        ("socket", format!("{{ syslog = {path:?} }}")),
    ];
    let rules: String = rules
        .iter()
        .map(|(name, to)| {
            format!(
                "[[alerts]]\nname = \"{name}\"\non = [\"refusals\"]\nwithin = \"1s\"\nto = {to}\n"
            )
        })
        .collect();
    let (ada, let_ada) = client("ada");
    let config = format!(
        "[gateway]\nlisten = \"127.0.0.1:0\"\nwatch = false\n{let_ada}\n[views.all]\nclients = [\"ada\"]\nallow = [\"desk/look\"]\n{}{rules}",
        desk.config("desk")
    );
    let hook = url(&slack);
    let gateway = Gateway::start_as(&config, |command| {
        command.env("HOOK", &hook);
    });
    call(&gateway, Some(&ada), "desk", "drop & <!here> *x*");
    let end = Instant::now() + Duration::from_secs(20);
    while bodies(&slack).is_empty() || manager.lock().len() < 2 {
        assert!(
            Instant::now() < end,
            "{:?} {:?}",
            bodies(&slack),
            manager.lock()
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    let said = bodies(&slack);
    assert_eq!(
        said.len(),
        1,
        "what happened once is not told to be over: {said:?}"
    );
    let text = said[0]["text"].as_str().unwrap();
    assert!(
        text.starts_with(
            "slack: refused (view.not-allowed): a call of \"drop &amp; &lt;!here&gt; *x*\""
        ),
        "{text}"
    );
    assert_eq!(said[0]["mrkdwn"], false);
    let both = manager.lock().clone();
    let (begun, over) = (&both[0][0], &both[1][0]);
    assert_eq!(begun["labels"], over["labels"]);
    assert_eq!(begun["labels"]["alertname"], "manager");
    assert!(
        over["endsAt"].as_str().unwrap() < begun["endsAt"].as_str().unwrap(),
        "{both:#?}"
    );
    let mut line = [0; 4096];
    let length = udp.recv(&mut line).unwrap();
    check_line("udp", &line[..length]);
    let length = socket.recv(&mut line).unwrap();
    check_line("socket", &line[..length]);

    let test = gateway.command(&["alerts", "test", "slack"]);
    assert_eq!(test.code, Some(0), "{test:?}");
    assert!(
        test.output
            .contains("took the test of slack: 204 No Content"),
        "{test:?}"
    );
    assert!(
        !test.output.contains("/mcp"),
        "the URL is a secret: {test:?}"
    );
    assert!(
        bodies(&slack)[1]["text"]
            .as_str()
            .unwrap()
            .contains("a test: nothing has happened")
    );
    drop(udp);
    let test = gateway.command(&["alerts", "test", "slock"]);
    assert_eq!(test.code, Some(1), "{test:?}");
    assert!(test.log.contains("did you mean \"slack\"?"), "{test:?}");
    drop(socket);
    std::fs::remove_file(&path).unwrap();
    let test = gateway.command(&["alerts", "test", "socket", "--json"]);
    assert_eq!(test.code, Some(1), "{test:?}");
    let report: Value = serde_json::from_str(&test.output).unwrap();
    assert_eq!(report["delivery"]["ok"], false, "{test:?}");
}

fn check_line(name: &str, line: &[u8]) {
    let line = std::str::from_utf8(line).unwrap();
    assert!(line.starts_with("<132>1 20"), "{line}");
    let words: Vec<&str> = line.splitn(8, ' ').collect();
    assert_eq!(
        (words[3], words[5], words[6]),
        ("sandgate", "firing", "-"),
        "{line}"
    );
    assert!(words[7].starts_with(&format!("{name}: refused")), "{line}");
}

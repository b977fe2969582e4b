//! Ten thousand calls with 32 in flight, streams among them, across fifty changes of the configuration, good and bad: no
//! call fails, each is under one version from its first interceptor to its last, every good version serves and no bad one
//! does.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use harness::{Chunk, Envelope, Era, FakeServer, Gateway, Heard, Reply, Save, Script, Speaker};
use parking_lot::Mutex;
use serde_json::Value;

const CHANGES: u64 = 50;
const CALLS: usize = 10_000;
const IN_FLIGHT: usize = 32;
/// Of these, so many are streams that stay open until the next change is in force.
const STREAMS: usize = 4;
/// How long the server takes over a call, so that every change meets calls in flight.
const WORK: Duration = Duration::from_millis(100);

#[test]
fn ten_thousand_calls_across_fifty_changes() {
    let upstream = Upstream::default();
    let server = upstream.clone().serve();
    let folder = tempfile::tempdir().unwrap();
    let noop = sandgate_guests::find("noop").unwrap().bytes;
    let half = folder.path().join("half.wasm");
    std::fs::write(&half, &noop[..noop.len() / 2]).unwrap();
    let bad = [
        ("plugin = \"builtin:allow-tools\"\nsettings = {", "not TOML"),
        (
            "plugin = \"builtin:allow-nothing\"",
            "no builtin:allow-nothing",
        ),
        (
            "plugin = \"builtin:allow-tools\"\nsettings = { rules = [{ who = [\"*\"], allow = [3] }] }",
            "rules",
        ),
        (&format!("plugin = {half:?}"), "damaged"),
    ];

    let mut gateway = Gateway::start(&good(&server, 1));
    let callers = Callers::start(&gateway.mcp("fake"));
    let listener = listen(&gateway.mcp("fake"));
    let prober = Speaker::open(&gateway.mcp("fake"), Era::Modern);
    let file = gateway.config_file();
    let mut version = 1;
    for change in 0..CHANGES {
        let way = Save::WAYS[(change % 3) as usize];
        if change % 2 == 0 {
            version += 1;
            way.write(&file, good(&server, version).as_bytes());
            gateway.await_version(version);
            let (mine, before) = (format!("only-{version}"), format!("only-{}", version - 1));
            assert!(is_served(&prober, &mine), "{mine} under version {version}");
            assert!(
                !is_served(&prober, &before),
                "{before} under version {version}"
            );
        } else {
            let (text, why) = bad[(change / 2 % 4) as usize];
            way.write(
                &file,
                with(
                    &server,
                    &format!("[[interceptors]]\nname = \"bad\"\n{text}\n"),
                )
                .as_bytes(),
            );
            let said = gateway.await_reload_error();
            assert!(said.contains(why), "{why:?} is not in {said:?}");
            assert_eq!(gateway.version(), version, "{said}");
        }
        upstream.release();
    }
    let calls = callers.finish(&upstream);
    let stopped = gateway.stop(Duration::from_secs(30));
    assert!(
        stopped.is_some_and(|status| status.success()),
        "{stopped:?}\n{}",
        gateway.log()
    );
    let notices = listener.join().unwrap();
    assert_eq!(
        notices,
        version as usize - 1,
        "one notice for each good change, on a stream that lasted"
    );

    let records = Records::read(&gateway.process.output());
    assert_eq!(
        records.versions,
        (1..=version).collect(),
        "every good version served, and nothing else did"
    );
    assert_eq!(
        records.calls,
        calls + 2 * (version as usize - 1),
        "a record for each call"
    );
    assert_eq!(
        records.refused,
        version as usize - 1,
        "only what was meant to be refused was"
    );
}

/// A configuration whose interceptors bear its number, and let one tool more be called.
fn good(server: &FakeServer, number: u64) -> String {
    let interceptors = format!(
        r#"
[[interceptors]]
name = "allow-{number}"
plugin = "builtin:allow-tools"
timeout = "20s"
settings = {{ rules = [{{ who = ["*"], allow = ["fake/work", "fake/stream", "fake/only-{number}"] }}] }}

[[interceptors]]
name = "scrub-{number}"
plugin = "builtin:pii-scrubber"
timeout = "20s"
settings = {{ entities = ["email"] }}
"#
    );
    with(server, &interceptors)
}

fn with(server: &FakeServer, interceptors: &str) -> String {
    format!(
        "[gateway]\nlisten = \"127.0.0.1:0\"\n\n{}\n{interceptors}",
        server.config("fake")
    )
}

/// The server: takes its time, and keeps streams open until they are released.
#[derive(Clone, Default)]
struct Upstream {
    held: Arc<Mutex<Vec<Sender<()>>>>,
    /// Of those who listen: to the end.
    listened: Arc<Mutex<Vec<Sender<()>>>>,
    ending: Arc<AtomicBool>,
}

impl Upstream {
    fn serve(self) -> FakeServer {
        FakeServer::http_with(move |heard| self.answer(heard))
    }

    fn answer(&self, heard: &Heard) -> Reply {
        if heard.verb == "GET" {
            // Says nothing of its own, for longer than the journey lasts.
            let (release, held): (Vec<_>, Vec<_>) = (0..10).map(|_| channel()).unzip();
            self.listened.lock().extend(release);
            let quiet = |gate| [Chunk::Bytes(b": quiet\n\n".into()), Chunk::Wait(gate)];
            return Reply::Stream(held.into_iter().flat_map(quiet).collect());
        }
        let envelope = Envelope::of(if heard.body.is_empty() {
            b"{}"
        } else {
            &heard.body
        });
        let (Some("tools/call"), Some(id)) = (envelope.method.as_deref(), envelope.id) else {
            return match Script::new().answer(&heard.body).pop() {
                Some(message) => Reply::Json(message),
                None => Reply::Status(202, "text/plain", Vec::new()),
            };
        };
        let reply = format!(
            r#"{{"jsonrpc":"2.0","id":{id},"result":{{"resultType":"complete","content":[{{"type":"text","text":"for anna.schmidt@example.org"}}]}}}}"#
        );
        if envelope.target.as_deref() != Some("stream") {
            thread::sleep(WORK);
            return Reply::Json(reply.into());
        }
        let notice = r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"at work"}}"#;
        let event = |message: &str| Chunk::Bytes(format!("data: {message}\n\n").into());
        Reply::Stream(vec![
            event(notice),
            Chunk::Wait(self.hold()),
            event(notice),
            event(&reply),
        ])
    }

    fn hold(&self) -> Receiver<()> {
        let (release, held) = channel();
        let mut all = self.held.lock();
        if !self.ending.load(Ordering::SeqCst) {
            all.push(release);
        }
        held
    }

    /// Every call that is held goes on.
    fn release(&self) {
        self.held.lock().clear();
    }
}

/// The clients, each on a thread: half of them in sessions.
struct Callers {
    threads: Vec<thread::JoinHandle<()>>,
    made: Arc<AtomicUsize>,
    over: Arc<AtomicBool>,
}

impl Callers {
    fn start(url: &str) -> Self {
        let (made, over) = (
            Arc::new(AtomicUsize::new(0)),
            Arc::new(AtomicBool::new(false)),
        );
        let threads = (0..IN_FLIGHT).map(|number| {
            let (url, made, over) = (url.to_owned(), made.clone(), over.clone());
            let era = if number % 2 == 0 {
                Era::Legacy
            } else {
                Era::Modern
            };
            let tool = if number < STREAMS { "stream" } else { "work" };
            thread::spawn(move || {
                let speaker = Speaker::open(&url, era);
                for n in 0.. {
                    if over.load(Ordering::SeqCst) && made.load(Ordering::SeqCst) >= CALLS {
                        return;
                    }
                    let text = call(&speaker, era, tool, &format!("{number}-{n}"));
                    assert_eq!(
                        text.as_deref(),
                        Some("for [email]"),
                        "call {number}-{n}, {era:?}"
                    );
                    made.fetch_add(1, Ordering::SeqCst);
                }
            })
        });
        let threads = threads.collect();
        Self {
            threads,
            made,
            over,
        }
    }

    /// Waits for the last of the calls and says how many there were.
    fn finish(self, upstream: &Upstream) -> usize {
        self.over.store(true, Ordering::SeqCst);
        while self.made.load(Ordering::SeqCst) < CALLS
            && !self.threads.iter().any(thread::JoinHandle::is_finished)
        {
            upstream.release();
            thread::sleep(WORK);
        }
        upstream.ending.store(true, Ordering::SeqCst);
        upstream.release();
        for caller in self.threads {
            caller.join().unwrap();
        }
        self.made.load(Ordering::SeqCst)
    }
}

/// The text that a tool gave; none where the call was refused.
fn call(speaker: &Speaker, era: Era, tool: &str, id: &str) -> Option<String> {
    let meta = match era {
        Era::Modern => {
            r#","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}"#
        }
        Era::Legacy => "",
    };
    let ask = format!(
        r#"{{"jsonrpc":"2.0","id":"{id}","method":"tools/call","params":{{"name":"{tool}","arguments":{{}}{meta}}}}}"#
    );
    let answers = speaker.say(ask.as_bytes());
    let messages = if tool == "stream" { 3 } else { 1 };
    assert_eq!(answers.len(), messages, "{id}: {answers:?}");
    let reply: Value = serde_json::from_slice(answers.last().unwrap()).unwrap();
    assert_eq!(reply["id"], id, "{reply}");
    let result = &reply["result"];
    assert!(result.is_object(), "{reply}");
    let text = result["content"][0]["text"].as_str().unwrap().to_owned();
    (result["isError"] != true).then_some(text)
}

fn is_served(speaker: &Speaker, tool: &str) -> bool {
    call(speaker, Era::Modern, tool, "probe").is_some()
}

/// Listens to its end, and counts what it was told of changed lists.
fn listen(url: &str) -> thread::JoinHandle<usize> {
    let speaker = Speaker::open(url, Era::Legacy);
    let mut stream = speaker.listen();
    assert_eq!(stream.status, 200);
    thread::spawn(move || {
        let told = std::iter::from_fn(|| stream.next_event()).filter_map(|event| event.data);
        told.filter(|data| {
            Envelope::of(data).method.as_deref() == Some("notifications/tools/list_changed")
        })
        .count()
    })
}

/// What the call log says of the tools' calls.
#[derive(Default)]
struct Records {
    versions: BTreeSet<u64>,
    calls: usize,
    refused: usize,
}

impl Records {
    fn read(log: &str) -> Self {
        let mut records = Self::default();
        for line in log.lines() {
            let record: Value = serde_json::from_str(line).unwrap();
            if record["record"] != "ended" || record["method"] != "tools/call" {
                continue;
            }
            let version = record["trail"]["version"].as_u64().unwrap();
            let entries = record["trail"]["entries"].as_array().unwrap();
            assert!(!entries.is_empty(), "{record}");
            for entry in entries {
                let name = entry["interceptor"].as_str().unwrap();
                assert!(
                    name.ends_with(&format!("-{version}")),
                    "{name} in version {version}: {record}"
                );
            }
            match record["decision"].as_str() {
                Some("forwarded") => assert_eq!(entries.len(), 3, "{record}"),
                Some("refused") => records.refused += 1,
                _ => panic!("{record}"),
            }
            records.versions.insert(version);
            records.calls += 1;
        }
        records
    }
}

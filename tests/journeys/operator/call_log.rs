//! The call log within bounds, sent elsewhere as well, and with hashes in the place of values.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use harness::{Era, Gateway, Speaker, sandgate};
use parking_lot::Mutex;
use serde_json::Value;

use crate::operator::stage::{Stage, call};

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A folder with a log and its key.
struct Log {
    folder: tempfile::TempDir,
    stage: Stage,
    verifier: String,
}

impl Log {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut made = Command::new(sandgate());
        made.args(["audit", "key", "--name", "gateway"])
            .arg(folder.path().join("key"));
        let made = String::from_utf8(made.output().unwrap().stdout).unwrap();
        let verifier = made.lines().find(|line| line.starts_with("gateway+"));
        Self {
            verifier: verifier.unwrap().to_owned(),
            stage: Stage::new(),
            folder,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn config(&self, call_log: &str) -> String {
        let folder = self.folder.path().display();
        let rest = format!(
            "[audit]\nkey = \"{folder}/key\"\nevery = \"1s\"\n[call-log]\nto = \"{folder}/calls.jsonl\"\n{call_log}\n"
        );
        self.stage.config("", &rest)
    }

    /// The log's files, in any order.
    fn files(&self) -> Vec<PathBuf> {
        let all = std::fs::read_dir(self.folder.path()).unwrap().flatten();
        let all = all.map(|entry| entry.path());
        all.filter(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            name.starts_with("calls.jsonl") && !name.contains(".chain")
        })
        .collect()
    }

    fn verify(&self, files: &[PathBuf]) -> (Option<i32>, Value, String) {
        let verify = |json: bool| {
            let mut command = Command::new(sandgate());
            command.args(["audit", "verify", "--key", &self.verifier]);
            if json {
                command.arg("--json");
            }
            command.args(files).output().unwrap()
        };
        let output = verify(true);
        let found = serde_json::from_slice(&output.stdout).unwrap_or_default();
        let text = String::from_utf8(verify(false).stdout).unwrap();
        (output.status.code(), found, text)
    }
}

#[test]
fn a_log_that_moves_under_load_loses_no_acknowledged_call_to_a_kill() {
    let log = Log::new();
    let config = log.config("max-size = \"64KiB\"");
    let acknowledged = AtomicUsize::new(0);
    for _ in 0..4 {
        let gateway = Gateway::start(&config);
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let callers: Vec<_> = (0..3)
                .map(|_| {
                    scope.spawn(|| {
                        while !over.load(Ordering::Relaxed) {
                            // The one that the kill cuts off is not answered.
                            if try_call(&gateway).is_none() {
                                return;
                            }
                            acknowledged.fetch_add(1, Ordering::Relaxed);
                        }
                    })
                })
                .collect();
            std::thread::sleep(Duration::from_millis(900));
            kill(&gateway);
            over.store(true, Ordering::Relaxed);
            for caller in callers {
                let _ = caller.join();
            }
        });
    }
    // The last one ends in order, so that all is signed.
    let mut gateway = Gateway::start(&config);
    call(&gateway, "lookup");
    gateway.stop(Duration::from_secs(20)).unwrap();
    let files = log.files();
    assert!(files.len() > 2, "{files:?}");
    let (code, found, text) = log.verify(&files);
    assert_eq!(
        (code, &found["first"]),
        (Some(0), &0.into()),
        "{found:#}\n{text}"
    );
    let ended = files.iter().map(|file| {
        let text = std::fs::read_to_string(file).unwrap();
        let calls = text
            .lines()
            .filter(|line| line.contains("\"method\":\"tools/call\""));
        calls
            .filter(|line| line.contains("\"record\":\"ended\""))
            .count()
    });
    assert!(ended.sum::<usize>() > acknowledged.load(Ordering::Relaxed));
}

/// Calls a tool of a gateway that may be gone in between. `None`: there is no answer.
fn try_call(gateway: &Gateway) -> Option<()> {
    let speaker = Speaker::try_open(&gateway.mcp("desk"), Era::Legacy).ok()?;
    let ask = br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"lookup","arguments":{}}}"#;
    let answers = speaker.try_post(ask).ok()?.try_messages().ok()?.concat();
    let answer: Value = serde_json::from_slice(&answers).ok()?;
    answer["result"].is_object().then_some(())
}

/// Ends the gateway without a word.
fn kill(gateway: &Gateway) {
    let status = gateway.command(&["status", "--json"]).output;
    let status: Value = serde_json::from_str(&status).unwrap();
    let pid = i32::try_from(status["process"].as_i64().unwrap()).unwrap();
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
}

#[test]
fn what_retention_removed_is_told_apart_from_what_somebody_removed() {
    let log = Log::new();
    let mut gateway = Gateway::start(&log.config("max-size = \"64KiB\"\nmax-files = 2"));
    let mut most = 0;
    until("a file is removed", || {
        call(&gateway, "lookup");
        most = most.max(log.files().len());
        let (_, found, _) = match most {
            4.. => log.verify(&log.files()),
            _ => return false,
        };
        found["removed"]["why"] == "max-files"
    });
    gateway.stop(Duration::from_secs(20)).unwrap();
    let (code, found, text) = log.verify(&log.files());
    assert_eq!(code, Some(0), "{found:#}");
    let first = found["first"].as_u64().unwrap();
    assert_eq!(found["removed"]["to"], first - 1, "{found:#}");
    assert!(
        text.contains(" by retention (max-files), as line "),
        "{text}"
    );
    assert!(text.contains(", covered by the checkpoint over "), "{text}");
    assert!(!text.contains("not at hand"), "{text}");
    // Somebody removes one more.
    let mut files = log.files();
    files.sort();
    let oldest = files
        .iter()
        .position(|path| path.extension().unwrap() != "jsonl");
    files.remove(oldest.unwrap());
    let (_, found, text) = log.verify(&files);
    assert!(found["first"].as_u64().unwrap() > first);
    assert!(
        text.contains("and nothing says that retention removed them"),
        "{text}"
    );
    // And one in the middle: that is a gap.
    let mut files = log.files();
    files.sort();
    files.remove(2);
    let (code, found, _) = log.verify(&files);
    assert_eq!(code, Some(1), "{found:#}");
}

/// A receiver of syslog by TCP that keeps what it was sent.
struct Receiver {
    messages: Arc<Mutex<Vec<String>>>,
}

impl Receiver {
    fn at(listener: TcpListener) -> Self {
        let messages = Arc::<Mutex<Vec<String>>>::default();
        let kept = messages.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let kept = kept.clone();
                std::thread::spawn(move || read_counted(stream, &kept));
            }
        });
        Self { messages }
    }

    /// What comes after the header of each message.
    fn texts(&self) -> Vec<String> {
        let all = self.messages.lock();
        all.iter()
            .map(|message| {
                // <PRI>1 TIME HOST APP PROCID MSGID SD
                let parts: Vec<&str> = message.splitn(8, ' ').collect();
                assert!(parts[0].starts_with("<110>1"), "{message}");
                assert_eq!((parts[3], parts[6]), ("sandgate", "-"), "{message}");
                parts[7].to_owned()
            })
            .collect()
    }
}

/// Reads messages with their length before each of them.
fn read_counted(stream: TcpStream, kept: &Mutex<Vec<String>>) {
    let mut stream = BufReader::new(stream);
    loop {
        let mut length = 0;
        loop {
            let mut byte = [0];
            if stream.read_exact(&mut byte).is_err() {
                return;
            }
            match byte[0] {
                b' ' => break,
                digit => length = length * 10 + usize::from(digit - b'0'),
            }
        }
        let mut message = vec![0; length];
        if stream.read_exact(&mut message).is_err() {
            return;
        }
        kept.lock().push(String::from_utf8(message).unwrap());
    }
}

#[test]
fn what_a_sink_was_sent_by_syslog_is_the_log_and_can_be_verified_there() {
    let log = Log::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let receiver = Receiver::at(listener);
    let sink = format!("[[call-log.sinks]]\nsyslog = \"tcp://{address}\"\n");
    let mut gateway = Gateway::start(&log.config(&sink));
    for _ in 0..3 {
        assert_eq!(call(&gateway, "lookup")["id"], 1);
    }
    gateway.stop(Duration::from_secs(20)).unwrap();
    let text = std::fs::read_to_string(log.path("calls.jsonl")).unwrap();
    until("all lines arrive", || {
        receiver.texts().len() == text.lines().count()
    });
    let sent = receiver.texts().join("\n") + "\n";
    assert_eq!(sent, text);
    std::fs::write(log.path("elsewhere"), sent).unwrap();
    let (code, found, _) = log.verify(&[log.path("elsewhere")]);
    assert_eq!(code, Some(0), "{found:#}");
}

/// A receiver of what is posted, with its own address.
struct Posted {
    url: String,
}

impl Posted {
    /// Answers each request with the status that `answer` gives for its `Authorization` and body.
    fn to(answer: impl Fn(&str, &str) -> u16 + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/in", listener.local_addr().unwrap());
        let answer = Arc::new(answer);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let answer = answer.clone();
                std::thread::spawn(move || {
                    let mut stream = BufReader::new(stream);
                    while let Some((authorization, body)) = read_request(&mut stream) {
                        let status = answer(&authorization, &body);
                        let said = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n");
                        if stream.get_mut().write_all(said.as_bytes()).is_err() {
                            return;
                        }
                    }
                });
            }
        });
        Self { url }
    }
}

/// A request's `Authorization` and body. `None`: the connection is over.
fn read_request(stream: &mut BufReader<TcpStream>) -> Option<(String, String)> {
    let (mut authorization, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line.trim_end().is_empty() {
            break;
        }
        match line.trim_end().split_once(": ") {
            Some(("authorization", value)) => value.clone_into(&mut authorization),
            Some(("content-length", value)) => length = value.parse().unwrap(),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some((authorization, String::from_utf8(body).unwrap()))
}

#[test]
fn a_sink_that_is_away_holds_up_no_call_before_its_queue_is_full_and_loses_none() {
    let log = Log::new();
    // It answers 503 until it is there.
    let (here, taken) = (
        Arc::new(AtomicBool::new(false)),
        Arc::<Mutex<Vec<String>>>::default(),
    );
    let (is_here, kept) = (here.clone(), taken.clone());
    let siem = Posted::to(move |authorization, body| {
        if authorization != "Bearer open-sesame" {
            return 401;
        }
        if !is_here.load(Ordering::Relaxed) {
            return 503;
        }
        kept.lock().extend(body.lines().map(str::to_owned));
        204
    });
    std::fs::write(log.path("token"), "open-sesame\n").unwrap();
    let sink = format!(
        "[[call-log.sinks]]\nurl = {:?}\ntoken = {{ from-file = {:?} }}\nformat = \"ocsf\"\nqueue = \"64KiB\"\n\
         [telemetry]\nmetrics = \"127.0.0.1:0\"\n",
        siem.url,
        log.path("token")
    );
    let mut gateway = Gateway::start(&log.config(&sink));
    // One conversation: without a record none can begin.
    let speaker = Speaker::open(&gateway.mcp("desk"), Era::Legacy);
    let lookup = || -> Value {
        let ask = br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"lookup","arguments":{"ticket":7}}}"#;
        serde_json::from_slice(&speaker.say(ask)[0]).unwrap()
    };
    assert_eq!(lookup()["result"]["content"][0]["text"], "it is open");
    until("status says that it is away", || {
        let said = gateway.command(&["status"]).output;
        said.contains("failing since") && said.contains("503")
    });
    // Its queue fills, and then calls are refused, as where the file cannot be written.
    let refused = (0..400).any(|_| {
        lookup()["error"]["message"]
            .as_str()
            .is_some_and(|said| said.contains("cannot record it"))
    });
    assert!(refused, "{}", gateway.log());
    let said = gateway.command(&["status"]).output;
    assert!(said.contains("no more records can wait for"), "{said}");
    here.store(true, Ordering::Relaxed);
    until("calls pass again", || lookup()["result"].is_object());
    gateway.stop(Duration::from_secs(20)).unwrap();
    let events = taken.lock().clone();
    let mut ids = std::collections::BTreeSet::new();
    for event in &events {
        let event: Value = serde_json::from_str(event).unwrap();
        assert_eq!(event["class_uid"], 6003, "{event}");
        ids.insert(event["metadata"]["uid"].to_string() + &event["api"]["request"].to_string());
    }
    assert!(events.len() > 2, "{events:?}");
    assert!(ids.len() > 2, "{ids:?}");
}

#[test]
fn values_are_looked_up_by_their_hashes_and_the_key_is_nowhere() {
    let log = Log::new();
    let key = log.path("hash.key");
    let mut made = Command::new(sandgate());
    made.args(["audit", "key", "--hash"]).arg(&key);
    let said = String::from_utf8(made.output().unwrap().stdout).unwrap();
    let secret = std::fs::read_to_string(&key).unwrap();
    assert!(!said.contains(secret.trim()), "{said}");
    let config = log.config(&format!("payloads = true\nhash-key = {key:?}"));
    let mut gateway = Gateway::start(&config);
    call(&gateway, "look_up_customer");
    let hash = |value: &str| {
        let ended = gateway.command(&["audit", "hash", value]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        ended.output.trim().to_owned()
    };
    let (tool, ticket) = (hash("look_up_customer"), hash("7"));
    gateway.stop(Duration::from_secs(20)).unwrap();
    let text = std::fs::read_to_string(log.path("calls.jsonl")).unwrap();
    let mut records = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let record = records
        .find(|record| record["method"] == "tools/call")
        .unwrap();
    assert_eq!(record["params"]["name"], tool, "{record}");
    assert_eq!(record["params"]["arguments"]["ticket"], ticket);
    assert!(!text.contains("anna@example.org") && !text.contains(secret.trim()));
    // A key that others can read is none.
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    std::fs::set_permissions(&key, open).unwrap();
    let (code, said) = Gateway::refused(&config);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("can be read by others"), "{said}");
    let mut asked = Command::new(sandgate());
    asked.args(["audit", "hash", "7", "--key"]).arg(&key);
    let output = asked.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
}

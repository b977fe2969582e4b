//! Clients of four kinds, each of which judges every answer: modern ones, sessions, sessions with all servers behind one
//! endpoint, and the SDKs. Beside them some that hang up in the middle.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use harness::{Client, Era, Plan, Speaker};
use parking_lot::Mutex;
use serde_json::Value;

use crate::soak::Day;
use crate::soak::dice::Dice;
use crate::soak::servers::{Errand, SERVERS, Server};

/// Between two calls of one client.
const PAUSE: Duration = Duration::from_millis(100);
/// Calls of one session.
const SESSION: usize = 40;
/// The longest that a call may take which nothing troubles, on a machine that does much else.
const SLOW: Duration = Duration::from_secs(30);
/// How long after an outage `/mcp` may still be without the server: its probe comes again after at most this time.
const REJOINED: Duration = Duration::from_secs(20);
const META: &str = r#","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}"#;

/// What became of the calls.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) right: AtomicUsize,
    /// Errors while the server, or the gateway, was troubled.
    pub(crate) excused: AtomicUsize,
    pub(crate) by_sdks: AtomicUsize,
    pub(crate) cut: AtomicUsize,
    pub(crate) wrong: Mutex<Vec<String>>,
    next: AtomicU64,
}

/// What an answer is.
enum Verdict {
    Right,
    Failed(String),
    /// What no outage excuses: another call's answer, two answers, an address that was not masked, a call that passed
    /// though it is forbidden.
    Wrong(String),
}

impl Day {
    /// A modern client: no session.
    pub(crate) fn call_modern(&self, dice: &mut Dice) {
        let modern = SERVERS.iter().filter(|server| server.modern);
        let modern: Vec<Server> = modern.copied().collect();
        let server = dice.one_of(&modern);
        let speaker = Speaker::open(&self.mcp(server.name), Era::Modern);
        self.call(&speaker, Era::Modern, server, "", Instant::now());
        sleep(PAUSE);
    }

    /// A session with one server, which listens and may go away without a word.
    pub(crate) fn call_in_session(&self, dice: &mut Dice) {
        let (server, opened) = (dice.one_of(&SERVERS), Instant::now());
        let Some(speaker) = self.open(server.name, &[server], opened) else {
            return;
        };
        let stream = speaker.try_listen();
        for _ in 0..SESSION {
            if self.is_over() || !self.call(&speaker, Era::Legacy, server, "", opened) {
                break;
            }
            sleep(PAUSE);
        }
        if dice.below(4) > 0 {
            let _ = speaker.try_end();
        }
        drop(stream);
    }

    /// A session with all of them.
    pub(crate) fn call_merged(&self, dice: &mut Dice) {
        let opened = Instant::now();
        let Some(speaker) = self.open("", &[], opened) else {
            return;
        };
        for _ in 0..SESSION {
            let server = dice.one_of(&SERVERS);
            let since = Instant::now().checked_sub(REJOINED).unwrap_or(opened);
            let prefix = format!("{}__", server.name);
            if self.is_over() || !self.call(&speaker, Era::Legacy, server, &prefix, since) {
                break;
            }
            sleep(PAUSE);
        }
        let _ = speaker.try_end();
    }

    /// A real client: hello, the tools, three calls.
    pub(crate) fn call_by_sdk(&self, dice: &mut Dice) {
        let (client, server) = (dice.one_of(&Client::ALL), dice.one_of(&SERVERS));
        let errands: Vec<Errand> = (0..3)
            .map(|_| self.nine.errand(server, self.tally.next() / 10 * 10))
            .collect();
        let calls: Vec<Value> = errands
            .iter()
            .map(|errand| serde_json::json!({ "name": errand.tool, "arguments": errand.arguments }))
            .collect();
        let plan = Plan::http(&self.mcp(server.name)).and(&serde_json::json!({ "calls": calls }));
        let from = Instant::now();
        match client.run(&plan) {
            Err(error) => self.note(server, from, Verdict::Failed(error)),
            Ok(seen) => {
                for (errand, result) in errands.iter().zip(seen["calls"].as_array().unwrap()) {
                    self.note(server, from, errand.judge(result.get("error"), result));
                    self.tally.by_sdks.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
        sleep(PAUSE);
    }

    /// Sends a call, or a part of one, and hangs up.
    pub(crate) fn cut(&self, dice: &mut Dice) {
        sleep(3 * PAUSE);
        let server = dice.one_of(&SERVERS);
        let errand = self.nine.errand(server, 0);
        let body = errand.message(Era::Modern, "", "cut");
        let text = format!(
            "POST /mcp/{} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nAccept: application/json, \
             text/event-stream\r\nMcp-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: {}\r\n\
             Content-Length: {}\r\n\r\n{body}",
            server.name,
            errand.tool,
            body.len()
        );
        let sent = match dice.below(2) {
            0 => text.len(),
            _ => dice.below(text.len() as u64) as usize,
        };
        let mut cut = || -> io::Result<()> {
            let mut connection = TcpStream::connect(self.url.trim_start_matches("http://"))?;
            connection.write_all(&text.as_bytes()[..sent])?;
            connection.set_read_timeout(Some(Duration::from_millis(1 + dice.below(50))))?;
            connection.read(&mut [0; 16]).map(drop)
        };
        let _ = cut();
        self.tally.cut.fetch_add(1, Ordering::Relaxed);
    }

    /// Opens a session; notes it where that fails. Servers that it is opened with are an excuse.
    fn open(&self, name: &str, servers: &[Server], from: Instant) -> Option<Speaker> {
        match Speaker::try_open(&self.mcp(name), Era::Legacy) {
            Ok(speaker) => Some(speaker),
            Err(error) => {
                let what = format!("no session with {name:?}: {error}");
                let server = servers.first().copied().unwrap_or(SERVERS[0]);
                self.note(server, from, Verdict::Failed(what));
                sleep(PAUSE);
                None
            }
        }
    }

    /// Makes one call and judges its answer; an outage since `since` excuses an error. False where the session is gone.
    fn call(
        &self,
        speaker: &Speaker,
        era: Era,
        server: Server,
        prefix: &str,
        since: Instant,
    ) -> bool {
        let n = self.tally.next();
        let errand = self.nine.errand(server, n);
        let id = format!("call-{n}");
        let from = Instant::now();
        let reply = speaker.try_post(errand.message(era, prefix, &id).as_bytes());
        let status = reply.as_ref().map_or(0, |reply| reply.status);
        let verdict = match reply.and_then(harness::Exchange::try_messages) {
            Ok(messages) => errand.judge_reply(&id, &messages),
            Err(error) => Verdict::Failed(error.to_string()),
        };
        let verdict = match verdict {
            Verdict::Failed(what) => Verdict::Failed(format!("{era:?} {prefix}{status} {what}")),
            Verdict::Right if from.elapsed() > SLOW => {
                Verdict::Failed(format!("right, after {:?}", from.elapsed()))
            }
            other => other,
        };
        self.note(server, since.min(from), verdict);
        status == 200
    }

    /// What is wrong with a conversation of its own; `None`: what was troubled is well.
    pub(crate) fn ails(&self, server: Server) -> Option<String> {
        let era = if server.modern {
            Era::Modern
        } else {
            Era::Legacy
        };
        let (errand, id) = (self.nine.errand(server, 0), "well");
        let asked = || -> io::Result<Vec<Vec<u8>>> {
            let speaker = Speaker::try_open(&self.mcp(server.name), era)?;
            let reply = speaker.try_post(errand.message(era, "", id).as_bytes())?;
            let messages = reply.try_messages();
            let _ = speaker.try_end();
            messages
        };
        match asked().map(|messages| errand.judge_reply(id, &messages)) {
            Ok(Verdict::Right) => None,
            Ok(Verdict::Failed(what) | Verdict::Wrong(what)) => Some(what),
            Err(error) => Some(error.to_string()),
        }
    }

    fn note(&self, server: Server, since: Instant, verdict: Verdict) {
        let tally = &self.tally;
        match verdict {
            Verdict::Right => tally.right.fetch_add(1, Ordering::Relaxed),
            Verdict::Failed(_) if self.outages.excuse(server, since) => {
                tally.excused.fetch_add(1, Ordering::Relaxed)
            }
            Verdict::Failed(what) | Verdict::Wrong(what) => {
                let mut wrong = tally.wrong.lock();
                wrong.push(format!(
                    "{:?} {}: {what}",
                    self.began.elapsed(),
                    server.name
                ));
                wrong.len()
            }
        };
    }
}

impl Errand {
    fn message(&self, era: Era, prefix: &str, id: &str) -> String {
        let meta = if era == Era::Modern { META } else { "" };
        format!(
            r#"{{"jsonrpc":"2.0","id":"{id}","method":"tools/call","params":{{"name":"{prefix}{}","arguments":{}{meta}}}}}"#,
            self.tool, self.arguments
        )
    }

    fn judge_reply(&self, id: &str, messages: &[Vec<u8>]) -> Verdict {
        let mut answer = None;
        // An event without data only tells where to resume.
        for message in messages.iter().filter(|message| !message.is_empty()) {
            let Ok(message) = serde_json::from_slice::<Value>(message) else {
                let text = String::from_utf8_lossy(message);
                return Verdict::Failed(format!("no JSON: {text}"));
            };
            if message.get("method").is_some() {
                continue;
            }
            if message["id"] != id && !message["id"].is_null() {
                return Verdict::Wrong(format!("another's answer to {id}: {message}"));
            }
            if let Some(first) = answer.replace(message) {
                return Verdict::Wrong(format!("two answers to {id}: {first} {answer:?}"));
            }
        }
        match answer {
            Some(answer) => self.judge(answer.get("error"), &answer["result"]),
            None => Verdict::Failed(format!("no answer to {id}")),
        }
    }

    fn judge(&self, error: Option<&Value>, result: &Value) -> Verdict {
        let said = result.to_string();
        if said.contains("ann@example.org") {
            return Verdict::Wrong(format!("not masked: {said}"));
        }
        let failed = error.is_some() || result["isError"] == true;
        let parts = result["content"].as_array().into_iter().flatten();
        let text: String = parts.filter_map(|part| part["text"].as_str()).collect();
        match &self.expected {
            None if failed => Verdict::Right,
            None => Verdict::Wrong(format!("{} passed: {said}", self.tool)),
            Some(_) if failed => Verdict::Failed(format!("{} {error:?} {said}", self.tool)),
            Some(expected) if text.contains(expected) => Verdict::Right,
            Some(expected) => Verdict::Wrong(format!("{}: no {expected:?} in {said}", self.tool)),
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |number: &AtomicUsize| number.load(Ordering::Relaxed);
        write!(
            f,
            "{} answered right ({} by SDKs), {} excused, {} cut off, {} wrong",
            count(&self.right),
            count(&self.by_sdks),
            count(&self.excused),
            count(&self.cut),
            self.wrong.lock().len()
        )
    }
}

impl Tally {
    fn next(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }
}

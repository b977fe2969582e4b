//! The clients before: they check every answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use harness::{Envelope, Era, Speaker};
use serde_json::Value;

use crate::reload::upstream::Upstream;
use crate::reload::{CALLS, IN_FLIGHT, STREAMS, WORK};

/// The clients, each on a thread: half of them in sessions.
pub(crate) struct Callers {
    threads: Vec<thread::JoinHandle<()>>,
    made: Arc<AtomicUsize>,
    over: Arc<AtomicBool>,
}

impl Callers {
    pub(crate) fn start(url: &str) -> Self {
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
                        Some("for [email~jjsfkk]"),
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
    pub(crate) fn finish(self, upstream: &Upstream) -> usize {
        self.over.store(true, Ordering::SeqCst);
        while self.made.load(Ordering::SeqCst) < CALLS
            && !self.threads.iter().any(thread::JoinHandle::is_finished)
        {
            upstream.release();
            thread::sleep(WORK);
        }
        upstream.end();
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

pub(crate) fn is_served(speaker: &Speaker, tool: &str) -> bool {
    call(speaker, Era::Modern, tool, "probe").is_some()
}

/// Listens to its end, and counts what it was told of changed lists.
pub(crate) fn listen(url: &str) -> thread::JoinHandle<usize> {
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

//! The server behind: slow on purpose.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use harness::{Chunk, Envelope, FakeServer, Heard, Reply, Script};
use parking_lot::Mutex;

use crate::reload::WORK;

/// The server: takes its time, and keeps streams open until they are released.
#[derive(Clone, Default)]
pub(crate) struct Upstream {
    held: Arc<Mutex<Vec<Sender<()>>>>,
    /// Of those who listen: to the end.
    listened: Arc<Mutex<Vec<Sender<()>>>>,
    ending: Arc<AtomicBool>,
}

impl Upstream {
    pub(crate) fn serve(self) -> FakeServer {
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
    pub(crate) fn release(&self) {
        self.held.lock().clear();
    }

    /// From now on no call is held.
    pub(crate) fn end(&self) {
        self.ending.store(true, Ordering::SeqCst);
        self.release();
    }
}

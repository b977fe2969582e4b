//! The two records of a call, in step with the call: one before it is forwarded, one before its reply departs, the
//! second also where the asker went away in between.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use parking_lot::Mutex;
use sandgate_message::{Call, Message};
use sandgate_pipeline::{Chain, Departure, Halt, Kept, Passage, Trail, TrailEntry, Within};

use crate::config::OnUnwritten;
use crate::observer::{Came, Lookout, Way};
use crate::record::{CallLog, Decision, Ended, Forwarded, LeftOut, Unwritten};
use crate::reply;

/// The gateway's own log is told of records that cannot be written at most so often: a full disk fails every call's.
const TELL: Duration = Duration::from_secs(1);

/// Writes the records and obeys the policy where they cannot be written.
pub(crate) struct Journal {
    log: Arc<dyn CallLog>,
    /// Calls whose record cannot be written are refused.
    refuses: AtomicBool,
    /// When the gateway's own log was last told that one cannot be written, and how many there were since.
    told: Mutex<(Option<Instant>, u64)>,
    lookout: Lookout,
}

/// A call between its two records. Dropped without having ended, it is recorded as cancelled.
pub(crate) struct Underway {
    journal: Arc<Journal>,
    call: Arc<Call>,
    message: Message,
    /// Gone once the call is leaving.
    passage: Option<Passage>,
    /// What stood in the trail when the call began to leave: for a record of one that never finished.
    trail: Trail,
    answer: Option<Message>,
    came: Came,
    /// When it went on to the other side.
    went: Option<Instant>,
    /// When the other side's reply, or the news that there is none, came.
    returned: Option<Instant>,
    request_bytes: usize,
    /// False: a notification that is left out of the log.
    recorded: bool,
    ended: bool,
}

/// A call whose reply comes in a message of its own, or never. Dropped unanswered, it is recorded as cancelled.
pub(crate) struct Shelved {
    journal: Arc<Journal>,
    call: Arc<Call>,
    message: Message,
    kept: Kept,
    started: Instant,
    request_bytes: usize,
    answered: AtomicBool,
}

/// What is left of a reply after every interceptor.
pub(crate) struct Left {
    /// What the asker gets.
    pub(crate) message: Option<Message>,
    /// It is not what the other side said.
    pub(crate) withheld: bool,
    /// The interceptor that stopped it.
    pub(crate) stopped: Option<Halt>,
    /// Every run.
    pub(crate) entries: Vec<TrailEntry>,
}

impl Journal {
    pub(crate) fn new(
        log: Arc<dyn CallLog>,
        on_unwritten: OnUnwritten,
        lookout: Lookout,
    ) -> Arc<Self> {
        Arc::new(Self {
            log,
            refuses: AtomicBool::new(on_unwritten == OnUnwritten::Refuse),
            told: Mutex::default(),
            lookout,
        })
    }

    /// What happens from now on to calls whose record cannot be written.
    pub(crate) fn set_on_unwritten(&self, on_unwritten: OnUnwritten) {
        let refuses = on_unwritten == OnUnwritten::Refuse;
        self.refuses.store(refuses, Ordering::Relaxed);
    }

    /// Who watches.
    pub(crate) fn lookout(&self) -> &Lookout {
        &self.lookout
    }

    /// Records that the call goes on; the error is what its asker is told instead (nothing, for a notification). A call
    /// that an interceptor answers is not forwarded, and only its end is recorded.
    pub(crate) fn begin(
        self: &Arc<Self>,
        passage: Passage,
        came: Came,
    ) -> Result<Underway, Option<Box<Message>>> {
        let mut underway = self.underway(passage, came);
        if underway.answer.is_some() {
            return Ok(underway);
        }
        let (call, params) = (&*underway.call, underway.message.payload());
        let record = Forwarded {
            call,
            at: SystemTime::now(),
            request_bytes: underway.request_bytes,
            params,
        };
        if self.obey(self.log.forwarded(&record)).is_ok() {
            underway.went = Some(Instant::now());
            return Ok(underway);
        }
        let refusal = underway
            .message
            .id()
            .map(|id| Box::new(reply::unwritten(id, call, false)));
        underway.take_trail();
        let _ = underway.finish(Decision::Failed, None, refusal.as_deref());
        Err(refusal)
    }

    /// Records a call that did not go on, and hands back what its asker is told.
    pub(crate) fn refused(
        &self,
        departure: Departure,
        request_bytes: usize,
        mut came: Came,
    ) -> Option<Message> {
        let Departure {
            call,
            message,
            trail,
            overloaded,
            ..
        } = departure;
        let decision = match overloaded {
            true => Decision::Overloaded,
            false => Decision::Refused,
        };
        let left = Instant::now();
        let record = ended(
            &call,
            decision,
            &trail,
            request_bytes,
            message.as_ref(),
            None,
            left.duration_since(came.at),
        );
        self.lookout.ended(
            &record,
            &Way {
                came: came.at,
                went: None,
                returned: None,
                left,
                trace: came.trace.as_deref(),
            },
        );
        // What nobody judged says nothing of any policy.
        if let Some(mut taken) = came.taken.take().filter(|_| !overloaded) {
            taken.decision = decision;
            taken.trail = trail.clone();
            self.lookout.take(taken);
        }
        // The call went nowhere and its asker learns so: there is nothing that a missing record could still stop.
        let _ = self.obey(self.log.ended(&record));
        message
    }

    /// Records that notifications have no records of their own.
    pub(crate) fn left_out(&self, record: &LeftOut<'_>) {
        // They have passed: there is nothing that a missing record could still stop.
        let _ = self.obey(self.log.left_out(record));
    }

    /// Lets a notification pass that has no records of its own.
    pub(crate) fn begin_unrecorded(self: &Arc<Self>, passage: Passage, came: Came) -> Underway {
        let mut underway = self.underway(passage, came);
        underway.recorded = false;
        underway.went = Some(Instant::now());
        underway
    }

    fn underway(self: &Arc<Self>, passage: Passage, came: Came) -> Underway {
        let answer = passage.answer();
        Underway {
            journal: self.clone(),
            call: passage.call().clone(),
            message: passage.message().clone(),
            request_bytes: passage.message().bytes().len(),
            trail: Trail {
                version: passage.trail().version,
                entries: Vec::new(),
            },
            passage: Some(passage),
            answer,
            came,
            went: None,
            returned: None,
            recorded: true,
            ended: false,
        }
    }

    fn obey(&self, written: Result<(), Unwritten>) -> Result<(), Unwritten> {
        let Err(unwritten) = written else {
            return Ok(());
        };
        let policy = match self.refuses.load(Ordering::Relaxed) {
            true => OnUnwritten::Refuse,
            false => OnUnwritten::Continue,
        };
        self.tell(policy, &unwritten);
        match policy {
            OnUnwritten::Refuse => Err(unwritten),
            OnUnwritten::Continue => Ok(()),
        }
    }

    fn tell(&self, policy: OnUnwritten, unwritten: &Unwritten) {
        let mut told = self.told.lock();
        if told.0.is_some_and(|last| last.elapsed() < TELL) {
            told.1 += 1;
            return;
        }
        let (_, others) = std::mem::replace(&mut *told, (Some(Instant::now()), 0));
        drop(told);
        tracing::error!(?policy, others, "{unwritten}");
    }
}

impl Underway {
    /// Who calls what, after every interceptor.
    pub(crate) fn call(&self) -> &Arc<Call> {
        &self.call
    }
    /// What the other side gets.
    pub(crate) fn message(&self) -> &Message {
        &self.message
    }
    /// When it came, and its place in a trace.
    pub(crate) fn came(&self) -> &Came {
        &self.came
    }
    /// Every run so far; none once it is leaving.
    pub(crate) fn entries(&self) -> &[TrailEntry] {
        let passage = self.passage.as_ref();
        passage.map_or(&[], |passage| &passage.trail().entries)
    }
    /// What an interceptor put in place of the other side's reply.
    pub(crate) fn take_answer(&mut self) -> Option<Message> {
        self.answer.take()
    }

    /// The reply leaves through every interceptor; what comes out is what the asker gets. `decision` is what became of
    /// the call if no interceptor withholds the reply.
    pub(crate) async fn leave(self, reply: Message, decision: Decision) -> Left {
        self.leave_with(reply, decision, None).await
    }

    /// The same for a reply that carries other messages.
    pub(crate) async fn leave_with(
        mut self,
        reply: Message,
        decision: Decision,
        within: Option<&mut (dyn Within + '_)>,
    ) -> Left {
        let Some(passage) = self.passage.take() else {
            return Left {
                message: None,
                withheld: true,
                stopped: None,
                entries: Vec::new(),
            };
        };
        self.returned = self.went.map(|_| Instant::now());
        self.trail = passage.trail().clone();
        if let (Some(taken), true) = (&mut self.came.taken, self.went.is_some()) {
            taken.reply = Some(reply.clone());
        }
        let Departure {
            message,
            trail,
            withheld,
            overloaded,
            halt,
            ..
        } = passage.leave_with(reply, within).await;
        self.trail = trail;
        let decision = match (withheld, overloaded) {
            (_, true) => Decision::Overloaded,
            (true, false) => Decision::Refused,
            (false, false) => decision,
        };
        let finished = self.finish(decision, None, message.as_ref());
        let entries = std::mem::take(&mut self.trail.entries);
        match finished {
            Ok(()) => Left {
                message,
                withheld,
                stopped: halt,
                entries,
            },
            Err(_) => {
                let id = message.as_ref().and_then(Message::id);
                Left {
                    message: id.map(|id| reply::unwritten(id, &self.call, true)),
                    withheld: true,
                    stopped: None,
                    entries,
                }
            }
        }
    }

    /// The chain that the call entered; none once it is leaving.
    pub(crate) fn chain(&self) -> Option<&Arc<Chain>> {
        self.passage.as_ref().map(Passage::chain)
    }

    /// What it takes to let further replies to this call pass, after the first.
    pub(crate) fn keep(&self) -> Option<Kept> {
        self.passage.as_ref().map(Passage::keep)
    }

    /// Its reply comes in a message of its own.
    pub(crate) fn shelve(mut self) -> Option<Shelved> {
        let kept = self.passage.take()?.keep();
        self.ended = true;
        Some(Shelved {
            journal: self.journal.clone(),
            call: self.call.clone(),
            message: self.message.clone(),
            kept,
            started: self.came.at,
            request_bytes: self.request_bytes,
            answered: AtomicBool::new(false),
        })
    }

    /// Nothing that interceptors look at comes back: a notification, or an answer that is no JSON-RPC. The error says
    /// that what came back must be withheld.
    pub(crate) fn end(
        mut self,
        decision: Decision,
        reply_bytes: Option<usize>,
    ) -> Result<(), Unwritten> {
        self.returned = self.went.map(|_| Instant::now());
        self.take_trail();
        self.finish(decision, reply_bytes, None)
    }

    fn take_trail(&mut self) {
        if let Some(passage) = self.passage.take() {
            self.trail = passage.end();
        }
    }

    fn finish(
        &mut self,
        decision: Decision,
        reply_bytes: Option<usize>,
        reply: Option<&Message>,
    ) -> Result<(), Unwritten> {
        self.ended = true;
        let left = Instant::now();
        let server = |went| self.returned.unwrap_or(left).duration_since(went);
        let record = Ended {
            server: self.went.map(server),
            ..ended(
                &self.call,
                decision,
                &self.trail,
                self.request_bytes,
                reply,
                reply_bytes,
                left.duration_since(self.came.at),
            )
        };
        self.journal.lookout.ended(
            &record,
            &Way {
                came: self.came.at,
                went: self.went,
                returned: self.returned,
                left,
                trace: self.came.trace.as_deref(),
            },
        );
        let written = match self.recorded {
            true => self.journal.log.ended(&record),
            false => Ok(()),
        };
        let judged = decision != Decision::Overloaded;
        if let Some(mut taken) = self.came.taken.take().filter(|_| judged) {
            taken.decision = decision;
            taken.trail = self.trail.clone();
            self.journal.lookout.take(taken);
        }
        self.journal.obey(written)
    }
}

impl Shelved {
    /// What the other side got.
    pub(crate) fn message(&self) -> &Message {
        &self.message
    }
    pub(crate) fn method(&self) -> &Arc<str> {
        &self.call.method
    }

    /// The runs that its reply adds to those of its own.
    pub(crate) fn news<'a>(&self, entries: &'a [TrailEntry]) -> &'a [TrailEntry] {
        entries
            .get(self.kept.trail().entries.len()..)
            .unwrap_or_default()
    }

    /// It passed this chain.
    pub(crate) fn is_of(&self, chain: &Arc<Chain>) -> bool {
        self.kept.is_of(chain)
    }

    /// Its reply is there, and passes under this chain.
    pub(crate) fn resume(&self, chain: &Arc<Chain>) -> Underway {
        self.answered.store(true, Ordering::Relaxed);
        let passage = chain.resume(self.call.clone(), self.message.clone(), &self.kept);
        Underway {
            journal: self.journal.clone(),
            call: self.call.clone(),
            message: self.message.clone(),
            trail: Trail {
                version: passage.trail().version,
                entries: Vec::new(),
            },
            passage: Some(passage),
            answer: None,
            came: self.journal.lookout.within(self.started),
            went: Some(self.started),
            returned: None,
            request_bytes: self.request_bytes,
            recorded: true,
            ended: false,
        }
    }
}

impl Drop for Shelved {
    fn drop(&mut self) {
        if !self.answered.load(Ordering::Relaxed) {
            let left = Instant::now();
            let record = ended(
                &self.call,
                Decision::Cancelled,
                self.kept.trail(),
                self.request_bytes,
                None,
                None,
                left.duration_since(self.started),
            );
            self.journal.lookout.ended(
                &record,
                &Way {
                    came: self.started,
                    went: Some(self.started),
                    returned: None,
                    left,
                    trace: None,
                },
            );
            // Nobody is left to be refused.
            let _ = self.journal.obey(self.journal.log.ended(&record));
        }
    }
}

impl Drop for Underway {
    fn drop(&mut self) {
        if !self.ended {
            self.take_trail();
            // Nobody is left to be refused.
            let _ = self.finish(Decision::Cancelled, None, None);
        }
    }
}

fn ended<'a>(
    call: &'a Call,
    decision: Decision,
    trail: &'a Trail,
    request_bytes: usize,
    reply: Option<&'a Message>,
    reply_bytes: Option<usize>,
    took: Duration,
) -> Ended<'a> {
    Ended {
        call,
        at: SystemTime::now(),
        decision,
        trail,
        request_bytes,
        reply_bytes: reply_bytes.or_else(|| reply.map(|reply| reply.bytes().len())),
        failed: reply.is_some_and(Message::failed),
        reply: reply.map(Message::payload),
        took,
        server: None,
    }
}

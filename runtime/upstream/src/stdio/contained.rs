//! A contained program: the helper that holds it, and what the helper says.
//!
//! The gateway starts itself anew as the helper (`sandgate_contain::helper`) and gives it the plan on a socket. The
//! helper ends everything when the socket is closed, so that no process outlives the gateway.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream as StdStream;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use sandgate_contain::{Plan, Report};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::task::JoinHandle;

use crate::facts::ServerFacts;

/// The time in which the plan is in force; the helper's own is shorter.
const START: Duration = Duration::from_secs(40);
/// The time to read what the helper said last.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// The helper's command line.
pub(crate) const HELPER: (&str, &str) = ("/proc/self/exe", sandgate_contain::HELPER);

/// The gateway's end of the socket. Dropping it ends the program and everything that it started.
#[derive(Debug)]
pub(crate) struct Contained {
    open: Option<OwnedWriteHalf>,
    listening: JoinHandle<()>,
    reached: Arc<Mutex<Option<String>>>,
}

/// A socket to a helper that is not started yet.
pub(crate) struct Offer {
    own: UnixStream,
    /// The helper's end.
    pub(crate) helper: OwnedFd,
}

impl Offer {
    pub(crate) fn new() -> io::Result<Self> {
        let (own, helper) = StdStream::pair()?;
        own.set_nonblocking(true)?;
        Ok(Self {
            own: UnixStream::from_std(own)?,
            helper: helper.into(),
        })
    }

    /// The number of the helper's descriptor.
    pub(crate) fn number(&self) -> String {
        self.helper.as_raw_fd().to_string()
    }

    /// Hands the plan to the helper, which has been started, and waits until it is in force.
    ///
    /// # Errors
    ///
    /// The plan is not in force, and the program was not started.
    pub(crate) async fn begin(
        self,
        server: Arc<str>,
        plan: &Plan,
        known: Arc<ServerFacts>,
    ) -> Result<Contained, String> {
        let Self { own, helper } = self;
        // Otherwise the gateway would hold both ends, and not see the helper's death.
        drop(helper);
        let (read, mut open) = own.into_split();
        let mut lines = BufReader::new(read).lines();
        let first = tokio::time::timeout(START, async {
            let mut text = serde_json::to_vec(plan).map_err(|error| error.to_string())?;
            text.push(b'\n');
            // If the helper is gone, it has said why, or its status says it.
            let _ = open.write_all(&text).await;
            match lines.next_line().await {
                Ok(Some(line)) => serde_json::from_str(&line).map_err(|error| error.to_string()),
                _ => Err("the helper ended before it said anything".into()),
            }
        });
        let first = first.await;
        match first.unwrap_or_else(|_| Err("the helper said nothing in time".into()))? {
            Report::InForce(in_force) => {
                tracing::debug!(server = %server, "contained: {}", in_force.text());
                known.vitals.contained(in_force);
            }
            Report::Failed(why) => return Err(why),
            Report::Reached { .. } => return Err("the helper said nothing of the plan".into()),
        }
        let reached = Arc::<Mutex<Option<String>>>::default();
        let listening = tokio::spawn(listen(server, lines, known, reached.clone()));
        Ok(Contained {
            open: Some(open),
            listening,
            reached,
        })
    }
}

impl Contained {
    /// Has the helper end the program and everything that it started.
    pub(crate) fn end(&mut self) {
        self.open = None;
    }

    /// The limit by which the program ended, with what was allowed. Call it once the helper has ended.
    pub(crate) async fn reached(mut self) -> Option<String> {
        let _ = tokio::time::timeout(LAST_WORDS, &mut self.listening).await;
        self.reached.lock().clone()
    }
}

async fn listen(
    server: Arc<str>,
    mut lines: Lines<BufReader<OwnedReadHalf>>,
    known: Arc<ServerFacts>,
    reached: Arc<Mutex<Option<String>>>,
) {
    while let Ok(Some(line)) = lines.next_line().await {
        if let Ok(Report::Reached { limit, allowed }) = serde_json::from_str(&line) {
            let what = format!("`{}` ({allowed})", limit.key());
            tracing::warn!(server = %server, "the server reached its limit {what} of `contain`");
            known.vitals.ill(format!("it reached its limit {what}"));
            *reached.lock() = Some(what);
        }
    }
}

//! A contained program: the helper that holds it, and what the helper says.
//!
//! The gateway starts itself anew as the helper (`sandgate_contain::helper`) and gives it the plan on a socket. The
//! helper ends everything when the socket is closed, so that no process outlives the gateway.

use std::io::{self, Cursor};
use std::net::TcpListener as StdListener;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream as StdStream;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use sandgate_contain::{Network, Plan, Report, receive};
use sandgate_egress::Proxy;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Chain, Interest, Lines};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, UnixStream};
use tokio::task::JoinHandle;
use tokio_util::task::AbortOnDropHandle;

use crate::facts::ServerFacts;

/// The time in which the plan is in force; the helper's own is shorter.
const START: Duration = Duration::from_secs(40);
/// The time to read what the helper said last.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// The longest line of the helper, in bytes.
const LINE: usize = 64 << 10;

/// The helper's command line.
pub(crate) const HELPER: (&str, &str) = ("/proc/self/exe", sandgate_contain::HELPER);

/// The gateway's end of the socket. Dropping it ends the program and everything that it started.
#[derive(Debug)]
pub(crate) struct Contained {
    open: Option<OwnedWriteHalf>,
    listening: JoinHandle<()>,
    reached: Arc<Mutex<Option<String>>>,
    /// Serves the program's connections, where its network is the proxy. Dropping it ends them.
    _proxy: Option<AbortOnDropHandle<()>>,
}

/// What the helper says after its first line.
type Words = Lines<BufReader<Chain<Cursor<Vec<u8>>, OwnedReadHalf>>>;

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
        proxy: Option<&Arc<Proxy>>,
        known: Arc<ServerFacts>,
    ) -> Result<Contained, String> {
        let Self { own, helper } = self;
        // Otherwise the gateway would hold both ends, and not see the helper's death.
        drop(helper);
        let mut own = own;
        let first = tokio::time::timeout(START, async {
            let mut text = serde_json::to_vec(plan).map_err(|error| error.to_string())?;
            text.push(b'\n');
            // If the helper is gone, it has said why, or its status says it.
            let _ = own.write_all(&text).await;
            let (line, rest, listener) = first_line(&own).await?;
            let report = serde_json::from_slice(&line).map_err(|error| error.to_string())?;
            Ok((report, rest, listener))
        });
        let first = first.await;
        let first = first.unwrap_or_else(|_| Err("the helper said nothing in time".to_owned()));
        let (report, rest, listener) = first?;
        match report {
            Report::InForce(in_force) => {
                tracing::debug!(server = %server, "contained: {}", in_force.text());
                known.vitals.contained(in_force);
            }
            Report::Failed(why) => return Err(why),
            Report::Reached { .. } => return Err("the helper said nothing of the plan".into()),
        }
        let proxy = match (plan.network, proxy, listener) {
            (Network::Proxy, Some(proxy), Some(listener)) => {
                let listener = accepting(listener).map_err(|error| error.to_string())?;
                let serving = tokio::spawn(proxy.clone().serve(listener));
                Some(AbortOnDropHandle::new(serving))
            }
            (Network::Proxy, ..) => return Err("the helper handed no listener over".into()),
            _ => None,
        };
        let (read, open) = own.into_split();
        let lines = BufReader::new(Cursor::new(rest).chain(read)).lines();
        let reached = Arc::<Mutex<Option<String>>>::default();
        let listening = tokio::spawn(listen(server, lines, known, reached.clone()));
        Ok(Contained {
            open: Some(open),
            listening,
            reached,
            _proxy: proxy,
        })
    }
}

/// The helper's first line, what came behind it, and the listener that came with it.
async fn first_line(own: &UnixStream) -> Result<(Vec<u8>, Vec<u8>, Option<OwnedFd>), String> {
    let (mut said, mut listener) = (Vec::new(), None);
    let mut part = [0; 4096];
    loop {
        let received = own
            .async_io(Interest::READABLE, || receive(own, &mut part))
            .await;
        let (length, handed) = match received {
            Ok((0, _)) | Err(_) => return Err("the helper ended before it said anything".into()),
            Ok(received) => received,
        };
        said.extend_from_slice(&part[..length]);
        listener = handed.or(listener);
        if let Some(end) = said.iter().position(|byte| *byte == b'\n') {
            let rest = said.split_off(end + 1);
            return Ok((said, rest, listener));
        }
        if said.len() > LINE {
            return Err("the helper's words have no end".into());
        }
    }
}

fn accepting(listener: OwnedFd) -> io::Result<TcpListener> {
    let listener = StdListener::from(listener);
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
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
    mut lines: Words,
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

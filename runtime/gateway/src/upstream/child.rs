//! A stdio server's process and the tasks around it: one writes its stdin, so that lines never interleave; one reads its
//! stdout; one logs its stderr; one sees it to its end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use rustix::process::Signal;
use sandgate_message::{Id, Json, Limits, Message};
use tokio::io::AsyncWriteExt;
use tokio::process::{ChildStderr, ChildStdin, ChildStdout};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::key::Key;
use super::process::{self, Process};
use super::routes::Routes;
use super::server::Known;
use super::{ServerConfig, ServerError};
use crate::framing::lines::{self, Line, Lines};

/// Lines that wait to be written; who comes later waits for a place.
const OUTBOX: usize = 16;
/// Lines are written together up to this many bytes: what a pipe holds on Linux.
const BATCH: usize = 64 << 10;
/// The longest line of stderr that is logged, in bytes; a longer one is only mentioned.
const LOG_LINE: usize = 8 << 10;
/// From the end of its stdin to SIGTERM.
const AFTER_EOF: Duration = Duration::from_millis(500);
/// From SIGTERM to SIGKILL.
const AFTER_TERM: Duration = Duration::from_secs(2);
/// For what stands in the pipe when a process has ended; something it started may hold the other end.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// A running server process. Dropping it ends the process.
#[derive(Debug)]
pub(super) struct Child {
    server: Arc<str>,
    pub(super) routes: Arc<Routes>,
    outbox: mpsc::Sender<Bytes>,
    patience: Duration,
    closing: CancellationToken,
    ended: watch::Receiver<bool>,
}

impl Child {
    /// Starts it. `shared`: many conversations on one child.
    pub(super) async fn start(
        config: &ServerConfig,
        known: &Arc<Known>,
        shared: bool,
    ) -> Result<Arc<Self>, ServerError> {
        let mut process = process::start(&config.name, &config.transport).await?;
        let piped = (
            process.child.stdin.take(),
            process.child.stdout.take(),
            process.child.stderr.take(),
        );
        let (Some(stdin), Some(stdout), Some(stderr)) = piped else {
            let why = "its streams are not piped".into();
            return Err(ServerError::Start {
                server: config.name.clone(),
                why,
            });
        };
        let (outbox, lines) = mpsc::channel(OUTBOX);
        let (urgent, urgent_lines) = mpsc::unbounded_channel();
        let server = config.name.clone();
        let routes = Routes::new(
            server.clone(),
            known.clone(),
            config.limits,
            config.request_timeout,
            shared,
            urgent,
        );
        let closing = CancellationToken::new();
        let (done, ended) = watch::channel(false);
        let spoke = Arc::new(AtomicBool::new(false));

        tokio::spawn(write(stdin, lines, urgent_lines, closing.clone()));
        tokio::spawn(log(server.clone(), stderr));
        let reader = Reader {
            server: server.clone(),
            routes: routes.clone(),
            limits: config.limits,
            first_word: config.connect_timeout,
            spoke: spoke.clone(),
            closing: closing.clone(),
        };
        let supervisor = Supervisor {
            server: server.clone(),
            routes: routes.clone(),
            known: known.clone(),
            shared,
            spoke,
            closing: closing.clone(),
        };
        tokio::spawn(async move {
            supervisor
                .see_out(process, tokio::spawn(reader.read(stdout)))
                .await;
            let _ = done.send(true);
        });
        Ok(Arc::new(Self {
            server,
            routes,
            outbox,
            patience: config.request_timeout,
            closing,
            ended,
        }))
    }

    pub(super) fn server(&self) -> &Arc<str> {
        &self.server
    }

    /// Hands a message to the writer. Waits for a place while the child does not read.
    pub(super) async fn write(&self, message: &Message) -> Result<(), ServerError> {
        match tokio::time::timeout(self.patience, self.outbox.send(message.line())).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(self.routes.listen().err().unwrap_or(ServerError::Closed {
                server: self.server.clone(),
            })),
            Err(_) => Err(ServerError::Timeout {
                server: self.server.clone(),
                after: self.patience,
            }),
        }
    }

    /// It has ended, or is about to.
    pub(super) fn is_over(&self) -> bool {
        self.closing.is_cancelled() || *self.ended.borrow()
    }

    /// Ends it, first gently. Returns when it and its group are gone.
    pub(super) async fn close(&self) {
        self.closing.cancel();
        let _ = self.ended.clone().wait_for(|ended| *ended).await;
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.closing.cancel();
    }
}

async fn write(
    mut stdin: ChildStdin,
    mut lines: mpsc::Receiver<Bytes>,
    mut urgent: mpsc::UnboundedReceiver<Bytes>,
    closing: CancellationToken,
) {
    let mut batch = BytesMut::new();
    loop {
        let line = tokio::select! {
            biased;
            () = closing.cancelled() => return,
            Some(line) = urgent.recv() => line,
            Some(line) = lines.recv() => line,
            else => return,
        };
        lines::write(&mut batch, &line);
        while batch.len() < BATCH
            && let Ok(line) = urgent.try_recv().or_else(|_| lines.try_recv())
        {
            lines::write(&mut batch, &line);
        }
        // Nothing but the end of the process may cut a line.
        let written = tokio::select! {
            written = stdin.write_all_buf(&mut batch) => written,
            () = closing.cancelled() => return,
        };
        if written.is_err() {
            // It reads no more. Whether it is ending is for the supervisor to see.
            closing.cancelled().await;
            return;
        }
        if batch.capacity() > BATCH {
            batch = BytesMut::new();
        }
    }
}

async fn log(server: Arc<str>, stderr: ChildStderr) {
    let mut lines = Lines::new(stderr, LOG_LINE);
    while let Ok(Some(line)) = lines.next().await {
        match line {
            Line::Whole(line) => {
                // Control characters could forge lines of the log or steer the terminal that shows it.
                let text: String = String::from_utf8_lossy(&line)
                    .chars()
                    .map(|c| {
                        if c.is_control() && c != '\t' {
                            '\u{fffd}'
                        } else {
                            c
                        }
                    })
                    .collect();
                tracing::info!(target: "sandgate::server", server = %server, "{text}");
            }
            Line::TooLong(bytes) => {
                tracing::info!(target: "sandgate::server", server = %server, bytes, "a line too long for the log");
            }
        }
    }
}

struct Reader {
    server: Arc<str>,
    routes: Arc<Routes>,
    limits: Limits,
    first_word: Duration,
    spoke: Arc<AtomicBool>,
    closing: CancellationToken,
}

impl Reader {
    async fn read(self, stdout: ChildStdout) {
        let mut lines = Lines::new(stdout, self.limits.bytes);
        let mut warned = false;
        loop {
            let line = match lines.next().await {
                Ok(Some(line)) => line,
                Ok(None) | Err(_) => return,
            };
            match line {
                Line::Whole(line) => match Message::parse(line.clone(), &self.limits) {
                    Ok(message) => {
                        self.spoke.store(true, Ordering::Relaxed);
                        self.routes.arrive(message).await;
                    }
                    Err(trouble) => {
                        tracing::warn!(server = %self.server, bytes = line.len(), "a line on stdout is not MCP: {trouble}");
                        let why = format!("a line on its stdout is {trouble}");
                        let error = ServerError::Garbage {
                            server: self.server.clone(),
                            why,
                        };
                        if line.trim_ascii_start().starts_with(b"{") {
                            self.routes.garbage(id_of(&line).as_ref(), error);
                        } else if !warned && !self.spoke.load(Ordering::Relaxed) {
                            // A banner, or a program that is no MCP server at all: its first word will tell.
                            warned = true;
                            self.expect_first_word(error);
                        }
                    }
                },
                Line::TooLong(bytes) => {
                    tracing::warn!(server = %self.server, bytes, "a line on stdout is over the limit");
                    let limit = self.limits.bytes;
                    self.routes.garbage(
                        None,
                        ServerError::TooLarge {
                            server: self.server.clone(),
                            limit,
                        },
                    );
                }
            }
        }
    }

    fn expect_first_word(&self, error: ServerError) {
        let (spoke, routes, closing) = (
            self.spoke.clone(),
            self.routes.clone(),
            self.closing.clone(),
        );
        let wait = self.first_word;
        tokio::spawn(async move {
            tokio::select! {
                () = closing.cancelled() => {}
                () = tokio::time::sleep(wait) => if !spoke.load(Ordering::Relaxed) {
                    routes.fail_all(&error);
                },
            }
        });
    }
}

/// The id of a reply that may not be passed on (a duplicate key, a lone surrogate): only to tell its asker.
fn id_of(line: &[u8]) -> Option<Key> {
    #[derive(serde::Deserialize)]
    struct Reply<'a> {
        #[serde(borrow)]
        id: &'a serde_json::value::RawValue,
    }
    let reply: Reply<'_> = serde_json::from_slice(line).ok()?;
    let id = Json::parse(reply.id.get().to_owned(), &Limits::default()).ok()?;
    Id::from_json(&id).map(|id| Key::of_id(&id))
}

struct Supervisor {
    server: Arc<str>,
    routes: Arc<Routes>,
    known: Arc<Known>,
    shared: bool,
    spoke: Arc<AtomicBool>,
    closing: CancellationToken,
}

impl Supervisor {
    async fn see_out(self, mut process: Process, mut reader: tokio::task::JoinHandle<()>) {
        let exited = tokio::select! {
            status = process.child.wait() => Some(status),
            () = self.closing.cancelled() => None,
            _ = &mut reader => None,
        };
        let meant = self.closing.is_cancelled();
        // The writer lets go of stdin.
        self.closing.cancel();
        let status = match exited {
            Some(status) => status,
            None => terminate(&mut process).await,
        };
        // What it started in turn goes with it.
        process.end_group();
        if !reader.is_finished() && tokio::time::timeout(LAST_WORDS, &mut reader).await.is_err() {
            reader.abort();
        }
        let status = match status {
            Ok(status) => status.to_string(),
            Err(error) => format!("status unknown: {error}"),
        };
        if meant {
            tracing::debug!(server = %self.server, status, "ended");
            return self.routes.end(
                None,
                ServerError::Closed {
                    server: self.server.clone(),
                },
            );
        }
        tracing::warn!(server = %self.server, status, "the server ended by itself");
        if self.spoke.load(Ordering::Relaxed) {
            self.known.backoff.lock().succeeded();
        } else {
            self.known.backoff.lock().failed();
        }
        let error = ServerError::Exited {
            server: self.server.clone(),
            status,
        };
        let later = if self.shared {
            error.clone()
        } else {
            ServerError::SessionGone {
                server: self.server.clone(),
            }
        };
        self.routes.end(Some(error), later);
    }
}

async fn terminate(process: &mut Process) -> std::io::Result<std::process::ExitStatus> {
    if let Ok(status) = tokio::time::timeout(AFTER_EOF, process.child.wait()).await {
        return status;
    }
    process.signal(Signal::TERM);
    if let Ok(status) = tokio::time::timeout(AFTER_TERM, process.child.wait()).await {
        return status;
    }
    process.signal(Signal::KILL);
    process.child.wait().await
}

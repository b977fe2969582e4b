//! A stdio server's process, from its start to its end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use rustix::process::Signal;
use sandgate_message::Message;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::demux::{ChildUsers, Demux};
use crate::facts::ServerFacts;
use crate::stdio::process::{self, Process};
use crate::stdio::tasks::{self, Reader};
use crate::{ServerConfig, ServerError};
use sandgate_wire::Permit;

/// The most lines that wait to be written; at that number senders wait.
const OUTBOX: usize = 16;
/// The most small lines of the gateway's own that wait to be written; further ones to a child that does not read are
/// lost.
const URGENT: usize = 1024;
/// The time between closing stdin and SIGTERM.
const AFTER_EOF: Duration = Duration::from_millis(500);
/// The time between SIGTERM and SIGKILL.
const AFTER_TERM: Duration = Duration::from_secs(2);
/// The time to read what is left in the pipe after the process has ended; a process that it started may hold the other
/// end open.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// A running server process. Dropping it ends the process.
#[derive(Debug)]
pub(crate) struct Child {
    server: Arc<str>,
    pub(crate) demux: Arc<Demux>,
    outbox: mpsc::Sender<Bytes>,
    patience: Duration,
    start_timeout: Duration,
    spoke: Arc<AtomicBool>,
    closing: CancellationToken,
    ended: watch::Receiver<bool>,
}

impl Child {
    /// Starts the process, which holds `place` until it is gone.
    ///
    /// # Errors
    ///
    /// The program cannot be started.
    pub(crate) async fn start(
        config: &ServerConfig,
        known: &Arc<ServerFacts>,
        users: ChildUsers,
        place: Permit,
    ) -> Result<Arc<Self>, ServerError> {
        let mut process = process::start(config, known).await?;
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
        let modern = matches!(users, ChildUsers::Modern);
        let (outbox, lines) = mpsc::channel(OUTBOX);
        let (urgent, urgent_lines) = mpsc::channel(URGENT);
        let server = config.name.clone();
        let demux = Demux::new(
            server.clone(),
            known.clone(),
            config.limits,
            config.request_timeout,
            users,
            urgent,
        );
        let closing = CancellationToken::new();
        let (done, ended) = watch::channel(false);
        let spoke = Arc::new(AtomicBool::new(false));

        tokio::spawn(tasks::write(stdin, lines, urgent_lines, closing.clone()));
        tokio::spawn(tasks::log(server.clone(), stderr, config.redactor.clone()));
        let reader = Reader {
            server: server.clone(),
            demux: demux.clone(),
            limits: config.limits,
            redactor: config.redactor.clone(),
            first_word: config.start_timeout,
            spoke: spoke.clone(),
            closing: closing.clone(),
        };
        let supervisor = Supervisor {
            server: server.clone(),
            demux: demux.clone(),
            known: known.clone(),
            modern,
            spoke: spoke.clone(),
            closing: closing.clone(),
        };
        known.vitals.child_started();
        let known = known.clone();
        tokio::spawn(async move {
            supervisor
                .see_out(process, tokio::spawn(reader.read(stdout)))
                .await;
            known.vitals.child_ended();
            drop(place);
            let _ = done.send(true);
        });
        Ok(Arc::new(Self {
            server,
            demux,
            outbox,
            patience: config.request_timeout,
            start_timeout: config.start_timeout,
            spoke,
            closing,
            ended,
        }))
    }

    pub(crate) fn server(&self) -> &Arc<str> {
        &self.server
    }

    /// The longest silence of a request in flight. Before its first message a program may still be starting, so the
    /// start timeout applies too.
    pub(crate) fn patience(&self) -> Duration {
        match self.spoke.load(Ordering::Relaxed) {
            true => self.patience,
            false => self.patience.max(self.start_timeout),
        }
    }

    /// Hands a message to the writer, waiting while the child does not read.
    ///
    /// # Errors
    ///
    /// The child has ended, or does not read in time.
    pub(crate) async fn write(&self, message: &Message) -> Result<(), ServerError> {
        match tokio::time::timeout(self.patience, self.outbox.send(message.line())).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => {
                // The child is ending; the reason is known once it has ended.
                self.ended().await;
                Err(self.demux.over().unwrap_or(ServerError::Closed {
                    server: self.server.clone(),
                }))
            }
            Err(_) => Err(ServerError::Timeout {
                server: self.server.clone(),
                after: self.patience,
            }),
        }
    }

    /// Whether the child has ended or is about to.
    pub(crate) fn is_over(&self) -> bool {
        self.closing.is_cancelled() || *self.ended.borrow()
    }

    /// Ends the child, first gently. Returns once it and its process group are gone.
    pub(crate) async fn close(&self) {
        self.closing.cancel();
        self.ended().await;
    }

    /// Waits until the child is gone.
    pub(crate) async fn ended(&self) {
        let _ = self.ended.clone().wait_for(|ended| *ended).await;
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.closing.cancel();
    }
}

struct Supervisor {
    server: Arc<str>,
    demux: Arc<Demux>,
    known: Arc<ServerFacts>,
    modern: bool,
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
        // The writer then closes stdin.
        self.closing.cancel();
        let status = match exited {
            Some(status) => status,
            None => terminate(&mut process).await,
        };
        // The processes that the child started end with it.
        process.end_tree().await;
        if !reader.is_finished() && tokio::time::timeout(LAST_WORDS, &mut reader).await.is_err() {
            reader.abort();
        }
        let limit = match process.contained.take() {
            Some(contained) => contained.reached().await,
            None => None,
        };
        let status = match status {
            Ok(status) => status.to_string(),
            Err(error) => format!("status unknown: {error}"),
        };
        if meant {
            tracing::debug!(server = %self.server, status, "ended");
            return self.demux.end(
                None,
                ServerError::Closed {
                    server: self.server.clone(),
                },
            );
        }
        tracing::warn!(server = %self.server, status, "the server ended by itself");
        let spoke = self.spoke.load(Ordering::Relaxed);
        match spoke {
            true => self.known.backoff.lock().succeeded(),
            false => self.known.backoff.lock().failed(),
        }
        let error = ServerError::Exited {
            server: self.server.clone(),
            status,
            limit,
        };
        self.known.vitals.failed(&error);
        // A program that sent no message has begun no session.
        let later = if self.modern || !spoke {
            error.clone()
        } else {
            ServerError::SessionGone {
                server: self.server.clone(),
            }
        };
        self.demux.end(Some(error), later);
    }
}

async fn terminate(process: &mut Process) -> std::io::Result<std::process::ExitStatus> {
    process.look().await;
    if let Ok(status) = tokio::time::timeout(AFTER_EOF, process.child.wait()).await {
        return status;
    }
    process.signal(Signal::TERM);
    if let Ok(status) = tokio::time::timeout(AFTER_TERM, process.child.wait()).await {
        return status;
    }
    // The helper of a contained program then ends all of it.
    if let Some(contained) = &mut process.contained {
        contained.end();
        if let Ok(status) = tokio::time::timeout(AFTER_TERM, process.child.wait()).await {
            return status;
        }
    }
    process.look().await;
    process.signal(Signal::KILL);
    process.child.wait().await
}

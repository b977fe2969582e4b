//! The tasks for a child's three streams: one writes its stdin, so that lines never interleave, one reads its stdout,
//! and one logs its stderr.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use sandgate_message::{Id, Json, Limits};
use sandgate_secrets::Redactor;
use tokio::io::AsyncWriteExt;
use tokio::process::{ChildStderr, ChildStdin, ChildStdout};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::ServerError;
use crate::demux::Demux;
use crate::demux::key::Key;
use crate::redacted;
use sandgate_wire::framing::lines::{self, Line, Lines};

/// The most bytes of lines that are written together: the capacity of a pipe on Linux.
const BATCH: usize = 64 << 10;
/// The longest logged line of stderr, in bytes; a longer one is only mentioned.
const LOG_LINE: usize = 8 << 10;
/// The most lines of stderr logged per second; the rest is only counted.
const LOG_RATE: usize = 200;
/// The most lines of stdout that are not messages, between two that are. A program that writes more does not speak MCP.
const STRAY_LINES: usize = 10_000;
/// How many of those lines are logged individually.
const STRAY_LOGGED: usize = 10;

pub(crate) async fn write(
    mut stdin: ChildStdin,
    mut lines: mpsc::Receiver<Bytes>,
    mut urgent: mpsc::Receiver<Bytes>,
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
        // Only the end of the process may interrupt a line.
        let written = tokio::select! {
            written = stdin.write_all_buf(&mut batch) => written,
            () = closing.cancelled() => return,
        };
        if written.is_err() {
            // The child no longer reads. Whether it is ending is for the supervisor to find out.
            closing.cancelled().await;
            return;
        }
        if batch.capacity() > BATCH {
            batch = BytesMut::new();
        }
    }
}

pub(crate) async fn log(server: Arc<str>, stderr: ChildStderr, redactor: Arc<Redactor>) {
    let mut lines = Lines::new(stderr, LOG_LINE);
    let (mut since, mut seen) = (Instant::now(), 0);
    let left_out = |seen: usize| {
        if let Some(count) = seen.checked_sub(LOG_RATE).filter(|count| *count > 0) {
            tracing::warn!(target: "sandgate::server", server = %server, "{count} more lines of its stderr were left out");
        }
    };
    while let Ok(Some(line)) = lines.next().await {
        if since.elapsed() >= Duration::from_secs(1) {
            left_out(std::mem::take(&mut seen));
            since = Instant::now();
        }
        seen += 1;
        if seen > LOG_RATE {
            continue;
        }
        match line {
            Line::Whole(line) => {
                // Control characters could forge log lines or control the terminal that shows them.
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
                let text = redacted::words(text, &redactor);
                tracing::info!(target: "sandgate::server", server = %server, "{text}");
            }
            Line::TooLong(bytes) => {
                tracing::info!(target: "sandgate::server", server = %server, bytes, "a line too long for the log");
            }
        }
    }
    left_out(seen);
}

pub(crate) struct Reader {
    pub(crate) server: Arc<str>,
    pub(crate) demux: Arc<Demux>,
    pub(crate) limits: Limits,
    pub(crate) redactor: Arc<Redactor>,
    pub(crate) first_word: Duration,
    pub(crate) spoke: Arc<AtomicBool>,
    pub(crate) closing: CancellationToken,
}

impl Reader {
    pub(crate) async fn read(self, stdout: ChildStdout) {
        let mut lines = Lines::new(stdout, self.limits.bytes);
        let (mut warned, mut stray) = (false, 0);
        loop {
            let line = match lines.next().await {
                Ok(Some(line)) => line,
                Ok(None) | Err(_) => return,
            };
            match line {
                Line::Whole(line) => {
                    match redacted::message(line.clone(), &self.limits, &self.redactor) {
                        Ok(message) => {
                            self.spoke.store(true, Ordering::Relaxed);
                            if stray > STRAY_LOGGED {
                                tracing::warn!(server = %self.server, "{stray} lines on stdout were not MCP and were skipped");
                            }
                            stray = 0;
                            self.demux.arrive(message).await;
                        }
                        Err(trouble) => {
                            stray += 1;
                            let trouble = redacted::words(trouble.to_string(), &self.redactor);
                            if stray <= STRAY_LOGGED {
                                tracing::warn!(server = %self.server, bytes = line.len(), "skipped a line on stdout that is not MCP: {trouble}");
                            }
                            let why = format!("a line on its stdout is {trouble}");
                            let error = ServerError::Garbage {
                                server: self.server.clone(),
                                why,
                            };
                            if is_meant_as_message(&line) {
                                // The line was a reply that cannot be forwarded: its request must not wait for another.
                                self.demux.garbage(id_of(&line).as_ref(), error);
                            } else if stray > STRAY_LINES {
                                self.demux.fail_all(&error);
                                return;
                            } else if !warned && !self.spoke.load(Ordering::Relaxed) {
                                // Either a banner, or the program is no MCP server: its first message will tell.
                                warned = true;
                                self.expect_first_word(error);
                            }
                        }
                    }
                }
                Line::TooLong(bytes) => {
                    tracing::warn!(server = %self.server, bytes, "a line on stdout is over the limit");
                    let limit = self.limits.bytes;
                    self.demux.garbage(
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
        let (spoke, demux, closing) =
            (self.spoke.clone(), self.demux.clone(), self.closing.clone());
        let wait = self.first_word;
        tokio::spawn(async move {
            tokio::select! {
                () = closing.cancelled() => {}
                () = tokio::time::sleep(wait) => if !spoke.load(Ordering::Relaxed) {
                    demux.fail_all(&error);
                },
            }
        });
    }
}

/// Whether a line is a broken message, and not text for people or a JSON log record.
fn is_meant_as_message(line: &[u8]) -> bool {
    line.trim_ascii_start().starts_with(b"{")
        && memchr::memmem::find(line, b"\"jsonrpc\"").is_some()
}

/// The id of a reply that cannot be forwarded (a duplicate key, a lone surrogate), only to fail its request.
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

//! The queue between logging code and stderr. Logging only appends to the queue; a thread of its own writes. A full
//! disk, a closed pipe or a pipe that nobody reads delays and fails that thread and nothing else.

use std::collections::VecDeque;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use rustix::event::{PollFd, PollFlags, poll};

/// The most bytes of lines that wait to be written. A line beyond them is dropped.
const MAX_BYTES: usize = 1 << 20;
/// The bytes that a line counts beside its text.
const LINE_OVERHEAD: usize = 64;

/// A bounded queue of log lines and the thread that writes them.
pub struct LogQueue {
    waiting: Mutex<Waiting>,
    /// Signals that a line has been pushed.
    filled: Condvar,
    /// Signals that everything has been written or dropped.
    drained: Condvar,
    dropped: AtomicU64,
    /// Why lines cannot be written at present.
    failure: Mutex<Option<String>>,
}

#[derive(Default)]
struct Waiting {
    lines: VecDeque<Vec<u8>>,
    bytes: usize,
    /// Whether the thread has taken a line and not finished with it.
    writing: bool,
}

impl LogQueue {
    /// Starts the thread that writes to `to`. Once lines can be written again after some were dropped, `report` makes
    /// the line that says how many were dropped, and why.
    ///
    /// # Errors
    ///
    /// The thread cannot be started.
    pub fn start(
        to: OwnedFd,
        report: impl Fn(u64, &str) -> String + Send + 'static,
    ) -> io::Result<Arc<Self>> {
        let queue = Arc::new(Self {
            waiting: Mutex::default(),
            filled: Condvar::new(),
            drained: Condvar::new(),
            dropped: AtomicU64::new(0),
            failure: Mutex::default(),
        });
        let written = queue.clone();
        std::thread::Builder::new()
            .name("sandgate-log".into())
            .spawn(move || written.write_all(&to, report))?;
        Ok(queue)
    }

    /// Appends a line with its line end. If the queue is full, the line is dropped and counted.
    pub fn push(&self, line: Vec<u8>) {
        let size = line.len() + LINE_OVERHEAD;
        let mut waiting = self.waiting.lock();
        if waiting.bytes + size > MAX_BYTES {
            drop(waiting);
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        waiting.bytes += size;
        waiting.lines.push_back(line);
        drop(waiting);
        self.filled.notify_one();
    }

    /// The number of lines that were dropped since the start.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Why the last line could not be written. `None` if it could.
    pub fn failure(&self) -> Option<String> {
        self.failure.lock().clone()
    }

    /// Waits until every line has been written or dropped, at most for `limit`.
    pub fn flush(&self, limit: Duration) {
        let until = Instant::now() + limit;
        let mut waiting = self.waiting.lock();
        while waiting.writing || !waiting.lines.is_empty() {
            if self.drained.wait_until(&mut waiting, until).timed_out() {
                return;
            }
        }
    }

    fn write_all(&self, to: &OwnedFd, report: impl Fn(u64, &str) -> String) {
        let mut output = Output {
            to,
            rest: Vec::new(),
        };
        let mut reported = 0;
        let mut why = String::new();
        loop {
            let line = self.next();
            match output.line(&line) {
                Ok(()) => *self.failure.lock() = None,
                Err(error) => {
                    self.dropped.fetch_add(1, Ordering::Relaxed);
                    why = error.to_string();
                    *self.failure.lock() = Some(why.clone());
                }
            }
            let dropped = self.dropped();
            // Under a flood the report waits for its end. Earlier it would be dropped, or be one of many.
            // Whether this was the last line counts now: others may have come while it was written.
            if dropped > reported && self.failure.lock().is_none() && self.is_empty() {
                let why = match why.as_str() {
                    "" => "its reader was too slow",
                    why => why,
                };
                if output
                    .line(report(dropped - reported, why).as_bytes())
                    .is_ok()
                {
                    reported = dropped;
                }
            }
            if dropped == reported {
                why.clear();
            }
            self.done();
        }
    }

    fn is_empty(&self) -> bool {
        self.waiting.lock().lines.is_empty()
    }

    /// Waits for the next line.
    fn next(&self) -> Vec<u8> {
        let mut waiting = self.waiting.lock();
        loop {
            if let Some(line) = waiting.lines.pop_front() {
                waiting.bytes -= line.len() + LINE_OVERHEAD;
                waiting.writing = true;
                return line;
            }
            self.filled.wait(&mut waiting);
        }
    }

    fn done(&self) {
        let mut waiting = self.waiting.lock();
        waiting.writing = false;
        if waiting.lines.is_empty() {
            self.drained.notify_all();
        }
    }
}

/// The output of the queue. If a full disk cut a line, its rest is written before the next line.
struct Output<'a> {
    to: &'a OwnedFd,
    rest: Vec<u8>,
}

impl Output<'_> {
    /// Writes the line. If only its beginning could be written, the rest is kept and the line counts as written.
    fn line(&mut self, line: &[u8]) -> io::Result<()> {
        let rest = std::mem::take(&mut self.rest);
        let (written, result) = self.write(&rest);
        if result.is_err() {
            self.rest = rest[written..].to_vec();
            return result;
        }
        let (written, result) = self.write(line);
        if written > 0 && result.is_err() {
            self.rest = line[written..].to_vec();
            return Ok(());
        }
        result
    }

    /// Writes as much as possible. Returns the number of bytes written, and why it is not more.
    fn write(&self, bytes: &[u8]) -> (usize, io::Result<()>) {
        let mut written = 0;
        while written < bytes.len() {
            match rustix::io::write(self.to, &bytes[written..]) {
                Ok(0) => return (written, Err(io::ErrorKind::WriteZero.into())),
                Ok(count) => written += count,
                Err(rustix::io::Errno::INTR) => {}
                // Another process that shares the descriptor made it non-blocking.
                Err(rustix::io::Errno::AGAIN) => {
                    let _ = poll(&mut [PollFd::new(self.to, PollFlags::OUT)], None);
                }
                Err(error) => return (written, Err(error.into())),
            }
        }
        (written, Ok(()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::Read;

    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    fn start(to: impl Into<OwnedFd>) -> Arc<LogQueue> {
        LogQueue::start(to.into(), |count, why| format!("{count} dropped: {why}\n")).unwrap()
    }

    #[test]
    fn lines_are_written_in_order() {
        let (mut read, write) = io::pipe().unwrap();
        let queue = start(write);
        for n in 0..3 {
            queue.push(format!("{n}\n").into_bytes());
        }
        queue.flush(LONG);
        let mut text = [0; 6];
        read.read_exact(&mut text).unwrap();
        assert_eq!((&text, queue.dropped()), (b"0\n1\n2\n", 0));
    }

    #[test]
    fn on_a_full_disk_lines_are_dropped_and_counted() {
        let queue = start(
            std::fs::File::options()
                .write(true)
                .open("/dev/full")
                .unwrap(),
        );
        queue.push(b"lost\n".to_vec());
        queue.flush(LONG);
        assert_eq!(queue.dropped(), 1);
        assert!(queue.failure().unwrap().contains("No space left"));
    }

    #[test]
    fn a_pipe_that_nobody_reads_delays_nobody_and_what_was_dropped_is_told_once() {
        let (mut read, write) = io::pipe().unwrap();
        let queue = start(write);
        let line = || {
            let mut line = vec![b'x'; 9_999];
            line.push(b'\n');
            line
        };
        for _ in 0..200 {
            queue.push(line());
        }
        let dropped = queue.dropped();
        assert!(dropped > 0);
        let before = Instant::now();
        queue.flush(Duration::from_millis(10));
        assert!(before.elapsed() < LONG);
        let reader = std::thread::spawn(move || {
            let mut text = Vec::new();
            let mut part = [0; 4096];
            while !text.ends_with(b"slow\n") {
                let count = read.read(&mut part).unwrap();
                text.extend_from_slice(&part[..count]);
            }
            text
        });
        let text = String::from_utf8(reader.join().unwrap()).unwrap();
        let last = format!("{dropped} dropped: its reader was too slow");
        assert_eq!(text.lines().last(), Some(&*last));
        assert_eq!(text.matches("dropped").count(), 1);
        assert_eq!(text.lines().count() as u64, 200 - dropped + 1);
    }

    #[test]
    fn a_reader_that_is_gone_costs_lines_alone() {
        let (read, write) = io::pipe().unwrap();
        drop(read);
        let queue = start(write);
        for _ in 0..3 {
            queue.push(b"lost\n".to_vec());
        }
        queue.flush(LONG);
        assert_eq!(queue.dropped(), 3);
    }
}

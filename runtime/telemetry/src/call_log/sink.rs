//! The sink of log lines. Lines are written whole: the rest of a cut line is kept until there is room.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use sandgate_audit::Stamped;

use super::remote::RemoteSinks;
use super::saved_chain::Link;
use super::written::{FileId, Written};

/// How long a reader of the log (a pipe, a terminal) may stall before records count as unwritten. Calls wait for it, so
/// it is short. While the reader stalls, later records fail at once.
pub(super) const STALL: Duration = Duration::from_millis(500);

/// The bytes that one write to a pipe that polls as writable takes without blocking (POSIX `PIPE_BUF` on Linux).
const CHUNK: usize = 4096;

/// A file, pipe or terminal that takes lines.
#[derive(Debug)]
pub(super) struct Sink {
    to: OwnedFd,
    file: Option<FileId>,
    /// Whether writing may block: on a pipe, a socket or a terminal.
    may_stall: bool,
    /// The rest of a line whose beginning is written.
    rest: Vec<u8>,
    /// Whether the last record could not be written.
    failing: bool,
    /// The chain that its lines are part of. `None`: they are part of none.
    link: Option<Arc<Link>>,
    /// Whether lines go elsewhere by now.
    pub(super) retired: bool,
    /// The size of the file in bytes. Of anything else, what was written to it.
    size: u64,
    /// When the file's first record was written. `None`: it has none, or nobody asks.
    begun: Option<SystemTime>,
    /// Whether the file has more than records of the chain's own.
    has_records: bool,
    /// When it last failed to move the file away.
    pub(super) rotation_failed: Option<Instant>,
    /// When it last failed to go on in the file with the log's name.
    pub(super) follow_failed: Option<Instant>,
    /// Where its lines are sent as well.
    remote: Arc<RemoteSinks>,
    /// Whether the last line found no room to wait for all of these.
    pub(super) unsent: bool,
}

impl Sink {
    pub(super) fn new(to: OwnedFd) -> Self {
        let stat = rustix::fs::fstat(&to).ok();
        let regular =
            stat.filter(|stat| rustix::fs::FileType::from_raw_mode(stat.st_mode).is_file());
        let size = regular.map_or(0, |stat| u64::try_from(stat.st_size).unwrap_or(0));
        let regular = regular.is_some();
        let own = (!regular).then(|| without_blocking(&to)).flatten();
        Self {
            to: own.unwrap_or(to),
            file: stat.map(|stat| (stat.st_dev, stat.st_ino)),
            may_stall: !regular,
            rest: Vec::new(),
            failing: false,
            link: None,
            retired: false,
            size,
            begun: None,
            has_records: size > 0,
            rotation_failed: None,
            follow_failed: None,
            remote: Arc::default(),
            unsent: false,
        }
    }

    /// Sends its lines there as well.
    pub(super) fn sending(self, remote: Arc<RemoteSinks>) -> Self {
        Self { remote, ..self }
    }

    /// Sets when the file's first record was written. `None`: it has none, and is to know.
    pub(super) fn beginning(self, begun: Option<SystemTime>) -> Self {
        // A file whose first record says nothing counts as begun now.
        let begun = begun.or_else(|| (self.size > 0).then(SystemTime::now));
        Self { begun, ..self }
    }

    /// When the file's first record was written. `None`: it has none.
    pub(super) fn begun(&self) -> Option<SystemTime> {
        self.begun
    }

    /// Whether the file has more than records of the chain's own.
    pub(super) fn has_records(&self) -> bool {
        self.has_records
    }

    /// The size of the file in bytes.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Which file it writes to.
    pub(super) fn file(&self) -> Option<FileId> {
        self.file
    }

    /// The file has this size, whoever has written to it.
    pub(super) fn grown_to(&mut self, size: u64) {
        self.size = size;
        if size > 0 {
            self.has_records = true;
            self.begun.get_or_insert_with(SystemTime::now);
        }
    }

    /// Makes its lines part of a chain.
    pub(super) fn chained(self, link: Link) -> Self {
        Self {
            link: Some(Arc::new(link)),
            ..self
        }
    }

    /// Another handle on what it writes to.
    pub(super) fn handle(&self) -> io::Result<OwnedFd> {
        self.to.try_clone()
    }

    /// The chain that its lines are part of.
    pub(super) fn link(&self) -> Option<&Link> {
        self.link.as_deref()
    }

    /// Writes the whole line, or fails. If only a part was written, the rest follows before the next line.
    pub(super) fn line(&mut self, line: &[u8]) -> io::Result<()> {
        // One caller waits for a stalled reader; later ones fail at once.
        let patience = if self.failing { Duration::ZERO } else { STALL };
        let result = self.flush_rest(patience).and_then(|()| match line {
            b"" => Ok(()),
            line => self.put_line(line, patience),
        });
        match (&result, self.failing) {
            (Err(error), false) => tracing::error!(%error, "the call log cannot be written"),
            (Ok(()), true) => tracing::info!("the call log can be written again"),
            _ => {}
        }
        self.failing = result.is_err();
        result
    }

    pub(super) fn flush_rest(&mut self, patience: Duration) -> io::Result<()> {
        let rest = std::mem::take(&mut self.rest);
        let (written, result) = self.push(&rest, patience);
        self.rest = rest[written..].to_vec();
        result
    }

    /// Writes a line that the chain itself makes of what was written so far. `None`: this is no part of a chain.
    pub(super) fn own_line<T>(
        &mut self,
        make: impl FnOnce(&Written) -> (Stamped, T),
    ) -> io::Result<Option<T>> {
        let Some(link) = self.link.clone() else {
            return Ok(None);
        };
        self.flush_rest(STALL)?;
        let mut written = link.auditor.written();
        self.open_chain(&mut written, &link, STALL)?;
        let (stamped, made) = make(&written);
        self.put_stamped(&mut written, &stamped, STALL)?;
        Ok(Some(made))
    }

    fn put_line(&mut self, line: &[u8], patience: Duration) -> io::Result<()> {
        self.unsent = false;
        self.has_records = true;
        let Some(link) = self.link.clone() else {
            self.put(line, patience)?;
            self.unsent = !self.remote.put(line);
            return Ok(());
        };
        // Held while the line is written, so that lines stand in the file in the chain's order.
        let mut written = link.auditor.written();
        self.open_chain(&mut written, &link, patience)?;
        let stamped = written.chain.stamp(line);
        self.put_stamped(&mut written, &stamped, patience)
    }

    /// Begins the chain in its file, if it has none of its lines yet.
    pub(super) fn begin_chain(&mut self) -> io::Result<()> {
        let Some(link) = self.link.clone() else {
            return Ok(());
        };
        self.flush_rest(STALL)?;
        let mut written = link.auditor.written();
        self.open_chain(&mut written, &link, STALL)
    }

    /// Begins a file in which the chain goes on with the record that says so.
    fn open_chain(
        &mut self,
        written: &mut Written,
        link: &Link,
        patience: Duration,
    ) -> io::Result<()> {
        match written.opening(link) {
            None => Ok(()),
            Some(opened) => {
                // So that it is known which file has the lines, should it be moved while no gateway runs.
                if let Err(error) = link.save(written) {
                    tracing::error!(
                        "the end of the call log's chain cannot be kept beside it: {error}"
                    );
                }
                self.put_stamped(written, &opened, patience)
            }
        }
    }

    fn put_stamped(
        &mut self,
        written: &mut Written,
        stamped: &Stamped,
        patience: Duration,
    ) -> io::Result<()> {
        let result = self.put(&stamped.text, patience);
        // A line whose beginning is written is part of the chain: its rest follows before the next line.
        if result.is_ok() || !self.rest.is_empty() {
            written.add(stamped, self.link());
            self.unsent |= !self.remote.put(&stamped.text);
        }
        result
    }

    fn put(&mut self, line: &[u8], patience: Duration) -> io::Result<()> {
        let (written, result) = self.push(line, patience);
        if written > 0 && result.is_err() {
            self.rest = line[written..].to_vec();
        }
        result
    }

    fn push(&mut self, bytes: &[u8], patience: Duration) -> (usize, io::Result<()>) {
        let (written, result) = self.write(bytes, patience);
        self.size += written as u64;
        if written > 0 && self.begun.is_none() {
            self.begun = Some(SystemTime::now());
        }
        (written, result)
    }

    fn write(&self, bytes: &[u8], patience: Duration) -> (usize, io::Result<()>) {
        let mut written = 0;
        let until = Instant::now() + patience;
        while written < bytes.len() {
            let mut end = bytes.len();
            if self.may_stall {
                end = end.min(written + CHUNK);
                if let Err(error) = self.wait(until) {
                    return (written, Err(error));
                }
            }
            match rustix::io::write(&self.to, &bytes[written..end]) {
                Ok(0) => return (written, Err(io::ErrorKind::WriteZero.into())),
                Ok(count) => written += count,
                Err(rustix::io::Errno::INTR) => {}
                // Another writer filled the pipe in between.
                Err(rustix::io::Errno::AGAIN) if Instant::now() < until => {}
                Err(rustix::io::Errno::AGAIN) => return (written, Err(stalled())),
                Err(error) => return (written, Err(error.into())),
            }
        }
        (written, Ok(()))
    }

    fn wait(&self, until: Instant) -> io::Result<()> {
        loop {
            let left = Timespec::try_from(until.saturating_duration_since(Instant::now()))
                .unwrap_or_default();
            match poll(&mut [PollFd::new(&self.to, PollFlags::OUT)], Some(&left)) {
                Ok(0) => {
                    return Err(stalled());
                }
                Ok(_) => return Ok(()),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Reopens the pipe or terminal in non-blocking mode. Other writers can fill it after it was found to have room, and
/// they share the mode of the original descriptor, so that one is left alone. `None` if it cannot be reopened, as with
/// a socket.
fn without_blocking(fd: &OwnedFd) -> Option<OwnedFd> {
    use rustix::fs::{Mode, OFlags, open};
    let path = format!("/proc/self/fd/{}", fd.as_raw_fd());
    let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    open(path, flags, Mode::empty()).ok()
}

fn stalled() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "its reader takes nothing")
}

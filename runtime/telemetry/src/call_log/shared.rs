//! A file that several gateways write. Without a chain that is allowed: each looks before a line whether the file still has the
//! log's name, and one at a time moves it away.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};

use super::keeper::AGAIN;
use super::open_error::OpenError;
use super::sink::Sink;
use super::target::Reopen;

/// How long it waits for another gateway that moves the file. That one renames a file and opens another one.
const PATIENCE: Duration = Duration::from_millis(50);

/// Held by the gateway that moves a file away.
pub(super) struct Moving(OwnedFd);

impl Moving {
    /// Waits until no other gateway moves the sink's file.
    pub(super) fn hold(sink: &Sink) -> io::Result<Self> {
        let file = sink.handle()?;
        match locked(&file, FlockOperation::NonBlockingLockExclusive)? {
            true => Ok(Self(file)),
            false => Err(io::Error::other("another program has a lock on it")),
        }
    }
}

impl Drop for Moving {
    fn drop(&mut self) {
        let _ = flock(&self.0, FlockOperation::Unlock);
    }
}

/// Refuses a file that belongs to the chain of another gateway, which has a lock on it as long as it runs.
pub(super) fn refuse_chained(sink: &Sink, path: &Path) -> Result<(), OpenError> {
    let Ok(file) = sink.handle() else {
        return Ok(());
    };
    match locked(&file, FlockOperation::NonBlockingLockShared) {
        Ok(true) => drop(Moving(file)),
        Ok(false) => return Err(OpenError::Locked(path.to_owned())),
        // A file system without locks.
        Err(_) => {}
    }
    Ok(())
}

/// Locks the file. False: another one has it for longer than moving a file takes.
fn locked(file: &OwnedFd, how: FlockOperation) -> io::Result<bool> {
    let until = Instant::now() + PATIENCE;
    loop {
        match flock(file, how) {
            Ok(()) => return Ok(true),
            Err(rustix::io::Errno::WOULDBLOCK) if Instant::now() < until => {
                std::thread::sleep(Duration::from_millis(1));
            }
            Err(rustix::io::Errno::WOULDBLOCK) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
    }
}

impl Reopen {
    /// Goes on in the file with the log's name, where another gateway has moved away the one that the sink writes to. Where that
    /// cannot be opened, the log goes on in the file that it has.
    pub(super) fn follow(&self, sink: &mut Sink) {
        if !self.rotation.moves() || sink.link().is_some() {
            return;
        }
        match std::fs::metadata(self.files.path(&self.path)) {
            Ok(stat) if Some((stat.dev(), stat.ino())) == sink.file() => {
                if stat.is_file() {
                    sink.grown_to(stat.len());
                }
                return;
            }
            _ if sink.follow_failed.is_some_and(|at| at.elapsed() < AGAIN) => return,
            _ => {}
        }
        match self.open() {
            Ok(fresh) => {
                // The rest of a line belongs to the file that has its beginning.
                let _ = sink.flush_rest(Duration::ZERO);
                *sink = fresh;
            }
            Err(error) => {
                sink.follow_failed = Some(Instant::now());
                tracing::error!("the call log goes on in a file that was moved: {error}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::PathBuf;

    use sandgate_config::{Destination, Files};

    use super::super::tests::{end, log_files, open_chained};
    use super::super::{CallLogParts, CallLogTarget, CallLogWriter, Rotation};
    use super::*;

    /// One of several gateways that write the log of this folder.
    fn gateway(folder: &Path, bounds: &str) -> CallLogWriter {
        let text = format!(
            "[servers.a]\nurl = \"http://127.0.0.1:9/mcp\"\n[call-log]\nto = \"log\"\n{bounds}\n"
        );
        let loaded = sandgate_config::Loaded::parse(Path::new("sandgate.toml"), text);
        let parts = CallLogParts {
            rotation: Rotation::of(&loaded.unwrap().config.call_log),
            ..CallLogParts::default()
        };
        let to = Destination::File("log".into());
        let target = CallLogTarget::open(&to, &Files::in_folder(folder), parts);
        CallLogWriter::to(target.unwrap())
    }

    fn records(files: &[PathBuf]) -> usize {
        let texts = files
            .iter()
            .map(|file| std::fs::read_to_string(file).unwrap());
        texts.map(|text| text.lines().count()).sum()
    }

    #[test]
    fn two_gateways_move_one_log_without_losing_a_record_or_moving_a_file_that_has_room() {
        let folder = tempfile::tempdir().unwrap();
        let bounds = "max-size = \"64KiB\"";
        let both = [(); 2].map(|()| gateway(folder.path(), bounds));
        std::thread::scope(|scope| {
            for one in &both {
                for _ in 0..2 {
                    scope.spawn(|| (0..500).for_each(|_| end(one).unwrap()));
                }
            }
        });
        let files = log_files(folder.path());
        assert_eq!(records(&files), 2000);
        let sizes: Vec<_> = files
            .iter()
            .map(|file| file.metadata().unwrap().len())
            .collect();
        assert!(sizes.len() > 5, "{sizes:?}");
        let bounds = (64 << 10) - 1024..(64 << 10) + 4096;
        let (_, moved) = sizes.split_last().unwrap();
        assert!(moved.iter().all(|size| bounds.contains(size)), "{sizes:?}");
    }

    #[test]
    fn a_gateway_writes_to_no_file_that_another_one_has_moved_away_and_may_remove() {
        let folder = tempfile::tempdir().unwrap();
        let bounds = "max-size = \"64KiB\"\nmax-files = 1";
        let (busy, idle) = (
            gateway(folder.path(), bounds),
            gateway(folder.path(), bounds),
        );
        end(&idle).unwrap();
        for _ in 0..600 {
            end(&busy).unwrap();
        }
        busy.retain().unwrap();
        idle.retain().unwrap();
        assert_eq!(log_files(folder.path()).len(), 2);
        let log = folder.path().join("log");
        let before = std::fs::read_to_string(&log).unwrap().lines().count();
        end(&idle).unwrap();
        let after = std::fs::read_to_string(&log).unwrap().lines().count();
        assert_eq!(after, before + 1);
        // Also where it has nothing to write: a file that is removed does not take room on the disk for ever.
        for _ in 0..300 {
            end(&busy).unwrap();
        }
        idle.rotate_by_age();
        let target = idle.target.load();
        let file = target.sink.as_ref().unwrap().lock().file();
        let stat = std::fs::metadata(&log).unwrap();
        assert_eq!(file, Some((stat.dev(), stat.ino())));
    }

    #[test]
    fn a_file_that_another_program_locks_grows_and_is_moved_away_once_it_is_free() {
        let folder = tempfile::tempdir().unwrap();
        let one = gateway(folder.path(), "max-size = \"64KiB\"");
        let log = folder.path().join("log");
        let reader = std::fs::File::open(&log).unwrap();
        flock(&reader, FlockOperation::LockExclusive).unwrap();
        for _ in 0..300 {
            end(&one).unwrap();
        }
        assert_eq!(log_files(folder.path()).len(), 1);
        assert!(log.metadata().unwrap().len() > 64 << 10);
        // Who cannot move it still goes on where another one has moved it.
        let moved = folder.path().join("elsewhere");
        std::fs::rename(&log, &moved).unwrap();
        let size = moved.metadata().unwrap().len();
        end(&one).unwrap();
        assert_eq!(moved.metadata().unwrap().len(), size);
        std::fs::rename(&moved, &log).unwrap();
        end(&one).unwrap();
        drop(reader);
        let target = one.target.load();
        target.sink.as_ref().unwrap().lock().rotation_failed = None;
        end(&one).unwrap();
        assert_eq!(log_files(folder.path()).len(), 2);
    }

    #[test]
    fn a_gateway_without_a_chain_refuses_the_log_of_one_that_has_one() {
        let folder = tempfile::tempdir().unwrap();
        let chained = open_chained(folder.path(), "");
        end(&chained.0).unwrap();
        let to = Destination::File("log".into());
        let files = Files::in_folder(folder.path());
        let open = || CallLogTarget::open(&to, &files, CallLogParts::default());
        assert!(matches!(open(), Err(OpenError::Locked(_))));
        drop(chained);
        assert!(open().is_ok());
    }
}

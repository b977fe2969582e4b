//! Keeps the log's file within its bounds: it is moved away, and another one begins.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use parking_lot::MutexGuard;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use tokio_util::sync::CancellationToken;

use super::moved_file::suffix;
use super::shared::Moving;
use super::sink::{STALL, Sink};
use super::target::Reopen;
use super::{CallLogTarget, CallLogWriter};

/// How often it is looked whether a file is too old.
const LOOK: Duration = Duration::from_secs(1);
/// How often files that were moved away are looked through, where none was moved meanwhile.
const RETAIN: Duration = Duration::from_secs(60);
/// How long it waits after it could not move the file.
pub(super) const AGAIN: Duration = Duration::from_secs(10);

impl CallLogWriter {
    /// Moves the log's file away once it is too old, and removes files that are not to be kept any longer, until `end`.
    pub async fn keep_bounds(self: Arc<Self>, end: CancellationToken) {
        let mut retained: Option<Instant> = None;
        loop {
            let moved = self.moved.swap(false, Ordering::Relaxed);
            let look = moved || retained.is_none_or(|at| at.elapsed() >= RETAIN);
            let writer = self.clone();
            let bound = tokio::task::spawn_blocking(move || {
                writer.rotate_by_age();
                if let Err(error) = writer.sync_moved() {
                    tracing::error!("a moved file of the call log may not be on disk: {error}");
                }
                look.then(|| writer.retain())
            });
            if let Ok(Some(kept)) = bound.await {
                retained = Some(Instant::now());
                if let Err(error) = kept {
                    tracing::error!("old files of the call log cannot be removed: {error}");
                }
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = end.cancelled() => return,
            }
        }
    }

    pub(super) fn rotate_by_age(&self) {
        let target = self.target.load();
        let (Some(sink), Some(reopen)) = (&target.sink, &target.reopen) else {
            return;
        };
        let mut sink = sink.lock();
        if sink.retired {
            return;
        }
        reopen.follow(&mut sink);
        if sink.has_records() && reopen.rotation.is_old(sink.begun()) {
            self.rotate(&mut sink, &target);
        }
    }

    /// Moves the log's file away and begins another one. Where that fails, the log goes on in the file that it has.
    pub(super) fn rotate(&self, sink: &mut MutexGuard<'_, Sink>, target: &CallLogTarget) {
        let Some(reopen) = &target.reopen else {
            return;
        };
        if sink.rotation_failed.is_some_and(|at| at.elapsed() < AGAIN) {
            return;
        }
        match self.moved_away(sink, reopen) {
            Ok(fresh) => {
                let before = std::mem::replace(&mut **sink, fresh);
                self.sync_later(&before);
                self.moved.store(true, Ordering::Relaxed);
            }
            Err(error) => {
                sink.rotation_failed = Some(Instant::now());
                tracing::error!(
                    "the call log cannot be moved away, and goes on in its file: {error}"
                );
            }
        }
    }

    fn moved_away(&self, sink: &mut Sink, reopen: &Reopen) -> Result<Sink, String> {
        let told = |error: io::Error| error.to_string();
        // The rest of a line belongs to the file that has its beginning.
        sink.flush_rest(STALL).map_err(told)?;
        if let Some(auditor) = self.auditor()
            && sink.link().is_some()
        {
            // So that a file that is removed one day is signed whole, and the chain beside the log knows its end.
            auditor.checkpoint(sink).map_err(told)?;
        }
        // With a chain no other gateway has the file.
        let _moving = match sink.link() {
            Some(_) => None,
            None => Some(Moving::hold(sink).map_err(told)?),
        };
        let path = reopen.files.path(&reopen.path);
        match fs::symlink_metadata(&path) {
            // Somebody else moved it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(told(error)),
            Ok(stat) if !stat.is_file() => {
                return Err(format!("{} is no file itself", path.display()));
            }
            Ok(stat) if Some((stat.dev(), stat.ino())) == sink.file() => {
                let mut to = path.clone().into_os_string();
                to.push(suffix());
                let to = PathBuf::from(to);
                // Remembered before, so that no file is moved of which nobody knows.
                self.remember(sink, &to).map_err(told)?;
                // Nothing that lies there is replaced.
                renameat_with(CWD, &path, CWD, &to, RenameFlags::NOREPLACE)
                    .map_err(|error| told(error.into()))?;
            }
            Ok(_) => {}
        }
        reopen.open().map_err(|error| error.to_string())
    }

    /// Keeps with the chain that the sink's file gets this path.
    fn remember(&self, sink: &Sink, to: &Path) -> io::Result<()> {
        let (Some(auditor), Some(link)) = (self.auditor(), sink.link()) else {
            return Ok(());
        };
        let name = to.file_name().unwrap_or_default().to_string_lossy();
        let mut written = auditor.written();
        match written.move_away(name.into_owned()) {
            true => link.save(&written),
            false => Ok(()),
        }
    }
}

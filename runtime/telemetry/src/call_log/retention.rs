//! Files that were moved away are removed by number and age, and a chained log says so.

use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;
use sandgate_audit::Removed;

use super::CallLogWriter;
use super::audit::Auditor;
use super::moved_file::{Moved, folder_of, is_there, moved_files, remove};
use super::rotation::Rotation;
use super::sink::Sink;
use super::written::{MovedFile, now};

impl CallLogWriter {
    /// Removes the oldest files that are not to be kept.
    pub(super) fn retain(&self) -> io::Result<()> {
        let target = self.target.load();
        let (Some(sink), Some(reopen)) = (&target.sink, &target.reopen) else {
            return Ok(());
        };
        if !reopen.rotation.removes() {
            return Ok(());
        }
        let path = reopen.files.path(&reopen.path);
        let folder = folder_of(&path);
        if let Some(auditor) = self.auditor() {
            return self.retain_chained(auditor, sink, &reopen.rotation, folder);
        }
        let files = moved_files(&path)?;
        let due = reopen
            .rotation
            .oldest_due(files.iter().map(|file| file.last_write));
        for (Moved { name, .. }, why) in files.iter().zip(due) {
            remove(folder, name, why);
        }
        Ok(())
    }

    /// Removes the oldest files that are not to be kept of those that the signed chain names. A record says so of each, and
    /// a checkpoint vouches for that record before the first file is removed.
    fn retain_chained(
        &self,
        auditor: &Auditor,
        sink: &Mutex<Sink>,
        rotation: &Rotation,
        folder: &Path,
    ) -> io::Result<()> {
        let due = |files: &[MovedFile]| {
            let times = files.iter();
            rotation.oldest_due(
                times.map(|it| SystemTime::UNIX_EPOCH + Duration::from_millis(it.moved_at)),
            )
        };
        let there = |files: &[MovedFile]| -> Vec<MovedFile> {
            let files = files.iter().filter(|it| is_there(folder, it));
            files.cloned().collect()
        };
        let known = auditor.written().moved.clone();
        if due(&there(&known)).is_empty() {
            return Ok(());
        }
        let mut locked = sink.lock();
        if locked.retired || locked.link().is_none() {
            return Ok(());
        }
        // Looked through once more, now that none is moved away meanwhile.
        let mut files = there(&auditor.written().moved);
        let due = due(&files);
        let recorded = record(&mut locked, &mut files, &due);
        // Also where that failed in between: what is recorded is not recorded again.
        auditor.written().moved.clone_from(&files);
        recorded?;
        if let Some(signed) = auditor.checkpoint(&mut locked)? {
            rustix::fs::fdatasync(&signed.file)?;
        }
        drop(locked);
        let removed: Vec<_> = files
            .iter()
            .zip(due)
            .filter(|(file, why)| is_there(folder, file) && remove(folder, &file.name, why))
            .map(|(file, _)| file.file)
            .collect();
        let locked = sink.lock();
        let mut written = auditor.written();
        written.moved.retain(|it| !removed.contains(&it.file));
        match locked.link().filter(|_| !locked.retired) {
            Some(link) => link.save(&written),
            // The next checkpoint keeps it.
            None => Ok(()),
        }
    }
}

/// Says of each file that is due that it is removed, where no record has said so.
fn record(sink: &mut Sink, files: &mut [MovedFile], due: &[&str]) -> io::Result<()> {
    for (file, why) in files.iter_mut().zip(due).filter(|(it, _)| !it.recorded) {
        let removed = Removed {
            time: now(),
            file: file.name.clone(),
            from: file.from,
            to: file.to,
            why: (*why).to_owned(),
        };
        sink.own_line(|written| (written.chain.removed(&removed), ()))?;
        file.recorded = true;
    }
    Ok(())
}

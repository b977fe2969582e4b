//! The log's file is moved away by size and age, and files that were moved away are removed by number and age.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use parking_lot::{Mutex, MutexGuard};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use sandgate_audit::Removed;
use sandgate_config::CallLog;
use tokio_util::sync::CancellationToken;

use super::audit::{Auditor, MovedFile, now};
use super::shared::Moving;
use super::sink::{STALL, Sink};
use super::{CallLogTarget, CallLogWriter, Reopen};

/// How often it is looked whether a file is too old.
const LOOK: Duration = Duration::from_secs(1);
/// How often files that were moved away are looked through, where none was moved meanwhile.
const RETAIN: Duration = Duration::from_secs(60);
/// How long it waits after it could not move the file.
pub(super) const AGAIN: Duration = Duration::from_secs(10);
/// The most files that are removed at once.
const AT_ONCE: usize = 1000;
/// How a file's name goes on that was moved away: `.20260301T094100.123456Z`. `0` is any digit.
const FORM: &[u8] = b".00000000T000000.000000Z";

/// When the log's file is moved away, and when such files are removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rotation {
    max_size: Option<u64>,
    max_age: Option<Duration>,
    max_files: Option<usize>,
    keep: Option<Duration>,
}

/// A file that was moved away.
struct Moved {
    name: String,
    last_write: SystemTime,
}

impl Rotation {
    /// What the configuration asks for.
    pub fn of(config: &CallLog) -> Self {
        let max_files = config.max_files.map(|count| count.get() as usize);
        Self {
            max_size: config.max_size.map(|size| size.0),
            max_age: config.max_age.map(|age| age.0),
            max_files,
            keep: config.keep.map(|keep| keep.0),
        }
    }

    /// Whether a file of `size` bytes has no room for a line of `more`.
    pub(super) fn is_full(&self, size: u64, more: usize) -> bool {
        self.max_size.is_some_and(|max| size + more as u64 > max)
    }

    fn is_old(&self, begun: Option<SystemTime>) -> bool {
        let age = begun.and_then(|begun| SystemTime::now().duration_since(begun).ok());
        self.max_age.zip(age).is_some_and(|(max, age)| age >= max)
    }

    fn removes(&self) -> bool {
        self.max_files.is_some() || self.keep.is_some()
    }

    /// Whether the gateway moves the file away.
    pub(super) fn moves(&self) -> bool {
        self.max_size.is_some() || self.max_age.is_some()
    }

    /// Whether ages count, so that it has to be known when a file began.
    pub(super) fn has_ages(&self) -> bool {
        self.max_age.is_some()
    }

    /// Why the oldest of `count` files is removed. `None`: it is kept.
    fn due(&self, count: usize, last_write: SystemTime) -> Option<&'static str> {
        if self.max_files.is_some_and(|most| count > most) {
            return Some("max-files");
        }
        let age = SystemTime::now().duration_since(last_write).ok();
        let old = self.keep.zip(age).is_some_and(|(keep, age)| age > keep);
        old.then_some("keep")
    }
}

impl Rotation {
    /// How many of these files, of which the oldest comes first, are not to be kept, and why each.
    fn oldest_due(&self, times: impl ExactSizeIterator<Item = SystemTime>) -> Vec<&'static str> {
        let all = times.len();
        let due = times
            .enumerate()
            .map_while(|(index, time)| self.due(all - index, time));
        due.take(AT_ONCE).collect()
    }
}

impl CallLogWriter {
    /// Moves the log's file away once it is too old, and removes files that are not to be kept any longer, until `end`.
    pub async fn keep_bounds(self: Arc<Self>, end: CancellationToken) {
        let mut retained: Option<Instant> = None;
        loop {
            let moved = self.moved.swap(false, std::sync::atomic::Ordering::Relaxed);
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
                self.moved.store(true, std::sync::atomic::Ordering::Relaxed);
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

/// Whether the file is where the gateway moved it, and is still the same one.
fn is_there(folder: &Path, moved: &MovedFile) -> bool {
    let stat = fs::symlink_metadata(folder.join(&moved.name));
    stat.is_ok_and(|stat| stat.is_file() && (stat.dev(), stat.ino()) == moved.file)
}

/// Removes a file. Where that fails, the others are removed all the same.
fn remove(folder: &Path, name: &str, why: &str) -> bool {
    let removed = fs::remove_file(folder.join(name));
    match &removed {
        Ok(()) => tracing::info!(why, "the call log's file {name} is removed"),
        // Another gateway that writes this log was faster.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return true,
        Err(error) => {
            tracing::error!("the call log's file {name} cannot be removed: {error}");
        }
    }
    removed.is_ok()
}

fn folder_of(log: &Path) -> &Path {
    match log.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// The files that the gateway has moved away from this path, as their names say, the oldest first. Files that others moved
/// or packed are none of them.
fn moved_files(log: &Path) -> io::Result<Vec<Moved>> {
    let own = log.file_name().unwrap_or_default().as_encoded_bytes();
    let mut files = Vec::new();
    for entry in fs::read_dir(folder_of(log))? {
        let entry = entry?;
        let name = entry.file_name();
        let of_log = name
            .as_encoded_bytes()
            .strip_prefix(own)
            .is_some_and(is_suffix);
        // A link's own metadata: what it leads to is none of the log's.
        let Ok(stat) = entry.metadata() else { continue };
        if !of_log || !stat.is_file() {
            continue;
        }
        files.push(Moved {
            last_write: stat.modified()?,
            name: name.to_string_lossy().into_owned(),
        });
    }
    files.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(files)
}

/// How the name of a file goes on that is moved away now.
fn suffix() -> String {
    let time = humantime::format_rfc3339_micros(SystemTime::now()).to_string();
    format!(".{}", time.replace(['-', ':'], ""))
}

fn is_suffix(bytes: &[u8]) -> bool {
    let fits = |(byte, form): (&u8, &u8)| match form {
        b'0' => byte.is_ascii_digit(),
        form => byte == form,
    };
    bytes.len() == FORM.len() && bytes.iter().zip(FORM).all(fits)
}

/// When the first record of a log's file was written. `None`: it has none that says so.
pub(super) fn begun(file: impl io::Read) -> Option<SystemTime> {
    /// The most bytes of a record that are read for its time.
    const MOST: u64 = 1 << 10;
    let mut line = Vec::new();
    let mut beginning = BufReader::new(file).take(MOST);
    beginning.read_until(b'\n', &mut line).ok()?;
    let text = String::from_utf8_lossy(&line);
    let time = text.split_once("\"time\":\"")?.1.split('"').next()?;
    humantime::parse_rfc3339(time).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_gateways_own_names_alone_are_its_files() {
        assert!(is_suffix(suffix().as_bytes()), "{}", suffix());
        for other in [
            "",
            ".1",
            ".chain",
            ".20260301T094100.123456Z.gz",
            "-20260301",
        ] {
            assert!(!is_suffix(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn the_oldest_is_removed_for_its_age_or_for_too_many() {
        let rotation = Rotation {
            max_files: Some(2),
            keep: Some(Duration::from_secs(60)),
            ..Rotation::default()
        };
        let now = SystemTime::now();
        assert_eq!(rotation.due(3, now), Some("max-files"));
        assert_eq!(rotation.due(2, now), None);
        let old = now - Duration::from_secs(61);
        assert_eq!(rotation.due(1, old), Some("keep"));
        assert_eq!(Rotation::default().due(99, old), None);
    }

    #[test]
    fn the_first_record_says_when_a_file_began() {
        let chained = format!(
            "{{\"seq\":0,\"prev\":\"{}\",\"record\":\"opened\",\"time\":\"2026-03-01T09:41:00Z\"}}\n",
            "0".repeat(64)
        );
        let expected = humantime::parse_rfc3339("2026-03-01T09:41:00Z").ok();
        assert_eq!(begun(chained.as_bytes()), expected);
        assert_eq!(begun(&b"{\"time\":\"yesterday\"}\n"[..]), None);
        assert_eq!(begun(&b""[..]), None);
    }
}

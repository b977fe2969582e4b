//! When the log's file is moved away, by size and age, and when such files are removed, by number and age.

use std::io::{self, BufRead as _, BufReader, Read as _};
use std::time::{Duration, SystemTime};

use sandgate_config::CallLog;

/// The most files that are removed at once.
const AT_ONCE: usize = 1000;

/// When the log's file is moved away, and when such files are removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rotation {
    max_size: Option<u64>,
    max_age: Option<Duration>,
    max_files: Option<usize>,
    keep: Option<Duration>,
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

    pub(super) fn is_old(&self, begun: Option<SystemTime>) -> bool {
        let age = begun.and_then(|begun| SystemTime::now().duration_since(begun).ok());
        self.max_age.zip(age).is_some_and(|(max, age)| age >= max)
    }

    pub(super) fn removes(&self) -> bool {
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

    /// How many of these files, of which the oldest comes first, are not to be kept, and why each.
    pub(super) fn oldest_due(
        &self,
        times: impl ExactSizeIterator<Item = SystemTime>,
    ) -> Vec<&'static str> {
        let all = times.len();
        let due = times
            .enumerate()
            .map_while(|(index, time)| self.due(all - index, time));
        due.take(AT_ONCE).collect()
    }
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

//! Searches a call's lines in the call log's file and its rotated files. Lines that are torn, or are not records, are
//! skipped.

use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::record::Kind;

/// The longest line in bytes. Longer lines are skipped.
const MAX_LINE: usize = 64 << 20;
/// The most rotated files that are searched, newest first.
const MAX_FILES: usize = 64;
/// The most ids named in [`SearchError::Ambiguous`].
const NAMED: usize = 5;

/// Why a file cannot be searched.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// The operating system reports an error.
    #[error("{} cannot be read: {source}", .path.display())]
    Io {
        /// The file's path.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// Several ids have the given beginning.
    #[error("{given:?} begins several ids: {}; give more of it", .ids.join(", "))]
    Ambiguous {
        /// The beginning of the id that was asked for.
        given: String,
        /// The last of the ids that have this beginning.
        ids: Vec<String>,
    },
}

/// The members that identify a line.
#[derive(Deserialize)]
struct Head {
    record: Kind,
    id: String,
}

/// The records of the call whose id has this beginning, oldest first. With `None`, those of the last call that ended.
/// With `rotated`, files beside `file` whose names begin with its name are searched too.
///
/// # Errors
///
/// A file cannot be read, or several ids have this beginning.
pub fn search(
    file: &Path,
    call: Option<&str>,
    rotated: bool,
) -> Result<Vec<Box<RawValue>>, SearchError> {
    let files = files(file, rotated);
    let wanted = match call {
        Some(call) => call.to_owned(),
        None => {
            let mut last = None;
            for file in &files {
                each(file, b"\"ended\"", |head, _| {
                    if head.record == Kind::Ended {
                        last = Some(head.id);
                    }
                })?;
                if last.is_some() {
                    break;
                }
            }
            match last {
                Some(last) => last,
                None => return Ok(Vec::new()),
            }
        }
    };
    let mut found: Vec<(String, Kind, Box<RawValue>)> = Vec::new();
    for file in &files {
        each(file, wanted.as_bytes(), |head, line| {
            if head.id.starts_with(&wanted)
                && let Ok(record) = RawValue::from_string(line.to_owned())
            {
                found.push((head.id, head.record, record));
            }
        })?;
        // A call that has ended has no further lines, but its first line may be in an older file.
        if found.len() > 1 {
            break;
        }
    }
    let mut ids: Vec<&String> = found.iter().map(|(id, ..)| id).collect();
    ids.sort();
    ids.dedup();
    if ids.len() > 1 {
        return Err(SearchError::Ambiguous {
            given: wanted,
            ids: ids.into_iter().rev().take(NAMED).cloned().collect(),
        });
    }
    found.sort_by_key(|(_, kind, _)| *kind == Kind::Ended);
    Ok(found.into_iter().map(|(.., record)| record).collect())
}

/// The file, and with `rotated` those beside it whose names begin with its name, newest first.
pub fn files(file: &Path, rotated: bool) -> Vec<PathBuf> {
    let mut files = vec![file.to_owned()];
    if rotated {
        files.extend(siblings(file));
    }
    files
}

/// The files that logrotate and similar tools leave: `NAME.1`, `NAME-20261122`; newest first. Compressed files are not
/// read.
fn siblings(file: &Path) -> Vec<PathBuf> {
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let Some(name) = file.file_name().and_then(|name| name.to_str()) else {
        return Vec::new();
    };
    let rotated = |other: &str| {
        let suffix = other.strip_prefix(name).unwrap_or_default();
        suffix.starts_with(['.', '-']) && !suffix.ends_with("gz") && !suffix.ends_with("zst")
    };
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.file_name().to_str().is_some_and(rotated))
        .filter_map(|entry| Some((entry.metadata().ok()?, entry.path())))
        .filter(|(meta, _)| meta.is_file())
        .filter_map(|(meta, path)| Some((meta.modified().ok()?, path)))
        .collect();
    files.sort();
    let newest = files.into_iter().rev().take(MAX_FILES);
    newest.map(|(_, path)| path).collect()
}

/// Calls `look` with every record whose line holds these bytes. A missing file has none.
fn each(file: &Path, needle: &[u8], mut look: impl FnMut(Head, &str)) -> Result<(), SearchError> {
    lines(file, needle, |line| {
        if let Ok(head) = serde_json::from_str(line) {
            look(head, line);
        }
    })
}

/// Calls `look` with every line that holds these bytes. A missing file has none.
///
/// # Errors
///
/// The file cannot be read.
pub fn lines(file: &Path, needle: &[u8], mut look: impl FnMut(&str)) -> Result<(), SearchError> {
    let failed = |source| SearchError::Io {
        path: file.to_owned(),
        source,
    };
    let mut input = match std::fs::File::open(file) {
        Ok(input) => BufReader::with_capacity(1 << 16, input),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error)),
    };
    let mut line = Vec::new();
    while next(&mut input, &mut line).map_err(failed)? {
        let holds = line.windows(needle.len()).any(|part| part == needle);
        if holds && let Ok(text) = std::str::from_utf8(&line) {
            look(text.trim_end());
        }
    }
    Ok(())
}

/// Reads the next line. An overlong line is left empty. Returns `false` at the end.
fn next(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    let mut over = false;
    loop {
        let read = input.fill_buf()?;
        if read.is_empty() {
            return Ok(!line.is_empty() || over);
        }
        let end = read.iter().position(|&byte| byte == b'\n');
        let part = &read[..end.unwrap_or(read.len())];
        over |= line.len() + part.len() > MAX_LINE;
        match over {
            true => line.clear(),
            false => line.extend_from_slice(part),
        }
        let used = end.map_or(read.len(), |end| end + 1);
        input.consume(used);
        if end.is_some() {
            return Ok(true);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn line(record: &str, id: &str) -> String {
        format!("{{\"record\":\"{record}\",\"id\":\"{id}\"}}\n")
    }

    fn found(file: &Path, call: Option<&str>) -> Vec<String> {
        let records = search(file, call, true).unwrap();
        records.iter().map(|one| one.get().to_owned()).collect()
    }

    #[test]
    fn a_call_is_found_among_torn_lines_and_in_rotated_files() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("calls.jsonl");
        let (a, b, c) = ("0a11", "0b22", "0c33");
        let older = line("forwarded", a) + &line("forwarded", b) + &line("ended", b);
        std::fs::write(folder.path().join("calls.jsonl.1"), older).unwrap();
        let newer = format!(
            "{{\"record\":\"forw\n{}not json 0a11\n{}{{\"record\":\"ended\",\"id\":\"0a",
            line("ended", a),
            line("forwarded", c)
        );
        std::fs::write(&log, newer).unwrap();
        let both = |id: &str| vec![line("forwarded", id), line("ended", id)];
        let trimmed = |lines: Vec<String>| -> Vec<String> {
            lines.iter().map(|line| line.trim().to_owned()).collect()
        };
        assert_eq!(found(&log, Some("0a1")), trimmed(both(a)));
        assert_eq!(found(&log, Some(b)), trimmed(both(b)));
        assert_eq!(found(&log, Some(c)), trimmed(vec![line("forwarded", c)]));
        assert_eq!(found(&log, None), trimmed(both(a)), "the last that ended");
        assert!(found(&log, Some("ff")).is_empty());
        assert!(found(&folder.path().join("none"), Some("ff")).is_empty());
    }

    #[test]
    fn an_id_that_fits_several_calls_names_them() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("calls.jsonl");
        std::fs::write(&log, line("ended", "0a11") + &line("ended", "0a22")).unwrap();
        let error = search(&log, Some("0a"), true).unwrap_err();
        assert!(error.to_string().contains("0a22, 0a11"), "{error}");
    }

    #[test]
    fn a_file_that_cannot_be_read_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let error = search(folder.path(), Some("0a"), false).unwrap_err();
        assert!(error.to_string().contains("cannot be read"), "{error}");
    }
}

//! Reads a call log's file from its end, within bounds.

use std::fs::File;
use std::io;
use std::ops::ControlFlow;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;

/// The bytes of one read.
const BLOCK: u64 = 128 << 10;
/// The longest line that is shown, in bytes. A longer one is passed over.
const LONGEST: usize = 1 << 20;

/// A place in a file, so that reading goes on where it stopped. A file that was rotated away is not mixed up with the one
/// that has its name now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The number of the file's inode.
    pub inode: u64,
    /// Lines that begin before this byte come next.
    pub offset: u64,
}

/// Calls `look` with each line that begins before `from`, the last first, until it breaks or `most` bytes are read. With
/// `None` it begins at the end. Returns where to go on; `None`: everything is read.
///
/// # Errors
///
/// The file cannot be read, or is no ordinary file.
pub fn backwards(
    path: &Path,
    from: Option<Place>,
    most: u64,
    mut look: impl FnMut(&str) -> ControlFlow<()>,
) -> io::Result<Option<Place>> {
    // A pipe would never open.
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::other("is no ordinary file"));
    }
    let file = File::open(path)?;
    let meta = file.metadata()?;
    let inode = meta.ino();
    let begin = match from {
        Some(place) if place.inode == inode => place.offset.min(meta.len()),
        _ => meta.len(),
    };
    // `rest` begins at `at` and holds the beginning of a line whose end was read.
    let (mut at, mut rest, mut over) = (begin, Vec::<u8>::new(), false);
    while at > 0 {
        if begin - at >= most {
            let offset = at + rest.len() as u64;
            return Ok(Some(Place { inode, offset }));
        }
        let length = at.min(BLOCK);
        at -= length;
        let mut block = vec![0; usize::try_from(length).unwrap_or_default()];
        file.read_exact_at(&mut block, at)?;
        block.append(&mut rest);
        let mut end = block.len();
        loop {
            // A line's own end is not looked for. That of a line that is passed over is gone already.
            let searched = end.saturating_sub(usize::from(!over));
            let Some(cut) = memchr::memrchr(b'\n', &block[..searched]) else {
                break;
            };
            let line = &block[cut + 1..end];
            if !std::mem::take(&mut over)
                && line.len() <= LONGEST
                && let Ok(text) = std::str::from_utf8(line)
                && look(text.trim_end()).is_break()
            {
                let offset = at + cut as u64 + 1;
                return Ok(Some(Place { inode, offset }));
            }
            end = cut + 1;
        }
        block.truncate(end);
        if block.len() > LONGEST {
            // Its end alone is kept, so that the next one begins where this line does.
            over = true;
            block.clear();
        }
        rest = block;
    }
    if !over && let Ok(text) = std::str::from_utf8(&rest) {
        let _ = look(text.trim_end());
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(
        path: &Path,
        from: Option<Place>,
        most: u64,
        lines: usize,
    ) -> (Vec<String>, Option<Place>) {
        let mut seen = Vec::new();
        let next = backwards(path, from, most, |line| {
            seen.push(line.to_owned());
            match seen.len() < lines {
                true => ControlFlow::Continue(()),
                false => ControlFlow::Break(()),
            }
        });
        (seen, next.unwrap())
    }

    #[test]
    fn lines_come_last_first_and_reading_goes_on_where_it_stopped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("calls.jsonl");
        let text: String = (0..20_000).map(|n| format!("line {n}\n")).collect();
        std::fs::write(&path, &text).unwrap();
        let (mut all, mut place) = (Vec::new(), None);
        loop {
            let (lines, next) = read(&path, place, 64 << 10, 777);
            all.extend(lines);
            place = next;
            if place.is_none() {
                break;
            }
        }
        let expected: Vec<String> = (0..20_000).rev().map(|n| format!("line {n}")).collect();
        assert_eq!(all, expected);
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_over_and_another_file_is_read_from_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("calls.jsonl");
        let long = "x".repeat(3 * LONGEST);
        std::fs::write(&path, format!("first\n{long}\nlast\n")).unwrap();
        let (lines, next) = read(&path, None, u64::MAX, 9);
        assert_eq!((lines, next), (vec!["last".into(), "first".into()], None));
        let gone = Place {
            inode: 1,
            offset: 3,
        };
        assert_eq!(read(&path, Some(gone), u64::MAX, 1).0, ["last"]);
        assert!(backwards(folder.path(), None, 9, |_| ControlFlow::Continue(())).is_err());
    }

    #[test]
    fn a_line_before_one_that_is_too_long_is_read_wherever_blocks_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("calls.jsonl");
        let block = usize::try_from(BLOCK).unwrap();
        let whole = (LONGEST / block + 1) * block;
        for length in [whole - 2, whole - 1, whole] {
            let long = "x".repeat(length);
            std::fs::write(&path, format!("zero\nfirst\n{long}\n")).unwrap();
            let (lines, _) = read(&path, None, u64::MAX, 9);
            assert_eq!(lines, ["first", "zero"], "{length}");
        }
    }
}

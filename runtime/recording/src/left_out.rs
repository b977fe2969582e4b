//! The calls that a recording left out, and why: a small file beside its segments, which names ids and fixed reasons and
//! nothing of a payload.

use std::io::{self, Read, Write};

use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt};
use serde::{Deserialize, Serialize};

/// The file's name within the recording.
pub(super) const FILE: &str = "left-out.jsonl";
/// The most bytes of the file. At that size its older half is dropped.
const LARGEST: u64 = 64 << 10;

/// A call that is not in the recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeftOut {
    /// The call's id, as in the call log.
    pub id: String,
    /// Why it was left out.
    pub why: String,
}

/// Appends a call to the recording's list.
///
/// # Errors
///
/// The file cannot be read or written.
pub(super) fn add(dir: &Dir, left_out: &LeftOut) -> io::Result<()> {
    // The line before may be unfinished.
    let line = format!("\n{}\n", serde_json::to_string(left_out)?);
    let mut options = OpenOptions::new();
    options.append(true).create(true).mode(0o600);
    let mut file = dir.open_with(FILE, &options)?;
    if file.metadata()?.len() + line.len() as u64 > LARGEST {
        let all = read(dir)?;
        let newer = &all[all.len() / 2..];
        let mut text = String::new();
        for left_out in newer {
            text += &serde_json::to_string(left_out)?;
            text.push('\n');
        }
        file.set_len(0)?;
        file.write_all(text.as_bytes())?;
    }
    file.write_all(line.as_bytes())
}

/// The calls that are known to be left out, oldest first. Lines that are not whole are skipped.
///
/// # Errors
///
/// The file cannot be read.
pub(super) fn read(dir: &Dir) -> io::Result<Vec<LeftOut>> {
    let mut bytes = Vec::new();
    match dir.open(FILE) {
        Ok(file) => file.take(LARGEST).read_to_end(&mut bytes)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let lines = bytes.split(|byte| *byte == b'\n');
    Ok(lines
        .filter_map(|line| serde_json::from_slice(line).ok())
        .collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use cap_std::ambient_authority;

    use super::*;

    #[test]
    fn the_newest_are_kept_within_the_bound() {
        let folder = tempfile::tempdir().unwrap();
        let dir = Dir::open_ambient_dir(folder.path(), ambient_authority()).unwrap();
        assert_eq!(read(&dir).unwrap(), []);
        for n in 0..3000 {
            let left_out = LeftOut {
                id: format!("call-{n}"),
                why: "with surrogates it would be judged otherwise".into(),
            };
            add(&dir, &left_out).unwrap();
        }
        let all = read(&dir).unwrap();
        assert_eq!(all.last().unwrap().id, "call-2999");
        assert!(all.len() > 100, "{}", all.len());
        assert!(std::fs::metadata(folder.path().join(FILE)).unwrap().len() <= LARGEST);
    }
}

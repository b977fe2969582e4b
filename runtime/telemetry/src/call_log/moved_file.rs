//! Files that were moved away, by the names that the gateway gives them.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::SystemTime;

use super::written::MovedFile;

/// How a file's name goes on that was moved away: `.20260301T094100.123456Z`. `0` is any digit.
const FORM: &[u8] = b".00000000T000000.000000Z";

/// A file that was moved away.
pub(super) struct Moved {
    pub(super) name: String,
    pub(super) last_write: SystemTime,
}

/// Whether the file is where the gateway moved it, and is still the same one.
pub(super) fn is_there(folder: &Path, moved: &MovedFile) -> bool {
    let stat = fs::symlink_metadata(folder.join(&moved.name));
    stat.is_ok_and(|stat| stat.is_file() && (stat.dev(), stat.ino()) == moved.file)
}

/// Removes a file. Where that fails, the others are removed all the same.
pub(super) fn remove(folder: &Path, name: &str, why: &str) -> bool {
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

pub(super) fn folder_of(log: &Path) -> &Path {
    match log.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// The files that the gateway has moved away from this path, as their names say, the oldest first. Files that others moved
/// or packed are none of them.
pub(super) fn moved_files(log: &Path) -> io::Result<Vec<Moved>> {
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
pub(super) fn suffix() -> String {
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
}

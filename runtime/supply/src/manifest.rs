//! What an installed folder held when it was installed: a line for each file and link, with its hash.

use std::fmt::Write as _;
use std::fs::{self, File, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::sha256::sha256;

/// The lines for a folder, in the order of their paths.
pub(crate) fn of(folder: &Path) -> io::Result<String> {
    let mut lines = Vec::new();
    let mut left = vec![folder.to_owned()];
    let mut piece = vec![0; 128 << 10];
    while let Some(below) = left.pop() {
        for entry in fs::read_dir(&below)? {
            let path = entry?.path();
            let about = fs::symlink_metadata(&path)?;
            let name = path
                .strip_prefix(folder)
                .unwrap_or(&path)
                .to_string_lossy()
                .into_owned();
            if about.is_dir() {
                left.push(path);
            } else if about.is_symlink() {
                lines.push((name, format!("link {:?}", fs::read_link(&path)?)));
            } else if about.is_file() {
                let mut hash = Sha256::new();
                let mut file = File::open(&path)?;
                loop {
                    match file.read(&mut piece)? {
                        0 => break,
                        length => hash.update(&piece[..length]),
                    }
                }
                let runs = if about.mode() & 0o100 == 0 {
                    "file"
                } else {
                    "program"
                };
                lines.push((name, format!("{runs} {}", sha256(&hash.finalize()))));
            } else {
                lines.push((name, "something else".to_owned()));
            }
        }
    }
    lines.sort();
    let mut out = String::new();
    for (name, what) in lines {
        let _ = writeln!(out, "{what} {name:?}");
    }
    Ok(out)
}

/// The first line in which two manifests differ.
pub(crate) fn first_difference<'a>(wanted: &'a str, found: &'a str) -> Option<&'a str> {
    let (mut wanted, mut found) = (wanted.lines(), found.lines());
    loop {
        match (wanted.next(), found.next()) {
            (None, None) => return None,
            (one, other) if one == other => {}
            (one, other) => {
                return other.or(one).map(|line| {
                    // What a link leads to stands before its own name.
                    let name = line.rsplit(" \"").next();
                    name.unwrap_or(line).trim_end_matches('"')
                });
            }
        }
    }
}

/// Takes the right to write from everything in a folder, and lets everybody read it.
pub(crate) fn close(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let about = fs::symlink_metadata(&path)?;
        if about.is_dir() {
            close(&path)?;
        } else if about.is_file() {
            let runs = if about.mode() & 0o100 == 0 {
                0o444
            } else {
                0o555
            };
            fs::set_permissions(&path, Permissions::from_mode(runs))?;
        }
    }
    fs::set_permissions(folder, Permissions::from_mode(0o555))
}

/// Removes a folder, closed or not.
pub(crate) fn remove(folder: &Path) -> io::Result<()> {
    fn open(folder: &Path) -> io::Result<()> {
        fs::set_permissions(folder, Permissions::from_mode(0o700))?;
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                open(&entry.path())?;
            }
        }
        Ok(())
    }
    open(folder)?;
    fs::remove_dir_all(folder)
}

//! Files of a container that are on no disk: in a folder of the system's file system in memory, for the container's user
//! alone.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, fchown};
use std::path::Path;

use rustix::fs::statfs;
use rustix::process::geteuid;

use crate::container::NAME;
use crate::wanted::GivenFile;

/// Where the system keeps files in memory.
const MEMORY: &str = "/dev/shm";
/// The kernel's number of such a file system.
const TMPFS: u64 = 0x0102_1994;

/// Writes the files into a folder with the container's name, and returns their paths.
///
/// # Errors
///
/// The folder is on a disk, or cannot be written.
pub(super) fn write(
    container: &str,
    files: &[GivenFile],
    user: Option<u32>,
) -> io::Result<Vec<String>> {
    let folder = Path::new(MEMORY).join(container);
    if u64::try_from(statfs(MEMORY)?.f_type) != Ok(TMPFS) {
        let why = format!("{MEMORY} is not in memory");
        return Err(io::Error::other(why));
    }
    DirBuilder::new().mode(0o700).create(&folder)?;
    let mut paths = Vec::new();
    for (number, one) in files.iter().enumerate() {
        let path = folder.join(number.to_string());
        let mut file = File::create_new(&path)?;
        file.set_permissions(Permissions::from_mode(0o400))?;
        file.write_all(one.content.as_bytes())?;
        if let Some(user) = user {
            fchown(&file, Some(user), Some(user))?;
        }
        paths.push(path.display().to_string());
    }
    Ok(paths)
}

/// Removes a container's folder, if there is one.
pub(super) fn remove(container: &str) {
    let _ = fs::remove_dir_all(Path::new(MEMORY).join(container));
}

/// Removes the folders of this user's helpers that are gone.
pub(super) fn sweep() {
    for entry in fs::read_dir(MEMORY).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(rest) = name.to_str().and_then(|name| name.strip_prefix(NAME)) else {
            continue;
        };
        let helper = rest.split('-').next().unwrap_or_default();
        let gone = helper.parse::<u32>().is_ok() && !Path::new("/proc").join(helper).exists();
        // By a link somebody else's folder could be meant.
        let own = fs::symlink_metadata(entry.path());
        if gone && own.is_ok_and(|own| own.is_dir() && own.uid() == geteuid().as_raw()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

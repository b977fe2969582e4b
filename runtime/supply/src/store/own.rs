//! Whether a folder is this user's alone to change.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::{fs, io};

/// Whether a folder is one, belongs to this user, and can be changed by nobody else.
pub(crate) fn own(folder: &Path) -> io::Result<()> {
    let about = fs::symlink_metadata(folder)?;
    let shown = folder.display();
    let user = rustix::process::geteuid().as_raw();
    let (what, remedy) = if about.is_symlink() {
        let remedy = "name the folder that it leads to as `cache` of `[gateway]`";
        ("is a link".to_owned(), remedy.to_owned())
    } else if !about.is_dir() {
        (
            "is no folder".to_owned(),
            format!("move it away (mv {shown} {shown}.old)"),
        )
    } else if about.uid() != user {
        let what = format!(
            "belongs to user {}, and not to {user}, who runs this",
            about.uid()
        );
        let remedy = "run it as that user, or name another `cache` of `[gateway]`";
        (what, remedy.to_owned())
    } else if about.mode() & 0o022 != 0 {
        let what = "can be written by others".to_owned();
        (
            what,
            format!("look at what lies in it, then run chmod go-w {shown}"),
        )
    } else {
        return Ok(());
    };
    let why = format!("{shown} {what}, and packages that are run lie there; {remedy}");
    Err(io::Error::other(why))
}

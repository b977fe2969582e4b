//! Watches the files in a project's folder that its author writes.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sandgate_daemon::watch::Watch;

use super::own_gateway::CONFIG;

/// The most files that are watched: a folder with more holds something that no author wrote.
const MOST: usize = 4096;

/// Folders that tools fill. Folders whose names begin with a dot are left out, too.
const LEFT_OUT: [&str; 4] = ["target", "node_modules", "__pycache__", "venv"];

/// Files that mark a folder filled by a program: compilers and test runners put them there.
const OF_A_TOOL: [&str; 2] = ["CACHEDIR.TAG", "pyvenv.cfg"];

/// The files of a project, and their state when they were last looked at.
#[derive(Debug)]
pub(super) struct Sources {
    folder: PathBuf,
    watch: Watch,
    known: BTreeMap<PathBuf, Print>,
}

/// The files that were saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Saved {
    /// The paths, relative to the project's folder.
    pub(super) paths: Vec<PathBuf>,
    /// The time of the latest save.
    pub(super) at: SystemTime,
}

/// The fingerprint by which a changed file is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Print {
    file: (u64, u64),
    size: u64,
    changed: (i64, i64),
}

impl Sources {
    /// Watches from now on, so call this before anything is read.
    pub(super) fn new(folder: &Path) -> Self {
        let (known, folders) = listed(folder);
        let all = known.keys().cloned().chain(folders);
        Self {
            folder: folder.to_owned(),
            watch: Watch::new(all.collect::<Vec<_>>()),
            known,
        }
    }

    /// Waits until a file is changed, created or removed. Safe to cancel.
    pub(super) async fn changed(&mut self) -> Saved {
        loop {
            // Folders are watched as well: a new file in a folder changes the folder.
            self.watch.changed().await;
            let (now, folders) = listed(&self.folder);
            self.watch.target(now.keys().cloned().chain(folders));
            let paths = differing(&self.known, &now);
            if paths.is_empty() {
                // Only an editor's or a tool's own files changed.
                continue;
            }
            let at = paths.iter().filter_map(|path| now.get(path)?.saved());
            let at = at.max().unwrap_or_else(SystemTime::now);
            self.known = now;
            let own = |path: &PathBuf| path.strip_prefix(&self.folder).unwrap_or(path).to_owned();
            return Saved {
                paths: paths.iter().map(own).collect(),
                at,
            };
        }
    }
}

impl Print {
    fn of(path: &Path) -> Option<Self> {
        let meta = std::fs::metadata(path).ok()?;
        Some(Self {
            file: (meta.dev(), meta.ino()),
            size: meta.size(),
            changed: (meta.ctime(), meta.ctime_nsec()),
        })
    }

    /// When the file came to be as it is: written, or renamed to its place.
    fn saved(&self) -> Option<SystemTime> {
        let (seconds, nanos) = self.changed;
        let since = Duration::new(u64::try_from(seconds).ok()?, u32::try_from(nanos).ok()?);
        SystemTime::UNIX_EPOCH.checked_add(since)
    }
}

fn differing(before: &BTreeMap<PathBuf, Print>, now: &BTreeMap<PathBuf, Print>) -> Vec<PathBuf> {
    let new = now
        .iter()
        .filter(|(path, print)| before.get(*path) != Some(*print));
    let gone = before.iter().filter(|(path, _)| !now.contains_key(*path));
    new.chain(gone).map(|(path, _)| path.clone()).collect()
}

/// The files in a folder and below it, and these folders.
fn listed(folder: &Path) -> (BTreeMap<PathBuf, Print>, Vec<PathBuf>) {
    let mut files = BTreeMap::new();
    let mut folders = Vec::new();
    let config = folder.join(CONFIG);
    let mut left = vec![folder.to_owned()];
    while let Some(here) = left.pop() {
        let entries = std::fs::read_dir(&here).into_iter().flatten().flatten();
        let entries: Vec<_> = entries.collect();
        folders.push(here);
        for entry in entries {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            // Editors write such files beside a file while it is open.
            if name.starts_with(['.', '#']) || name.ends_with(['~', '#']) || files.len() >= MOST {
                continue;
            }
            let path = entry.path();
            // The gateway's file, which the gateway itself looks at.
            if path == config {
                continue;
            }
            match entry.file_type() {
                // Linked folders are not followed, since a link may lead back here.
                Ok(kind) if kind.is_dir() => {
                    let of_a_tool = || OF_A_TOOL.iter().any(|mark| path.join(mark).is_file());
                    if !LEFT_OUT.contains(&&*name) && !of_a_tool() {
                        left.push(path);
                    }
                }
                Ok(_) => {
                    if let Some(print) = Print::of(&path) {
                        files.insert(path, print);
                    }
                }
                Err(_) => {}
            }
        }
    }
    (files, folders)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::fs;

    use tokio::time::timeout;

    use super::*;

    const SOON: Duration = Duration::from_secs(5);

    async fn saved(sources: &mut Sources) -> Vec<String> {
        let saved = timeout(SOON, sources.changed()).await;
        let paths = saved.expect("nothing was noticed").paths;
        paths
            .iter()
            .map(|path| path.display().to_string())
            .collect()
    }

    async fn nothing(sources: &mut Sources) {
        let saved = timeout(Duration::from_millis(600), sources.changed()).await;
        assert!(saved.is_err(), "{saved:?}");
    }

    #[tokio::test]
    async fn a_file_that_is_written_renamed_over_new_or_gone_is_noticed_once() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path();
        fs::create_dir(folder.join("src")).unwrap();
        fs::write(folder.join("src/a.rs"), "1").unwrap();
        let mut sources = Sources::new(folder);
        fs::write(folder.join("src/a.rs"), "22").unwrap();
        assert_eq!(saved(&mut sources).await, ["src/a.rs"]);
        fs::write(folder.join("src/.a.rs.new"), "3").unwrap();
        fs::rename(folder.join("src/.a.rs.new"), folder.join("src/a.rs")).unwrap();
        assert_eq!(saved(&mut sources).await, ["src/a.rs"]);
        fs::create_dir(folder.join("src/deep")).unwrap();
        fs::write(folder.join("src/deep/b.rs"), "1").unwrap();
        assert_eq!(saved(&mut sources).await, ["src/deep/b.rs"]);
        fs::write(folder.join("src/deep/b.rs"), "22").unwrap();
        assert_eq!(saved(&mut sources).await, ["src/deep/b.rs"]);
        fs::remove_file(folder.join("src/a.rs")).unwrap();
        assert_eq!(saved(&mut sources).await, ["src/a.rs"]);
        nothing(&mut sources).await;
    }

    #[tokio::test]
    async fn what_tools_and_editors_leave_is_nothing() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path();
        fs::write(folder.join("a.py"), "1").unwrap();
        let mut sources = Sources::new(folder);
        for path in [
            "target/x",
            ".venv/x",
            "__pycache__/x",
            "own/pyvenv.cfg",
            "a.py~",
            "sandgate.toml",
            ".a.py.swp",
        ] {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "1").unwrap();
        }
        nothing(&mut sources).await;
    }

    #[tokio::test]
    async fn several_saves_in_a_burst_are_one() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path();
        let names: Vec<_> = (0..10).map(|n| format!("{n}.py")).collect();
        let mut sources = Sources::new(folder);
        for name in &names {
            fs::write(folder.join(name), "1").unwrap();
        }
        assert_eq!(saved(&mut sources).await, names);
        nothing(&mut sources).await;
    }

    #[tokio::test]
    async fn a_folder_that_goes_and_comes_back_is_noticed_both_times() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("p");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("a.py"), "1").unwrap();
        let mut sources = Sources::new(&folder);
        fs::rename(&folder, place.path().join("q")).unwrap();
        assert_eq!(saved(&mut sources).await, ["a.py"]);
        fs::rename(place.path().join("q"), &folder).unwrap();
        assert_eq!(saved(&mut sources).await, ["a.py"]);
        fs::write(folder.join("a.py"), "22").unwrap();
        assert_eq!(saved(&mut sources).await, ["a.py"]);
    }
}

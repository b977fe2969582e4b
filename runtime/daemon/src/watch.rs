//! Notices when a file of the configuration changes, however it is saved: written in place, renamed over, or reached
//! through a symbolic link that is swapped.
//!
//! Reports of the operating system are only hints to look. What counts is whether a file is another than before. So a
//! lost or superfluous report does no harm, and where there are none (some network file systems) polling still finds
//! the change.

mod places;

use std::collections::{BTreeMap, HashMap};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout, timeout_at};

use self::places::Places;

/// How long nothing may happen before a change is looked at: editors and copying take several steps.
const SETTLE: Duration = Duration::from_millis(50);

/// How long a change may go on before it is looked at anyway, and how long a file may be missing in between.
const LATEST: Duration = Duration::from_millis(300);

/// How often files are looked at even if nothing is reported.
const ANYWAY: Duration = Duration::from_secs(2);

/// Watches a set of files.
#[derive(Debug)]
pub struct Watch {
    files: BTreeMap<PathBuf, Option<Print>>,
    watcher: Option<RecommendedWatcher>,
    /// The watched directories, with their device and inode numbers.
    folders: HashMap<PathBuf, (u64, u64)>,
    /// What a report must be about to count.
    places: Arc<ArcSwap<Places>>,
    happened: Arc<Notify>,
    /// Whether a report came that has not led to a look yet.
    unseen: bool,
}

/// The fingerprint by which a changed file is told. The change time moves even if a copy keeps the modification time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Print {
    file: (u64, u64),
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Watch {
    /// Watches these files, which need not exist. Changes from now on are noticed, so call this before the files are
    /// read.
    pub fn new(files: impl IntoIterator<Item = PathBuf>) -> Self {
        let happened = Arc::new(Notify::new());
        let places = Arc::<ArcSwap<Places>>::default();
        let (wake, relevant) = (happened.clone(), places.clone());
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // Reading a file is reported too, and our own reading must not wake us.
            let reading =
                |kind| matches!(kind, EventKind::Access(access) if !is_end_of_write(access));
            if event.map_or(true, |event| {
                !reading(event.kind) && relevant.load().is_told_by(&event)
            }) {
                wake.notify_one();
            }
        });
        let watcher = watcher
            .inspect_err(|error| tracing::warn!(%error, "changes of files are not reported; looking every {ANYWAY:?}"))
            .ok();
        let mut watch = Self {
            files: BTreeMap::new(),
            watcher,
            folders: HashMap::new(),
            places,
            happened,
            unseen: false,
        };
        watch.target(files);
        watch
    }

    /// Replaces the set of watched files. For a file that was watched before, a change since the last report still
    /// counts; for a new file, changes from now on. Call this before new files are read.
    pub fn target(&mut self, files: impl IntoIterator<Item = PathBuf>) {
        let before = std::mem::take(&mut self.files);
        for file in files {
            let print = before
                .get(&file)
                .copied()
                .unwrap_or_else(|| Print::of(&file));
            self.files.insert(file, print);
        }
        self.attend();
    }

    /// Takes the present state of the files as known, so that only later changes are reported. Call this before the
    /// files are read.
    pub fn know(&mut self) {
        for (file, print) in &mut self.files {
            *print = Print::of(file);
        }
    }

    /// Waits until any of the files has changed, and returns the changed ones. Safe to cancel: a noticed change is
    /// looked at by the next call.
    pub async fn changed(&mut self) -> Vec<PathBuf> {
        loop {
            if !self.unseen {
                // The files are looked at after a report as well as after the timeout.
                let _ = timeout(ANYWAY, self.happened.notified()).await;
                self.unseen = true;
            }
            if !self.look().is_empty() {
                self.settle().await;
            }
            let changed = self.look();
            self.unseen = false;
            self.attend();
            if !changed.is_empty() {
                let paths = changed.iter().map(|(path, _)| path.clone()).collect();
                self.files.extend(changed);
                return paths;
            }
        }
    }

    async fn settle(&self) {
        let latest = Instant::now() + LATEST;
        loop {
            let quiet = timeout_at(
                latest.min(Instant::now() + SETTLE),
                self.happened.notified(),
            )
            .await
            .is_err();
            let complete = self.files.keys().all(|file| Print::of(file).is_some());
            if Instant::now() >= latest || (quiet && complete) {
                return;
            }
        }
    }

    fn look(&self) -> Vec<(PathBuf, Option<Print>)> {
        let now = self
            .files
            .iter()
            .map(|(path, before)| (path, *before, Print::of(path)));
        now.filter(|(_, before, now)| before != now)
            .map(|(path, _, now)| (path.clone(), now))
            .collect()
    }

    /// Watches the directories in which a change would show: those of the files, and of every link on the way.
    fn attend(&mut self) {
        let Some(watcher) = &mut self.watcher else {
            return;
        };
        let mut wanted = Places::default();
        for file in self.files.keys() {
            wanted.follow(file);
        }
        let identity = |folder: &Path| {
            std::fs::metadata(folder)
                .ok()
                .map(|meta| (meta.dev(), meta.ino()))
        };
        // A directory that was removed and made anew is another one, even with the same name.
        self.folders.retain(|folder, known| {
            let keep = wanted.has_folder(folder) && identity(folder) == Some(*known);
            if !keep {
                // Fails if the directory is gone, and the watch with it.
                let _ = watcher.unwatch(folder);
            }
            keep
        });
        // Before the new directories are watched: their first report may come at once.
        let wanted = Arc::new(wanted);
        self.places.store(wanted.clone());
        for folder in wanted.folders() {
            if self.folders.contains_key(folder) {
                continue;
            }
            let Some(identity) = identity(folder) else {
                continue;
            };
            match watcher.watch(folder, RecursiveMode::NonRecursive) {
                Ok(()) => {
                    self.folders.insert(folder.to_owned(), identity);
                }
                Err(error) => {
                    tracing::debug!(%error, folder = %folder.display(), "not watched; looking every {ANYWAY:?}");
                }
            }
        }
    }
}

impl Print {
    fn of(path: &Path) -> Option<Self> {
        let meta = std::fs::metadata(path).ok()?;
        Some(Self {
            file: (meta.dev(), meta.ino()),
            size: meta.size(),
            modified: (meta.mtime(), meta.mtime_nsec()),
            changed: (meta.ctime(), meta.ctime_nsec()),
        })
    }
}

fn is_end_of_write(access: notify::event::AccessKind) -> bool {
    use notify::event::{AccessKind, AccessMode};
    matches!(access, AccessKind::Close(AccessMode::Write))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    /// Shorter than [`ANYWAY`], so that only a report can have led to the notice.
    const SOON: Duration = Duration::from_millis(1500);

    struct Place {
        folder: tempfile::TempDir,
        watch: Watch,
    }

    impl Place {
        fn new(name: &str, make: impl FnOnce(&Path)) -> Self {
            let folder = tempfile::tempdir().unwrap();
            make(folder.path());
            let watch = Watch::new([folder.path().join(name)]);
            Self { folder, watch }
        }

        fn path(&self, name: &str) -> PathBuf {
            self.folder.path().join(name)
        }

        async fn expect(&mut self, name: &str) {
            let changed = timeout(SOON, self.watch.changed())
                .await
                .expect("the change was not noticed");
            assert_eq!(changed, [self.path(name)]);
        }

        async fn expect_nothing(&mut self) {
            if let Ok(changed) = timeout(Duration::from_millis(600), self.watch.changed()).await {
                panic!("{changed:?}");
            }
        }
    }

    impl Place {
        async fn woken_within(&self, time: Duration) -> bool {
            let woken = timeout(time, self.watch.happened.notified()).await.is_ok();
            if woken {
                self.watch.happened.notify_one();
            }
            woken
        }
    }

    fn file(folder: &Path) {
        fs::write(folder.join("a"), "1").unwrap();
    }

    #[tokio::test]
    async fn a_write_in_place_is_noticed_each_time() {
        let mut place = Place::new("a", file);
        for round in ["2", "3", "longer"] {
            fs::write(place.path("a"), round).unwrap();
            place.expect("a").await;
        }
        place.expect_nothing().await;
    }

    #[tokio::test]
    async fn a_rename_over_the_file_is_noticed_each_time() {
        let mut place = Place::new("a", file);
        for round in ["2", "3"] {
            fs::write(place.path("a.tmp"), round).unwrap();
            fs::rename(place.path("a.tmp"), place.path("a")).unwrap();
            place.expect("a").await;
        }
    }

    #[tokio::test]
    async fn an_editor_that_moves_the_old_file_away_first_is_noticed_once() {
        let mut place = Place::new("a", file);
        fs::rename(place.path("a"), place.path("a~")).unwrap();
        tokio::time::sleep(Duration::from_millis(120)).await;
        fs::write(place.path("a"), "2").unwrap();
        place.expect("a").await;
        place.expect_nothing().await;
    }

    #[tokio::test]
    async fn a_link_that_is_swapped_is_noticed() {
        let mut place = Place::new("a", |folder| {
            fs::write(folder.join("v1"), "1").unwrap();
            fs::write(folder.join("v2"), "2").unwrap();
            symlink("v1", folder.join("a")).unwrap();
        });
        symlink("v2", place.path("new")).unwrap();
        fs::rename(place.path("new"), place.path("a")).unwrap();
        place.expect("a").await;
        fs::write(place.path("v2"), "3").unwrap();
        place.expect("a").await;
    }

    #[tokio::test]
    async fn a_folder_of_data_that_is_swapped_under_its_links_is_noticed() {
        let mut place = Place::new("a", |folder| {
            for version in ["..v1", "..v2"] {
                fs::create_dir(folder.join(version)).unwrap();
                fs::write(folder.join(version).join("a"), version).unwrap();
            }
            symlink("..v1", folder.join("..data")).unwrap();
            symlink("..data/a", folder.join("a")).unwrap();
        });
        symlink("..v2", place.path("..new")).unwrap();
        fs::rename(place.path("..new"), place.path("..data")).unwrap();
        fs::remove_dir_all(place.path("..v1")).unwrap();
        place.expect("a").await;
    }

    #[tokio::test]
    async fn a_linked_folder_that_is_swapped_is_noticed() {
        let mut place = Place::new("current/a", |folder| {
            for version in ["v1", "v2"] {
                fs::create_dir(folder.join(version)).unwrap();
                fs::write(folder.join(version).join("a"), version).unwrap();
            }
            symlink("v1", folder.join("current")).unwrap();
        });
        symlink("v2", place.path("new")).unwrap();
        fs::rename(place.path("new"), place.path("current")).unwrap();
        place.expect("current/a").await;
    }

    #[tokio::test]
    async fn a_target_elsewhere_that_is_written_is_noticed() {
        let elsewhere = tempfile::tempdir().unwrap();
        file(elsewhere.path());
        let mut place = Place::new("a", |folder| {
            symlink(elsewhere.path().join("a"), folder.join("a")).unwrap()
        });
        fs::write(elsewhere.path().join("a"), "22").unwrap();
        place.expect("a").await;
    }

    #[tokio::test]
    async fn a_file_that_comes_later_is_noticed_its_folder_too() {
        let mut place = Place::new("sub/a", |_| {});
        fs::create_dir(place.path("sub")).unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
        fs::write(place.path("sub/a"), "1").unwrap();
        // The folder came after the last look, so it may take until the next one.
        let changed = timeout(ANYWAY * 2, place.watch.changed()).await.unwrap();
        assert_eq!(changed, [place.path("sub/a")]);
        fs::remove_dir_all(place.path("sub")).unwrap();
        place.expect("sub/a").await;
        fs::create_dir(place.path("sub")).unwrap();
        fs::write(place.path("sub/a"), "2").unwrap();
        place.expect("sub/a").await;
    }

    #[tokio::test]
    async fn other_files_and_reading_are_not_changes() {
        let mut place = Place::new("a", file);
        fs::write(place.path("b"), "1").unwrap();
        fs::read(place.path("a")).unwrap();
        place.expect_nothing().await;
    }

    /// A log beside the configuration is written with every call.
    #[tokio::test]
    async fn other_files_of_the_folder_wake_nobody_however_often_they_are_written() {
        let mut place = Place::new("a", file);
        symlink("b", place.path("c")).unwrap();
        place.expect_nothing().await;
        let busy = place.path("b");
        let writes = std::thread::spawn(move || {
            for round in 0..10_000 {
                fs::write(&busy, round.to_string()).unwrap();
            }
            fs::rename(&busy, busy.with_extension("1")).unwrap();
        });
        writes.join().unwrap();
        // All of it has been reported once a report about `a` has come through.
        assert!(!place.woken_within(Duration::from_millis(200)).await);
        fs::write(place.path("a"), "22").unwrap();
        assert!(place.woken_within(SOON).await);
        assert_eq!(place.watch.changed().await, [place.path("a")]);
    }

    #[tokio::test]
    async fn a_folder_that_is_watched_as_one_counts_whole() {
        let mut place = Place::new("sub", |folder| fs::create_dir(folder.join("sub")).unwrap());
        fs::write(place.path("sub/new"), "1").unwrap();
        place.expect("sub").await;
    }

    #[tokio::test]
    async fn the_set_of_files_can_change_and_nothing_in_between_is_lost() {
        let mut place = Place::new("a", file);
        fs::write(place.path("b"), "1").unwrap();
        fs::write(place.path("a"), "22").unwrap();
        place.watch.target([place.path("a"), place.path("b")]);
        place.expect("a").await;
        fs::write(place.path("b"), "22").unwrap();
        place.expect("b").await;
        place.watch.target([place.path("b")]);
        fs::write(place.path("a"), "333").unwrap();
        place.expect_nothing().await;
    }

    #[tokio::test]
    async fn a_wait_that_was_cancelled_loses_nothing() {
        let mut place = Place::new("a", file);
        fs::write(place.path("a"), "22").unwrap();
        for _ in 0..5 {
            let _ = timeout(Duration::from_millis(10), place.watch.changed()).await;
        }
        place.expect("a").await;
    }

    #[tokio::test]
    async fn a_folder_in_which_things_go_on_happening_delays_it_only_so_long() {
        let mut place = Place::new("a", file);
        let busy = place.path("busy");
        let writer = std::thread::spawn(move || {
            for round in 0..150 {
                fs::write(&busy, round.to_string()).unwrap();
                std::thread::sleep(Duration::from_millis(10));
            }
        });
        fs::write(place.path("a"), "22").unwrap();
        let start = Instant::now();
        place.expect("a").await;
        assert!(start.elapsed() < Duration::from_secs(1));
        writer.join().unwrap();
    }
}

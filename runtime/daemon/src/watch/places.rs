//! Where on a path a change would show.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

/// The most links followed for one path, the kernel's own bound.
const MAX_LINKS: usize = 40;

/// Where a path can come to mean another file: the directories, and in each the entries that decide. Reports about other
/// entries of a directory (a log beside the configuration, an editor's backup) cost one lookup and wake nobody.
#[derive(Debug, Default)]
pub(super) struct Places(HashMap<PathBuf, Entries>);

#[derive(Debug)]
enum Entries {
    Named(Vec<PathBuf>),
    /// The path ends at the directory itself.
    All,
}

impl Places {
    /// The directories to watch.
    pub(super) fn folders(&self) -> impl Iterator<Item = &Path> {
        self.0.keys().map(PathBuf::as_path)
    }

    pub(super) fn has_folder(&self, folder: &Path) -> bool {
        self.0.contains_key(folder)
    }

    /// Whether a report is about one of the entries, or about a directory itself. A report without a path says that
    /// others were lost.
    pub(super) fn is_told_by(&self, event: &notify::Event) -> bool {
        event.need_rescan()
            || event.paths.is_empty()
            || event.paths.iter().any(|path| {
                let inside = path.parent().and_then(|folder| self.0.get(folder));
                self.0.contains_key(path)
                    || inside.is_some_and(|entries| match entries {
                        Entries::All => true,
                        Entries::Named(names) => names.contains(path),
                    })
            })
    }

    /// Adds the places of one path: each link on the way, and its last existing part.
    pub(super) fn follow(&mut self, path: &Path) {
        let mut links = 0;
        let start = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let mut todo: Vec<PathBuf> = parts(&start);
        let mut here = PathBuf::from("/");
        while let Some(part) = todo.pop() {
            if part == Path::new("..") {
                here.pop();
                continue;
            }
            let next = here.join(&part);
            let Ok(meta) = std::fs::symlink_metadata(&next) else {
                self.add(here, next);
                return;
            };
            if meta.is_symlink() {
                self.add(here.clone(), next.clone());
                links += 1;
                let Ok(target) = std::fs::read_link(&next) else {
                    return;
                };
                if links > MAX_LINKS {
                    return;
                }
                if target.is_absolute() {
                    here = PathBuf::from("/");
                }
                todo.extend(parts(&target));
            } else if meta.is_dir() {
                here = next;
            } else {
                self.add(here, next);
                return;
            }
        }
        self.0.insert(here, Entries::All);
    }

    fn add(&mut self, folder: PathBuf, entry: PathBuf) {
        let entries = self.0.entry(folder);
        if let Entries::Named(names) = entries.or_insert_with(|| Entries::Named(Vec::new()))
            && !names.contains(&entry)
        {
            names.push(entry);
        }
    }
}

/// The names in a path, last first.
fn parts(path: &Path) -> Vec<PathBuf> {
    let named = path
        .components()
        .filter(|part| matches!(part, Component::Normal(_) | Component::ParentDir));
    let mut parts: Vec<_> = named.map(|part| PathBuf::from(part.as_os_str())).collect();
    parts.reverse();
    parts
}

//! Machine code on disk: used where it is genuine, never made of secrets.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use cap_std::fs::Dir;
use sandgate_host::{Cache, Plugin, Spec, State, StateQuota};
use serde_json::json;

use crate::stand::{answer, host_with, spec, works};

/// A gateway that starts anew with the same folder.
async fn start(folder: &Path, spec: Spec) -> (Plugin, Duration) {
    let dir = Dir::open_ambient_dir(folder, cap_std::ambient_authority()).unwrap();
    let host = host_with(
        Some(Cache::open(dir).unwrap()),
        State::in_memory(StateQuota::default()),
    );
    let started = Instant::now();
    let plugin = host.prepare(spec).await.unwrap();
    (plugin, started.elapsed())
}

/// All that is kept but the key.
fn files(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = paths.filter(|path| !path.ends_with("key")).collect();
    files.sort();
    files
}

fn is_of(path: &Path, kind: &str) -> bool {
    let name = path.file_name().unwrap().to_str().unwrap();
    name.starts_with(kind)
}

/// Plugins with their settings.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let shared = |path: &PathBuf| is_of(path, "functions-") || is_of(path, "instrumented-");
    let mut entries = files(folder);
    entries.retain(|path| !shared(path));
    entries
}

/// What all settings of a plugin share, by file.
fn shared(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let own = entries(folder);
    let shared = files(folder).into_iter().filter(|path| !own.contains(path));
    shared
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect()
}

fn written(path: &Path) -> SystemTime {
    fs::metadata(path).unwrap().modified().unwrap()
}

#[tokio::test]
async fn what_was_compiled_once_is_not_compiled_again() {
    let folder = tempfile::tempdir().unwrap();
    let (_, first) = start(folder.path(), spec("loops")).await;
    let entry = entries(folder.path()).pop().unwrap();
    let before = written(&entry);
    let (plugin, second) = start(folder.path(), spec("loops")).await;
    works(&plugin).await;
    assert_eq!(
        written(&entry),
        before,
        "nothing was compiled, so nothing was written"
    );
    assert!(second * 2 < first, "{first:?}, then {second:?}");
}

#[tokio::test]
async fn nothing_made_of_private_settings_reaches_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let mut spec = spec("fails-configure");
    spec.settings_private = true;
    // The first start compiles the plugin as it is without settings, and keeps that.
    spec.settings = json!({ "limit": 2 });
    start(folder.path(), spec.clone()).await;
    assert_eq!(entries(folder.path()), [""; 0].map(PathBuf::from));
    let kept = shared(folder.path());
    spec.settings = json!({ "limit": 4 });
    start(folder.path(), spec.clone()).await;
    assert_eq!(entries(folder.path()), [""; 0].map(PathBuf::from));
    assert!(kept == shared(folder.path()), "no byte depends on settings");
    spec.settings_private = false;
    start(folder.path(), spec).await;
    assert_eq!(entries(folder.path()).len(), 1);
}

#[tokio::test]
async fn other_settings_share_what_does_not_depend_on_them() {
    let folder = tempfile::tempdir().unwrap();
    let mut spec = spec("fails-configure");
    spec.settings = json!({ "limit": 2 });
    start(folder.path(), spec.clone()).await;
    let kept = shared(folder.path());
    let count = |kind| kept.keys().filter(|path| is_of(path, kind)).count();
    // One set of functions for each engine.
    assert_eq!((count("functions-"), count("instrumented-")), (2, 1));
    spec.settings = json!({ "limit": 4 });
    start(folder.path(), spec).await;
    assert!(kept == shared(folder.path()), "all of it was known");
}

#[tokio::test]
async fn hostile_shared_code_is_ignored_and_replaced() {
    let folder = tempfile::tempdir().unwrap();
    start(folder.path(), spec("loops")).await;
    for (path, genuine) in shared(folder.path()) {
        let mut patched = genuine.clone();
        let middle = patched.len() / 2;
        patched[middle] ^= 0xff;
        let cut = genuine[..genuine.len() - 1].to_vec();
        for hostile in [patched, cut, vec![0; 100], Vec::new()] {
            for other in files(folder.path()) {
                // A component that is kept whole needs no functions.
                if !is_of(&other, "functions-") {
                    fs::remove_file(other).unwrap();
                }
            }
            fs::write(&path, &hostile).unwrap();
            let (plugin, _) = start(folder.path(), spec("loops")).await;
            works(&plugin).await;
            assert_ne!(fs::read(&path).unwrap(), hostile, "written anew");
        }
    }
}

#[tokio::test]
async fn other_settings_are_other_code() {
    let folder = tempfile::tempdir().unwrap();
    for limit in [2, 4] {
        let mut spec = spec("fails-configure");
        spec.settings = json!({ "limit": limit });
        start(folder.path(), spec).await;
    }
    assert_eq!(entries(folder.path()).len(), 2);
}

#[tokio::test]
async fn a_hostile_entry_is_ignored_and_replaced() {
    let folder = tempfile::tempdir().unwrap();
    start(folder.path(), spec("loops")).await;
    let entry = entries(folder.path()).pop().unwrap();
    let genuine = fs::read(&entry).unwrap();
    let mut patched = genuine.clone();
    let middle = patched.len() / 2;
    patched[middle] ^= 0xff;
    let (cut, nonsense) = (genuine[..genuine.len() - 1].to_vec(), vec![0; 100]);
    for hostile in [patched, cut, nonsense, Vec::new()] {
        fs::write(&entry, &hostile).unwrap();
        let (plugin, _) = start(folder.path(), spec("loops")).await;
        works(&plugin).await;
        assert_ne!(fs::read(&entry).unwrap(), hostile, "written anew");
    }
}

#[tokio::test]
async fn an_entry_of_another_plugin_is_not_taken_for_this_ones() {
    let folder = tempfile::tempdir().unwrap();
    start(folder.path(), spec("keeps-state")).await;
    let other = entries(folder.path()).pop().unwrap();
    start(folder.path(), spec("loops")).await;
    let own = entries(folder.path())
        .into_iter()
        .find(|entry| *entry != other)
        .unwrap();
    fs::copy(&other, &own).unwrap();
    let (plugin, _) = start(folder.path(), spec("loops")).await;
    // `keeps-state` would answer.
    works(&plugin).await;
}

#[tokio::test]
async fn a_guest_that_is_configured_each_time_is_so_from_the_cache_too() {
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let (plugin, _) = start(folder.path(), spec("holds-on-in-configure")).await;
        assert!(plugin.configured_each_time().is_some());
        let said = answer(&plugin, json!({})).await;
        assert_eq!(said, json!({ "runs": 1, "held": "since configure" }));
    }
}

#![allow(clippy::unwrap_used)]
use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::read;

fn line(n: usize) -> String {
    format!(
        r#"{{"id":"{n:04}","time":"2026-01-01T00:00:00.{:06}Z","era":"modern","direction":"client-to-server","server":"s","method":"m","params":{{}},"became":"forwarded","trail":[]}}"#,
        999_999 - n
    )
}

fn ids(path: &Path) -> Vec<String> {
    let recorded = read(path, None).unwrap();
    recorded.exchanges.into_iter().map(|one| one.id).collect()
}

#[test]
fn what_was_written_is_read_in_the_order_in_which_it_came() {
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("rec");
    let mut folder = Folder::open(&path, None, 1 << 20).unwrap();
    for n in 0..3 {
        assert_eq!(folder.add(&line(n)).unwrap(), Written::Yes);
    }
    assert_eq!(ids(&path), ["0002", "0001", "0000"]);
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o700);
    for entry in std::fs::read_dir(&path).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
    }
}

#[test]
fn a_line_that_was_never_finished_is_passed_over() {
    let path = tempfile::tempdir().unwrap();
    let mut folder = Folder::open(path.path(), None, 1 << 20).unwrap();
    folder.add(&line(0)).unwrap();
    let segment = folder.segments[0].0.clone();
    drop(folder);
    let mut file = std::fs::OpenOptions::new()
        .append(true)
        .open(path.path().join(segment))
        .unwrap();
    file.write_all(b"{\"id\":\"00").unwrap();
    Folder::open(path.path(), None, 1 << 20)
        .unwrap()
        .add(&line(1))
        .unwrap();
    let recorded = read(path.path(), None).unwrap();
    assert_eq!((recorded.exchanges.len(), recorded.torn), (2, 1));
}

#[test]
fn a_full_recording_loses_its_oldest_part() {
    let path = tempfile::tempdir().unwrap();
    let max = 64 * line(0).len() as u64;
    let mut folder = Folder::open(path.path(), None, max).unwrap();
    for n in 0..1000 {
        folder.add(&line(n)).unwrap();
    }
    assert!(
        folder
            .add(&"x".repeat(usize::try_from(max).unwrap()))
            .unwrap()
            == Written::TooLarge
    );
    let kept = ids(path.path());
    assert!((56..=64).contains(&kept.len()), "{}", kept.len());
    assert_eq!(kept[0], "0999");
    let mut bytes = 0;
    for entry in std::fs::read_dir(path.path()).unwrap() {
        bytes += entry.unwrap().metadata().unwrap().len();
    }
    assert!(bytes <= max + 100, "{bytes}");
}

#[test]
fn a_folder_that_is_not_ours_is_left_alone() {
    let path = tempfile::tempdir().unwrap();
    std::fs::write(path.path().join("notes.txt"), "x").unwrap();
    let refused = |error: &str| {
        let said = Folder::open(path.path(), None, 1 << 20)
            .err()
            .unwrap()
            .to_string();
        assert!(said.contains(error), "{said}");
    };
    refused("holds other files");
    std::fs::write(path.path().join(DESCRIPTION), "{}").unwrap();
    refused("is no recording");
    let ours = path.path().join("ours");
    let open = || Folder::open(&ours, None, 1 << 20);
    let first = open().unwrap();
    assert!(matches!(open(), Err(FolderError::Busy(_))));
    drop(first);
    assert!(open().is_ok());
    let key = Recipient::read("age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj");
    let sealed = Folder::open(&ours, Some(key.unwrap()), 1 << 20);
    assert!(matches!(sealed, Err(FolderError::Otherwise { .. })));
}

#[test]
fn what_is_left_out_is_named_beside_the_calls_and_is_none_of_them() {
    let path = tempfile::tempdir().unwrap();
    let mut folder = Folder::open(path.path(), None, 1 << 20).unwrap();
    folder.leave_out("call-1", "it is large");
    drop(folder);
    folder = Folder::open(path.path(), None, 1 << 20).unwrap();
    folder.leave_out("call-2", "it is larger");
    let recorded = read(path.path(), None).unwrap();
    assert!(recorded.exchanges.is_empty());
    let ids: Vec<_> = recorded.left_out.iter().map(|one| &*one.id).collect();
    assert_eq!(ids, ["call-1", "call-2"]);
}

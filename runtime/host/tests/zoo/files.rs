//! Directories: what lies in them, and no way out.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;

use cap_std::fs::Dir;
use sandgate_host::{Access, DirGrant, Plugin};
use serde_json::{Value, json};

use crate::stand::{answer, prepare, spec};

/// `rules` and `work` are granted, `outside` is not.
struct House(tempfile::TempDir);

impl House {
    fn new() -> Self {
        let house = Self(tempfile::tempdir().unwrap());
        for folder in ["rules", "rules/deep", "work", "outside"] {
            fs::create_dir(house.at(folder)).unwrap();
        }
        fs::write(house.at("rules/a"), "rule a").unwrap();
        fs::write(house.at("rules/deep/b"), "rule b").unwrap();
        fs::write(house.at("outside/secret"), "secret").unwrap();
        house
    }

    fn at(&self, path: &str) -> std::path::PathBuf {
        self.0.path().join(path)
    }

    fn grant(&self, guest: &str, folder: &str, access: Access) -> DirGrant {
        let dir = Dir::open_ambient_dir(self.at(folder), cap_std::ambient_authority()).unwrap();
        DirGrant {
            guest: guest.into(),
            dir: Arc::new(dir),
            access,
        }
    }

    async fn guest(&self) -> Plugin {
        let mut spec = spec("reaches-for-files");
        spec.grants.dirs = vec![
            self.grant("/rules", "rules", Access::Ro),
            self.grant("/work", "work", Access::Rw),
        ];
        prepare(spec).await.unwrap()
    }

    /// What lies outside is as it was, and nothing was added.
    fn is_untouched(&self) {
        assert_eq!(
            fs::read_to_string(self.at("outside/secret")).unwrap(),
            "secret"
        );
        assert_eq!(names(&self.at("outside")), ["secret"]);
        assert_eq!(names(self.0.path()), ["outside", "rules", "work"]);
    }
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

async fn read(plugin: &Plugin, path: &str) -> Value {
    answer(plugin, json!({ "op": "read", "path": path })).await
}

async fn denied(plugin: &Plugin, order: Value) {
    let said = answer(plugin, order.clone()).await;
    assert!(said["error"].is_string(), "{order} came to {said}");
}

pub(crate) mod reaches_for_files {
    use super::*;

    #[tokio::test]
    async fn that_it_was_given() {
        let house = House::new();
        symlink("deep/b", house.at("rules/inner")).unwrap();
        let plugin = house.guest().await;
        assert_eq!(read(&plugin, "/rules/a").await["ok"], "rule a");
        assert_eq!(read(&plugin, "/rules/deep/b").await["ok"], "rule b");
        assert_eq!(read(&plugin, "/rules/deep/../a").await["ok"], "rule a");
        assert_eq!(
            read(&plugin, "/rules/inner").await["ok"],
            "rule b",
            "a link that stays inside"
        );
        let list = answer(&plugin, json!({ "op": "list", "path": "/rules" })).await;
        assert_eq!(list["ok"], "a deep inner");
        let written = answer(
            &plugin,
            json!({ "op": "write", "path": "/work/made", "text": "by a guest" }),
        )
        .await;
        assert_eq!(written["ok"], "written");
        assert_eq!(
            fs::read_to_string(house.at("work/made")).unwrap(),
            "by a guest"
        );
    }

    #[tokio::test]
    async fn finds_none_without_a_grant() {
        let plugin = prepare(spec("reaches-for-files")).await.unwrap();
        for path in [
            "/rules/a",
            "/rules",
            "/etc/passwd",
            "/",
            ".",
            "/proc/self/environ",
        ] {
            denied(&plugin, json!({ "op": "read", "path": path })).await;
            denied(&plugin, json!({ "op": "list", "path": path })).await;
        }
    }

    #[tokio::test]
    async fn does_not_get_out_by_dots() {
        let house = House::new();
        let plugin = house.guest().await;
        for path in [
            "/rules/../outside/secret",
            "/rules/deep/../../outside/secret",
            "/work/../outside/secret",
            "/rules/../work/../outside/secret",
            "../outside/secret",
            "/outside/secret",
            "/rules//../outside/secret",
            "/rules/./../outside/secret",
            "/rules/..",
            "/proc/self/fd/3",
        ] {
            denied(&plugin, json!({ "op": "read", "path": path })).await;
        }
        let host_path = house.at("outside/secret");
        denied(&plugin, json!({ "op": "read", "path": host_path })).await;
        denied(&plugin, json!({ "op": "list", "path": "/rules/.." })).await;
        denied(
            &plugin,
            json!({ "op": "write", "path": "/work/../outside/secret", "text": "x" }),
        )
        .await;
        denied(
            &plugin,
            json!({ "op": "create-dir", "path": "/work/../outside/new" }),
        )
        .await;
        house.is_untouched();
    }

    #[tokio::test]
    async fn does_not_get_out_by_a_symlink_that_lies_there() {
        let house = House::new();
        symlink("../outside/secret", house.at("rules/relative")).unwrap();
        symlink(house.at("outside/secret"), house.at("rules/absolute")).unwrap();
        symlink("../outside", house.at("rules/folder")).unwrap();
        symlink("/proc/self", house.at("rules/process")).unwrap();
        symlink("../outside/secret", house.at("work/secret")).unwrap();
        symlink("../outside/new", house.at("work/dangling")).unwrap();
        symlink("deep/../../outside/secret", house.at("rules/winding")).unwrap();
        let plugin = house.guest().await;
        for path in [
            "/rules/relative",
            "/rules/absolute",
            "/rules/folder/secret",
            "/rules/winding",
            "/rules/process/environ",
            "/work/secret",
        ] {
            denied(&plugin, json!({ "op": "read", "path": path })).await;
        }
        denied(&plugin, json!({ "op": "list", "path": "/rules/folder" })).await;
        for path in ["/work/secret", "/work/dangling"] {
            denied(&plugin, json!({ "op": "write", "path": path, "text": "x" })).await;
            denied(
                &plugin,
                json!({ "op": "append", "path": path, "text": "x" }),
            )
            .await;
        }
        house.is_untouched();
    }

    #[tokio::test]
    async fn does_not_get_out_by_a_symlink_of_its_own_making() {
        let house = House::new();
        let plugin = house.guest().await;
        denied(
            &plugin,
            json!({ "op": "symlink", "path": "/etc/passwd", "to": "/work/absolute" }),
        )
        .await;
        let made = answer(
            &plugin,
            json!({ "op": "symlink", "path": "../outside/secret", "to": "/work/way-out" }),
        )
        .await;
        denied(&plugin, json!({ "op": "read", "path": "/work/way-out" })).await;
        denied(
            &plugin,
            json!({ "op": "write", "path": "/work/way-out", "text": "x" }),
        )
        .await;
        // Whether it may be made is another question than whether it leads anywhere.
        assert!(made.is_object());
        house.is_untouched();
    }

    #[tokio::test]
    async fn does_not_get_out_by_renaming_or_linking() {
        let house = House::new();
        fs::write(house.at("work/mine"), "mine").unwrap();
        let plugin = house.guest().await;
        for op in ["rename", "hard-link"] {
            for (path, to) in [
                ("/work/mine", "/work/../outside/mine"),
                ("/work/../outside/secret", "/work/stolen"),
                ("/outside/secret", "/work/stolen"),
                ("/work", "/work/../elsewhere"),
            ] {
                denied(&plugin, json!({ "op": op, "path": path, "to": to })).await;
            }
        }
        assert_eq!(names(&house.at("work")), ["mine"]);
        house.is_untouched();
    }

    #[tokio::test]
    async fn cannot_write_what_it_may_only_read() {
        let house = House::new();
        let plugin = house.guest().await;
        for order in [
            json!({ "op": "write", "path": "/rules/a", "text": "x" }),
            json!({ "op": "write", "path": "/rules/new", "text": "x" }),
            json!({ "op": "append", "path": "/rules/a", "text": "x" }),
            json!({ "op": "create-dir", "path": "/rules/new" }),
            json!({ "op": "remove", "path": "/rules/a" }),
            json!({ "op": "rename", "path": "/rules/a", "to": "/rules/z" }),
            json!({ "op": "rename", "path": "/rules/a", "to": "/work/a" }),
            json!({ "op": "hard-link", "path": "/rules/a", "to": "/rules/z" }),
            // A name in a writable folder for a file that is not.
            json!({ "op": "hard-link", "path": "/rules/a", "to": "/work/a" }),
        ] {
            denied(&plugin, order).await;
        }
        assert_eq!(names(&house.at("rules")), ["a", "deep"]);
        assert_eq!(fs::read_to_string(house.at("rules/a")).unwrap(), "rule a");
        assert_eq!(names(&house.at("work")), [""; 0]);
    }

    #[tokio::test]
    async fn cannot_plant_anything_among_what_it_may_only_read() {
        let house = House::new();
        fs::write(house.at("work/mine"), "mine").unwrap();
        let plugin = house.guest().await;
        for op in ["rename", "hard-link"] {
            denied(
                &plugin,
                json!({ "op": op, "path": "/work/mine", "to": "/rules/mine" }),
            )
            .await;
        }
        assert_eq!(names(&house.at("rules")), ["a", "deep"]);
    }

    #[tokio::test]
    async fn may_be_given_less_than_it_asks_for_and_never_more() {
        let house = House::new();
        let mut less = spec("reaches-for-files");
        less.grants.dirs = vec![house.grant("/work", "work", Access::Ro)];
        let plugin = prepare(less).await.unwrap();
        denied(
            &plugin,
            json!({ "op": "write", "path": "/work/made", "text": "x" }),
        )
        .await;
        for (guest, access, says) in [
            ("/rules", Access::Rw, "read-only"),
            ("/etc", Access::Ro, "/rules, /work"),
        ] {
            let mut more = spec("reaches-for-files");
            more.grants.dirs = vec![house.grant(guest, "rules", access)];
            let error = prepare(more).await.err().unwrap().to_string();
            assert!(
                error.starts_with("grants.dirs:") && error.contains(says),
                "{error}"
            );
        }
    }

    #[tokio::test]
    async fn stays_with_the_folder_that_was_granted_when_its_name_moves_on() {
        let house = House::new();
        let plugin = house.guest().await;
        fs::rename(house.at("rules"), house.at("old-rules")).unwrap();
        symlink("outside", house.at("rules")).unwrap();
        assert_eq!(read(&plugin, "/rules/a").await["ok"], "rule a");
        denied(&plugin, json!({ "op": "read", "path": "/rules/secret" })).await;
    }
}

pub(crate) mod shares_the_arena {
    use super::*;

    #[tokio::test]
    async fn with_the_c_library_and_both_find_their_memory_as_they_left_it() {
        let house = House::new();
        let mut spec = spec("shares-the-arena");
        spec.grants.env = vec![("REGION".into(), "eu".into())];
        spec.grants.dirs = vec![house.grant("/rules", "rules", Access::Ro)];
        let plugin = prepare(spec).await.unwrap();
        for _ in 0..20 {
            assert_eq!(
                answer(&plugin, json!({})).await,
                json!({ "same": true, "region": "eu", "rule": "rule a", "names": 2 })
            );
        }
    }
}

//! Servers that are packages: locked, installed, held to what was locked, and run contained. The registry is a stand-in on
//! loopback, and npm and pip are the real ones.
#![cfg(target_os = "linux")]

mod catalogs;
mod hostile;
mod images;
mod plugins;
mod real_registry;
mod remote;
mod signatures;
mod stand;

use serde_json::json;
use stand::{Stand, said};

#[test]
fn a_package_is_locked_installed_run_contained_and_answers_a_client() {
    let stand = Stand::new();
    for (package, words) in [("npm:notes@1.0.0", "one"), ("pypi:notes-py==1.0.0", "one")] {
        stand.configure(package, "");
        said(
            &stand.sandgate(&["check"]),
            2,
            &["has no entry for it", "run `sandgate lock`"],
        );
        said(&stand.sandgate(&["run"]), 2, &["run `sandgate lock`"]);
        said(
            &stand.sandgate(&["lock"]),
            0,
            &["is installed in", "sandgate.lock is written"],
        );
        said(
            &stand.sandgate(&["lock"]),
            0,
            &["sandgate.lock is up to date"],
        );
        said(&stand.sandgate(&["lock", "--check"]), 0, &["agree"]);
        let checked = stand.sandgate(&["check"]);
        said(
            &checked,
            0,
            &[
                package,
                "locked, installed",
                "contained:",
                "network    none",
            ],
        );
        let answer = stand.look(&[]);
        assert_eq!(answer["words"], words, "{answer}");
        assert_eq!(
            answer["args"],
            json!([stand.config().display().to_string(), "more"])
        );
        // What it is made of cannot be changed, and what it was not given is not there.
        assert_eq!(answer["change"], "EROFS", "{answer}");
        assert_eq!(answer["config"], "ENOENT", "{answer}");
        assert!(!stand.mark().exists(), "an install script has run");
        stand.forget_lock();
    }
}

#[test]
fn a_lock_is_installed_elsewhere_at_the_start_and_run_without_a_network_from_then_on() {
    let stand = Stand::new();
    stand.configure("npm:notes@1.0.0", "");
    said(&stand.sandgate(&["lock"]), 0, &["is written"]);
    let elsewhere = stand.path("elsewhere");
    let elsewhere = elsewhere.to_str().unwrap();
    let cache = [("XDG_CACHE_HOME", elsewhere)];
    let absent = stand.sandgate_with(&["check"], &cache);
    said(
        &absent,
        0,
        &[
            "locked and not installed",
            "sandgate install",
            "locked, not installed",
        ],
    );
    assert_eq!(stand.look(&cache)["words"], "one");
    let asked = stand.asked();
    let offline = [cache[0], ("npm_config_registry", "http://127.0.0.1:1/")];
    assert_eq!(stand.look(&offline)["words"], "one");
    said(
        &stand.sandgate_with(&["install"], &offline),
        0,
        &["is installed in"],
    );
    assert_eq!(stand.asked(), asked, "the registry was asked");
}

#[test]
fn an_update_shows_what_changes_and_waits_for_a_yes() {
    let stand = Stand::new();
    stand.configure("npm:notes@1.0.0", "");
    said(&stand.sandgate(&["lock"]), 0, &["is written"]);
    let before = stand.lock();
    stand.configure("npm:notes@1.1.0", "");
    let names = "sandgate lock --update desk";
    said(
        &stand.sandgate(&["check"]),
        2,
        &["sandgate.lock has npm:notes@1.0.0", names],
    );
    said(
        &stand.sandgate(&["lock", "--check"]),
        1,
        &["npm:notes@1.1.0", names],
    );
    said(&stand.sandgate(&["lock"]), 2, &[names]);
    let difference = [
        "notes 1.0.0 -> 1.1.0",
        "+ extra 1.0.0",
        "words 1.0.0 -> 1.1.0",
    ];
    let asked = stand.sandgate(&["lock", "--update", "desk"]);
    said(&asked, 1, &difference);
    said(&asked, 1, &["not approved: nothing was written"]);
    assert_eq!(stand.lock(), before);
    said(
        &stand.sandgate(&["lock", "--update", "desk", "--yes"]),
        0,
        &difference,
    );
    assert_eq!(stand.look(&[])["words"], "two");
    said(
        &stand.sandgate(&["lock", "--update", "nobody", "--yes"]),
        2,
        &["nobody: neither a server"],
    );
}

#[test]
fn of_several_programs_one_is_chosen() {
    let stand = Stand::new();
    stand.configure("npm:two-programs@1.0.0", "");
    said(&stand.sandgate(&["lock"]), 0, &["is written"]);
    said(
        &stand.sandgate(&["check"]),
        2,
        &["has several programs: a, b", "as `bin`"],
    );
    stand.configure("npm:two-programs@1.0.0", "bin = \"c\"\n");
    said(
        &stand.sandgate(&["check"]),
        2,
        &["has no program \"c\"; it has a, b"],
    );
    stand.configure("npm:two-programs@1.0.0", "bin = \"b\"\n");
    said(&stand.sandgate(&["check"]), 0, &["locked, installed"]);
}

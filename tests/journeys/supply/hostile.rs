//! What a registry, a package, or somebody with an editor tries. Nothing of it runs.

use std::os::unix::fs::PermissionsExt;

use super::stand::{Stand, said};

#[test]
fn what_does_not_come_from_the_registry_with_a_hash_is_not_locked() {
    let stand = Stand::new();
    for (package, words) in [
        ("npm:of-git@1.0.0", ""),
        ("npm:of-elsewhere@1.0.0", ""),
        ("npm:no-hash@1.0.0", "no-hash has no hash"),
        ("npm:nowhere@1.0.0", "404"),
        ("pypi:source-py==1.0.0", "source-py"),
        ("pypi:direct-py==1.0.0", "words-py comes from 127.0.0.1"),
    ] {
        stand.configure(package, "");
        said(&stand.sandgate(&["lock"]), 2, &["is not locked:", words]);
        assert!(!stand.path("sandgate.lock").exists(), "{package}");
        assert!(!stand.mark().exists(), "{package}: its script has run");
    }
}

#[test]
fn an_archive_that_was_swapped_is_refused_with_both_hashes() {
    let stand = Stand::new();
    for (package, hash) in [
        ("npm:notes@1.0.0", "sha512-"),
        ("pypi:notes-py==1.0.0", "sha256"),
    ] {
        stand.configure(package, "");
        said(&stand.sandgate(&["lock"]), 0, &["is written"]);
        stand.swap(true);
        let fresh = [
            ("XDG_CACHE_HOME", stand.path("fresh")),
            ("npm_config_cache", stand.path("fresh/npm")),
            ("PIP_CACHE_DIR", stand.path("fresh/pip")),
        ];
        let fresh: Vec<_> = fresh
            .iter()
            .map(|(name, path)| (*name, path.to_str().unwrap()))
            .collect();
        for verb in ["install", "run"] {
            let refused = stand.sandgate_with(&[verb], &fresh);
            said(&refused, 2, &["was not installed"]);
            assert!(refused.log.matches(hash).count() >= 2, "{}", refused.log);
        }
        stand.swap(false);
        said(
            &stand.sandgate_with(&["install"], &fresh),
            0,
            &["is installed in"],
        );
        stand.forget_lock();
    }
}

#[test]
fn a_lock_that_was_edited_or_is_in_conflict_runs_nothing() {
    let stand = Stand::new();
    stand.configure("npm:notes@1.0.0", "");
    said(&stand.sandgate(&["lock"]), 0, &["is written"]);
    let good = stand.lock();
    let kept = stand.path("sandgate.lock.d/desk.package-lock.json");
    let resolved = std::fs::read_to_string(&kept).unwrap();
    let conflict = good.replace("digest", "<<<<<<< HEAD\ndigest");
    for (lock, kept_text, words) in [
        (
            conflict.as_str(),
            resolved.as_str(),
            "line 11: a merge conflict",
        ),
        (
            &good.replace("version = 1", "version = 9"),
            &resolved,
            "has version 9",
        ),
        (
            &good.replace("tools", "tool"),
            &resolved,
            "unknown field `tool`",
        ),
        (
            &good.replace("127.0.0.1", "127.0.0.2"),
            &resolved,
            "line 5: the entry of the server \"desk\"",
        ),
        (
            &good,
            &resolved.replace("sha512-", "sha512-A"),
            "line 5: the entry of the server \"desk\"",
        ),
    ] {
        std::fs::write(stand.path("sandgate.lock"), lock).unwrap();
        std::fs::write(&kept, kept_text).unwrap();
        for verb in ["check", "run", "install"] {
            said(&stand.sandgate(&[verb]), 2, &["sandgate.lock", words]);
        }
        let checked = stand.sandgate(&["lock", "--check"]);
        assert!(matches!(checked.code, Some(1 | 2)), "{checked:?}");
    }
}

#[test]
fn an_installed_package_that_was_changed_is_not_run_and_installed_anew() {
    let stand = Stand::new();
    stand.configure("npm:notes@1.0.0", "");
    said(&stand.sandgate(&["lock"]), 0, &["is written"]);
    let file = stand.installed("files/node_modules/words/index.js");
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o222, 0, "its files can be written");
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o644)).unwrap();
    std::fs::write(&file, "module.exports = 'evil';").unwrap();
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o444)).unwrap();
    for verb in ["check", "run"] {
        said(
            &stand.sandgate(&[verb]),
            2,
            &["node_modules/words/index.js differs", "sandgate install"],
        );
    }
    said(&stand.sandgate(&["install"]), 0, &["is installed in"]);
    assert_eq!(stand.look(&[])["words"], "one");
}

#[test]
fn a_missing_tool_is_named_with_what_to_do() {
    let stand = Stand::new();
    for (package, tool) in [
        ("npm:notes@1.0.0", "npm is needed"),
        ("pypi:notes-py==1.0.0", "python3 is needed"),
    ] {
        stand.configure(package, "");
        let bare = stand.sandgate_with(&["lock"], &[("PATH", "/nonexistent")]);
        said(&bare, 2, &[tool, "not in PATH; install"]);
    }
}

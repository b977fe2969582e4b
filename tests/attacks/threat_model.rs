//! The threat model against the tests that it names.

use std::path::Path;

/// Each `path.rs` or `path.rs::name` between backticks.
fn named(page: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    page.split('`').skip(1).step_by(2).filter_map(|code| {
        let (file, name) = code
            .split_once("::")
            .map_or((code, None), |(file, name)| (file, Some(name)));
        file.ends_with(".rs").then_some((file, name))
    })
}

#[test]
fn every_test_that_the_threat_model_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let page = std::fs::read_to_string(root.join("docs/security.md")).unwrap();
    let mut missing = Vec::new();
    let mut count = 0;
    for (file, name) in named(&page) {
        count += 1;
        let Ok(source) = std::fs::read_to_string(root.join(file)) else {
            missing.push(format!("{file} is not there"));
            continue;
        };

        let there = match name {
            Some(name) => source.contains(&format!("fn {name}(")),
            None => source.contains("#[test]"),
        };
        if !there {
            missing.push(format!("{file} has no {}", name.unwrap_or("test")));
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
    assert!(count > 60, "only {count} tests are named");
}

#[test]
fn every_class_of_attack_is_in_the_threat_model() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let page = std::fs::read_to_string(root.join("docs/security.md")).unwrap();
    for entry in std::fs::read_dir(root.join("tests/attacks")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if !["main.rs", "callers.rs", "threat_model.rs"].contains(&&*name) {
            let path = format!("tests/attacks/{}", name.trim_end_matches(".rs"));
            assert!(
                page.contains(&path),
                "the threat model does not name {path}"
            );
        }
    }
}

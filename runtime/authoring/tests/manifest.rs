//! Manifests that are wrong. What is said of each stands beside it: `BLESS=1 cargo test` writes it anew.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use sandgate_authoring::Authored;

#[test]
fn every_wrong_manifest_is_told_what_is_wrong_with_it_where_and_what_to_do() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/manifest");
    let all = std::fs::read_dir(&folder).unwrap();
    let mut files: Vec<PathBuf> = all.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|end| end == "toml"));
    files.sort();
    assert!(files.len() >= 6);
    for path in files {
        let name = Path::new(path.file_name().unwrap());
        let text = std::fs::read_to_string(&path).unwrap();
        let report = Authored::parse(name, text).unwrap_err();
        for issue in &report.issues {
            assert!(issue.help.is_some(), "no remedy for {}", issue.message);
        }
        let said = report.render(false);
        let golden = path.with_extension("txt");
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&golden, &said).unwrap();
        }
        let expected = std::fs::read_to_string(&golden).unwrap_or_default();
        assert_eq!(
            said,
            expected,
            "{} differs; BLESS=1 writes it anew",
            golden.display()
        );
    }
}

//! One plugin in every language: the same decisions on the same two hundred cases, byte for byte.

use std::collections::BTreeMap;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::plugin_kit::author::Author;

/// A language, and what makes its folder of `examples/mask-email` ready to be built.
type Language = (&'static str, fn(&Author, &Path) -> PathBuf);

/// A new language is a line here.
const LANGUAGES: [Language; 5] = [
    ("rust", in_place),
    ("c", in_place),
    ("python", with_interpreter),
    ("ts", with_packages),
    ("go", with_go),
];

#[test]
fn one_plugin_decides_the_same_in_every_language() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/mask-email");
    let author = Author::new();
    let mut all: Vec<(&str, BTreeMap<String, String>)> = Vec::new();
    for (language, ready) in LANGUAGES {
        let folder = ready(&author, &root.join(language));
        let folder = folder.to_str().unwrap();
        let shared = root.join("fixtures");
        let fixtures = ["--fixtures", shared.to_str().unwrap()];
        let tested =
            author.sandgate(&[&["plugin", "test", folder, "--release"], &fixtures[..]].concat());
        assert_eq!(tested.code, Some(0), "{language}: {tested:?}");
        assert!(
            tested.out.contains("200 passed, 0 failed"),
            "{language}: {}",
            tested.out
        );
        // The same without anything expected: `--bless` writes down all that came of each, findings included.
        let open = format!("open-{language}");
        for (name, text) in texts(&shared) {
            let open_text = text.split("\n[expect]").next().unwrap();
            author.write(&format!("{open}/{name}"), open_text);
        }
        let blessed = author.sandgate(&[
            "plugin",
            "test",
            folder,
            "--no-build",
            "--bless",
            "--fixtures",
            &open,
        ]);
        assert!(
            blessed
                .out
                .contains("200 passed, 0 failed, 200 written anew"),
            "{language}: {blessed:?}"
        );
        all.push((language, texts(&author.path(&open))));
    }
    let (first, wanted) = &all[0];
    assert_eq!(wanted.len(), 200);
    for (language, decided) in &all[1..] {
        for (name, text) in wanted {
            assert_eq!(text, &decided[name], "{name}: {first} and {language}");
        }
    }
}

/// Built where it lies; what is made lies in its `target`.
fn in_place(_: &Author, folder: &Path) -> PathBuf {
    folder.to_owned()
}

/// A copy, beside which lies the interpreter that the SDK's own tests have.
fn with_interpreter(author: &Author, folder: &Path) -> PathBuf {
    let copy = copied(author, folder, "python");
    symlink(harness::sdks().join("python"), copy.join(".venv")).unwrap();
    copy
}

/// A copy with what `npm install` makes.
fn with_packages(author: &Author, folder: &Path) -> PathBuf {
    let copy = copied(author, folder, "ts");
    let packages = copy.join("node_modules");
    std::fs::create_dir(&packages).unwrap();
    symlink(harness::sdks().join("js"), packages.join("sandgate")).unwrap();
    copy
}

/// A copy with the SDK and the Go that its own tests have.
fn with_go(author: &Author, folder: &Path) -> PathBuf {
    let copy = copied(author, folder, "go");
    let sdk = folder.join("../../../sdk/go").canonicalize().unwrap();
    std::fs::create_dir(copy.join("third_party")).unwrap();
    symlink(sdk, copy.join("third_party/sandgate")).unwrap();
    symlink(harness::sdks().join("go"), copy.join(".venv")).unwrap();
    copy
}

fn copied(author: &Author, folder: &Path, name: &str) -> PathBuf {
    for (file, text) in texts(folder) {
        author.write(&format!("{name}/{file}"), &text);
    }
    author.path(name)
}

/// The files of a folder.
fn texts(folder: &Path) -> BTreeMap<String, String> {
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries
        .filter(|entry| entry.file_type().unwrap().is_file())
        .map(|entry| {
            let text = std::fs::read_to_string(entry.path()).unwrap();
            (entry.file_name().into_string().unwrap(), text)
        })
        .collect()
}

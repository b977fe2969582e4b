//! `sandgate plugin upgrade`: the SDK in a project becomes the one that the program carries, and nothing else changes.

use std::collections::BTreeMap;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::plugin_kit::author::Author;

const LIST: &str = "mine/vendor/sandgate-sdk/sandgate-sdk.sha256";

/// An author with a new project in C, whose SDK needs no compiler to be looked at.
fn project() -> Author {
    let author = Author::new();
    let made = author.sandgate(&["plugin", "new", "mine", "--lang", "c", "--hook", "pre"]);
    assert_eq!(made.code, Some(0), "{made:?}");
    author
}

/// All files of the project with their content.
fn files(author: &Author) -> BTreeMap<String, Vec<u8>> {
    fn all(folder: &Path, into: &mut BTreeMap<String, Vec<u8>>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => all(&path, into),
                false => {
                    let content = std::fs::read(&path).unwrap();
                    drop(into.insert(path.display().to_string(), content));
                }
            }
        }
    }
    let mut found = BTreeMap::new();
    all(&author.path("mine"), &mut found);
    found
}

fn digest(text: &str) -> String {
    let mut sum = Command::new("sha256sum")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    sum.stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let output = sum.wait_with_output().unwrap();
    String::from_utf8(output.stdout).unwrap()[..64].to_owned()
}

/// Puts an SDK there as an earlier program laid it: one file is another, one is no more, one was not there yet.
fn age(author: &Author) {
    let old = "int of_before;\n";
    let list = std::fs::read_to_string(author.path(LIST)).unwrap();
    let mut lines = vec!["# The SDK of sandgate 0.0.9, as it was laid here; and so on".to_owned()];
    for line in list.lines().skip(1) {
        match line.split_once("  ").unwrap().1 {
            "sandgate.h" => lines.push(format!("{}  sandgate.h", digest(old))),
            "sandgate_mcp.h" => {}
            _ => lines.push(line.to_owned()),
        }
    }
    lines.push(format!("{}  of_before.c", digest(old)));
    author.write(LIST, &(lines.join("\n") + "\n"));
    author.write("mine/vendor/sandgate-sdk/sandgate.h", old);
    author.write("mine/vendor/sandgate-sdk/of_before.c", old);
    std::fs::remove_file(author.path("mine/vendor/sandgate-sdk/sandgate_mcp.h")).unwrap();
}

#[test]
fn an_old_sdk_becomes_the_programs_own_and_the_authors_files_stay() {
    let author = project();
    let new = files(&author);
    age(&author);
    author.write("mine/src/mine.c", "int mine;\n");
    author.write(
        "mine/vendor/sandgate-sdk/notes.txt",
        "an author's, who put it there\n",
    );
    let old = files(&author);

    let told = [
        "from 0.0.9 to the SDK of sandgate ",
        "  changed  sandgate.h  +",
        "  gone     of_before.c\n",
        "  new      sandgate_mcp.h\n",
    ];
    let dry = author.sandgate(&["plugin", "upgrade", "mine", "--dry-run"]);
    assert_eq!(dry.code, Some(0), "{dry:?}");
    for part in told {
        assert!(dry.out.contains(part), "{part}: {}", dry.out);
    }
    assert!(dry.out.contains("nothing was written"), "{}", dry.out);
    assert_eq!(files(&author), old);

    let done = author.sandgate(&["plugin", "upgrade", "mine"]);
    assert_eq!(done.code, Some(0), "{done:?}");
    for part in told {
        assert!(done.out.contains(part), "{part}: {}", done.out);
    }
    assert!(
        done.out.contains("Next: sandgate plugin test"),
        "{}",
        done.out
    );
    let mut wanted = new;
    for own in ["mine/src/mine.c", "mine/vendor/sandgate-sdk/notes.txt"] {
        let path = author.path(own).display().to_string();
        wanted.insert(path.clone(), old[&path].clone());
    }
    assert_eq!(files(&author), wanted);

    let again = author.sandgate(&["plugin", "upgrade", "mine"]);
    assert!(again.out.contains("already"), "{again:?}");
}

#[test]
fn an_sdk_that_somebody_edited_is_named_file_by_file_and_kept() {
    let author = project();
    age(&author);
    author.write("mine/vendor/sandgate-sdk/sandgate.c", "int edited;\n");
    std::fs::remove_file(author.path("mine/vendor/sandgate-sdk/sandgate_json.c")).unwrap();
    let before = files(&author);
    for arguments in [
        &["plugin", "upgrade", "mine"][..],
        &["plugin", "upgrade", "mine", "--dry-run"],
    ] {
        let refused = author.sandgate(arguments);
        assert_eq!(refused.code, Some(2), "{refused:?}");
        for part in ["was edited", "  sandgate.c\n", "  sandgate_json.c (gone)\n"] {
            assert!(refused.err.contains(part), "{part}: {}", refused.err);
        }
        assert!(!refused.err.contains("of_before"), "{}", refused.err);
    }
    assert_eq!(files(&author), before);
}

#[test]
fn what_is_not_the_sdks_is_neither_overwritten_nor_followed() {
    let author = project();
    age(&author);
    author.write(
        "mine/vendor/sandgate-sdk/sandgate_mcp.h",
        "int somebodys;\n",
    );
    let before = files(&author);
    for dry in [&["--dry-run"][..], &[]] {
        let refused = author.sandgate(&[&["plugin", "upgrade", "mine"], dry].concat());
        assert_eq!(refused.code, Some(2), "{refused:?}");
        assert!(
            refused.err.contains("sandgate_mcp.h (not the SDK's)"),
            "{}",
            refused.err
        );
    }
    assert_eq!(files(&author), before);

    // A list is not believed where it leads out of the folder.
    let author = project();
    author.write("precious", "keep");
    let list = std::fs::read_to_string(author.path(LIST)).unwrap();
    let bad = format!("{list}{}  ../../../precious\n", digest("keep"));
    author.write(LIST, &bad);
    let refused = author.sandgate(&["plugin", "upgrade", "mine"]);
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(author.path("precious").is_file());

    // An SDK without a list, and one that is elsewhere.
    std::fs::remove_file(author.path(LIST)).unwrap();
    let refused = author.sandgate(&["plugin", "upgrade", "mine"]);
    assert!(
        refused.err.contains("nobody knows whether it was edited"),
        "{}",
        refused.err
    );
    let elsewhere = author.path("elsewhere");
    std::fs::rename(author.path("mine/vendor/sandgate-sdk"), &elsewhere).unwrap();
    symlink(&elsewhere, author.path("mine/vendor/sandgate-sdk")).unwrap();
    let refused = author.sandgate(&["plugin", "upgrade", "mine"]);
    assert!(refused.err.contains("is a link"), "{}", refused.err);

    // Where there is none, it is laid.
    std::fs::remove_file(author.path("mine/vendor/sandgate-sdk")).unwrap();
    let laid = author.sandgate(&["plugin", "upgrade", "mine"]);
    assert_eq!(laid.code, Some(0), "{laid:?}");
    assert!(author.path(LIST).is_file());
}

#[test]
fn a_new_project_of_each_language_has_the_programs_own_sdk() {
    let author = Author::new();
    for language in ["rust", "python", "ts", "go", "c"] {
        let new = ["plugin", "new", language, "--lang", language];
        assert_eq!(author.sandgate(&new).code, Some(0));
        let same = author.sandgate(&["plugin", "upgrade", language]);
        assert!(
            same.code == Some(0) && same.out.contains("already"),
            "{same:?}"
        );
    }
}

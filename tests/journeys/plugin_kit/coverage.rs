//! `sandgate plugin test --coverage`: one table for all languages.

use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::plugin_kit::author::{Author, Said};
use crate::plugin_kit::interpreted::{made, with_go, with_packages, with_python};

fn counted(author: &Author, more: &[&str]) -> Said {
    author.sandgate(&[&["plugin", "test", "mask-email", "--coverage"], more].concat())
}

/// The project's own tests cover all of the source but a function that is never called; then one of them fails.
fn covers(author: &Author, source: &str, uncalled: &str, test: &str, right: &str) {
    let file = author.path("mask-email").join(source);
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("{text}{uncalled}")).unwrap();
    let all = text.lines().count() + uncalled.lines().count();

    let said = counted(author, &[]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let head = said.out.lines().nth(1).unwrap();
    assert_eq!(
        head.split_whitespace().collect::<Vec<_>>(),
        ["file", "lines", "covered", "missed"]
    );
    let row = |name: &str| {
        let row = said.out.lines().find(|line| line.starts_with(name));
        row.unwrap_or_else(|| panic!("no {name}: {said:?}"))
    };
    assert!(!row(source).contains("100 %"), "{said:?}");
    let last = row(source).rsplit([' ', '-']).next().unwrap();
    let last: usize = last.parse().unwrap();
    assert!(
        (all - 1..=all).contains(&last),
        "the last line is missed: {said:?}"
    );
    assert!(row("total").contains('%'), "{said:?}");
    assert_eq!(
        said.out.lines().count(),
        4,
        "tests and the SDK do not count: {said:?}"
    );

    let file = author.path("mask-email").join(test);
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace(right, "something.else")).unwrap();
    let said = counted(author, &["--json"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    let told: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(told["passed"], false, "{told}");
    assert_eq!(told["files"][0]["file"], source, "{told}");
    assert!(told["covered"].as_u64() > Some(0), "{told}");
    assert!(
        said.err.to_lowercase().contains("fail"),
        "what the tests print: {said:?}"
    );
}

#[test]
fn the_lines_that_tests_of_python_run_are_counted() {
    let author = made("python");
    with_python(&author);
    let uncalled = "\n\ndef uncalled() -> int:\n    return 1\n";
    covers(
        &author,
        "plugin.py",
        uncalled,
        "test_plugin.py",
        "command.destructive",
    );

    std::fs::remove_file(author.path("mask-email/.venv")).unwrap();
    let python = std::fs::canonicalize(harness::sdks().join("python/bin/python3")).unwrap();
    let missing = author.sandgate_with_path(
        python.parent().unwrap().to_str().unwrap(),
        &["plugin", "test", "mask-email", "--coverage"],
    );
    assert_eq!(missing.code, Some(2), "{missing:?}");
    assert!(
        missing.err.contains(".venv/bin/pip install pytest"),
        "{missing:?}"
    );
}

#[test]
fn the_lines_that_tests_of_typescript_run_are_counted() {
    let author = made("ts");
    with_packages(&author);
    let uncalled = "\nexport function uncalled(): number {\n  return 1;\n}\n";
    covers(
        &author,
        "plugin.ts",
        uncalled,
        "plugin.test.mjs",
        "command.destructive",
    );
}

#[test]
fn the_lines_that_tests_of_go_run_are_counted() {
    let author = made("go");
    with_go(&author);
    let uncalled = "\nfunc uncalled() int {\n\treturn 1\n}\n";
    covers(
        &author,
        "plugin.go",
        uncalled,
        "plugin_test.go",
        "command.destructive",
    );
}

/// The tool is not among those that the tests install: one that reports a few lines stands for it.
#[test]
fn rust_is_counted_by_cargo_llvm_cov_and_c_has_no_tests_of_its_own() {
    let author = made("rust");
    let missing = counted(&author, &[]);
    assert_eq!(missing.code, Some(2), "{missing:?}");
    assert!(
        missing
            .err
            .contains("cargo install --locked cargo-llvm-cov"),
        "{missing:?}"
    );

    let tool = author.path("bin/cargo-llvm-cov");
    author.write(
        "bin/cargo-llvm-cov",
        "#!/bin/sh\ncase \"$*\" in\n  \"llvm-cov --no-report --no-fail-fast\") exit \"${FAILS:-0}\" ;;\n  \"llvm-cov report --lcov --output-path \"*)\n    \
         printf 'SF:%s/src/lib.rs\\nDA:1,1\\nDA:2,0\\nend_of_record\\n' \"$PWD\" > \"$5\" ;;\n  *) exit 9 ;;\nesac\n",
    );
    std::fs::set_permissions(&tool, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!(
        "{}:{}",
        author.path("bin").display(),
        std::env::var("PATH").unwrap()
    );
    let arguments = ["plugin", "test", "mask-email", "--coverage"];
    let said = author.sandgate_with_path(&path, &arguments);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(
        said.out,
        "mask-email (Rust): its own tests pass\n\
         file        lines  covered        missed\n\
         src/lib.rs      2        1   50 %  2\n\
         total           2        1   50 %\n"
    );

    author.sandgate(&["plugin", "new", "mine", "--lang", "c"]);
    let none = author.sandgate(&["plugin", "test", "mine", "--coverage"]);
    assert_eq!(none.code, Some(2), "{none:?}");
    assert!(none.err.contains("its fixtures are its tests"), "{none:?}");
}

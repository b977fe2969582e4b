//! A hook that the manifest has and the source has not is no hook that lets everything pass.

use crate::plugin_kit::author::Author;

fn new(author: &Author, language: &str) {
    let new = ["plugin", "new", "mine", "--lang", language, "--hook", "pre"];
    assert_eq!(author.sandgate(&new).code, Some(0));
}

fn replace(author: &Author, file: &str, old: &str, new: &str) {
    let text = std::fs::read_to_string(author.path(file)).unwrap();
    assert!(text.contains(old), "{text}");
    author.write(file, &text.replacen(old, new, 1));
}

#[test]
fn in_c_it_does_not_link() {
    let author = Author::new();
    new(&author, "c");
    // A misspelt name is a function that nothing calls.
    let source = "mine/src/plugin.c";
    replace(&author, source, "sandgate_pre_call(", "sandgate_precall(");
    let built = author.sandgate(&["plugin", "build", "mine"]);
    assert_eq!(built.code, Some(2), "{built:?}");
    assert!(built.err.contains("sandgate_pre_call"), "{}", built.err);
    assert!(!author.path("mine/target/mine.wasm").exists());
}

#[test]
fn in_rust_it_fails_at_its_first_run() {
    let author = Author::new();
    new(&author, "rust");
    let source = "mine/src/lib.rs";
    replace(
        &author,
        source,
        "    fn pre_call(",
        "}\n\nimpl Mine {\n    fn pre_call(",
    );
    replace(&author, source, "export!(Mine: pre_call)", "export!(Mine)");
    let built = author.sandgate(&["plugin", "build", "mine"]);
    assert_eq!(built.code, Some(2), "{built:?}");
    assert!(
        built
            .err
            .contains("the plugin has no pre_call: implement it"),
        "{}",
        built.err
    );
}

//! What goes wrong before anything runs is said with what to do.

use crate::plugin_kit::author::Author;

#[test]
fn without_a_toolchain_it_says_what_to_install() {
    let author = Author::new();
    author.sandgate(&["plugin", "new", "mine", "--lang", "rust"]);
    let said = author.sandgate_with_path("/nowhere", &["plugin", "build", "mine"]);
    assert_eq!(said.code, Some(2));
    assert!(
        said.err
            .contains("cargo, which builds Rust, is not installed"),
        "{}",
        said.err
    );
    assert!(
        said.err.contains("rustup target add wasm32-wasip2"),
        "{}",
        said.err
    );
}

#[test]
fn a_folder_that_is_no_plugin_and_a_name_that_is_none_are_refused() {
    let author = Author::new();
    let nothing = author.sandgate(&["plugin", "build", "."]);
    assert_eq!(nothing.code, Some(2));
    assert!(
        nothing.err.contains("./plugin.toml cannot be opened"),
        "{}",
        nothing.err
    );
    assert!(
        nothing
            .err
            .contains("sandgate plugin new NAME --lang LANGUAGE"),
        "{}",
        nothing.err
    );
    let name = author.sandgate(&["plugin", "new", "../up", "--lang", "rust"]);
    assert_eq!(name.code, Some(2));
    assert!(
        name.err.contains("a plugin cannot be called \"../up\""),
        "{}",
        name.err
    );
    let language = author.sandgate(&["plugin", "new", "up", "--lang", "cobol"]);
    assert!(
        language
            .err
            .contains("possible values: rust, python, ts, go, c"),
        "{}",
        language.err
    );
}

#[test]
fn a_manifest_with_a_mistake_is_told_its_line() {
    let author = Author::new();
    author.write("p/plugin.toml", "name = \"p\"\nversion = \"0.1.0\"\n\n[hooks.pre-call]\ntype = \"validation\"\nevents = [\"tools/cal\"]\n");
    author.write("p/Cargo.toml", "");
    let said = author.sandgate(&["plugin", "build", "p"]);
    assert_eq!(said.code, Some(2));
    assert!(said.err.contains("p/plugin.toml:6:11"), "{}", said.err);
    assert!(
        said.err.contains("did you mean `tools/call`?"),
        "{}",
        said.err
    );
}

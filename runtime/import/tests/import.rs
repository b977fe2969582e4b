//! Files of real clients, imported. What becomes of each stands beside it: `BLESS=1 cargo test` writes it anew.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use sandgate_config::{Environment, Loaded};
use sandgate_import::{Import, ImportError, Request, run};

const FILES: [&str; 6] = [
    "claude-desktop/claude_desktop_config.json",
    "claude-code/.mcp.json",
    "cursor/.cursor/mcp.json",
    "vscode/.vscode/mcp.json",
    "windsurf/mcp_config.json",
    "zed/settings.json",
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/import")
}

fn golden(path: &Path, actual: &str) {
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(path, actual).unwrap();
    }
    let expected = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(
        expected,
        actual,
        "{} differs; BLESS=1 writes it anew",
        path.display()
    );
}

#[test]
fn each_clients_file_becomes_a_configuration_and_a_report() {
    for file in FILES {
        let path = folder().join(file);
        let case = folder().join(file.split('/').next().unwrap());
        let import = Import::of(std::slice::from_ref(&path)).unwrap();
        golden(&case.join("sandgate.toml"), &import.text());
        let report = import.report().replace(&path.display().to_string(), file);
        golden(&case.join("report.txt"), &report);
        let client = import.clients(Path::new("/srv/sandgate.toml"));
        golden(
            &case.join("client.json"),
            &format!("{}\n", in_order(&client[0])),
        );
    }
}

/// JSON with its members sorted, whatever keeps their order.
fn in_order(value: &serde_json::Value) -> String {
    fn sorted(value: &serde_json::Value) -> serde_json::Value {
        match value {
            serde_json::Value::Object(members) => {
                let mut members: Vec<_> = members.iter().collect();
                members.sort_by_key(|(name, _)| *name);
                let members = members.into_iter();
                members
                    .map(|(name, value)| (name.clone(), sorted(value)))
                    .collect()
            }
            other => other.clone(),
        }
    }
    format!("{:#}", sorted(value))
}

#[test]
fn what_comes_out_passes_once_its_variables_are_set() {
    for file in FILES {
        let import = Import::of(&[folder().join(file)]).unwrap();
        let loaded = Loaded::parse(Path::new("sandgate.toml"), import.text())
            .unwrap_or_else(|report| panic!("{file}:\n{report}"));
        assert!(!loaded.config.servers.is_empty(), "{file}");
        let names: Vec<&str> = import.variables().collect();
        let unset = loaded.resolve(&Environment::default());
        assert_eq!(
            unset.is_err(),
            !names.is_empty() || file.starts_with("windsurf"),
            "{file}"
        );
        let set: Environment = names.into_iter().map(|name| (name, "x")).collect();
        if let Err(report) = loaded.resolve(&set) {
            let other: Vec<_> = report
                .issues
                .iter()
                .filter(|issue| !issue.message.contains("/run/secrets/notes"))
                .collect();
            assert!(other.is_empty(), "{file}:\n{report}");
        }
    }
}

#[test]
fn no_secret_is_copied_or_shown() {
    for file in FILES {
        let import = Import::of(&[folder().join(file)]).unwrap();
        let client = import.clients(Path::new("x.toml"));
        let all = format!("{}{}{import:?}{client:?}", import.text(), import.report());
        let canary = |line: &&str| line.to_ascii_lowercase().contains("canary");
        let shown: String = all.lines().filter(canary).collect();
        assert_eq!(shown, "", "{file}");
    }
}

#[test]
fn several_files_become_one_configuration() {
    let files: Vec<_> = FILES.iter().map(|file| folder().join(file)).collect();
    let import = Import::of(&files).unwrap();
    let loaded = Loaded::parse(Path::new("sandgate.toml"), import.text()).unwrap();
    // `figma` is in two of them.
    for name in ["figma", "figma-2", "filesystem", "sentry", "dbhub", "older"] {
        assert!(loaded.config.servers.contains_key(name), "{name}");
    }
    assert_eq!(import.clients(Path::new("x.toml")).len(), files.len());
}

#[test]
fn a_file_that_is_there_is_written_over_only_when_told_to() {
    let place = tempfile::tempdir().unwrap();
    let output = place.path().join("sandgate.toml");
    std::fs::write(&output, "mine").unwrap();
    let mut asked = Request {
        files: vec![folder().join(FILES[0])],
        output: Some(output.clone()),
        force: false,
        client_config: true,
    };
    let error = run(&asked).unwrap_err();
    assert!(error.to_string().contains("--force"), "{error}");
    assert_eq!(std::fs::read_to_string(&output).unwrap(), "mine");
    asked.force = true;
    let said = run(&asked).unwrap();
    assert!(said.output.contains("mcpServers"), "{}", said.output);
    assert!(Loaded::read(&output).is_ok());
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 1);
}

#[test]
fn what_is_no_clients_file_is_told_what_was_expected() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("package.json");
    let import = |text: &str| {
        std::fs::write(&file, text).unwrap();
        Import::of(std::slice::from_ref(&file)).unwrap_err()
    };
    let error = import(r#"{"name": "x", "dependencies": {}}"#);
    assert!(matches!(error, ImportError::Shape { .. }), "{error}");
    for words in ["package.json", "`dependencies`", "Expected `mcpServers`"] {
        assert!(error.to_string().contains(words), "{error}");
    }
    let error = import("[servers.x]\ncommand = \"y\"\n");
    assert!(matches!(error, ImportError::Syntax { .. }), "{error}");
    let error = Import::of(&[place.path().join("none.json")]).unwrap_err();
    assert!(matches!(error, ImportError::File(_)), "{error}");
}

#[test]
fn one_entry_that_makes_no_sense_costs_no_other() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("mcp.json");
    let text = r#"{"mcpServers": {
        "good": {"command": "x"}, "text": "y", "empty": {}, "no-url": {"url": "not a url"},
        "list": {"command": ["a", "b"], "env": {"BAD": [1], "OK": true}},
        "host": {"url": "http://h/mcp", "headers": {"Host": "evil"}}, "args": {"command": "x", "args": {"a": 1}}}}"#;
    std::fs::write(&file, text).unwrap();
    let import = Import::of(&[file]).unwrap();
    let loaded = Loaded::parse(Path::new("sandgate.toml"), import.text()).unwrap();
    let names: Vec<&String> = loaded.config.servers.keys().collect();
    assert_eq!(names, ["good", "list"]);
    assert_eq!(loaded.config.servers["list"].args, ["b"]);
    let report = import.report();
    for name in ["text", "empty", "no-url", "host", "args"] {
        assert!(
            report.contains(&format!("\"{name}\": NOT taken over")),
            "{report}"
        );
    }
}

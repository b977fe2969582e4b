//! The configuration that `sandgate init` writes, made fit for a test.

use std::process::Command;

use harness::sandgate;

/// A configuration that `sandgate init` writes, with these servers. Busy machines get more time.
pub(crate) fn profile(name: &str, servers: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sandgate.toml");
    let written = Command::new(sandgate())
        .args(["init", "--profile", name, "--config"])
        .arg(&file)
        .output()
        .unwrap();
    assert!(written.status.success(), "{written:?}");
    let text = std::fs::read_to_string(file).unwrap();
    let text = text.replace("127.0.0.1:8080", "127.0.0.1:0");
    let mut adjusted = String::new();
    for line in text.lines() {
        adjusted += line;
        adjusted.push('\n');
        if line.starts_with("plugin = ") {
            adjusted += "timeout = \"20s\"\n";
        }
    }
    adjusted + servers
}

/// The same without the interceptor of this plugin.
pub(crate) fn without(text: &str, plugin: &str) -> String {
    let marker = format!("plugin = \"builtin:{plugin}\"");
    let mut tables = text.split("\n[[interceptors]]").map(str::to_owned);
    let head = tables.next().unwrap();
    let (gone, kept): (Vec<_>, Vec<_>) = tables.partition(|table| table.contains(&marker));
    assert_eq!(gone.len(), 1, "one interceptor of {plugin} in {text}");
    // What stands behind the last interceptor's own lines belongs to the servers.
    let rest = match gone[0].find("[servers.") {
        Some(at) => gone[0][at..].to_owned(),
        None => String::new(),
    };
    let kept: String = kept
        .iter()
        .map(|table| format!("\n[[interceptors]]{table}"))
        .collect();
    format!("{head}{kept}\n{rest}")
}

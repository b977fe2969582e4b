//! A configuration that is wrong: the message says where and what to do, the exit code is 2, nothing was started.

use std::net::TcpListener;
use std::process::Command;

use harness::Gateway;

/// Its server would leave a mark if it were started. The text lies below it, from line 8.
const START: &str = r#"[gateway]
listen = "127.0.0.1:0"

[servers.one]
command = "touch"
args = ["MARK"]

"#;

/// What must be said of it: where, what, what to do.
#[track_caller]
fn refused(config: &str, place: &str, what: &str, remedy: &str) {
    let folder = tempfile::tempdir().unwrap();
    let mark = folder.path().join("started");
    let (code, said) = Gateway::refused(&config.replace("MARK", &mark.display().to_string()));
    assert_eq!(code, Some(2), "{said}");
    for words in [&format!("sandgate.toml:{place}"), what, remedy] {
        assert!(said.contains(words), "{words:?} is not in:\n{said}");
    }
    assert!(!said.contains("listening"), "{said}");
    assert!(!mark.exists(), "a server was started");
}

#[test]
fn a_value_of_the_wrong_type() {
    let text = START.replace("\"127.0.0.1:0\"", "8808");
    refused(
        &text,
        "2:10",
        "`gateway.listen`",
        "an address and port such as \"127.0.0.1:8808\"",
    );
    refused(
        &format!("{START}[servers.two]\nurl = [1]\n"),
        "9:7",
        "`servers.two.url`",
        "URL",
    );
}

#[test]
fn an_unknown_key_gets_the_nearest_one() {
    let text = START.replace("listen", "lisen");
    refused(
        &text,
        "2:1",
        "`gateway` has no key `lisen`",
        "did you mean `listen`?",
    );
}

#[test]
fn two_servers_of_one_name() {
    refused(
        &format!("{START}[servers.one]\ncommand = \"x\"\n"),
        "8:10",
        "`one` is there twice",
        "give one another name",
    );
}

#[test]
fn a_bad_glob() {
    let text = format!(
        "{START}[[interceptors]]\nname = \"a\"\nplugin = \"builtin:pii-scrubber\"\ntargets = [\"ok\", \"look[up\"]\n"
    );
    refused(
        &text,
        "11:18",
        "has a `[` that is never closed",
        "put a `\\`",
    );
}

#[test]
fn settings_that_the_plugin_does_not_take() {
    let text = format!(
        "{START}[[interceptors]]\nname = \"a\"\nplugin = \"builtin:pii-scrubber\"\n\n[interceptors.settings]\nentities = [\"email\", \"shoe-size\"]\n"
    );
    refused(
        &text,
        "13:22",
        "\"shoe-size\" is not one of \"email\"",
        "\"iban\"",
    );
    refused(
        &text.replace("entities", "entitys"),
        "13:",
        "`interceptors[0].settings.entitys`: there is no such setting",
        "`sandgate plugin inspect`",
    );
}

#[test]
fn a_key_of_the_interceptor_below_the_header_of_its_settings() {
    let text = format!(
        "{START}[[interceptors]]\nname = \"a\"\nplugin = \"builtin:pii-scrubber\"\n\n[interceptors.settings]\nentities = [\"email\"]\ntimeout = \"1s\"\n"
    );
    refused(&text, "14:1", "timeout", "[interceptors.settings]");
}

#[test]
fn a_text_that_is_no_toml() {
    refused(
        &format!("{START}[servers.two\n"),
        "8:",
        "not TOML",
        "https://toml.io",
    );
}

#[test]
fn a_value_from_the_environment_that_is_not_there() {
    let text = format!("{START}env = {{ KEY = {{ from-env = \"SANDGATE_NO_SUCH_VARIABLE\" }} }}\n");
    refused(&text, "8:", "SANDGATE_NO_SUCH_VARIABLE", "help");
    let text = format!("{START}env = {{ KEY = {{ from-file = \"no/such/file\" }} }}\n");
    refused(&text, "8:", "no/such/file", "help");
}

#[test]
fn a_port_that_is_in_use() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    refused(
        &START.replace("127.0.0.1:0", &address),
        "2:10",
        &format!("{address} is in use"),
        "choose another port",
    );
}

#[test]
fn a_file_that_is_not_there() {
    for verb in ["run", "check"] {
        let output = Command::new(harness::sandgate())
            .args([verb, "--config", "/nonexistent/sandgate.toml"])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("/nonexistent/sandgate.toml"), "{said}");
        assert!(said.contains("--config"), "no remedy: {said}");
    }
}

#[test]
fn a_server_that_is_asked_for_and_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sandgate.toml");
    std::fs::write(&file, START.replace("MARK", "/nonexistent/mark")).unwrap();
    let line = Gateway::stdio_command(&file, "two");
    let output = Command::new(&line[0]).args(&line[1..]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("no server \"two\"") && said.contains("the servers are: one"),
        "{said}"
    );
}

//! Asking a gateway that runs how it is, and telling it to reload.

use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use harness::{Gateway, Save};
use serde_json::Value;

use crate::operator::stage::{POLICIES, Stage, call};

#[test]
fn beside_a_running_gateway_status_needs_no_flags() {
    let stage = Stage::new();
    let gateway = Gateway::start(&stage.config("", POLICIES));
    call(&gateway, "lookup");
    call(&gateway, "delete");

    let shown = gateway.command(&["status"]);
    assert_eq!(shown.code, Some(0), "{shown:?}");
    for words in [
        "version 1 since ",
        gateway.url.trim_start_matches("http://"),
        "refused, ",
        "allow-tools 0.1.0",
        "pii-scrubber 0.1.0",
        "desk",
        "well",
        stage.server.url(),
    ] {
        assert!(shown.output.contains(words), "{words}:\n{}", shown.output);
    }

    let told: Value = serde_json::from_str(&gateway.command(&["status", "--json"]).output).unwrap();
    assert_eq!(told["process"], gateway.process.id());
    assert_eq!(told["calls"]["refused"], 1, "{told}");
    assert_eq!(told["sessions"], 2);
    assert_eq!(told["under_way"], 0);
    let allow = &told["interceptors"][0];
    assert_eq!(
        (&allow["name"], &allow["mode"]),
        (&"allow".into(), &"active".into())
    );
    assert_eq!(
        (&allow["refusals"], &allow["faults"]),
        (&1.into(), &0.into())
    );
    assert!(allow["runs"].as_u64().unwrap() >= 2, "{told}");
    assert_eq!(told["servers"][0]["eras"], serde_json::json!(["legacy"]));
    assert_eq!(told["failed_reload"], Value::Null);
}

#[test]
fn reload_says_what_changed_or_why_nothing_did() {
    let stage = Stage::new();
    let gateway = Gateway::start(&stage.config("", POLICIES));
    let save = |text: &str| Save::RenameOver.write(&gateway.config_file(), text.as_bytes());

    let shown = gateway.command(&["reload"]);
    assert_eq!(shown.code, Some(0), "{shown:?}");
    assert_eq!(
        shown.output,
        "Reloaded: version 2 is in force.\n  nothing differs from the version before\n"
    );

    let good = POLICIES.replace("\"email\"", "\"phone\"");
    let more = format!("{good}\n[servers.other]\nurl = \"http://127.0.0.1:9/mcp\"\n");
    save(&stage.config("", &more));
    let shown = gateway.command(&["reload"]);
    assert_eq!(shown.code, Some(0), "{shown:?}");
    assert_eq!(
        shown.output,
        "Reloaded: version 3 is in force.\n  server other: added\n  interceptor scrub: changed (settings)\n"
    );

    save(&stage.config("", &more.replace("\"phone\"", "\"shoe-size\"")));
    let shown = gateway.command(&["reload"]);
    assert_eq!(shown.code, Some(1), "{shown:?}");
    assert!(
        shown.output.contains("version 3 stays in force"),
        "{shown:?}"
    );
    assert!(shown.log.contains("sandgate.toml:"), "{shown:?}");
    let status = gateway.command(&["status"]).output;
    assert!(status.contains("what was in force stays so"), "{status}");
    assert!(status.contains("shoe-size"), "{status}");

    save("[gateway\n");
    assert_eq!(gateway.command(&["reload"]).code, Some(1), "not even TOML");
    save(&stage.config("", POLICIES));
    let told = gateway.command(&["reload", "--json"]);
    let told: Value = serde_json::from_str(&told.output).unwrap();
    assert_eq!(told["version"], 4);
    assert_eq!(told["changes"].as_array().unwrap().len(), 2, "{told}");
    let status = gateway.command(&["status"]).output;
    assert!(status.contains("mended since"), "{status}");
}

#[test]
fn a_second_gateway_on_the_same_socket_is_refused_and_the_first_answers_on() {
    let stage = Stage::new();
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("admin.sock");
    let config = stage.config(&format!("admin = {socket:?}"), "");
    let mut gateway = Gateway::start(&config);
    let (code, said) = Gateway::refused(&config);
    assert_eq!(code, Some(2), "{said}");
    let held = format!(
        "belongs to another gateway that runs (process {})",
        gateway.process.id()
    );
    for words in ["sandgate.toml:4:9", "`gateway.admin`", &held] {
        assert!(said.contains(words), "{words}:\n{said}");
    }
    let path = socket.display().to_string();
    assert_eq!(gateway.command(&["status", "--admin", &path]).code, Some(0));

    gateway.stop(Duration::from_secs(20)).unwrap();
    let shown = gateway.command(&["status"]);
    assert_eq!(shown.code, Some(1));
    assert!(shown.log.contains("no gateway answers at "), "{shown:?}");
}

#[test]
fn a_gateway_that_was_killed_leaves_no_obstacle() {
    let stage = Stage::new();
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("admin.sock");
    let config = stage.config(&format!("admin = {socket:?}"), "");
    let mut gateway = Gateway::start(&config);
    gateway.process.signal(rustix::process::Signal::KILL);
    gateway.process.wait(Duration::from_secs(20)).unwrap();
    let shown = gateway.command(&["status"]);
    assert_eq!(shown.code, Some(1));
    assert!(shown.log.contains("has ended"), "{shown:?}");
    let gateway = Gateway::start(&config);
    assert_eq!(gateway.command(&["status"]).code, Some(0));
}

#[test]
fn the_socket_is_for_its_owner_alone() {
    let stage = Stage::new();
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("run/admin.sock");
    let gateway = Gateway::start(&stage.config(&format!("admin = {socket:?}"), ""));
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().mode() & 0o777;
    assert_eq!(mode(&socket), 0o600);
    assert_eq!(mode(socket.parent().unwrap()), 0o700);

    // Somebody opened the directory: neither side trusts it any longer.
    let open = std::fs::Permissions::from_mode(0o777);
    std::fs::set_permissions(socket.parent().unwrap(), open).unwrap();
    let shown = gateway.command(&["status"]);
    assert_eq!(shown.code, Some(1));
    assert!(
        shown.log.contains("may be written to by others"),
        "{shown:?}"
    );
    let (code, said) = Gateway::refused(&stage.config(
        &format!("admin = {:?}", socket.with_file_name("other.sock")),
        "",
    ));
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("choose a directory"), "{said}");
}

#[test]
fn nonsense_on_the_socket_is_answered_and_harms_nobody() {
    let stage = Stage::new();
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("admin.sock");
    let gateway = Gateway::start(&stage.config(&format!("admin = {socket:?}"), ""));
    let say = |bytes: &[u8]| {
        let mut stream = UnixStream::connect(&socket).unwrap();
        let _ = stream.write_all(bytes);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        answer
    };
    assert!(say(b"hello\n").contains("not a question"));
    assert!(say(b"{\"version\":99,\"ask\":\"status\"}\n").contains("you speak 99"));
    assert!(say(b"{\"version\":1,\"ask\":\"shutdown\"}\n").contains("cannot be asked"));
    assert!(say(&[b'x'; 1 << 20]).len() < 1 << 10);
    assert_eq!(say(b""), "");
    // Sixteen that say nothing take every place; they lose it in ten seconds.
    let silent: Vec<_> = (0..16)
        .map(|_| UnixStream::connect(&socket).unwrap())
        .collect();
    let shown = gateway.command(&["status"]);
    assert!(
        shown.code == Some(0) || shown.log.contains("hung up"),
        "{shown:?}"
    );
    drop(silent);
    let mut tries = 0;
    while gateway.command(&["status"]).code != Some(0) {
        tries += 1;
        assert!(tries < 200, "{}", gateway.log());
    }
}

#[test]
fn none_means_that_nobody_can_ask() {
    let stage = Stage::new();
    let gateway = Gateway::start(&stage.config("admin = \"none\"", ""));
    let shown = gateway.command(&["status"]);
    assert_eq!(shown.code, Some(1));
    assert!(shown.log.contains("nobody can ask"), "{shown:?}");
}

#[test]
fn completions_are_a_script_for_the_shell() {
    let stage = Stage::new();
    let gateway = Gateway::start(&stage.config("", ""));
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let shown = gateway.command(&["completions", shell]);
        assert_eq!(shown.code, Some(0));
        assert!(shown.output.contains("reload"), "{}", shown.output);
    }
    assert_eq!(gateway.command(&["completions", "tcsh"]).code, Some(2));
}

#[test]
fn call_asks_a_tool_through_the_policies_and_says_how_to_learn_more() {
    let stage = Stage::new();
    let gateway = Gateway::start(&stage.config("", POLICIES));
    let tools = gateway.command(&["call", "desk"]);
    assert_eq!(tools.code, Some(0), "{tools:?}");
    assert_eq!(tools.output, "no tools\n", "{tools:?}");

    let answered = gateway.command(&["call", "desk", "lookup", "{\"id\": 7}"]);
    assert_eq!(answered.code, Some(0), "{answered:?}");
    let json = gateway.command(&["call", "desk", "lookup", "--json"]);
    let json: Value = serde_json::from_str(&json.output).unwrap();
    assert!(json["content"][0]["text"].is_string(), "{json}");

    let refused = gateway.command(&["call", "desk", "delete"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    let id = refused
        .output
        .lines()
        .find_map(|line| line.strip_prefix("more: sandgate why "));
    let why = gateway.command(&["why", id.unwrap()]);
    assert!(why.output.contains("allow"), "{why:?}");

    for (args, says) in [
        (
            &["call", "desk", "lookup", "7"][..],
            "arguments are an object",
        ),
        (&["call", "desk", "lookup", "{"], "it is no JSON"),
        (&["call", "desk", "lookup", "@nowhere.json"], "nowhere.json"),
        (&["call", "nobody", "lookup"], "it has desk"),
    ] {
        let wrong = gateway.command(args);
        assert_eq!(wrong.code, Some(2), "{wrong:?}");
        assert!(wrong.log.contains(says), "{says}: {wrong:?}");
    }
}

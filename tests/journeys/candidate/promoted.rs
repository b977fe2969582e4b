//! Making it live.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use harness::Gateway;

use crate::candidate::{ask, candidate, desk, settled, text};

/// With comments and a layout that somebody cares for.
fn written(server: &str) -> String {
    format!(
        "\
# Ours, with care.
[gateway]
listen = \"127.0.0.1:0\"   # any

{server}
# What leaves the house.
[[interceptors]]
name     = \"scrub\"
plugin   = \"builtin:pii-scrubber\"
timeout  = \"20s\"
settings = {{ entities = [\"email\"] }} # for now
# Since Tuesday.
candidate = {{ settings = {{ entities = [\"email\", \"phone\"] }}, share = \"100%\" }}
fail-open = false

# Nothing follows.
"
    )
}

fn afterwards(before: &str) -> String {
    let tried = "# Since Tuesday.\ncandidate = { settings = { entities = [\"email\", \"phone\"] }, share = \"100%\" }\n";
    assert!(before.contains(tried));
    let without = before.replace(tried, "");
    without.replace("[\"email\"] } # for", "[\"email\", \"phone\"] } # for")
}

#[test]
fn it_is_live_in_the_gateway_and_in_the_file_and_a_restart_agrees() {
    let server = desk();
    let before = written(&server.config("desk"));
    let mut gateway = Gateway::start(&before);
    let held = || std::fs::read_to_string(gateway.config_file()).unwrap();
    assert_eq!(text(&ask(&gateway, "phone")), "call +81 3-1234-5678");
    settled(&gateway, "scrub", 2);

    let shown = gateway.command(&["promote", "scrub", "--dry-run"]);
    assert_eq!(shown.code, Some(0), "{shown:?}");
    for words in [
        "2 runs: 1 the same, 1 differ",
        "+settings = { entities = [\"email\", \"phone\"] } # for now",
    ] {
        assert!(shown.output.contains(words), "{words}: {shown:?}");
    }
    assert_eq!(held(), before);

    let asked = gateway.command(&["promote", "scrub"]);
    assert_eq!(asked.code, Some(1), "nobody can say yes: {asked:?}");
    for words in [
        "1 of its runs differ from the live one's",
        "--yes",
        "Nothing has changed.",
    ] {
        assert!(asked.log.contains(words), "{words}: {asked:?}");
    }
    assert_eq!(held(), before);
    assert!(!candidate(&gateway, "scrub").is_null());

    let done = gateway.command(&["promote", "scrub", "--yes"]);
    assert_eq!(done.code, Some(0), "{done:?}\n{}", gateway.log());
    for words in [
        "Promoted: scrub is pii-scrubber ",
        " is in force",
        ".before-promote",
    ] {
        assert!(done.output.contains(words), "{words}: {done:?}");
    }
    assert_eq!(held(), afterwards(&before));
    let kept = gateway
        .config_file()
        .with_file_name("sandgate.toml.before-promote");
    assert_eq!(std::fs::read_to_string(kept).unwrap(), before);
    assert!(candidate(&gateway, "scrub").is_null());
    let live = text(&ask(&gateway, "phone"));
    assert!(!live.contains("1234-5678"), "{live}");

    let again = gateway.command(&["promote", "scrub", "--yes"]);
    assert_eq!(again.code, Some(2), "{again:?}");
    assert!(
        again
            .log
            .contains("nothing is tried beside the interceptor \"scrub\""),
        "{again:?}"
    );
    let text_held = held();
    gateway.stop(Duration::from_secs(20)).unwrap();
    let restarted = Gateway::start(&text_held);
    assert_eq!(text(&ask(&restarted, "phone")), live);
}

#[test]
fn whoever_sits_at_a_terminal_is_asked_and_may_say_no_or_yes() {
    let server = desk();
    let before = written(&server.config("desk"));
    let gateway = Gateway::start(&before);
    let held = || std::fs::read_to_string(gateway.config_file()).unwrap();
    ask(&gateway, "phone");
    settled(&gateway, "scrub", 2);
    let answering = |answer: &str| {
        let question = "Promote it all the same? [y/N]";
        gateway.command_at_a_terminal(&["promote", "scrub"], question, answer)
    };
    for no in ["", "n", "yeah"] {
        let refused = answering(no);
        assert_eq!(refused.code, Some(1), "{no:?}: {refused:?}");
        assert!(
            refused.output.contains("Nothing has changed."),
            "{refused:?}"
        );
        assert_eq!(held(), before);
    }
    let done = answering("y");
    assert_eq!(done.code, Some(0), "{done:?}");
    for words in ["100% of calls since 20", "Promoted: scrub is"] {
        assert!(done.output.contains(words), "{words}: {done:?}");
    }
    assert_eq!(held(), afterwards(&before));
}

#[test]
fn a_file_behind_a_link_is_promoted_and_keeps_its_mode_and_the_link_stays() {
    let server = desk();
    let before = written(&server.config("desk"));
    let gateway = Gateway::start(&before);
    let elsewhere = tempfile::tempdir().unwrap();
    let real = elsewhere.path().join("real.toml");
    std::fs::rename(gateway.config_file(), &real).unwrap();
    std::fs::set_permissions(&real, PermissionsExt::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink(&real, gateway.config_file()).unwrap();
    let done = gateway.command(&["promote", "scrub", "--yes"]);
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(gateway.config_file().is_symlink());
    assert_eq!(std::fs::read_to_string(&real).unwrap(), afterwards(&before));
    assert_eq!(
        real.metadata().unwrap().permissions().mode() & 0o7777,
        0o640
    );
    assert!(candidate(&gateway, "scrub").is_null());
}

#[test]
fn where_the_file_cannot_be_written_it_is_said_what_to_do_and_nothing_has_changed() {
    let server = desk();
    let before = written(&server.config("desk"));
    let gateway = Gateway::start(&before);
    // Where the file of before would be kept, something is that nobody writes over, whoever it is.
    let kept = gateway
        .config_file()
        .with_file_name("sandgate.toml.before-promote");
    std::fs::create_dir(&kept).unwrap();
    let folder = gateway.config_file().parent().unwrap().to_owned();
    let files = || {
        let mut names: Vec<_> = std::fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        names.sort();
        names
    };
    let lying = files();
    let refused = gateway.command(&["promote", "scrub", "--yes"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    for words in [
        "sandgate.toml cannot be written",
        "nothing has changed",
        "a user who may write in its folder",
        "move the candidate's keys by hand",
    ] {
        assert!(refused.log.contains(words), "{words}: {refused:?}");
    }
    assert_eq!(
        std::fs::read_to_string(gateway.config_file()).unwrap(),
        before
    );
    assert_eq!(files(), lying);
    assert!(!candidate(&gateway, "scrub").is_null());
}

#[test]
fn moving_the_keys_by_hand_promotes_it_too() {
    let server = desk();
    let before = written(&server.config("desk"));
    let gateway = Gateway::start(&before);
    assert_eq!(text(&ask(&gateway, "phone")), "call +81 3-1234-5678");
    std::fs::write(gateway.config_file(), afterwards(&before)).unwrap();
    let reloaded = gateway.command(&["reload"]);
    assert_eq!(reloaded.code, Some(0), "{reloaded:?}");
    assert!(candidate(&gateway, "scrub").is_null());
    let live = text(&ask(&gateway, "phone"));
    assert!(!live.contains("1234-5678"), "{live}");
}

#[test]
fn where_nothing_speaks_against_it_nobody_is_asked() {
    let server = desk();
    let config = written(&server.config("desk")).replace(
        "entities = [\"email\", \"phone\"]",
        "entities = [\"email\", \"iban\"]",
    );
    let gateway = Gateway::start(&config);
    ask(&gateway, "mail");
    settled(&gateway, "scrub", 2);
    let done = gateway.command(&["promote", "scrub"]);
    assert_eq!(done.code, Some(0), "{done:?}");
}

#[test]
fn without_a_gateway_it_takes_effect_at_the_next_start() {
    let server = desk();
    let before = written(&server.config("desk"));
    let mut gateway = Gateway::start(&before);
    gateway.stop(Duration::from_secs(20)).unwrap();
    let asked = gateway.command(&["promote", "scrub"]);
    assert_eq!(asked.code, Some(1), "{asked:?}");
    assert!(asked.log.contains("how it does is not known"), "{asked:?}");
    let done = gateway.command(&["promote", "scrub", "-y"]);
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(
        done.output
            .contains("it takes effect when a gateway starts"),
        "{done:?}"
    );
    let held = std::fs::read_to_string(gateway.config_file()).unwrap();
    assert_eq!(held, afterwards(&before));
}

#[test]
fn what_the_gateway_does_not_take_is_put_back() {
    let server = desk();
    let before = written(&server.config("desk"));
    let gateway = Gateway::start(&before);
    // One that runs with another file: it reloads, and what it has is not what was promoted.
    let other = Gateway::start(&before);
    let socket = gateway.config_file().with_file_name("sandgate");
    let of_other = other.config_file().with_file_name("sandgate");
    let socket_in = |folder: &std::path::Path| {
        let mut sockets = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path());
        let socket = sockets.find(|path| path.extension().is_some_and(|end| end == "sock"));
        socket.unwrap_or_else(|| panic!("no socket in {}", folder.display()))
    };
    assert_ne!(socket_in(&socket), socket_in(&of_other));
    let admin = socket_in(&of_other).display().to_string();
    let refused = gateway.command(&["promote", "scrub", "--yes", "--admin", &admin]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    for words in ["the file is as it was", "another configuration"] {
        assert!(refused.log.contains(words), "{words}: {refused:?}");
    }
    let held = std::fs::read_to_string(gateway.config_file()).unwrap();
    assert_eq!(held, before);
}

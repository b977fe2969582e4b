//! Lists of hosts that hold nobody, entries that are none, and machines that cannot hold a server to its list.
#![cfg(target_os = "linux")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, SystemTime};

use harness::Gateway;

use super::containment::{check, wrong};

fn server(contain: &str, egress: &str) -> String {
    format!("[servers.one]\ncommand = \"true\"\n{contain}\negress = {egress}\n")
}

#[test]
fn a_list_without_containment_is_an_error_that_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let check = |contain: &str| {
        let config = server(contain, "[\"api.example.com\"]");
        check(folder.path(), &config, &[])
    };
    for contain in ["", "contain = false"] {
        let words = ["`egress` and is not contained", "add contain = true"];
        wrong(&check(contain), &words);
    }
    let words = ["`egress` and `network = \"host\"`", "take `network` out"];
    wrong(&check("contain = { network = \"host\" }"), &words);
    let remote = "[servers.one]\nurl = \"http://127.0.0.1:1/mcp\"\negress = []\n";
    let said = super::containment::check(folder.path(), remote, &[]);
    wrong(&said, &["`egress`, which goes with `command`"]);
}

#[test]
fn an_entry_that_is_none_is_named_with_what_to_write() {
    let folder = tempfile::tempdir().unwrap();
    for (entry, why, help) in [
        (
            "https://api.example.com",
            "has a scheme",
            "write the host alone",
        ),
        ("api.example.com/v1", "has a path", "write the host alone"),
        ("api.*.com", "has a `*` elsewhere", "*.example.com"),
        ("*", "stands for every host", "name the hosts"),
        (
            "api.example.com:0",
            "has no port from 1 to 65535",
            "leave it out",
        ),
        ("", "is empty", "write `name`"),
        ("127.0.0.1:9000", "not public", "private:127.0.0.1:9000"),
        ("localhost", "not public", "private:"),
        ("bücher.example", "outside of ASCII", "xn--"),
    ] {
        for egress in [format!("[{entry:?}]"), format!("{{ allow = [{entry:?}] }}")] {
            let config = server("contain = true", &egress);
            let said = check(folder.path(), &config, &[]);
            wrong(&said, &["servers.one.egress", why, help]);
        }
    }
    for (egress, words) in [
        ("\"api.example.com\"", "a list of hosts or a table"),
        ("{ audit = true }", "has no key `audit`"),
        ("{ audit-until = \"1h\" }", "is not a time in UTC"),
    ] {
        let config = server("contain = true", egress);
        wrong(&check(folder.path(), &config, &[]), &[words]);
    }
}

#[test]
fn an_audit_has_an_end_within_a_day_and_is_doubtful() {
    let folder = tempfile::tempdir().unwrap();
    let check = |hours: u64| {
        let until = SystemTime::now() + Duration::from_secs(hours * 3600);
        let until = humantime::format_rfc3339_seconds(until);
        let egress = format!("{{ allow = [\"api.example.com\"], audit-until = \"{until}\" }}");
        check(folder.path(), &server("contain = true", &egress), &[])
    };
    wrong(
        &check(25),
        &[
            "`servers.one.egress.audit-until`",
            "24 hours ahead",
            "for an hour from now, write",
        ],
    );
    let said = check(1);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.log.contains("reaches every public host"), "{said:?}");
    for words in [
        "network    the gateway's proxy (a loopback of its own)",
        "reaches    api.example.com",
        "reaches    EVERY PUBLIC HOST until",
    ] {
        assert!(
            said.output.contains(words),
            "{words:?} is not in:\n{}",
            said.output
        );
    }
}

/// Landlock has no network of its own: where none can be made, nothing looser takes its place.
#[test]
fn landlock_without_user_namespaces_holds_nobody_to_a_list() {
    let config = server("contain = { with = \"landlock\" }", "[\"api.example.com\"]");
    let started = catch_unwind(AssertUnwindSafe(|| {
        Gateway::start_without_user_namespaces(&config)
    }));
    let Err(panicked) = started else {
        panic!("it serves");
    };
    let said = panicked.downcast_ref::<String>().unwrap();
    for words in [
        "`servers.one.egress`",
        "no network of the server's own can be made here",
        "let this user make user namespaces",
    ] {
        assert!(said.contains(words), "{words:?} is not in:\n{said}");
    }
}

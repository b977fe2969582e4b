//! A state file that cannot be written: shown, and, where that is asked for, a reason not to be ready.

use std::process::Command;
use std::time::{Duration, Instant};

use harness::{Gateway, request};
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
use serde_json::json;

use crate::operator::stage::{Stage, by_shell, call};

const REMEMBERS: &str = r#"
[[interceptors]]
name = "scrub"
plugin = "builtin:pii-scrubber"
timeout = "20s"
settings = { entities = ["email"], action = "tokenise" }
grants = { state = true }
"#;

/// How large a file the gateway may write from now on, in bytes; none: any.
fn largest_file(gateway: &Gateway, size: Option<u64>) {
    let pid = Pid::from_raw(gateway.process.id().cast_signed());
    let limit = Rlimit {
        current: size,
        maximum: getrlimit(Resource::Fsize).maximum,
    };
    prlimit(pid, Resource::Fsize, limit).unwrap();
}

fn await_ready(gateway: &Gateway, ready: bool) {
    let until = Instant::now() + Duration::from_secs(20);
    while gateway.readiness()["ready"] != ready {
        assert!(Instant::now() < until, "{}", gateway.readiness());
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_state_file_that_cannot_be_written_is_shown_until_it_can() {
    let stage = Stage::new();
    let settings = "state = \"state.redb\"\nnot-ready-when = [\"state\"]";
    let config = stage.config(settings, REMEMBERS);
    // The signal that comes with the limit would end it.
    let unharmed = |command: &mut Command| by_shell(command, "trap '' XFSZ; exec \"$@\"");
    let gateway = Gateway::start_as(&config, unharmed);
    assert_eq!(gateway.readiness()["ready"], true);
    largest_file(&gateway, Some(0));
    call(&gateway, "look_up_customer");
    await_ready(&gateway, false);
    let answer = request("GET", &format!("{}/readyz", gateway.url), &[], b"");
    assert_eq!(answer.status, 503);
    assert_eq!(gateway.readiness()["conditions"], json!(["state"]));
    let status = gateway.command(&["status"]).output;
    let told = "state (not ready): the state file cannot be written: ";
    assert!(status.contains(told), "{status}");
    largest_file(&gateway, None);
    await_ready(&gateway, true);
}

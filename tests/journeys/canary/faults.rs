//! A plugin that fails repeats what it was given: the log does not, unless the operator asks for it.

use harness::{Canary, Era, FakeServer, Gateway, Script};

use crate::canary::stand::{Format, Left, Stand, loud};
use crate::canary::talk::{Talk, stdio};

const WORD: &str = "canaryQ7xK2vR9";

/// Guests that fail, and how: those that say what they were given come first.
const FAILING: [(&str, &str); 7] = [
    ("own-error", "own-error"),
    ("panics", "trap"),
    ("traps", "trap"),
    ("exits", "trap"),
    ("edits-what-is-not-there", "malformed"),
    ("returns-nonsense", "own-error"),
    ("recurses", "trap"),
];

fn config(stand: &Stand, detail: bool) -> (String, FakeServer) {
    let server = FakeServer::http(Script::new());
    let failing = FAILING.map(|(guest, _)| {
        let only = format!("targets = [\"{guest}\"]\nfault-detail = {detail}");
        stand.guest(guest, guest, &only)
    });
    let noop = stand.guest("noop", "noop", "");
    let config = stand.config(false) + &server.config("fake") + &failing.concat() + &noop;
    (config, server)
}

fn fail(talk: &mut Talk) {
    talk.greet("hello", "journey");
    for (guest, kind) in FAILING {
        // `returns-nonsense` repeats, in an error of its own, a nonsense that it does not know.
        let params = format!(
            r#"{{"name":"{guest}","arguments":{{"{WORD}":"{WORD}"}},"misbehave":"{WORD}"}}"#
        );
        let replies = talk.ask(guest, "journey", "tools/call", &params);
        let reply = replies.last().unwrap();
        assert!(
            reply.contains(&format!("failed ({kind})")),
            "{guest}: {reply}"
        );
        assert!(!reply.contains(WORD), "{guest}: {reply}");
    }
}

fn failed(detail: bool, format: Format, era: Era) -> Left {
    let stand = Stand::new();
    let (config, _server) = config(&stand, detail);
    let gateway = Gateway::start_as(&config, loud(format));
    let mut talk = Talk::http(gateway.mcp("fake"), era, &[]);
    fail(&mut talk);
    let left = stand.end(gateway);
    if !detail {
        left.assert_without(&Canary::new(WORD), &format!("{format:?} in {era:?}"));
    }
    for (guest, kind) in FAILING {
        assert!(
            left.calls.contains(&format!(r#""failure":"{kind}""#)),
            "{guest}"
        );
    }
    left
}

#[test]
fn what_a_failing_plugin_says_is_not_logged() {
    failed(false, Format::Text, Era::Legacy);
    failed(false, Format::Json, Era::Modern);
}

#[test]
fn what_a_failing_plugin_says_is_not_logged_on_stdio() {
    let stand = Stand::new();
    let (config, _server) = config(&stand, false);
    let mut talk = stdio(&config, "fake", Era::Legacy, loud(Format::Text));
    fail(&mut talk);
    let Talk::Stdio(pipe, _) = talk else {
        unreachable!("it is on stdio")
    };
    let left = stand.end_pipe(pipe);
    left.assert_without(&Canary::new(WORD), "on stdio");
}

#[test]
fn what_a_failing_plugin_says_is_logged_where_it_is_asked_for() {
    for format in [Format::Text, Format::Json] {
        let left = failed(true, format, Era::Legacy);
        for said in ["I cannot read", "I cannot stand", "no such nonsense"] {
            let line = left.log.lines().find(|line| line.contains(said));
            assert!(
                line.is_some_and(|line| line.contains(WORD)),
                "{said}:\n{}",
                left.log
            );
        }
        assert!(!left.calls.contains(WORD), "{}", left.calls);
    }
}

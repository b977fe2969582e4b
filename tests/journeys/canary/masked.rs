//! A policy masks a word in both directions: no log, no cache and no state has it, whoever said it and wherever.

use harness::{Canary, Envelope, Era, Gateway};

use crate::canary::servers::{OverStdio, over_http};
use crate::canary::stand::{Format, Left, Stand, loud};
use crate::canary::talk::{Talk, stdio};

/// Masked by the policy, so it is nowhere.
pub(crate) const MASKED: &str = "canaryQ7xK2vR9";
/// In ids, which pass by nature and belong in no record.
pub(crate) const ID: &str = "wrenT5mB8yL3h";
/// In headers: likewise.
const HEADER: &str = "finchJ3sG9cV5k";
/// In a method's name, which no policy can mask: it stands where the method stands, and nowhere else.
pub(crate) const METHOD: &str = "heronZ4pW6nD1q";

const MASK: &str = "settings = { word = { from-env = \"WORD\" } }";

/// The word goes through a policy that masks it; others stand before and behind it.
fn interceptors(stand: &Stand, mask: &str) -> String {
    let remember = "targets = [\"remember\"]\nfail-open = true\ngrants = { state = true }";
    let bar = r#"[[interceptors]]
name = "bar"
plugin = "builtin:allow-tools"
timeout = "5s"
targets = ["*-refused"]
settings = { rules = [{ who = ["*"], allow = [] }] }

"#;
    [
        stand.guest("watch", "counter", &format!("mode = \"audit\"\n{remember}")),
        mask.to_owned(),
        stand.guest("remember", "counter", remember),
        bar.to_owned(),
        stand.guest("noop", "noop", ""),
    ]
    .concat()
}

/// Says the word in everything that a client can say. `prefix` goes before the names of tools.
fn speak(talk: &mut Talk, prefix: &str) -> Vec<String> {
    talk.greet(ID, MASKED);
    let calls = [
        ("tools/list", r#"{"cursor":"$"}"#),
        (
            "tools/call",
            r#"{"name":"@lookup","arguments":{"a":"x $ y","$":{"n":[1,"$"]},"b":"\u0063anaryQ7xK2vR9"},"_meta":{"progressToken":"$-token","$":"$"}}"#,
        ),
        ("tools/call", r#"{"name":"@$-unknown","arguments":{}}"#),
        (
            "tools/call",
            r#"{"name":"@$-refused","arguments":{"$":"$"}}"#,
        ),
        ("resources/read", r#"{"uri":"note:$/a?b=$"}"#),
        ("resources/subscribe", r#"{"uri":"file:///$/a"}"#),
        (
            "prompts/get",
            r#"{"name":"@$-prompt","arguments":{"a":"$"}}"#,
        ),
        (
            "completion/complete",
            r#"{"ref":{"type":"ref/prompt","name":"@$"},"argument":{"name":"$","value":"$"}}"#,
        ),
        ("heronZ4pW6nD1q/what", r#"{"$":"$"}"#),
        ("tools/call", r#"{"name":"@fails","arguments":{"a":"$"}}"#),
        ("tools/call", r#"{"name":"@twice","arguments":{"a":"$"}}"#),
        ("tools/call", r#"{"name":"@babbles","arguments":{"a":"$"}}"#),
        ("tools/call", r#"{"name":"@status","arguments":{"a":"$"}}"#),
        ("tools/call", r#"{"name":"@page","arguments":{"a":"$"}}"#),
        (
            "tools/call",
            r#"{"name":"@remember","op":"set","key":"$-key","value":"$-value","arguments":{}}"#,
        ),
        ("tools/call", r#"{"name":"@asks","arguments":{"a":"$"}}"#),
    ];
    let mut replies = Vec::new();
    for (n, (method, params)) in calls.iter().enumerate() {
        // Only HTTP has a status.
        if matches!(talk, Talk::Stdio(..)) && (params.contains("status") || params.contains("page"))
        {
            continue;
        }
        let params = params.replace('@', prefix).replace('$', MASKED);
        for reply in talk.ask(&format!("{ID}-{n}"), MASKED, method, &params) {
            let envelope = serde_json::from_str(&reply).ok();
            if let Some(serde_json::Value::Object(question)) = envelope
                && question
                    .get("method")
                    .is_some_and(|it| it == "sampling/createMessage")
            {
                let id = Envelope::of(reply.as_bytes()).id.unwrap();
                talk.answer(&format!(
                    r#"{{"jsonrpc":"2.0","id":{id},"result":{{"role":"assistant","content":{{"type":"text","text":"{MASKED}"}},"model":"{MASKED}"}}}}"#
                ));
            }
            replies.push(reply);
        }
    }
    let reason = format!(
        r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":"gone","reason":"{MASKED}"}}}}"#
    );
    talk.say(&reason);
    for broken in [
        format!(r#"{{"jsonrpc":"2.0","id":"{ID}","method":"tools/call","params":{{"{MASKED}":"#),
        format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{{"{MASKED}":1,"{MASKED}":2}}}}"#
        ),
        format!(r#"["{MASKED}"]"#),
    ] {
        replies.push(talk.blurt(&broken));
    }
    replies
}

#[track_caller]
fn assert_nothing_left(left: &Left, talks: &[Talk], what: &str) {
    for word in [MASKED, ID, HEADER] {
        left.assert_without(&Canary::new(word), what);
    }
    for session in talks
        .iter()
        .filter_map(Talk::session)
        .chain(["fake-session"])
    {
        let there = left.log.contains(session) || left.calls.contains(session);
        assert!(!there, "{what}: the session {session} is written down");
    }
    // The policy did its work, and what it left is what was written.
    assert!(
        readable(&left.state).contains("[masked]-key"),
        "{what}: no state"
    );
    assert!(
        left.calls.contains(r#""target":"[masked]-refused""#),
        "{what}"
    );
    assert!(
        left.calls
            .contains(r#""target":"note:[masked]/a?b=[masked]""#),
        "{what}"
    );
    assert!(
        left.calls.contains(r#""client":{"name":"[masked]""#),
        "{what}"
    );
    let method = Canary::new(METHOD);
    let rest = left
        .calls
        .replace(&format!(r#""method":"{METHOD}/what""#), "");
    assert_eq!(
        method.find("the call log", rest.as_bytes()),
        [""; 0],
        "{what}"
    );
    let rest = left
        .log
        .replace(&format!(r#"method="{METHOD}/what""#), "")
        .replace(&format!(r#""method":"\"{METHOD}/what\"""#), "");
    assert_eq!(method.find("the log", rest.as_bytes()), [""; 0], "{what}");
}

/// What is readable in bytes.
fn readable(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn over_http_in_both_eras(payloads: bool, format: Format) {
    let (stand, remote, child) = (Stand::new(), over_http(), OverStdio::start());
    let mask = stand.guest("mask", "masks-a-word", MASK);
    let config = [
        stand.config(payloads),
        remote.config("fake"),
        child.config("child"),
        interceptors(&stand, &mask),
    ];
    let gateway = Gateway::start_as(&config.concat(), |command| {
        loud(format)(command);
        command.env("WORD", MASKED);
    });
    let mut talks = Vec::new();
    for server in ["fake", "child", ""] {
        for era in [Era::Legacy, Era::Modern] {
            let authorization = format!("Bearer {HEADER}");
            let headers = [
                ("x-canary", HEADER),
                ("authorization", &authorization),
                ("mcp-param-secret", HEADER),
                ("baggage", HEADER),
                ("last-event-id", HEADER),
            ];
            let mut talk = Talk::http(gateway.mcp(server), era, &headers);
            let prefix = if server.is_empty() { "fake__" } else { "" };
            let replies = speak(&mut talk, prefix);
            // The gateway's own words on the merged endpoint may name what it was asked for.
            if !server.is_empty() {
                assert_masked(&replies, &format!("{server} in {era:?}"));
            }
            talks.push(talk);
        }
    }
    for heard in remote.heard() {
        let found = Canary::new(MASKED).find("what the server heard", &heard.body);
        assert_eq!(found, [""; 0]);
        for (name, value) in &heard.headers {
            let found = Canary::new(MASKED).find(name, value.as_bytes());
            assert_eq!(found, [""; 0]);
        }
    }
    assert_eq!(
        Canary::new(MASKED).find("what the child heard", &child.heard()),
        [""; 0]
    );
    let left = stand.end(gateway);
    assert!(
        left.log.contains("[masked]"),
        "the child's stderr is logged"
    );
    assert_eq!(left.calls.contains("[masked]-value"), payloads);
    assert_nothing_left(&left, &talks, &format!("payloads {payloads}, {format:?}"));
}

#[track_caller]
fn assert_masked(replies: &[String], what: &str) {
    let all = replies.join("\n");
    assert!(all.contains("[masked]"), "{what}: {all}");
    let found = Canary::new(MASKED).find("the replies", all.as_bytes());
    assert_eq!(found, [""; 0], "{what}");
}

#[test]
fn a_masked_word_is_nowhere_with_payloads_over_http() {
    over_http_in_both_eras(true, Format::Json);
}

#[test]
fn a_masked_word_is_nowhere_without_payloads_over_http() {
    over_http_in_both_eras(false, Format::Text);
}

fn on_stdio(payloads: bool, format: Format, era: Era, behind: &str) {
    let (stand, remote, child) = (Stand::new(), over_http(), OverStdio::start());
    let mask = stand.guest("mask", "masks-a-word", MASK);
    let server = match behind {
        "child" => child.config("child"),
        _ => remote.config("fake"),
    };
    let config = stand.config(payloads) + &server + &interceptors(&stand, &mask);
    let mut talk = stdio(&config, behind, era, |command| {
        loud(format)(command);
        command.env("WORD", MASKED);
    });
    let replies = speak(&mut talk, "");
    assert_masked(&replies, &format!("{behind} in {era:?}"));
    let Talk::Stdio(pipe, _) = talk else {
        unreachable!("it is on stdio")
    };
    let left = stand.end_pipe(pipe);
    assert_nothing_left(&left, &[], &format!("{behind} in {era:?}"));
}

#[test]
fn a_masked_word_is_nowhere_with_payloads_on_stdio() {
    on_stdio(true, Format::Text, Era::Legacy, "child");
    on_stdio(true, Format::Json, Era::Modern, "fake");
}

#[test]
fn a_masked_word_is_nowhere_without_payloads_on_stdio() {
    on_stdio(false, Format::Json, Era::Legacy, "fake");
    on_stdio(false, Format::Text, Era::Modern, "child");
}

#[test]
fn a_word_that_nobody_masks_is_found() {
    let (stand, remote) = (Stand::new(), over_http());
    let elsewhere = stand.guest(
        "mask",
        "masks-a-word",
        &format!("targets = [\"elsewhere\"]\nsettings = {{ word = {MASKED:?} }}"),
    );
    let config = stand.config(true) + &remote.config("fake") + &interceptors(&stand, &elsewhere);
    let gateway = Gateway::start_as(&config, loud(Format::Text));
    let mut talk = Talk::http(gateway.mcp("fake"), Era::Legacy, &[]);
    speak(&mut talk, "");
    let left = stand.end(gateway);
    let canary = Canary::new(MASKED);
    assert_ne!(canary.find("the call log", left.calls.as_bytes()), [""; 0]);
    assert_ne!(canary.find("the state", &left.state), [""; 0]);
    // Settings that stand in the file itself may be cached with what was made of them.
    assert_ne!(canary.find_below(&stand.cache()), [""; 0]);
}

//! What nobody changed arrives as it was sent: byte for byte, over every pair of transports, in both directions and both
//! eras. The exceptions: line ends between tokens where lines or events frame the message, what some readers of lines
//! take for one in strings, which the gateway escapes there, and ids where several clients share one server's pipe.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod corpus;

use corpus::{LEGACY_META, MODERN_META, ODD, Odd};
use harness::{Envelope, Era, FakeServer, Front, Over, Script, without_line_ends};

fn script() -> Script {
    ODD.iter().fold(Script::new(), |script, odd| {
        script.on(odd.name, &[odd.reply])
    })
}

fn request(odd: &Odd, era: Era) -> Vec<u8> {
    let meta = if era == Era::Modern {
        MODERN_META
    } else {
        LEGACY_META
    };
    odd.request.replace("@META@", meta).into_bytes()
}

/// The message as it may arrive where any hop on its way frames by lines.
fn framed(message: &[u8], hops: [Over; 2]) -> Vec<u8> {
    if hops.contains(&Over::Stdio) {
        without_line_ends(message)
    } else {
        message.to_vec()
    }
}

/// The message as the gateway writes it on a line: what some readers take for a line's end is escaped in strings.
fn escaped(message: Vec<u8>, over: Over) -> Vec<u8> {
    if over == Over::Http {
        return message;
    }
    let text = String::from_utf8(message).unwrap();
    let text = text.replace('\u{85}', "\\u0085");
    let text = text.replace('\u{2028}', "\\u2028");
    text.replace('\u{2029}', "\\u2029").into_bytes()
}

/// The message with its id taken out: what shares a pipe may carry another number there.
fn without_id(message: &[u8]) -> Vec<u8> {
    let at = Envelope::of(message).id_at.unwrap();
    [&message[..at.start], b"@", &message[at.end..]].concat()
}

#[track_caller]
fn assert_same(what: &str, name: &str, got: &[u8], sent: &[u8]) {
    assert!(
        got == sent,
        "{name}: {what}\n  sent    {}\n  arrived {}",
        String::from_utf8_lossy(sent).escape_debug(),
        String::from_utf8_lossy(got).escape_debug()
    );
}

/// Sends the whole corpus through and compares both ends.
#[track_caller]
fn carry_the_corpus(
    front: &mut Front,
    client: Over,
    server: &FakeServer,
    behind: Over,
    era: Era,
    written: impl Fn(Vec<u8>, Over) -> Vec<u8>,
) {
    for odd in ODD {
        let sent = request(odd, era);
        let mut answers = front.say(&sent);
        let heard = server.heard_with(odd.name);
        assert_eq!(heard.len(), 1, "{}: the server heard it so often", odd.name);
        let expected = written(framed(&sent, [client, behind]), behind);
        match behind {
            Over::Http => assert_same("to the server", odd.name, &heard[0], &expected),
            Over::Stdio => assert_same(
                "to the server",
                odd.name,
                &without_id(&heard[0]),
                &without_id(&expected),
            ),
        }
        assert_eq!(answers.len(), 1, "{}: answers", odd.name);
        let reply = odd
            .reply
            .replace("@ID@", Envelope::of(&sent).id.as_deref().unwrap());
        assert_same(
            "to the client",
            odd.name,
            &answers.remove(0),
            &written(framed(reply.as_bytes(), [client, behind]), client),
        );
    }
}

#[track_caller]
fn corpus_through_gateway(client: Over, behind: Over, era: Era, interceptors: &str) {
    let server = FakeServer::over(behind, script());
    let config = server.config("fake") + interceptors;
    let mut front = Front::of_gateway(client, era, &config);
    carry_the_corpus(&mut front, client, &server, behind, era, escaped);
}

#[test]
fn the_harness_itself_changes_nothing() {
    for era in [Era::Legacy, Era::Modern] {
        for over in [Over::Http, Over::Stdio] {
            let server = FakeServer::over(over, script());
            let mut front = Front::of_server(&server, over, era);
            let unchanged = |message, _| message;
            carry_the_corpus(&mut front, over, &server, over, era, unchanged);
        }
    }
}

#[test]
fn odd_messages_arrive_byte_for_byte_from_http_to_http() {
    corpus_through_gateway(Over::Http, Over::Http, Era::Legacy, "");
    corpus_through_gateway(Over::Http, Over::Http, Era::Modern, "");
}

#[test]
fn odd_messages_arrive_byte_for_byte_from_http_to_stdio() {
    corpus_through_gateway(Over::Http, Over::Stdio, Era::Legacy, "");
    corpus_through_gateway(Over::Http, Over::Stdio, Era::Modern, "");
}

#[test]
fn odd_messages_arrive_byte_for_byte_from_stdio_to_http() {
    corpus_through_gateway(Over::Stdio, Over::Http, Era::Legacy, "");
    corpus_through_gateway(Over::Stdio, Over::Http, Era::Modern, "");
}

#[test]
fn odd_messages_arrive_byte_for_byte_from_stdio_to_stdio() {
    corpus_through_gateway(Over::Stdio, Over::Stdio, Era::Legacy, "");
    corpus_through_gateway(Over::Stdio, Over::Stdio, Era::Modern, "");
}

const AUDIT: &str = r#"
[[interceptors]]
name = "scrub"
plugin = "builtin:pii-scrubber"
mode = "audit"

[[interceptors]]
name = "arguments"
plugin = "builtin:argument-validator"
mode = "audit"
"#;

#[test]
fn interceptors_in_audit_leave_no_mark() {
    for (client, behind) in [
        (Over::Http, Over::Http),
        (Over::Http, Over::Stdio),
        (Over::Stdio, Over::Stdio),
    ] {
        corpus_through_gateway(client, behind, Era::Legacy, AUDIT);
        corpus_through_gateway(client, behind, Era::Modern, AUDIT);
    }
}

#[test]
fn notifications_with_unknown_fields_arrive_byte_for_byte() {
    const NOTE: &[u8] =
        br#"{ "method":"notifications/roots/list_changed","vendor":1.0,"params":{"z":1e400,"a":"\u0041"},"jsonrpc":"2.0" }"#;
    for client in [Over::Http, Over::Stdio] {
        for behind in [Over::Http, Over::Stdio] {
            let server = FakeServer::over(behind, Script::new());
            let mut front = Front::of_gateway(client, Era::Legacy, &server.config("fake"));
            assert!(front.say(NOTE).is_empty());
            let heard = server.wait_for("roots/list_changed", 1);
            assert_eq!(heard.len(), 1, "{client:?} to {behind:?}");
            assert_same("to the server", "notification", &heard[0], NOTE);
        }
    }
}

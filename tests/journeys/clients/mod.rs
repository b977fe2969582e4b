//! Clients with keys of their own, from the first token to the last: who gets in, what their groups decide, and what
//! happens when one is taken out.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod early_answers;
mod tls;

use std::process::Command;
use std::time::{Duration, Instant};

use harness::{Exchange, FakeServer, Gateway, Save, Script, request};

const INITIALIZE: &[u8] = br#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"test","version":"1"}}}"#;
const ASK: &[u8] = br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"personal","arguments":{}}}"#;
const PERSONAL: &str = r#"{"jsonrpc":"2.0","id":@ID@,"result":{"content":[{"type":"text","text":"anna.schmidt@example.org"}]}}"#;

/// A token and the lines that let its client in, as `sandgate token` prints them.
fn token(name: &str) -> (String, String) {
    let made = Command::new(harness::sandgate())
        .args(["token", name])
        .output()
        .unwrap();
    assert!(made.status.success());
    let text = String::from_utf8(made.stdout).unwrap();
    let token = text.split("Bearer ").nth(1).unwrap();
    let token = token.lines().next().unwrap().to_owned();
    (token, text[text.find("[clients").unwrap()..].to_owned())
}

fn send(
    verb: &str,
    url: &str,
    token: Option<&str>,
    session: Option<&str>,
    body: &[u8],
) -> Exchange {
    let token = token.map(|token| format!("Bearer {token}"));
    let mut headers = vec![
        ("content-type", "application/json"),
        ("accept", "application/json, text/event-stream"),
    ];
    headers.extend(token.as_deref().map(|token| ("authorization", token)));
    headers.extend(session.map(|session| ("mcp-session-id", session)));
    request(verb, url, &headers, body)
}

fn begin(url: &str, token: &str) -> String {
    let began = send("POST", url, Some(token), None, INITIALIZE);
    assert_eq!(began.status, 200);
    began.header("mcp-session-id").unwrap().to_owned()
}

fn ask(url: &str, token: &str, session: &str) -> String {
    let answer = send("POST", url, Some(token), Some(session), ASK);
    String::from_utf8(answer.body()).unwrap()
}

/// Looks until it is so: a saved file is noticed in its own time.
#[track_caller]
fn until(what: &str, mut so: impl FnMut() -> bool) {
    let patience = Instant::now() + Duration::from_secs(60);
    while !so() {
        assert!(Instant::now() < patience, "never: {what}");
        std::thread::sleep(Duration::from_millis(25));
    }
}

#[test]
fn a_key_lets_in_its_groups_decide_and_a_client_taken_out_is_out_at_once() {
    let server = FakeServer::http(Script::new().on("personal", &[PERSONAL]));
    let ((ada, ada_lines), (bob, bob_lines)) = (token("ada"), token("bob"));
    let both = format!(
        "{}{ada_lines}groups = [\"support\"]\n{bob_lines}",
        "[gateway]\nlisten = \"127.0.0.1:0\"\n"
    );
    let rest = format!(
        "{}\n[[interceptors]]\nname = \"scrub\"\nplugin = \"builtin:pii-scrubber\"\ngroups = [\"support\"]\n",
        server.config("fake")
    );
    let gateway = Gateway::start(&format!("{both}{rest}"));
    let url = gateway.mcp("fake");

    // Nobody gets in without a key, or with one that is not known.
    for wrong in [None, Some("sg_not-a-key"), Some("")] {
        let refused = send("POST", &url, wrong, None, INITIALIZE);
        assert_eq!(refused.status, 401);
        assert_eq!(refused.header("www-authenticate"), Some("Bearer"));
    }
    assert!(server.heard().is_empty());
    assert_eq!(
        request("GET", &format!("{}/healthz", gateway.url), &[], b"").status,
        200
    );

    // One policy looks at the calls of one group.
    let (adas, bobs) = (begin(&url, &ada), begin(&url, &bob));
    let scrubbed = ask(&url, &ada, &adas);
    assert!(!scrubbed.contains("anna.schmidt"), "{scrubbed}");
    let plain = ask(&url, &bob, &bobs);
    assert!(plain.contains("anna.schmidt"), "{plain}");

    // Another's session is as unknown as one that never was.
    for verb in ["POST", "GET", "DELETE"] {
        let body = if verb == "POST" { ASK } else { b"" };
        let stolen = send(verb, &url, Some(&bob), Some(&adas), body);
        assert_eq!(stolen.status, 404, "{verb}");
    }
    assert!(!ask(&url, &ada, &adas).contains("error"));

    // Taken out of the configuration, a client is out; the other does not notice.
    let one =
        format!("[gateway]\nlisten = \"127.0.0.1:0\"\n{ada_lines}groups = [\"support\"]\n{rest}");
    Save::RenameOver.write(&gateway.config_file(), one.as_bytes());
    until("bob is out", || {
        send("POST", &url, Some(&bob), Some(&bobs), ASK).status == 401
    });
    assert!(!ask(&url, &ada, &adas).contains("error"));

    // Where the first key was taken out by mistake and another stands there in the clear, nothing changes.
    let wrong = one.replace("token-sha256 = \"", "token-sha256 = \"my-secret-");
    Save::RenameOver.write(&gateway.config_file(), wrong.as_bytes());
    until("the mistake is told", || {
        gateway.log().contains("is not a SHA-256 hash")
    });
    assert!(!ask(&url, &ada, &adas).contains("error"));

    let told = format!("{}{}", gateway.log(), gateway.process.output());
    for secret in [&ada, &bob, &adas, &bobs] {
        assert!(!told.contains(secret.as_str()), "a secret is in the logs");
    }
    assert!(!told.contains("my-secret"));
    assert!(gateway.process.output().contains(r#""principal":"ada""#));
    for heard in server.heard() {
        assert_eq!(heard.header("authorization"), None);
    }
}

#[test]
fn a_gateway_that_others_reach_asks_who_calls() {
    let server = "[servers.one]\ncommand = \"true\"\n";
    let open = format!("[gateway]\nlisten = \"0.0.0.0:0\"\n\n{server}");
    let (code, said) = Gateway::refused(&open);
    assert_eq!(code, Some(2), "{said}");
    for words in [
        "sandgate.toml:2:10",
        "nobody asks who they are",
        "sandgate token",
        "allow-unauthenticated = true",
    ] {
        assert!(said.contains(words), "{words:?} is not in:\n{said}");
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sandgate.toml");
    let check = |text: &str| {
        std::fs::write(&file, text).unwrap();
        let checked = Command::new(harness::sandgate())
            .args(["check", "--config"])
            .arg(&file)
            .output()
            .unwrap();
        let said = String::from_utf8(checked.stderr).unwrap();
        (checked.status.code(), said)
    };
    assert_eq!(check(&open).0, Some(2));
    let allowed = open.replace("\n\n", "\nallow-unauthenticated = true\n\n");
    assert_eq!(check(&allowed).0, Some(0));
    let (_, lines) = token("ada");
    let (code, said) = check(&format!("{open}{lines}"));
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("in the clear"), "{said}");

    // With keys it listens; a reload that takes the last one out changes nothing.
    let gateway = Gateway::start(&format!("{open}{lines}"));
    let url = gateway.url.replace("0.0.0.0", "127.0.0.1");
    Save::RenameOver.write(&gateway.config_file(), open.as_bytes());
    until("the mistake is told", || {
        gateway.log().contains("nobody asks who they are")
    });
    let asked = send("POST", &format!("{url}/mcp"), None, None, INITIALIZE);
    assert_eq!(asked.status, 401);
}

#[test]
fn a_client_on_a_pipe_is_named_by_who_starts_the_gateway() {
    let server = FakeServer::http(Script::new().on("personal", &[PERSONAL]));
    let (_, lines) = token("ada");
    let config = format!(
        "{lines}groups = [\"support\"]\n{}\n[[interceptors]]\nname = \"scrub\"\nplugin = \"builtin:pii-scrubber\"\nprincipals = [\"ada\"]\n",
        server.config("fake")
    );
    let mut pipe = Gateway::pipe_as(&config, "fake", |command| {
        command.args(["--client", "ada"]);
    });
    pipe.say(INITIALIZE);
    let answer = pipe.say(ASK).pop().unwrap();
    let answer = String::from_utf8(answer).unwrap();
    assert!(
        answer.contains("result") && !answer.contains("anna.schmidt"),
        "{answer}"
    );

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sandgate.toml");
    std::fs::write(&file, &config).unwrap();
    for (more, words) in [
        (&[][..], "give --client NAME; the clients are: ada"),
        (&["--client", "eve"][..], "there is no client \"eve\""),
    ] {
        let line = Gateway::stdio_command(&file, "fake");
        let output = Command::new(&line[0])
            .args(&line[1..])
            .args(more)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(words), "{said}");
    }
}

//! A receiver checks who tells it, with the lines of the guide, and takes nothing twice.

use std::io::Write;
use std::process::{Command, Stdio};

use base64::Engine as _;
use harness::{Gateway, TlsHost, system_python};

use super::{call, client, desk, receiver, told, url};

const PAGE: &str = include_str!("../../../../docs/alerts.md");

/// The receiver's lines, as the page has them.
fn lines_of_the_page() -> String {
    let code = PAGE.split("```python\n").nth(1).unwrap();
    code.split("```").next().unwrap().to_owned()
}

/// Whether the page's lines take this message.
fn takes(secret: &str, id: &str, timestamp: &str, signature: &str, body: &[u8]) -> bool {
    let code = format!(
        "{}\nimport sys\nheaders = {{'webhook-id': sys.argv[2], 'webhook-timestamp': sys.argv[3], \
         'webhook-signature': sys.argv[4]}}\nsys.exit(0 if is_ours(headers, sys.stdin.buffer.read(), sys.argv[1]) else 3)\n",
        lines_of_the_page()
    );
    let mut python = Command::new(system_python())
        .args(["-c", &code, secret, id, timestamp, signature])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    python.stdin.take().unwrap().write_all(body).unwrap();
    match python.wait().unwrap().code() {
        Some(0) => true,
        Some(3) => false,
        code => panic!("{code:?}"),
    }
}

#[test]
fn a_signature_is_checked_by_the_lines_of_the_guide_and_nothing_else_passes() {
    let (desk, wakes, host) = (desk(), receiver(), TlsHost::start());
    let secret = format!(
        "whsec_{}",
        base64::engine::general_purpose::STANDARD.encode([7; 32])
    );
    let (ada, let_ada) = client("ada");
    let config = format!(
        "[gateway]\nlisten = \"127.0.0.1:0\"\nwatch = false\n{let_ada}\n[views.all]\nclients = [\"ada\"]\nallow = [\"desk/look\"]\n{}\
         [[alerts]]\nname = \"signed\"\non = [\"refusals\"]\n\
         to = {{ webhook = \"{}\", secret = {{ from-env = \"HOOK_SECRET\" }} }}\n\
         [[alerts]]\nname = \"untrusted\"\non = [\"stop\"]\nto = {{ webhook = \"https://localhost:{}/\" }}\n",
        desk.config("desk"),
        url(&wakes),
        host.port
    );
    let (code, said) = Gateway::refused(&config);
    assert_eq!(code, Some(2), "{said}");
    let lacks = "`alerts[0].to.secret`: the environment variable `HOOK_SECRET` is not set";
    assert!(said.contains(lacks), "{said}");
    let gateway = Gateway::start_as(&config, |command| {
        command.env("HOOK_SECRET", &secret);
    });
    call(&gateway, Some(&ada), "desk", "drop");
    assert_eq!(told(&wakes, 1), ["signed firing"]);
    let heard = &wakes.heard()[0];
    let of = |name: &str| heard.header(name).unwrap().to_owned();
    let (id, time, signature) = (
        of("webhook-id"),
        of("webhook-timestamp"),
        of("webhook-signature"),
    );
    assert!(takes(&secret, &id, &time, &signature, &heard.body));

    let mut other = heard.body.clone();
    *other.last_mut().unwrap() = b' ';
    let later = (time.parse::<u64>().unwrap() + 1).to_string();
    let long_ago = (time.parse::<u64>().unwrap() - 3600).to_string();
    let foreign = format!(
        "whsec_{}",
        base64::engine::general_purpose::STANDARD.encode([8; 32])
    );
    assert!(
        !takes(&secret, &id, &time, &signature, &other),
        "another body"
    );
    assert!(
        !takes(&secret, "msg_1", &time, &signature, &heard.body),
        "another id"
    );
    assert!(
        !takes(&secret, &id, &later, &signature, &heard.body),
        "another time"
    );
    assert!(
        !takes(&secret, &id, &long_ago, &signature, &heard.body),
        "an old time"
    );
    assert!(
        !takes(&foreign, &id, &time, &signature, &heard.body),
        "another secret"
    );
    assert!(
        !takes(&secret, &id, &time, "v1,", &heard.body),
        "no signature"
    );
    // Nor is it sent where nobody vouches for the other side.
    let test = gateway.command(&["alerts", "test", "untrusted"]);
    assert_eq!(test.code, Some(1), "{test:?}");
    assert!(test.output.contains("certificate"), "{test:?}");
    assert_eq!(host.answered(), 0);
    // The secret itself is nowhere.
    let listed = gateway.command(&["alerts", "--json"]).output;
    let text = format!("{listed}{}", gateway.log());
    assert!(
        !text.contains(&secret) && listed.contains("(signed)"),
        "{text}"
    );
}

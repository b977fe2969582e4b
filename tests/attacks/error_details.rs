//! Errors that tell clients about the machine and the network behind the gateway.

use std::time::Duration;

use harness::{Gateway, Speaker, request};

/// Begins a session, which must fail, and gives what the client is told; the operator's log must say more, by the call's
/// id.
#[track_caller]
fn told(server: &str, detail: &str) -> String {
    let gateway = Gateway::start(&format!(
        "[servers.fake]\n{server}\nconnect-timeout = \"2s\"\n"
    ));
    let headers = [
        ("accept", "application/json, text/event-stream"),
        ("content-type", "application/json"),
    ];
    let mut said = String::new();
    for endpoint in ["fake", ""] {
        let answer = request(
            "POST",
            &gateway.mcp(endpoint),
            &headers,
            Speaker::INITIALIZE,
        );
        said += &String::from_utf8(answer.body()).unwrap();
    }
    let logged = gateway.process.log_line(Duration::from_secs(10), |line| {
        line.contains(detail).then_some(())
    });
    assert!(logged.is_some(), "{}", gateway.log());
    said
}

#[test]
fn a_client_is_not_told_the_address_of_a_server_that_cannot_be_reached() {
    let said = told(r#"url = "http://127.0.0.1:9/mcp""#, "onnect");
    for secret in ["127.0.0.1", "os error", "refused", "tcp"] {
        assert!(!said.contains(secret), "{secret}: {said}");
    }
    assert!(said.contains("callId"), "{said}");
}

#[test]
fn a_client_is_not_told_the_name_that_cannot_be_resolved() {
    let said = told(r#"url = "http://crm.internal.invalid/mcp""#, "dns");
    for secret in ["dns", "lookup", "internal", "resol"] {
        assert!(!said.contains(secret), "{secret}: {said}");
    }
}

#[test]
fn a_client_is_not_told_the_program_that_is_missing() {
    let said = told(r#"command = "secret-program""#, "secret-program");
    assert!(
        !said.contains("secret-program") && !said.contains("PATH"),
        "{said}"
    );
}

#[test]
fn a_client_is_not_told_the_folder_that_is_missing() {
    let said = told(
        "command = \"cat\"\ncwd = \"/srv/secret-folder\"",
        "secret-folder",
    );
    assert!(!said.contains("secret-folder"), "{said}");
}

#[test]
fn a_client_is_not_told_what_the_system_said_of_a_program() {
    let said = told(r#"command = "/dev/null""#, "ermission");
    assert!(
        !said.contains("ermission") && !said.contains("os error"),
        "{said}"
    );
}

#[test]
fn a_client_is_not_told_how_a_servers_process_ended() {
    let said = told(
        "command = \"sh\"\nargs = [\"-c\", \"exit 37\"]",
        "exit status: 37",
    );
    // A call's id may hold the digits by chance.
    for secret in ["exit", "status", " 37", ":37"] {
        assert!(!said.contains(secret), "{secret}: {said}");
    }
}

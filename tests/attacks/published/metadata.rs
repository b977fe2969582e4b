//! Commands in the addresses of OAuth's metadata.

use harness::{FakeServer, Gateway, Reply, Speaker, request};
use serde_json::{Value, json};

use super::{PLAIN, all_of};

/// A server that wants a token, with this challenge and these metadata.
fn protected(challenge: &str, metadata: &str) -> (FakeServer, Gateway) {
    let (challenge, metadata) = (challenge.to_owned(), metadata.to_owned());
    let server = FakeServer::http_with(move |heard| match heard.verb.as_str() {
        "GET" => Reply::Json(metadata.clone().into_bytes()),
        _ => Reply::With(
            401,
            vec![("www-authenticate", challenge.clone())],
            br#"{"error":"invalid_token","error_description":"run `calc`"}"#.to_vec(),
        ),
    });
    let config = format!("{}forward-authorization = true\n", server.config("s"));
    let gateway = Gateway::start(&config);
    (server, gateway)
}

#[test]
fn a_challenge_carries_no_address_and_no_words_of_the_server() {
    for place in [
        "javascript:alert(1)",
        "file:///bin/sh",
        "a:$(calc)?response_type=code",
        "https://evil.example/metadata",
    ] {
        let challenge = format!(
            r#"Bearer resource_metadata="{place}", authorization_uri="{place}", error_description="run $(calc)", error_uri="{place}", realm="{place}""#
        );
        let (_server, gateway) = protected(&challenge, "{}");
        for endpoint in ["s", ""] {
            let url = gateway.mcp(endpoint);
            let reply = request("POST", &url, &PLAIN, Speaker::INITIALIZE);
            let said = reply
                .header("www-authenticate")
                .unwrap_or_default()
                .to_owned();
            let whole = all_of(reply);
            assert!(!whole.contains(place) && !whole.contains("calc"), "{whole}");
            if endpoint == "s" {
                let own = format!("{}/.well-known/oauth-protected-resource/mcp/s", gateway.url);
                assert_eq!(said, format!("Bearer resource_metadata=\"{own}\""));
            }
        }
    }
}

fn metadata_of(gateway: &Gateway) -> (u16, String) {
    let url = format!("{}/.well-known/oauth-protected-resource/mcp/s", gateway.url);
    let reply = request("GET", &url, &[], b"");
    (reply.status, all_of(reply))
}

#[test]
fn metadata_with_an_address_that_is_a_command_do_not_come_back() {
    for address in [
        "javascript:alert(document.domain)",
        "file:///usr/bin/open",
        "a:$(cmd.exe${IFS}calc)?response_type=code",
        "https://login.example/$(touch${IFS}x)",
        "https://login.example/`calc`",
        "https://login.example/|calc",
        "https://login.example/&calc",
        "https://user:password@login.example/",
        "//login.example",
        "data:text/html,<script>alert(1)</script>",
        " javascript:alert(1)",
        "HTTPS://login.example/\u{202e}moc",
    ] {
        let metadata = json!({"resource": "x", "authorization_servers": [address]});
        let (_server, gateway) = protected("Bearer", &metadata.to_string());
        let (_, said) = metadata_of(&gateway);
        let written = Value::from(address).to_string();
        let bare = written.trim_matches('"');
        assert!(!said.contains(bare), "{address}: {said}");
    }
}

#[test]
fn an_address_beside_the_authorization_servers_is_no_command_either() {
    for member in [
        "authorization_endpoint",
        "token_endpoint",
        "jwks_uri",
        "resource_documentation",
        "resource_policy_uri",
        "resource_tos_uri",
        "odd",
    ] {
        let address = "javascript:alert(1)";
        let metadata = json!({
            "resource": "x",
            "authorization_servers": ["https://login.example/"],
            member: address,
        });
        let (_server, gateway) = protected("Bearer", &metadata.to_string());
        let (_, said) = metadata_of(&gateway);
        assert!(!said.contains(address), "{member}: {said}");
    }
}

#[test]
fn metadata_with_ordinary_addresses_come_back() {
    let metadata = json!({
        "resource": "x",
        "authorization_servers": ["https://login.example/realms/a", "http://127.0.0.1:9000"],
        "jwks_uri": "https://s.example/keys.json",
        "scopes_supported": ["files:read"],
    });
    let (_server, gateway) = protected("Bearer", &metadata.to_string());
    let (status, said) = metadata_of(&gateway);
    assert_eq!(status, 200, "{said}");
    for text in [
        "login.example/realms/a",
        "127.0.0.1:9000",
        "keys.json",
        "files:read",
    ] {
        assert!(said.contains(text), "{said}");
    }
}

#[test]
fn metadata_that_stand_elsewhere_are_asked_for_by_nobody() {
    let victim = FakeServer::http_with(|_| Reply::Json(b"{}".to_vec()));
    let challenge = format!("Bearer resource_metadata=\"{}\"", victim.url());
    let (_server, gateway) = protected(&challenge, r#"{"authorization_servers":[]}"#);
    request("POST", &gateway.mcp("s"), &PLAIN, Speaker::INITIALIZE).body();
    metadata_of(&gateway);
    assert_eq!(victim.heard(), []);
}

#[test]
fn the_gateway_plays_no_authorization_server() {
    let (server, gateway) = protected("Bearer", r#"{"authorization_servers":[]}"#);
    for path in [
        ".well-known/oauth-authorization-server",
        ".well-known/oauth-authorization-server/mcp/s",
        ".well-known/openid-configuration",
        "authorize?response_type=code&redirect_uri=javascript:alert(1)",
        "token",
        "register",
    ] {
        let reply = request("GET", &format!("{}/{path}", gateway.url), &[], b"");
        assert_eq!(reply.status, 404, "{path}");
    }
    assert_eq!(server.heard(), []);
}

//! Tokens that go where they were not meant to.

use harness::{FakeServer, Gateway, Reply, Script, Speaker, request};

use super::{PLAIN, SECRET, all_of, call, token, works};

#[test]
fn a_clients_token_for_the_gateway_reaches_no_server() {
    let server = FakeServer::http(works());
    let (token, lines) = token("ada");
    let listen = "[gateway]\nlisten = \"127.0.0.1:0\"\n";
    let gateway = Gateway::start(&format!("{listen}{lines}{}", server.config("fake")));
    let bare = token.trim_start_matches("Bearer ");
    for endpoint in ["fake", ""] {
        let url = gateway.mcp(endpoint);
        let key = ("authorization", token.as_str());
        let modern = [
            ("mcp-protocol-version", "2026-07-28"),
            ("mcp-method", "tools/call"),
            (
                "mcp-name",
                if endpoint.is_empty() { "fake__x" } else { "x" },
            ),
        ];
        let headers = [&PLAIN[..], &[key], &modern[..]].concat();
        let name = modern[2].1;
        assert_eq!(request("POST", &url, &headers, &call(name)).status, 200);
        let headers = [&PLAIN[..], &[key]].concat();
        assert_eq!(
            request("POST", &url, &headers, Speaker::INITIALIZE).status,
            200
        );
    }
    assert!(!server.heard().is_empty());
    assert!(!format!("{:?}", server.heard()).contains(bare));
}

#[test]
fn a_token_that_nobody_asked_for_reaches_no_server() {
    let server = FakeServer::http(works());
    let gateway = Gateway::start(&server.config("fake"));
    let secrets = [
        ("authorization", SECRET),
        ("proxy-authorization", SECRET),
        ("cookie", SECRET),
        ("x-api-key", SECRET),
        ("x-forwarded-access-token", SECRET),
        ("forwarded", SECRET),
    ];
    for endpoint in ["fake", ""] {
        let headers = [&PLAIN[..], &secrets[..]].concat();
        request(
            "POST",
            &gateway.mcp(endpoint),
            &headers,
            Speaker::INITIALIZE,
        )
        .body();
    }
    assert!(!server.heard().is_empty());
    assert!(!format!("{:?}", server.heard()).contains(SECRET));
}

#[test]
fn a_token_for_one_server_is_not_given_to_another() {
    let (wants, other) = (FakeServer::http(works()), FakeServer::http(works()));
    let wanting = format!("{}forward-authorization = true\n", wants.config("wants"));
    let gateway = Gateway::start(&format!("{wanting}{}", other.config("other")));
    let token = format!("Bearer {SECRET}");
    for endpoint in ["other", "", "wants"] {
        let headers = [&PLAIN[..], &[("authorization", &token)]].concat();
        request(
            "POST",
            &gateway.mcp(endpoint),
            &headers,
            Speaker::INITIALIZE,
        )
        .body();
    }
    assert!(!format!("{:?}", other.heard()).contains(SECRET));
    let given: Vec<_> = wants
        .heard()
        .iter()
        .map(|heard| heard.header("authorization").is_some())
        .collect();
    assert!(given.contains(&true), "the server that wants it gets it");
    assert_eq!(
        given.iter().filter(|&&given| given).count(),
        1,
        "by its own address alone"
    );
}

#[test]
fn the_gateways_credentials_reach_no_client() {
    let refuses = FakeServer::http_with(|heard| {
        let said = heard.header("authorization").unwrap_or_default().to_owned();
        // It knows the credential, and says it wherever it can.
        let headers = vec![
            (
                "www-authenticate",
                format!("Bearer realm=\"{said}\", scope=\"{said}\""),
            ),
            ("set-cookie", said.clone()),
            ("x-echo", said.clone()),
            ("mcp-session-id", said.replace(' ', "-")),
        ];
        Reply::With(
            401,
            headers,
            format!("{{\"error\":\"{said}\"}}").into_bytes(),
        )
    });
    let header = format!("headers = {{ Authorization = \"Bearer {SECRET}\" }}\n");
    let gone = "[servers.gone]\nurl = \"http://127.0.0.1:9/mcp\"\n";
    let config = format!("{}{header}{gone}{header}", refuses.config("refuses"));
    let gateway = Gateway::start(&config);
    for server in ["refuses", "gone", ""] {
        let reply = request("POST", &gateway.mcp(server), &PLAIN, Speaker::INITIALIZE);
        let said = all_of(reply);
        assert!(!said.contains(SECRET), "{server}: {said}");
    }
    assert!(format!("{:?}", refuses.heard()).contains(SECRET));
    let said = gateway.command(&["status"]);
    let told = format!(
        "{}{}{}{}",
        said.output,
        said.log,
        gateway.log(),
        gateway.process.output()
    );
    assert!(!told.contains(SECRET), "{told}");
}

#[test]
fn a_redirect_takes_no_credentials_along() {
    let thief = FakeServer::http(works());
    let to = thief.url().to_owned();
    let server = FakeServer::http_with(move |_| {
        Reply::With(307, vec![("location", to.clone())], Vec::new())
    });
    let header = format!("headers = {{ Authorization = \"Bearer {SECRET}\" }}\n");
    let gateway = Gateway::start(&format!("{}{header}", server.config("fake")));
    for endpoint in ["fake", ""] {
        let reply = request("POST", &gateway.mcp(endpoint), &PLAIN, Speaker::INITIALIZE);
        assert!(reply.header("location").is_none());
        reply.body();
    }
    assert_eq!(thief.heard(), []);
}

#[test]
fn a_server_gives_a_client_no_cookie_and_no_session_of_its_own() {
    let server = FakeServer::http_with(|heard| match Script::new().answer(&heard.body).pop() {
        Some(message) => Reply::With(
            200,
            vec![
                ("set-cookie", SECRET.to_owned()),
                ("clear-site-data", "*".to_owned()),
            ],
            message,
        ),
        None => Reply::Status(202, "text/plain", Vec::new()),
    });
    let gateway = Gateway::start(&server.config("fake"));
    for endpoint in ["fake", ""] {
        let reply = request("POST", &gateway.mcp(endpoint), &PLAIN, Speaker::INITIALIZE);
        assert_eq!(reply.status, 200);
        let session = reply.header("mcp-session-id").unwrap().to_owned();
        assert_ne!(session, "fake-session");
        let said = all_of(reply);
        assert!(
            !said.contains(SECRET) && !said.contains("clear-site-data"),
            "{said}"
        );
    }
}

//! A web page that reaches a gateway on its visitor's machine.

use harness::{FakeServer, Gateway, Speaker, request};

use super::{PLAIN, all_of, works};

#[test]
fn a_page_that_points_its_own_name_at_the_gateway_is_turned_away() {
    let server = FakeServer::http(works());
    let gateway = Gateway::start(&server.config("fake"));
    for host in [
        "evil.example",
        "evil.example:8808",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "127.0.0.1@evil.example",
        "evil.example#localhost",
        "evil.example/localhost",
        "localhost,evil.example",
        "0.0.0.0",
        "0.0.0.0:8808",
        "[::]",
        "[::ffff:0.0.0.0]:8808",
        "[::ffff:192.0.2.1]",
        "0",
        "127.1",
        "2130706433",
        "0x7f000001",
        "localhost.",
        "[::1",
        "::1",
    ] {
        for endpoint in ["fake", ""] {
            let headers = [&PLAIN[..], &[("host", host)]].concat();
            let reply = request(
                "POST",
                &gateway.mcp(endpoint),
                &headers,
                Speaker::INITIALIZE,
            );
            assert!(
                matches!(reply.status, 400 | 403),
                "{host}: {}",
                reply.status
            );
        }
    }
    assert_eq!(server.heard(), []);
}

#[test]
fn a_page_of_another_origin_is_turned_away() {
    let server = FakeServer::http(works());
    let gateway = Gateway::start(&server.config("fake"));
    for origin in [
        "http://evil.example",
        "https://localhost.evil.example",
        "http://localhost@evil.example",
        "http://0.0.0.0:8808",
        "http://[::]",
        "null",
        "",
        "file://",
        "file://localhost",
        "chrome-extension://abcdefgh",
        "http://localhost http://evil.example",
        "http://127.1",
    ] {
        for endpoint in ["fake", ""] {
            let headers = [&PLAIN[..], &[("origin", origin)]].concat();
            let reply = request(
                "POST",
                &gateway.mcp(endpoint),
                &headers,
                Speaker::INITIALIZE,
            );
            assert_eq!(reply.status, 403, "{origin}");
            assert!(reply.header("access-control-allow-origin").is_none());
        }
    }
    assert_eq!(server.heard(), []);
}

#[test]
fn a_form_of_a_page_is_no_message() {
    let server = FakeServer::http(works());
    let gateway = Gateway::start(&server.config("fake"));
    // What a browser sends across origins without asking first.
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
    ] {
        let headers = [("content-type", kind), PLAIN[1]];
        let reply = request("POST", &gateway.mcp("fake"), &headers, Speaker::INITIALIZE);
        assert_eq!(reply.status, 415, "{kind}");
    }
    let asks = [
        ("origin", "http://localhost:1"),
        ("access-control-request-method", "POST"),
    ];
    let reply = request("OPTIONS", &gateway.mcp("fake"), &asks, b"");
    assert!(!all_of(reply).contains("access-control-allow"));
    assert_eq!(server.heard(), []);
}

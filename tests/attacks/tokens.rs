//! Tokens that are not what they seem, issuers that misbehave, and clients that reach for more than they were granted.

use std::time::Duration;

use harness::{Exchange, FakeServer, Gateway, Issuer, Speaker, encoded, now, request, unsigned};
use serde_json::{Value, json};

use crate::callers::{PLAIN, call, token, wait_until, works};

/// The gateway's address as its tokens have it.
const RESOURCE: &str = "https://mcp.example.com";

const METADATA: &str = "/.well-known/oauth-authorization-server";

/// A gateway that lets in whoever has a token of an issuer.
struct Guarded {
    gateway: Gateway,
    issuer: Issuer,
    server: FakeServer,
}

impl Guarded {
    fn start() -> Self {
        Self::with(Issuer::start(), "", "")
    }

    /// `issuer`: more lines of the issuer's table; `more`: more of the configuration.
    fn with(issuer: Issuer, lines: &str, more: &str) -> Self {
        let server = FakeServer::http(works());
        let config = format!(
            "[gateway]\nlisten = \"127.0.0.1:0\"\nwatch = false\n[call-log]\nto = \"calls.jsonl\"\n{}\
             [authorization]\nresource = \"{RESOURCE}\"\nclaims = [\"department\"]\n{}[authorization.scopes]\n\
             baseline = [\"mcp\"]\n\"crm:write\" = [\"crm/update_*\"]\n\"crm:admin\" = [\"crm/update_all\"]\n{more}",
            server.config("crm"),
            issuer.config(&format!("groups = \"/groups\"\n{lines}")),
        );
        let gateway = Gateway::start(&config);
        Self {
            gateway,
            issuer,
            server,
        }
    }

    /// A good token with the claims changed.
    fn token(&self, change: impl FnOnce(&mut Value)) -> String {
        let mut claims = self.issuer.claims(RESOURCE);
        change(&mut claims);
        self.issuer.token(&claims)
    }

    fn call(&self, token: &str, tool: &str) -> Exchange {
        self.call_at("crm", token, tool)
    }

    fn call_at(&self, endpoint: &str, token: &str, tool: &str) -> Exchange {
        let authorization = format!("Bearer {token}");
        let more = [
            ("authorization", authorization.as_str()),
            ("mcp-protocol-version", "2026-07-28"),
            ("mcp-method", "tools/call"),
            ("mcp-name", tool),
        ];
        let url = self.gateway.mcp(endpoint);
        request("POST", &url, &[&PLAIN[..], &more].concat(), &call(tool, ""))
    }

    /// Asserts that a token is turned away for this reason, and that it reaches nobody.
    #[track_caller]
    fn refuses(&self, token: &str, why: &str) {
        let said = self.call(token, "read");
        let challenge = said
            .header("www-authenticate")
            .unwrap_or_default()
            .to_owned();
        let status = said.status;
        let body = String::from_utf8(said.body()).unwrap();
        assert_eq!(status, 401, "{why}: {body}");
        assert!(body.contains(why), "{why}: {body}");
        assert_eq!(
            challenge,
            format!(
                "Bearer resource_metadata=\"{RESOURCE}/.well-known/oauth-protected-resource/mcp/crm\", \
                 error=\"invalid_token\", scope=\"mcp\""
            )
        );
        assert!(self.server.heard_with("tools/call").is_empty());
    }

    fn log(&self) -> String {
        let log = self.gateway.config_file().with_file_name("calls.jsonl");
        std::fs::read_to_string(log).unwrap()
    }
}

#[test]
fn a_token_that_is_not_what_it_seems_lets_nobody_in() {
    let it = Guarded::start();
    let good = it.issuer.claims(RESOURCE);
    let key = it.issuer.key_id();
    let header = |change: &dyn Fn(&mut Value)| {
        let mut header = json!({ "alg": "ES256", "typ": "at+jwt", "kid": key });
        change(&mut header);
        it.issuer.signed(&header, &good)
    };
    for (header, why) in [
        (header(&|it| it["alg"] = json!("HS256")), "`alg`"),
        (
            header(&|it| it["alg"] = json!("RS256")),
            "key that its issuer does not have",
        ),
        (header(&|it| it["alg"] = json!(["ES256"])), "`alg`"),
        (header(&|it| it["typ"] = json!("JWT")), "`typ`"),
        (header(&|it| it["typ"] = Value::Null), "`typ`"),
        (header(&|it| it["crit"] = json!(["exp"])), "`crit`"),
        (header(&|it| it["crit"] = json!([])), "`crit`"),
        (header(&|it| it["b64"] = json!(false)), "`crit`"),
        (
            header(&|it| it["kid"] = json!("x".repeat(300))),
            "key that its issuer does not have",
        ),
        (
            header(&|it| it["kid"] = json!("another")),
            "key that its issuer does not have",
        ),
    ] {
        it.refuses(&header, why);
    }
    // Without a signature, and with one by what everybody knows: the public key as a shared secret.
    let none = unsigned(&json!({ "alg": "none", "typ": "at+jwt" }), &good);
    it.refuses(&format!("{none}."), "`alg`");
    let shared = unsigned(
        &json!({ "alg": "HS256", "typ": "at+jwt", "kid": key }),
        &good,
    );
    let secret = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &it.issuer.public_key());
    let tag = ring::hmac::sign(&secret, shared.as_bytes());
    it.refuses(&format!("{shared}.{}", encoded(tag.as_ref())), "`alg`");
    // By a key of the attacker's that the token itself brings.
    let other = Issuer::start();
    it.refuses(
        &other.signed(
            &json!({ "alg": "ES256", "typ": "at+jwt", "kid": key }),
            &good,
        ),
        "signature",
    );
    // With claims that were changed, or that two readers read differently.
    let token = it.issuer.token(&good);
    let parts: Vec<&str> = token.split('.').collect();
    let mut changed = good.clone();
    changed["sub"] = json!("root");
    let changed = encoded(changed.to_string().as_bytes());
    it.refuses(&format!("{}.{changed}.{}", parts[0], parts[2]), "signature");
    let twice = encoded(
        good.to_string()
            .replacen('{', "{\"sub\":\"root\",", 1)
            .as_bytes(),
    );
    it.refuses(
        &format!("{}.{twice}.{}", parts[0], parts[2]),
        "neither a key nor a token",
    );
    it.refuses(
        &format!("{}=.{}.{}", parts[0], parts[1], parts[2]),
        "neither a key nor a token",
    );
    it.refuses(
        &format!("{token}.{}", parts[2]),
        "neither a key nor a token",
    );
    it.refuses("opaque", "neither a key nor a token");
    // And the good one does.
    assert_eq!(it.call(&token, "read").status, 200);
}

#[test]
fn a_token_for_somebody_else_or_another_time_lets_nobody_in() {
    let it = Guarded::start();
    let changes: [(&str, Value, &str); 16] = [
        (
            "iss",
            json!("https://other.example.com"),
            "issuer is not known",
        ),
        ("iss", Value::Null, "issuer is not known"),
        ("aud", json!("https://other.example.com"), "`aud`"),
        (
            "aud",
            json!(["https://mcp.example.com.evil.example"]),
            "`aud`",
        ),
        ("aud", json!("https://mcp.example.com/mcp/other"), "`aud`"),
        ("aud", Value::Null, "`aud`"),
        ("exp", json!(now() - 61), "expired"),
        ("exp", Value::Null, "expired"),
        ("exp", json!("soon"), "expired"),
        ("exp", json!(-1), "expired"),
        ("nbf", json!(now() + 120), "not valid yet"),
        ("iat", json!(now() + 120), "not valid yet"),
        ("sub", json!(""), "names no client"),
        ("sub", json!("a\nb"), "names no client"),
        ("sub", json!("x".repeat(129)), "names no client"),
        ("groups", json!(["staff", 7]), "groups"),
    ];
    for (claim, value, why) in changes {
        it.refuses(&it.token(|claims| claims[claim] = value), why);
    }
    let many: Vec<String> = (0..1000).map(|n| format!("g{n}")).collect();
    it.refuses(
        &it.token(|claims| claims["groups"] = json!(many)),
        "longer than 8 KiB",
    );
    let many: Vec<String> = (0..300).map(|n| format!("g{n}")).collect();
    it.refuses(&it.token(|claims| claims["groups"] = json!(many)), "groups");
    it.refuses(
        &it.token(|claims| claims["department"] = json!("x".repeat(4200))),
        "claims",
    );
    // Clocks differ by less than a minute, and a token for one endpoint is good there.
    for change in [
        ("exp", json!(now() - 20)),
        ("nbf", json!(now() + 20)),
        ("aud", json!(["x", "https://mcp.example.com/mcp/crm"])),
        ("aud", json!("https://mcp.example.com/")),
    ] {
        let token = it.token(|claims| claims[change.0] = change.1.clone());
        assert_eq!(it.call(&token, "read").status, 200, "{change:?}");
    }
    let here = it.token(|claims| claims["aud"] = json!("https://mcp.example.com/mcp/crm"));
    assert_eq!(
        it.call_at("", &here, "crm__read").status,
        401,
        "but not for all servers"
    );
}

#[test]
fn two_authorizations_and_tokens_elsewhere_let_nobody_in() {
    let it = Guarded::start();
    let good = format!("Bearer {}", it.token(|_| {}));
    let url = it.gateway.mcp("crm");
    let twice = [
        ("authorization", good.as_str()),
        ("authorization", good.as_str()),
    ];
    let said = request(
        "POST",
        &url,
        &[&PLAIN[..], &twice].concat(),
        Speaker::INITIALIZE,
    );
    assert_eq!(said.status, 401);
    let query = format!("{url}?access_token={}", &good["Bearer ".len()..]);
    let said = request("POST", &query, &PLAIN, Speaker::INITIALIZE);
    assert_eq!(said.status, 401);
    let challenge = said.header("www-authenticate").unwrap();
    assert!(
        !challenge.contains("error="),
        "no token is no error: {challenge}"
    );
    let headers = [&PLAIN[..], &[("authorization", good.as_str())]].concat();
    assert_eq!(
        request("POST", &url, &headers, Speaker::INITIALIZE).status,
        200
    );
    // The token goes to no server.
    assert!(!it.server.heard().is_empty());
    assert!(!format!("{:?}", it.server.heard()).contains(&good["Bearer ".len()..]));
    assert!(!it.log().contains(&good["Bearer ".len()..]));
    assert!(!it.gateway.log().contains(&good["Bearer ".len()..]));
}

#[test]
fn an_issuer_that_misbehaves_lets_nobody_in_and_costs_nothing() {
    type Answer = Box<dyn Fn(&str) -> (u16, Vec<(&'static str, String)>, String) + Send + Sync>;
    let other = Issuer::start();
    let elsewhere = format!("{}/jwks", other.url());
    let many = vec![json!({ "kty": "EC", "crv": "P-256", "kid": "x", "x": "AA", "y": "AA" }); 1000];
    let cases: Vec<(&str, &str, Answer)> = vec![
        (
            "/jwks",
            "redirects",
            Box::new(move |_| (302, vec![("Location", elsewhere.clone())], String::new())),
        ),
        (
            "/jwks",
            "more than 262144 bytes",
            Box::new(|_| (200, Vec::new(), " ".repeat(3 << 20))),
        ),
        (
            "/jwks",
            "more than 100",
            Box::new(move |_| (200, Vec::new(), json!({ "keys": many }).to_string())),
        ),
        (
            "/jwks",
            "no `keys`",
            Box::new(|_| (200, Vec::new(), "{}".into())),
        ),
        (
            "/jwks",
            "no key that can be used",
            Box::new(|_| {
                (
                    200,
                    Vec::new(),
                    r#"{"keys":[{"kty":"oct","k":"AA"}]}"#.into(),
                )
            }),
        ),
        (
            METADATA,
            "another issuer",
            Box::new(|_| {
                (200, Vec::new(), r#"{"issuer":"https://other.example.com","jwks_uri":"https://other.example.com/jwks"}"#.into())
            }),
        ),
        (
            METADATA,
            "it is not https",
            Box::new(|_| (200, Vec::new(), String::new())),
        ),
        (
            METADATA,
            "must be public",
            Box::new(|_| (200, Vec::new(), String::new())),
        ),
    ];
    for (path, why, answer) in cases {
        let issuer = Issuer::start();
        let url = issuer.url();
        let place = match why {
            "it is not https" => Some("http://192.0.2.1/jwks"),
            // Where clouds tell a machine its keys.
            "must be public" => Some("https://169.254.169.254/jwks"),
            _ => None,
        };
        match place {
            Some(place) => issuer.answers(path, move |_| {
                (
                    200,
                    Vec::new(),
                    json!({ "issuer": url, "jwks_uri": place }).to_string(),
                )
            }),
            None => issuer.answers(path, answer),
        }
        let it = Guarded::with(issuer, "", "");
        for _ in 0..3 {
            let said = it.call(&it.token(|_| {}), "read");
            assert_eq!(
                (said.status, said.header("retry-after")),
                (503, Some("10")),
                "{why}"
            );
        }
        let log = it.gateway.log_with(why);
        assert!(log.contains(why), "{why}: {log}");
        assert_eq!(
            it.issuer.asked(METADATA).len(),
            1,
            "it is left alone: {why}"
        );
        assert!(it.server.heard_with("tools/call").is_empty());
    }
    assert!(other.asked("/jwks").is_empty());
}

#[test]
fn made_up_keys_do_not_make_the_gateway_ask_again_and_again() {
    let it = Guarded::start();
    for n in 0..20 {
        let header = json!({ "alg": "ES256", "typ": "at+jwt", "kid": format!("made-up-{n}") });
        it.refuses(
            &it.issuer.signed(&header, &it.issuer.claims(RESOURCE)),
            "key that its issuer",
        );
    }
    assert!(it.issuer.asked("/jwks").len() <= 2);
    // A key that is new is found all the same, where nobody has searched in vain before.
    let it = Guarded::start();
    assert_eq!(it.call(&it.token(|_| {}), "read").status, 200);
    it.issuer.rotate("two");
    assert_eq!(it.call(&it.token(|_| {}), "read").status, 200);
}

#[test]
fn an_issuer_that_is_down_keeps_nobody_out_whose_key_is_known() {
    let it = Guarded::start();
    assert_eq!(it.call(&it.token(|_| {}), "read").status, 200);
    it.issuer.is_down(true);
    let token = it.token(|claims| claims["sub"] = json!("bob"));
    assert_eq!(it.call(&token, "read").status, 200);
    let down = Issuer::start();
    down.is_down(true);
    let it = Guarded::with(down, "", "");
    assert_eq!(it.call(&it.token(|_| {}), "read").status, 503);
    let status = it.gateway.command(&["status"]).output;
    assert!(
        status.contains("has not answered yet; failing since"),
        "{status}"
    );
}

#[test]
fn a_token_grants_its_scopes_and_no_more_and_says_all_that_are_missing_at_once() {
    let it = Guarded::start();
    let with = |scopes: &str| it.token(|claims| claims["scope"] = json!(scopes));
    let base =
        format!("Bearer resource_metadata=\"{RESOURCE}/.well-known/oauth-protected-resource/mcp");
    for (scopes, tool, needed) in [
        ("", "read", "mcp"),
        ("mcpx crm:write", "read", "mcp"),
        ("mcp", "update_order", "mcp crm:write"),
        ("mcp", "UPDATE_order", "mcp crm:write"),
        ("mcp crm:write", "update_all", "mcp crm:admin crm:write"),
    ] {
        let token = with(scopes);
        for (endpoint, tool) in [("crm", tool.to_owned()), ("", format!("crm__{tool}"))] {
            let said = it.call_at(endpoint, &token, &tool);
            let path = if endpoint.is_empty() { "" } else { "/crm" };
            let challenge =
                format!("{base}{path}\", error=\"insufficient_scope\", scope=\"{needed}\"");
            assert_eq!(said.status, 403, "{scopes} {tool}");
            assert_eq!(said.header("www-authenticate"), Some(challenge.as_str()));
            let body: Value = serde_json::from_slice(&said.body()).unwrap();
            assert_eq!(body["id"], 1, "{body}");
        }
    }
    // In a legacy session too, which goes on with a token that grants more: the step-up.
    let legacy = |token: &str, more: &[(&str, &str)], body: &[u8]| {
        let authorization = format!("Bearer {token}");
        let key = [("authorization", authorization.as_str())];
        request(
            "POST",
            &it.gateway.mcp(""),
            &[&PLAIN[..], &key, more].concat(),
            body,
        )
    };
    let opened = legacy(&with("mcp"), &[], Speaker::INITIALIZE);
    let session = opened.header("mcp-session-id").unwrap().to_owned();
    let session = [("mcp-session-id", session.as_str())];
    let call = br#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"crm__update_x","arguments":{}}}"#;
    assert_eq!(legacy(&with("mcp"), &session, call).status, 403);
    assert!(it.server.heard_with("tools/call").is_empty());
    assert_eq!(legacy(&with("mcp crm:write"), &session, call).status, 200);
    assert_eq!(it.server.heard_with("tools/call").len(), 1);
    // With another person's token it is nobody's session.
    let eve = it.token(|claims| {
        claims["sub"] = json!("eve");
        claims["scope"] = json!("mcp crm:write");
    });
    assert_eq!(legacy(&eve, &session, call).status, 404);
    assert_eq!(legacy(&with(""), &[], Speaker::INITIALIZE).status, 403);
    let log = it.log();
    assert!(
        log.contains(r#""refused_by":{"code":"scope.missing","pattern":"crm/update_*"}"#),
        "{log}"
    );
    let issuer = format!(r#""principal":"ada","issuer":"{}""#, it.issuer.url());
    assert!(log.contains(&issuer), "{log}");
}

#[test]
fn what_cannot_be_told_needs_every_scope_that_it_may_need() {
    let more = "\"crm:secret\" = [\"resource:crm/file:///secret/*\"]\n";
    let it = Guarded::with(Issuer::start(), "", more);
    let asks = |method: &str, params: &Value| {
        let mut params = params.clone();
        params["_meta"] = json!({ "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {} });
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let authorization = format!("Bearer {}", it.token(|_| {}));
        let mut more = vec![
            ("authorization", authorization.as_str()),
            ("mcp-protocol-version", "2026-07-28"),
            ("mcp-method", method),
        ];
        more.extend(params["uri"].as_str().map(|uri| ("mcp-name", uri)));
        let url = it.gateway.mcp("crm");
        request(
            "POST",
            &url,
            &[&PLAIN[..], &more].concat(),
            body.to_string().as_bytes(),
        )
    };
    let all = "scope=\"mcp crm:admin crm:secret crm:write\"";
    for (method, params, needed) in [
        ("tasks/get", json!({ "taskId": "t-9" }), all),
        (
            "completion/complete",
            json!({ "ref": { "type": "ref/else", "name": "x" }, "argument": { "name": "a", "value": "" } }),
            all,
        ),
        (
            "resources/read",
            json!({ "uri": "http://[/secret/a" }),
            "scope=\"mcp crm:secret\"",
        ),
    ] {
        let said = asks(method, &params);
        let challenge = said.header("www-authenticate").unwrap_or_default();
        assert_eq!(said.status, 403, "{method}");
        assert!(challenge.contains(needed), "{method}: {challenge}");
    }
    let heard = format!("{:?}", it.server.heard());
    assert!(!heard.contains("t-9") && !heard.contains("secret/a"));
}

#[test]
fn a_client_with_a_token_is_stopped_by_its_name() {
    let it = Guarded::start();
    let ada = it.token(|_| {});
    assert_eq!(it.call(&ada, "read").status, 200);
    let stopped = it
        .gateway
        .command(&["stop", "client", "ada", "--why", "an attack"]);
    assert_eq!(stopped.code, Some(0), "{stopped:?}");
    assert!(
        stopped
            .output
            .contains("a client with a token of that name"),
        "{stopped:?}"
    );
    assert_eq!(it.call(&ada, "read").status, 403);
    assert_eq!(
        it.call(&it.token(|claims| claims["jti"] = json!("2")), "read")
            .status,
        403
    );
    let bob = it.token(|claims| claims["sub"] = json!("bob"));
    assert_eq!(it.call(&bob, "read").status, 200);
}

#[test]
fn the_metadata_names_every_scope_and_does_not_tell_which_servers_exist() {
    let it = Guarded::start();
    let at = |path: &str| request("GET", &format!("{}{path}", it.gateway.url), &[], b"");
    let known = at("/.well-known/oauth-protected-resource/mcp/crm");
    let unknown = at("/.well-known/oauth-protected-resource/mcp/nothing");
    assert_eq!((known.status, unknown.status), (200, 200));
    let known: Value = serde_json::from_slice(&known.body()).unwrap();
    assert_eq!(
        known,
        json!({
            "resource": format!("{RESOURCE}/mcp/crm"),
            "authorization_servers": [it.issuer.url()],
            "scopes_supported": ["mcp", "crm:admin", "crm:write"],
            "bearer_methods_supported": ["header"],
        })
    );
    let whole: Value =
        serde_json::from_slice(&at("/.well-known/oauth-protected-resource").body()).unwrap();
    assert_eq!(whole["resource"], RESOURCE);
    for odd in ["/mcp/", "/mcp/a/b", "/mcp/%22", "/other"] {
        let path = format!("/.well-known/oauth-protected-resource{odd}");
        assert_eq!(at(&path).status, 404, "{odd}");
    }
}

#[test]
fn groups_of_a_token_are_views_and_a_name_of_the_configuration_is_not_taken() {
    let (key, lines) = token("root");
    let views = "[views.staff]\ngroups = [\"staff\"]\nallow = [\"crm/read*\"]\n\
                 [views.root]\nclients = [\"root\"]\nallow = [\"*/*\"]\n";
    let it = Guarded::with(Issuer::start(), "", &format!("{lines}\n{views}"));
    let of = |name: &str, groups: &[&str]| {
        it.token(|claims| {
            claims["sub"] = json!(name);
            claims["groups"] = json!(groups);
        })
    };
    let reads = |token: &str, tool: &str| {
        let said = it.call(token, tool);
        (said.status, String::from_utf8(said.body()).unwrap())
    };
    assert!(
        reads(&of("ada", &["staff"]), "read")
            .1
            .contains("\"result\"")
    );
    assert!(
        !reads(&of("ada", &["staff"]), "drop")
            .1
            .contains("\"result\"")
    );
    assert_eq!(
        reads(&of("ada", &[]), "read").0,
        404,
        "no view shows it the server"
    );
    // One person with two tokens has the groups of each, and of no other.
    assert!(
        reads(&of("ada", &["staff"]), "read")
            .1
            .contains("\"result\"")
    );
    it.refuses_name(&of("root", &["staff"]));
    assert!(
        reads(&key["Bearer ".len()..], "drop")
            .1
            .contains("\"result\""),
        "its own key still works"
    );
    let as_ada = it
        .gateway
        .command(&["check", "--as", "ada", "--groups", "staff"]);
    assert!(as_ada.output.contains("views staff"), "{as_ada:?}");
}

impl Guarded {
    #[track_caller]
    fn refuses_name(&self, token: &str) {
        let said = self.call(token, "read");
        assert_eq!(said.status, 401);
        let log = self.gateway.log_with("which is a client of [clients]");
        assert!(log.contains("give the issuer a `prefix`"), "{log}");
    }
}

#[test]
fn an_issuer_that_leaves_the_configuration_takes_its_clients_with_it() {
    let it = Guarded::start();
    let token = it.token(|_| {});
    let authorization = format!("Bearer {token}");
    let key = [("authorization", authorization.as_str())];
    let opened = request(
        "POST",
        &it.gateway.mcp("crm"),
        &[&PLAIN[..], &key].concat(),
        Speaker::INITIALIZE,
    );
    let session = opened.header("mcp-session-id").unwrap().to_owned();
    let file = it.gateway.config_file();
    let config = std::fs::read_to_string(&file).unwrap();
    let ping = br#"{"jsonrpc":"2.0","id":2,"method":"ping"}"#;
    let more = [key[0], ("mcp-session-id", session.as_str())];
    let asks = || {
        request(
            "POST",
            &it.gateway.mcp("crm"),
            &[&PLAIN[..], &more].concat(),
            ping,
        )
        .status
    };
    // Another change leaves session and keys alone.
    std::fs::write(&file, format!("{config}\n\"crm:x\" = [\"crm/x\"]\n")).unwrap();
    let reloaded = it.gateway.command(&["reload"]);
    assert!(
        reloaded
            .output
            .contains("[authorization]: changed (scopes)"),
        "{reloaded:?}"
    );
    assert_eq!(asks(), 200);
    assert_eq!(it.issuer.asked("/jwks").len(), 1);
    // Another issuer does not.
    let other = Issuer::start();
    std::fs::write(&file, config.replace(&it.issuer.url(), &other.url())).unwrap();
    assert_eq!(it.gateway.command(&["reload"]).code, Some(0));
    assert_eq!(asks(), 401);
    std::fs::write(&file, config).unwrap();
    assert_eq!(it.gateway.command(&["reload"]).code, Some(0));
    assert_eq!(asks(), 404, "the session is over");
}

#[test]
fn a_token_that_ends_ends_what_is_listened_to_by_it() {
    let it = Guarded::start();
    let token = it.token(|claims| claims["exp"] = json!(now() + 3));
    let authorization = format!("Bearer {token}");
    let key = [("authorization", authorization.as_str())];
    let opened = request(
        "POST",
        &it.gateway.mcp(""),
        &[&PLAIN[..], &key].concat(),
        Speaker::INITIALIZE,
    );
    let session = opened.header("mcp-session-id").unwrap().to_owned();
    let headers = [
        ("accept", "text/event-stream"),
        key[0],
        ("mcp-session-id", session.as_str()),
    ];
    let began = std::time::Instant::now();
    let stream = request("GET", &it.gateway.mcp(""), &headers, b"");
    assert_eq!(stream.status, 200);
    stream.body();
    assert!(began.elapsed() < Duration::from_secs(20));
}

#[test]
fn a_token_that_its_issuer_revokes_lets_nobody_in_and_a_token_that_is_no_jwt_is_asked_about() {
    let issuer = Issuer::start();
    let claims = issuer.claims(RESOURCE);
    issuer.answers("/introspect", move |body| {
        let active = body.contains("token=opaque%2Dtoken&");
        let said = if active {
            let mut said = claims.clone();
            said["active"] = json!(true);
            said
        } else {
            json!({ "active": false })
        };
        (200, Vec::new(), said.to_string())
    });
    let lines = "introspection = { client-id = \"gateway\", client-secret = \"s3cret\" }\n";
    let it = Guarded::with(issuer, lines, "");
    for _ in 0..3 {
        assert_eq!(it.call("opaque-token", "read").status, 200);
        assert_eq!(it.call("revoked", "read").status, 401);
    }
    assert_eq!(
        it.issuer.asked("/introspect").len(),
        2,
        "an answer holds for a while"
    );
    let said = String::from_utf8(it.call("revoked", "read").body()).unwrap();
    assert!(said.contains("says that it is not active"), "{said}");
    // A signed token of this issuer is asked about too: its signature alone does not say that it was not revoked.
    assert_eq!(it.call(&it.token(|_| {}), "read").status, 401);
    it.issuer.is_down(true);
    assert_eq!(it.call("another", "read").status, 503);
    wait_until("the status tells of it", || {
        it.gateway
            .command(&["status"])
            .output
            .contains("failing since")
    });
    assert!(!it.gateway.log().contains("s3cret"));
}

#[test]
fn a_server_gets_a_token_in_exchange_for_the_clients_and_never_the_clients_own() {
    let issuer = Issuer::start();
    let exchanged = |body: &str| {
        let own = body
            .split("subject_token=")
            .nth(1)
            .unwrap()
            .split('&')
            .next()
            .unwrap();
        let own: String = own.chars().filter(char::is_ascii_alphanumeric).collect();
        format!("for-crm-{}", &own[own.len() - 12..])
    };
    issuer.answers("/token", move |body| {
        let said = json!({ "access_token": exchanged(body), "token_type": "Bearer", "expires_in": 300,
            "issued_token_type": "urn:ietf:params:oauth:token-type:access_token" });
        (200, Vec::new(), said.to_string())
    });
    let server = FakeServer::http(works());
    let (key, lines) = token("root");
    let config = format!(
        "[gateway]\nlisten = \"127.0.0.1:0\"\nwatch = false\n{lines}\n[authorization]\nresource = \"{RESOURCE}\"\n{}\
         {}exchange = {{ token-endpoint = \"{}/token\", client-id = \"gateway\", client-secret = \"s3cret\", \
         audience = \"crm\", loopback-http = true }}\n",
        issuer.config(""),
        server.config("crm"),
        issuer.url(),
    );
    let it = Guarded {
        gateway: Gateway::start(&config),
        issuer,
        server,
    };
    let (ada, bob) = (
        it.token(|_| {}),
        it.token(|claims| claims["sub"] = json!("bob")),
    );
    let given = || -> Vec<String> {
        let calls = it
            .server
            .heard()
            .into_iter()
            .filter(|heard| String::from_utf8_lossy(&heard.body).contains("tools/call"));
        calls
            .map(|heard| heard.header("authorization").unwrap_or_default().to_owned())
            .collect()
    };
    for token in [&ada, &bob, &ada] {
        assert_eq!(it.call(token, "read").status, 200);
    }
    let tokens = given();
    assert!(
        tokens.iter().all(|one| one.starts_with("Bearer for-crm-")),
        "{tokens:?}"
    );
    assert!(
        tokens[0] == tokens[2] && tokens[0] != tokens[1],
        "{tokens:?}"
    );
    let asked = it.issuer.asked("/token");
    assert_eq!(asked.len(), 2, "one exchange for each token");
    for member in [
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant%2Dtype%3Atoken%2Dexchange&",
        "&audience=crm",
    ] {
        assert!(asked[0].contains(member), "{}", asked[0]);
    }
    // A key is no token to exchange, and on `/mcp` none is exchanged: the server gets none.
    assert_eq!(it.call(&key["Bearer ".len()..], "read").status, 200);
    assert_eq!(it.call_at("", &ada, "crm__read").status, 200);
    assert_eq!(given()[3..], ["", ""]);
    // Where there is no other token, nothing is sent: not even where the issuer gives back the client's own.
    let before = given().len();
    let own = it.token(|claims| claims["sub"] = json!("eve"));
    let said = json!({ "access_token": own, "token_type": "Bearer" }).to_string();
    it.issuer
        .answers("/token", move |_| (200, Vec::new(), said.clone()));
    let fails = |token: &str| {
        let said = String::from_utf8(it.call(token, "read").body()).unwrap();
        assert!(
            said.contains("takes tokens of its own") && said.contains("not-sent"),
            "{said}"
        );
    };
    fails(&own);
    it.issuer.answers("/token", |_| {
        (400, Vec::new(), r#"{"error":"invalid_grant"}"#.into())
    });
    fails(&own);
    it.issuer.is_down(true);
    fails(&own);
    assert_eq!(given().len(), before);
    let heard = format!("{:?}", it.server.heard());
    assert!(
        ![&ada, &bob, &own]
            .iter()
            .any(|token| heard.contains(token.as_str()))
    );
    assert!(!it.gateway.log().contains("s3cret") && !it.gateway.log().contains(&own));
}

#![allow(clippy::unwrap_used)]
use sandgate_sdk::testing::{after, context, document, findings, rules, settings_schema};
use serde_json::{Value, json};

use super::*;

/// Keys that nobody has, put together here so that no scanner takes this file for a leak.
fn github() -> String {
    ["ghp", "_75uk55s0jgd33792bsw1deat8kxnyrjw86b8"].concat()
}

fn redactor(settings: Value) -> SecretRedactor {
    SecretRedactor::configure(serde_json::from_value(settings).unwrap()).unwrap()
}

fn issues(settings: Value) -> Vec<String> {
    let issues = SecretRedactor::configure(serde_json::from_value(settings).unwrap())
        .err()
        .unwrap();
    issues.iter().map(|issue| issue.pointer.clone()).collect()
}

fn replied(settings: Value, definition: Value, reply: &Value) -> PostDecision {
    let context = context("tools/call")
        .target("read")
        .definition(&definition.to_string())
        .build();
    redactor(settings)
        .post_call(&context, &document(&reply.to_string()))
        .unwrap()
}

fn masked(reply: Value) -> Value {
    match replied(json!({}), json!({}), &reply) {
        PostDecision::Edit(edits) => after(&document(&reply.to_string()), &edits),
        PostDecision::Proceed => reply,
        other => panic!("{other:?}"),
    }
}

fn text(text: &str) -> String {
    let seen = masked(json!({"content": [{"type": "text", "text": text}]}));
    seen["content"][0]["text"].as_str().unwrap().to_owned()
}

fn called(settings: Value, schema: Value, arguments: Value) -> PreDecision {
    let definition = json!({ "inputSchema": schema }).to_string();
    let context = context("tools/call")
        .target("post")
        .definition(&definition)
        .build();
    let params = json!({ "name": "post", "arguments": arguments });
    redactor(settings)
        .pre_call(&context, &document(&params.to_string()))
        .unwrap()
}

fn code(decision: &PreDecision) -> &str {
    match decision {
        PreDecision::Refuse(refusal) => &refusal.code,
        PreDecision::Proceed => "",
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_schema_is_that_of_the_settings() {
    settings_schema::<SecretRedactor>(env!("CARGO_MANIFEST_DIR"));
}

#[test]
fn a_result_gets_marks_and_findings_without_the_secret() {
    let key = github();
    let seen = text(&format!("token {key}, and\npassword = \"hunter2-X9\"\n"));
    assert_eq!(
        seen,
        "token [secret~github-token], and\npassword = \"[secret~password]\"\n"
    );
    assert_eq!(rules(), ["secret.github-token", "secret.password"]);
    assert!(
        findings()
            .iter()
            .all(|finding| !format!("{finding:?}").contains("75uk55"))
    );
    // What is masked stays so.
    assert_eq!(text(&seen), seen);
}

#[test]
fn a_name_in_structured_content_makes_its_value_a_secret() {
    let reply = json!({
        "content": [{"type": "text", "text": "ok"}],
        "structuredContent": {"user": "ann", "password": "hunter2-X9", "note": format!("a\n{}", github())},
    });
    let seen = masked(reply);
    assert_eq!(
        seen["structuredContent"],
        json!({"user": "ann", "password": "[secret~password]", "note": "a\n[secret~github-token]"})
    );
}

#[test]
fn a_schema_without_room_and_a_secret_name_withhold_the_reply() {
    let reply = json!({"content": [], "structuredContent": {"key": github()}});
    let definition = json!({"outputSchema": {"properties": {"key": {"pattern": "^ghp_"}}}});
    let PostDecision::Refuse(refusal) = replied(json!({}), definition, &reply) else {
        panic!("not withheld");
    };
    assert_eq!(
        (&*refusal.code, refusal.pointer.as_deref()),
        ("secret.withheld", Some("/structuredContent/key"))
    );
    let reply = json!({"content": [], "structuredContent": {github(): 1}});
    let PostDecision::Refuse(refusal) = replied(json!({}), json!({}), &reply) else {
        panic!("not withheld");
    };
    assert!(
        refusal.message.contains("name of a member") && !format!("{refusal:?}").contains("75uk55")
    );
}

#[test]
fn an_argument_with_a_secret_is_refused_with_the_exception_to_write() {
    let decision = called(
        json!({}),
        json!({}),
        json!({"body": format!("see {}", github())}),
    );
    assert_eq!(code(&decision), "secret.in-arguments");
    let PreDecision::Refuse(refusal) = decision else {
        unreachable!()
    };
    assert!(!format!("{refusal:?}").contains("75uk55"));
    let details: Value = serde_json::from_str(refusal.details.as_deref().unwrap()).unwrap();
    assert_eq!(details["explanation"]["setting"], "/allow/-");
    let allow = json!({ "allow": [details["explanation"]["value"]] });
    let decision = called(
        allow,
        json!({}),
        json!({"body": format!("see {}", github())}),
    );
    assert_eq!(code(&decision), "");
}

#[test]
fn an_argument_that_is_meant_for_a_credential_is_recorded() {
    assert_eq!(
        code(&called(json!({}), json!({}), json!({"api_key": github()}))),
        ""
    );
    assert_eq!(rules(), ["secret.github-token"]);
    let schema = json!({"properties": {"value": {"format": "password"}}});
    assert_eq!(
        code(&called(json!({}), schema, json!({"value": github()}))),
        ""
    );
}

#[test]
fn a_probable_secret_in_an_argument_is_recorded() {
    let arguments = json!({"content": "password = \"hunter2-X9\"", "path": "a.env"});
    assert_eq!(code(&called(json!({}), json!({}), arguments.clone())), "");
    assert_eq!(rules(), ["secret.password"]);
    let settings = json!({"probable-arguments": "refuse"});
    assert_eq!(
        code(&called(settings, json!({}), arguments)),
        "secret.in-arguments"
    );
}

#[test]
fn a_mark_that_comes_back_is_refused() {
    let arguments = json!({"body": "key: [secret~github-token]"});
    assert_eq!(
        code(&called(json!({}), json!({}), arguments.clone())),
        "secret.mark-in-arguments"
    );
    assert_eq!(
        code(&called(json!({"returned": "pass"}), json!({}), arguments)),
        ""
    );
}

#[test]
fn escapes_in_json_hide_nothing() {
    let hidden = github().replacen('g', "\\u0067", 1);
    let params = format!("{{\"name\":\"post\",\"arguments\":{{\"body\":\"{hidden}\"}}}}");
    let context = context("tools/call").target("post").build();
    let decision = redactor(json!({}))
        .pre_call(&context, &document(&params))
        .unwrap();
    assert_eq!(code(&decision), "secret.in-arguments");
}

#[test]
fn errors_logs_and_requests_of_servers_are_masked() {
    let policy = redactor(json!({}));
    let failed = context("tools/call").failed().build();
    let error = json!({"code": -1, "message": format!("no {}", github()), "data": {"token": "x9Kq2LmZ8rTv4Wy"}});
    let PostDecision::Edit(edits) = policy
        .post_call(&failed, &document(&error.to_string()))
        .unwrap()
    else {
        panic!("not masked");
    };
    assert_eq!(edits.len(), 2);
    let log = context("notifications/message")
        .direction("server-to-client")
        .build();
    let params = json!({"level": "info", "data": {"db": "postgres://app:Tr0ub4dor@db/x"}});
    let PreDecision::Edit(edits) = policy
        .pre_call(&log, &document(&params.to_string()))
        .unwrap()
    else {
        panic!("not masked");
    };
    let seen = after(&document(&params.to_string()), &edits);
    assert_eq!(
        seen["data"]["db"],
        "postgres://app:[secret~url-password]@db/x"
    );
}

#[test]
fn the_operator_chooses() {
    let reply = json!({"content": [{"type": "text", "text": format!("{} password: \"hunter2-X9\"", github())}]});
    let edited = |settings: Value| match replied(settings, json!({}), &reply) {
        PostDecision::Edit(edits) => {
            after(&document(&reply.to_string()), &edits)["content"][0]["text"].to_string()
        }
        PostDecision::Proceed => "proceed".into(),
        PostDecision::Refuse(_) => "refuse".into(),
        other => panic!("{other:?}"),
    };
    assert_eq!(edited(json!({"results": "record"})), "proceed");
    assert_eq!(edited(json!({"results": "refuse"})), "refuse");
    assert!(edited(json!({"without": ["github-*"]})).contains("ghp_"));
    assert!(edited(json!({"kinds": ["password"]})).contains("ghp_"));
    assert!(edited(json!({"entropy": false})).contains("hunter2"));
    use sha2::{Digest, Sha256};
    let hash: String = Sha256::digest("hunter2-X9")
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let seen = edited(json!({"allow": [{"sha256": hash}]}));
    assert!(seen.contains("hunter2") && !seen.contains("ghp_"));
    assert!(
        edited(json!({"allow": [{"tool": "server/re*", "kind": "github-token"}]})).contains("ghp_")
    );
}

#[test]
fn settings_that_say_nothing_are_told() {
    for (settings, pointers) in [
        (json!({"kinds": []}), vec!["/kinds"]),
        (json!({"kinds": ["github-tokens"]}), vec!["/kinds/0"]),
        (json!({"without": ["*"]}), vec!["/without"]),
        (json!({"allow": [{}]}), vec!["/allow/0"]),
        (json!({"allow": [{"tool": "post"}]}), vec!["/allow/0/tool"]),
        (
            json!({"allow": [{"sha256": "12"}]}),
            vec!["/allow/0/sha256"],
        ),
    ] {
        assert_eq!(issues(settings), pointers);
    }
}

#[test]
fn no_escape_hides_a_secret_or_a_mark() {
    for (hidden, expected) in [
        (r"postgres:\/\/app:Tr0ub4dor@db", "secret.in-arguments"),
        (r"[secret~github\u002dtoken]", "secret.mark-in-arguments"),
        (r"a\nb \/ c", ""),
    ] {
        let params = format!("{{\"name\":\"post\",\"arguments\":{{\"body\":\"{hidden}\"}}}}");
        let context = context("tools/call").target("post").build();
        let decision = redactor(json!({}))
            .pre_call(&context, &document(&params))
            .unwrap();
        assert_eq!(code(&decision), expected, "{hidden}");
    }
    let reply = r#"{"content":[],"structuredContent":{"a":"b\n","db\/password":"hunter2-X9"}}"#;
    let context = context("tools/call").build();
    let decision = redactor(json!({}))
        .post_call(&context, &document(reply))
        .unwrap();
    assert!(matches!(decision, PostDecision::Edit(_)));
}

#[test]
fn what_a_server_wants_brought_back_is_brought_back() {
    let token = [
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9",
        ".eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkphbmUifQ",
        ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    ]
    .concat();
    let sent = |params: Value| {
        let context = context("tools/call").target("post").build();
        redactor(json!({}))
            .pre_call(&context, &document(&params.to_string()))
            .unwrap()
    };
    let params = json!({"name": "post", "requestState": token, "arguments": {"a": "b\n"}});
    assert_eq!(code(&sent(params)), "");
    for params in [
        json!({"name": "post", "arguments": {"requestState": token}}),
        json!({"name": "post", "requestState": {"a": token}}),
    ] {
        assert_eq!(code(&sent(params)), "secret.in-arguments");
    }
}

#[test]
fn neither_a_pointer_nor_an_exception_repeats_a_secret() {
    let read = |uri: &str| {
        let context = context("resources/read").target(uri).build();
        let params = json!({"uri": "x", "note": github()}).to_string();
        match redactor(json!({})).pre_call(&context, &document(&params)) {
            Ok(PreDecision::Refuse(refusal)) => refusal.details.unwrap(),
            other => panic!("{other:?}"),
        }
    };
    for uri in ["postgres://app:Tr0ub4dor@db/x", "file:///*"] {
        let details: Value = serde_json::from_str(&read(uri)).unwrap();
        assert_eq!(details["explanation"]["setting"], "/allow", "{uri}");
        assert!(!details.to_string().contains(uri));
    }
    assert!(read("file:///a").contains("file:///a"));
    findings();
    let arguments = json!({"list": {"postgres://app:Tr0ub4dor@db": {"x": github()}}});
    called(json!({"arguments": "record"}), json!({}), arguments);
    let reply = json!({"content": [], "structuredContent": {"postgres://app:Tr0ub4dor@db": {"x": github()}}});
    replied(json!({"results": "record"}), json!({}), &reply);
    let told = findings();
    assert_eq!(told.len(), 4);
    assert!(!format!("{told:?}").contains("Tr0ub4dor"));
    assert_eq!(told[0].pointer.as_deref(), Some("/arguments/list"));
    assert_eq!(told[1].pointer.as_deref(), Some("/arguments/list"));
}

#[test]
fn an_exception_is_for_a_resource_and_not_for_a_spelling() {
    let reply = json!({"contents": [{"uri": "file:///a", "text": github()}]}).to_string();
    let edited = |tool: &str, canonical: Option<&str>| {
        let context = context("resources/read").target("file:///open/../shut/x");
        let context = match canonical {
            Some(canonical) => context.attribute("target.canonical", canonical),
            None => context,
        };
        let settings = json!({"allow": [{"tool": tool, "kind": "github-token"}]});
        let decision = redactor(settings)
            .post_call(&context.build(), &document(&reply))
            .unwrap();
        matches!(decision, PostDecision::Edit(_))
    };
    assert!(!edited("server/file:///open/*", None));
    assert!(edited("server/file:///open/*", Some("file:///shut/x")));
    assert!(!edited("server/file:///shut/*", Some("file:///shut/x")));
    assert!(edited("server/*", Some("")));
    assert!(!edited("*", Some("")));
}

#[test]
fn a_secret_that_is_a_name_withholds_the_reply_wherever_it_stands() {
    let other = ["ghp", "_81vm66t1khe44803ctx2efbu9lyozskx97c9"].concat();
    let withheld = |settings: Value, reply: Value| {
        let decision = replied(settings, json!({}), &reply);
        matches!(decision, PostDecision::Refuse(_))
    };
    assert!(withheld(json!({}), json!({"_meta": {github(): 1}})));
    assert!(withheld(
        json!({}),
        json!({"content": [{"type": "text", "text": "a", "_meta": {"a": {github(): 1}}}]})
    ));
    use sha2::{Digest, Sha256};
    let hash: String = Sha256::digest(github())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let allow = json!({"allow": [{"sha256": hash}]});
    let reply = json!({"structuredContent": {github(): 1}});
    assert!(!withheld(allow.clone(), reply));
    let reply = json!({"structuredContent": {"a": {github(): 1}, "b": {other: 1}}});
    assert!(withheld(allow, reply));
}

#[test]
fn many_secrets_cost_no_more_than_their_number() {
    let block = json!({"type": "text", "text": github()});
    let reply = json!({"content": vec![block; 10_000]});
    let began = std::time::Instant::now();
    let PostDecision::Edit(edits) = replied(json!({}), json!({}), &reply) else {
        panic!("not masked");
    };
    assert_eq!(edits.len(), 10_000);
    assert!(began.elapsed() < std::time::Duration::from_secs(15));
}

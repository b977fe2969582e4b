#![allow(clippy::unwrap_used)]
use sandgate_sdk::testing::{after, clear_state, context, document, findings, rules};
use sandgate_sdk::{Document, Interceptor, PostDecision, PreDecision};
use serde_json::{Value, json};

use super::*;

fn scrubber(settings: Value) -> PiiScrubber {
    PiiScrubber::configure(serde_json::from_value(settings).unwrap()).unwrap()
}

fn issues(settings: Value) -> Vec<String> {
    let issues = PiiScrubber::configure(serde_json::from_value(settings).unwrap())
        .err()
        .unwrap();
    issues.iter().map(|issue| issue.pointer.clone()).collect()
}

fn scrubbed(settings: Value, definition: Value, reply: Value) -> PostDecision {
    let context = context("tools/call")
        .definition(&definition.to_string())
        .session("s")
        .build();
    let reply = document(&reply.to_string());
    scrubber(settings).post_call(&context, &reply).unwrap()
}

fn result(settings: Value, definition: Value, reply: Value) -> Value {
    match scrubbed(settings, definition, reply.clone()) {
        PostDecision::Edit(edits) => after(&document(&reply.to_string()), &edits),
        PostDecision::Proceed => reply,
        other => panic!("{other:?}"),
    }
}

fn text(settings: Value, text: &str) -> String {
    let reply = json!({"content": [{"type": "text", "text": text}]});
    result(settings, json!({}), reply)["content"][0]["text"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[test]
fn prose_gets_marks_and_findings_without_the_payload() {
    let seen = text(
        json!({}),
        "Write to ann@example.com or call +1 415 555 0132; card 4111 1111 1111 1111.",
    );
    assert_eq!(
        seen,
        "Write to [email] or call [phone]; card [credit-card]."
    );
    assert_eq!(rules(), ["pii.email", "pii.phone", "pii.credit-card"]);
}

#[test]
fn a_finding_says_where_its_values_stand() {
    let reply =
        json!({ "content": [{ "type": "text", "text": "é ann@example.com, bob@example.com" }] });
    scrubbed(json!({}), json!({}), reply);
    let read = |n: usize| -> Value {
        serde_json::from_str(findings()[n].details.as_deref().unwrap()).unwrap()
    };
    let told = json!({
        "rule": "pattern: email", "role": "text of a result", "setting": "/entities",
        "value": ["phone", "credit-card", "iban", "us-ssn", "jp-my-number", "ip"],
    });
    assert_eq!(
        read(0),
        json!({
            "explanation": told,
            "entity": "email",
            "count": 2,
            "spans": [
                { "pointer": "/content/0/text", "start": 3, "end": 18 },
                { "pointer": "/content/0/text", "start": 20, "end": 35 },
            ],
        })
    );
    let many = "ann@example.com ".repeat(65);
    scrubbed(
        json!({}),
        json!({}),
        json!({ "content": [{ "type": "text", "text": many }] }),
    );
    assert_eq!(
        read(0),
        json!({ "entity": "email", "count": 65, "explanation": told })
    );
}

#[test]
fn japanese_needs_no_spaces() {
    let seen = text(
        json!({}),
        "ご連絡先は０９０－１２３４－５６７８、マイナンバーは123456789018です。",
    );
    assert_eq!(
        seen,
        "ご連絡先は[phone]、マイナンバーは[jp-my-number]です。"
    );
}

#[test]
fn a_person_may_be_called_like_a_code() {
    for name in ["Jane", "Jan", "Janet"] {
        let seen = text(json!({}), &format!("{name}: 415-555-0132"));
        assert_eq!(seen, format!("{name}: [phone]"));
    }
    for untouched in ["JAN code 490-123-4567", "JANコード：490-123-4567"] {
        assert_eq!(text(json!({}), untouched), untouched);
    }
}

#[test]
fn a_reply_without_personal_data_is_not_touched() {
    let reply = json!({"content": [{"type": "text", "text": "version 10.20.30.40 of 2026-11-22, order 708789434533"}]});
    assert_eq!(scrubbed(json!({}), json!({}), reply), PostDecision::Proceed);
}

#[test]
fn only_the_wanted_kinds_are_masked_and_allowed_values_stay() {
    let settings = json!({"entities": ["email"], "allow": ["*@example.org"]});
    assert_eq!(
        text(settings, "ann@example.com, bob@example.org, 10.20.30.40"),
        "[email], bob@example.org, 10.20.30.40"
    );
}

#[test]
fn a_part_may_be_revealed() {
    assert_eq!(
        text(json!({"reveal": {"credit-card": 4}}), "4012-8888-8888-1881"),
        "[credit-card ****1881]"
    );
}

#[test]
fn hashes_and_tokens_are_the_same_for_the_same_value() {
    let hashed = text(
        json!({"action": "hash", "key": "0123456789abcdef"}),
        "a@b.co c@d.co A@b.co",
    );
    let parts: Vec<&str> = hashed.split(' ').collect();
    assert!(
        parts[0].starts_with("[email:") && parts[0].len() == 24,
        "{hashed}"
    );
    assert!(parts[0] == parts[2] && parts[0] != parts[1]);
    clear_state();
    assert_eq!(
        text(json!({"action": "tokenise"}), "a@b.co c@d.co a@b.co"),
        "[email-1] [email-2] [email-1]"
    );
}

fn structured(schema: Value, structured: Value) -> Value {
    result(
        json!({}),
        json!({"outputSchema": schema}),
        json!({"structuredContent": structured}),
    )["structuredContent"]
        .clone()
}

#[test]
fn a_value_with_a_form_gets_a_surrogate_of_that_form() {
    let schema = json!({"properties": {
        "mail": {"type": "string", "format": "email"},
        "phone": {"type": "string", "pattern": "^\\+[0-9 ]+$"},
        "e164": {"type": "string", "pattern": "^\\+[1-9]\\d{6,14}$"},
        "ip": {"type": "string", "format": "ipv4"},
        "note": {"type": "string"},
    }});
    // In alphabetical order, so that it does not matter whether the parser keeps the order of the members.
    let reply = json!({"e164": "+819012345678", "ip": "203.0.113.9", "mail": "ann@example.com", "note": "ann@example.com", "phone": "+1 415 555 0132"});
    let expected = json!({"mail": "masked-3@example.invalid", "phone": "+9 990 000 0004", "e164": "+999000000001", "ip": "240.0.0.2", "note": "[email]"});
    assert_eq!(structured(schema, reply), expected);
}

#[test]
fn without_a_definition_the_form_is_kept() {
    let context = context("tools/call").build();
    let reply = document(r#"{"structuredContent":{"mail":"ann@example.com"}}"#);
    let PostDecision::Edit(edits) = scrubber(json!({})).post_call(&context, &reply).unwrap() else {
        panic!()
    };
    assert_eq!(
        after(&reply, &edits)["structuredContent"]["mail"],
        "masked-1@example.invalid"
    );
}

#[test]
fn where_nothing_fits_the_whole_reply_is_withheld() {
    let definition =
        json!({"outputSchema": {"properties": {"mail": {"enum": ["ann@example.com"]}}}});
    let reply = json!({"structuredContent": {"mail": "ann@example.com"}});
    let PostDecision::Refuse(refusal) = scrubbed(json!({}), definition, reply) else {
        panic!()
    };
    assert_eq!(refusal.code, "pii.no-room-for-a-mask");
    assert_eq!(refusal.pointer.as_deref(), Some("/structuredContent/mail"));
    assert!(!refusal.message.contains("ann@"));
}

#[test]
fn a_members_name_says_what_a_bare_number_is() {
    let seen = structured(
        json!({}),
        json!({"phones": ["4155550132"], "id": "4155550132", "マイナンバー": "123456789018"}),
    );
    assert_eq!(
        seen,
        json!({"phones": ["[phone]"], "id": "4155550132", "マイナンバー": "[jp-my-number]"})
    );
}

#[test]
fn a_card_that_is_a_number_stays_a_number() {
    let seen = structured(
        json!({"properties": {"card": {"type": "integer"}}}),
        json!({"card": 4111111111111111u64, "at": 1764000000000u64}),
    );
    assert_eq!(
        seen,
        json!({"card": 1000000000000001u64, "at": 1764000000000u64})
    );
    let definition =
        json!({"outputSchema": {"properties": {"card": {"minimum": 2000000000000000u64}}}});
    let refused = scrubbed(
        json!({}),
        definition,
        json!({"structuredContent": {"card": 4111111111111111u64}}),
    );
    assert!(matches!(refused, PostDecision::Refuse(_)));
}

#[test]
fn json_in_a_text_stays_json() {
    let seen = text(
        json!({}),
        r#"{"card": 4111111111111111, "mail": "ann@example.com"}"#,
    );
    assert_eq!(
        serde_json::from_str::<Value>(&seen).unwrap(),
        json!({"card": 1000000000000001u64, "mail": "[email]"})
    );
}

#[test]
fn scrubbing_twice_changes_nothing_more() {
    let once = text(json!({}), "ann@example.com and 203.0.113.9");
    assert_eq!(text(json!({}), &once), once);
    let definition = json!({"outputSchema": {"properties": {"mail": {"format": "email"}}}});
    let reply = json!({"structuredContent": {"mail": "masked-1@example.invalid"}});
    assert_eq!(
        scrubbed(json!({}), definition, reply),
        PostDecision::Proceed
    );
}

#[test]
fn resources_and_prompts_are_scrubbed_too() {
    let of = |method: &str, reply: Value| {
        let reply = document(&reply.to_string());
        match scrubber(json!({}))
            .post_call(&context(method).build(), &reply)
            .unwrap()
        {
            PostDecision::Edit(edits) => after(&reply, &edits),
            other => panic!("{other:?}"),
        }
    };
    let resource = of(
        "resources/read",
        json!({"contents": [{"uri": "file:///a", "text": "ann@example.com"}]}),
    );
    assert_eq!(resource["contents"][0]["text"], "[email]");
    let prompt = of(
        "prompts/get",
        json!({"messages": [{"role": "user", "content": {"type": "text", "text": "ann@example.com"}}]}),
    );
    assert_eq!(prompt["messages"][0]["content"]["text"], "[email]");
}

fn called(settings: Value, arguments: Value) -> PreDecision {
    let params: Document = document(&json!({"name": "send", "arguments": arguments}).to_string());
    scrubber(settings)
        .pre_call(&context("tools/call").target("send").build(), &params)
        .unwrap()
}

#[test]
fn arguments_are_not_masked() {
    assert_eq!(
        called(json!({}), json!({"to": "ann@example.com"})),
        PreDecision::Proceed
    );
}

#[test]
fn a_mask_that_comes_back_is_refused() {
    for value in [
        "[email]",
        "Dear [email-3]",
        "masked-1@example.invalid",
        "[credit-card ****1881]",
        "+9 990 000 0002",
    ] {
        let PreDecision::Refuse(refusal) = called(json!({}), json!({"to": value})) else {
            panic!("{value}")
        };
        assert_eq!(refusal.code, "pii.mask-in-arguments");
        assert_eq!(refusal.pointer.as_deref(), Some("/arguments/to"));
    }
    assert_eq!(
        called(json!({"returned": "pass"}), json!({"to": "[email]"})),
        PreDecision::Proceed
    );
    assert_eq!(
        called(json!({"entities": ["phone"]}), json!({"to": "[email]"})),
        PreDecision::Proceed
    );
}

#[test]
fn settings_that_make_no_sense_say_where() {
    assert_eq!(issues(json!({"entities": []})), ["/entities"]);
    assert_eq!(issues(json!({"action": "hash"})), ["/key"]);
    assert_eq!(issues(json!({"action": "hash", "key": "short"})), ["/key"]);
    assert_eq!(issues(json!({"reveal": {"phone": 5}})), ["/reveal/phone"]);
    assert_eq!(
        issues(json!({"action": "tokenise", "reveal": {"phone": 4}})),
        ["/reveal/phone"]
    );
    assert_eq!(issues(json!({"allow": ["a", "**"]})), ["/allow/1"]);
}

fn says(method: &str, params: Value) -> Value {
    let context = context(method).direction("server-to-client").build();
    let document = document(&params.to_string());
    match scrubber(json!({})).pre_call(&context, &document).unwrap() {
        PreDecision::Edit(edits) => after(&document, &edits),
        PreDecision::Proceed => params,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_a_server_says_unasked_is_masked_and_stays_what_it_is() {
    assert_eq!(
        says(
            "notifications/message",
            json!({"level": "info", "logger": "mail", "data": {"to": "ann@example.com", "card": 4111111111111111u64}})
        ),
        json!({"level": "info", "logger": "mail", "data": {"to": "[email]", "card": 1000000000000001u64}})
    );
    assert_eq!(
        says(
            "notifications/progress",
            json!({"progressToken": "ann@example.com", "progress": 1, "message": "mail to ann@example.com"})
        ),
        json!({"progressToken": "ann@example.com", "progress": 1, "message": "mail to [email]"})
    );
    let asks = json!({"mode": "form", "message": "Is it ann@example.com?", "requestedSchema": {"type": "object",
        "properties": {"to": {"type": "string", "enum": ["ann@example.com"], "description": "as bob@example.com"}}}});
    let mut masked = asks.clone();
    masked["message"] = "Is it [email]?".into();
    masked["requestedSchema"]["properties"]["to"]["description"] = "as [email]".into();
    assert_eq!(says("elicitation/create", asks), masked);
}

#[test]
fn lists_completions_and_errors_are_masked_where_people_read_them() {
    let replied = |method: &str, reply: Value, failed: bool| {
        let builder = context(method);
        let builder = if failed { builder.failed() } else { builder };
        let document = document(&reply.to_string());
        match scrubber(json!({}))
            .post_call(&builder.build(), &document)
            .unwrap()
        {
            PostDecision::Edit(edits) => after(&document, &edits),
            PostDecision::Proceed => reply,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(
        replied(
            "resources/list",
            json!({"resources": [{"uri": "mail:ann@example.com", "name": "ann@example.com", "description": "of ann@example.com"}]}),
            false
        ),
        json!({"resources": [{"uri": "mail:ann@example.com", "name": "ann@example.com", "description": "of [email]"}]})
    );
    assert_eq!(
        replied(
            "completion/complete",
            json!({"completion": {"values": ["ann@example.com"]}}),
            false
        ),
        json!({"completion": {"values": ["[email]"]}})
    );
    assert_eq!(
        replied(
            "resources/subscribe",
            json!({"code": -32602, "message": "no ann@example.com"}),
            true
        ),
        json!({"code": -32602, "message": "no [email]"})
    );
}

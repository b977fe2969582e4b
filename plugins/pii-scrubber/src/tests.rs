#![allow(clippy::unwrap_used)]
use proptest::prelude::*;
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

/// Without the tags of marks, which depend on a key.
fn untagged(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['~', '-']) {
        let tag = rest.get(at + 1..at + 8).unwrap_or_default();
        let is_tag = tag.len() == 7
            && tag[..6].bytes().all(|byte| byte.is_ascii_lowercase())
            && tag.ends_with([']', '@']);
        plain += &rest[..at + usize::from(!is_tag)];
        rest = &rest[at + if is_tag { 7 } else { 1 }..];
    }
    plain + rest
}

fn result(settings: Value, definition: Value, reply: Value) -> Value {
    match scrubbed(settings, definition, reply.clone()) {
        PostDecision::Edit(edits) => {
            let masked = after(&document(&reply.to_string()), &edits);
            serde_json::from_str(&untagged(&masked.to_string())).unwrap()
        }
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
        "value": Entity::ALL[1..].iter().map(|entity| entity.name()).collect::<Vec<_>>(),
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
        "ip": {"type": "string", "format": "ipv6"},
        "note": {"type": "string"},
    }});
    // In alphabetical order, so that it does not matter whether the parser keeps the order of the members.
    let seen = structured(
        schema.clone(),
        json!({"ip": "2606:4700::1111", "mail": "ann@example.com", "note": "ann@example.com"}),
    );
    assert_eq!(seen["mail"], "masked-2@example.invalid");
    assert_eq!(seen["note"], "[email]");
    assert!(seen["ip"].as_str().unwrap().starts_with("100::"));
    for (name, value, bound) in [
        (
            "phone",
            "+1 415 555 0132",
            json!({"pattern": "^\\+[0-9 ]+$"}),
        ),
        ("ip", "81.2.69.142", json!({"format": "ipv4"})),
    ] {
        let definition = json!({"outputSchema": {"properties": {name: bound}}});
        let refused = scrubbed(
            json!({}),
            definition,
            json!({"structuredContent": {name: value}}),
        );
        assert!(matches!(refused, PostDecision::Refuse(_)), "{name}");
    }
}

#[test]
fn without_a_definition_the_form_is_kept() {
    let context = context("tools/call").build();
    let reply = document(r#"{"structuredContent":{"mail":"ann@example.com"}}"#);
    let PostDecision::Edit(edits) = scrubber(json!({})).post_call(&context, &reply).unwrap() else {
        panic!()
    };
    let mail = after(&reply, &edits)["structuredContent"]["mail"].to_string();
    assert_eq!(untagged(&mail), "\"masked-1@example.invalid\"");
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
fn a_number_becomes_a_mark_and_never_another_number() {
    let free = json!({"properties": {"card": {"description": "x"}}});
    let reply =
        json!({"card": 5500000000000004u64, "at": 1764000000000u64, "phone": 741234, "id": 741234});
    assert_eq!(
        structured(free, reply.clone()),
        json!({"card": "[credit-card]", "at": 1764000000000u64, "phone": "[phone]", "id": 741234})
    );
    for bound in [
        json!({"type": "integer"}),
        json!({"minimum": 1, "type": "number"}),
        json!({"enum": [5500000000000004u64]}),
    ] {
        let definition = json!({"outputSchema": {"properties": {"card": bound}}});
        let refused = scrubbed(json!({}), definition, json!({"structuredContent": reply}));
        assert!(matches!(refused, PostDecision::Refuse(_)));
    }
}

#[test]
fn json_in_a_text_stays_json() {
    let seen = text(
        json!({}),
        r#"{"card": 4111111111111111, "mail": "ann@example.com", "say": "\"call\" 030 1234567"}"#,
    );
    assert_eq!(
        serde_json::from_str::<Value>(&seen).unwrap(),
        json!({"card": "[credit-card]", "mail": "[email]", "say": "\"call\" [phone]"})
    );
    let lines = text(
        json!({}),
        "{\"card\": 4111111111111111}\n{\"card\": 5500000000000004}\n",
    );
    for line in lines.lines() {
        assert_eq!(
            serde_json::from_str::<Value>(line).unwrap(),
            json!({"card": "[credit-card]"})
        );
    }
}

#[test]
fn a_text_and_the_structured_content_say_the_same() {
    let content = json!({"phones": [4155550132u64, 4155550133u64], "user": {"mail": "ann@example.com", "ssn": "219 09 9999"}, "order": "4155550134"});
    let schema = json!({"properties": {"user": {"properties": {"mail": {"format": "email"}}}}});
    for written in [
        content.to_string(),
        serde_json::to_string_pretty(&content).unwrap(),
    ] {
        let reply =
            json!({"content": [{"type": "text", "text": written}], "structuredContent": content});
        let seen = result(json!({}), json!({"outputSchema": schema}), reply);
        let said: Value =
            serde_json::from_str(seen["content"][0]["text"].as_str().unwrap()).unwrap();
        assert_eq!(said, seen["structuredContent"]);
        assert_eq!(said["phones"], json!(["[phone]", "[phone]"]));
        assert_eq!(said["user"]["mail"], "masked-1@example.invalid");
    }
}

#[test]
fn elements_of_a_set_stay_different() {
    let schema =
        json!({"properties": {"phones": {"uniqueItems": true, "items": {"type": "string"}}}});
    let seen = structured(
        schema,
        json!({"phones": ["+1 415 555 0132", "+1 415 555 0133"]}),
    );
    assert_ne!(seen["phones"][0], seen["phones"][1]);
}

/// What a day's work showed: none of it is anybody's data.
const BENIGN: &[&str] = &[
    "x[::2]",
    "use serde::de::{self, Visitor};",
    "Regex::new(r\"\")?; a::b::c",
    "OID 1.3.6.1.4.1.311.2.1.14",
    "1.2.840.113549.1.1.11",
    "2.5.29.14",
    "kernel 5.15.0.91 booted",
    "\"version\": \"10.4.0.10\"",
    "EUI-64 00:11:22:ff:fe:33:44:55",
    "00:11:22:33:44:55:66:77",
    "MA 02110-1301, USA",
    "Copyright 2015-2018",
    "2015-2018",
    "08:30-12:00",
    "12:34:56.789012",
    "2026-11-22T10:00:00.123456Z",
    "2026-11-22 10:00:00,123",
    "3.141592653589793",
    "0.30000000000000004",
    "-122.4194155",
    "37.7749295, -122.4194155",
    "getty@tty1.service",
    "foo@1.2.3.tgz",
    "postgres://app@db.internal",
    "redis://default:secret@cache.example.com:6379/0",
    "https://user@example.com/x",
    "ssh://git@example.com/repo.git",
    "550e8400-e29b-41d4-a716-446655440000",
    "123e4567-e89b-12d3-a456-426614174000",
    "order 4539578763621486 shipped",
    "id=4539578763621486",
    "trace 5105105105105100 span",
    "run_id: 6011111111111117",
    "127.0.0.1",
    "192.168.1.10 via 10.0.0.1",
    "203.0.113.9",
    "fe80::1%eth0",
    "::1",
    "Chrome/120.0.6099.109 Safari/537.36",
    "numpy==1.26.4.1",
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "ISBN 978-3-16-148410-0",
    "SKU 1234-5678-9012",
    "INV-2024-000123456",
    "PO 4500012345",
    "RFC 2119, RFC 8174",
    "1764000000",
    "1764000000123",
    "0xdeadbeef12345678",
    "#1234567890",
    "@@ -1234,7 +12345678,9 @@",
    "GB29 NWBK 6016 1331 9268 18",
    "DE88 3704 0044 0532 0130 00",
    "lat=52.5200066&lon=13.404954",
    "size 12345678 bytes",
    "call stack 0123456",
    "reply to [email]",
    "user[email]=a",
    "a range of 100-200",
    "10.0.0.0/8",
    "224.0.0.251",
    "rust 1.95.0-nightly (2026-01-01)",
    "port 8080:80",
    "1,234,567,890",
    "version 2.0.0.1",
    "DFARS clause 252.227-7015",
    "let account = random(b\"0123456789\", 18);",
];

#[test]
fn nothing_benign_is_masked() {
    let changed: Vec<_> = BENIGN
        .iter()
        .map(|benign| (*benign, text(json!({}), benign)))
        .filter(|(benign, seen)| benign != seen)
        .collect();
    assert_eq!(changed, []);
}

#[test]
fn nothing_benign_is_refused_in_arguments() {
    for value in [
        "order_id = 100000000001",
        "1000000000001",
        "SELECT sessions[ip] = now()",
        "user[email]=a",
        "filter[ip]=1",
        "select [email]",
        "reply to [email]",
        "240.0.0.1",
        "[email-1]",
        "masked-1@example.invalid",
        "[credit-card ****1881]",
        "+9 990 000 0002",
        "100::1",
        "~",
        "[email~bcdfgh]",
    ] {
        assert_eq!(
            called(json!({}), json!({"to": value})),
            PreDecision::Proceed,
            "{value}"
        );
    }
}

#[test]
fn private_addresses_are_an_option() {
    assert_eq!(
        text(json!({}), "host 10.1.2.3, 81.2.69.142"),
        "host 10.1.2.3, [ip]"
    );
    assert_eq!(
        text(
            json!({"private-addresses": true}),
            "host 10.1.2.3, 81.2.69.142"
        ),
        "host [ip], [ip]"
    );
}

#[test]
fn callers_without_a_name_share_no_conversation() {
    clear_state();
    let of = |id: &str| {
        let reply = document(
            &json!({"content": [{"type": "text", "text": format!("{id}@example.com")}]})
                .to_string(),
        );
        let context = context("tools/call")
            .definition("{}")
            .attribute("id", id)
            .build();
        match scrubber(json!({"action": "tokenise"}))
            .post_call(&context, &reply)
            .unwrap()
        {
            PostDecision::Edit(edits) => {
                untagged(&after(&reply, &edits)["content"][0]["text"].to_string())
            }
            other => panic!("{other:?}"),
        }
    };
    assert!(of("ann").starts_with("\"[email-"));
}

#[test]
fn a_mark_is_ours_only_under_our_key() {
    let reply = document(r#"{"content":[{"type":"text","text":"ann@example.com"}]}"#);
    let marked = |key: Value| {
        let context = context("tools/call")
            .definition("{}")
            .attribute("interceptor.key", "00ff")
            .build();
        match scrubber(key).post_call(&context, &reply).unwrap() {
            PostDecision::Edit(edits) => after(&reply, &edits)["content"][0]["text"]
                .as_str()
                .unwrap()
                .to_owned(),
            other => panic!("{other:?}"),
        }
    };
    let (gateway, own) = (
        marked(json!({})),
        marked(json!({"mark-key": "0123456789abcdef"})),
    );
    assert_ne!(gateway, own);
    assert_eq!(
        called(json!({}), json!({"to": gateway})),
        PreDecision::Proceed
    );
    assert!(matches!(
        called(json!({"mark-key": "0123456789abcdef"}), json!({"to": own})),
        PreDecision::Refuse(_)
    ));
}

#[test]
fn scrubbing_twice_changes_nothing_more() {
    let once =
        raw("ann@example.com and 81.2.69.142, phone 030 1234567 home 123456, 4111 1111 1111 1111");
    assert_eq!(raw(&once), once);
    let marks = Marks::new("no key");
    let definition = json!({"outputSchema": {"properties": {"mail": {"format": "email"}}}});
    let reply = json!({"structuredContent": {"mail": marks.surrogate(Entity::Email, "", 1)}});
    assert_eq!(
        scrubbed(json!({}), definition, reply),
        PostDecision::Proceed
    );
}

/// The text after scrubbing, with its tags.
fn raw(text: &str) -> String {
    let reply = json!({"content": [{"type": "text", "text": text}]});
    match scrubbed(json!({}), json!({}), reply.clone()) {
        PostDecision::Edit(edits) => {
            after(&document(&reply.to_string()), &edits)["content"][0]["text"]
                .as_str()
                .unwrap()
                .to_owned()
        }
        PostDecision::Proceed => text.to_owned(),
        other => panic!("{other:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// What was masked is not found again, whatever stands beside it.
    #[test]
    fn a_second_pass_changes_nothing(pieces in prop::collection::vec(prop_oneof![
        prop::sample::select(vec![
            "ann@example.com", "+1 415 555 0132", "030 1234567", "4111 1111 1111 1111", "4111111111111111", "DE89370400440532013000", "219-09-9999",
            "123456789018", "81.2.69.142", "2606:4700::1111", "phone ", "card ", "tel: ", "マイナンバー：", "born ", "04.10.1983", "passport ", "X1234567", "zip ",
            "12345", " ", "-", ".", "/", "|", "\n", "\"", ":", "[", "]", "~", "@", "123456", "office", "national id ", "AB 12 34 56 C", "８０１",
        ]).prop_map(String::from),
        any::<char>().prop_map(String::from),
    ], 0..14)) {
        let once = raw(&pieces.concat());
        prop_assert_eq!(raw(&once), once);
    }

    #[test]
    fn any_text_can_be_scrubbed(text in ".{0,200}") {
        raw(&text);
    }
}

#[test]
fn resources_and_prompts_are_scrubbed_too() {
    let of = |method: &str, reply: Value| {
        let reply = document(&reply.to_string());
        match scrubber(json!({}))
            .post_call(&context(method).build(), &reply)
            .unwrap()
        {
            PostDecision::Edit(edits) => {
                serde_json::from_str::<Value>(&untagged(&after(&reply, &edits).to_string()))
                    .unwrap()
            }
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
    let marks = Marks::new("no key");
    let values = [
        marks.mark(Entity::Email, ""),
        format!("Dear {}", marks.mark(Entity::Email, "-3")),
        marks.surrogate(Entity::Email, "", 1).unwrap(),
        marks.mark(Entity::CreditCard, " ****1881"),
        marks.surrogate(Entity::Ip, "::", 3).unwrap(),
    ];
    for value in values {
        let PreDecision::Refuse(refusal) = called(json!({}), json!({"to": value})) else {
            panic!("{value}")
        };
        assert_eq!(refusal.code, "pii.mask-in-arguments");
        assert_eq!(refusal.pointer.as_deref(), Some("/arguments/to"));
    }
    let value = marks.mark(Entity::Email, "");
    assert_eq!(
        called(json!({"returned": "pass"}), json!({"to": value})),
        PreDecision::Proceed
    );
    assert_eq!(
        called(json!({"entities": ["phone"]}), json!({"to": value})),
        PreDecision::Proceed
    );
}

/// What arguments must contain for the gateway to ask, by the manifest.
fn contained(event: &str) -> Vec<String> {
    let manifest = include_str!("../plugin.toml");
    let (_, table) = manifest.split_once("[hooks.pre-call.contains]").unwrap();
    let line = table
        .lines()
        .find_map(|line| line.strip_prefix(&format!("{event:?} = ")));
    serde_json::from_str(line.unwrap()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    /// The gateway does not ask where none of the manifest's texts is: there is nothing to refuse.
    #[test]
    fn nothing_is_refused_in_which_the_gateway_does_not_ask(pieces in prop::collection::vec(prop_oneof![
        (0..4_usize, 0..9_usize, 0..60_usize, 0..60_usize).prop_map(|(kind, serial, from, to)| {
            let marks = Marks::new("no key");
            let whole = match kind {
                0 => marks.mark(Entity::Email, &format!("-{serial}")),
                1 => marks.mark(Entity::CreditCard, " ****1881"),
                2 => marks.surrogate(Entity::Email, "", serial).unwrap(),
                _ => marks.surrogate(Entity::Ip, "::", serial).unwrap(),
            };
            whole.chars().skip(from.saturating_sub(40)).take(60 - to / 2).collect()
        }),
        any::<char>().prop_map(String::from),
        ".{0,12}",
    ], 0..6)) {
        let text = pieces.concat();
        for event in ["tools/call", "prompts/get"] {
            let asks = contained(event).iter().any(|one| text.contains(one));
            if !asks {
                prop_assert_eq!(called(json!({}), json!({"to": &text, &text: 1})), PreDecision::Proceed);
            }
        }
    }
}

#[test]
fn settings_that_make_no_sense_say_where() {
    assert_eq!(issues(json!({"entities": []})), ["/entities"]);
    assert_eq!(issues(json!({"action": "hash"})), ["/key"]);
    assert_eq!(issues(json!({"action": "hash", "key": "short"})), ["/key"]);
    assert_eq!(issues(json!({"mark-key": "short"})), ["/mark-key"]);
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
        PreDecision::Edit(edits) => {
            serde_json::from_str(&untagged(&after(&document, &edits).to_string())).unwrap()
        }
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
        json!({"level": "info", "logger": "mail", "data": {"to": "[email]", "card": "[credit-card]"}})
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
            PostDecision::Edit(edits) => {
                serde_json::from_str(&untagged(&after(&document, &edits).to_string())).unwrap()
            }
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

#[test]
fn the_settings_are_those_of_the_manifest() {
    let manifest = include_str!("../plugin.toml");
    for entity in Entity::ALL {
        let name = format!("\"{}\"", entity.name());
        assert_eq!(manifest.matches(&name).count(), 2, "{name}");
        let reveal = format!("\n{} = {{ type", entity.name());
        assert_eq!(manifest.matches(&reveal).count(), 1, "{name}");
        assert_eq!(
            scrubber(json!({"entities": [entity.name()]}))
                .settings
                .entities,
            [entity]
        );
    }
    for name in [
        "entities",
        "action",
        "key",
        "mark-key",
        "private-addresses",
        "reveal",
        "allow",
        "returned",
    ] {
        assert!(
            manifest.contains(&format!("[settings.properties.{name}]")),
            "{name}"
        );
    }
    scrubber(json!({
        "entities": ["email"], "action": "hash", "key": "0123456789abcdef", "mark-key": "0123456789abcdef", "private-addresses": true,
        "reveal": {}, "allow": [], "returned": "pass",
    }));
}

/// The fixtures have these texts.
#[test]
fn the_fixtures_expect_what_is_done() {
    let key = json!({"mark-key": "a key of the fixtures"});
    let marks = Marks::new("a key of the fixtures");
    for entity in [Entity::Email, Entity::NationalId] {
        let mark = marks.mark(entity, "");
        let fixture = include_str!("../fixtures/masks-a-note.toml");
        assert!(fixture.contains(&mark), "{mark}");
    }
    let mark = marks.mark(Entity::Email, "");
    assert!(
        include_str!("../fixtures/refuses-a-mark.toml").contains(&mark),
        "{mark}"
    );
    assert!(matches!(
        called(key, json!({"to": mark})),
        PreDecision::Refuse(_)
    ));
}

#[test]
fn uris_and_values_to_choose_from_stay_as_they_are() {
    let uri = "mail://ann@example.com/1";
    let to = "Ann <ann@example.com>";
    let reply = json!({
        "content": [
            { "type": "resource_link", "uri": uri, "name": "ann@example.com" },
            { "type": "resource", "resource": { "uri": uri, "text": "ann@example.com" } },
        ],
        "contents": [{ "uri": uri, "text": "To ann@example.com" }],
        "inputRequests": {
            "a": { "method": "elicitation/create", "params": { "url": uri, "message": to } },
            "b": { "method": "elicitation/create", "params": { "requestedSchema": { "properties": { "to": { "enum": [to] } } } } },
        },
        "structuredContent": { "uri": uri, "mail": "ann@example.com" },
    });
    let seen = result(json!({}), json!({}), reply);
    let stays = |pointer: &str| {
        !seen
            .pointer(pointer)
            .unwrap()
            .as_str()
            .unwrap()
            .contains("[email]")
    };
    for pointer in [
        "/content/0/uri",
        "/content/1/resource/uri",
        "/contents/0/uri",
        "/inputRequests/a/params/url",
        "/inputRequests/b/params/requestedSchema/properties/to/enum/0",
    ] {
        assert!(stays(pointer), "{pointer}");
    }
    for pointer in [
        "/content/0/name",
        "/content/1/resource/text",
        "/contents/0/text",
        "/inputRequests/a/params/message",
        "/structuredContent/mail",
    ] {
        assert!(!stays(pointer), "{pointer}");
    }
}

#[test]
fn the_data_of_an_error_are_read_with_their_names_and_numbers() {
    let reply = json!({
        "code": -32000, "message": "no",
        "data": {
            "phone": "415-555-0132", "card": 4111111111111111_u64,
            "elicitations": [{ "url": "https://a.example/?to=ann@example.com" }],
        },
    });
    let reply = document(&reply.to_string());
    let context = context("tools/call").failed().build();
    let PostDecision::Edit(edits) = scrubber(json!({})).post_call(&context, &reply).unwrap() else {
        panic!()
    };
    let seen = untagged(&after(&reply, &edits)["data"].to_string());
    let seen: Value = serde_json::from_str(&seen).unwrap();
    assert_eq!(
        seen,
        json!({
            "phone": "[phone]", "card": "[credit-card]",
            "elicitations": [{ "url": "https://a.example/?to=ann@example.com" }],
        })
    );
}

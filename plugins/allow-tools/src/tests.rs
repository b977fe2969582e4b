#![allow(clippy::unwrap_used)]
use sandgate_sdk::testing::{ContextBuilder, after, context, document};
use sandgate_sdk::{Interceptor, PostDecision, PreDecision};
use serde_json::{Value, json};

use super::*;

fn policy(settings: Value) -> AllowTools {
    AllowTools::configure(serde_json::from_value(settings).unwrap()).unwrap()
}

fn pointers(settings: Value) -> Vec<String> {
    let issues = AllowTools::configure(serde_json::from_value(settings).unwrap())
        .err()
        .unwrap();
    issues.iter().map(|issue| issue.pointer.clone()).collect()
}

fn support_and_agents() -> Value {
    json!({"rules": [
        {"who": ["group:support"], "allow": ["crm/lookup_*", "crm/reply"]},
        {"who": ["client:ci-*"], "allow": ["build/*"]},
        {"who": ["*"], "allow": ["crm/status"]},
    ]})
}

fn support() -> ContextBuilder {
    context("tools/call")
        .server("crm")
        .groups(&["support"])
        .principal("ci-7")
}

fn calls(settings: Value, context: ContextBuilder, name: &str) -> bool {
    let params = document(&json!({"name": name}).to_string());
    match policy(settings)
        .pre_call(&context.target(name).build(), &params)
        .unwrap()
    {
        PreDecision::Proceed => true,
        PreDecision::Refuse(refusal) => {
            assert_eq!(refusal.code, "allow-tools.not-allowed");
            assert_eq!(refusal.pointer.as_deref(), Some("/name"));
            false
        }
        other => panic!("{other:?}"),
    }
}

fn listed(settings: Value, method: &str, reply: Value) -> Value {
    let reply = document(&reply.to_string());
    let context = context(method).server("crm").build();
    match policy(settings).post_call(&context, &reply).unwrap() {
        PostDecision::Edit(edits) => after(&reply, &edits),
        PostDecision::Proceed => after(&reply, &[]),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_a_rule_allows_is_callable_and_nothing_else() {
    assert!(calls(support_and_agents(), support(), "lookup_customer"));
    assert!(calls(support_and_agents(), support(), "reply"));
    assert!(!calls(support_and_agents(), support(), "delete_customer"));
}

#[test]
fn the_first_rule_that_fits_the_caller_decides_alone() {
    // The second and the third rule fit too, and would allow these calls.
    assert!(!calls(support_and_agents(), support(), "status"));
    assert!(!calls(
        support_and_agents(),
        support().server("build"),
        "run"
    ));
}

#[test]
fn callers_are_told_apart_by_name_and_group() {
    let ci = || context("tools/call").principal("ci-7").server("build");
    assert!(calls(support_and_agents(), ci(), "run"));
    assert!(!calls(support_and_agents(), ci().server("crm"), "run"));
    assert!(calls(
        support_and_agents(),
        context("tools/call").server("crm"),
        "status"
    ));
}

#[test]
fn where_no_rule_fits_nothing_is_allowed() {
    let settings = json!({"rules": [{"who": ["group:support"], "allow": ["*"]}]});
    assert!(!calls(
        settings.clone(),
        context("tools/call").server("crm"),
        "status"
    ));
    // The name of a group is not the name of a client.
    assert!(!calls(
        settings,
        context("tools/call").server("crm").principal("support"),
        "status"
    ));
}

#[test]
fn a_tool_that_is_not_allowed_is_not_listed() {
    let reply = json!({"tools": [
        {"name": "status", "inputSchema": {"name": "delete"}}, {"name": "delete"}, {"title": "nameless"}, {"name": 3}, {"name": "st\u{61}tus"},
    ], "nextCursor": "n"});
    let seen = listed(support_and_agents(), "tools/list", reply);
    assert_eq!(
        seen,
        json!({"tools": [{"name": "status", "inputSchema": {"name": "delete"}}, {"name": "status"}], "nextCursor": "n"})
    );
}

#[test]
fn a_list_that_is_all_allowed_is_not_touched() {
    let reply = document(r#"{"tools":[{"name":"status"}]}"#);
    let decision = policy(support_and_agents())
        .post_call(&context("tools/list").server("crm").build(), &reply)
        .unwrap();
    assert_eq!(decision, PostDecision::Proceed);
}

#[test]
fn a_list_that_is_none_is_a_malfunction() {
    let reply = document(r#"{"tools":{"name":"status"}}"#);
    let policy = policy(support_and_agents());
    assert!(
        policy
            .post_call(&context("tools/list").server("crm").build(), &reply)
            .is_err()
    );
    assert_eq!(
        policy
            .post_call(&context("tools/list").failed().build(), &reply)
            .unwrap(),
        PostDecision::Proceed
    );
}

#[test]
fn prompts_and_resources_are_ruled_where_the_operator_says_so() {
    let prompts = json!({"prompts": [{"name": "a"}]});
    assert_eq!(
        listed(support_and_agents(), "prompts/list", prompts.clone()),
        prompts
    );
    let all = json!({"kinds": ["tools", "prompts", "resources"], "rules": [{"who": ["*"], "allow": ["crm/file:///open/*"]}]});
    assert_eq!(
        listed(all.clone(), "prompts/list", prompts),
        json!({"prompts": []})
    );
    let resources = json!({"resources": [{"uri": "file:///open/a"}, {"uri": "file:///shut/a"}]});
    assert_eq!(
        listed(all.clone(), "resources/list", resources),
        json!({"resources": [{"uri": "file:///open/a"}]})
    );
    let templates = json!({"resourceTemplates": [{"uriTemplate": "file:///shut/{x}"}]});
    assert_eq!(
        listed(all.clone(), "resources/templates/list", templates),
        json!({"resourceTemplates": []})
    );
    let read = |uri: &str| {
        let context = context("resources/read").server("crm").target(uri).build();
        policy(all.clone())
            .pre_call(&context, &document("{}"))
            .unwrap()
            == PreDecision::Proceed
    };
    assert!(read("file:///open/a") && !read("file:///shut/a"));
}

#[test]
fn a_completion_asks_for_what_its_reference_names() {
    let all = json!({"kinds": ["prompts"], "rules": [{"who": ["*"], "allow": ["*/open"]}]});
    let completes = |params: &str, target: &str| {
        let context = context("completion/complete").target(target).build();
        policy(all.clone())
            .pre_call(&context, &document(params))
            .unwrap()
            == PreDecision::Proceed
    };
    assert!(completes(
        r#"{"ref":{"type":"ref/prompt","name":"open"}}"#,
        "open"
    ));
    assert!(!completes(
        r#"{"ref":{"type":"ref/prompt","name":"shut"}}"#,
        "shut"
    ));
    assert!(completes(
        r#"{"ref":{"type":"ref/resource","uri":"x://shut"}}"#,
        "x://shut"
    ));
}

#[test]
fn a_completion_of_a_template_leads_to_what_is_allowed() {
    let settings = json!({"kinds": ["resources"], "rules": [
        {"who": ["*"], "allow": ["crm/file:///{+path}", "crm/file:///open/*"]}]});
    let completes = |value: &str| {
        let context = context("completion/complete")
            .server("crm")
            .target("file:///{+path}")
            .build();
        let params = json!({"ref": {"type": "ref/resource", "uri": "file:///{+path}"},
            "argument": {"name": "path", "value": value}});
        policy(settings.clone())
            .pre_call(&context, &document(&params.to_string()))
            .unwrap()
            == PreDecision::Proceed
    };
    assert!(completes("") && completes("op") && completes("open/a"));
    assert!(!completes("shut/") && !completes("openly"));
}

#[test]
fn a_subscription_names_only_what_is_allowed() {
    let settings =
        json!({"kinds": ["resources"], "rules": [{"who": ["*"], "allow": ["*/file:///open/*"]}]});
    let listens = |uris: Value| {
        let params = json!({"notifications": {"resourceSubscriptions": uris}});
        let context = context("subscriptions/listen").build();
        policy(settings.clone()).pre_call(&context, &document(&params.to_string()))
    };
    assert_eq!(
        listens(json!(["file:///open/a"])).unwrap(),
        PreDecision::Proceed
    );
    let PreDecision::Refuse(refusal) =
        listens(json!(["file:///open/a", "file:///shut/a"])).unwrap()
    else {
        panic!("not refused");
    };
    assert_eq!(
        refusal.pointer.as_deref(),
        Some("/notifications/resourceSubscriptions/1")
    );
    assert!(listens(json!("file:///shut/a")).is_err());
}

#[test]
fn no_rules_is_an_error() {
    assert_eq!(pointers(json!({})), ["/rules"]);
    assert_eq!(pointers(json!({"rules": []})), ["/rules"]);
}

#[test]
fn a_rule_that_cannot_be_read_says_where() {
    let settings = json!({"rules": [
        {"who": [], "allow": ["lookup"]}, {"who": ["support", "user:x", "group:"], "allow": ["crm/", "/x", "crm/*", "*"]},
    ]});
    let expected = [
        "/rules/0/who",
        "/rules/0/allow/0",
        "/rules/1/who/0",
        "/rules/1/who/1",
        "/rules/1/who/2",
        "/rules/1/allow/0",
        "/rules/1/allow/1",
    ];
    assert_eq!(pointers(settings), expected);
}

#[test]
fn a_callers_name_with_a_wildcard_is_no_entry_to_paste() {
    let settings = json!({"rules": [{"who": ["group:support"], "allow": ["*"]}]});
    let told = |name: &str| {
        let context = context("tools/call")
            .server("crm")
            .principal(name)
            .target("status");
        let decision = policy(settings.clone())
            .pre_call(&context.build(), &document(r#"{"name":"status"}"#))
            .unwrap();
        match decision {
            PreDecision::Refuse(refusal) => refusal.details.unwrap(),
            other => panic!("{other:?}"),
        }
    };
    assert!(told("ada").contains("client:ada"));
    for name in ["*", "ci-*", "a?"] {
        let told = told(name);
        assert!(
            !told.contains("client:") && told.contains("/rules"),
            "{told}"
        );
    }
}

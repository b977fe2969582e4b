#![allow(clippy::unwrap_used)]
use sandgate_sdk::testing::{ContextBuilder, clear_state, context, document, settings_schema};
use serde_json::{Value, json};

use super::*;

const NOW: Duration = Duration::from_secs(1_800_000_000);

fn policy(settings: Value) -> RateLimit {
    clear_state();
    RateLimit::configure(serde_json::from_value(settings).unwrap()).unwrap()
}

fn pointers(settings: Value) -> Vec<String> {
    let issues = RateLimit::configure(serde_json::from_value(settings).unwrap());
    let issues = issues.err().unwrap();
    issues.iter().map(|issue| issue.pointer.clone()).collect()
}

fn call(tool: &str) -> ContextBuilder {
    context("tools/call").server("crm").target(tool)
}

/// Whether the call goes through.
fn passes(policy: &RateLimit, call: ContextBuilder) -> bool {
    wait(policy, call, NOW).is_none()
}

/// What a refusal says to wait, in milliseconds.
fn wait(policy: &RateLimit, call: ContextBuilder, now: Duration) -> Option<u64> {
    match policy.judge(&call.build(), now).unwrap() {
        PreDecision::Proceed => None,
        PreDecision::Refuse(refusal) => {
            assert_eq!(refusal.code, "rate-limit.exceeded");
            let details: Value = serde_json::from_str(&refusal.details.unwrap()).unwrap();
            Some(details["retryAfterMs"].as_u64().unwrap())
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_schema_is_that_of_the_settings() {
    settings_schema::<RateLimit>(env!("CARGO_MANIFEST_DIR"));
}

#[test]
fn a_burst_passes_and_then_the_caller_waits() {
    let policy = policy(json!({"limits": [{"calls": 60, "per": "1m", "burst": 2}]}));
    let ada = || call("search").principal("ada");
    assert!(passes(&policy, ada()) && passes(&policy, ada()));
    assert_eq!(wait(&policy, ada(), NOW), Some(1_000));
    let later = NOW + Duration::from_millis(400);
    assert_eq!(wait(&policy, ada(), later), Some(600));
    assert_eq!(wait(&policy, ada(), NOW + Duration::from_secs(1)), None);
}

#[test]
fn a_refusal_tells_the_asker_the_time_and_the_operator_the_exception() {
    let policy = policy(json!({"limits": [{"calls": 1, "per": "1d"}]}));
    assert!(passes(&policy, call("search")));
    let PreDecision::Refuse(refusal) = policy.judge(&call("search").build(), NOW).unwrap() else {
        panic!("not refused");
    };
    assert_eq!(
        refusal.message,
        "Too many calls: at most 1 in 1d by one caller. Try again in 24 h."
    );
    assert_eq!(refusal.pointer.as_deref(), Some("/name"));
    let details: Value = serde_json::from_str(&refusal.details.unwrap()).unwrap();
    assert_eq!(
        details,
        json!({"retryAfterMs": 86_400_000, "explanation": {
            "rule": "limit 1: 1 calls in 1d by one caller", "role": "call of a tool",
            "setting": "/exempt/-", "value": "crm/search"}})
    );
}

#[test]
fn callers_have_buckets_of_their_own_and_the_anonymous_share_one() {
    let policy = policy(json!({"limits": [{"calls": 1, "per": "1m"}]}));
    assert!(passes(&policy, call("a").principal("ada")));
    assert!(!passes(&policy, call("b").principal("ada")));
    assert!(passes(&policy, call("a").principal("bob")));
    assert!(passes(&policy, call("a").session("1")));
    assert!(!passes(&policy, call("a").session("2")));
    // A caller who takes the anonymous ones' name.
    assert!(passes(&policy, call("a").principal("a")));
}

#[test]
fn conversations_tools_and_everyone_are_counted_where_the_limit_says_so() {
    let by = |by: &str| policy(json!({"limits": [{"calls": 1, "per": "1m", "by": by}]}));
    let ada = |tool: &str, session: &str| call(tool).principal("ada").session(session);
    let bob = |tool: &str| call(tool).principal("bob").session("3");

    let session = by("session");
    assert!(passes(&session, ada("a", "1")) && passes(&session, ada("a", "2")));
    assert!(!passes(&session, ada("b", "1")));

    let tool = by("tool");
    assert!(passes(&tool, ada("a", "1")) && passes(&tool, ada("b", "1")));
    assert!(!passes(&tool, bob("a")));
    assert!(passes(&tool, bob("a").server("wiki")));

    let both = by("principal-and-tool");
    assert!(
        passes(&both, ada("a", "1")) && passes(&both, ada("b", "1")) && passes(&both, bob("a"))
    );
    assert!(!passes(&both, ada("a", "2")));

    let everyone = by("everyone");
    assert!(passes(&everyone, ada("a", "1")));
    assert!(!passes(&everyone, bob("b")));
}

#[test]
fn every_limit_that_fits_must_have_room_and_a_refused_call_takes_nothing() {
    let policy = policy(json!({"limits": [
        {"calls": 2, "per": "1d"},
        {"tools": ["crm/send_*"], "calls": 1, "per": "1h"},
    ]}));
    assert!(passes(&policy, call("send_mail")));
    assert!(!passes(&policy, call("send_mail")));
    assert!(
        passes(&policy, call("search")),
        "the refused call took none of the day's"
    );
    assert!(!passes(&policy, call("search")));
}

#[test]
fn a_limit_is_for_whom_it_names() {
    let policy = policy(json!({"limits": [
        {"who": ["group:bots", "client:ci-*"], "calls": 1, "per": "1m"}]}));
    for _ in 0..3 {
        assert!(passes(&policy, call("a")));
        assert!(passes(
            &policy,
            call("a").principal("ada").groups(&["staff"])
        ));
    }
    assert!(passes(&policy, call("a").principal("ci-7")));
    assert!(!passes(&policy, call("a").principal("ci-7")));
    assert!(passes(&policy, call("a").principal("r2").groups(&["bots"])));
    assert!(!passes(
        &policy,
        call("a").principal("r2").groups(&["bots"])
    ));
}

#[test]
fn what_is_exempt_or_of_another_kind_is_not_counted() {
    let policy = policy(json!({"limits": [{"calls": 1, "per": "1m"}], "exempt": ["crm/ping"]}));
    for _ in 0..3 {
        assert!(passes(&policy, call("ping")));
        assert!(passes(
            &policy,
            context("resources/read").target("file:///a")
        ));
        assert!(passes(&policy, context("prompts/get").target("greet")));
    }
    assert!(passes(&policy, call("a")) && !passes(&policy, call("a")));
}

#[test]
fn prompts_and_resources_are_counted_where_the_operator_wants_it() {
    let policy = policy(json!({"limits": [{"calls": 1, "per": "1m", "by": "tool"}],
        "kinds": ["prompts", "resources"]}));
    let read = |uri: &str| context("resources/read").target(uri);
    assert!(passes(&policy, read("file:///a")) && !passes(&policy, read("file:///a")));
    let odd = read("file:///./a").attribute("target.canonical", "file:///a");
    assert!(!passes(&policy, odd));
    let get = || context("prompts/get").target("greet");
    assert!(passes(&policy, get()) && !passes(&policy, get()));
    assert!(passes(&policy, call("a")) && passes(&policy, call("a")));
}

#[test]
fn a_resource_without_a_canonical_form_counts_for_every_limit_of_its_server() {
    let policy = policy(json!({"limits": [
        {"calls": 1, "per": "1m", "tools": ["crm/file:///shut/*"]},
        {"calls": 1, "per": "1m", "tools": ["wiki/*"]},
    ], "kinds": ["resources"], "exempt": ["crm/*"]}));
    let odd = |server: &str| {
        let context = context("resources/read").server(server).target("file:");
        context.attribute("target.canonical", "")
    };
    assert!(passes(&policy, odd("crm")) && !passes(&policy, odd("crm")));
    assert!(passes(&policy, odd("wiki")) && !passes(&policy, odd("wiki")));
    assert!(passes(&policy, odd("x")) && passes(&policy, odd("x")));
}

#[test]
fn only_plain_names_are_put_in_an_exception() {
    let policy = policy(
        json!({"limits": [{"calls": 1, "per": "1m", "by": "everyone"}],
        "kinds": ["resources"]}),
    );
    let read = |uri: &str| context("resources/read").server("crm").target(uri).build();
    policy.judge(&read("file:///a"), NOW).unwrap();
    for (uri, setting) in [
        ("file:///a", "/exempt/-"),
        ("file:///*", "/limits/0/calls"),
        ("db://x#key=Tr0ub4dor", "/limits/0/calls"),
        ("db://app:Tr0ub4dor@x", "/limits/0/calls"),
    ] {
        let PreDecision::Refuse(refusal) = policy.judge(&read(uri), NOW).unwrap() else {
            panic!("not refused");
        };
        let details: Value = serde_json::from_str(&refusal.details.unwrap()).unwrap();
        assert_eq!(details["explanation"]["setting"], setting, "{uri}");
    }
}

#[test]
fn a_limit_keeps_its_buckets_when_others_come_and_go() {
    let one = json!({"calls": 1, "per": "1m"});
    assert!(passes(&policy(json!({"limits": [one]})), call("a")));
    let settings = json!({"limits": [{"calls": 9, "per": "1d"}, one]});
    let both = RateLimit::configure(serde_json::from_value(settings).unwrap()).unwrap();
    assert!(!passes(&both, call("a")));
}

#[test]
fn what_is_wrong_is_said_at_its_place() {
    assert_eq!(pointers(json!({"limits": []})), ["/limits"]);
    let settings = json!({"limits": [
        {"who": ["ada"], "tools": ["search"], "calls": 0, "per": "soon", "burst": 0},
        {"who": [], "tools": [], "calls": 1, "per": "1d", "burst": 100_000},
        {"calls": 5, "per": "1m"}, {"calls": 5, "per": "1m"},
    ], "exempt": ["ping", "*"], "kinds": []});
    let expected = [
        "/kinds",
        "/limits/0/who/0",
        "/limits/0/tools/0",
        "/limits/0/calls",
        "/limits/0/burst",
        "/limits/0/per",
        "/limits/1/who",
        "/limits/1/tools",
        "/limits/1/per",
        "/limits/3",
        "/exempt/0",
        "/exempt/0",
    ];
    assert_eq!(pointers(settings), expected);
    assert!(
        serde_json::from_value::<Settings>(json!({})).is_err(),
        "unset limits"
    );
}

#[test]
fn calls_are_counted_by_the_machines_clock() {
    let policy = policy(json!({"limits": [{"calls": 1, "per": "1h"}]}));
    let hook = || {
        policy
            .pre_call(&call("a").build(), &document("{}"))
            .unwrap()
    };
    assert_eq!(hook(), PreDecision::Proceed);
    assert!(matches!(hook(), PreDecision::Refuse(_)));
}

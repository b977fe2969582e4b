//! Every message of the protocol against every built-in policy: the policy looks at it, or it is said here why not. A new
//! message, or a policy that is new, is in nobody's blind spot.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::path::Path;

use sandgate_message::{Direction, Hook, HookPoint, hook_points};
use sandgate_pipeline::Globs;

const FROM_CLIENT: &str = "the policy judges what servers say, and arguments";
const NO_TEXT: &str = "it holds ids and names, and nothing that anybody reads";
const NO_ARGUMENTS: &str = "only a call of a tool has arguments of a tool";
const NOT_NAMED: &str = "it names no tool, prompt or resource that is used or listed";
const NO_DEFINITION: &str = "no definition is listed or used in it";
const NOT_COUNTED: &str = "only what is used is counted";
const NO_FLOW: &str = "nothing flows in or out of a tool or resource";

/// Why a policy need not look at a message; none: it must.
fn reason(policy: &str, meeting: &HookPoint) -> Option<&'static str> {
    let HookPoint {
        method,
        direction,
        hook,
        ..
    } = *meeting;
    let from_client = matches!(
        (direction, hook),
        (Direction::ClientToServer, Hook::PreCall) | (Direction::ServerToClient, Hook::PostCall)
    );
    match (policy, method) {
        ("rate-limit", _) => {
            let counted = matches!(method, "tools/call" | "prompts/get" | "resources/read");
            (!counted || hook == Hook::PostCall).then_some(NOT_COUNTED)
        }
        ("flow-guard", _) => {
            let flows =
                method == "tools/call" || (method, hook) == ("resources/read", Hook::PostCall);
            (!flows).then_some(NO_FLOW)
        }
        ("tool-guard" | "tool-pins", _) => {
            let listed =
                method.ends_with("/list") && !matches!(method, "tasks/list" | "roots/list");
            let told = policy == "tool-guard" && matches!(method, "initialize" | "server/discover");
            let must = match hook {
                Hook::PreCall => matches!(method, "tools/call" | "prompts/get"),
                Hook::PostCall => listed || told,
            };
            (!must).then_some(NO_DEFINITION)
        }
        ("argument-validator", _) => {
            (method != "tools/call" || hook == Hook::PostCall).then_some(NO_ARGUMENTS)
        }
        ("pii-scrubber", "tools/call" | "prompts/get") => None,
        ("pii-scrubber" | "injection-classifier", _) if from_client => Some(FROM_CLIENT),
        // What clients send is judged where it holds texts.
        ("secret-redactor", method) if from_client => (!matches!(
            method,
            "tools/call"
                | "prompts/get"
                | "resources/read"
                | "completion/complete"
                | "sampling/createMessage"
                | "elicitation/create"
        ))
        .then_some(NO_TEXT),
        ("model-bridge", method) if from_client => (!matches!(
            method,
            "tools/call"
                | "prompts/get"
                | "completion/complete"
                | "tasks/update"
                | "sampling/createMessage"
                | "elicitation/create"
        ))
        .then_some(NO_TEXT),
        ("pii-scrubber" | "injection-classifier" | "secret-redactor" | "model-bridge", method)
            if direction == Direction::ServerToClient =>
        {
            (matches!(
                method,
                "ping"
                    | "roots/list"
                    | "notifications/elicitation/complete"
                    | "notifications/subscriptions/acknowledged"
                    | "notifications/resources/updated"
            ) || method.ends_with("/list_changed")
                || method.starts_with("tasks/"))
            .then_some(NO_TEXT)
        }
        ("allow-tools", _) => {
            let lists = method.ends_with("/list") && !matches!(method, "tasks/list" | "roots/list");
            let uses = matches!(
                method,
                "tools/call"
                    | "prompts/get"
                    | "completion/complete"
                    | "resources/read"
                    | "resources/subscribe"
                    | "resources/unsubscribe"
                    | "subscriptions/listen"
                    | "notifications/resources/updated"
            );
            let must = match hook {
                Hook::PreCall => uses,
                Hook::PostCall => lists,
            };
            (!must).then_some(NOT_NAMED)
        }
        _ => None,
    }
}

#[test]
fn every_built_in_policy_looks_at_every_message_that_can_carry_its_matter() {
    let plugins = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins");
    let (mut seen, mut unseen) = (0, Vec::new());
    for folder in std::fs::read_dir(plugins).unwrap() {
        let folder = folder.unwrap().path();
        let Ok(text) = std::fs::read_to_string(folder.join("plugin.toml")) else {
            continue;
        };
        seen += 1;
        let manifest: toml::Table = toml::from_str(&text).unwrap();
        let policy = manifest["name"].as_str().unwrap();
        let asks = |hook: Hook| {
            let hook = manifest["hooks"].get(hook.as_str())?;
            let events = hook["events"].as_array().unwrap();
            Some(Globs::new(events.iter().map(|event| event.as_str().unwrap())).unwrap())
        };
        for meeting in hook_points() {
            let looks = asks(meeting.hook).is_some_and(|events| events.matches(meeting.method));
            if !looks && reason(policy, &meeting).is_none() {
                unseen.push(format!("{policy}: {meeting:?}"));
            }
        }
    }
    assert!(
        unseen.is_empty(),
        "not looked at, and nothing says why: {unseen:#?}"
    );
    assert!(seen >= 10, "only {seen} policies were found");
}

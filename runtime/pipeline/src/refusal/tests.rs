#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use sandgate_message::{HookResult, PostDecision, PreDecision, Role};
use serde_json::{Value, json as value};

use super::*;
use crate::testing::*;
use crate::{Chain, Step};

fn refusing() -> Native {
    validator("guard", |_| {
        PreDecision::Refuse(Refusal {
            code: "path.traversal".into(),
            message: "Leave out the dots.".into(),
            pointer: Some("/arguments/path".into()),
            details: Some(json(r#"{"retryAfterMs": 1500}"#)),
            // The explanation is for the operator; the requester does not see it.
            explanation: Some(Box::new(sandgate_message::Explanation {
                rule: "two dots".into(),
                role: Some("path".into()),
                setting: Some("/traversal".into()),
                value: Some("record".into()),
            })),
        })
    })
}

fn failing(failure: Failure) -> Native {
    native("guard").pre(Role::Validation, move |_| {
        HookResult::failed(failure.clone())
    })
}

fn put_to(native: Native, style: Option<RefusalStyle>, call: Call) -> Value {
    let chain = Chain::new(
        1,
        vec![native.try_step().unwrap()],
        style,
        Default::default(),
    );
    let entry = chain
        .enter(Arc::new(call), message(REQUEST))
        .now_or_never()
        .unwrap();
    read(&refused(entry).message.unwrap())
}

fn of_method(method: &str) -> Call {
    Call {
        method: method.into(),
        ..call()
    }
}

#[test]
fn a_refused_tool_call_is_a_result_that_models_read() {
    let reply = put_to(refusing(), None, call());
    assert_eq!(
        reply,
        value!({"jsonrpc": "2.0", "id": "a/1", "result": {
            "content": [{"type": "text", "text":
                "This tool call was not sent: policy \"guard\" refused it (path.traversal): Leave out the dots."}],
            "isError": true,
            "_meta": {"sandgate/refusal": {"callId": "call-1", "code": "path.traversal", "interceptor": "guard",
                "reached": "not-sent", "pointer": "/arguments/path", "details": {"retryAfterMs": 1500}}},
        }})
    );
}

#[test]
fn a_modern_result_says_that_it_is_complete() {
    let reply = put_to(
        refusing(),
        None,
        Call {
            era: Era::Modern,
            ..call()
        },
    );
    assert_eq!(reply["result"]["resultType"], "complete");
}

#[test]
fn any_other_refused_request_is_an_error_in_the_drafts_words() {
    let reply = put_to(refusing(), None, of_method("resources/read"));
    assert_eq!(reply["error"]["code"], -32602);
    assert_eq!(
        reply["error"]["data"],
        value!({"callId": "call-1", "code": "path.traversal", "interceptor": "guard", "reached": "not-sent",
            "pointer": "/arguments/path", "details": {"retryAfterMs": 1500},
            "validationErrors": [
                {"path": "/arguments/path", "message": "Leave out the dots.", "severity": "error"}]})
    );
}

#[test]
fn a_servers_request_is_refused_with_an_error_even_if_it_is_named_like_a_tool_call() {
    let reply = put_to(
        refusing(),
        None,
        Call {
            direction: Direction::ServerToClient,
            ..call()
        },
    );
    assert_eq!(reply["error"]["code"], -32602);
}

#[test]
fn the_steps_style_goes_before_the_chains() {
    let styled = |style| refusing().place(|place| place.refusal = style);
    let is_result = |reply: Value| reply.get("result").is_some();
    assert!(!is_result(put_to(
        styled(None),
        Some(RefusalStyle::Error),
        call()
    )));
    assert!(is_result(put_to(
        styled(Some(RefusalStyle::Result)),
        Some(RefusalStyle::Error),
        call()
    )));
    assert!(!is_result(put_to(
        styled(Some(RefusalStyle::Error)),
        None,
        call()
    )));
    assert!(!is_result(put_to(
        styled(Some(RefusalStyle::Result)),
        None,
        of_method("prompts/get")
    )));
}

#[test]
fn a_missed_deadline_is_the_drafts_timeout() {
    let reply = put_to(
        failing(Failure::deadline(Duration::from_millis(50))),
        None,
        call(),
    );
    assert_eq!(reply["error"]["code"], -32000);
    assert_eq!(
        reply["error"]["message"],
        "This tool call was not sent: policy \"guard\" did not decide within 50 ms."
    );
    let data = &reply["error"]["data"];
    assert_eq!(
        (&data["interceptor"], &data["timeoutMs"], &data["phase"]),
        (&value!("guard"), &value!(50), &value!("request"))
    );
}

#[test]
fn overload_is_told_apart_from_failure_and_says_to_come_again() {
    let reply = put_to(failing(Failure::Overload("a processor")), None, call());
    assert_eq!(reply["error"]["code"], -32000);
    assert_eq!(
        reply["error"]["message"],
        "This tool call was not sent: the gateway is overloaded: policy \"guard\" waited too long for a processor. Try \
         again later."
    );
    assert_eq!(reply["error"]["data"]["code"], "overload");
}

#[test]
fn a_failure_names_the_interceptor_and_the_kind() {
    let reply = put_to(failing(Failure::Memory(1)), None, call());
    assert_eq!(reply["error"]["code"], -32603);
    assert_eq!(
        reply["error"]["data"],
        value!({"callId": "call-1", "code": "memory", "interceptor": "guard", "reached": "not-sent",
            "failedInterceptor": "guard", "phase": "request"})
    );
}

#[test]
fn a_failure_is_a_result_only_where_the_operator_says_so() {
    let reply = put_to(
        failing(Failure::Memory(1)),
        Some(RefusalStyle::Result),
        call(),
    );
    assert_eq!(reply["result"]["isError"], true);
    assert_eq!(
        reply["result"]["_meta"]["sandgate/refusal"]["code"],
        "memory"
    );
}

#[test]
fn nothing_a_guest_wrote_on_failing_is_shown() {
    let canary = || "CANARY".to_owned();
    for failure in [
        Failure::Own {
            kind: canary(),
            frames: vec![canary()],
            detail: canary(),
        },
        Failure::Trap {
            reason: canary(),
            frames: vec![canary()],
            detail: canary(),
        },
        Failure::Malformed(canary()),
        Failure::Load(canary()),
    ] {
        for style in [None, Some(RefusalStyle::Result)] {
            let reply = put_to(failing(failure.clone()), style, call());
            assert!(!reply.to_string().contains("CANARY"), "{reply}");
        }
    }
}

#[test]
fn a_withheld_reply_of_another_method_speaks_of_a_request() {
    let refusing = reply_validator("guard", |_| PostDecision::Refuse(refusal("leak")));
    let chain = chain([refusing]);
    let entry = chain
        .enter(Arc::new(of_method("resources/read")), message(REQUEST))
        .now_or_never()
        .unwrap();
    let reply = read(&leave(onward(entry), RESULT).message.unwrap());
    assert_eq!(reply["error"]["data"]["reached"], "executed");
    assert_eq!(
        reply["error"]["message"],
        "The request was carried out and may have had its effect; its result is withheld: policy \"guard\" refused it \
         (leak): because of leak. Do not retry."
    );
}

#[test]
fn nobody_is_answered_who_did_not_ask() {
    let step: Step = refusing().try_step().unwrap();
    let interrupted = step.interrupted(RefusalCause::Refused(refusal("no")), None);
    let context = RefusalContext {
        call: &call(),
        hook: Hook::PreCall,
        executed: false,
    };
    assert!(context.reply(None, &interrupted).is_none());
}

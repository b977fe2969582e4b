//! Requests whose outcome comes later, in both eras.

use std::sync::Arc;

use sandgate_gateway::{ClientKey, Clients, Decision};
use sandgate_message::{Edit, Json, Limits, PostDecision, PreDecision, Role};
use sandgate_pipeline::Step;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::client::{PLAIN, Session, ask_modern, modern, send};
use crate::house::{self, House, http};
use crate::policy::{after, before, refusal};
use crate::server::{Fake, Says, events, result};

const CALL: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t","arguments":{},"task":{"ttl":60000}}}"#;
const BEGUN: &str = r#"{"task" : {"taskId":"t1","status":"working","statusMessage":"secret"}}"#;
const SAID: &str = r#"{"content":[{"type":"text", "text":"secret"}],"isError":false}"#;

fn read(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// A legacy server whose every call becomes the task `t1`.
async fn legacy() -> Fake {
    Fake::legacy(|got| {
        let said = match got.rpc().as_str() {
            "tools/call" => BEGUN,
            "tasks/result" => SAID,
            "tasks/list" => r#"{"tasks":[{"taskId":"t0","status":"working"},{"taskId":"t1","status":"completed","statusMessage":"secret"}]}"#,
            _ => r#"{"taskId":"t1","status":"completed","statusMessage":"secret"}"#,
        };
        Says::Json(result(&got.id(), said))
    })
    .await
}

fn about(method: &str, id: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":2,"method":"{method}","params":{{"taskId":"{id}"}}}}"#)
}

/// Masks whatever a tool says, wherever it says it.
fn masking() -> Step {
    after(&["tools/call"], Role::Mutation, |run| {
        assert_eq!(run.call.target.as_deref(), Some("t"));
        let places = ["/content/0/text", "/statusMessage", "/task/statusMessage"];
        let there = |place: &&str| run.document.at(place).is_some();
        let mask = |place: &str| Edit::Set(place.into(), r#""masked""#.into());
        PostDecision::Edit(places.into_iter().filter(there).map(mask).collect())
    })
}

#[tokio::test]
async fn what_a_legacy_task_says_passes_as_what_its_tool_says() {
    let fake = legacy().await;
    let house = house::gateway(vec![masking()], vec![http("s", &fake)]).await;
    let session = Session::begin(house.at, "/mcp/s").await;
    let masked = |text: &str| text.replace("secret", "masked");
    assert_eq!(session.ask(CALL).await, result("1", &masked(BEGUN)));
    assert_eq!(
        session.ask(&about("tasks/result", "t1")).await,
        result("2", &masked(SAID))
    );
    for method in ["tasks/get", "tasks/cancel"] {
        let said = session.ask(&about(method, "t1")).await;
        assert!(
            said.contains("masked") && !said.contains("secret"),
            "{said}"
        );
    }
}

#[tokio::test]
async fn a_withheld_outcome_is_told_as_the_call_would_have_been() {
    let fake = legacy().await;
    let policy = after(&["tools/call"], Role::Validation, |run| {
        match run.document.at("/content") {
            Some(_) => PostDecision::Refuse(refusal("no.leak")),
            None => PostDecision::Proceed,
        }
    });
    let house = house::gateway(vec![policy], vec![http("s", &fake)]).await;
    let session = Session::begin(house.at, "/mcp/s").await;
    session.ask(CALL).await;
    let said = read(&session.ask(&about("tasks/result", "t1")).await);
    assert_eq!(said["id"], 2);
    assert_eq!(said["result"]["isError"], true);
    assert_eq!(
        said["result"]["_meta"]["sandgate/refusal"]["reached"],
        "executed"
    );
    assert_eq!(house.log.decisions("tasks/result"), [Decision::Refused]);
}

#[tokio::test]
async fn a_task_that_nobody_knows_is_refused_where_somebody_looks_at_tools() {
    let fake = legacy().await;
    for (steps, passes) in [(vec![], true), (vec![masking()], false)] {
        let house = house::gateway(steps, vec![http("s", &fake)]).await;
        let session = Session::begin(house.at, "/mcp/s").await;
        for method in ["tasks/get", "tasks/result", "tasks/cancel"] {
            let said = session.ask(&about(method, "t1")).await;
            assert_eq!(said.contains("secret"), passes, "{said}");
            assert_eq!(said.contains("no such task"), !passes, "{said}");
        }
    }
}

#[tokio::test]
async fn another_sessions_task_is_refused_always() {
    let fake = legacy().await;
    let house = house::gateway(vec![], vec![http("s", &fake)]).await;
    let one = Session::begin(house.at, "/mcp/s").await;
    let other = Session::begin(house.at, "/mcp/s").await;
    one.ask(CALL).await;
    for method in ["tasks/get", "tasks/result", "tasks/cancel"] {
        let said = other.ask(&about(method, "t1")).await;
        assert!(said.contains("no such task"), "{said}");
    }
    let said = other
        .ask(r#"{"jsonrpc":"2.0","id":3,"method":"tasks/list"}"#)
        .await;
    assert!(said.contains("t0") && !said.contains("t1"), "{said}");
    let said = one
        .ask(r#"{"jsonrpc":"2.0","id":3,"method":"tasks/list"}"#)
        .await;
    assert!(said.contains("t0") && said.contains("t1"), "{said}");
}

#[tokio::test]
async fn a_list_tells_of_known_tasks_as_their_calls_would() {
    let fake = legacy().await;
    let house = house::gateway(vec![masking()], vec![http("s", &fake)]).await;
    let session = Session::begin(house.at, "/mcp/s").await;
    session.ask(CALL).await;
    assert_eq!(
        session
            .ask(r#"{"jsonrpc":"2.0","id":3,"method":"tasks/list"}"#)
            .await,
        result(
            "3",
            r#"{"tasks":[{"taskId":"t1","status":"completed","statusMessage":"masked"}]}"#
        )
    );
}

#[tokio::test]
async fn a_status_that_a_server_tells_of_its_own_accord_passes_the_same_way() {
    let fake = Fake::legacy(|got| match got.rpc().as_str() {
        "tools/call" => Says::Json(result(&got.id(), BEGUN)),
        _ => events(&[
            "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/tasks/status\",\"params\":{\"taskId\":\"other\",\"statusMessage\":\"secret\"}}\n\n".to_owned(),
            "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/tasks/status\",\"params\":{\"taskId\":\"t1\",\"statusMessage\":\"secret\"}}\n\n".to_owned(),
            format!("data: {}\n\n", result(&got.id(), "{}")),
        ]),
    })
    .await;
    let house = house::gateway(vec![masking()], vec![http("s", &fake)]).await;
    let session = Session::begin(house.at, "/mcp/s").await;
    session.ask(CALL).await;
    let mut heard = session
        .post(r#"{"jsonrpc":"2.0","id":2,"method":"ping"}"#)
        .await
        .events();
    assert_eq!(
        heard.message().await,
        r#"{"jsonrpc":"2.0","method":"notifications/tasks/status","params":{"taskId":"t1","statusMessage":"masked"}}"#
    );
    assert_eq!(heard.message().await, result("2", "{}"));
}

/// What a client does with a question by a task of its own passes as its answer would.
#[tokio::test]
async fn a_clients_own_task_passes_as_the_answer_to_its_question() {
    let (sender, receiver) = tokio::sync::mpsc::channel(8);
    let receiver = std::sync::Mutex::new(Some(receiver));
    let fake = Fake::legacy(move |got| match got.rpc().as_str() {
        "tools/call" => Says::Stream(receiver.lock().unwrap().take().unwrap()),
        _ => Says::Accepted,
    })
    .await;
    let policy = after(&["sampling/createMessage"], Role::Mutation, |run| match run
        .document
        .at("/content/text")
    {
        Some(_) => PostDecision::Edit(vec![Edit::Set(
            "/content/text".into(),
            r#""masked""#.into(),
        )]),
        None => PostDecision::Proceed,
    });
    let house = house::gateway(vec![policy], vec![http("s", &fake)]).await;
    let session = Session::begin(house.at, "/mcp/s").await;
    let mut heard = session
        .post(r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t"}}"#)
        .await
        .events();
    let ask = async |text: &str| sender.send(format!("data: {text}\n\n")).await.unwrap();
    ask(r#"{"jsonrpc":"2.0","id":"q1","method":"sampling/createMessage","params":{"task":{}}}"#)
        .await;
    heard.message().await;
    let answer =
        r#"{"jsonrpc":"2.0","id":"q1","result":{"task":{"taskId":"c1","status":"working"}}}"#;
    assert_eq!(session.post(answer).await.status, 202);
    // A task that the client does not have for this server is not asked about.
    ask(r#"{"jsonrpc":"2.0","id":"q2","method":"tasks/result","params":{"taskId":"c2"}}"#).await;
    ask(r#"{"jsonrpc":"2.0","id":"q3","method":"tasks/result","params":{"taskId":"c1"}}"#).await;
    assert!(heard.message().await.contains("q3"));
    let answer = r#"{"jsonrpc":"2.0","id":"q3","result":{"role":"assistant","content":{"type":"text","text":"secret"}}}"#;
    assert_eq!(session.post(answer).await.status, 202);
    let got: Vec<String> = fake.got.lock().iter().map(|got| got.body.clone()).collect();
    let refused = got
        .iter()
        .any(|body| body.contains("no such task") && body.contains("q2"));
    let masked = got
        .iter()
        .any(|body| body.contains("masked") && body.contains("q3"));
    assert!(refused && masked, "{got:?}");
}

/// A modern server whose every call becomes the task `t1`, of which it says this.
async fn promising(task: &'static str) -> Fake {
    Fake::new(move |got| {
        let said = match got.rpc().as_str() {
            "tools/call" => r#"{"resultType":"task","taskId":"t1","status":"working"}"#,
            "tasks/get" => task,
            _ => r#"{"resultType":"complete"}"#,
        };
        Says::Json(result(&got.id(), said))
    })
    .await
}

async fn ask(house: &House, method: &str, params: &str) -> String {
    let name = match (method, params.contains("t2")) {
        ("tools/call", _) => "t",
        (_, false) => "t1",
        (_, true) => "t2",
    };
    ask_modern(
        house.at,
        "/mcp/s",
        method,
        Some(name),
        &modern("7", method, params),
    )
    .await
    .message()
    .await
}

async fn begun(house: &House) {
    let said = ask(house, "tools/call", r#""name":"t","arguments":{}"#).await;
    assert!(said.contains("t1"), "{said}");
}

const DONE: &str = r#"{"resultType":"complete","taskId":"t1","status":"completed", "result" : {"content":[{"type":"text","text":"secret"}]}}"#;

#[tokio::test]
async fn the_result_of_a_modern_task_passes_as_what_its_tool_says() {
    let fake = promising(DONE).await;
    let house = house::gateway(vec![masking()], vec![http("s", &fake)]).await;
    begun(&house).await;
    assert_eq!(
        ask(&house, "tasks/get", r#""taskId":"t1""#).await,
        result("7", &DONE.replace("secret", "masked"))
    );
    let said = ask(&house, "tasks/get", r#""taskId":"t2""#).await;
    assert!(said.contains("no such task"), "{said}");
}

#[tokio::test]
async fn a_withheld_result_ends_the_task_all_the_same() {
    let failed = r#"{"resultType":"complete","taskId":"t1","status":"failed","error":{"code":1,"message":"secret"}}"#;
    for task in [DONE, failed] {
        let fake = promising(task).await;
        let policy = after(&["tools/call"], Role::Validation, |run| {
            let outcome = run.document.at("/content").or(run.document.at("/code"));
            match outcome {
                Some(_) => PostDecision::Refuse(refusal("no.leak")),
                None => PostDecision::Proceed,
            }
        });
        let house = house::gateway(vec![policy], vec![http("s", &fake)]).await;
        begun(&house).await;
        let said = read(&ask(&house, "tasks/get", r#""taskId":"t1""#).await);
        assert_eq!(said["result"]["status"], "completed", "{said}");
        assert_eq!(said["result"]["result"]["isError"], true);
        assert!(said["result"].get("error").is_none());
        assert!(!said.to_string().contains("secret"));
    }
}

const ASKS: &str = r#"{"resultType":"complete","taskId":"t1","status":"input_required","inputRequests":{"k":{"method":"elicitation/create","params":{"message":"who?"}}}}"#;

#[tokio::test]
async fn a_task_asks_once_however_often_it_is_polled_and_its_answer_passes() {
    let fake = promising(ASKS).await;
    let steps = vec![
        before(&["elicitation/create"], Role::Mutation, |_| {
            PreDecision::Edit(vec![Edit::Set("/message".into(), r#""edited""#.into())])
        }),
        after(&["elicitation/create"], Role::Mutation, |run| {
            assert!(run.sent.as_ref().unwrap().as_str().contains("edited"));
            PostDecision::Edit(vec![Edit::Set("/content".into(), r#""masked""#.into())])
        }),
    ];
    let house = house::gateway(steps, vec![http("s", &fake)]).await;
    begun(&house).await;
    for _ in 0..3 {
        assert_eq!(
            ask(&house, "tasks/get", r#""taskId":"t1""#).await,
            result("7", &ASKS.replace("who?", "edited"))
        );
    }
    assert_eq!(house.log.forwarded("elicitation/create"), 1);
    let answer = r#""taskId":"t1","inputResponses":{"k":{"action":"accept","content":"Ada"}}"#;
    ask(&house, "tasks/update", answer).await;
    let got = &fake.bodies("tasks/update")[0];
    assert!(got.contains("masked") && !got.contains("Ada"), "{got}");
    let stray = r#""taskId":"t1","inputResponses":{"unasked":{}}"#;
    let said = ask(&house, "tasks/update", stray).await;
    assert!(said.contains("not-sent"), "{said}");
}

#[tokio::test]
async fn what_interceptors_answer_a_task_is_handed_on_to_it() {
    let fake = promising(ASKS).await;
    let decline = before(&["elicitation/create"], Role::Mutation, |_| {
        PreDecision::Answer(
            Json::parse(&br#"{"action":"decline"}"#[..], &Limits::default()).unwrap(),
        )
    });
    let house = house::gateway(vec![decline], vec![http("s", &fake)]).await;
    begun(&house).await;
    let said = ask(&house, "tasks/get", r#""taskId":"t1""#).await;
    assert!(!said.contains("who?"), "{said}");
    for _ in 0..500 {
        if let Some(got) = fake.bodies("tasks/update").first() {
            let params = &read(got)["params"];
            assert_eq!(params["inputResponses"]["k"]["action"], "decline");
            assert_eq!(params["taskId"], "t1");
            assert!(params["_meta"].is_object());
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("the server was not told");
}

async fn keyed(names: &[&str], fake: &Fake) -> House {
    let house = house::gateway(vec![], vec![]).await;
    let key = |name: &&str| ClientKey {
        name: (*name).into(),
        token_sha256: Some(Sha256::digest(format!("key-of-{name}")).into()),
        previous: None,
        certificate: None,
        groups: Arc::default(),
        rate: None,
    };
    let edition = house::edition(2, vec![], vec![http("s", fake)])
        .for_clients(Clients::new(names.iter().map(key).collect()));
    house.gateway.publish(edition);
    house
}

async fn ask_as(house: &House, who: &str, method: &str, params: &str) -> String {
    let (bearer, body) = (format!("Bearer key-of-{who}"), modern("7", method, params));
    let name = if method == "tools/call" { "t" } else { "t1" };
    let mut headers = PLAIN.to_vec();
    headers.extend([
        ("authorization", bearer.as_str()),
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", method),
        ("mcp-name", name),
    ]);
    send(house.at, "POST", "/mcp/s", &headers, body.as_bytes())
        .await
        .message()
        .await
}

#[tokio::test]
async fn another_principals_task_and_state_are_refused_though_nobody_looks() {
    let fake = promising(DONE).await;
    let house = keyed(&["ada", "bob"], &fake).await;
    let call = r#""name":"t","arguments":{}"#;
    ask_as(&house, "ada", "tools/call", call).await;
    let said = ask_as(&house, "bob", "tasks/get", r#""taskId":"t1""#).await;
    assert!(said.contains("no such task"), "{said}");
    let said = ask_as(&house, "ada", "tasks/get", r#""taskId":"t1""#).await;
    assert!(said.contains("secret"), "{said}");

    let asks = r#"{"resultType":"input_required","requestState":"s1"}"#;
    let fake = Fake::new(move |got| Says::Json(result(&got.id(), asks))).await;
    let house = keyed(&["ada", "bob"], &fake).await;
    ask_as(&house, "ada", "tools/call", call).await;
    let retry = format!(r#"{call},"requestState":"s1""#);
    let said = ask_as(&house, "bob", "tools/call", &retry).await;
    assert!(said.contains("not given to this caller"), "{said}");
    assert_eq!(fake.bodies("tools/call").len(), 1);
    ask_as(&house, "ada", "tools/call", &retry).await;
    assert_eq!(fake.bodies("tools/call").len(), 2);
}

#[tokio::test]
async fn on_the_merged_endpoint_a_task_is_asked_about_where_it_was_begun() {
    let answering = |name: &'static str| {
        Fake::new(move |got| {
            if got.method != "POST" || got.rpc().starts_with("notifications/") {
                return Says::Accepted;
            }
            let said = match got.rpc().as_str() {
                "initialize" => r#"{"protocolVersion":"2025-06-18","capabilities":{"tools":{},"tasks":{"list":{}}},"serverInfo":{"name":"f","version":"1"}}"#.to_owned(),
                "tools/call" => {
                    let id = &got.json()["params"]["arguments"]["id"];
                    format!(r#"{{"task":{{"taskId":{id},"status":"working"}}}}"#)
                }
                "tasks/list" => format!(r#"{{"tasks":[{{"taskId":"of-{name}"}}]}}"#),
                _ => format!(r#"{{"by":"{name}"}}"#),
            };
            Says::Json(result(&got.id(), &said))
        })
    };
    let (one, two) = (answering("one").await, answering("two").await);
    let house = house::gateway(vec![], vec![http("one", &one), http("two", &two)]).await;
    let session = Session::begin(house.at, "/mcp").await;
    assert!(
        session.hello.contains(r#""tasks":{"cancel":{}"#),
        "{}",
        session.hello
    );
    for (server, id) in [("one", "a"), ("two", "b"), ("one", "same"), ("two", "same")] {
        let call = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{server}__t","arguments":{{"id":"{id}"}},"task":{{}}}}}}"#
        );
        assert!(session.ask(&call).await.contains(id));
    }
    for (id, by) in [("a", "one"), ("b", "two")] {
        for method in ["tasks/get", "tasks/result", "tasks/cancel"] {
            let said = session.ask(&about(method, id)).await;
            assert!(said.contains(&format!(r#""by":"{by}""#)), "{said}");
        }
    }
    for id in ["same", "none"] {
        let said = session.ask(&about("tasks/get", id)).await;
        assert!(said.contains("no such task"), "{said}");
    }
    let said = session
        .ask(r#"{"jsonrpc":"2.0","id":3,"method":"tasks/list"}"#)
        .await;
    assert!(said.contains("of-one") && said.contains("of-two"), "{said}");
}

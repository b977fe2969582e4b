//! A modern server asks for input in a reply; the client brings it in another request.

use std::sync::Arc;

use parking_lot::Mutex;
use sandgate_gateway::{Decision, Endpoint, Server, Transport};
use sandgate_message::{
    Direction, Edit, HookRequest, Json, Limits, PostDecision, PreDecision, Role,
};
use sandgate_pipeline::Step;
use serde_json::Value;

use crate::client::{ask_modern, modern};
use crate::house::{self, House, http, server};
use crate::line::Line;
use crate::policy::{after, before, refusal};
use crate::server::{Fake, Says, events, result};

const ASKS: &str = r#"{"resultType":"input_required", "inputRequests" : {"na/me": {"method":"elicitation/create","params":{"mode":"form", "message":"who?","requestedSchema":{}}},"dirs":{"method":"roots/list"}},"requestState":"st\u002fate" }"#;
const ANSWERS: &str = r#""inputResponses": {"na/me":{"action":"accept", "content":{"name":"Ada"}},"dirs":{"roots":[]}}, "requestState":"st/ate""#;

fn read(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// Asks until it is answered, then says so.
async fn asking() -> Fake {
    saying(ASKS).await
}

async fn saying(asks: &'static str) -> Fake {
    Fake::new(move |got| {
        let params = &got.json()["params"];
        let answered = params.get("inputResponses").is_some();
        let said = match got.rpc().as_str() {
            "server/discover" => {
                r#"{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{}}"#
            }
            _ if answered => r#"{"resultType":"complete","content":[]}"#,
            _ => asks,
        };
        Says::Json(result(&got.id(), said))
    })
    .await
}

fn call(id: &str, more: &str) -> String {
    let comma = if more.is_empty() { "" } else { "," };
    modern(
        id,
        "tools/call",
        &format!(r#""name":"t","arguments":{{}}{comma}{more}"#),
    )
}

async fn ask(house: &House, body: &str) -> String {
    ask_modern(house.at, "/mcp/s", "tools/call", Some("t"), body)
        .await
        .message()
        .await
}

/// What interceptors saw, in their order.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<String>>>);

impl Seen {
    fn note(&self, hook: &str, run: &HookRequest) {
        let way = match run.call.direction {
            Direction::ClientToServer => ">",
            Direction::ServerToClient => "<",
        };
        let (method, document) = (&run.call.method, run.document.as_str());
        self.0
            .lock()
            .push(format!("{hook} {way} {method} {document}"));
    }
    fn all(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock())
    }
}

fn watching(seen: &Seen, events: &[&str]) -> Vec<Step> {
    let (pre, post) = (seen.clone(), seen.clone());
    vec![
        before(events, Role::Validation, move |run| {
            pre.note("pre", run);
            PreDecision::Proceed
        }),
        after(events, Role::Validation, move |run| {
            post.note("post", run);
            PostDecision::Proceed
        }),
    ]
}

fn text(json: &str) -> String {
    Json::parse(json.as_bytes().to_vec(), &Limits::default())
        .unwrap()
        .as_str()
        .to_owned()
}

#[tokio::test]
async fn what_nobody_looks_at_passes_as_it_came() {
    let fake = asking().await;
    let house = house::gateway(vec![], vec![http("s", &fake)]).await;
    assert_eq!(ask(&house, &call("1", "")).await, result("1", ASKS));
    let retry = call("2", ANSWERS);
    ask(&house, &retry).await;
    assert_eq!(fake.bodies("tools/call")[1], retry);
    // Nothing was asked under this state, and nobody minds.
    let odd = call("3", r#""inputResponses":{"x":"y"},"requestState":"other""#);
    ask(&house, &odd).await;
    assert_eq!(fake.bodies("tools/call")[2], odd);
}

#[tokio::test]
async fn questions_and_answers_pass_as_events_of_their_own() {
    let (fake, seen) = (asking().await, Seen::default());
    let house = house::gateway(
        watching(&seen, &["elicitation/create", "roots/list"]),
        vec![http("s", &fake)],
    )
    .await;
    ask(&house, &call("1", "")).await;
    assert_eq!(
        seen.all(),
        [
            r#"pre < elicitation/create {"mode":"form", "message":"who?","requestedSchema":{}}"#,
            "pre < roots/list {}",
        ]
    );
    ask(&house, &call("2", ANSWERS)).await;
    assert_eq!(
        seen.all(),
        [
            r#"post < elicitation/create {"action":"accept", "content":{"name":"Ada"}}"#,
            r#"post < roots/list {"roots":[]}"#,
        ]
    );
    assert_eq!(
        house.log.decisions("elicitation/create"),
        [Decision::Forwarded]
    );
    assert_eq!(house.log.forwarded("elicitation/create"), 1);
}

fn editing() -> Vec<Step> {
    vec![
        before(&["elicitation/create"], Role::Mutation, |_| {
            PreDecision::Edit(vec![Edit::Set("/message".into(), r#""edited""#.into())])
        }),
        after(&["elicitation/create"], Role::Mutation, |run| {
            assert_eq!(
                run.sent.as_ref().unwrap().at("/message").unwrap().as_str(),
                r#""edited""#
            );
            PostDecision::Edit(vec![Edit::Set(
                "/content/name".into(),
                r#""masked""#.into(),
            )])
        }),
        before(&["roots/list"], Role::Mutation, |_| {
            PreDecision::Edit(vec![Edit::Set("/x".into(), "1".into())])
        }),
    ]
}

#[tokio::test]
async fn an_edit_changes_that_question_or_answer_and_no_other_byte() {
    let fake = asking().await;
    let house = house::gateway(editing(), vec![http("s", &fake)]).await;
    assert_eq!(
        ask(&house, &call("1", "")).await,
        result(
            "1",
            &ASKS
                .replace("who?", "edited")
                .replace(r#""roots/list"}"#, r#""roots/list","params":{"x":1}}"#)
        )
    );
    let retry = call("2", ANSWERS);
    ask(&house, &retry).await;
    assert_eq!(fake.bodies("tools/call")[1], retry.replace("Ada", "masked"));
    // The state is good for as long as the server says.
    ask(&house, &call("3", ANSWERS)).await;
    assert!(fake.bodies("tools/call")[2].contains("masked"));
}

#[tokio::test]
async fn validators_of_the_whole_judge_what_is_left_of_what_it_carries() {
    let (fake, seen) = (asking().await, Seen::default());
    let mut steps = watching(&seen, &["tools/call"]);
    steps.extend(editing());
    let house = house::gateway(steps, vec![http("s", &fake)]).await;
    ask(&house, &call("1", "")).await;
    assert!(seen.all()[1].contains("edited"));
    ask(&house, &call("2", ANSWERS)).await;
    let judged = seen.all();
    assert!(judged[0].contains("masked") && !judged[0].contains("Ada"));
}

#[tokio::test]
async fn what_mutators_of_the_whole_make_of_a_question_is_what_is_judged() {
    let (fake, seen) = (asking().await, Seen::default());
    let mut steps = watching(&seen, &["elicitation/create"]);
    steps.push(after(&["tools/call"], Role::Mutation, |run| {
        match run.document.at("/inputRequests/na~1me") {
            Some(_) => PostDecision::Edit(vec![Edit::Set(
                "/inputRequests/na~1me/params/message".into(),
                r#""outer""#.into(),
            )]),
            None => PostDecision::Proceed,
        }
    }));
    let house = house::gateway(steps, vec![http("s", &fake)]).await;
    ask(&house, &call("1", "")).await;
    assert!(seen.all()[0].contains("outer"));
}

#[tokio::test]
async fn a_refused_question_withholds_the_reply() {
    let fake = asking().await;
    let policy = before(&["elicitation/create"], Role::Validation, |_| {
        PreDecision::Refuse(refusal("no.asking"))
    });
    let house = house::gateway(vec![policy], vec![http("s", &fake)]).await;
    let said = read(&ask(&house, &call("1", "")).await);
    assert_eq!(said["result"]["isError"], true);
    let notice = &said["result"]["_meta"]["sandgate/refusal"];
    assert_eq!(notice["code"], "no.asking");
    assert_eq!(notice["reached"], "executed");
    assert!(said["result"].get("inputRequests").is_none());
    assert_eq!(
        house.log.decisions("elicitation/create"),
        [Decision::Refused]
    );
    assert_eq!(house.log.decisions("tools/call"), [Decision::Refused]);
}

#[tokio::test]
async fn a_refused_answer_is_not_sent() {
    let fake = asking().await;
    let policy = after(&["elicitation/create"], Role::Validation, |_| {
        PostDecision::Refuse(refusal("no.secrets"))
    });
    let house = house::gateway(vec![policy], vec![http("s", &fake)]).await;
    ask(&house, &call("1", "")).await;
    let said = read(&ask(&house, &call("2", ANSWERS)).await);
    let notice = &said["result"]["_meta"]["sandgate/refusal"];
    assert_eq!(notice["code"], "no.secrets");
    assert_eq!(notice["reached"], "not-sent");
    assert_eq!(fake.bodies("tools/call").len(), 1);
    assert_eq!(
        house.log.decisions("tools/call"),
        [Decision::Forwarded, Decision::Refused]
    );
}

fn declining() -> Step {
    before(&["elicitation/create"], Role::Mutation, |_| {
        PreDecision::Answer(
            Json::parse(&br#"{"action":"decline"}"#[..], &Limits::default()).unwrap(),
        )
    })
}

#[tokio::test]
async fn what_an_interceptor_answers_is_not_asked_and_goes_with_the_retry() {
    let fake = asking().await;
    let house = house::gateway(vec![declining()], vec![http("s", &fake)]).await;
    let said = ask(&house, &call("1", "")).await;
    assert!(
        !said.contains("who?") && said.contains("roots/list"),
        "{said}"
    );
    ask(
        &house,
        &call(
            "2",
            r#""inputResponses":{"dirs":{"roots":[]}},"requestState":"st/ate""#,
        ),
    )
    .await;
    assert_eq!(
        read(&fake.bodies("tools/call")[1])["params"]["inputResponses"],
        read(r#"{"dirs":{"roots":[]},"na/me":{"action":"decline"}}"#)
    );
    assert_eq!(
        house.log.decisions("elicitation/create"),
        [Decision::Answered]
    );
}

#[tokio::test]
async fn where_interceptors_answer_everything_the_client_only_brings_the_state() {
    let fake = saying(r#"{"resultType":"input_required","inputRequests":{"a":{"method":"elicitation/create","params":{"message":"who?"}}},"requestState":"s1"}"#).await;
    let house = house::gateway(vec![declining()], vec![http("s", &fake)]).await;
    assert_eq!(
        ask(&house, &call("1", "")).await,
        result(
            "1",
            r#"{"resultType":"input_required","requestState":"s1"}"#
        )
    );
    ask(&house, &call("2", r#""requestState":"s1""#)).await;
    assert_eq!(
        read(&fake.bodies("tools/call")[1])["params"]["inputResponses"],
        read(r#"{"a":{"action":"decline"}}"#)
    );
}

#[tokio::test]
async fn an_answer_that_no_state_could_bring_back_withholds_the_reply() {
    let fake = saying(r#"{"resultType":"input_required","inputRequests":{"a":{"method":"elicitation/create","params":{}}}}"#).await;
    let house = house::gateway(vec![declining()], vec![http("s", &fake)]).await;
    let said = read(&ask(&house, &call("1", "")).await);
    assert_eq!(said["error"]["data"]["reached"], "executed");
    assert!(
        said["error"]["message"]
            .as_str()
            .unwrap()
            .contains("requestState")
    );
}

#[tokio::test]
async fn without_a_state_the_questions_belong_to_the_same_params() {
    let fake = saying(r#"{"resultType":"input_required","inputRequests":{"a":{"method":"elicitation/create","params":{"message":"who?"}}}}"#).await;
    let (seen, answers) = (
        Seen::default(),
        r#""inputResponses":{"a":{"action":"accept"}}"#,
    );
    let house = house::gateway(
        watching(&seen, &["elicitation/create"]),
        vec![http("s", &fake)],
    )
    .await;
    ask(&house, &call("1", "")).await;
    seen.all();
    ask(&house, &call("2", answers)).await;
    assert_eq!(
        seen.all(),
        [r#"post < elicitation/create {"action":"accept"}"#]
    );
    let other = modern(
        "3",
        "tools/call",
        &format!(r#""name":"t","arguments":{{"other":1}},{answers}"#),
    );
    let said = ask(&house, &other).await;
    assert!(said.contains("not-sent"), "{said}");
}

#[tokio::test]
async fn answers_to_nothing_known_are_refused_where_somebody_would_look() {
    let (fake, seen) = (asking().await, Seen::default());
    let house = house::gateway(
        watching(&seen, &["sampling/createMessage"]),
        vec![http("s", &fake)],
    )
    .await;
    ask(&house, &call("1", "")).await;
    let unknown = [
        // Another state, another tool, another question, no state, no object.
        call("2", &ANSWERS.replace("st/ate", "elsewhere")),
        call("3", ANSWERS).replace(r#""name":"t""#, r#""name":"plain""#),
        call(
            "4",
            r#""inputResponses":{"unasked":{}},"requestState":"st/ate""#,
        ),
        call("5", r#""inputResponses":{"na/me":{}}"#),
        call("6", r#""inputResponses":["x"],"requestState":"st/ate""#),
    ];
    for body in &unknown {
        let name = if body.contains("plain") { "plain" } else { "t" };
        let said = ask_modern(house.at, "/mcp/s", "tools/call", Some(name), body)
            .await
            .message()
            .await;
        assert!(said.contains("not-sent"), "{body}: {said}");
    }
    assert_eq!(fake.bodies("tools/call").len(), 1);
    assert!(seen.all().is_empty());
    // What answers nothing is no answer.
    ask(
        &house,
        &call("7", r#""inputResponses":{},"requestState":"elsewhere""#),
    )
    .await;
    assert_eq!(fake.bodies("tools/call").len(), 2);
}

#[tokio::test]
async fn questions_that_are_none_are_refused_where_somebody_would_look() {
    for asks in [
        r#"{"resultType":"input_required","inputRequests":["x"]}"#,
        r#"{"resultType":"input_required","inputRequests":{"a":"x"}}"#,
        r#"{"resultType":"input_required","inputRequests":{"a":{"params":{}}}}"#,
        r#"{"resultType":"input_required","inputRequests":{"a":{"method":"elicitation/create","Params":{}}}}"#,
        r#"{"resultType":"input_required","inputRequests":{"a":{"method":"elicitation/create","params":"x"}}}"#,
    ] {
        let (fake, seen) = (saying(asks).await, Seen::default());
        let house = house::gateway(
            watching(&seen, &["elicitation/create"]),
            vec![http("s", &fake)],
        )
        .await;
        let said = ask(&house, &call("1", "")).await;
        assert!(said.contains("executed"), "{asks}: {said}");
        if !asks.contains("Params") {
            let house = house::gateway(vec![], vec![http("s", &fake)]).await;
            assert_eq!(ask(&house, &call("1", "")).await, result("1", asks));
        }
    }
}

#[tokio::test]
async fn more_questions_than_anybody_asks_are_refused() {
    let many: Vec<String> = (0..65)
        .map(|n| format!(r#""q{n}":{{"method":"roots/list"}}"#))
        .collect();
    let asks = format!(
        r#"{{"resultType":"input_required","inputRequests":{{{}}}}}"#,
        many.join(",")
    );
    let fake = saying(asks.leak()).await;
    let house = house::gateway(vec![], vec![http("s", &fake)]).await;
    let said = ask(&house, &call("1", "")).await;
    assert!(said.contains("more than 64"), "{said}");
}

#[tokio::test]
async fn questions_on_a_stream_pass_too() {
    let fake = Fake::new(|got| {
        let params = &got.json()["params"];
        let said = match params.get("inputResponses") {
            Some(_) => result(&got.id(), r#"{"resultType":"complete"}"#),
            None => result(&got.id(), ASKS),
        };
        events(&[": busy\n\n".to_owned(), format!("data: {said}\n\n")])
    })
    .await;
    let house = house::gateway(editing(), vec![http("s", &fake)]).await;
    let said = ask(&house, &call("1", "")).await;
    assert!(said.contains("edited"), "{said}");
    ask(&house, &call("2", ANSWERS)).await;
    assert!(fake.bodies("tools/call")[1].contains("masked"));
}

#[tokio::test]
async fn prompts_and_resources_ask_as_tools_do() {
    let fake = asking().await;
    let house = house::gateway(editing(), vec![http("s", &fake)]).await;
    for (method, member) in [("prompts/get", "name"), ("resources/read", "uri")] {
        let body = |more: &str| modern("1", method, &format!(r#""{member}":"x:y"{more}"#));
        let ask = async |body: String| {
            ask_modern(house.at, "/mcp/s", method, Some("x:y"), &body)
                .await
                .message()
                .await
        };
        assert!(ask(body("")).await.contains("edited"), "{method}");
        ask(body(&format!(",{ANSWERS}"))).await;
        assert!(fake.bodies(method)[1].contains("masked"), "{method}");
    }
}

/// A modern child: asks until it is answered, then says what it got.
const CHILD: &str = r#"
import json, sys
ASKS = json.loads(sys.argv[1])
for line in sys.stdin:
    got = json.loads(line)
    params = got.get("params", {})
    if got.get("method") == "server/discover":
        said = {"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{}}}
    elif got.get("method") == "tools/call" and "inputResponses" in params:
        said = {"resultType":"complete","got":params["inputResponses"],"state":params["requestState"]}
    elif got.get("method") == "tools/call":
        said = ASKS
    elif "id" in got:
        said = {"resultType":"complete","tools":[]}
    else:
        continue
    sys.stdout.write(json.dumps({"jsonrpc":"2.0","id":got["id"],"result":said}) + "\n")
    sys.stdout.flush()
"#;

fn child(name: &str) -> Arc<Server> {
    let args = vec!["-c".into(), CHILD.into(), text(ASKS)];
    let env = vec![("PATH".to_owned(), std::env::var("PATH").unwrap())];
    server(
        name,
        Transport::Stdio {
            command: "python3".into(),
            args,
            env,
            cwd: None,
        },
    )
}

#[tokio::test]
async fn a_client_and_a_server_on_stdio_ask_and_answer_the_same_way() {
    let house = house::gateway(editing(), vec![child("s")]).await;
    let mut line = Line::open(&house, Endpoint::Server("s".into()));
    let said = line.ask(&call("1", "")).await;
    assert!(said.contains("edited") && said.contains("st/ate"), "{said}");
    let said = line.ask(&call("2", ANSWERS)).await;
    assert_eq!(
        read(&said)["result"]["got"]["na/me"]["content"]["name"],
        "masked"
    );
    assert_eq!(read(&said)["result"]["state"], "st/ate");
}

#[tokio::test]
async fn on_the_merged_endpoint_each_server_gets_its_own_answers() {
    let fake = asking().await;
    let house = house::gateway(editing(), vec![child("one"), http("two", &fake)]).await;
    for (tool, id) in [("one__t", "1"), ("two__t", "2")] {
        let ask = async |body: String| {
            let body = body.replace(r#""name":"t""#, &format!(r#""name":"{tool}""#));
            ask_modern(house.at, "/mcp", "tools/call", Some(tool), &body)
                .await
                .message()
                .await
        };
        let said = ask(call(id, "")).await;
        assert!(said.contains("edited"), "{said}");
        let said = ask(call(id, ANSWERS)).await;
        assert!(said.contains("complete"), "{said}");
    }
    let got = fake.bodies("tools/call");
    assert!(got[1].contains("masked") && got[1].contains(r#""requestState":"st/ate""#));
    // A state of one server's is nothing to the other.
    let elsewhere = call("3", ANSWERS.replace("st/ate", "x").as_str())
        .replace(r#""name":"t""#, r#""name":"one__t""#);
    let said = ask_modern(house.at, "/mcp", "tools/call", Some("one__t"), &elsewhere)
        .await
        .message()
        .await;
    assert!(said.contains("not-sent"), "{said}");
}

#[tokio::test]
async fn a_question_that_cannot_be_recorded_is_not_asked() {
    let fake = asking().await;
    let house = house::gateway(vec![], vec![http("s", &fake)]).await;
    let log = house.log.clone();
    let later = after(&["tools/call"], Role::Mutation, move |_| {
        log.full.store(true, std::sync::atomic::Ordering::SeqCst);
        PostDecision::Proceed
    });
    house
        .gateway
        .publish(house::edition(2, vec![later], vec![http("s", &fake)]));
    let said = ask(&house, &call("1", "")).await;
    assert!(said.contains("cannot") && !said.contains("who?"), "{said}");
}

#[tokio::test]
async fn what_stands_beside_a_question_does_not_pass_where_somebody_looks() {
    let asks = r#"{"resultType":"input_required","inputRequests":{"a":{"method":"elicitation/create","note":"secret","params":{"message":"who?"}}}}"#;
    let (fake, seen) = (saying(asks).await, Seen::default());
    let house = house::gateway(vec![], vec![http("s", &fake)]).await;
    assert_eq!(ask(&house, &call("1", "")).await, result("1", asks));
    let house = house::gateway(
        watching(&seen, &["elicitation/create"]),
        vec![http("s", &fake)],
    )
    .await;
    assert_eq!(
        ask(&house, &call("1", "")).await,
        result("1", &asks.replace(r#","note":"secret""#, ""))
    );
}

use sandgate_gateway::{Decision, Transport};
use sandgate_message::{PostDecision, Role};
use serde_json::Value;

use crate::client::{Session, ask_modern, modern};
use crate::house::{self, Record, child, http, server};
use crate::policy::after;
use crate::server::{Fake, Says, hello, result};

fn read(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn names(said: &str, member: &str) -> Vec<String> {
    let said = read(said);
    said["result"][member]
        .as_array()
        .unwrap_or_else(|| panic!("{said}"))
        .iter()
        .map(|one| one["name"].as_str().unwrap().to_owned())
        .collect()
}

/// Two tools on two pages, a prompt, a resource; a tool answers with its own name.
async fn shop(uri: &'static str) -> Fake {
    Fake::legacy(move |got| {
        let params = &got.json()["params"];
        let said = match got.rpc().as_str() {
            "tools/list" if params["cursor"] == "2" => {
                r#"{"tools":[{"name":"second","x":1.0}]}"#.to_owned()
            }
            "tools/list" => {
                r#"{"tools":[{ "name" : "first", "inputSchema":{} }],"nextCursor":"2"}"#.to_owned()
            }
            "prompts/list" => r#"{"prompts":[{"name":"greet"}]}"#.to_owned(),
            "resources/list" => format!(r#"{{"resources":[{{"uri":"{uri}","name":"r"}}]}}"#),
            "resources/templates/list" => {
                format!(r#"{{"resourceTemplates":[{{"uriTemplate":"{uri}/{{id}}","name":"t"}}]}}"#)
            }
            "tools/call" | "prompts/get" => format!(r#"{{"called":{}}}"#, params["name"]),
            "resources/read" => format!(r#"{{"read":{},"by":"{uri}"}}"#, params["uri"]),
            _ => {
                return Says::JsonAs(
                    200,
                    format!(
                        r#"{{"jsonrpc":"2.0","id":{},"error":{{"code":-32601,"message":"no"}}}}"#,
                        got.id()
                    ),
                );
            }
        };
        Says::Json(result(&got.id(), &said))
    })
    .await
}

#[tokio::test]
async fn names_are_prefixed_and_calls_find_their_server() {
    let (one, two) = (shop("one://r").await, shop("two://r").await);
    let house = house::gateway(vec![], vec![http("one", &one), http("two", &two)]).await;
    let session = Session::begin(house.at, "/mcp").await;
    assert_eq!(
        read(&session.hello)["result"]["serverInfo"]["name"],
        "sandgate"
    );
    let said = session
        .ask(r#"{"jsonrpc":"2.0","id":1,"method":"prompts/list"}"#)
        .await;
    assert_eq!(names(&said, "prompts"), ["one__greet", "two__greet"]);
    let said = session.ask(r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"two__first","arguments":{"n":1.0}}}"#).await;
    assert_eq!(said, result("2", r#"{"called":"first"}"#));
    assert_eq!(
        two.bodies("tools/call"),
        [
            r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"first","arguments":{"n":1.0}}}"#
        ]
    );
    assert!(one.bodies("tools/call").is_empty());
    let record = house
        .log
        .records
        .lock()
        .iter()
        .rfind(|r| matches!(r, Record::Ended { method, .. } if method == "tools/call"))
        .cloned();
    assert!(
        matches!(record, Some(Record::Ended { client_target: Some(alias), .. }) if alias == "two__first")
    );
}

#[tokio::test]
async fn pages_go_on_where_each_server_stopped() {
    let (one, two) = (shop("one://r").await, shop("two://r").await);
    let house = house::gateway(vec![], vec![http("one", &one), http("two", &two)]).await;
    let session = Session::begin(house.at, "/mcp").await;
    let first = session
        .ask(r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#)
        .await;
    assert_eq!(names(&first, "tools"), ["one__first", "two__first"]);
    assert!(
        first.contains(r#"{ "name" : "one__first", "inputSchema":{} }"#),
        "{first}"
    );
    let cursor = read(&first)["result"]["nextCursor"]
        .as_str()
        .unwrap()
        .to_owned();
    let second = session
        .ask(&format!(
            r#"{{"jsonrpc":"2.0","id":2,"method":"tools/list","params":{{"cursor":"{cursor}"}}}}"#
        ))
        .await;
    assert_eq!(names(&second, "tools"), ["one__second", "two__second"]);
    assert!(read(&second)["result"]["nextCursor"].is_null());
    let bad = session
        .ask(r#"{"jsonrpc":"2.0","id":3,"method":"tools/list","params":{"cursor":"2"}}"#)
        .await;
    assert_eq!(read(&bad)["error"]["code"], -32602);
}

#[tokio::test]
async fn resources_are_found_by_uri_also_when_nobody_asked_for_a_list() {
    let (one, two) = (shop("one://r").await, shop("two://r").await);
    let house = house::gateway(vec![], vec![http("one", &one), http("two", &two)]).await;
    let session = Session::begin(house.at, "/mcp").await;
    let said = session
        .ask(r#"{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"two://r"}}"#)
        .await;
    assert_eq!(said, result("1", r#"{"read":"two://r","by":"two://r"}"#));
    session
        .ask(r#"{"jsonrpc":"2.0","id":2,"method":"resources/templates/list"}"#)
        .await;
    let said = session
        .ask(r#"{"jsonrpc":"2.0","id":3,"method":"resources/read","params":{"uri":"one://r/7"}}"#)
        .await;
    assert_eq!(said, result("3", r#"{"read":"one://r/7","by":"one://r"}"#));
    let none = session
        .ask(r#"{"jsonrpc":"2.0","id":4,"method":"resources/read","params":{"uri":"other://x"}}"#)
        .await;
    assert_eq!(read(&none)["error"]["code"], -32002);
}

#[tokio::test]
async fn a_server_that_fails_is_left_out_and_the_others_serve() {
    let fake = shop("one://r").await;
    let gone = server(
        "gone",
        Transport::Stdio {
            command: "no-such-program-here".into(),
            args: vec![],
            env: vec![],
            cwd: None,
        },
    );
    let house = house::gateway(vec![], vec![gone, http("one", &fake)]).await;
    let session = Session::begin(house.at, "/mcp").await;
    let said = session
        .ask(r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#)
        .await;
    assert_eq!(names(&said, "tools"), ["one__first"]);
    let said = session
        .ask(r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"gone__x"}}"#)
        .await;
    assert_eq!(
        (&read(&said)["error"]["code"], &read(&said)["id"]),
        (&Value::from(-32000), &Value::from(2)),
        "{said}"
    );
    assert_eq!(house.log.decisions("tools/call"), [Decision::Failed]);
}

#[tokio::test]
async fn an_unknown_tool_is_an_error_and_nothing_is_forwarded() {
    let fake = shop("one://r").await;
    let house = house::gateway(vec![], vec![http("one", &fake)]).await;
    let session = Session::begin(house.at, "/mcp").await;
    for name in ["first", "other__first", ""] {
        let said = session
            .ask(&format!(
                r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{name}"}}}}"#
            ))
            .await;
        assert_eq!(read(&said)["error"]["code"], -32602, "{name}");
    }
    let said = session
        .ask(r#"{"jsonrpc":"2.0","id":1,"method":"tools/call"}"#)
        .await;
    assert_eq!(read(&said)["error"]["code"], -32602);
    let said = session
        .ask(r#"{"jsonrpc":"2.0","id":1,"method":"no/such"}"#)
        .await;
    assert_eq!(read(&said)["error"]["code"], -32601);
    assert!(fake.bodies("tools/call").is_empty());
    assert_eq!(
        session
            .ask(r#"{"jsonrpc":"2.0","id":9,"method":"ping"}"#)
            .await,
        result("9", "{}")
    );
}

#[tokio::test]
async fn each_servers_list_passes_the_policies_by_its_own_names() {
    let (one, two) = (shop("one://r").await, shop("two://r").await);
    let hide = after(&["tools/list"], Role::Mutation, |run| {
        assert!(!run.document.as_str().contains("__"));
        if &*run.call.server == "one" {
            PostDecision::Edit(vec![sandgate_message::Edit::Remove("/tools/0".into())])
        } else {
            PostDecision::Proceed
        }
    });
    let house = house::gateway(vec![hide], vec![http("one", &one), http("two", &two)]).await;
    let session = Session::begin(house.at, "/mcp").await;
    let said = session
        .ask(r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#)
        .await;
    assert_eq!(names(&said, "tools"), ["two__first"]);
}

/// Both children use the same id for their question.
#[tokio::test]
async fn questions_of_several_servers_do_not_get_mixed_up() {
    let house = house::gateway(vec![], vec![child("one", "{}"), child("two", "{}")]).await;
    let session = Session::begin(house.at, "/mcp").await;
    let mut heard = session.get().await.events();
    let ask = |name: &str, id: u8| {
        format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"{name}__ask"}}}}"#
        )
    };
    let (ask_one, ask_two) = (ask("one", 1), ask("two", 2));
    let answers = async {
        let first = read(&heard.message().await)["id"].clone();
        let second = read(&heard.message().await)["id"].clone();
        assert_ne!(first, second);
        for id in [second, first] {
            let answer = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"to":{id}}}}}"#);
            assert_eq!(session.post(&answer).await.status, 202);
        }
    };
    let (one, two, ()) = tokio::join!(session.ask(&ask_one), session.ask(&ask_two), answers);
    let to = |said: &str| read(said)["result"]["answered"]["to"].clone();
    assert_ne!(to(&one), to(&two));
    assert_eq!(
        (&read(&one)["id"], &read(&two)["id"]),
        (&1.into(), &2.into())
    );
}

/// A child that ended is started again for the next call; the client's session goes on.
#[tokio::test]
async fn a_server_that_ended_is_joined_again() {
    let house = house::gateway(vec![], vec![child("one", "{}")]).await;
    let session = Session::begin(house.at, "/mcp").await;
    let call = |id: u8, name: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"one__{name}"}}}}"#
        )
    };
    let said = session.ask(&call(1, "die")).await;
    assert_eq!(read(&said)["error"]["code"], -32000, "{said}");
    let said = session.ask(&call(2, "x")).await;
    assert!(said.contains("got"), "{said}");
}

#[tokio::test]
async fn all_modern_servers_make_the_whole_modern() {
    let modern_server = || {
        Fake::new(|got| match got.rpc().as_str() {
            "server/discover" => Says::Json(result(
                &got.id(),
                r#"{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},"ttlMs":1000,"cacheScope":"public"}"#,
            )),
            "tools/list" => Says::Json(result(
                &got.id(),
                r#"{"resultType":"complete","tools":[{"name":"t"}],"ttlMs":1000,"cacheScope":"public"}"#,
            )),
            _ => Says::Json(result(&got.id(), r#"{"resultType":"complete"}"#)),
        })
    };
    let (one, two) = (modern_server().await, modern_server().await);
    let house = house::gateway(vec![], vec![http("one", &one), http("two", &two)]).await;
    let found = ask_modern(
        house.at,
        "/mcp",
        "server/discover",
        None,
        &modern("1", "server/discover", ""),
    )
    .await;
    assert_eq!((found.status, found.header("mcp-session-id")), (200, None));
    assert_eq!(
        read(&found.body().await)["result"]["supportedVersions"],
        serde_json::json!(["2026-07-28"])
    );
    let list = ask_modern(
        house.at,
        "/mcp",
        "tools/list",
        None,
        &modern("2", "tools/list", ""),
    )
    .await
    .body()
    .await;
    assert_eq!(names(&list, "tools"), ["one__t", "two__t"]);
    assert_eq!(
        (
            &read(&list)["result"]["ttlMs"],
            &read(&list)["result"]["cacheScope"]
        ),
        (&1000.into(), &"public".into())
    );
    let body = modern("3", "tools/call", r#""name":"two__t""#);
    assert_eq!(
        ask_modern(house.at, "/mcp", "tools/call", Some("two__t"), &body)
            .await
            .status,
        200
    );
    let got = two
        .got
        .lock()
        .iter()
        .rfind(|got| got.rpc() == "tools/call")
        .unwrap()
        .clone();
    assert_eq!(
        (
            got.header("mcp-name"),
            got.json()["params"]["name"].as_str()
        ),
        (Some("t"), Some("t"))
    );
    let unknown = ask_modern(
        house.at,
        "/mcp",
        "no/such",
        None,
        &modern("4", "no/such", ""),
    )
    .await;
    assert_eq!(unknown.status, 404);
}

#[tokio::test]
async fn one_legacy_server_makes_the_whole_legacy() {
    let fake = Fake::new(|got| match got.rpc().as_str() {
        "initialize" => Says::Json(hello(&got.id())),
        _ => Says::Text(400, "no session"),
    })
    .await;
    let house = house::gateway(vec![], vec![http("one", &fake), child("two", "{}")]).await;
    let response = ask_modern(
        house.at,
        "/mcp",
        "server/discover",
        None,
        &modern("1", "server/discover", ""),
    )
    .await;
    assert_eq!(response.status, 400);
    assert!(
        response
            .header("content-type")
            .unwrap()
            .starts_with("text/plain")
    );
}

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
            "completion/complete" => format!(r#"{{"ref":{},"by":"{uri}"}}"#, params["ref"]),
            "resources/subscribe" | "resources/unsubscribe" => "{}".to_owned(),
            "logging/setLevel" => "{}".to_owned(),
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
    let other = session
        .ask(&format!(
            r#"{{"jsonrpc":"2.0","id":4,"method":"prompts/list","params":{{"cursor":"{cursor}"}}}}"#
        ))
        .await;
    assert_eq!(read(&other)["error"]["code"], -32602, "of another list");
    assert_eq!(one.bodies("prompts/list").len(), 0);
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

/// Template lists that nobody has asked for are asked for.
#[tokio::test]
async fn a_completion_goes_where_its_reference_is() {
    let (one, two) = (shop("one://r").await, shop("two://r").await);
    let house = house::gateway(vec![], vec![http("one", &one), http("two", &two)]).await;
    let session = Session::begin(house.at, "/mcp").await;
    let complete = |id: u8, reference: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"completion/complete","params":{{"ref":{reference},"argument":{{"name":"a","value":"b"}}}}}}"#
        )
    };
    let template = r#"{"type":"ref/resource","uri":"two://r/{id}"}"#;
    let said = read(&session.ask(&complete(1, template)).await);
    assert_eq!(said["result"]["by"], "two://r", "{said}");
    // What a reference is, its type says: here a prompt, whatever else stands in it.
    let prompt = r#"{"type":"ref/prompt","name":"one__greet","uri":"two://r/{id}"}"#;
    let said = read(&session.ask(&complete(2, prompt)).await);
    assert_eq!(
        (&said["result"]["by"], &said["result"]["ref"]["name"]),
        (&"one://r".into(), &"greet".into()),
        "{said}"
    );
    let unknown = r#"{"type":"ref/resource","uri":"three://r/{id}"}"#;
    let said = read(&session.ask(&complete(3, unknown)).await);
    assert!(said["error"]["code"].is_i64(), "{said}");
}

#[tokio::test]
async fn a_legacy_client_of_modern_servers_learns_what_they_speak() {
    let fake = Fake::new(|got| match got.rpc().as_str() {
        "initialize" => Says::JsonAs(400, format!(r#"{{"jsonrpc":"2.0","id":{},"error":{{"code":-32020,"message":"the header Mcp-Method is missing"}}}}"#, got.id())),
        "server/discover" => Says::Json(result(&got.id(), r#"{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{}}"#)),
        _ => Says::Text(500, "unasked"),
    })
    .await;
    let house = house::gateway(vec![], vec![http("s", &fake)]).await;
    let initialize = crate::client::INITIALIZE.as_bytes();
    let at_all =
        crate::client::send(house.at, "POST", "/mcp", crate::client::PLAIN, initialize).await;
    assert_eq!(
        (at_all.status, at_all.header("mcp-session-id")),
        (400, None)
    );
    let said = read(&at_all.message().await);
    assert_eq!(
        (&said["error"]["code"], &said["error"]["data"]),
        (
            &Value::from(-32022),
            &serde_json::json!({"supported": ["2026-07-28"], "requested": "2025-06-18"})
        )
    );
    assert!(
        said["error"]["message"]
            .as_str()
            .unwrap()
            .contains("2026-07-28")
    );
    // At one server its own words pass.
    let at_one =
        crate::client::send(house.at, "POST", "/mcp/s", crate::client::PLAIN, initialize).await;
    assert_eq!(at_one.status, 400);
    assert!(at_one.message().await.contains("-32020"));
}

#[tokio::test]
async fn a_version_that_no_server_speaks_is_answered_with_those_that_they_do() {
    let other = || {
        Fake::new(|got| {
            match got.json()["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"].as_str()
            {
                Some("2026-07-28") => Says::Json(result(
                    &got.id(),
                    r#"{"resultType":"complete","supportedVersions":["2026-07-28","2027-01-01"],"capabilities":{}}"#,
                )),
                _ => Says::JsonAs(
                    400,
                    format!(
                        r#"{{"jsonrpc":"2.0","id":{},"error":{{"code":-32022,"message":"no","data":{{"supported":["2026-07-28","2027-01-01"]}}}}}}"#,
                        got.id()
                    ),
                ),
            }
        })
    };
    let (one, two) = (other().await, other().await);
    let house = house::gateway(vec![], vec![http("one", &one), http("two", &two)]).await;
    let body = modern("1", "server/discover", "").replace("2026-07-28", "1900-01-01");
    let mut headers = crate::client::PLAIN.to_vec();
    headers.extend([
        ("mcp-protocol-version", "1900-01-01"),
        ("mcp-method", "server/discover"),
    ]);
    let said = crate::client::send(house.at, "POST", "/mcp", &headers, body.as_bytes()).await;
    assert_eq!(said.status, 400);
    let said = read(&said.message().await);
    assert_eq!(
        (&said["error"]["code"], &said["error"]["data"]),
        (
            &Value::from(-32022),
            &serde_json::json!({"supported": ["2026-07-28", "2027-01-01"], "requested": "1900-01-01"})
        )
    );
}

#[tokio::test]
async fn a_merged_list_is_kept_as_the_most_careful_of_its_parts_says() {
    let (one, _o) = crate::modern::subscribable(r#"{"name":"a"}"#, "one://r").await;
    let two = Fake::new(|got| Says::Json(result(&got.id(), match got.rpc().as_str() {
        "server/discover" => r#"{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{}}"#,
        "tools/list" => r#"{"resultType":"complete","tools":[],"ttlMs":300,"cacheScope":"private"}"#,
        _ => return Says::JsonAs(404, format!(r#"{{"jsonrpc":"2.0","id":{},"error":{{"code":-32601,"message":"no"}}}}"#, got.id())),
    })))
    .await;
    let keeping = async |house: &house::House, list: &str| {
        let said = crate::modern::ask(house.at, "/mcp", list).await;
        (
            said["result"]["ttlMs"].clone(),
            said["result"]["cacheScope"].clone(),
        )
    };
    let servers = || vec![http("one", &one), http("two", &two)];
    let house = house::gateway(vec![], servers()).await;
    assert_eq!(
        keeping(&house, "tools/list").await,
        (300.into(), "private".into())
    );
    // A server without resources does not count.
    assert_eq!(
        keeping(&house, "resources/list").await,
        (5000.into(), "public".into())
    );
    let changes = crate::policy::before(&["resources/list"], Role::Mutation, |_| {
        sandgate_message::PreDecision::Proceed
    });
    let house = house::gateway(vec![changes], servers()).await;
    assert_eq!(
        keeping(&house, "resources/list").await,
        (0.into(), "private".into())
    );
    // One that fails does: it may be well again.
    let ill = Fake::new(|got| match got.rpc().as_str() {
        "server/discover" => Says::Json(result(
            &got.id(),
            r#"{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{}}"#,
        )),
        _ => Says::Json(format!(
            r#"{{"jsonrpc":"2.0","id":{},"error":{{"code":-32603,"message":"ill"}}}}"#,
            got.id()
        )),
    })
    .await;
    let mut servers = servers();
    servers.push(http("ill", &ill));
    let house = house::gateway(vec![], servers).await;
    let said = crate::modern::ask(house.at, "/mcp", "tools/list").await;
    assert_eq!(names(&said.to_string(), "tools"), ["one__a"]);
    assert_eq!(
        keeping(&house, "tools/list").await,
        (0.into(), "private".into())
    );
}

/// A child with a resource of its own; `touch` tells subscribers of it, `die` ends the child, `seen` what it was asked.
const KEEPER: &str = r#"
import json, sys
name, seen, subscribed = sys.argv[1], [], []
def say(**m):
    sys.stdout.write(json.dumps({"jsonrpc":"2.0",**m}, separators=(",", ":")) + "\n"); sys.stdout.flush()
for line in sys.stdin:
    got = json.loads(line)
    method, id, params = got.get("method"), got.get("id"), got.get("params", {})
    if method == "initialize":
        say(id=id, result={"protocolVersion":"2025-06-18","capabilities":{"tools":{},"logging":{},"resources":{"subscribe":True}},"serverInfo":{"name":name,"version":"1"}})
    elif method == "resources/list":
        say(id=id, result={"resources":[{"uri":name + "://r","name":"r"}]})
    elif method == "resources/subscribe":
        subscribed.append(params["uri"]); seen.append(method); say(id=id, result={})
    elif method == "resources/unsubscribe":
        subscribed.remove(params["uri"]); seen.append(method); say(id=id, result={})
    elif method in ("logging/setLevel", "notifications/cancelled"):
        seen.append(method + " " + str(params.get("level", params.get("reason"))))
        if id is not None: say(id=id, result={})
    elif method == "tools/call":
        tool = params["name"]
        if tool == "die": sys.exit(3)
        if tool == "touch":
            for uri in subscribed: say(method="notifications/resources/updated", params={"uri":uri})
            say(method="notifications/message", params={"level":"info","data":name})
            say(method="notifications/tools/list_changed")
        if tool != "wait": say(id=id, result={"seen":seen})
    elif id is not None:
        say(id=id, error={"code":-32601,"message":"no"})
"#;

fn keeper(name: &str) -> std::sync::Arc<sandgate_gateway::Server> {
    server(
        name,
        Transport::Stdio {
            command: "python3".into(),
            args: vec!["-u".into(), "-c".into(), KEEPER.into(), name.into()],
            env: vec![("PATH".to_owned(), std::env::var("PATH").unwrap())],
            cwd: None,
        },
    )
}

fn tool(id: u8, name: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"{name}"}}}}"#)
}

fn about(id: u8, method: &str, params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#)
}

#[tokio::test]
async fn a_legacy_client_subscribes_to_resources_and_hears_of_them() {
    let one = r#"{"uri":"one://r"}"#;
    for path in ["/mcp", "/mcp/one"] {
        let house = house::gateway(vec![], vec![keeper("one"), keeper("two")]).await;
        let session = Session::begin(house.at, path).await;
        let mut heard = session.get().await.events();
        let prefix = if path == "/mcp" { "one__" } else { "" };
        let touch = tool(9, &format!("{prefix}touch"));
        let said = session.ask(&about(1, "resources/subscribe", one)).await;
        assert_eq!(said, result("1", "{}"));
        session.ask(&touch).await;
        let told = [
            heard.message().await,
            heard.message().await,
            heard.message().await,
        ];
        for (said, what) in told
            .iter()
            .zip(["one://r", r#""data":"one""#, "tools/list_changed"])
        {
            assert!(said.contains(what), "{path}: {said}");
        }
        session.ask(&about(2, "resources/unsubscribe", one)).await;
        session.ask(&touch).await;
        let next = heard.message().await;
        assert!(!next.contains("updated"), "{path}: {next}");
    }
}

/// The child that is started in its place knows nothing of it.
#[tokio::test]
async fn a_server_that_is_joined_again_is_asked_again_for_what_should_go_on() {
    let house = house::gateway(vec![], vec![keeper("one"), keeper("two")]).await;
    let session = Session::begin(house.at, "/mcp").await;
    let mut heard = session.get().await.events();
    let level = r#"{"level":"debug"}"#;
    let said = session.ask(&about(1, "logging/setLevel", level)).await;
    assert_eq!(said, result("1", "{}"));
    for server in ["one", "two"] {
        let said = session.ask(&tool(2, &format!("{server}__seen"))).await;
        assert!(said.contains("logging/setLevel debug"), "{said}");
    }
    session
        .ask(&about(3, "resources/subscribe", r#"{"uri":"one://r"}"#))
        .await;
    session.ask(&tool(4, "one__die")).await;
    let said = session.ask(&tool(5, "one__touch")).await;
    assert!(
        said.contains("logging/setLevel debug") && said.contains("resources/subscribe"),
        "{said}"
    );
    assert!(heard.message().await.contains("one://r"));
}

#[tokio::test]
async fn only_the_server_of_a_request_is_told_that_it_is_cancelled() {
    let house = house::gateway(vec![], vec![keeper("one"), keeper("two")]).await;
    let session = Session::begin(house.at, "/mcp").await;
    let (wait, seen) = (tool(7, "one__wait"), |server: &str| {
        tool(8, &format!("{server}__seen"))
    });
    let cancel = r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7,"reason":"secret"}}"#;
    // The other server is there too.
    session.ask(&seen("two")).await;
    let waiting = session.ask(&wait);
    let cancelling = async {
        while house.log.forwarded("tools/call") < 2 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        assert_eq!(session.post(cancel).await.status, 202);
    };
    let (said, ()) = tokio::join!(waiting, cancelling);
    assert!(said.contains("cancelled"), "{said}");
    assert!(
        session
            .ask(&seen("one"))
            .await
            .contains("notifications/cancelled secret")
    );
    assert!(!session.ask(&seen("two")).await.contains("secret"));
}

//! One child for many legacy sessions.

use ::http::header::AUTHORIZATION;
use serde_json::json;

use super::super::Share;
use super::*;

const BEGIN: &str =
    r#"{"protocolVersion":"2025-11-25","capabilities":{"roots":{}},"clientInfo":{"name":"NAME"}}"#;

fn sharing(share: Share) -> Arc<Server> {
    let mut config = python("legacy");
    config.share = share;
    Server::new(config)
}

async fn conversation(server: &Arc<Server>, who: Option<&Arc<str>>) -> Arc<Conversation> {
    let asker = Asker::new(who, &HeaderMap::new());
    server.converse(Era::Legacy, &asker).await.unwrap()
}

/// A session that has begun as clients begin.
async fn begin(server: &Arc<Server>, who: Option<&Arc<str>>) -> Arc<Conversation> {
    let session = conversation(server, who).await;
    let begun = reply(&session, &call("0", "initialize", BEGIN)).await;
    assert_eq!(begun["result"]["protocolVersion"], "2025-11-25", "{begun}");
    tell(&session, note("notifications/initialized", "{}")).await;
    session
}

async fn two() -> (Arc<Server>, Arc<Conversation>, Arc<Conversation>) {
    let server = sharing(Share::Principal);
    let (one, two) = (begin(&server, None).await, begin(&server, None).await);
    (server, one, two)
}

async fn tell(session: &Conversation, message: Message) {
    session.send(&message, &HeaderMap::new()).await.unwrap();
}

async fn pid(session: &Conversation) -> Value {
    reply(session, &call("1", "echo", "{}")).await["result"]["pid"].clone()
}

async fn listening(session: &Conversation) -> ServerEvents {
    stream(session.listen(&HeaderMap::new()).await.unwrap())
}

/// Has the program write these lines; `ID` is the request's own.
fn raw(id: &str, lines: &[&str]) -> Message {
    call(id, "raw", &json!({ "lines": lines }).to_string())
}

/// What the program has read that contains this.
async fn seen(session: &Conversation, what: &str) -> Vec<Value> {
    let seen = reply(session, &call(r#""seen""#, "seen", "{}")).await;
    let lines = seen["result"]["lines"].as_array().unwrap().iter();
    let lines = lines.map(|line| line.as_str().unwrap());
    let lines = lines.filter(|line| line.contains(what) && !line.contains(r#""method":"raw""#));
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

async fn nothing(events: &mut ServerEvents) {
    let silent = tokio::time::timeout(Duration::from_millis(300), events.next()).await;
    assert!(silent.is_err(), "{silent:?}");
}

const DONE: &str = r#"{"jsonrpc":"2.0","id":ID,"result":{}}"#;
const CHANGED: &str = r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#;
const ROOTS: &str = r#"{"jsonrpc":"2.0","id":"q","method":"roots/list"}"#;

fn updated(uri: &str) -> String {
    let params = json!({ "uri": uri });
    json!({"jsonrpc": "2.0", "method": "notifications/resources/updated", "params": params})
        .to_string()
}

fn log(level: &str) -> String {
    let params = json!({ "level": level, "data": "d" });
    json!({"jsonrpc": "2.0", "method": "notifications/message", "params": params}).to_string()
}

#[tokio::test]
async fn sessions_that_are_alike_are_begun_once() {
    let server = sharing(Share::Principal);
    let (a, b) = (
        conversation(&server, None).await,
        conversation(&server, None).await,
    );
    let named = |name: &str| BEGIN.replace("NAME", name);
    let (begin_a, begin_b) = (
        call("7", "initialize", &named("a")),
        call(r#""b""#, "initialize", &named("b")),
    );
    let (said_a, said_b) = tokio::join!(reply(&a, &begin_a), reply(&b, &begin_b));
    assert_eq!((&said_a["id"], &said_b["id"]), (&json!(7), &json!("b")));
    assert_eq!(said_a["result"], said_b["result"]);
    for session in [&b, &a] {
        tell(session, note("notifications/initialized", "{}")).await;
    }
    assert_eq!(pid(&a).await, pid(&b).await);
    assert_eq!(seen(&a, r#""initialize""#).await.len(), 1);
    assert_eq!(seen(&b, "notifications/initialized").await.len(), 1);
    assert_eq!(server.health().children, 1);
    let again = reply(&a, &call("8", "initialize", BEGIN)).await;
    assert_eq!(again["error"]["code"], -32600, "{again}");
}

#[tokio::test]
async fn who_can_be_told_apart_has_another_child() {
    let server = sharing(Share::Principal);
    let (ada, bob) = ("ada".into(), "bob".into());
    let mut pids = Vec::new();
    let mut held = Vec::new();
    for (who, params) in [
        (&ada, BEGIN.to_owned()),
        (&bob, BEGIN.to_owned()),
        (&ada, BEGIN.replace("roots", "sampling")),
        (&ada, BEGIN.replace("2025-11-25", "2025-06-18")),
        // Of the same name, with another key.
        (&"ada".into(), BEGIN.to_owned()),
    ] {
        let session = conversation(&server, Some(who)).await;
        let begun = reply(&session, &call("0", "initialize", &params)).await;
        pids.push(begun["result"]["pid"].to_string());
        held.push(session);
    }
    pids.sort();
    pids.dedup();
    assert_eq!((pids.len(), server.health().children), (5, 5));
}

#[tokio::test]
async fn everybodys_sessions_use_one_child_where_the_operator_says_so() {
    let server = sharing(Share::All);
    let (ada, bob) = (begin(&server, Some(&"ada".into())).await, {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, "Bearer x".parse().unwrap());
        let asker = Asker::new(Some(&"bob".into()), &headers);
        let bob = server.converse(Era::Legacy, &asker).await.unwrap();
        reply(&bob, &call("0", "initialize", BEGIN)).await;
        bob
    });
    assert_eq!(pid(&ada).await, pid(&bob).await);
    // What one was shown, the other was not.
    reply(&ada, &call("2", "tools/list", "{}")).await;
    assert!(ada.definitions().get("tools/call", "a").is_some());
    assert!(bob.definitions().get("tools/call", "a").is_none());
    // What the program says of itself may be of either, even when one is gone.
    bob.close().await;
    let log = log("error");
    only(ask(&ada, &raw("3", &[&log, ROOTS, DONE])).await.unwrap());
    assert_eq!(seen(&ada, r#""id":"q""#).await[0]["error"]["code"], -32000);
    assert_eq!(server.health().dropped, 2);
}

#[tokio::test]
async fn equal_ids_and_tokens_of_two_sessions_do_not_meet() {
    let (_server, one, two) = two().await;
    let slow = call("1", "late", r#"{"seconds":0.5}"#);
    let quick = call("1", "progress", r#"{"_meta":{"progressToken":"t"}}"#);
    let (slow, quick) = tokio::join!(reply(&one, &slow), async {
        all(stream(ask(&two, &quick).await.unwrap())).await
    });
    assert_eq!(slow, json!({"jsonrpc": "2.0", "id": 1, "result": {}}));
    assert_eq!(quick.len(), 3, "{quick:?}");
    for progress in &quick[..2] {
        assert_eq!(progress["params"]["progressToken"], "t");
    }
    assert_eq!(quick[2]["id"], 1);
    assert_ne!(quick[2]["result"]["token"], "t");
}

#[tokio::test]
async fn progress_and_replies_without_a_request_reach_nobody() {
    let (server, one, two) = two().await;
    let mut heard = (listening(&one).await, listening(&two).await);
    let lines = [
        r#"{"jsonrpc":"2.0","id":99,"result":{"of":"another"}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":99,"progress":1}}"#,
        DONE,
    ];
    only(ask(&one, &raw("1", &lines)).await.unwrap());
    nothing(&mut heard.0).await;
    nothing(&mut heard.1).await;
    assert_eq!(server.health().dropped, 2);
}

#[tokio::test]
async fn an_error_without_an_id_tells_nobody_anothers_words() {
    let (_server, one, _two) = two().await;
    let odd = r#"{"jsonrpc":"2.0","error":{"code":-32700,"message":"of another"}}"#;
    let error = ask(&one, &raw("1", &[odd])).await.unwrap_err();
    assert!(matches!(error, ServerError::Garbage { .. }), "{error}");
}

#[tokio::test]
async fn a_session_cancels_its_own_requests_alone() {
    let (_server, one, two) = two().await;
    let late = call("1", "late", r#"{"seconds":60}"#);
    let cancel = note("notifications/cancelled", r#"{"requestId":1}"#);
    let cancelling = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        tell(&two, cancel.clone()).await;
        assert!(seen(&two, "cancelled").await.is_empty());
        tell(&one, cancel.clone()).await;
    };
    let (cancelled, ()) = tokio::join!(ask(&one, &late), cancelling);
    assert!(matches!(cancelled, Err(ServerError::Cancelled { .. })));
    let told = seen(&two, "cancelled").await;
    assert_eq!(told.len(), 1);
    assert_eq!(
        told[0]["params"]["requestId"],
        seen(&two, r#""late""#).await[0]["id"]
    );
}

#[tokio::test]
async fn a_question_goes_to_the_one_session_that_asks_for_something_and_nobody_else_answers() {
    let (server, one, two) = two().await;
    let mut others = listening(&two).await;
    let asks = call("1", "ask", "{}");
    let mut asked = stream(ask(&one, &asks).await.unwrap());
    assert_eq!(next(&mut asked).await["method"], "roots/list");
    let answer = |what: &str| {
        message(&format!(
            r#"{{"jsonrpc":"2.0","id":"q","result":{{"of":"{what}"}}}}"#
        ))
    };
    let progress = r#"{"progressToken":"q","progress":1}"#;
    tell(&two, answer("two")).await;
    tell(&two, note("notifications/progress", progress)).await;
    tell(&one, answer("one")).await;
    tell(&one, answer("one, again")).await;
    let heard = next(&mut asked).await;
    assert_eq!(heard["result"]["heard"]["result"]["of"], "one", "{heard}");
    nothing(&mut others).await;
    assert_eq!(seen(&one, r#""of""#).await.len(), 1);
    assert!(seen(&one, "notifications/progress").await.is_empty());
    assert_eq!(server.health().dropped, 0);
}

#[tokio::test]
async fn a_question_that_may_be_either_sessions_is_refused_and_a_ping_is_answered() {
    let (server, one, two) = two().await;
    let mut heard = listening(&two).await;
    let late = call("1", "late", r#"{"seconds":0.6}"#);
    let ping = r#"{"jsonrpc":"2.0","id":"p","method":"ping"}"#;
    let (_, reply) = tokio::join!(reply(&two, &late), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        ask(&one, &raw("1", &[ROOTS, ping, DONE])).await.unwrap()
    });
    only(reply);
    nothing(&mut heard).await;
    assert_eq!(seen(&one, r#""id":"q""#).await[0]["error"]["code"], -32000);
    assert_eq!(seen(&one, r#""id":"p""#).await[0]["result"], json!({}));
    assert_eq!(server.health().dropped, 1);
}

#[tokio::test]
async fn a_changed_list_is_told_to_all_who_listen_and_forgotten_by_all() {
    let (_server, one, two) = two().await;
    let mut heard = (listening(&one).await, listening(&two).await);
    for session in [&one, &two] {
        reply(session, &call("2", "tools/list", "{}")).await;
    }
    only(ask(&one, &raw("1", &[CHANGED, DONE])).await.unwrap());
    for events in [&mut heard.0, &mut heard.1] {
        let method = next(events).await["method"].clone();
        assert_eq!(method, "notifications/tools/list_changed");
    }
    for session in [&one, &two] {
        assert!(session.definitions().get("tools/call", "a").is_none());
    }
}

#[tokio::test]
async fn a_changed_resource_is_told_to_those_who_subscribed_to_it_until_they_end_that() {
    let (_server, one, two) = two().await;
    let mut heard = (listening(&one).await, listening(&two).await);
    let on = |uri: &str| {
        call(
            "5",
            "resources/subscribe",
            &json!({ "uri": uri }).to_string(),
        )
    };
    let off = |uri: &str| {
        call(
            "6",
            "resources/unsubscribe",
            &json!({ "uri": uri }).to_string(),
        )
    };
    reply(&one, &on("file:///a")).await;
    reply(&two, &on("file:///a")).await;
    reply(&two, &on("file:///b")).await;
    let (a, b) = (updated("file:///a"), updated("file:///b"));
    only(ask(&one, &raw("1", &[&b, DONE])).await.unwrap());
    assert_eq!(next(&mut heard.1).await["params"]["uri"], "file:///b");
    nothing(&mut heard.0).await;

    // Nobody ends another's, however it is spelt.
    assert_eq!(reply(&one, &off("file:///b")).await["result"], json!({}));
    assert_eq!(reply(&one, &off("FILE:///a")).await["result"], json!({}));
    assert!(seen(&one, "unsubscribe").await.is_empty());
    only(ask(&one, &raw("1", &[&a, DONE])).await.unwrap());
    assert_eq!(next(&mut heard.1).await["params"]["uri"], "file:///a");
    nothing(&mut heard.0).await;

    // The last one to want it ends it, by saying so or by going.
    reply(&two, &off("file:///a")).await;
    assert_eq!(seen(&one, "unsubscribe").await.len(), 1);
    two.close().await;
    until(async || {
        let seen = seen(&one, "unsubscribe").await;
        seen.last().unwrap()["params"]["uri"] == "file:///b"
    })
    .await;
}

#[tokio::test]
async fn log_messages_go_to_the_one_session_at_work_and_no_level_silences_another() {
    let (server, one, two) = two().await;
    let mut heard = (listening(&one).await, listening(&two).await);
    let level = |level: &str| {
        let level = json!({ "level": level });
        call("5", "logging/setLevel", &level.to_string())
    };
    reply(&one, &level("debug")).await;
    reply(&two, &level("error")).await;
    let set = seen(&one, "setLevel").await;
    let set: Vec<_> = set.iter().map(|line| &line["params"]["level"]).collect();
    assert_eq!(set, ["debug", "debug"]);
    let odd = reply(&two, &level("loud")).await;
    assert_eq!(odd["error"]["code"], -32602);

    let (info, error) = (log("info"), log("error"));
    only(ask(&one, &raw("1", &[&info, DONE])).await.unwrap());
    assert_eq!(next(&mut heard.0).await["params"]["level"], "info");
    only(ask(&two, &raw("1", &[&info, &error, DONE])).await.unwrap());
    assert_eq!(next(&mut heard.1).await["params"]["level"], "error");
    assert_eq!(server.health().dropped, 0);

    // While both are at work, it may be of either.
    let late = call("1", "late", r#"{"seconds":0.6}"#);
    let (_, done) = tokio::join!(reply(&two, &late), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        ask(&one, &raw("1", &[&error, DONE])).await.unwrap()
    });
    only(done);
    assert_eq!(server.health().dropped, 1);
    nothing(&mut heard.0).await;
    nothing(&mut heard.1).await;
}

#[tokio::test]
async fn who_leaves_takes_its_own_along_and_nothing_else() {
    let (_server, one, two) = two().await;
    let late = call("1", "late", r#"{"seconds":0.6}"#);
    let mut asked = stream(ask(&one, &call("2", "ask", "{}")).await.unwrap());
    next(&mut asked).await;
    let leaving = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        one.close().await;
    };
    let (own, others, ()) = tokio::join!(ask(&one, &late), reply(&two, &late), leaving);
    assert!(matches!(own, Err(ServerError::Closed { .. })), "{own:?}");
    assert_eq!(others["result"], json!({}));
    assert_eq!(seen(&two, r#""id":"q""#).await[0]["error"]["code"], -32000);
    assert_eq!(seen(&two, "cancelled").await.len(), 2);
    assert!(matches!(
        ask(&one, &call("3", "echo", "{}")).await,
        Err(ServerError::Closed { .. })
    ));
    assert!(one.listen(&HeaderMap::new()).await.is_err());
}

#[tokio::test]
async fn the_child_outlives_the_last_session_for_a_while_and_then_ends() {
    let (server, one, two) = two().await;
    let first = pid(&one).await;
    one.close().await;
    drop(two);
    let again = begin(&server, None).await;
    assert_eq!(pid(&again).await, first);
    assert_eq!(seen(&again, r#""initialize""#).await.len(), 1);
    drop(again);
    let began = std::time::Instant::now();
    // Longer than `until` waits.
    while server.health().children > 0 {
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(began.elapsed() < Duration::from_secs(20), "it never ended");
    }
    assert!(began.elapsed() > Duration::from_secs(3));
    let next = begin(&server, None).await;
    assert_ne!(pid(&next).await, first);
}

#[tokio::test]
async fn a_death_ends_all_sessions_and_the_next_one_starts_the_program_again() {
    let (server, one, two) = two().await;
    let mut heard = listening(&two).await;
    let died = ask(&one, &call("1", "exit", "{}")).await;
    assert!(matches!(died, Err(ServerError::Exited { .. })), "{died:?}");
    assert!(heard.next().await.unwrap().is_err());
    let gone = ask(&two, &call("1", "echo", "{}")).await;
    assert!(matches!(gone, Err(ServerError::SessionGone { .. })));
    let next = begin(&server, None).await;
    drop((one, two));
    // It is not those others' end that ends it.
    tokio::time::sleep(Duration::from_secs(6)).await;
    pid(&next).await;
}

#[tokio::test]
async fn who_is_refused_at_the_start_keeps_nobody_else_out() {
    let server = sharing(Share::All);
    let refused = conversation(&server, None).await;
    let params = BEGIN.replace("2025-11-25", "refused");
    let said = reply(&refused, &call("0", "initialize", &params)).await;
    assert_eq!(said["error"]["code"], -32602);
    let unbegun = ask(&refused, &call("1", "echo", "{}")).await;
    assert!(matches!(unbegun, Err(ServerError::SessionGone { .. })));
    // The first goes away while the program starts.
    let impatient = conversation(&server, None).await;
    let begin_it = call("0", "initialize", BEGIN);
    let gone = tokio::time::timeout(Duration::from_millis(1), ask(&impatient, &begin_it)).await;
    assert!(gone.is_err());
    let next = begin(&server, None).await;
    pid(&next).await;
}

#[tokio::test]
async fn one_child_has_one_place_and_one_that_starts_badly_is_said_to() {
    let mut config = python("legacy");
    (config.share, config.max_children) = (Share::Principal, 1);
    let server = Server::new(config);
    let mut sessions = Vec::new();
    for _ in 0..20 {
        sessions.push(begin(&server, None).await);
    }
    let other = conversation(&server, Some(&"ada".into())).await;
    let crowded = ask(&other, &call("0", "initialize", BEGIN)).await;
    assert!(matches!(crowded, Err(ServerError::Crowded { .. })));

    let mut config = config_of_nothing();
    config.share = Share::Principal;
    let server = Server::new(config);
    let session = conversation(&server, None).await;
    let missing = ask(&session, &call("0", "initialize", BEGIN)).await;
    assert!(matches!(missing, Err(ServerError::NotFound { .. })));
}

fn config_of_nothing() -> ServerConfig {
    config(command("/nowhere/at/all", &[]))
}

#[tokio::test]
async fn who_listens_and_does_not_read_holds_nobody_up_for_long() {
    let (_server, one, two) = two().await;
    let mut unread = listening(&two).await;
    let mut lines = vec![CHANGED; 60];
    lines.push(DONE);
    let began = std::time::Instant::now();
    // It does not listen, so it hears of them where its answer comes.
    let heard = all(stream(ask(&one, &raw("1", &lines)).await.unwrap())).await;
    assert_eq!(heard.len(), 61);
    assert!(
        began.elapsed() < Duration::from_secs(4),
        "{:?}",
        began.elapsed()
    );
    let mut last = None;
    while let Some(event) = unread.next().await {
        last = Some(event);
    }
    assert!(matches!(last, Some(Err(ServerError::Unread { .. }))));
}

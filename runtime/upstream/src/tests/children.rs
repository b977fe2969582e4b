//! A child of one conversation, and how children start and end.

use futures_util::StreamExt;

use super::*;
use crate::{Availability, Eras};

#[tokio::test]
async fn bytes_pass_a_child_as_they_are_both_ways() {
    let (_server, conversation) = open(python("legacy"), Era::Legacy).await;
    let odd = r#"{ "x":1e400, "jsonrpc":"2.0","id":1.0,"method":"echo", "params":{"n":1.0,"s":"\u00e9é"} }"#;
    let back = reply(&conversation, &message(odd)).await;
    assert_eq!(back["result"]["line"], odd);

    let answer = r#"{"id":ID , "result":{"big":123456789012345678901234567890, "e":"\u0041"},"jsonrpc":"2.0", "odd":[ ]}"#;
    let lines = serde_json::json!({ "lines": [answer] }).to_string();
    let back = only(
        ask(&conversation, &call("\"\u{e9}\"", "raw", &lines))
            .await
            .unwrap(),
    );
    // The server spelt the id another way; the client's own comes back.
    assert_eq!(back.bytes(), answer.replace("ID", "\"\u{e9}\""));
}

#[tokio::test]
async fn a_program_that_does_not_exist_is_named() {
    let server = Server::new(config(command("no-such-program-here", &[])));
    let error = server
        .converse(Era::Legacy, &Asker::default())
        .await
        .unwrap_err();
    assert!(
        matches!(&error, ServerError::NotFound { program, .. } if program == "no-such-program-here"),
        "{error}"
    );
    let mut elsewhere = python("legacy");
    if let Transport::Stdio { cwd, .. } = &mut elsewhere.transport {
        *cwd = Some("/no/such/folder".into());
    }
    let error = Server::new(elsewhere)
        .converse(Era::Legacy, &Asker::default())
        .await
        .unwrap_err();
    assert!(
        matches!(error, ServerError::Start { .. }) && error.detail().contains("/no/such/folder")
    );
    assert!(!error.to_string().contains("/no/such/folder"));
}

#[tokio::test]
async fn a_child_sees_what_is_configured_and_path_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("environment");
    let mut config = config(command(
        "cp",
        &["/proc/self/environ", copy.to_str().unwrap()],
    ));
    if let Transport::Stdio { env, .. } = &mut config.transport {
        env.push(("GIVEN".into(), "yes".into()));
    }
    let (_server, _conversation) = open(config, Era::Legacy).await;
    until(async || std::fs::read(&copy).is_ok_and(|text| !text.is_empty())).await;
    let text = std::fs::read_to_string(&copy).unwrap();
    let mut seen: Vec<&str> = text.split_terminator('\0').collect();
    seen.sort_unstable();
    // By which what it starts is known.
    let mark = seen.pop_if(|variable| variable.starts_with("SANDGATE_CHILD="));
    assert!(mark.is_some());
    assert_eq!(
        seen,
        [
            "GIVEN=yes",
            &format!("PATH={}", std::env::var("PATH").unwrap())
        ]
    );
}

#[tokio::test]
async fn a_death_fails_what_is_under_way_and_ends_the_session_and_the_next_one_starts_anew() {
    let (server, conversation) = open(python("legacy"), Era::Legacy).await;
    reply(&conversation, &call("1", "echo", "{}")).await;
    let late = call("2", "late", r#"{"seconds":60}"#);
    let exit = call("3", "exit", "{}");
    let (one, two) = tokio::join!(ask(&conversation, &late), ask(&conversation, &exit));
    for result in [one, two] {
        let error = result.unwrap_err();
        assert!(
            matches!(&error, ServerError::Exited { status, .. } if status.contains('3')),
            "{error}"
        );
    }
    let error = ask(&conversation, &call("4", "echo", "{}"))
        .await
        .unwrap_err();
    assert!(matches!(error, ServerError::SessionGone { .. }), "{error}");

    let again = server
        .converse(Era::Legacy, &Asker::default())
        .await
        .unwrap();
    reply(&again, &call("1", "echo", "{}")).await;
}

#[tokio::test]
async fn a_program_that_exits_at_once_is_not_started_again_and_again() {
    let server = Server::new(config(command("sh", &["-c", "echo broken >&2; exit 7"])));
    for attempt in 0.. {
        let conversation = match server.converse(Era::Legacy, &Asker::default()).await {
            Ok(conversation) => conversation,
            Err(error) => {
                assert!(matches!(error, ServerError::BackingOff { .. }), "{error}");
                assert!(attempt >= 3, "given up after {attempt} attempts");
                return;
            }
        };
        let error = ask(&conversation, &call("1", "echo", "{}"))
            .await
            .unwrap_err();
        // Whether the request was on its way when the process ended is chance.
        assert!(
            matches!(
                error,
                ServerError::Exited { .. } | ServerError::SessionGone { .. }
            ),
            "{error}"
        );
        assert!(attempt < 10);
    }
}

#[tokio::test]
async fn a_banner_is_skipped() {
    let (_server, conversation) = open(python("banner"), Era::Legacy).await;
    reply(&conversation, &call("1", "echo", "{}")).await;
}

#[tokio::test]
async fn a_program_that_never_speaks_mcp_fails_its_calls() {
    let mut config = python("babble");
    config.connect_timeout = Duration::from_millis(300);
    let (_server, conversation) = open(config, Era::Legacy).await;
    let error = ask(&conversation, &call("1", "initialize", "{}"))
        .await
        .unwrap_err();
    assert!(matches!(error, ServerError::Garbage { .. }), "{error}");
}

#[tokio::test]
async fn a_reply_that_may_not_be_passed_on_fails_its_own_call_and_no_other() {
    let (_server, conversation) = open(python("legacy"), Era::Legacy).await;
    let other = call("1", "late", r#"{"seconds":0.5}"#);
    let twice = r#"{"jsonrpc":"2.0","id":ID,"result":{"a":1,"a":2}}"#;
    let bad = call(
        "2",
        "raw",
        &serde_json::json!({ "lines": ["print()", twice] }).to_string(),
    );
    let (other, bad) = tokio::join!(ask(&conversation, &other), ask(&conversation, &bad));
    assert!(other.is_ok());
    let error = bad.unwrap_err();
    assert!(
        matches!(&error, ServerError::Garbage { why, .. } if why.contains("duplicate key")),
        "{error}"
    );
}

#[tokio::test]
async fn a_reply_over_the_limit_fails_its_call_and_the_next_one_works() {
    let mut config = python("legacy");
    config.limits.bytes = 10_000;
    let (_server, conversation) = open(config, Era::Legacy).await;
    let big = call("1", "big", r#"{"bytes":20000}"#);
    let error = ask(&conversation, &big).await.unwrap_err();
    assert!(
        matches!(error, ServerError::TooLarge { limit: 10_000, .. }),
        "{error}"
    );
    reply(&conversation, &call("2", "echo", "{}")).await;
}

#[tokio::test]
async fn silence_is_an_error_and_the_server_is_told() {
    let (_server, conversation) = impatient(Duration::from_secs(1)).await;
    let error = ask(&conversation, &call(r#""x""#, "late", r#"{"seconds":60}"#))
        .await
        .unwrap_err();
    assert!(matches!(error, ServerError::Timeout { .. }), "{error}");
    let seen = reply(&conversation, &call("2", "seen", "{}")).await;
    let lines = seen["result"]["lines"].as_array().unwrap();
    let last = lines[lines.len() - 2].as_str().unwrap();
    let cancelled: Value = serde_json::from_str(last).unwrap();
    assert_eq!(cancelled["method"], "notifications/cancelled");
    assert_eq!(cancelled["params"]["requestId"], "x");
}

#[tokio::test]
async fn a_program_that_starts_slowly_is_waited_for_until_its_first_word() {
    let mut config = config(command(
        "sh",
        &["-c", "sleep 1; exec python3 -c \"$0\" legacy", SERVER],
    ));
    config.request_timeout = Duration::from_millis(200);
    let (_server, conversation) = open(config, Era::Legacy).await;
    reply(&conversation, &call("1", "echo", "{}")).await;
    let late = call("2", "late", r#"{"seconds":60}"#);
    let error = ask(&conversation, &late).await.unwrap_err();
    assert!(matches!(error, ServerError::Timeout { .. }), "{error}");
}

#[tokio::test]
async fn a_question_of_the_servers_reaches_the_client_and_its_silence_is_the_clients() {
    let (_server, conversation) = impatient(Duration::from_secs(1)).await;
    let mut events = stream(ask(&conversation, &call("1", "ask", "{}")).await.unwrap());
    assert_eq!(next(&mut events).await["method"], "roots/list");
    let answering = async {
        tokio::time::sleep(Duration::from_millis(2500)).await;
        let answer = message(r#"{"jsonrpc":"2.0","id":"q","result":{"roots":[]}}"#);
        conversation.send(&answer, &HeaderMap::new()).await.unwrap();
    };
    let (back, ()) = tokio::join!(next(&mut events), answering);
    assert_eq!(back["result"]["heard"]["id"], "q");
    assert!(events.next().await.is_none());
}

#[tokio::test]
async fn what_belongs_to_no_request_goes_to_who_listens_or_to_the_oldest_request() {
    let (_server, conversation) = open(python("legacy"), Era::Legacy).await;
    let tell = call(
        "2",
        "notify",
        r#"{"methods":["notifications/a","notifications/b"]}"#,
    );
    let told = all(stream(ask(&conversation, &tell).await.unwrap())).await;
    assert_eq!(told.len(), 3);

    let mut listening = stream(conversation.listen(&HeaderMap::new()).await.unwrap());
    // Nothing comes before the reply now.
    only(
        ask(
            &conversation,
            &call("3", "notify", r#"{"methods":["notifications/c"]}"#),
        )
        .await
        .unwrap(),
    );
    assert_eq!(next(&mut listening).await["method"], "notifications/c");

    // A later listener takes over.
    let mut later = stream(conversation.listen(&HeaderMap::new()).await.unwrap());
    assert!(listening.next().await.is_none());
    only(
        ask(
            &conversation,
            &call("4", "notify", r#"{"methods":["notifications/d"]}"#),
        )
        .await
        .unwrap(),
    );
    assert_eq!(next(&mut later).await["method"], "notifications/d");
    drop(later);
    let told = all(stream(
        ask(
            &conversation,
            &call("5", "notify", r#"{"methods":["notifications/e"]}"#),
        )
        .await
        .unwrap(),
    ));
    assert_eq!(told.await.len(), 2);
}

#[tokio::test]
async fn an_id_that_is_under_way_is_not_taken_twice() {
    let (_server, conversation) = open(python("legacy"), Era::Legacy).await;
    let first = call("1", "late", r#"{"seconds":0.5}"#);
    let second = call("1.0", "echo", "{}");
    let (first, second) = tokio::join!(ask(&conversation, &first), ask(&conversation, &second));
    assert!(first.is_ok());
    assert!(matches!(second.unwrap_err(), ServerError::IdInUse { .. }));
}

#[tokio::test]
async fn closing_ends_the_child_and_what_it_started() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pids");
    // Deaf to everything but SIGKILL, with a child as deaf as itself.
    let script = format!(
        "trap '' TERM; (trap '' TERM; sleep 600) & echo $$ $! > {}; sleep 600; sleep 600",
        file.display()
    );
    let (server, _conversation) = open(config(command("sh", &["-c", &script])), Era::Legacy).await;
    until(async || std::fs::read_to_string(&file).is_ok_and(|text| text.ends_with('\n'))).await;
    let pids = std::fs::read_to_string(&file).unwrap();
    let alive = |pid: &str| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
        stat.is_ok_and(|stat| !stat.contains(") Z "))
    };
    assert!(pids.split_whitespace().all(alive));
    server.close().await;
    until(async || !pids.split_whitespace().any(alive)).await;
    assert!(matches!(
        server
            .converse(Era::Legacy, &Asker::default())
            .await
            .unwrap_err(),
        ServerError::Closed { .. }
    ));
}

#[tokio::test]
async fn dropping_a_conversation_ends_its_child() {
    let (_server, conversation) = open(python("legacy"), Era::Legacy).await;
    let pid = reply(&conversation, &call("1", "echo", "{}")).await["result"]["pid"].clone();
    let stat = format!("/proc/{pid}/stat");
    assert!(std::fs::exists(&stat).unwrap());
    drop(conversation);
    until(async || !std::fs::exists(&stat).unwrap()).await;
}

#[tokio::test]
async fn eras_are_what_the_server_says_they_are() {
    let eras = |legacy, modern| Eras { legacy, modern };
    for (how, expected) in [
        ("modern", eras(None, Some(true))),
        ("both", eras(Some(true), Some(true))),
        ("other-version", eras(None, Some(true))),
        ("legacy", eras(None, Some(false))),
        ("dies", eras(Some(true), Some(false))),
        ("silent", eras(None, Some(false))),
    ] {
        let mut config = python(how);
        if how == "silent" {
            config.start_timeout = Duration::from_secs(20);
        }
        let server = Server::new(config);
        assert_eq!(server.era().await.unwrap(), expected, "{how}");
    }
}

#[tokio::test]
async fn a_legacy_server_is_asked_on_a_child_of_its_own_and_refused_to_modern_conversations() {
    let server = Server::new(python("legacy"));
    let error = server
        .converse(Era::Modern, &Asker::default())
        .await
        .unwrap_err();
    assert!(
        matches!(error, ServerError::WrongEra { era: "modern", .. }),
        "{error}"
    );
    let conversation = server
        .converse(Era::Legacy, &Asker::default())
        .await
        .unwrap();
    let seen = reply(&conversation, &call("1", "seen", "{}")).await;
    assert_eq!(seen["result"]["lines"].as_array().unwrap().len(), 1);
    reply(&conversation, &call("2", "initialize", "{}")).await;
    assert_eq!(
        server.era().await.unwrap(),
        Eras {
            legacy: Some(true),
            modern: Some(false)
        }
    );
}

#[tokio::test]
async fn definitions_are_learnt_from_what_passes_and_asked_for_where_it_did_not() {
    let (_server, conversation) = open(python("legacy"), Era::Legacy).await;
    let fetch = async |target: &str| {
        conversation
            .definitions()
            .fetch(&conversation, "tools/call", target, &HeaderMap::new())
            .await
    };
    assert_eq!(conversation.definitions().get("tools/call", "a"), None);
    assert_eq!(
        fetch("b").await.unwrap().as_str(),
        r#"{"name": "b", "page": "two"}"#
    );
    assert!(conversation.definitions().get("tools/call", "a").is_some());
    assert_eq!(fetch("c").await, None);
    let seen = reply(&conversation, &call("1", "seen", "{}")).await;
    // Two pages, once; the second question was not asked.
    assert_eq!(seen["result"]["lines"].as_array().unwrap().len(), 3);

    ask(
        &conversation,
        &call(
            "2",
            "notify",
            r#"{"methods":["notifications/tools/list_changed"]}"#,
        ),
    )
    .await
    .unwrap();
    assert_eq!(conversation.definitions().get("tools/call", "a"), None);
    assert!(fetch("a").await.is_some());
}

#[tokio::test]
async fn a_broken_reply_to_something_else_fails_nobody() {
    let (_server, conversation) = open(python("legacy"), Era::Legacy).await;
    let lines = serde_json::json!({ "lines": [
        r#"{"jsonrpc":"2.0","id":99,"result":{"a":1,"a":2}}"#,
        r#"{"jsonrpc":"2.0","id":ID,"result":{}}"#,
    ] });
    let back = reply(&conversation, &call("1", "raw", &lines.to_string())).await;
    assert_eq!(back["id"], 1);
}

#[tokio::test]
async fn a_server_that_hangs_is_down_and_refused_at_once() {
    let server = Server::new(ServerConfig {
        start_timeout: Duration::from_secs(1),
        ..config(command("sleep", &["60"]))
    });
    assert!(matches!(server.availability(), Availability::Unknown));
    let error = server.probe().await.unwrap_err();
    assert!(matches!(error, ServerError::Timeout { .. }), "{error}");
    let before = std::time::Instant::now();
    for era in [Era::Legacy, Era::Modern] {
        let error = server.converse(era, &Asker::default()).await.unwrap_err();
        assert!(matches!(error, ServerError::Down { .. }), "{error}");
    }
    assert!(before.elapsed() < Duration::from_millis(500));
}

#[tokio::test]
async fn a_server_is_probed_until_it_is_back() {
    let folder = tempfile::tempdir().unwrap();
    let up = folder.path().join("up");
    let script = format!("test -e {up:?} || exit 1; exec python3 -c \"$0\" modern");
    let server = Server::new(config(command("sh", &["-c", &script, SERVER])));
    assert!(server.probe().await.is_err());
    assert!(matches!(server.availability(), Availability::Down { .. }));
    std::fs::write(&up, "").unwrap();
    tokio::time::timeout(Duration::from_secs(20), server.up())
        .await
        .unwrap();
    assert!(
        server
            .converse(Era::Modern, &Asker::default())
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn what_a_caller_makes_it_do_says_nothing_about_a_server() {
    let mut config = python("legacy");
    config.request_timeout = Duration::from_millis(300);
    let (server, conversation) = open(config, Era::Legacy).await;
    for (id, how) in [("1", "silence"), ("2", "exit")] {
        assert!(ask(&conversation, &call(id, how, "{}")).await.is_err());
    }
    assert!(matches!(server.availability(), Availability::Unknown));
    assert!(
        server
            .converse(Era::Legacy, &Asker::default())
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn lines_that_are_no_messages_are_skipped_up_to_a_bound() {
    let (_server, conversation) = open(python("legacy"), Era::Legacy).await;
    let stray = [
        "Loading the model...",
        r#"{"level":"info","msg":"half way","id":1}"#,
        "{'a': 1}",
        "",
        r#"{"jsonrpc":"2.0","id":ID,"result":{}}"#,
    ];
    let lines = serde_json::json!({ "lines": stray }).to_string();
    let back = reply(&conversation, &call("1", "raw", &lines)).await;
    assert_eq!(back["result"], serde_json::json!({}));

    let lines = serde_json::json!({ "lines": vec!["tick"; 20_000] }).to_string();
    let error = ask(&conversation, &call("2", "raw", &lines)).await;
    assert!(
        matches!(error, Err(ServerError::Garbage { .. })),
        "{error:?}"
    );
}

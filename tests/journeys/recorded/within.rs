//! Calls that carry other messages: what a server asks in a reply, what the client answers in the next request, and the
//! outcome of a task. They are recorded, and played again as they went.

use std::path::Path;

use harness::{Era, FakeServer, Reply};
use serde_json::{Value, json};

use crate::recorded::stand::{Stand, interceptor, says, usual};

const ASKED: &str = "AKIAQ1W2E3R4T5Y6U7I8";
const ANSWERED: &str = "sk_live_a1b2c3d4e5f6g7h8i9j0";
const OUTCOME: &str = "xoxb-1122334455-aabbccddeeff";

/// `book` asks for something before it books; `export` becomes a task.
fn asking() -> FakeServer {
    FakeServer::http_with(|heard| {
        if heard.verb != "POST" {
            return Reply::Status(405, "text/plain", Vec::new());
        }
        let asked: Value = serde_json::from_slice(&heard.body).unwrap();
        let params = &asked["params"];
        let answer = &params["inputResponses"]["who"]["content"]["key"];
        let result = match (asked["method"].as_str(), params["name"].as_str()) {
            (Some("tools/call"), Some("book")) if answer.is_null() => json!({
                "resultType": "input_required",
                "inputRequests": { "who": { "method": "elicitation/create", "params": {
                    "mode": "form",
                    "message": format!("Which key, if not {ASKED}?"),
                    "requestedSchema": { "type": "object", "properties": {} },
                } } },
                "requestState": format!("asked about {ASKED}"),
            }),
            (Some("tools/call"), Some("book")) => json!({
                "resultType": "complete",
                "content": [{ "type": "text", "text": "booked" }],
            }),
            (Some("tools/call"), Some("export")) => json!({
                "resultType": "task", "taskId": "t1", "status": "working",
            }),
            (Some("tasks/get"), _) => json!({
                "resultType": "complete", "taskId": "t1", "status": "completed",
                "result": says(&format!("the key is {OUTCOME}")),
            }),
            _ => return usual(&heard.body),
        };
        let said = json!({ "jsonrpc": "2.0", "id": asked["id"], "result": result });
        Reply::Json(said.to_string().into_bytes())
    })
}

/// Finds keys in questions and answers, and in what becomes of an export.
fn keys(folder: &Path) -> String {
    let asked = "events = [\"elicitation/create\"]";
    let told = "events = [\"tools/call\"]\ntargets = [\"export\"]";
    [("asked", asked), ("told", told)]
        .map(|(name, scope)| interceptor(folder, name, "finds-keys", scope))
        .concat()
}

/// A booking in two rounds, and a task to its end.
fn conversation(stand: &Stand) {
    let asked = stand.ask(
        "tools/call",
        json!({ "name": "book", "arguments": { "seat": 3 } }),
    );
    let result = &asked["result"];
    let question = &result["inputRequests"]["who"]["params"]["message"];
    assert_eq!(question, "Which key, if not [key]?", "{asked}");
    let answered = stand.ask(
        "tools/call",
        json!({
            "name": "book",
            "arguments": { "seat": 3 },
            "inputResponses": { "who": { "action": "accept", "content": { "key": ANSWERED } } },
            "requestState": result["requestState"],
        }),
    );
    // The server was told something else than the key, and is content.
    assert_eq!(
        answered["result"]["content"][0]["text"], "booked",
        "{answered}"
    );
    let begun = stand.ask("tools/call", json!({ "name": "export", "arguments": {} }));
    assert_eq!(begun["result"]["taskId"], "t1", "{begun}");
    let ended = stand.ask("tasks/get", json!({ "taskId": "t1" }));
    let outcome = &ended["result"]["result"]["content"][0]["text"];
    assert_eq!(outcome, "the key is [key]", "{ended}");
}

/// What was decided about messages within, as `METHOD HOOK DECISION`.
fn within(exchange: &Value) -> Vec<String> {
    let runs = exchange["trail"].as_array().unwrap().iter();
    let word = |run: &Value, key: &str| run[key].as_str().unwrap().to_owned();
    runs.filter(|run| run["of"].is_string())
        .map(|run| [word(run, "of"), word(run, "hook"), word(run, "decision")].join(" "))
        .collect()
}

#[test]
fn questions_answers_and_tasks_are_recorded_and_judged_again_as_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let mut stand = Stand::before(asking(), Era::Modern, &keys(folder.path()), &[]);
    conversation(&stand);
    let status = stand.gateway.command(&["status"]);
    assert!(!status.output.contains("not recorded"), "{}", status.output);
    stand.end();

    let exchanges = stand.exchanges();
    let of = |method: &str, target: Option<&str>| -> Vec<&Value> {
        let fits = |one: &&Value| one["method"] == method && one["target"].as_str() == target;
        exchanges.iter().filter(fits).collect()
    };
    let booking = of("tools/call", Some("book"));
    assert_eq!(booking.len(), 2, "{}", stand.gateway.log());
    assert_eq!(within(booking[0]), ["elicitation/create pre-call edit"]);
    assert_eq!(within(booking[1]), ["elicitation/create post-call edit"]);
    assert_eq!(booking[1]["follows"], json!([booking[0]["id"]]));
    let (begun, ended) = (of("tools/call", Some("export")), of("tasks/get", None));
    assert_eq!(ended[0]["follows"], json!([begun[0]["id"]]));

    let lying = stand.recorded();
    for key in [ASKED, ANSWERED, OUTCOME] {
        assert!(!lying.contains(key), "{key} lies there: {lying}");
    }
    // What a question found is another value in what brings the answer, too, and the same there.
    let surrogate = &booking[0]["reply"]["requestState"];
    assert_eq!(*surrogate, booking[1]["params"]["requestState"]);

    let same = stand.replayed(&stand.gateway.config_file(), &["--findings"]);
    assert_eq!(same["differences"], json!([]), "{same}");
    assert_eq!(
        (&same["calls"], &same["orphaned"]),
        (&json!(exchanges.len()), &json!(0))
    );
    // Without the policy each of them differs, and it is said what in them.
    let without = stand.replayed(&stand.config("none.toml", ""), &[]);
    let differences = without["differences"].as_array().unwrap();
    let whose = |one: &Value| match one["of"].as_str() {
        Some(of) => format!("{of} {}", one["hook"].as_str().unwrap()),
        None => one["method"].as_str().unwrap().to_owned(),
    };
    let mut told: Vec<String> = differences.iter().map(whose).collect();
    told.sort();
    assert_eq!(
        told,
        [
            "elicitation/create post-call",
            "elicitation/create pre-call",
            "tasks/get"
        ],
        "{without}"
    );
}

#[test]
fn what_continues_a_call_that_is_gone_from_the_recording_is_left_out_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let mut stand = Stand::before(asking(), Era::Modern, &keys(folder.path()), &[]);
    conversation(&stand);
    stand.end();
    let kept = stand.exchanges();
    stand.rewrite(|one| (one["carries"] != true || one["follows"].is_array()).then_some(one));
    let replayed = stand.replayed(&stand.gateway.config_file(), &[]);
    assert_eq!(replayed["orphaned"], 2, "{replayed}");
    assert_eq!(replayed["calls"], kept.len() - 4);
    assert_eq!(replayed["differences"], json!([]));
}

#[test]
fn of_a_share_rounds_are_in_it_together_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let mut stand = Stand::before(
        asking(),
        Era::Modern,
        &keys(folder.path()),
        &["--record-share", "40%"],
    );
    for _ in 0..12 {
        conversation(&stand);
    }
    let status = stand.gateway.command(&["status"]);
    assert!(!status.output.contains("not recorded"), "{}", status.output);
    stand.end();
    let replayed = stand.replayed(&stand.gateway.config_file(), &["--findings"]);
    assert_eq!(replayed["differences"], json!([]), "{replayed}");
    assert_eq!(replayed["orphaned"], 0);
}

#[test]
fn a_question_becomes_a_fixture() {
    let folder = tempfile::tempdir().unwrap();
    let mut stand = Stand::before(asking(), Era::Modern, &keys(folder.path()), &[]);
    conversation(&stand);
    stand.end();
    let exchanges = stand.exchanges();
    let answering = exchanges
        .iter()
        .find(|one| within(one) == ["elicitation/create post-call edit"])
        .unwrap();
    let fixtures = tempfile::tempdir().unwrap();
    let to = fixtures.path().join("answer.toml");
    let id = answering["id"].as_str().unwrap();
    let args = [
        "--fixture",
        id,
        "--interceptor",
        "asked",
        "--to",
        to.to_str().unwrap(),
    ];
    let written = stand.replay(&stand.gateway.config_file(), &args);
    assert_eq!(written.code, Some(0), "{}", written.log);
    let text = std::fs::read_to_string(&to).unwrap();
    for words in ["event = \"elicitation/create\"", "sk_live_", "keys.api-key"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(!text.contains(ANSWERED), "{text}");
}

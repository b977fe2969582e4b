//! Fifty sessions of legacy clients at a real server that they share one process of.

use std::time::{Duration, Instant};

use harness::{Era, Figures, Gateway, Part, Parts, Speaker};
use serde_json::{Value, json};

const SESSIONS: usize = 50;

/// What the server makes of two numbers, asked under an id that every session uses.
fn sum(session: &Speaker, a: usize, b: usize) -> String {
    let params = json!({ "name": "get-sum", "arguments": { "a": a, "b": b } });
    let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
    let said = session.say(call.to_string().as_bytes());
    let reply: Value = serde_json::from_slice(said.last().expect("a reply")).unwrap();
    assert_eq!(reply["id"], 1, "{reply}");
    let text = reply["result"]["content"][0]["text"].as_str();
    text.unwrap_or_else(|| panic!("{reply}")).to_owned()
}

#[test]
fn fifty_sessions_cost_one_process_and_get_their_own_answers_timed() {
    let parts = Parts::new();
    let (listen, server) = (
        "[gateway]\nlisten = \"127.0.0.1:0\"\n",
        parts.config(Part::Everything),
    );
    let gateway = Gateway::start(&format!("{listen}{server}share = \"principal\"\n"));
    let (pid, url) = (gateway.process.id(), gateway.mcp("everything"));
    let began = Instant::now();
    let sessions: Vec<Speaker> = std::thread::scope(|scope| {
        let opening: Vec<_> = (0..SESSIONS)
            .map(|_| scope.spawn(|| Speaker::open(&url, Era::Legacy)))
            .collect();
        opening.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let opened = began.elapsed();
    let children = Figures::of(pid).children;
    assert_eq!(children.len(), 1, "{children:?}");
    let child = Figures::of(children[0].cast_unsigned());

    std::thread::scope(|scope| {
        for (n, session) in sessions.iter().enumerate() {
            scope.spawn(move || {
                for round in 0..10 {
                    let (said, right) = (sum(session, n, round), n + round);
                    assert!(
                        said.contains(&format!(" {right}.")),
                        "{n} + {round}: {said}"
                    );
                }
            });
        }
    });
    assert_eq!(Figures::of(pid).children, children);
    println!("{SESSIONS} sessions in {opened:?}, their one process: {child}");

    for session in &sessions[1..] {
        assert_eq!(session.end().status, 200);
    }
    assert!(sum(&sessions[0], 20, 22).contains(" 42."));
    assert_eq!(sessions[0].end().status, 200);
    let ended =
        Figures::settled_within(pid, Duration::from_secs(30), |now| now.children.is_empty());
    assert_eq!(ended.children, [] as [i32; 0]);
}

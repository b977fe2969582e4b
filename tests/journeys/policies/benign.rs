//! A benign day: real clients of both eras do real work with real servers, and no policy is in their way.

use harness::{Client, Gateway, Part, Parts, Plan};
use serde_json::{Value, json};

use super::profile::profile;

/// What people do with a folder, a repository, a clock and a toolbox.
fn day(parts: &Parts, part: Part) -> Value {
    let errand = parts.errand(part);
    let at = |name: &str| parts.path(name).to_string_lossy().into_owned();
    let call = |name: &str, arguments: Value| json!({ "name": name, "arguments": arguments });
    let calls = match part {
        Part::Time => vec![
            call("get_current_time", json!({ "timezone": "Europe/Oslo" })),
            call(
                "convert_time",
                json!({ "source_timezone": "Asia/Tokyo", "time": "23:45", "target_timezone": "America/New_York" }),
            ),
        ],
        Part::Git => vec![
            call("git_status", json!({ "repo_path": at("repository") })),
            call(
                "git_diff_unstaged",
                json!({ "repo_path": at("repository") }),
            ),
            call(
                "git_branch",
                json!({ "repo_path": at("repository"), "branch_type": "local" }),
            ),
        ],
        Part::Filesystem => vec![
            call(
                "write_file",
                json!({ "path": at("files/notes.md"), "content": NOTES }),
            ),
            call("read_text_file", json!({ "path": at("files/notes.md") })),
            call(
                "edit_file",
                json!({ "path": at("files/notes.md"), "edits": [{ "oldText": "daily", "newText": "every day" }], "dryRun": true }),
            ),
            call(
                "write_file",
                json!({ "path": at("files/Tom & cat pictures.md"), "content": "Docker | Python | Bash\n" }),
            ),
            call("list_directory", json!({ "path": at("files") })),
            call(
                "search_files",
                json!({ "path": at("files"), "pattern": "**/*.md" }),
            ),
            call(
                "get_file_info",
                json!({ "path": at("files/../files/notes.md") }),
            ),
        ],
        Part::Everything => vec![
            call("echo", json!({ "message": "skills: go; python; bash" })),
            call(
                "echo",
                json!({ "message": "curl & wget, git|curl, ~/.ssh/config, ../../shared/base.yml" }),
            ),
            call(
                "echo",
                json!({ "message": "select [email] from users where sessions[ip] = now()" }),
            ),
            call("get-sum", json!({ "a": 100_000_000_001_u64, "b": 3 })),
            call("get-structured-content", json!({ "location": "New York" })),
            call(
                "get-annotated-message",
                json!({ "messageType": "error", "includeImage": true }),
            ),
        ],
    };
    let mut day = errand;
    day["calls"] = calls.into();
    day
}

/// What would wake somebody. Nobody listens: whether it would is in the call log.
const ALERTS: &str = r#"
[[alerts]]
name = "anything"
on = ["finding", "refusals", "fault", "stop", "audit", "pin", "egress", "latency"]
slower-than = "1m"
to = { syslog = "udp://127.0.0.1:9" }
"#;

/// Prose, code and figures in which nothing is to be hidden.
const NOTES: &str = r#"# Notes

Runs `ls -la` daily; keeps config in ~/.ssh/config. Ignore whitespace when you compare.

| order | version | time |
|---|---|---|
| 100000000001 | 5.15.0.91 | 10:42:07.123 |
| 1000000000001 | 10.4.0.10 | 2015-2018 |

x[::2]; de::{self, Serialize}; postgres://app@db.internal; foo@1.2.3.tgz; getty@tty1.service
id 3f2504e0-4f89-41d3-9a0c-0305e82c3301, part 02110-1301, sha 9fceb02d0ae598e95dc970b74767f19372d61af8
"#;

fn passes_unharmed(profile_name: &str, client: Client) {
    let parts = Parts::new();
    let servers: String = Part::ALL.iter().map(|&part| parts.config(part)).collect();
    let servers = servers + ALERTS;
    let gateway = Gateway::start(&profile(profile_name, &servers));
    for part in Part::ALL {
        let plan = day(&parts, part);
        let run = |plan: &Plan| {
            client
                .run(plan)
                .unwrap_or_else(|wrong| panic!("{client:?} with {part:?}: {wrong}"))
        };
        let through = run(&Plan::http(&gateway.mcp(part.name())).and(&plan));
        let direct = run(&Plan::stdio(&parts.command(part)).and(&plan));
        for key in ["tools", "call", "read", "prompt"] {
            // The log of a repository has its authors' addresses.
            if (key, part) == ("call", Part::Git) {
                continue;
            }
            assert_eq!(through[key], direct[key], "{client:?} with {part:?}: {key}");
        }
        let (through, direct) = (&through["calls"], &direct["calls"]);
        let number = plan["calls"].as_array().unwrap().len();
        assert_eq!(through.as_array().unwrap().len(), number, "{through}");
        for (index, call) in plan["calls"].as_array().unwrap().iter().enumerate() {
            // Times pass.
            let same = |seen: &Value| match call["name"] == "get_current_time"
                || call["name"] == "get_file_info"
            {
                true => Value::from(seen.to_string().contains("error")),
                false => seen.clone(),
            };
            assert_eq!(
                same(&through[index]),
                same(&direct[index]),
                "{client:?} with {part:?}: {call}"
            );
        }
    }
    let log = gateway.config_file().with_file_name("calls.jsonl");
    let log = std::fs::read_to_string(log).unwrap();
    let woken: Vec<_> = log
        .lines()
        .filter(|line| line.contains("\"record\":\"alert\""))
        .collect();
    assert!(woken.is_empty(), "{woken:#?}");
    let refused: Vec<_> = log
        .lines()
        .filter(|line| line.contains("\"outcome\":\"refused\""))
        .collect();
    assert!(refused.is_empty(), "{refused:#?}");
}

#[test]
fn a_benign_day_passes_unharmed_with_a_modern_client() {
    passes_unharmed("balanced", Client::McpModern);
}

#[test]
fn a_benign_day_passes_unharmed_with_a_legacy_client() {
    passes_unharmed("balanced", Client::McpLegacy);
}

#[test]
fn a_benign_day_passes_unharmed_with_node_clients() {
    passes_unharmed("balanced", Client::NodeClient);
    passes_unharmed("observe", Client::NodeSdk);
}

#[test]
fn a_benign_day_passes_unharmed_where_policies_are_strict() {
    passes_unharmed("strict", Client::FastMcp);
}

//! Real clients with real servers: what a client sees of a server through the gateway is what it sees of it directly,
//! over HTTP and over stdio, one server at a time and all of them behind one endpoint.
//!
//! | | `mcp-server-time`, `mcp-server-git` | `server-filesystem`, `server-everything` |
//! |---|---|---|
//! | `fastmcp` 4, `mcp` 2, npm `client` 2 | 2026-07-28 | 2025-11-25, after asking in vain for 2026-07-28 |
//! | `mcp` 1, npm `sdk` 1 | 2025-11-25 | 2025-11-25 |
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use harness::{Client, Gateway, Part, Parts, Plan};
use serde_json::Value;

const MODERN: &str = "2026-07-28";
const LEGACY: &str = "2025-11-25";

/// What each client and server agree on when nothing stands between them.
fn agreed(client: Client, part: Part) -> &'static str {
    let modern = client.is_modern() && part.is_modern();
    if modern { MODERN } else { LEGACY }
}

fn run(client: Client, plan: &Plan) -> Value {
    client.run(plan).unwrap_or_else(|wrong| panic!("{wrong}"))
}

fn directly(client: Client, parts: &Parts, part: Part) -> Value {
    let seen = run(
        client,
        &Plan::stdio(&parts.command(part)).and(&parts.errand(part)),
    );
    assert_eq!(
        seen["version"],
        agreed(client, part),
        "{client:?} with {part:?}"
    );
    assert_ne!(
        seen["call"]["content"][0]["text"],
        Value::Null,
        "{client:?} with {part:?}: {}",
        seen["call"]
    );
    assert_eq!(
        seen["call"].get("isError").filter(|wrong| **wrong == true),
        None,
        "{client:?} with {part:?}"
    );
    seen
}

/// Compares part by part, so that a failure names what differs.
#[track_caller]
fn assert_same(what: &str, got: &Value, direct: &Value) {
    for (key, expected) in direct.as_object().unwrap() {
        assert_eq!(&got[key], expected, "{what}: {key} differs");
    }
}

fn all_servers(parts: &Parts) -> String {
    Part::ALL.iter().map(|&part| parts.config(part)).collect()
}

/// A client before each server and before all of them behind one endpoint, over HTTP and over stdio. Beside the gateway
/// it sees each server once.
fn sees_the_same(client: Client) {
    let parts = Parts::new();
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("sandgate.toml");
    std::fs::write(&config, all_servers(&parts)).unwrap();
    let gateway = Gateway::start(&all_servers(&parts));
    let plans = |server: &str| {
        let (url, command) = (gateway.mcp(server), Gateway::stdio_command(&config, server));
        [("HTTP", Plan::http(&url)), ("stdio", Plan::stdio(&command))]
    };
    for part in Part::ALL {
        let direct = directly(client, &parts, part);
        for (over, plan) in plans(part.name()) {
            let through = run(client, &plan.and(&parts.errand(part)));
            let what = format!("{client:?} with {part:?} over {over}");
            assert_same(&what, &through, &direct);
        }
        for (_, plan) in plans("") {
            assert_merged(client, &parts, (part, &direct), &Part::ALL, &plan);
        }
    }
}

#[test]
fn fastmcp_sees_the_same_through_the_gateway() {
    sees_the_same(Client::FastMcp);
}

#[test]
fn modern_mcp_sees_the_same_through_the_gateway() {
    sees_the_same(Client::McpModern);
}

#[test]
fn legacy_mcp_sees_the_same_through_the_gateway() {
    sees_the_same(Client::McpLegacy);
}

#[test]
fn the_node_sdk_sees_the_same_through_the_gateway() {
    sees_the_same(Client::NodeSdk);
}

#[test]
fn the_node_client_sees_the_same_through_the_gateway() {
    sees_the_same(Client::NodeClient);
}

#[test]
fn a_server_over_http_is_the_same_through_the_gateway() {
    let parts = Parts::new();
    let (url, _server) = parts.everything_over_http();
    let gateway = Gateway::start(&format!("[servers.remote]\nurl = {url:?}\n"));
    let errand = parts.errand(Part::Everything);
    for client in Client::ALL {
        let direct = run(client, &Plan::http(&url).and(&errand));
        let through = run(client, &Plan::http(&gateway.mcp("remote")).and(&errand));
        assert_same(
            &format!("{client:?} with everything over HTTP"),
            &through,
            &direct,
        );
    }
}

/// What the merged endpoint lists of a server's definitions: the same, under a prefixed name.
fn prefixed(part: Part, definitions: &Value) -> Vec<Value> {
    let rename = |definition: &Value| {
        let mut definition = definition.clone();
        definition["name"] =
            format!("{}__{}", part.name(), definition["name"].as_str().unwrap()).into();
        definition
    };
    definitions.as_array().unwrap().iter().map(rename).collect()
}

/// The errand to one of several servers: names prefixed. A resource is asked for by the address it was listed under.
fn merged_errand(parts: &Parts, part: Part) -> Value {
    let mut errand = parts.errand(part);
    for key in ["call", "prompt"] {
        if let Some(name) = errand[key]["name"].as_str() {
            errand[key]["name"] = format!("{}__{name}", part.name()).into();
        }
    }
    errand
        .as_object_mut()
        .unwrap()
        .retain(|key, what| key != "read" && !what.is_null());
    errand
}

/// Compares what a client sees of a server behind one endpoint with what it sees of it directly.
#[track_caller]
fn assert_merged(
    client: Client,
    parts: &Parts,
    (part, direct): (Part, &Value),
    servers: &[Part],
    plan: &Plan,
) {
    let merged = run(client, &plan.clone().and(&merged_errand(parts, part)));
    let legacy = servers.iter().any(|part| !part.is_modern());
    let version = if legacy { LEGACY } else { agreed(client, part) };
    assert_eq!(
        merged["version"], version,
        "{client:?}: the merged endpoint's version"
    );
    let tools = merged["tools"].as_array().unwrap();
    for tool in prefixed(part, &direct["tools"]) {
        assert!(
            tools.contains(&tool),
            "{client:?} with {part:?}: {tool} is not among the merged tools"
        );
    }
    for key in ["content", "structuredContent", "isError"] {
        assert_eq!(
            merged["call"][key], direct["call"][key],
            "{client:?} with {part:?}: {key} of the call"
        );
    }
    if part == Part::Everything {
        let prompts = merged["prompts"].as_array().unwrap();
        assert!(
            prefixed(part, &direct["prompts"])
                .iter()
                .all(|prompt| prompts.contains(prompt)),
            "{client:?}"
        );
        assert_eq!(
            merged["prompt"]["messages"], direct["prompt"]["messages"],
            "{client:?}: the prompt"
        );
    }
}

#[test]
fn servers_of_both_eras_make_an_endpoint_of_both_eras() {
    let parts = Parts::new();
    let both = [Part::Time, Part::Git];
    let gateway = Gateway::start(&both.map(|part| parts.config(part)).concat());
    for client in Client::ALL {
        for part in both {
            let direct = directly(client, &parts, part);
            let plan = Plan::http(&gateway.mcp(""));
            assert_merged(client, &parts, (part, &direct), &both, &plan);
        }
    }
}

#[test]
fn a_server_that_cannot_start_leaves_the_others_unharmed() {
    let parts = Parts::new();
    let broken = "[servers.broken]\ncommand = \"/nonexistent/server\"\n\n";
    let gateway = Gateway::start(&format!("{broken}{}", parts.config(Part::Time)));
    for client in [Client::McpModern, Client::McpLegacy] {
        let plan = Plan::http(&gateway.mcp("")).and(&merged_errand(&parts, Part::Time));
        let seen = run(client, &plan);
        let direct = directly(client, &parts, Part::Time);
        assert_eq!(
            seen["call"]["content"], direct["call"]["content"],
            "{client:?}"
        );
    }
}

//! A hostile server that may reach one host: what it attempts beside and through the gateway's proxy.

use harness::Gateway;
use serde_json::{Value, json};

use super::compare;
use super::world::{CONTAINED, World};

/// Between these lines of the page stands the table.
const MARKS: (&str, &str) = ("<!-- egress -->\n", "<!-- /egress -->");

/// What is attempted: in words, the function of the server, what it goes after, and whether it is done.
pub(super) type Attempt = (
    &'static str,
    &'static str,
    fn(&World, &Gateway) -> Value,
    bool,
);

fn head(target: impl std::fmt::Display) -> Value {
    json!({ "head": format!("CONNECT {target} HTTP/1.1"), "tls": "127.0.0.1" })
}

fn listed(world: &World) -> String {
    format!("127.0.0.1:{}", world.tls.port)
}

pub(super) const ATTEMPTS: &[Attempt] = &[
    (
        "reach a host of its list",
        "by_proxy",
        |world, _| head(listed(world)),
        true,
    ),
    (
        "the same by name, as a library does it",
        "fetch",
        |world, _| json!({ "url": format!("https://localhost:{}/", world.tls.port) }),
        true,
    ),
    (
        "connect to that host's address without the proxy",
        "tcp",
        |world, _| json!({ "host": "127.0.0.1", "port": world.tls.port }),
        false,
    ),
    (
        "connect to an address elsewhere without the proxy",
        "tcp",
        |_, _| json!({ "host": "192.0.2.1", "port": 443 }),
        false,
    ),
    (
        "connect to the metadata address without the proxy",
        "tcp",
        |_, _| json!({ "host": "169.254.169.254", "port": 80 }),
        false,
    ),
    (
        "connect to the gateway's admin socket",
        "unix_path",
        |_, gateway| super::attempts::admin_socket(gateway),
        false,
    ),
    (
        "ask the proxy for a host that is not listed",
        "by_proxy",
        |_, _| head("evil.example:443"),
        false,
    ),
    (
        "ask for a listed host's other port: a service of the machine",
        "by_proxy",
        |world, _| head(format_args!("127.0.0.1:{}", world.tcp)),
        false,
    ),
    (
        "ask for what is on another server's list",
        "by_proxy",
        |world, _| head(format_args!("localhost:{}", world.tcp)),
        false,
    ),
    (
        "ask for the gateway itself",
        "by_proxy",
        |_, gateway| {
            let url = gateway.mcp("");
            let at = url.trim_start_matches("http://");
            head(at.split('/').next().unwrap())
        },
        false,
    ),
    (
        "ask for the gateway's admin socket",
        "by_proxy",
        |_, gateway| {
            let socket = super::attempts::admin_socket(gateway);
            head(socket["path"].as_str().unwrap())
        },
        false,
    ),
    (
        "ask for the metadata address",
        "by_proxy",
        |_, _| head("169.254.169.254:80"),
        false,
    ),
    (
        "ask for it in another spelling",
        "by_proxy",
        |_, _| head("2852039166:80"),
        false,
    ),
    (
        "ask for it within IPv6",
        "by_proxy",
        |_, _| head("[::ffff:169.254.169.254]:80"),
        false,
    ),
    (
        "name another host in TLS than it asked for",
        "by_proxy",
        |world, _| json!({ "head": format!("CONNECT localhost:{} HTTP/1.1", world.tls.port), "tls": "evil.example" }),
        false,
    ),
    (
        "name no host in TLS",
        "by_proxy",
        |world, _| json!({ "head": format!("CONNECT localhost:{} HTTP/1.1", world.tls.port), "tls": "127.0.0.1" }),
        false,
    ),
    (
        "speak something else than TLS in the tunnel",
        "by_proxy",
        |world, _| json!({ "head": format!("CONNECT {} HTTP/1.1", listed(world)) }),
        false,
    ),
    (
        "ask in plain HTTP",
        "by_proxy",
        |world, _| json!({ "head": format!("GET http://{}/ HTTP/1.1", listed(world)) }),
        false,
    ),
    (
        "follow a redirect of a listed host to one that is not",
        "fetch",
        |world, _| {
            let (tls, other) = (world.tls.port, world.tcp);
            json!({ "url": format!("https://127.0.0.1:{tls}/to/127.0.0.1/{other}") })
        },
        false,
    ),
    (
        "send a secret in a question to a name server",
        "dns",
        |world, _| json!({ "host": "127.0.0.1", "port": world.udp }),
        false,
    ),
    (
        "open more connections than there may be",
        "crowd",
        |world, _| {
            let mut aim = head(listed(world));
            aim["count"] = 64.into();
            aim
        },
        false,
    ),
    (
        "send a head without end",
        "by_proxy",
        |world, _| {
            let endless = "a".repeat(20_000);
            json!({ "head": format!("CONNECT {} HTTP/1.1\r\nX: {endless}", listed(world)) })
        },
        false,
    ),
];

#[test]
fn a_hostile_server_reaches_its_list_and_nothing_else() {
    let world = World::new();
    let gateway = Gateway::start_unprivileged(&world.config_with_egress());
    let direct = json!({ "host": "127.0.0.1", "port": world.tcp });
    let control = world.attempt(&gateway, "free", "tcp", &direct);
    assert_eq!(control, "done", "unconfined it reaches the machine");
    let mut text = "| attempt | bubblewrap | Landlock alone |\n|---|---|---|\n".to_owned();
    let mut wrong = Vec::new();
    for (what, name, aim, succeeds) in ATTEMPTS {
        let outcomes: Vec<String> = CONTAINED
            .iter()
            .map(|server| world.attempt(&gateway, server, name, &aim(&world, &gateway)))
            .collect();
        for (server, outcome) in CONTAINED.iter().zip(&outcomes) {
            if (outcome == "done") != *succeeds {
                wrong.push(format!("{what}: with {server}: {outcome}"));
            }
        }
        text += &format!("| {what} | {} |\n", outcomes.join(" | "));
    }
    assert!(wrong.is_empty(), "{}\n{}", wrong.join("\n"), gateway.log());
    compare(MARKS, &text);
}

/// Here the servers have users of their own, and Landlock's network is made by root.
#[test]
fn with_a_gateway_of_roots_it_reaches_its_list_alone_as_well() {
    if harness::other_user().is_none() {
        println!("NOT TESTED: a gateway of root's (this test is not root)");
        return;
    }
    let world = World::new();
    let gateway = Gateway::start(&world.config_with_egress());
    let mut wrong = Vec::new();
    for (what, name, aim, succeeds) in ATTEMPTS {
        for server in CONTAINED {
            let outcome = world.attempt(&gateway, server, name, &aim(&world, &gateway));
            if (outcome == "done") != *succeeds {
                wrong.push(format!("{what}: with {server}: {outcome}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}\n{}", wrong.join("\n"), gateway.log());
}

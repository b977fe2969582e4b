//! Real servers, contained: what a real client sees of them is what it sees of them unconfined.
#![cfg(target_os = "linux")]

use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use harness::{
    Client, Gateway, Part, Parts, Plan, engines, make_image, open_to_all, other_user, peers,
    system_python,
};
use serde_json::{Value, json};

const BACKENDS: [&str; 2] = ["bubblewrap", "landlock"];

/// A file or folder that the servers' user may read, and everything in it.
fn open(path: &Path) {
    let done = Command::new("chmod")
        .args(["-R", "a+rwX"])
        .arg(path)
        .status();
    assert!(done.unwrap().success());
}

/// The servers with what they serve, and how each is started by any user: Python's by the system's interpreter.
struct Contained {
    parts: Parts,
}

impl Contained {
    fn new() -> Self {
        let parts = Parts::new();
        let root = parts.path("files").parent().unwrap().to_owned();
        open(&root);
        if let Some(user) = other_user() {
            // git reads a repository of its own user's alone, and everything in it is.
            let all = Command::new("chown")
                .arg("-R")
                .arg(user.to_string())
                .arg(&root)
                .status();
            assert!(all.unwrap().success());
        }
        Self { parts }
    }

    fn command(&self, part: Part) -> (Vec<String>, Vec<PathBuf>, String) {
        let mut line = self.parts.command(part);
        let module = match part {
            Part::Time => "mcp_server_time",
            Part::Git => "mcp_server_git",
            Part::Filesystem | Part::Everything => {
                let modules = open_to_all(&peers().join("node_modules"));
                let within = line[1].split_once("node_modules/").unwrap().1;
                line[1] = modules.join(within).display().to_string();
                return (line, vec![modules], String::new());
            }
        };
        let packages = std::fs::read_dir(peers().join("servers/lib")).unwrap();
        let packages = packages
            .flatten()
            .next()
            .unwrap()
            .path()
            .join("site-packages");
        let packages = open_to_all(&packages);
        line.splice(
            0..1,
            [
                system_python().display().to_string(),
                "-m".into(),
                module.into(),
            ],
        );
        let env = format!("PYTHONPATH = {packages:?}, PYTHONDONTWRITEBYTECODE = \"1\"");
        (line, vec![packages], env)
    }

    /// What a server reads and changes of its own.
    fn own(&self, part: Part) -> Option<PathBuf> {
        match part {
            Part::Git => Some(self.parts.path("repository")),
            Part::Filesystem => Some(self.parts.path("files")),
            Part::Time | Part::Everything => None,
        }
    }

    fn config(&self, part: Part, contain: Option<&str>) -> String {
        let (line, mut read, env) = self.command(part);
        let (command, args) = (&line[0], &line[1..]);
        let name = match contain {
            Some(with) => format!("{}-{with}", part.name()),
            None => part.name().to_owned(),
        };
        read.sort();
        let own: Vec<_> = self.own(part).into_iter().collect();
        let contain = contain.map_or(String::new(), |with| {
            format!("contain = {{ with = {with:?}, read = {read:?}, write = {own:?} }}\n")
        });
        format!(
            "[servers.{name}]\ncommand = {command:?}\nargs = {args:?}\nenv = {{ {env} }}\nlist-timeout = \"1m\"\n{contain}\n"
        )
    }
}

/// What more there is to do with a server than its errand: something that changes what it was given.
fn change(contained: &Contained, part: Part, name: &str) -> Option<(Value, PathBuf)> {
    let file = contained.own(part)?.join(format!("{name}.txt"));
    (part == Part::Filesystem).then(|| {
        let arguments = json!({ "path": file, "content": "written\n" });
        (
            json!({ "call": { "name": "write_file", "arguments": arguments } }),
            file,
        )
    })
}

fn sees_the_same(client: Client) {
    let contained = Contained::new();
    let mut config = String::new();
    for part in Part::ALL {
        config += &contained.config(part, None);
        config.extend(BACKENDS.map(|with| contained.config(part, Some(with))));
    }
    let gateway = Gateway::start_unprivileged(&config);
    for part in Part::ALL {
        let errand = contained.parts.errand(part);
        let run = |name: &str, errand: &Value| {
            let plan = Plan::http(&gateway.mcp(name)).and(errand);
            client
                .run(&plan)
                .unwrap_or_else(|wrong| panic!("{wrong}\n{}", gateway.log()))
        };
        let unconfined = run(part.name(), &errand);
        assert_ne!(
            unconfined["call"]["content"],
            Value::Null,
            "{part:?}: {unconfined}"
        );
        for with in BACKENDS {
            let name = format!("{}-{with}", part.name());
            let seen = run(&name, &errand);
            for (key, expected) in unconfined.as_object().unwrap() {
                assert_eq!(
                    &seen[key], expected,
                    "{client:?} with {name}: {key} differs"
                );
            }
            if let Some((errand, file)) = change(&contained, part, &name) {
                let seen = run(&name, &errand);
                assert_ne!(seen["call"]["isError"], true, "{name}: {seen}");
                assert_eq!(std::fs::read_to_string(file).unwrap(), "written\n");
            }
        }
    }
    let status = gateway.command(&["status"]).output;
    for words in [
        "time: runs as you, unconfined",
        "time-bubblewrap: bubblewrap; own mnt, pid, net, ipc, uts, user",
        "time-landlock: landlock; own user; landlock version 6",
        "no capabilities; no new privileges; 3 seccomp filters; memory 512 MiB",
        "processes 128 (kernel)",
    ] {
        assert!(status.contains(words), "{words:?} is not in:\n{status}");
    }
}

#[test]
fn a_python_client_sees_the_same_of_contained_servers() {
    sees_the_same(Client::McpModern);
}

#[test]
fn a_node_client_sees_the_same_of_contained_servers() {
    sees_the_same(Client::NodeSdk);
}

/// The same servers in containers, by each engine that makes some here, and what a start of each takes.
#[test]
#[ignore = "needs Podman or Docker: make containers"]
#[allow(
    clippy::print_stdout,
    reason = "what a start takes is told to whoever runs it by hand"
)]
fn a_client_sees_the_same_of_servers_in_containers() {
    const IMAGE: &str = "localhost/sandgate-servers:1";
    let contained = Contained::new();
    let engines = engines();
    let mut config = String::new();
    for engine in &engines {
        make_image(engine, IMAGE);
    }
    // Git reads a repository of another user's only where it is told to.
    let git = "GIT_CONFIG_COUNT = \"1\", GIT_CONFIG_KEY_0 = \"safe.directory\", GIT_CONFIG_VALUE_0 = \"*\"";
    for part in Part::ALL {
        let unconfined = contained.config(part, None);
        config += &unconfined
            .replace("env = { PYTHON", &format!("env = {{ {git}, PYTHON"))
            .replace("env = {  }", &format!("env = {{ {git} }}"));
        let (line, read, env) = contained.command(part);
        let program = match line[0].ends_with("python3") {
            true => "/bin/python3",
            false => "/bin/node",
        };
        let args: Vec<&str> = std::iter::once(program)
            .chain(line[1..].iter().map(String::as_str))
            .collect();
        let read = read.iter().map(|path| (path, "ro"));
        let own = contained.own(part);
        let mounts = read.chain(own.iter().map(|path| (path, "rw")));
        let mounts: Vec<String> = mounts
            .map(|(path, access)| format!("{path:?} = {{ path = {path:?}, access = {access:?} }}"))
            .collect();
        let mounts = mounts.join(", ");
        let env = match env.is_empty() {
            true => git.to_owned(),
            false => format!("{git}, {env}"),
        };
        for engine in &engines {
            config += &format!(
                "[servers.{}-{engine}]\nimage = {IMAGE:?}\nargs = {args:?}\nenv = {{ {env} }}\nlist-timeout = \"1m\"\n\
                 contain = {{ with = {engine:?}, mounts = {{ {mounts} }} }}\n\n",
                part.name()
            );
        }
    }
    let gateway = Gateway::start("");
    let listener = std::fs::read_to_string(gateway.config_file()).unwrap();
    std::fs::write(gateway.config_file(), listener + &config).unwrap();
    for args in [["lock"], ["reload"]] {
        let done = gateway.command(&args);
        assert_eq!(done.code, Some(0), "{done:?}");
    }
    for part in Part::ALL {
        let errand = contained.parts.errand(part);
        let run = |name: &str, errand: &Value| {
            let plan = Plan::http(&gateway.mcp(name)).and(errand);
            let began = std::time::Instant::now();
            let seen = Client::NodeSdk.run(&plan);
            println!("{name}: {} ms", began.elapsed().as_millis());
            seen.unwrap_or_else(|wrong| panic!("{wrong}\n{}", gateway.log()))
        };
        let unconfined = run(part.name(), &errand);
        assert_ne!(
            unconfined["call"]["content"],
            Value::Null,
            "{part:?}: {unconfined}"
        );
        for engine in &engines {
            let name = format!("{}-{engine}", part.name());
            let seen = run(&name, &errand);
            for (key, expected) in unconfined.as_object().unwrap() {
                assert_eq!(&seen[key], expected, "{name}: {key} differs");
            }
            if let Some((errand, file)) = change(&contained, part, &name) {
                let seen = run(&name, &errand);
                assert_ne!(seen["call"]["isError"], true, "{name}: {seen}");
                assert_eq!(std::fs::read_to_string(file).unwrap(), "written\n");
            }
        }
    }
}

/// As people write it: one line, and the program's own installation wherever it lies.
#[test]
fn one_line_contains_a_server_of_a_virtual_environment() {
    let program = peers().join("servers/bin/mcp-server-time");
    let config = format!(
        "[servers.time]\ncommand = {program:?}\nargs = [\"--local-timezone\", \"UTC\"]\ncontain = true\n"
    );
    let gateway = Gateway::start(&config);
    let plan = Plan::http(&gateway.mcp("time")).and(&Parts::new().errand(Part::Time));
    let seen = Client::McpLegacy.run(&plan);
    let seen = seen.unwrap_or_else(|wrong| panic!("{wrong}\n{}", gateway.log()));
    assert_ne!(seen["call"]["content"], Value::Null, "{seen}");
    let checked = gateway.command(&["check"]);
    for words in [
        "contained:",
        "held by    bubblewrap",
        "network    none (a loopback of its own)",
        "(the program)",
    ] {
        assert!(
            checked.output.contains(words),
            "{words:?} is not in:\n{}",
            checked.output
        );
    }
}

/// Packages that were fetched once are run without a network, out of a folder of the server's own.
#[test]
fn npx_runs_a_package_out_of_its_servers_own_cache() {
    let folder = tempfile::tempdir().unwrap();
    let all = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(folder.path(), all).unwrap();
    let cache = folder.path().join("cache");
    std::fs::create_dir(&cache).unwrap();
    // As npx leaves it: a package of one's own, packed and installed from a file.
    let package = folder.path().join("package");
    std::fs::create_dir(&package).unwrap();
    let manifest = json!({ "name": "made-up-server", "version": "1.0.0", "bin": "server.js" });
    std::fs::write(package.join("package.json"), manifest.to_string()).unwrap();
    std::fs::write(package.join("server.js"), SERVER).unwrap();
    let npm = |args: &[&str]| {
        let done = Command::new("npm")
            .args(args)
            .current_dir(folder.path())
            .env("npm_config_cache", cache.join("npm"))
            .env("npm_config_update_notifier", "false")
            .output()
            .unwrap();
        assert!(
            done.status.success(),
            "npm {args:?}: {}",
            String::from_utf8_lossy(&done.stderr)
        );
    };
    npm(&["pack", "--silent", "./package"]);
    let packed = folder.path().join("made-up-server-1.0.0.tgz");
    open(&cache);
    open(&packed);
    if let Some(user) = other_user() {
        chown(&packed, Some(user), Some(user)).unwrap();
    }
    let config = format!(
        "[servers.made-up]\ncommand = \"npx\"\nargs = [\"--package\", {packed:?}, \"made-up-server\"]\n\
         contain = {{ cache = {cache:?}, read = [{packed:?}] }}\nstart-timeout = \"2m\"\n"
    );
    let gateway =
        Gateway::start_unprivileged(&config.replace(&cache.display().to_string(), &owned(&cache)));
    let seen = Client::McpLegacy.run(&Plan::http(&gateway.mcp("made-up")));
    let seen = seen.unwrap_or_else(|wrong| panic!("{wrong}\n{}", gateway.log()));
    assert_eq!(seen["tools"][0]["name"], "nothing", "{seen}");
}

/// Gives a folder to the user of unprivileged gateways.
fn owned(path: &Path) -> String {
    if let Some(user) = other_user() {
        let done = Command::new("chown")
            .arg("-R")
            .arg(user.to_string())
            .arg(path)
            .status();
        assert!(done.unwrap().success());
    }
    path.display().to_string()
}

/// A server in as few lines as it takes.
const SERVER: &str = r#"#!/usr/bin/env node
require("node:readline").createInterface({ input: process.stdin }).on("line", (line) => {
  const { id, method, params } = JSON.parse(line);
  if (id === undefined) return;
  const result = method === "initialize"
    ? { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: "made-up", version: "1" } }
    : { tools: [{ name: "nothing", inputSchema: { type: "object" } }] };
  console.log(JSON.stringify({ jsonrpc: "2.0", id, result }));
});
"#;

//! Processes that a server on stdio leaves behind.
#![cfg(target_os = "linux")]

use std::path::Path;
use std::time::{Duration, Instant};

use harness::{Era, FakeServer, Gateway, Script, Speaker};
use rustix::process::{Pid, Signal, kill_process};

/// A server that runs this shell script before it speaks; `$PIDS` is the folder for numbers of processes.
struct Server {
    fake: FakeServer,
    folder: tempfile::TempDir,
    before: &'static str,
}

impl Server {
    fn new(before: &'static str) -> Self {
        let (fake, folder) = (
            FakeServer::stdio(&Script::new()),
            tempfile::tempdir().unwrap(),
        );
        Self {
            fake,
            folder,
            before,
        }
    }

    fn config(&self, name: &str) -> String {
        let plain: toml::Table = self.fake.config(name).parse().unwrap();
        let server = &plain["servers"][name];
        let script = format!("{}\nexec \"$0\" \"$1\"", self.before);
        let args = [
            script,
            server["command"].as_str().unwrap().into(),
            server["args"][0].as_str().unwrap().into(),
        ];
        let (args, folder) = (toml::Value::from(args.to_vec()), self.folder.path());
        format!(
            "[servers.{name}]\ncommand = \"sh\"\nargs = ['-c', {}, {}, {}]\nenv = {{ PIDS = {folder:?} }}\n",
            quoted(&args[0]),
            quoted(&args[1]),
            quoted(&args[2])
        )
    }

    /// The number that the script wrote to this file.
    fn pid(&self, name: &str) -> i32 {
        let path = self.folder.path().join(name);
        until(|| std::fs::read_to_string(&path).is_ok_and(|text| text.ends_with('\n')));
        std::fs::read_to_string(&path)
            .unwrap()
            .trim()
            .parse()
            .unwrap()
    }
}

fn quoted(value: &toml::Value) -> String {
    toml::Value::from(value.as_str().unwrap()).to_string()
}

fn runs(pid: i32) -> bool {
    let stat = std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat"));
    stat.is_ok_and(|stat| {
        !stat
            .rsplit(')')
            .next()
            .unwrap_or_default()
            .starts_with(" Z")
    })
}

#[track_caller]
fn until(done: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(8);
    while !done() {
        assert!(Instant::now() < end, "it did not come to pass");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The process that the script leaves behind ends with the client's session.
#[track_caller]
fn assert_ends(before: &'static str) {
    let server = Server::new(before);
    let gateway = Gateway::start(&server.config("fake"));
    let client = Speaker::open(&gateway.mcp("fake"), Era::Legacy);
    let left = server.pid("left");
    assert!(runs(left));
    client.end();
    let ends = Instant::now() + Duration::from_secs(8);
    while runs(left) && Instant::now() < ends {
        std::thread::sleep(Duration::from_millis(20));
    }
    let outlives = runs(left);
    // Not for ever, whatever the gateway does.
    let _ = kill_process(Pid::from_raw(left).unwrap(), Signal::KILL);
    assert!(!outlives);
}

#[test]
fn what_leaves_its_session_ends_with_its_server() {
    assert_ends("setsid sleep 300 & echo $! > $PIDS/left");
}

#[test]
fn a_daemon_ends_with_its_server() {
    assert_ends("(setsid sleep 300 & echo $! > $PIDS/left)");
}

#[test]
fn what_empties_its_environment_ends_with_its_server() {
    assert_ends("env -i setsid sleep 300 & echo $! > $PIDS/left");
}

#[test]
fn what_is_deaf_to_signals_and_starts_others_ends_with_its_server() {
    assert_ends(
        "trap '' TERM INT HUP; setsid sh -c 'while :; do sleep 0.01; done' & echo $! > $PIDS/left",
    );
}

#[test]
fn nothing_is_left_of_a_server_that_is_killed() {
    let server = Server::new("echo $$ > $PIDS/root; setsid sleep 300 & echo $! > $PIDS/left");
    let gateway = Gateway::start(&server.config("fake"));
    let _client = Speaker::open(&gateway.mcp("fake"), Era::Legacy);
    let (root, left) = (server.pid("root"), server.pid("left"));
    kill_process(Pid::from_raw(root).unwrap(), Signal::KILL).unwrap();
    let ends = Instant::now() + Duration::from_secs(8);
    while runs(left) && Instant::now() < ends {
        std::thread::sleep(Duration::from_millis(20));
    }
    let outlives = runs(left);
    let _ = kill_process(Pid::from_raw(left).unwrap(), Signal::KILL);
    assert!(!outlives);
}

#[test]
fn nothing_is_left_of_a_gateway_that_is_stopped() {
    let server = Server::new("(setsid sleep 300 & echo $! > $PIDS/left)");
    let mut gateway = Gateway::start(&server.config("fake"));
    let _client = Speaker::open(&gateway.mcp("fake"), Era::Legacy);
    let left = server.pid("left");
    assert!(gateway.stop(Duration::from_secs(20)).is_some());
    let outlives = runs(left);
    let _ = kill_process(Pid::from_raw(left).unwrap(), Signal::KILL);
    assert!(!outlives);
}

#[test]
fn the_end_of_one_server_is_not_that_of_anothers_processes() {
    let one = Server::new("(setsid sleep 300 & echo $! > $PIDS/left)");
    let other = Server::new(
        "(setsid sleep 300 & echo $! > $PIDS/left); (env -i setsid sleep 300 & echo $! > $PIDS/bare)",
    );
    let gateway = Gateway::start(&(one.config("one") + &other.config("other")));
    let first = Speaker::open(&gateway.mcp("one"), Era::Legacy);
    let second = Speaker::open(&gateway.mcp("other"), Era::Legacy);
    first.end();
    let gone = one.pid("left");
    until(|| !runs(gone));
    let (left, bare) = (other.pid("left"), other.pid("bare"));
    assert!(runs(left) && runs(bare));
    second.end();
    until(|| !runs(left) && !runs(bare));
}

#[test]
fn what_dies_in_the_gateways_care_does_not_stay_a_zombie() {
    let server = Server::new("(setsid sleep 0.2 & echo $! > $PIDS/left)");
    let gateway = Gateway::start(&server.config("fake"));
    let _client = Speaker::open(&gateway.mcp("fake"), Era::Legacy);
    let left = server.pid("left");
    until(|| !Path::new("/proc").join(left.to_string()).exists());
}

/// As in a container whose first process is the gateway.
#[test]
fn as_the_first_process_of_its_namespace_it_leaves_no_zombies() {
    let server = Server::new("for i in 1 2 3 4 5; do (setsid sleep 0.2 &); (sleep 0.3 &); done");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sandgate.toml");
    let config = format!(
        "[gateway]\nlisten = \"127.0.0.1:0\"\n\n{}",
        server.config("fake")
    );
    std::fs::write(&file, config).unwrap();
    let mut namespace = std::process::Command::new("unshare");
    namespace.args([
        "--user",
        "--map-root-user",
        "--pid",
        "--fork",
        "--kill-child",
        "--mount-proc",
    ]);
    let may = std::process::Command::new("unshare")
        .args([
            "--user",
            "--map-root-user",
            "--pid",
            "--fork",
            "--mount-proc",
            "true",
        ])
        .status();
    if !may.is_ok_and(|status| status.success()) {
        println!("NOT CHECKED: this machine lets nobody make a PID namespace");
        return;
    }
    namespace
        .arg(harness::sandgate())
        .arg("run")
        .arg("--config")
        .arg(&file);
    namespace
        .env("XDG_CACHE_HOME", harness::cache())
        .env("XDG_RUNTIME_DIR", folder.path());
    let process = harness::Process::start(&mut namespace);
    let url = process.log_line(Duration::from_secs(120), |line| {
        let start = line.find("listening on http")? + "listening on ".len();
        let end = line[start..]
            .find(|c: char| c.is_whitespace())
            .map_or(line.len(), |end| start + end);
        Some(
            line[start..end]
                .trim_end_matches(['/', ',', ';'])
                .to_owned(),
        )
    });
    let url = format!(
        "{}/mcp/fake",
        url.unwrap_or_else(|| panic!("{}", process.log()))
    );
    for _ in 0..3 {
        let client = Speaker::open(&url, Era::Legacy);
        client.say(br#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#);
        client.end();
    }
    let gateway = process.id();
    let zombies = || {
        let children = std::process::Command::new("ps")
            .args(["-e", "-o", "stat=,ppid=,pid="])
            .output()
            .unwrap();
        let text = String::from_utf8(children.stdout).unwrap();
        let rows: Vec<Vec<String>> = text
            .lines()
            .map(|line| line.split_whitespace().map(str::to_owned).collect())
            .collect();
        let below =
            |pid: &str| -> Vec<&Vec<String>> { rows.iter().filter(|row| row[1] == pid).collect() };
        let first = below(&gateway.to_string());
        let first = first.first().map(|row| row[2].clone()).unwrap_or_default();
        below(&first)
            .iter()
            .filter(|row| row[0].starts_with('Z'))
            .count()
    };
    let end = Instant::now() + Duration::from_secs(10);
    while zombies() > 0 && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(zombies(), 0);
}

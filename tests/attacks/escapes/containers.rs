//! The same attempts from containers, by Podman and by Docker. By hand (`make containers`): the engines are not
//! everywhere, and their images take a while to be made.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::{Duration, Instant};

use harness::{Gateway, Process, system_python};

use crate::escapes::attempts::{self, Attempt};
use crate::escapes::world::World;
use crate::escapes::{attempt, compare};

const MARKS: (&str, &str) = (
    "<!-- escapes from containers -->\n",
    "<!-- /escapes from containers -->",
);
/// The image, made of this machine's Python.
const IMAGE: &str = "localhost/sandgate-escapes:1";
/// How often the gateway is killed, unless `KILLS` says.
const KILLS: u32 = 10;

/// The engines that make containers here. Those that do not are named.
fn engines() -> Vec<&'static str> {
    let (here, missing): (Vec<_>, Vec<_>) = ["podman", "docker"].into_iter().partition(|engine| {
        let asked = Command::new(engine).arg("info").output();
        asked.is_ok_and(|said| {
            said.status.success() && !String::from_utf8_lossy(&said.stdout).contains("ERROR")
        })
    });
    for engine in missing {
        println!("NOT TESTED: {engine}, which makes no containers here");
    }
    assert!(!here.is_empty(), "neither podman nor docker makes containers here");
    here
}

/// Makes the image of the system's Python and the libraries that it needs.
fn make_image(engine: &str) {
    let script = r#"
set -eu
root=$(mktemp -d); trap 'rm -rf "$root"' EXIT
mkdir -p "$root/tmp" "$root/etc" "$root/root" "$root/bin"
python=$(readlink -f "$1")
copy() { mkdir -p "$root$(dirname "$1")"; cp -L "$1" "$root$1"; }
libraries() { ldd "$1" 2>/dev/null | grep -o '/[^ ]*' || true; }
copy "$python"; ln -s "$python" "$root/bin/python3"
version=$("$python" -c 'import sys; print("python%d.%d" % sys.version_info[:2])')
mkdir -p "$root/usr/lib"; cp -a "/usr/lib/$version" "$root/usr/lib/"
for file in "$python" /usr/lib/$version/lib-dynload/*.so /bin/sleep /bin/sh; do
    for library in $(libraries "$file"); do [ -e "$root$library" ] || copy "$library"; done
done
copy /bin/sleep; copy /bin/sh
tar -C "$root" -c . | "$2" import - "$3" >/dev/null
"#;
    let made = Command::new("sh")
        .args(["-c", script, "sh"])
        .arg(system_python())
        .args([engine, IMAGE])
        .status();
    assert!(made.unwrap().success(), "{engine} has no image");
}

fn server(world: &World, engine: &str) -> String {
    let (script, work) = (world.path("script"), world.path("work"));
    format!(
        "[servers.{engine}]\nimage = {IMAGE:?}\nargs = [\"/bin/python3\", {:?}]\nrequest-timeout = \"30s\"\n\
         contain = {{ with = {engine:?}, memory = \"128MiB\", processes = 32, cpus = 1, files = 64, file-size = \"1MiB\", \
         tmp = \"8MiB\", mounts = {{ {script:?} = {{ path = {script:?} }}, {work:?} = {{ path = {work:?}, access = \"rw\" }} }} }}\n",
        script.join("hostile.py"),
    )
}

/// A gateway of root's with the engines' servers, whose images are locked.
fn start(world: &World, engines: &[&str]) -> Gateway {
    let gateway = Gateway::start(&world.config());
    let mut config = std::fs::read_to_string(gateway.config_file()).unwrap();
    for engine in engines {
        make_image(engine);
        config += &server(world, engine);
    }
    std::fs::write(gateway.config_file(), config).unwrap();
    let locked = gateway.command(&["lock"]);
    assert_eq!(locked.code, Some(0), "{locked:?}");
    let reloaded = gateway.command(&["reload"]);
    assert_eq!(reloaded.code, Some(0), "{reloaded:?}");
    gateway
}

/// What stops an attempt in a container.
fn stopped_by(one: &Attempt, outcome: &str) -> String {
    match (outcome, one.stopped_by[0]) {
        ("done", by) => format!("**succeeds**: {}", by.trim_start_matches("! ")),
        (outcome, _) => outcome.to_owned(),
    }
}

#[test]
#[ignore = "needs Podman or Docker: make containers"]
fn what_a_hostile_server_attempts_in_a_container_is_stopped() {
    let world = World::new();
    let engines = engines();
    let gateway = start(&world, &engines);
    let mut wrong = Vec::new();
    let mut rows: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for one in attempts::all() {
        for engine in &engines {
            let outcome = attempt(&world, &gateway, engine, one);
            if outcome == "done" && !one.finding(one.stopped_by[0]) {
                wrong.push(format!("{}: with {engine}", one.what));
            }
            rows.entry(one.what).or_default().push(stopped_by(one, &outcome));
        }
    }
    assert!(wrong.is_empty(), "{}\n{}", wrong.join("\n"), gateway.log());
    let mut table = format!("| attempt | {} |\n|---|{}\n", engines.join(" | "), "---|".repeat(engines.len()));
    for one in attempts::all() {
        table += &format!("| {} | {} |\n", one.what, rows[one.what].join(" | "));
    }
    compare(MARKS, &table);
    let status = gateway.command(&["status"]).output;
    for engine in engines {
        let held = status.lines().any(|line| line.contains(engine) && line.contains("no capabilities"));
        assert!(held, "{engine}: {status}");
    }
}

/// The containers of gateways, running or not.
fn containers(engine: &str) -> usize {
    let listed = Command::new(engine)
        .args(["ps", "--all", "--quiet", "--filter", "label=sandgate.owner"])
        .output()
        .unwrap();
    String::from_utf8_lossy(&listed.stdout).lines().count()
}

#[track_caller]
fn none_left(engine: &str) {
    let until = Instant::now() + Duration::from_secs(30);
    while containers(engine) > 0 {
        assert!(Instant::now() < until, "{engine}: a container is left");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
#[ignore = "needs Podman or Docker: make containers"]
fn no_container_outlives_its_session_or_a_gateway_that_is_killed() {
    let world = World::new();
    let engines = engines();
    let mut gateway = start(&world, &engines);
    for engine in &engines {
        let session = world.open(&gateway, engine);
        let said = world.say(&session, "list_processes", &serde_json::json!({ "pid": "1" }));
        assert_eq!(said, "done", "{engine}");
        assert!(containers(engine) > 0, "{engine}");
        session.end();
    }
    gateway.stop(Duration::from_secs(30)).expect("it goes on");
    for engine in &engines {
        none_left(engine);
    }
    let kills = std::env::var("KILLS").ok().and_then(|kills| kills.parse().ok());
    let began = Instant::now();
    for round in 0..kills.unwrap_or(KILLS) {
        let mut command = Command::new(harness::sandgate());
        command.arg("run").arg("--config").arg(gateway.config_file());
        command.env("XDG_RUNTIME_DIR", gateway.config_file().parent().unwrap());
        let mut process = Process::start(&mut command);
        // At some moment of the containers' start.
        std::thread::sleep(Duration::from_millis(u64::from(round) * 173 % 2500));
        process.signal(rustix::process::Signal::KILL);
        process.wait(Duration::from_secs(10)).unwrap();
    }
    println!("{:?} for all of them", began.elapsed());
    for engine in &engines {
        none_left(engine);
    }
}

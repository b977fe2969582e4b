//! The same attempts from containers, by Podman and by Docker. By hand (`make containers`): the engines are not
//! everywhere, and their images take a while to be made.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use harness::{Gateway, Process, engines, make_image};

use crate::escapes::attempts::{self, Attempt};
use crate::escapes::world::{World, until};
use crate::escapes::{attempt, compare, egress};

const MARKS: (&str, &str) = (
    "<!-- escapes from containers -->\n",
    "<!-- /escapes from containers -->",
);
/// The image, made of this machine's Python.
const IMAGE: &str = "localhost/sandgate-escapes:1";
/// How often the gateway is killed, unless `KILLS` says.
const KILLS: u32 = 10;

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
fn start(world: &World, engines: &[&str], more: &str) -> Gateway {
    let gateway = Gateway::start(&world.config());
    let mut config = std::fs::read_to_string(gateway.config_file()).unwrap();
    for engine in engines {
        make_image(engine, IMAGE);
        config += &server(world, engine);
        config += more;
    }
    std::fs::write(gateway.config_file(), config).unwrap();
    let locked = gateway.command(&["lock"]);
    assert_eq!(locked.code, Some(0), "{locked:?}");
    let reloaded = gateway.command(&["reload"]);
    assert_eq!(reloaded.code, Some(0), "{reloaded:?}");
    gateway
}

/// What a server can do in a container, and what that is worth.
const HARMLESS: &[(&str, &str)] = &[(
    "write_first_mem",
    "the engine's first process within, which has no more than the server",
)];

/// What stops an attempt in a container.
fn stopped_by(one: &Attempt, outcome: &str) -> String {
    let worth = HARMLESS.iter().find(|(name, _)| *name == one.name);
    match (outcome, worth) {
        ("done", Some((_, worth))) => format!("**succeeds**: {worth}"),
        (outcome, _) => outcome.to_owned(),
    }
}

/// The table of the page, with what was seen here. What an engine did that is not here is left as the page has it.
fn table(engines: &[&str], rows: &BTreeMap<&str, Vec<String>>) -> String {
    let page = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../docs/containment.md"
    ))
    .unwrap();
    let (_, rest) = page.split_once(MARKS.0).expect("the page has no table");
    let cells = |line: &str| -> Vec<String> {
        let cells = line.trim_matches('|').split(" | ");
        cells.map(|cell| cell.trim().to_owned()).collect()
    };
    let known: Vec<_> = rest
        .lines()
        .map_while(|line| line.starts_with('|').then(|| cells(line)))
        .collect();
    let mut columns = known[0][1..].to_vec();
    columns.extend(
        engines
            .iter()
            .map(|engine| (*engine).to_owned())
            .filter(|engine| !known[0].contains(engine)),
    );
    let mut table = format!(
        "| attempt | {} |\n|---|{}\n",
        columns.join(" | "),
        "---|".repeat(columns.len())
    );
    for one in attempts::all() {
        let before = known.iter().find(|row| row[0] == one.what);
        let cell = |(index, column): (usize, &String)| match engines
            .iter()
            .position(|engine| engine == column)
        {
            Some(at) => rows[one.what][at].clone(),
            None => before
                .and_then(|row| row.get(index + 1))
                .map_or_else(|| "not tried".to_owned(), Clone::clone),
        };
        let seen: Vec<_> = columns.iter().enumerate().map(cell).collect();
        table += &format!("| {} | {} |\n", one.what, seen.join(" | "));
    }
    table
}

#[test]
#[ignore = "needs Podman or Docker: make containers"]
fn what_a_hostile_server_attempts_in_a_container_is_stopped() {
    let world = World::new();
    let engines = engines();
    let gateway = start(&world, &engines, "");
    let mut wrong = Vec::new();
    let mut rows: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for one in attempts::all() {
        for engine in &engines {
            let outcome = attempt(&world, &gateway, engine, one);
            if outcome == "done" && !HARMLESS.iter().any(|(name, _)| *name == one.name) {
                wrong.push(format!("{}: with {engine}", one.what));
            }
            rows.entry(one.what)
                .or_default()
                .push(stopped_by(one, &outcome));
        }
    }
    assert!(wrong.is_empty(), "{}\n{}", wrong.join("\n"), gateway.log());
    compare(MARKS, &table(&engines, &rows));
    let status = gateway.command(&["status"]).output;
    for engine in engines {
        let held = status
            .lines()
            .any(|line| line.contains(engine) && line.contains("no capabilities"));
        assert!(held, "{engine}: {status}");
    }
}

#[test]
#[ignore = "needs Podman: make containers"]
fn a_hostile_server_in_a_container_reaches_its_list_and_nothing_else() {
    let world = World::new();
    let tls = world.tls.port;
    let hosts = ["127.0.0.1", "localhost"].map(|host| format!("private:{host}:{tls}"));
    let gateway = start(&world, &["podman"], &format!("egress = {hosts:?}\n"));
    let mut wrong = Vec::new();
    for (what, name, aim, succeeds) in egress::ATTEMPTS {
        let outcome = world.attempt(&gateway, "podman", name, &aim(&world, &gateway));
        println!("{what}: {outcome}");
        if (outcome == "done") != *succeeds {
            wrong.push(format!("{what}: {outcome}"));
        }
    }
    assert!(wrong.is_empty(), "{}\n{}", wrong.join("\n"), gateway.log());
}

/// A file in memory, which is on no disk and goes with its container.
#[test]
#[ignore = "needs Podman or Docker: make containers"]
fn a_secret_is_in_the_container_and_on_no_disk() {
    let world = World::new();
    let engines = engines();
    let secret = format!("planted-{}-secret", std::process::id());
    let file = world.path("outside/token");
    std::fs::write(&file, &secret).unwrap();
    let more = format!("secrets.TOKEN = {{ from-file = {file:?}, give = \"file\" }}\n");
    let gateway = start(&world, &engines, &more);
    for engine in &engines {
        let session = world.open(&gateway, engine);
        let given = serde_json::json!({ "path": "/run/secrets/TOKEN" });
        assert_eq!(world.say(&session, "read_file", &given), "done", "{engine}");
        assert_eq!(
            world.say(&session, "write_file", &given),
            "EACCES",
            "{engine}"
        );
        let found = Command::new("grep")
            .args([
                "-rlsF",
                &secret,
                "/var/lib/containers",
                "/run/containers",
                "/var/lib/docker",
                "/run/docker",
            ])
            .output()
            .unwrap();
        let found = String::from_utf8_lossy(&found.stdout).into_owned();
        assert!(found.is_empty(), "{engine}: {found}");
        session.end();
        until(|| containers(engine) == 0, engine);
    }
    let in_memory = || std::fs::read_dir("/dev/shm").unwrap().flatten();
    let ours =
        || in_memory().filter(|entry| entry.file_name().to_string_lossy().starts_with("sandgate-"));
    until(|| ours().count() == 0, "a secret is left in memory");
}

/// An engine mounts by path, so that who may change the folder above chooses what is mounted.
#[test]
#[ignore = "needs Podman: make containers"]
fn a_mount_lies_in_nothing_that_a_server_may_change() {
    let world = World::new();
    let gateway = start(&world, &["podman"], "");
    let (config, work) = (gateway.config_file(), world.path("work"));
    std::fs::create_dir(work.join("below")).unwrap();
    let whole = std::fs::read_to_string(&config).unwrap();
    let mounted = format!("{:?} = {{ path = {:?} }}", "/below", work.join("below"));
    std::fs::write(
        &config,
        whole.replace("mounts = {", &format!("mounts = {{ {mounted},")),
    )
    .unwrap();
    let checked = gateway.command(&["check"]);
    assert_eq!(checked.code, Some(2), "{checked:?}");
    let words = "which is mounted for the server \"podman\" by its path";
    assert!(checked.log.contains(words), "{}", checked.log);
}

/// The containers of gateways, running or not.
fn containers(engine: &str) -> usize {
    let listed = Command::new(engine)
        .args(["ps", "--all", "--quiet", "--filter", "label=sandgate.owner"])
        .output()
        .unwrap();
    String::from_utf8_lossy(&listed.stdout).lines().count()
}

/// Begins a session, for which the server is started. The reply is waited for by nobody.
fn ask(port: u16, server: &str) -> TcpStream {
    let until = Instant::now() + Duration::from_secs(20);
    let mut stream = loop {
        match TcpStream::connect(("127.0.0.1", port)) {
            Ok(stream) => break stream,
            Err(error) => assert!(Instant::now() < until, "it does not listen: {error}"),
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let body = serde_json::json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "test", "version": "1" } } });
    let body = body.to_string();
    write!(
        stream,
        "POST /mcp/{server} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n\
         Accept: application/json, text/event-stream\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    stream
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
    let mut gateway = start(&world, &engines, "");
    for engine in &engines {
        let session = world.open(&gateway, engine);
        let said = world.say(
            &session,
            "list_processes",
            &serde_json::json!({ "pid": "1" }),
        );
        assert_eq!(said, "done", "{engine}");
        assert!(containers(engine) > 0, "{engine}");
        session.end();
    }
    gateway.stop(Duration::from_secs(30)).expect("it goes on");
    for engine in &engines {
        none_left(engine);
    }
    // From here on at a port that is known before it listens.
    let config = std::fs::read_to_string(gateway.config_file()).unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let listen = format!("127.0.0.1:{port}");
    std::fs::write(
        gateway.config_file(),
        config.replace("127.0.0.1:0", &listen),
    )
    .unwrap();
    let kills = std::env::var("KILLS")
        .ok()
        .and_then(|kills| kills.parse().ok());
    let all = || {
        engines
            .iter()
            .map(|engine| containers(engine))
            .sum::<usize>()
    };
    // Kills a gateway after `life`, which begins when its servers are asked for. Returns how many containers were there.
    let killed_after = |life: &dyn Fn()| {
        let mut command = Command::new(harness::sandgate());
        command
            .arg("run")
            .arg("--config")
            .arg(gateway.config_file());
        command.env("XDG_RUNTIME_DIR", gateway.config_file().parent().unwrap());
        let mut process = Process::start(&mut command);
        let _asked: Vec<_> = engines.iter().map(|engine| ask(port, engine)).collect();
        life();
        let there = all();
        process.signal(rustix::process::Signal::KILL);
        process.wait(Duration::from_secs(10)).unwrap();
        there
    };
    // How long containers take to start depends on the machine and on what else it does.
    let began = Instant::now();
    let takes = std::cell::Cell::new(Duration::ZERO);
    let mut seen = killed_after(&|| {
        let asked = Instant::now();
        while all() < engines.len() {
            assert!(asked.elapsed() < Duration::from_secs(60), "{}", all());
            std::thread::sleep(Duration::from_millis(20));
        }
        takes.set(asked.elapsed());
    });
    let takes = takes.get();
    for round in 1..kills.unwrap_or(KILLS) {
        // At some moment of the containers' start, or after it.
        let moment = takes.mul_f64(1.5 * (f64::from(round) * 0.618).fract());
        seen += killed_after(&|| std::thread::sleep(moment));
    }
    assert!(
        seen > 0,
        "no container was there when its gateway was killed"
    );
    println!("a container is there after {takes:?}");
    println!("{seen} containers were there when their gateways were killed");
    println!("{:?} for all of them", began.elapsed());
    for engine in &engines {
        none_left(engine);
    }
}

/// A registry on loopback, and a configuration whose server is an image there.
struct Registry {
    folder: tempfile::TempDir,
    process: Process,
    port: u16,
}

impl Registry {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let path = |name: &str| folder.path().join(name);
        let config = format!(
            "version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: {}\nhttp:\n  addr: 127.0.0.1:{port}\n",
            path("registry").display()
        );
        std::fs::write(path("registry.yml"), config).unwrap();
        let insecure = format!("[[registry]]\nlocation = \"127.0.0.1:{port}\"\ninsecure = true\n");
        std::fs::write(path("registries.conf"), insecure).unwrap();
        let gateway = format!(
            "[gateway]\nlisten = \"127.0.0.1:0\"\n[servers.notes]\nimage = \"127.0.0.1:{port}/notes:1\"\n\
             contain = {{ with = \"podman\" }}\n"
        );
        std::fs::write(path("sandgate.toml"), gateway).unwrap();
        let mut command = Command::new("docker-registry");
        command.arg("serve").arg(path("registry.yml"));
        let process = Process::start(&mut command);
        let until = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < until, "docker-registry: {}", process.log());
            std::thread::sleep(Duration::from_millis(20));
        }
        Self {
            folder,
            process,
            port,
        }
    }

    fn podman(&self, script: &str) -> String {
        let done = Command::new("sh")
            .args(["-euc", script])
            .env("IMAGE", format!("127.0.0.1:{}/notes:1", self.port))
            .env(
                "CONTAINERS_REGISTRIES_CONF",
                self.folder.path().join("registries.conf"),
            )
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{script}: {said}");
        String::from_utf8_lossy(&done.stdout).trim().to_owned()
    }

    /// Pushes an image with these contents, and leaves none of it here. Returns its id.
    fn push(&self, contents: &str) -> String {
        self.podman(&format!(
            "folder=$(mktemp -d); echo {contents} > $folder/contents
             tar -C $folder -c . | podman import - $IMAGE >/dev/null 2>&1; rm -r $folder
             podman push --quiet $IMAGE >/dev/null; podman image inspect --format '{{{{.Id}}}}' $IMAGE
             podman rmi --force $IMAGE >/dev/null"
        ))
    }

    #[track_caller]
    fn sandgate(&self, args: &[&str], code: i32, words: &str) -> String {
        let done = Command::new(harness::sandgate())
            .args(args)
            .current_dir(self.folder.path())
            .env("XDG_CACHE_HOME", self.folder.path())
            .env(
                "CONTAINERS_REGISTRIES_CONF",
                self.folder.path().join("registries.conf"),
            )
            .output()
            .unwrap();
        let said = [done.stdout, done.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        assert_eq!(done.status.code(), Some(code), "{args:?}: {said}");
        assert!(said.contains(words), "{args:?}: {said}");
        said
    }
}

#[test]
#[ignore = "needs Podman and docker-registry: make containers"]
fn what_runs_is_the_locked_image_whatever_its_tag_leads_to() {
    let mut registry = Registry::start();
    let first = registry.push("one");
    registry.sandgate(&["check"], 2, "run `sandgate lock`");
    registry.sandgate(&["lock"], 0, "is written");
    let kept = registry
        .folder
        .path()
        .join("sandgate.lock.d/notes.image.json");
    let locked = std::fs::read_to_string(&kept).unwrap();
    assert!(
        locked.contains(&first) && locked.contains("@sha256:"),
        "{locked}"
    );
    registry.sandgate(&["check"], 0, "held by");
    registry.sandgate(&["lock", "--check"], 0, "agree");

    // The tag is moved. What was locked is fetched again all the same, by its digest.
    registry.podman(&format!("podman rmi --force {first}"));
    let second = registry.push("two");
    assert_ne!(first, second);
    registry.sandgate(&["check"], 0, "is locked and not installed");
    registry.sandgate(&["install"], 0, "is here");
    registry.podman(&format!("podman image exists {first}"));
    registry.sandgate(&["check"], 0, "held by");

    // Following it shows what changes.
    let said = registry.sandgate(&["lock", "--update", "notes", "--yes"], 0, "->");
    assert!(said.contains("@sha256:"), "{said}");
    let locked = std::fs::read_to_string(&kept).unwrap();
    assert!(locked.contains(&second), "{locked}");

    // An edit of what is kept is an error, and nothing runs.
    std::fs::write(&kept, locked.replace(&second, &first)).unwrap();
    registry.sandgate(&["check"], 2, "was edited");
    std::fs::write(&kept, &locked).unwrap();

    // Without the registry, what is here runs, and what is not is not fetched.
    registry.process.signal(rustix::process::Signal::KILL);
    registry.process.wait(Duration::from_secs(10)).unwrap();
    registry.sandgate(&["check"], 0, "held by");
    registry.podman(&format!("podman rmi --force {second}"));
    registry.sandgate(&["check"], 0, "is locked and not installed");
    registry.sandgate(&["install"], 2, "podman");
}

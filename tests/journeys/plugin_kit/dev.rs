//! `sandgate plugin dev`: what is saved is live, and nothing else is.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use harness::{Gateway, Process};
use rustix::process::Signal;
use serde_json::Value;

use crate::plugin_kit::author::{Author, call, gateway, telling_server};

/// Debug builds compile slowly.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// `dev` at work; ended with this.
pub(crate) struct Dev {
    pub(crate) process: Process,
    /// Lines of its output that were looked at.
    seen: usize,
}

impl Dev {
    /// Starts it on a project, for the gateway that runs on this configuration.
    pub(crate) fn start(author: &Author, project: &str, config: Option<&Path>) -> Self {
        let mut command = Command::new(harness::sandgate());
        command.args(["plugin", "dev", project]);
        command.env("XDG_CACHE_HOME", harness::cache());
        if let Some(config) = config {
            command.arg("--gateway").arg(config);
            command.env("XDG_RUNTIME_DIR", config.parent().unwrap());
        }
        Self {
            process: Process::start(author.at_home(&mut command)),
            seen: 0,
        }
    }

    /// Waits for the next line with this in it, and gives it with what stood before it.
    pub(crate) fn says(&mut self, wanted: &str) -> String {
        let until = Instant::now() + PATIENCE;
        let mut heard = String::new();
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let Some(line) = self.process.output_line(self.seen, left) else {
                panic!("{wanted:?} was not said:\n{heard}{}", self.process.log());
            };
            self.seen += 1;
            let line = String::from_utf8_lossy(&line).into_owned();
            heard += &line;
            heard.push('\n');
            if line.contains(wanted) {
                return heard;
            }
        }
    }

    /// Ctrl-C.
    pub(crate) fn interrupt(&mut self) -> Option<i32> {
        self.process.signal(Signal::INT);
        let status = self.process.wait(Duration::from_secs(10));
        status.expect("it ends").code()
    }
}

/// A new project in C, built, and a gateway that has it.
struct Place {
    author: Author,
    gateway: Gateway,
    _server: harness::FakeServer,
}

impl Place {
    fn new() -> Self {
        let author = Author::new();
        author.sandgate(&["plugin", "new", "mask-email", "--lang", "c"]);
        let built = author.sandgate(&["plugin", "build", "mask-email"]);
        assert_eq!(built.code, Some(0), "{built:?}");
        let server = telling_server();
        let gateway = gateway(&server, &author.path("mask-email/target/mask-email.wasm"));
        Self {
            author,
            gateway,
            _server: server,
        }
    }

    fn dev(&self) -> Dev {
        Dev::start(
            &self.author,
            "mask-email",
            Some(&self.gateway.config_file()),
        )
    }

    fn edit(&self, file: &str, from: &str, to: &str) {
        edit(&self.author, file, from, to);
    }

    fn told(&self) -> Value {
        told(&self.gateway)
    }
}

/// Saves a file of the project `mask-email` with something else in it.
pub(crate) fn edit(author: &Author, file: &str, from: &str, to: &str) {
    let path = author.path("mask-email").join(file);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{from:?} is not in {file}");
    // In one step, as an editor with its scratch elsewhere does.
    let scratch = author.path("scratch");
    std::fs::write(&scratch, text.replace(from, to)).unwrap();
    std::fs::rename(scratch, path).unwrap();
}

/// What a client reads of the server's reply.
pub(crate) fn told(gateway: &Gateway) -> Value {
    call(gateway, "ls")["result"]["content"][0]["text"].clone()
}

#[test]
fn what_is_saved_is_live_once_its_fixtures_pass_and_not_before() {
    let place = Place::new();
    let mut dev = place.dev();
    let first = dev.says("version 1");
    assert!(
        first.contains("4 fixtures pass, live in edition 2 as mine"),
        "{first}"
    );

    // Another decision than the fixtures expect: told, and not live.
    let (source, fixture) = ("src/plugin.c", "fixtures/masks-an-address.toml");
    place.edit(source, "\"[email]\", 7", "\"[mail]\", 6");
    let second = dev.says("version 2");
    assert!(
        second.contains("1 of 4 fixtures fails; version 1 keeps running")
            && second.contains("masks-an-address: edit → edit (document)")
            && second.contains("FAIL  masks-an-address"),
        "{second}"
    );
    assert_eq!(place.told(), "Write to [email].");
    place.edit(fixture, "[email]", "[mail]");
    let third = dev.says("version 3");
    assert!(
        third.contains("4 fixtures pass, live in edition 3") && !third.contains("→"),
        "{third}"
    );
    assert_eq!(place.told(), "Write to [mail].");

    // What does not compile, and a manifest in the middle of being written.
    place.edit(
        source,
        "#include \"sandgate.h\"",
        "#include \"sandgate.h\"\noops",
    );
    let fourth = dev.says("version 4");
    assert!(
        fourth.contains("version 4 does not build; version 3 keeps running")
            && fourth.contains("src/plugin.c:")
            && fourth.contains("oops"),
        "{fourth}"
    );
    place.edit(source, "\noops", "");
    dev.says("version 5");
    place.edit("plugin.toml", "[\"tools/call\"]\n", "[\"tools/cal\n");
    let sixth = dev.says("version 6");
    assert!(
        sixth.contains("plugin.toml:") && sixth.contains("version 5 keeps running"),
        "{sixth}"
    );
    assert_eq!(place.told(), "Write to [mail].");
    place.edit("plugin.toml", "[\"tools/cal\n", "[\"tools/call\"]\n");
    let seventh = dev.says("version 7");
    assert!(seventh.contains("live in edition"), "{seventh}");

    // A second one is told who is there; the first ends and leaves nothing.
    let second = place.author.sandgate(&["plugin", "dev", "mask-email"]);
    assert_eq!(second.code, Some(2), "{second:?}");
    let holder = format!("(process {})", dev.process.id());
    assert!(second.err.contains(&holder), "{}", second.err);
    assert_eq!(dev.interrupt(), Some(0));
    let mut left: Vec<_> = std::fs::read_dir(place.author.path("mask-email/target"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    assert_eq!(
        left,
        ["core.wasm", "mask-email.build.json", "mask-email.wasm"]
    );
    assert_eq!(place.told(), "Write to [mail].");
}

#[test]
fn a_save_ends_the_build_under_way_and_so_does_ctrl_c() {
    let author = Author::new();
    author.sandgate(&["plugin", "new", "mask-email", "--lang", "c"]);
    // A compiler that takes for ever over a source which says so; else it finds a mistake.
    author.write(
        "mask-email/.venv/bin/zig",
        "#!/bin/sh\nif grep -q slow src/plugin.c; then echo $$ >> ../slow; sleep 1000; fi\nexit 1\n",
    );
    let zig = author.path("mask-email/.venv/bin/zig");
    std::fs::set_permissions(&zig, std::fs::Permissions::from_mode(0o755)).unwrap();
    let started = |n: usize| {
        let until = Instant::now() + PATIENCE;
        loop {
            let text = std::fs::read_to_string(author.path("slow")).unwrap_or_default();
            let all: Vec<u32> = text.lines().filter_map(|line| line.parse().ok()).collect();
            if all.len() >= n {
                return all[n - 1];
            }
            assert!(
                Instant::now() < until,
                "{n} slow compilers were not started"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    };
    let ends = |process: u32| {
        let until = Instant::now() + Duration::from_secs(10);
        // Whoever is the first process need not wait for it: it is over then, and its number is still there.
        let runs = || {
            let stat = std::fs::read_to_string(format!("/proc/{process}/stat"));
            stat.is_ok_and(|stat| !stat.contains(") Z "))
        };
        while runs() {
            assert!(Instant::now() < until, "the compiler goes on");
            std::thread::sleep(Duration::from_millis(10));
        }
    };
    let mut dev = Dev::start(&author, "mask-email", None);
    dev.says("version 1 does not build");
    edit(
        &author,
        "src/plugin.c",
        "#include \"sandgate.h\"",
        "#include \"sandgate.h\"\n// slow",
    );
    let slow = started(1);
    edit(&author, "src/plugin.c", "// slow", "// again");
    ends(slow);
    dev.says("version 2 does not build");

    edit(&author, "src/plugin.c", "// again", "// slow");
    let slow = started(2);
    assert_eq!(dev.interrupt(), Some(0));
    ends(slow);
    assert!(!author.path("mask-email/target/dev.wasm.new").exists());
}

#[test]
fn a_gateway_that_is_not_there_comes_or_goes_is_said_and_so_is_one_without_the_plugin() {
    let mut place = Place::new();
    let config = place.gateway.config_file();
    let text = std::fs::read_to_string(&config).unwrap();
    let (without, _) = text.split_once("[[interceptors]]").unwrap();
    std::fs::write(&config, without).unwrap();
    let mut dev = place.dev();
    let unused = dev.says("version 1");
    assert!(
        unused.contains("add these lines:\n\n[[interceptors]]\nname = \"mask-email\"\nplugin = ")
            && unused.contains("does not use it"),
        "{unused}"
    );
    std::fs::write(&config, &text).unwrap();
    place.edit(
        "src/plugin.c",
        "#include \"sandgate.h\"",
        "#include \"sandgate.h\"\n",
    );
    let live = dev.says("version 2");
    assert!(live.contains("live in edition"), "{live}");

    assert!(place.gateway.stop(Duration::from_secs(30)).is_some());
    let ended = dev.says("has ended");
    assert!(ended.contains("sandgate run --config"), "{ended}");
    place.edit(
        "src/plugin.c",
        "#include \"sandgate.h\"\n",
        "#include \"sandgate.h\"\n\n",
    );
    let written = dev.says("version 3");
    assert!(written.contains("written; no gateway runs"), "{written}");

    let mut again = Command::new(harness::sandgate());
    again.arg("run").arg("--config").arg(&config);
    again.env("XDG_CACHE_HOME", harness::cache());
    again.env("XDG_RUNTIME_DIR", config.parent().unwrap());
    let _again = Process::start(&mut again);
    let back = dev.says("is back");
    assert!(back.contains("with version 3"), "{back}");
}

#[test]
fn a_folder_that_vanishes_is_said_and_waited_for() {
    let place = Place::new();
    let mut dev = place.dev();
    dev.says("version 1");
    let (here, away) = (place.author.path("mask-email"), place.author.path("away"));
    std::fs::rename(&here, &away).unwrap();
    let gone = dev.says("mask-email is gone");
    assert!(
        gone.contains("version 1 keeps running; put it back to go on"),
        "{gone}"
    );
    assert_eq!(place.told(), "Write to [email].");
    std::fs::rename(&away, &here).unwrap();
    let back = dev.says("version 2");
    assert!(back.contains("live in edition"), "{back}");
    let second = place.author.sandgate(&["plugin", "dev", "mask-email"]);
    assert_eq!(second.code, Some(2), "the lock is held again: {second:?}");
}

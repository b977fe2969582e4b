//! Every way in which a plugin fails, in every language: what its author, the gateway's log and `why` say of it. What they
//! say stands in `faults`: `BLESS=1` writes it anew.

use std::fmt::Write as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, Instant};

use harness::{FakeServer, Gateway, Script};
use serde_json::json;

use crate::plugin_kit::author::{Author, call_with};

/// What the failures repeat, and nobody may read unasked.
const SECRET: &str = "jane.doe@example.com";

#[test]
fn a_failing_rust_plugin_is_told_by_its_file_and_line() {
    let ways = [
        "error",
        "parse",
        "panic",
        "expect",
        "index",
        "recursion",
        "abort",
        "exit",
    ];
    fails("rust", "plugin.rs", "src/lib.rs", &ways);
}

#[test]
fn a_failing_c_plugin_is_told_by_its_file_and_line() {
    let ways = ["error", "assert", "abort", "trap", "exit", "recursion"];
    fails("c", "plugin.c", "src/plugin.c", &ways);
}

#[test]
fn a_failing_python_plugin_is_told_by_its_file_and_line() {
    let ways = [
        "raise",
        "own",
        "library",
        "attribute",
        "denied",
        "recursion",
        "exit",
        "decision",
    ];
    fails("python", "plugin.py", "plugin.py", &ways);
}

#[test]
fn a_failing_typescript_plugin_is_told_by_its_file_and_line() {
    let ways = [
        "throw",
        "own",
        "string",
        "library",
        "undefined",
        "denied",
        "recursion",
        "decision",
    ];
    fails("ts", "plugin.ts", "plugin.ts", &ways);
}

#[test]
fn a_failing_go_plugin_is_told_by_its_file_and_line() {
    let ways = [
        "error",
        "placeless",
        "library",
        "denied",
        "panic",
        "panic with an error",
        "nil map",
        "index",
        "nil",
        "library's panic",
        "decision",
        "goroutine",
        "goroutine with an error",
        "goroutine, index",
        "deadlock",
        "goroutines wait for each other",
        "unlocked",
        "recursion",
        "exit",
    ];
    fails("go", "plugin.go", "plugin.go", &ways);
}

fn fails(language: &str, source: &str, at: &str, ways: &[&str]) {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("journeys/plugin_kit/faults");
    let author = Author::new();
    let new = [
        "plugin", "new", "fails", "--lang", language, "--hook", "pre",
    ];
    assert_eq!(author.sandgate(&new).code, Some(0));
    let text = std::fs::read_to_string(kept.join(source)).unwrap();
    author.write(&format!("fails/{at}"), &text);
    match language {
        "python" => symlink(harness::sdks().join("python"), author.path("fails/.venv")).unwrap(),
        "go" => symlink(harness::sdks().join("go"), author.path("fails/.venv")).unwrap(),
        "ts" => {
            let packages = author.path("fails/node_modules");
            std::fs::create_dir(&packages).unwrap();
            symlink(harness::sdks().join("js"), packages.join("sandgate")).unwrap();
            let typescript = harness::sdks().join("js/node_modules/typescript");
            symlink(typescript, packages.join("typescript")).unwrap();
        }
        _ => {}
    }
    let built = author.sandgate(&["plugin", "build", "fails"]);
    assert_eq!(built.code, Some(0), "{built:?}");
    let plugin = author.path("fails/target/fails.wasm");

    let [mut plain, mut detailed] = [false, true].map(|detail| Watched::start(&plugin, detail));
    let mut told = String::new();
    for how in ways {
        let params = json!({ "name": "tool", "arguments": { "how": how, "secret": SECRET } });
        let params = params.to_string();
        let ran = author.sandgate(&[
            "plugin",
            "run",
            plugin.to_str().unwrap(),
            "--params",
            &params,
        ]);
        assert_eq!(ran.code, Some(20), "{language}, {how}: {ran:?}");
        section(&mut told, &format!("{how}: plugin run"), &ran.out);
        section(&mut told, "log", &plain.fails(&params));
        section(&mut told, "log with fault-detail", &detailed.fails(&params));
        section(&mut told, "why", &plain.why());
        told.push('\n');
    }
    let path = kept.join(format!("{language}.txt"));
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &told).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        expected, told,
        "{language}.txt differs; BLESS=1 writes it anew"
    );
    // Every failure names a line of the source.
    for why in told.split("-- why\n").skip(1) {
        let why = why.split("\n== ").next().unwrap();
        assert!(why.contains(&format!("at {at}:")), "no line in\n{why}");
    }
    let log = plain.gateway.log();
    assert!(!log.contains(SECRET), "{log}");
    let calls = plain.gateway.command(&["why", "--last", "--json"]).output;
    assert!(!calls.contains(SECRET), "{calls}");
    let log = detailed.gateway.log();
    assert!(log.contains(SECRET), "{log}");
    assert!(!plain.gateway.process.output().contains(SECRET));
    assert!(!detailed.gateway.process.output().contains(SECRET));
}

/// What depends on the run goes; a line each.
fn section(told: &mut String, title: &str, text: &str) {
    let mark = if title.contains(':') { "==" } else { "--" };
    let _ = writeln!(told, "{mark} {title}");
    for line in text
        .lines()
        .filter(|line| !line.starts_with("took ") && !line.starts_with("note "))
        // What Go's runtime prints has addresses in it.
        .take_while(|line| !line.starts_with("    goroutine "))
    {
        let mut words: Vec<&str> = line.split(' ').collect();
        if words.last() == Some(&"times") && words.len() > 2 {
            let at = words.len() - 2;
            words[at] = "N";
        }
        let _ = writeln!(told, "{}", words.join(" ").trim_end());
    }
}

/// A gateway whose only interceptor fails.
struct Watched {
    gateway: Gateway,
    _server: FakeServer,
    failed: usize,
}

impl Watched {
    fn start(plugin: &Path, detail: bool) -> Self {
        let server = FakeServer::http(Script::new());
        let gateway = Gateway::start(&format!(
            "[gateway]\nlisten = \"127.0.0.1:0\"\n\n{}\n[[interceptors]]\nname = \"fails\"\nplugin = {plugin:?}\ntimeout = \"20s\"\nfault-detail = {detail}\n",
            server.config("fake")
        ));
        Self {
            gateway,
            _server: server,
            failed: 0,
        }
    }

    /// A call that it fails at; what the log says of that.
    fn fails(&mut self, params: &str) -> String {
        let answer = call_with(&self.gateway, params).to_string();
        assert!(answer.contains("policy \\\"fails\\\" failed"), "{answer}");
        assert!(!answer.contains(SECRET), "{answer}");
        self.failed += 1;
        let late = Instant::now() + Duration::from_secs(10);
        loop {
            let log = self.gateway.log();
            let all: Vec<_> = log.split("sandgate_host::plugin: ").skip(1).collect();
            let all: Vec<_> = all
                .iter()
                .filter(|one| !one.contains("call=\"smoke\""))
                .collect();
            // Complete once its fields are there, which follow the message.
            if let Some((said, _)) = all
                .get(self.failed - 1)
                .and_then(|one| one.split_once(" interceptor="))
            {
                return said.to_owned();
            }
            assert!(Instant::now() < late, "the log says nothing of it:\n{log}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Of the last call: what its story says of the hook.
    fn why(&self) -> String {
        let story = self.gateway.command(&["why", "--last"]).output;
        let mut lines = story
            .lines()
            .skip_while(|line| *line != "on the way in")
            .skip(1);
        let mut told = String::new();
        // Time and digest aside.
        let entry = lines.next().unwrap_or_default();
        let _ = writeln!(told, "{}", entry.rsplit_once(", ").unwrap_or_default().0);
        for line in lines.take_while(|line| line.starts_with("   ")) {
            let _ = writeln!(told, "{line}");
        }
        told
    }
}

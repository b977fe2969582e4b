//! Plugins written with the SDKs of other languages, built and put before a server: what they decide, what they change,
//! and what is told of them when they fail.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use harness::{Era, FakeServer, Gateway, Script, Speaker};
use serde_json::{Value, json};

/// What must never be told without `fault-detail`.
const SECRET: &str = "jane.doe@example.com";

#[test]
fn a_python_plugin_decides_in_a_gateway_as_it_does_natively() {
    let mut build = Command::new(harness::sdks().join("python/bin/python"));
    build
        .args(["-m", "sandgate", "build"])
        .env("PYTHONDONTWRITEBYTECODE", "1");
    Odd {
        build,
        folder: "sdk/python/tests/odd",
        frames: [
            "LookupError\nat plugin.py:40 in check",
            "SystemExit\nat plugin.py:42 in check",
            "RecursionError\nat plugin.py:31 in deeper",
            "sandgate.fault.Misuse\nat plugin.py:34 in check",
            "sandgate.state.Denied\nat plugin.py:48 in check",
        ],
    }
    .stands_the_test();
}

#[test]
fn a_typescript_plugin_decides_in_a_gateway_as_it_does_natively() {
    let mut build = Command::new("node");
    build
        .arg(harness::sdks().join("js/dist/cli.js"))
        .arg("build");
    Odd {
        build,
        folder: "sdk/js/test/odd",
        frames: [
            "RangeError\nat plugin.ts:8 in thrower",
            "a thrown string\nat plugin.ts:12",
            "TypeError\nat plugin.ts:25 in run",
            "Misuse\nat plugin.ts:12",
            "state.Failure\nat plugin.ts:27 in run",
        ],
    }
    .stands_the_test();
}

#[test]
fn a_go_plugin_decides_in_a_gateway_as_it_does_natively() {
    let made = tempfile::tempdir().unwrap();
    let file = built_in_go(made.path());
    stands(
        &file,
        [
            "lookup\nat plugin.go:49 in check",
            "panic\nat plugin.go:51 in check",
            "runtime error\nat plugin.go:40 in deeper",
            "Misuse\nat plugin.go:42 in check",
            "error\nat plugin.go:58 in check",
        ],
    );

    // Goroutines, sleep and the collector work within a run, beside questions to the gateway.
    let server = FakeServer::http(Script::new());
    let config = server.config("fake") + &interceptor(&file, "word = \"w\"");
    let gateway = Gateway::start(&config);
    let mut client = Speaker::open(&gateway.mcp("fake"), Era::Legacy);
    let busy = refusal(&call(&mut client, "busy"));
    assert!(busy.ends_with(" 480 true true 2."), "{busy}");
    // What no program can catch is still no anonymous trap: its last words are the detail.
    let answer = call(&mut client, "abort").to_string();
    assert!(answer.contains("trap"), "{answer}");
}

/// The folder is copied, since a project's component lies in it.
fn built_in_go(folder: &Path) -> PathBuf {
    let source = repository().join("sdk/go/testdata/odd");
    for name in ["plugin.go", "plugin.toml", "go.mod"] {
        let text = std::fs::read_to_string(source.join(name)).unwrap();
        let sdk = repository().join("sdk/go");
        let text = text.replace("=> ../..", &format!("=> {}", sdk.display()));
        std::fs::write(folder.join(name), text).unwrap();
    }
    symlink(harness::sdks().join("go"), folder.join(".venv")).unwrap();
    let output = Command::new(harness::sandgate())
        .args(["plugin", "build"])
        .arg(folder)
        .env("GOCACHE", harness::sdks().with_file_name("go-build"))
        .env("GOPROXY", "off")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    folder.join("target/odd.wasm")
}

/// The same odd plugin in each language.
struct Odd<'a> {
    /// Builds a folder.
    build: Command,
    folder: &'a str,
    /// What the log says of each failure: raise, exit, deep, forget, state.
    frames: [&'a str; 5],
}

impl Odd<'_> {
    fn stands_the_test(mut self) {
        let wasm = tempfile::tempdir().unwrap();
        let file = wasm.path().join("odd.wasm");
        self.build.arg(repository().join(self.folder));
        let output = self.build.arg("-o").arg(&file).output().unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        stands(&file, self.frames);
    }
}

/// What the built plugin does in a gateway.
fn stands(file: &Path, frames: [&str; 5]) {
    let server = FakeServer::http(Script::new().on(
        "tools/call",
        &[r#"{"jsonrpc":"2.0","id":@ID@,"result":{"content":[{"type":"text","text":"é"}]}}"#],
    ));
    let config = server.config("fake") + &interceptor(file, "word = \"w\"");
    let gateway = Gateway::start(&config);
    let mut client = Speaker::open(&gateway.mcp("fake"), Era::Legacy);

    let passed = call(&mut client, "pass");
    assert_eq!(
        passed["result"],
        json!({"content": [{"type": "text", "text": "é"}], "structuredContent": {"note": "from the call, tool", "what": "pass"}})
    );
    let [first, second] = [0, 1].map(|_| refusal(&call(&mut client, "random")));
    assert_ne!(first, second, "randomness is drawn anew for every run");
    assert!(
        first.ends_with(" 2.") && second.ends_with(" 2."),
        "nothing is left of the run before: {first}, {second}"
    );
    assert!(refusal(&call(&mut client, "settings")).ends_with(" w."));

    let failing = ["raise", "exit", "deep", "forget", "state"];
    for (what, frame) in failing.into_iter().zip(frames) {
        let answer = call(&mut client, what).to_string();
        assert!(!answer.contains(SECRET), "{what}: {answer}");
        assert!(answer.contains("own-error"), "{what}: {answer}");
        // The innermost frame stands on the line below the type.
        let log = gateway.log_with(frame);
        assert!(log.contains(frame), "{what}: no {frame:?} in\n{log}");
    }
    assert!(!gateway.log().contains(SECRET), "{}", gateway.log());

    let (code, said) =
        Gateway::refused(&(server.config("fake") + &interceptor(file, "word = \"no\"")));
    assert_eq!(code, Some(2));
    assert!(said.contains("must not be no"), "{said}");
}

fn interceptor(file: &Path, settings: &str) -> String {
    format!(
        "\n[[interceptors]]\nname = \"odd\"\nplugin = \"{}\"\ntimeout = \"5s\"\nsettings = {{ {settings} }}\n",
        file.display()
    )
}

fn call(client: &mut Speaker, what: &str) -> Value {
    let message = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": {"name": "tool", "arguments": {"what": what, "secret": SECRET}}});
    let answers = client.say(message.to_string().as_bytes());
    serde_json::from_slice(answers.last().unwrap()).unwrap()
}

fn refusal(answer: &Value) -> String {
    answer["result"]["content"][0]["text"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

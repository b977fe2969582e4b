//! Requests of plugins, in the languages whose SDKs wrap them: answered by fixtures, and by a server where it is granted.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::path::Path;

use harness::Gateway;
use serde_json::{Value, json};

use crate::plugin_kit::author::{Author, call_with};

const MANIFEST: &str = "name = \"asks\"\nversion = \"0.1.0\"\ndescription = \"Asks.\"\n\n[hooks.pre-call]\n\
    type = \"mutation\"\nevents = [\"tools/call\"]\n\n[asks]\nhttp = { hosts = [\"*\"], why = \"asks what it is told to ask\" }\n\n\
    [limits]\nmemory = \"128MiB\"\ntimeout = \"2s\"\n";

/// Name, what is asked, what answers, what comes of it.
const FIXTURES: [[&str; 4]; 11] = [
    [
        "gets",
        r#"{ url = "https://api.example.com/v1?q=1" }"#,
        "[[http]]\nurl = \"https://api.example.com/v1?q=1\"\nheaders = { Content-Type = \"text/x\" }\nbody = \"h\u{e9}llo\"\n",
        "{\"status\":200,\"body\":\"h\u{e9}llo\",\"type\":\"text/x\"}",
    ],
    [
        "posts",
        r#"{ url = "https://api.example.com/p", method = "POST", body = "hi" }"#,
        "[[http]]\nmethod = \"POST\"\nurl = \"https://api.example.com/p\"\nstatus = 404\n",
        r#"{"status":404,"body":"","type":null}"#,
    ],
    [
        "bounds",
        r#"{ url = "https://api.example.com/large" }"#,
        "[[http]]\nurl = \"https://api.example.com/large\"\nbody = \"LARGE\"\n",
        r#"{"failed":"too-large"}"#,
    ],
    [
        "has-no-answer",
        r#"{ url = "https://elsewhere.example/" }"#,
        "[[http]]\nurl = \"https://api.example.com/\"\n",
        r#"{"failed":"denied"}"#,
    ],
    [
        "does-not-wait",
        r#"{ url = "https://api.example.com/slow", timeout = 20 }"#,
        "[[http]]\nurl = \"https://api.example.com/slow\"\ndelay = \"1500ms\"\n",
        r#"{"failed":"timed-out"}"#,
    ],
    [
        "does-not-wait-with-a-body",
        r#"{ url = "https://api.example.com/slow", timeout = 20, method = "POST", body = "hi" }"#,
        "[[http]]\nmethod = \"POST\"\nurl = \"https://api.example.com/slow\"\ndelay = \"1500ms\"\n",
        r#"{"failed":"timed-out"}"#,
    ],
    [
        "waits-so-long",
        r#"{ url = "https://api.example.com/slow", timeout = 1900 }"#,
        "[[http]]\nurl = \"https://api.example.com/slow\"\ndelay = \"20ms\"\nbody = \"there\"\n",
        r#"{"status":200,"body":"there","type":null}"#,
    ],
    [
        "is-refused",
        r#"{ url = "https://api.example.com/", timeout = 1900 }"#,
        "[[http]]\nurl = \"https://api.example.com/\"\nfails = \"refused\"\n",
        r#"{"failed":"refused"}"#,
    ],
    [
        "is-refused-where-it-waits",
        r#"{ url = "https://api.example.com/" }"#,
        "[[http]]\nurl = \"https://api.example.com/\"\nfails = \"refused\"\n",
        r#"{"failed":"refused"}"#,
    ],
    [
        "is-cut",
        r#"{ url = "https://api.example.com/", timeout = 1900 }"#,
        "[[http]]\nurl = \"https://api.example.com/\"\nbody = \"half\"\nfails = \"cut\"\n",
        r#"{"failed":"cut"}"#,
    ],
    [
        "is-cut-where-it-waits",
        r#"{ url = "https://api.example.com/" }"#,
        "[[http]]\nurl = \"https://api.example.com/\"\nbody = \"half\"\nfails = \"cut\"\n",
        r#"{"failed":"cut"}"#,
    ],
];

#[test]
fn a_rust_plugin_asks_over_http() {
    asks("rust", "plugin.rs", |folder| {
        std::fs::create_dir(folder.join("src")).unwrap();
        std::fs::rename(folder.join("plugin.rs"), folder.join("src/lib.rs")).unwrap();
        let sdk = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sdk/rust");
        let sdk = sdk.canonicalize().unwrap();
        let manifest = format!(
            "[package]\nname = \"asks\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[lib]\ncrate-type = [\"cdylib\"]\n\n\
             [dependencies]\nsandgate-sdk = {{ path = {sdk:?}, features = [\"http\"] }}\n\
             serde = {{ version = \"1\", features = [\"derive\"] }}\nserde_json = \"1\"\n\n\
             [profile.release]\npanic = \"abort\"\n\n[workspace]\n"
        );
        std::fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    });
}

#[test]
fn a_python_plugin_asks_over_http() {
    asks("python", "plugin.py", |folder| {
        symlink(harness::sdks().join("python"), folder.join(".venv")).unwrap();
    });
}

#[test]
fn a_typescript_plugin_asks_over_http() {
    asks("ts", "plugin.ts", |folder| {
        let packages = folder.join("node_modules");
        std::fs::create_dir(&packages).unwrap();
        symlink(harness::sdks().join("js"), packages.join("sandgate")).unwrap();
    });
}

#[test]
fn a_go_plugin_asks_over_http() {
    asks("go", "plugin.go", |folder| {
        let sdk = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sdk/go");
        let sdk = sdk.canonicalize().unwrap();
        let module = format!(
            "module asks\n\ngo 1.24\n\nrequire sandgate v0.1.0\n\nreplace sandgate => {}\n",
            sdk.display()
        );
        std::fs::write(folder.join("go.mod"), module).unwrap();
        symlink(harness::sdks().join("go"), folder.join(".venv")).unwrap();
    });
}

#[test]
fn a_c_plugin_asks_over_http() {
    asks("c", "plugin.c", |folder| c_project(folder, "plugin.c"));
}

#[test]
fn a_c_plugin_is_told_why_there_is_no_reply() {
    let author = Author::new();
    author.write("asks/plugin.toml", MANIFEST);
    author.write("asks/failures.c", include_str!("http/failures.c"));
    c_project(&author.path("asks"), "failures.c");
    let document = json!({ "told": [
        "the operator has not granted this host",
        "the URL does not begin with http:// or https:// and a host",
        "HTTP-request-URI-invalid",
        "HTTP-request-method-invalid",
        "HTTP-request-URI-invalid",
        "a header's name: invalid-syntax",
        "x a: invalid-syntax",
        "host: forbidden",
        "url",
        "url",
        "url",
        "url",
        "url",
        "url",
        "url",
        "url",
        "h\u{e9}\u{20ac}\u{1f600}",
        "a\u{fffd}b\u{fffd}\u{fffd}",
        "\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}",
    ] });
    author.write(
        "asks/fixtures/tells.toml",
        &format!(
            "hook = \"pre-call\"\nparams = {{ name = \"x\" }}\n\n[expect]\ndecision = \"answer\"\n\
             document = '''{document}'''\n"
        ),
    );
    let tested = author.sandgate(&["plugin", "test", "asks", "--release"]);
    assert_eq!(tested.code, Some(0), "{tested:?}");
}

#[test]
fn a_c_plugin_that_sends_no_requests_imports_nothing_of_http() {
    let imports = |author: &Author, folder: &str| {
        let built = author.sandgate(&["plugin", "build", folder]);
        assert_eq!(built.code, Some(0), "{built:?}");
        let plugin = format!("{folder}/target/{folder}.wasm");
        let inspected = author.sandgate(&["plugin", "inspect", &plugin, "--json"]);
        let inspected: Value = serde_json::from_str(&inspected.out).unwrap();
        inspected["imports"].to_string()
    };
    let author = Author::new();
    author.sandgate(&["plugin", "new", "still", "--lang", "c"]);
    let still = imports(&author, "still");
    assert!(still.contains("interceptor/call"), "{still}");
    assert!(!still.contains("http"), "{still}");
    author.write("asks/plugin.toml", MANIFEST);
    author.write("asks/plugin.c", include_str!("http/plugin.c"));
    c_project(&author.path("asks"), "plugin.c");
    let asks = imports(&author, "asks");
    assert!(asks.contains("wasi:http/outgoing-handler"), "{asks}");
}

/// A project in C from this source, with the SDK as new projects get it.
fn c_project(folder: &Path, source: &str) {
    let made = Author::new();
    let new = made.sandgate(&["plugin", "new", "made", "--lang", "c"]);
    assert_eq!(new.code, Some(0), "{new:?}");
    std::fs::rename(made.path("made/vendor"), folder.join("vendor")).unwrap();
    std::fs::create_dir(folder.join("src")).unwrap();
    std::fs::rename(folder.join(source), folder.join("src/plugin.c")).unwrap();
}

fn asks(language: &str, source: &str, ready: fn(&Path)) {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("journeys/plugin_kit/http");
    let author = Author::new();
    author.write("asks/plugin.toml", MANIFEST);
    let text = std::fs::read_to_string(kept.join(source)).unwrap();
    author.write(&format!("asks/{source}"), &text);
    ready(&author.path("asks"));
    for [name, arguments, http, document] in FIXTURES {
        let http = http.replace("LARGE", &"x".repeat(1001));
        author.write(
            &format!("asks/fixtures/{name}.toml"),
            &format!("hook = \"pre-call\"\nparams = {{ name = \"x\", arguments = {arguments} }}\n{http}\n[expect]\ndecision = \"answer\"\ndocument = '{document}'\n"),
        );
    }
    let tested = author.sandgate(&["plugin", "test", "asks", "--release"]);
    assert_eq!(tested.code, Some(0), "{language}: {tested:?}");
    assert!(tested.out.contains("11 passed, 0 failed"), "{}", tested.out);

    // A real server, granted and not.
    let server = echo();
    let plugin = author.path("asks/target/asks.wasm");
    for granted in [true, false] {
        let grants = match granted {
            true => format!("grants = {{ http = [\"{}\"] }}\n", server),
            false => String::new(),
        };
        let gateway = Gateway::start(&format!(
            "[gateway]\nlisten = \"127.0.0.1:0\"\n\n{}\n[[interceptors]]\nname = \"asks\"\nplugin = {plugin:?}\ntimeout = \"20s\"\n{grants}",
            crate::plugin_kit::author::telling_server().config("fake")
        ));
        let url = format!("http://{}/echo", server);
        let params = json!({ "name": "x", "arguments": { "url": url, "method": "POST", "body": "abc".repeat(200) } });
        let reply = call_with(&gateway, &params.to_string());
        let wanted: Value = match granted {
            true => json!({ "status": 201, "body": "abc".repeat(200), "type": "text/plain" }),
            false => json!({ "failed": "denied" }),
        };
        for (key, value) in wanted.as_object().unwrap() {
            assert_eq!(&reply["result"][key], value, "{language}: {reply}");
        }
    }
    meets_servers_that_do_not_answer(language, &plugin);
}

/// One that says nothing, with a body that it does not read; one that hangs up, before and within its reply; none at all.
fn meets_servers_that_do_not_answer(language: &str, plugin: &Path) {
    let (silent, rude, halfway) = (silent(), says(b""), says(HALF));
    let nobody = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().to_string()
    };
    let gateway = Gateway::start(&format!(
        "[gateway]\nlisten = \"127.0.0.1:0\"\n\n{}\n[[interceptors]]\nname = \"asks\"\nplugin = {plugin:?}\ntimeout = \"20s\"\n\
         grants = {{ http = [{silent:?}, {rude:?}, {halfway:?}, {nobody:?}] }}\n",
        crate::plugin_kit::author::telling_server().config("fake")
    ));
    for (server, timeout, body, becomes) in [
        (&silent, 50, "", "timed-out"),
        (&silent, 200, "long", "timed-out"),
        (&rude, 5000, "", "cut"),
        (&halfway, 5000, "", "cut"),
        (&halfway, 0, "", "cut"),
        (&nobody, 5000, "", "refused"),
    ] {
        let body = if body.is_empty() {
            String::new()
        } else {
            "x".repeat(3 << 20)
        };
        let mut arguments =
            json!({ "url": format!("http://{server}/"), "method": "POST", "body": body });
        if timeout > 0 {
            arguments["timeout"] = timeout.into();
        }
        let params = json!({ "name": "x", "arguments": arguments });
        let reply = call_with(&gateway, &params.to_string());
        assert_eq!(
            reply["result"]["failed"], becomes,
            "{language}, {timeout}: {reply}"
        );
    }
}

const HALF: &[u8] = b"HTTP/1.1 200 Told\r\ncontent-length: 10\r\n\r\nhalf";

/// A server that takes connections and says nothing.
fn silent() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || listener.incoming().collect::<Vec<_>>());
    address
}

/// A server that reads a request's head, says this and hangs up.
fn says(bytes: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut reader = BufReader::new(stream.unwrap());
            let mut line = String::new();
            while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
                line.clear();
            }
            reader.get_mut().write_all(bytes).unwrap();
        }
    });
    address
}

/// `ADDRESS:PORT` of a server on loopback that gives back what it is sent.
fn echo() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut reader = BufReader::new(stream.unwrap());
            let (mut length, mut asked) = (0, false);
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                let line = line.trim().to_ascii_lowercase();
                if let Some(value) = line.strip_prefix("content-length: ") {
                    length = value.parse().unwrap();
                }
                asked |= line == "x-asked: yes";
                if line.is_empty() {
                    break;
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let status = if asked { 201 } else { 400 };
            let head = format!(
                "HTTP/1.1 {status} Told\r\ncontent-type: text/plain\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
            );
            let stream = reader.get_mut();
            stream.write_all(head.as_bytes()).unwrap();
            stream.write_all(&body).unwrap();
        }
    });
    address
}

//! Catalogs that strangers wrote: what they say is neither obeyed by a terminal nor written into a configuration, and what
//! does not end is not waited for.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

const CONFIG: &str = "# Ours.\n[servers.other]\ncommand = \"true\" # as ever\n";

/// An operator with a configuration and some files.
struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        std::fs::write(desk.path("sandgate.toml"), CONFIG).unwrap();
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn config(&self) -> String {
        std::fs::read_to_string(self.path("sandgate.toml")).unwrap()
    }

    /// The exit code, and all that is said.
    fn run(&self, args: &[&str]) -> (i32, String) {
        let mut command = Command::new(harness::sandgate());
        command.args(args).current_dir(self.0.path());
        let done = command.stdin(Stdio::null()).output().unwrap();
        let said = [done.stdout, done.stderr].concat();
        (
            done.status.code().unwrap(),
            String::from_utf8(said).unwrap(),
        )
    }

    /// The copies of catalogs.
    fn copies(&self) -> Vec<PathBuf> {
        let folder = std::fs::read_dir(self.path("sandgate.catalogs.d"));
        let entries = folder.into_iter().flatten();
        entries.map(|entry| entry.unwrap().path()).collect()
    }

    /// Adds a catalog of this text.
    fn add(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
        let (code, said) = self.run(&["catalog", "add", name, name]);
        assert_eq!(code, 0, "{said}");
    }

    /// Whatever is asked is refused with these words, and the configuration is as it was.
    #[track_caller]
    fn refuses(&self, args: &[&str], words: &str) {
        let before = self.config();
        let (code, said) = self.run(args);
        assert_eq!(code, 2, "{args:?}: {said}");
        assert!(said.contains(words), "{words:?} is not in:\n{said}");
        plain(&said);
        assert_eq!(self.config(), before);
    }
}

/// Nothing that a terminal obeys, or that turns a line round.
#[track_caller]
fn plain(said: &str) {
    let steers = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    assert!(!said.contains(steers), "{said:?}");
}

fn entry(name: &str, more: Value) -> Value {
    let mut entry = json!({
        "name": name, "version": "1.0.0", "description": "Notes.",
        "packages": [{ "registryType": "npm", "identifier": "notes", "version": "1.0.0", "transport": { "type": "stdio" } }],
    });
    entry
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    entry
}

/// Words with which an author of an entry would like to write a configuration, or steer a terminal.
const INJECTIONS: [&str; 6] = [
    "a\"\ncommand = \"sh",
    "a\n[gateway]\nlisten = \"0.0.0.0:1\"\n#",
    "a'''\n[servers.evil]\ncommand = 'sh'",
    "\x1b[2J\x1b]0;owned\x07 \u{202e}txt.exe\u{2066}",
    "a\r[[interceptors]]",
    "\u{9b}31m\u{200b}\u{feff}\u{e0041}",
];

#[test]
fn no_words_of_an_entry_become_a_key_of_the_configuration_or_steer_a_terminal() {
    for words in INJECTIONS {
        let desk = Desk::new();
        let list = json!([
            entry(
                "acme/notes",
                json!({ "description": words, "title": words })
            ),
            entry(&format!("acme/{words}"), json!({})),
            entry(
                "acme/other",
                json!({ "packages": [{ "registryType": words, "identifier": words, "transport": { "type": words } }] })
            ),
            entry(
                "acme/env",
                json!({ "packages": [{
                "registryType": "npm", "identifier": "notes", "version": "1.0.0", "transport": { "type": "stdio" },
                "environmentVariables": [{ "name": "NOTES_LANG", "description": words, "default": words }],
                "packageArguments": [{ "type": "positional", "valueHint": words, "description": words, "isRequired": true }],
            }] })
            ),
        ]);
        desk.add("evil", &list.to_string());
        let before = desk.config();
        for args in [
            &["catalog", "list", "evil"][..],
            &["catalog", "search", "notes"],
            &["catalog", "show", "acme/notes"],
            &["catalog", "show", "acme/env"],
            &["add", "acme/notes", "--dry-run"],
        ] {
            let (code, said) = desk.run(args);
            assert_eq!(code, 0, "{args:?}: {said}");
            plain(&said);
        }
        desk.refuses(&["add", "acme/env"], "cannot be added");
        desk.refuses(&["add", "acme/other"], "cannot be added");
        let (code, said) = desk.run(&["add", "acme/notes"]);
        assert_eq!(code, 0, "{said}");
        plain(&said);
        let after = desk.config();
        assert!(after.starts_with(&before), "{after}");
        let table: toml::Table = after.parse().unwrap();
        let keys: Vec<&String> = table.keys().collect();
        assert_eq!(keys, ["servers", "catalogs"], "{after}");
        let notes: Vec<&String> = table["servers"]["notes"]
            .as_table()
            .unwrap()
            .keys()
            .collect();
        assert_eq!(notes, ["package", "catalog", "contain"], "{after}");
        assert_eq!(table["servers"].as_table().unwrap().len(), 2, "{after}");
        plain(&after);
        let secret = json!({ "header": words, "format": words, "hosts": ["a.example"] });
        let own = json!({ "format": "sandgate-catalog/1", "servers": {
            "desk": { "package": "npm:notes@1.0.0", "bin": words, "secrets": { "NOTES_TOKEN": secret } },
            "lamp": { "package": "npm:notes@1.0.0", "secrets": { "NOTES_TOKEN": secret } },
            "wiki": { "url": "https://a.example/", "headers": { words: "x" } },
            "wood": { "url": "https://a.example/", "secrets": { words: {} } },
        }});
        desk.add("own", &own.to_string());
        for name in ["desk", "lamp", "wiki", "wood"] {
            let (code, said) = desk.run(&["catalog", "show", name]);
            assert_eq!(code, 0, "{said}");
            plain(&said);
            desk.refuses(&["add", name, "--dry-run"], "cannot be added");
        }
    }
}

#[test]
fn a_names_look_alike_in_another_catalog_is_not_taken_for_it() {
    let desk = Desk::new();
    desk.add(
        "ours",
        &json!([entry("acme/paylist", json!({}))]).to_string(),
    );
    desk.add(
        "theirs",
        &json!([
            entry("acme/pay1ist", json!({})),
            entry("acme/\u{440}aylist", json!({}))
        ])
        .to_string(),
    );
    desk.refuses(
        &["add", "acme/paylist"],
        "acme/pay1ist of the catalog theirs",
    );
    desk.refuses(&["add", "acme/pay1ist"], "acme/paylist of the catalog ours");
    desk.refuses(&["add", "acme/\u{440}aylist"], "no catalog has");
    desk.add(
        "third",
        &json!([entry("acme/paylist", json!({}))]).to_string(),
    );
    desk.refuses(&["add", "acme/paylist"], "several catalogs: ours, third");
    desk.refuses(&["add", "acme/paylist", "--from", "fourth"], "no catalog");
    let (code, said) = desk.run(&["add", "acme/paylist", "--from", "ours"]);
    assert_eq!(code, 0, "{said}");
    desk.refuses(
        &["add", "acme/paylist", "--from", "third"],
        "there is a server paylist already",
    );
}

#[test]
fn nothing_comes_from_a_catalog_that_the_organisation_does_not_have() {
    let desk = Desk::new();
    let list = json!([entry("acme/notes", json!({}))]).to_string();
    desk.add("other", &list);
    let (code, said) = desk.run(&["add", "acme/notes"]);
    assert_eq!(code, 0, "{said}");
    let config = format!("{}\n[catalog]\nonly = [\"company\"]\n", desk.config());
    std::fs::write(desk.path("sandgate.toml"), &config).unwrap();
    let words = "came from the catalog \"other\", which `catalog.only` does not have";
    desk.refuses(&["check"], words);
    desk.refuses(&["run"], words);
    desk.refuses(&["add", "acme/notes", "--as", "again"], words);
    // Without that server.
    let without = config.split("# Notes.").next().unwrap();
    std::fs::write(
        desk.path("sandgate.toml"),
        format!("{without}\n[catalog]\nonly = [\"company\"]\n"),
    )
    .unwrap();
    desk.refuses(&["add", "acme/notes"], "no catalog has");
    desk.refuses(&["add", "acme/notes", "--from", "other"], "may not be used");
    desk.refuses(&["catalog", "update", "other"], "may not be used");
    desk.refuses(&["catalog", "add", "third", "other"], "may not be used");
    desk.add("company", &list);
    let (code, said) = desk.run(&["add", "acme/notes"]);
    assert_eq!(code, 0, "{said}");
}

#[test]
fn a_copy_that_was_changed_is_not_used() {
    let desk = Desk::new();
    desk.add("ours", &json!([entry("acme/notes", json!({}))]).to_string());
    let copy = desk.copies().remove(0);
    let text = std::fs::read_to_string(&copy)
        .unwrap()
        .replace("\"notes\"", "\"evil\"");
    std::fs::write(&copy, text).unwrap();
    desk.refuses(&["add", "acme/notes"], "was changed by hand");
    desk.refuses(&["catalog", "search", "notes"], "was changed by hand");
    // A link is replaced, not written through.
    std::fs::write(desk.path("elsewhere"), "as it was").unwrap();
    std::fs::remove_file(&copy).unwrap();
    std::os::unix::fs::symlink(desk.path("elsewhere"), &copy).unwrap();
    let (code, said) = desk.run(&["catalog", "update", "ours"]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(
        std::fs::read_to_string(desk.path("elsewhere")).unwrap(),
        "as it was"
    );
}

#[test]
fn a_catalog_that_explodes_is_refused_within_seconds() {
    let desk = Desk::new();
    let bomb: String = (1..40)
        .map(|n| format!("a{n}: &a{n} [*a{0}, *a{0}, *a{0}]\n", n - 1))
        .collect();
    let flat = format!("registry:\n{}", "  a: {}\n".repeat(500_000));
    for (name, text, words) in [
        (
            "bomb",
            format!("a0: &a0 [x]\n{bomb}"),
            "an anchor or an alias",
        ),
        (
            "deep",
            format!("registry: {}", "[".repeat(1 << 20)),
            "it is no YAML",
        ),
        (
            "deeper",
            "{\"servers\":".repeat(1 << 20),
            "recursion limit exceeded",
        ),
        (
            "many",
            format!("[{}1]", "{},".repeat(1_000_000)),
            "1000001 entries; 50000 are the most",
        ),
        ("flat", flat, "is there twice"),
        (
            "large",
            format!("[\"{}\"]", "x".repeat(33 << 20)),
            "33554432 bytes",
        ),
        (
            "keys",
            format!("{{\"servers\":[],{}\"x\":1}}", "\"a\":1,".repeat(100)),
            "is there twice",
        ),
    ] {
        std::fs::write(desk.path(name), text).unwrap();
        let begun = Instant::now();
        desk.refuses(&["catalog", "add", name, name], words);
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "{name}: {:?}",
            begun.elapsed()
        );
        assert!(desk.copies().is_empty());
    }
}

/// Entries of a few MiB whose parts are many or long: each is refused, and none is thought about for long.
#[test]
fn an_entry_that_is_endless_is_refused_within_seconds() {
    let package = |more: Value| entry("acme/notes", json!({ "packages": [more] }));
    let npm = json!({ "registryType": "npm", "identifier": "notes", "version": "1.0.0" });
    let with = |key: &str, value: Value| {
        let mut npm = npm.clone();
        npm[key] = value;
        package(npm).to_string()
    };
    let braces = "{".repeat(4 << 20);
    let variables: serde_json::Map<String, Value> =
        (0..50_000).map(|n| (format!("a{n}"), json!({}))).collect();
    let properties: serde_json::Map<String, Value> = (0..20_000)
        .map(|n| (format!("a{n}"), json!({ "type": "string" })))
        .collect();
    let sets: Vec<Value> = (0..20_000)
        .map(|n| json!({ "name": format!("A{n}"), "value": "{{a}}" }))
        .collect();
    let docker = |more: Value| json!({ "registry": { "notes": more } }).to_string();
    let long = "x".repeat(4 << 20);
    let own = |text: &str| {
        let server = json!({ "package": "npm:notes@1.0.0", "args": [text], "inputs": { "a": {} } });
        json!({ "format": "sandgate-catalog/1", "servers": { "notes": server } }).to_string()
    };
    for (name, text, words) in [
        (
            "braces",
            with(
                "environmentVariables",
                json!([{ "name": "A", "value": braces, "variables": { "a": {} } }]),
            ),
            "has more than 4096 bytes",
        ),
        (
            "variables",
            with(
                "packageArguments",
                json!([{ "type": "positional", "value": "{a1}", "variables": variables }]),
            ),
            "it has 50000 variables; 128 are the most",
        ),
        (
            "arguments",
            with(
                "packageArguments",
                json!(vec![json!({ "value": "x" }); 100_000]),
            ),
            "it has 100000 arguments; 128 are the most",
        ),
        (
            "parameters",
            docker(
                json!({ "image": "mcp/notes:1", "config": [{ "name": "notes", "properties": properties }], "env": sets }),
            ),
            "it has 20000 parameters; 128 are the most",
        ),
        (
            "sets",
            docker(json!({ "image": "mcp/notes:1", "env": sets })),
            "it has 20000 variables; 128 are the most",
        ),
        (
            "prefix",
            docker(
                json!({ "image": "mcp/notes:1", "config": [{ "name": long, "properties": { "a": {} } }] }),
            ),
            "whose name is too long",
        ),
        (
            "own",
            own(&"{a".repeat(2 << 20)),
            "has more than 4096 bytes",
        ),
        (
            "inputs",
            own(&"{a}".repeat(1000)),
            "it has 1000 inputs; 128 are the most",
        ),
    ] {
        let desk = Desk::new();
        let begun = Instant::now();
        desk.add(name, &text);
        let title = if text.contains("acme/") {
            "acme/notes"
        } else {
            "notes"
        };
        desk.refuses(&["add", title], words);
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "{name}: {:?}",
            begun.elapsed()
        );
    }
}

/// A host that answers each connection by its number and the head of the request.
fn host(
    answer: impl Fn(usize, &str) -> Vec<u8> + Send + Sync + 'static,
) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v0.1/servers", listener.local_addr().unwrap());
    let count = Arc::new(AtomicUsize::new(0));
    let counted = count.clone();
    // Ends with the test's process: it holds nothing but its socket.
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = [0; 4096];
            let read = stream.read(&mut head).unwrap_or(0);
            let number = counted.fetch_add(1, Ordering::SeqCst);
            let _ = stream.write_all(&answer(number, &String::from_utf8_lossy(&head[..read])));
        }
    });
    (url, count)
}

fn ok(body: &Value) -> Vec<u8> {
    let body = body.to_string();
    format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

fn page(name: &str, next: Option<&str>) -> Value {
    json!({ "servers": [{ "server": entry(name, json!({})) }], "metadata": { "nextCursor": next } })
}

#[test]
fn a_registrys_pages_are_one_catalog_and_go_round_in_no_circle() {
    let desk = Desk::new();
    let (url, _) = host(|_, head| {
        assert!(
            head.starts_with("GET /v0.1/servers?version=latest"),
            "{head}"
        );
        ok(&match head.contains("cursor=a%26b") {
            false => page("acme/one", Some("a&b")),
            true => page("acme/two", None),
        })
    });
    let (code, said) = desk.run(&[
        "catalog",
        "add",
        "registry",
        &format!("{url}?version=latest"),
    ]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("2 entries"), "{said}");
    let (url, count) = host(|_, _| ok(&page("acme/one", Some("again"))));
    desk.refuses(&["catalog", "add", "circle", &url], "in a circle");
    assert_eq!(count.load(Ordering::SeqCst), 2);
}

#[test]
fn a_host_leads_nowhere_else_and_keeps_nobody_for_ever() {
    let desk = Desk::new();
    let (inner, asked) = host(|_, _| ok(&page("acme/inner", None)));
    let location =
        format!("HTTP/1.1 302 Found\r\nlocation: {inner}?\x1b[2J\r\ncontent-length: 0\r\n\r\n");
    let redirect = location.replace('\x1b', "");
    let (url, _) = host(move |_, _| redirect.clone().into_bytes());
    desk.refuses(&["catalog", "add", "redirect", &url], "it redirects to");
    assert_eq!(asked.load(Ordering::SeqCst), 0);
    let (url, _) = host(|_, _| {
        b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\n[]".to_vec()
    });
    desk.refuses(&["catalog", "add", "packed", &url], "encoding");
    let (url, _) = host(|_, _| b"HTTP/1.1 500 \x1b[2J\r\ncontent-length: 0\r\n\r\n".to_vec());
    desk.refuses(
        &["catalog", "add", "broken", &url],
        "invalid HTTP status-code",
    );
    let (url, _) = host(|_, _| {
        let head = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n[".to_vec();
        [head, vec![b' '; 34 << 20]].concat()
    });
    desk.refuses(
        &["catalog", "add", "endless", &url],
        "more than 33554432 bytes",
    );
    for url in [
        "http://192.0.2.1/",
        "http://localhost.example.com/",
        "file:///etc/passwd",
        "https://user:word@example.com/",
    ] {
        desk.refuses(&["catalog", "add", "other", url], "write an https URL");
    }
}

//! Values that servers need and nobody else may see: planted by every source, given by a file and put into requests, with
//! a server that tells them wherever it can, a host that says back what it is sent, and a client that guesses.
#![cfg(target_os = "linux")]

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use harness::{
    Canary, Era, FakeServer, Gateway, Reply, Script, Speaker, TlsHost, open_to_all, system_python,
};
use serde_json::{Value, json};

const SERVER: &str = include_str!("secrets/leaky.py");
const MARK: &str = "[redacted]";
/// What is planted, by source: given by a file, and put into requests.
const PLANTED: [(&str, &str, &str); 5] = [
    (
        "ENV",
        "plantedFileEnv7c4e42f292c6",
        "plantedInjectEnv912e7710c838",
    ),
    (
        "FILE",
        "plantedFileFile347ae178b4a1",
        "plantedInjectFile16c7e42f292c",
    ),
    (
        "COMMAND",
        "plantedFileCommand9d2f6b71",
        "plantedInjectCommand55aa01bc",
    ),
    (
        "VAULT",
        "plantedFileVaultee19c0d4a2",
        "plantedInjectVault7781f3be20",
    ),
    (
        "AGE",
        "plantedFileAge0b1c2d3e4f5a",
        "plantedInjectAge6a7b8c9d0e1f",
    ),
];
const SPELLINGS: [&str; 20] = [
    "plain",
    "capitals",
    "backwards",
    "base64",
    "base64 behind one byte",
    "base64 behind two bytes",
    "base64url",
    "base64 in lines",
    "base32",
    "hexadecimal",
    "hexadecimal with colons",
    "URL-encoded",
    "URL-encoded twice",
    "JSON",
    "unicode escapes",
    "HTML",
    "HTML, decimal",
    "quoted-printable",
    "list of bytes",
    "gaps",
];

fn words() -> impl Iterator<Item = &'static str> {
    PLANTED
        .iter()
        .flat_map(|(_, file, inject)| [*file, *inject])
}

/// Where a planted value stands in these bytes.
fn found(place: &str, bytes: &[u8]) -> Vec<String> {
    let letters: Vec<u8> = bytes
        .iter()
        .filter(|byte| byte.is_ascii_alphanumeric())
        .map(u8::to_ascii_lowercase)
        .collect();
    let letters = String::from_utf8(letters).unwrap();
    words()
        .flat_map(|word| {
            let mut found = Canary::new(word).find(place, bytes);
            let plain = word.to_ascii_lowercase();
            let hex: String = word.bytes().map(|byte| format!("{byte:02x}")).collect();
            for spelling in [plain.chars().rev().collect(), plain, hex] {
                if letters.contains(&spelling) {
                    found.push(format!("{word} stands in {place}, with gaps or backwards"));
                }
            }
            found
        })
        .collect()
}

struct Stage {
    folder: tempfile::TempDir,
    script: PathBuf,
    host: TlsHost,
    vault: FakeServer,
}

impl Stage {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("server");
        std::fs::create_dir(&script).unwrap();
        std::fs::write(script.join("leaky.py"), SERVER).unwrap();
        let script = open_to_all(&script);
        let vault = FakeServer::http_with(|heard| {
            let (_, file, inject) = PLANTED[3];
            match heard.header("x-vault-token") {
                Some("token-of-the-store") => {
                    let data = json!({ "data": { "data": { "file": file, "inject": inject }, "metadata": { "version": 1 } } });
                    Reply::Json(data.to_string().into_bytes())
                }
                _ => Reply::Status(
                    403,
                    "application/json",
                    b"{\"errors\":[\"permission denied\"]}".to_vec(),
                ),
            }
        });
        Self {
            folder,
            script,
            host: TlsHost::start(),
            vault,
        }
    }

    /// A file beside the server, which it does not see.
    fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    fn server(&self, name: &str) -> String {
        let (python, script) = (system_python(), self.script.join("leaky.py"));
        let port = self.host.port;
        format!(
            "[servers.{name}]\ncommand = {python:?}\nargs = [{script:?}]\nenv = {{ PYTHONDONTWRITEBYTECODE = \"1\" }}\n\
             contain = {{ read = [{:?}] }}\negress = [\"private:localhost:{port}\"]\n",
            self.script
        )
    }

    /// The encrypted file, once a value is set in it.
    fn sealed(&self, name: &str, word: &str) -> PathBuf {
        let (file, key) = (
            self.folder.path().join("kept.age"),
            self.folder.path().join("kept.key"),
        );
        let ask = |words: &[&str], value: &str| {
            let mut command = Command::new(harness::sandgate());
            command
                .arg("secret")
                .args(words)
                .arg("--file")
                .arg(&file)
                .arg("--key")
                .arg(&key);
            command
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped());
            let mut child = command.spawn().unwrap();
            child
                .stdin
                .take()
                .unwrap()
                .write_all(value.as_bytes())
                .unwrap();
            let ended = child.wait_with_output().unwrap();
            let said = String::from_utf8([ended.stdout, ended.stderr].concat()).unwrap();
            (ended.status.success(), said)
        };
        if !key.exists() {
            assert!(!ask(&["set", name], word).0, "there is no key yet");
            assert!(ask(&["key"], "").0);
            assert_eq!(
                std::fs::metadata(&key).unwrap().permissions().mode() & 0o777,
                0o600
            );
        }
        for name in [name, "GONE"] {
            let (done, said) = ask(&["set", name], &format!("{word}\n"));
            assert!(done && !said.contains(word), "{said}");
        }
        assert!(ask(&["remove", "GONE"], "").0 && !ask(&["remove", "GONE"], "").0);
        let (done, said) = ask(&["list"], "");
        assert!(
            done && said.lines().any(|line| line == name) && !said.contains("GONE"),
            "{said}"
        );
        assert!(!std::fs::read_to_string(&file).unwrap().contains(word));
        file
    }

    /// What a value that is put into requests needs.
    fn inject(&self, header: &str) -> String {
        let ca = self.file("host.pem", &self.host.certificate);
        format!(
            "give = \"inject\"\nheader = \"{header}\"\nhosts = [\"localhost:{}\"]\nca = {ca:?}\n",
            self.host.port
        )
    }

    /// A server that has a value of every source in both ways, and one beside it that has none.
    fn planted(&self, beside: &FakeServer) -> String {
        let mut config = format!(
            "[call-log]\nto = \"calls.jsonl\"\npayloads = true\n{}{}",
            beside.config("other"),
            self.server("desk")
        );
        let address = self.vault.url().trim_end_matches("/mcp").to_owned();
        for (source, file, inject) in PLANTED {
            for (way, word) in [("F", file), ("I", inject)] {
                let from = match source {
                    "ENV" => format!("from-env = \"PLANTED_{way}\""),
                    "FILE" => format!(
                        "from-file = {:?}",
                        self.file(&format!("value-{way}"), &format!("{word}\n"))
                    ),
                    "COMMAND" => {
                        let kept = self.file(&format!("kept-{way}"), word);
                        format!("from-command = [\"/bin/cat\", {kept:?}]")
                    }
                    "AGE" => {
                        let (file, key) =
                            (self.sealed(way, word), self.folder.path().join("kept.key"));
                        format!("from-age = {{ file = {file:?}, key = {key:?}, name = \"{way}\" }}")
                    }
                    _ => {
                        let key = if way == "F" { "file" } else { "inject" };
                        format!(
                            "from-vault = {{ address = {address:?}, path = \"mcp/desk\", key = \"{key}\", \
                             token = {{ from-env = \"STORE_TOKEN\" }} }}"
                        )
                    }
                };
                let give = match way {
                    "F" => "give = \"file\"\n".to_owned(),
                    _ => self.inject(&format!("X-Key-{source}")) + "format = \"Key {}\"\n",
                };
                config += &format!("[servers.desk.secrets.{way}_{source}]\n{from}\n{give}");
            }
        }
        config
    }

    fn start(&self, config: &str) -> Gateway {
        let recordings = self.folder.path().join("recordings");
        Gateway::start_as(config, |command: &mut Command| {
            command.arg("--record").arg(recordings);
            command
                .env("PLANTED_F", PLANTED[0].1)
                .env("PLANTED_I", PLANTED[0].2);
            command.env("STORE_TOKEN", "token-of-the-store");
        })
    }
}

fn other() -> FakeServer {
    let fine =
        r#"{"jsonrpc":"2.0","id":@ID@,"result":{"content":[{"type":"text","text":"fine"}]}}"#;
    FakeServer::http(Script::new().on("\"tools/call\"", &[fine]))
}

/// Everything that comes back for a call, and the text of its reply.
fn call(gateway: &Gateway, server: &str, arguments: &Value) -> (Vec<u8>, String) {
    let session = Speaker::open(&gateway.mcp(server), Era::Legacy);
    let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": "try", "arguments": arguments } });
    let replies = session.say(call.to_string().as_bytes());
    session.end();
    let all = replies.join(&b'\n');
    let reply: Value = serde_json::from_slice(replies.last().unwrap()).unwrap();
    let text = reply["result"]["content"][0]["text"]
        .as_str()
        .map(str::to_owned);
    (all, text.unwrap_or_else(|| reply.to_string()))
}

fn said(gateway: &Gateway, server: &str, arguments: &Value) -> Value {
    let (_, text) = call(gateway, server, arguments);
    serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}\n{}", gateway.log()))
}

fn nowhere(place: &str, bytes: impl AsRef<[u8]>) {
    let found = found(place, bytes.as_ref());
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn planted_secrets_are_in_no_reply_and_on_no_disk_whatever_their_spelling() {
    let (stage, beside) = (Stage::new(), other());
    let collector = FakeServer::http_with(|_| Reply::Json(b"{}".to_vec()));
    let otlp = collector.url().trim_end_matches("/mcp").to_owned();
    let traced = format!("[telemetry]\notlp = {otlp:?}\n");
    let mut gateway = stage.start(&(traced + &stage.planted(&beside)));
    let names = said(&gateway, "desk", &json!({ "what": "names" }));
    let held = [
        "F_AGE_FILE",
        "F_COMMAND_FILE",
        "F_ENV_FILE",
        "F_FILE_FILE",
        "F_VAULT_FILE",
        "I_AGE",
        "I_COMMAND",
        "I_ENV",
        "I_FILE",
        "I_VAULT",
    ];
    assert_eq!(names["names"], json!(held));
    assert_eq!(names["stand_in"], "put-in-by-sandgate");
    let lengths = said(&gateway, "desk", &json!({ "what": "lengths" }));
    for (source, file, _) in PLANTED {
        assert_eq!(
            lengths[format!("F_{source}_FILE")],
            file.len(),
            "the server has the value of {source}"
        );
    }
    for spelling in SPELLINGS {
        let (all, text) = call(
            &gateway,
            "desk",
            &json!({ "what": "leak", "spelling": spelling }),
        );
        nowhere(&format!("a reply, {spelling}"), &all);
        assert!(text.matches(MARK).count() >= 5, "{spelling}: {text}");
    }
    let (all, text) = call(&gateway, "desk", &json!({ "what": "fail" }));
    assert!(text.contains(MARK), "{text}");
    nowhere("an error", &all);
    let session = Speaker::open(&gateway.mcp("desk"), Era::Legacy);
    let listed = session
        .say(br#"{"jsonrpc":"2.0","id":2,"method":"tools/list"}"#)
        .concat();
    assert!(String::from_utf8_lossy(&listed).contains(MARK));
    nowhere("a definition", &listed);
    session.end();

    let url = format!("https://localhost:{}/reflect/x?y=1", stage.host.port);
    let (all, text) = call(&gateway, "desk", &json!({ "what": "fetch", "url": url }));
    let heads = stage.host.heads().concat().to_lowercase();
    for (source, _, inject) in PLANTED {
        let line = format!("x-key-{source}: key {inject}\r\n").to_lowercase();
        assert!(
            heads.contains(&line),
            "{line} is not in {heads}; {text}\n{}",
            gateway.log()
        );
    }
    assert!(
        text.matches(MARK).count() >= 10,
        "in the head and the body: {text}"
    );
    nowhere("what a host says back", &all);

    // With a server that runs.
    let session = Speaker::open(&gateway.mcp("desk"), Era::Legacy);
    let mut servers = 0;
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Ok(line) = std::fs::read(entry.path().join("cmdline")) else {
            continue;
        };
        if memchr::memmem::find(&line, stage.script.to_str().unwrap().as_bytes()).is_some() {
            servers += 1;
            let own = std::fs::read(entry.path().join("environ")).unwrap_or_default();
            nowhere("the server's environment", own);
        }
        nowhere("the list of processes", line);
    }
    assert!(servers > 0, "none of them is the server");
    session.end();
    for args in [&["status"][..], &["why", "--last"], &["egress", "desk"]] {
        let ended = gateway.command(args);
        nowhere(&args.join(" "), ended.output + &ended.log);
    }
    let log = gateway.log();
    assert!(log.contains(&format!("stderr {MARK}")), "{log}");
    gateway.stop(Duration::from_secs(30)).unwrap();
    nowhere("the log", gateway.log());
    let traces = collector.heard();
    assert!(!traces.is_empty(), "it is traced");
    for trace in traces {
        nowhere("a trace", trace.body);
    }
    let folder = gateway.config_file();
    let mut all = Vec::new();
    for word in words() {
        let canary = Canary::new(word);
        all.extend(canary.find_below(folder.parent().unwrap()));
        all.extend(canary.find_below(&stage.folder.path().join("recordings")));
    }
    assert!(all.is_empty(), "{}", all.join("\n"));
    let calls = std::fs::read_to_string(folder.with_file_name("calls.jsonl")).unwrap();
    assert!(calls.contains(MARK), "its payloads are there");
}

#[test]
fn who_guesses_is_refused_without_a_name_and_soon_not_heard_at_all() {
    let (stage, beside) = (Stage::new(), other());
    let gateway = stage.start(&stage.planted(&beside));
    let word = PLANTED[2].2;
    let hex: String = word.bytes().map(|byte| format!("{byte:02x}")).collect();
    let ask = |server: &str, message: &Value| {
        let session = Speaker::open(&gateway.mcp(server), Era::Legacy);
        let exchange = session.post(message.to_string().as_bytes());
        let (status, body) = (exchange.status, exchange.body());
        (status, String::from_utf8(body).unwrap())
    };
    let calls = |argument: &str| {
        json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": { "name": "try", "arguments": { "text": argument } } })
    };
    let (_, text) = ask("other", &calls("nothing secret"));
    assert!(text.contains("fine"), "{text}");
    for message in [
        calls(&format!("the key is {word}.")),
        calls(&hex),
        json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": word, "arguments": {} } }),
        json!({ "jsonrpc": "2.0", "id": 1, "method": word }),
        json!({ "jsonrpc": "2.0", "id": word, "method": "ping" }),
    ] {
        let (_, text) = ask("other", &message);
        assert!(
            text.contains("a value that the gateway does not let through"),
            "{text}"
        );
        assert!(
            !text.contains("COMMAND") && !text.contains("desk"),
            "{text}"
        );
        nowhere("a refusal", text);
    }
    assert!(
        beside
            .heard()
            .iter()
            .all(|heard| found("a server", &heard.body).is_empty())
    );
    // The initialize of another session is not heard either.
    let again = Speaker::try_open(&gateway.mcp("other"), Era::Legacy);
    assert!(
        again.is_err(),
        "after five it waits for the rest of the minute"
    );
    let why = gateway.command(&["why", "--last"]).output;
    assert!(why.contains("a value that the gateway keeps"), "{why}");
    let log = gateway.log();
    assert!(
        log.contains("holds a value that the gateway keeps"),
        "{log}"
    );
    let records =
        std::fs::read_to_string(gateway.config_file().with_file_name("calls.jsonl")).unwrap();
    assert_eq!(records.matches("\"secrets.value\"").count(), 5, "{records}");
    nowhere("the log", log + &records);
}

#[test]
fn a_value_is_put_into_the_requests_that_are_named_and_goes_to_nobody_who_cannot_prove_a_name() {
    let stage = Stage::new();
    let from = format!(
        "from-file = {:?}\n",
        stage.file("value", "value-for-one-path")
    );
    let config = format!(
        "{}[servers.web.secrets.I_KEY]\n{from}{}methods = [\"GET\"]\npaths = [\"/reflect/open/*\"]\n\
         {}[servers.stranger.secrets.I_KEY]\n{from}give = \"inject\"\nheader = \"X-Key\"\nhosts = [\"localhost:{}\"]\n",
        stage.server("web"),
        stage.inject("X-Key"),
        stage.server("stranger"),
        stage.host.port,
    );
    let gateway = Gateway::start(&config);
    let fetch = |server: &str, path: &str| {
        let before = stage.host.heads().len();
        let url = format!("https://localhost:{}{path}", stage.host.port);
        let (_, text) = call(&gateway, server, &json!({ "what": "fetch", "url": url }));
        let heads = stage.host.heads()[before..].concat();
        (
            heads.contains("value-for-one-path"),
            heads.contains("GET"),
            text,
        )
    };
    let (has, heard, text) = fetch("web", "/reflect/open/a");
    assert!(
        has && heard && text.contains(MARK),
        "{text}\n{}",
        gateway.log()
    );
    for path in [
        "/reflect/shut",
        "/reflect/open/../shut",
        "/reflect/open/%2e%2e/shut",
        "/reflect/open//x",
        "/reflect/open",
    ] {
        let (has, heard, text) = fetch("web", path);
        assert!(!has && heard, "{path}: {text}");
    }
    let (has, heard, text) = fetch("stranger", "/reflect/open/a");
    assert!(!has && !heard, "nobody vouches for that host: {text}");
    assert!(
        gateway.log().contains("is not trusted"),
        "{}",
        gateway.log()
    );
}

#[test]
fn a_value_is_fetched_anew_while_the_gateway_runs() {
    let stage = Stage::new();
    let kept = stage.file("kept", "the-first-value");
    std::fs::set_permissions(&kept, std::fs::Permissions::from_mode(0o644)).unwrap();
    let from = format!("from-command = [\"/bin/cat\", {kept:?}]\nttl = \"1s\"\n");
    let config = format!(
        "{}[servers.put.secrets.I_KEY]\n{from}{}{}[servers.file.secrets.KEY]\n{from}give = \"file\"\n",
        stage.server("put"),
        stage.inject("X-Key"),
        stage.server("file"),
    );
    let gateway = Gateway::start(&config);
    let url = format!("https://localhost:{}/", stage.host.port);
    let fetched = || {
        let _ = call(&gateway, "put", &json!({ "what": "fetch", "url": url }));
        stage.host.heads().pop().unwrap_or_default()
    };
    let length = || said(&gateway, "file", &json!({ "what": "lengths" }))["KEY_FILE"].clone();
    // A session that goes on: its program is not started anew.
    let session = Speaker::open(&gateway.mcp("put"), Era::Legacy);
    let own = |session: &Speaker| {
        let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": { "name": "try", "arguments": { "what": "names" } } });
        session.say(call.to_string().as_bytes()).concat()
    };
    let program = own(&session);
    assert!(
        fetched().contains("X-Key: the-first-value")
            || fetched().contains("x-key: the-first-value"),
        "{}",
        gateway.log()
    );
    assert_eq!(length(), 15);
    std::fs::write(&kept, "the-second-longer-value").unwrap();
    let until = Instant::now() + Duration::from_secs(20);
    while !(fetched().contains("the-second-longer-value") && length() == 23) {
        assert!(Instant::now() < until, "{}", gateway.log());
        std::thread::sleep(Duration::from_millis(200));
    }
    assert_eq!(
        own(&session),
        program,
        "the server into whose requests it is put goes on"
    );
    // A source that fails leaves what is in force.
    std::fs::remove_file(&kept).unwrap();
    gateway.log_with("the change is not in force");
    assert!(
        fetched().contains("the-second-longer-value"),
        "{}",
        gateway.log()
    );
}

#[test]
fn a_server_without_its_value_does_not_start_and_the_error_names_no_value() {
    let stage = Stage::new();
    let with = |secret: &str| {
        let (code, log) = Gateway::refused(&format!(
            "{}[servers.desk.secrets.KEY]\n{secret}\n",
            stage.server("desk")
        ));
        assert_ne!(code, Some(0));
        log
    };
    let empty = stage.file("empty", "\n");
    let address = stage.vault.url().trim_end_matches("/mcp").to_owned();
    let wrong = stage.file("token", "not-the-token");
    for (secret, why) in [
        ("from-env = \"NOT_SET_ANYWHERE\"\ngive = \"file\"".to_owned(), "`NOT_SET_ANYWHERE` is not set"),
        (format!("from-file = {empty:?}\ngive = \"file\""), "is empty"),
        ("from-command = [\"/bin/sh\", \"-c\", \"echo told-by-a-program; exit 3\"]\ngive = \"file\"".to_owned(), "ended with exit status: 3"),
        (
            format!("from-vault = {{ address = {address:?}, path = \"mcp/desk\", key = \"file\", token = {{ from-file = {wrong:?} }} }}\ngive = \"file\""),
            "403",
        ),
    ] {
        let log = with(&secret);
        assert!(log.contains(why), "{why} is not in:\n{log}");
        for value in ["not-the-token", "permission denied"] {
            assert!(!log.contains(value), "{log}");
        }
    }
}

#[test]
fn what_cannot_be_given_as_it_says_is_an_error_and_no_other_way_takes_its_place() {
    let stage = Stage::new();
    let from = format!("from-file = {:?}\n", stage.file("value", "value-of-a-file"));
    let with = |server: String, secret: &str| {
        let config = format!("{server}[servers.desk.secrets.KEY]\n{from}{secret}\n");
        let (code, log) = Gateway::refused(&config);
        assert_eq!(code, Some(2), "{log}");
        assert!(!log.contains("value-of-a-file"), "{log}");
        log
    };
    let landlock = || {
        let server = stage.server("desk");
        server.replace("contain = {", "contain = { with = \"landlock\",")
    };
    let log = with(landlock(), "give = \"file\"");
    assert!(log.contains("which Landlock alone has none of"), "{log}");
    let log = with(landlock(), &stage.inject("X-Key"));
    assert!(log.contains("which Landlock alone has none of"), "{log}");
    let inject = stage
        .inject("X-Key")
        .replace("localhost", "api.example.com");
    let log = with(stage.server("desk"), &inject);
    assert!(log.contains("the server may not reach this host"), "{log}");
}

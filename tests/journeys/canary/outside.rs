//! Values that came from the environment or a file are nowhere: not in logs, errors, `/readyz`, `check`, cache or state.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use harness::{Canary, Era, FakeServer, Gateway, Process, Script, binary, request, sandgate};

use crate::canary::stand::{Format, Stand, loud};
use crate::canary::talk::Talk;

const SECRET: &str = "canaryQ7xK2vR9";

/// How long `check` may take; it compiles what it checks.
const CHECKED: Duration = Duration::from_secs(120);
/// How long a changed file may stay unnoticed.
const NOTICED: Duration = Duration::from_secs(30);

/// A file that holds the secret, and keeps out of the way of the search.
struct Secrets(tempfile::TempDir);

impl Secrets {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }
}

#[track_caller]
fn assert_silent(what: &str, said: &str) {
    let found = Canary::new(SECRET).find(what, said.as_bytes());
    assert_eq!(found, [""; 0]);
}

#[test]
fn values_from_outside_are_nowhere_while_it_serves() {
    for (format, era) in [(Format::Text, Era::Legacy), (Format::Json, Era::Modern)] {
        let (stand, secrets) = (Stand::new(), Secrets::new());
        let remote = FakeServer::http(Script::new());
        let script = secrets.file("script.json", Script::new().to_json().as_bytes());
        let key = secrets.file("key", format!("Bearer {SECRET}\n").as_bytes());
        // It says aloud that it has the value.
        let child = format!(
            "test \"$TOKEN\" = {SECRET} && echo it has its token >&2; exec {} {}",
            binary("fake-server").display(),
            script.parent().unwrap().display()
        )
        .replace(SECRET, "$(printf '%s%s' canaryQ7 xK2vR9)");
        let servers = format!(
            "{}headers = {{ Authorization = {{ from-file = {key:?} }}, X-Key = {{ from-env = \"SECRET\" }} }}\n\n\
             [servers.child]\ncommand = \"sh\"\nargs = [\"-c\", {child:?}]\nenv = {{ TOKEN = {{ from-env = \"SECRET\" }} }}\n\n",
            remote.config("fake")
        );
        let word = secrets.file("word", SECRET.as_bytes());
        let interceptors = [
            stand.guest(
                "one",
                "masks-a-word",
                "settings = { word = { from-env = \"SECRET\" } }",
            ),
            stand.guest(
                "two",
                "masks-a-word",
                &format!("settings = {{ word = {{ from-file = {word:?} }} }}"),
            ),
            stand.guest("noop", "noop", ""),
        ]
        .concat();
        let config = stand.config(true) + &servers + &interceptors;
        let gateway = Gateway::start_as(&config, |command| {
            loud(format)(command);
            command.env("SECRET", SECRET);
        });
        for server in ["fake", "child", ""] {
            let mut talk = Talk::http(gateway.mcp(server), era, &[]);
            talk.greet("hello", "journey");
            talk.ask("1", "journey", "tools/list", "{}");
            talk.ask(
                "2",
                "journey",
                "tools/call",
                r#"{"name":"x","arguments":{}}"#,
            );
        }
        let had = |name: &str, value: &str| {
            remote
                .heard()
                .iter()
                .all(|heard| heard.header(name) == Some(value))
        };
        assert!(had("authorization", &format!("Bearer {SECRET}")) && had("x-key", SECRET));

        // A change that the plugins' schemas refuse.
        let file = gateway.config_file();
        let bad = std::fs::read_to_string(&file).unwrap();
        let bad = bad.replace("settings = { word = ", "settings = { wort = ");
        std::fs::write(&file, bad).unwrap();
        let since = Instant::now();
        let ready = loop {
            let reply = request("GET", &format!("{}/readyz", gateway.url), &[], b"");
            let ready = String::from_utf8(reply.body()).unwrap();
            if ready.contains("is a required property") || since.elapsed() > NOTICED {
                break ready;
            }
            std::thread::sleep(Duration::from_millis(50));
        };
        assert!(ready.contains("is a required property"), "{ready}");
        assert_silent("/readyz", &ready);

        let left = stand.end(gateway);
        assert!(left.log.contains("it has its token"), "{}", left.log);
        assert!(left.log.contains("is a required property"), "{}", left.log);
        left.assert_without(&Canary::new(SECRET), &format!("{format:?}"));
    }
}

/// `check` or `run` with this configuration: everything that it said, and how it ended.
fn said(stand: &Stand, config: &str, arguments: &[&str]) -> (String, Option<i32>) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sandgate.toml");
    std::fs::write(&file, stand.config(true) + config).unwrap();
    let mut command = Command::new(sandgate());
    command.args(arguments).arg("--config").arg(file);
    command
        .env("SECRET", SECRET)
        .env("LINES", format!("{SECRET}\r\n{SECRET}"))
        .env("ODD", format!("\u{1}{SECRET}\u{1}"));
    loud(Format::Text)(&mut command);
    let mut process = Process::start(&mut command);
    let ended = process.wait(CHECKED);
    let said = process.output() + &process.log();
    (said, ended.and_then(|status| status.code()))
}

#[test]
fn values_from_outside_are_not_in_what_check_says() {
    let stand = Stand::new();
    let good = stand.guest(
        "one",
        "masks-a-word",
        "settings = { word = { from-env = \"SECRET\" } }",
    ) + &stand.guest("two", "fails-configure", "settings = { limit = 2 }");
    let server = "[servers.x]\nurl = \"http://127.0.0.1:9/mcp\"\nheaders = { X-Key = { from-env = \"SECRET\" } }\n\n";
    let (said, ended) = said(&stand, &(server.to_owned() + &good), &["check"]);
    assert_eq!(ended, Some(0), "{said}");
    assert_silent("check", &said);
    assert_eq!(Canary::new(SECRET).find_below(&stand.cache()), [""; 0]);
}

/// A value from outside, in a setting that does not take it: the guest, and its settings.
const REFUSED: &[(&str, &str)] = &[
    // By the schema: type, pattern of a name, unknown name.
    ("fails-configure", "{ limit = { from-env = \"$\" } }"),
    ("masks-a-word", "{ word = [{ from-env = \"$\" }] }"),
    (
        "masks-a-word",
        "{ word = \"x\", more = { from-env = \"$\" } }",
    ),
    ("masks-a-word", "{ word = { a = { from-env = \"$\" } } }"),
    // By the plugin, which repeats it.
    ("fails-configure", "{ token = { from-env = \"$\" } }"),
    (
        "fails-configure",
        "{ limit = 3, token = { from-env = \"$\" } }",
    ),
];

/// The same in builtin plugins: an enumeration, a pattern.
const BUILTIN: &[(&str, &str)] = &[
    ("pii-scrubber", "{ entities = [{ from-env = \"$\" }] }"),
    ("pii-scrubber", "{ action = { from-env = \"$\" } }"),
    (
        "allow-tools",
        "{ rules = [{ who = [{ from-env = \"$\" }], allow = [] }] }",
    ),
    (
        "allow-tools",
        "{ rules = [{ who = [\"*\"], allow = [{ from-env = \"$\" }] }] }",
    ),
];

#[test]
fn values_from_outside_are_not_in_what_refuses_them() {
    let (stand, secrets) = (Stand::new(), Secrets::new());
    let url = "url = \"http://127.0.0.1:9/mcp\"";
    let mut configs = Vec::new();
    for variable in ["SECRET", "ODD"] {
        let settings = |settings: &str| format!("settings = {}", settings.replace('$', variable));
        for (guest, written) in REFUSED {
            configs.push(stand.guest("refused", guest, &settings(written)));
        }
        for (builtin, written) in BUILTIN {
            configs.push(format!(
                "[[interceptors]]\nname = \"refused\"\nplugin = \"builtin:{builtin}\"\n{}\n",
                settings(written)
            ));
        }
    }
    let not_text = secrets.file("not-text", &[SECRET.as_bytes(), &[0xff]].concat());
    for value in [
        "from-env = \"LINES\"".to_owned(),
        format!("from-file = {not_text:?}"),
    ] {
        configs.push(format!(
            "[servers.x]\n{url}\nheaders = {{ X-Key = {{ {value} }} }}\n"
        ));
    }
    for config in &configs {
        for verb in ["check", "run"] {
            let (said, ended) = said(&stand, config, &[verb]);
            assert_eq!(ended, Some(2), "{config}\n{said}");
            assert_silent(&format!("{verb} with\n{config}\n"), &said);
        }
    }
    assert_eq!(Canary::new(SECRET).find_below(&stand.cache()), [""; 0]);
}

#[test]
fn a_value_that_no_program_can_be_given_is_not_in_the_error() {
    let (stand, secrets) = (Stand::new(), Secrets::new());
    let token = secrets.file("token", format!("{SECRET}\0{SECRET}").as_bytes());
    let config = format!(
        "[servers.child]\ncommand = \"cat\"\nenv = {{ TOKEN = {{ from-file = {token:?} }} }}\n\n{}",
        stand.guest("noop", "noop", "")
    );
    let config = stand.config(true) + &config;
    let gateway = Gateway::start_as(&config, loud(Format::Text));
    let mut talk = Talk::http(gateway.mcp("child"), Era::Modern, &[]);
    let replies = talk.ask("1", "journey", "tools/list", "{}");
    assert!(replies[0].contains("could not be started"), "{replies:?}");
    assert_silent("the reply", &replies[0]);
    stand
        .end(gateway)
        .assert_without(&Canary::new(SECRET), "a program that cannot be started");
}

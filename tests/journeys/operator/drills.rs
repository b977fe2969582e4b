//! A drill is rehearsed each month: what is stopped, what nobody sees, what to change, and nothing is left of it.
//!
//! Reports stand in `drills`, times and made-up values aside: `BLESS=1` writes them anew.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use harness::{Ended, Gateway, Process, cache, sandgate};
use rustix::process::Signal;
use serde_json::{Value, json};

/// Policies are compiled the first time, in a debug build perhaps, beside other tests.
const PATIENCE: Duration = Duration::from_secs(240);
const EMPTY: &str = "[gateway]\nlisten = \"127.0.0.1:0\"\nwatch = false\n";

/// A configuration and a folder for temporary files, each in a folder of its own.
struct Place {
    folder: tempfile::TempDir,
    config: PathBuf,
}

impl Place {
    fn new(config: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sandgate.toml");
        std::fs::write(&file, unhurried(config)).unwrap();
        Self::at(folder, file)
    }

    fn of(gateway: &Gateway) -> Self {
        Self::at(tempfile::tempdir().unwrap(), gateway.config_file())
    }

    fn at(folder: tempfile::TempDir, config: PathBuf) -> Self {
        std::fs::create_dir(folder.path().join("tmp")).unwrap();
        Self { folder, config }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(sandgate());
        command
            .arg("drill")
            .args(args)
            .args([Path::new("--config"), &self.config])
            .env("TMPDIR", self.temporary())
            .env("XDG_CACHE_HOME", cache())
            .env("XDG_RUNTIME_DIR", self.config.parent().unwrap())
            .env("NO_COLOR", "1")
            .current_dir(self.folder.path());
        command
    }

    fn temporary(&self) -> PathBuf {
        self.folder.path().join("tmp")
    }

    fn drill(&self, args: &[&str]) -> Ended {
        let mut process = Process::start(&mut self.command(args));
        let status = process.wait(PATIENCE);
        let status = status.unwrap_or_else(|| panic!("{args:?} goes on:\n{}", process.log()));
        Ended {
            code: status.code(),
            output: process.output(),
            log: process.log(),
        }
    }

    /// The report, and how the drill ended.
    fn report(&self, name: &str) -> (Value, Option<i32>) {
        let ended = self.drill(&[name, "--yes", "--json"]);
        let report = serde_json::from_str(&ended.output);
        (report.unwrap_or_else(|_| panic!("{ended:?}")), ended.code)
    }

    #[track_caller]
    fn has_nothing_left(&self) {
        let left: Vec<_> = self.temporary().read_dir().unwrap().collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

/// Gives hooks the time that a debug build takes.
fn unhurried(config: &str) -> String {
    let lines = config
        .lines()
        .map(|line| match line.starts_with("plugin = ") {
            true => format!("{line}\ntimeout = \"20s\"\n"),
            false => format!("{line}\n"),
        });
    lines.collect()
}

/// The configuration that `sandgate init` writes for whoever is strict, with a client and alerts.
fn strict() -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sandgate.toml");
    let mut init = Command::new(sandgate());
    init.args(["init", "--profile", "strict", "--config"])
        .arg(&file);
    assert!(init.output().unwrap().status.success());
    let text = std::fs::read_to_string(&file).unwrap();
    let text = text.replace("127.0.0.1:8080", "127.0.0.1:0");
    let more = format!(
        "[clients.ada]\ntoken-sha256 = \"{}\"\nrate = \"9/s\"\n[servers.desk]\nurl = \"http://127.0.0.1:9/mcp\"\n\
         [[alerts]]\nname = \"attack\"\non = [\"finding\", \"refusals\"]\nto = {{ webhook = \"http://127.0.0.1:9/hook\" }}\n\
         [[alerts]]\nname = \"stopped\"\non = [\"stop\"]\nto = {{ webhook = \"http://127.0.0.1:9/hook\" }}\n",
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
    );
    unhurried(&format!("{text}\n{more}"))
}

fn verdicts(report: &Value) -> Vec<&str> {
    let steps = report["steps"].as_array().unwrap();
    steps
        .iter()
        .map(|step| step["verdict"].as_str().unwrap())
        .collect()
}

#[test]
fn the_strict_profile_lets_nothing_pass_unseen_and_nothing_is_left_of_a_drill() {
    let gateway = Gateway::start(&strict());
    let place = Place::of(&gateway);
    for (name, form) in [
        ("secret-leak", "md"),
        ("injection", "html"),
        ("stop", "md"),
        ("key-out", "md"),
    ] {
        let file = format!("{name}.{form}");
        let ended = place.drill(&[name, "--yes", "--report", &file]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let report = std::fs::read_to_string(place.folder.path().join(&file)).unwrap();
        if form == "md" {
            assert_eq!(ended.output.trim_end(), report.trim_end());
        }
        assert_golden(&format!("strict-{file}"), &report);
        place.has_nothing_left();
    }
    assert_eq!(gateway.command(&["stops"]).output, "Nothing is stopped.\n");
    let log = gateway.config_file().with_file_name("calls.jsonl");
    let lines = std::fs::read_to_string(log).unwrap();
    let told: Vec<_> = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|line| {
            [
                line["record"].clone(),
                line["action"].clone(),
                line["drill"].clone(),
            ]
        })
        .collect();
    let deed = |action: &str, drill: &str| [json!("operator"), json!(action), json!(drill)];
    let drills = ["secret-leak", "injection", "stop", "key-out"];
    let expected = drills.map(|drill| [deed("drill-began", drill), deed("drill-ended", drill)]);
    assert_eq!(told, expected.concat());
}

#[test]
fn a_server_that_hangs_and_a_log_that_is_full_are_rehearsed_without_touching_either() {
    let place = Place::new(EMPTY);
    let verdict = |name: &str, place: &Place| {
        let (report, code) = place.report(name);
        let verdicts: Vec<String> = verdicts(&report).iter().map(|&it| it.to_owned()).collect();
        (code, verdicts, report)
    };
    for name in ["server-hangs", "log-full"] {
        let ended = place.drill(&[name, "--yes"]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert_golden(&format!("empty-{name}.md"), &ended.output);
    }
    // Calls go on without a record where that is wanted: it is noticed, and said what would refuse them.
    let goes_on = Place::new(&format!("{EMPTY}[call-log]\non-failure = \"continue\"\n"));
    let (code, verdicts, report) = verdict("log-full", &goes_on);
    assert_eq!((code, &*verdicts[0]), (Some(0), "noticed"), "{report:#}");
    let advice = report["advice"][0]["lines"].as_str().unwrap();
    assert_eq!(advice, "[call-log]\non-failure = \"refuse\"");
    place.has_nothing_left();
    goes_on.has_nothing_left();
}

#[test]
fn an_empty_configuration_lets_everything_pass_unseen_and_what_the_report_says_to_add_mends_it() {
    let place = Place::new(EMPTY);
    for name in [
        "secret-leak",
        "personal-data",
        "injection",
        "poisoned-tool",
        "path-escape",
    ] {
        let (report, code) = place.report(name);
        assert_eq!(code, Some(1), "{report}");
        assert!(
            verdicts(&report).iter().all(|it| *it == "passed-unseen"),
            "{report}"
        );
        let advice = report["advice"].as_array().unwrap();
        let lines = advice.iter().map(|one| one["lines"].as_str().unwrap());
        let mended = lines.fold(EMPTY.to_owned(), |text, lines| text + lines + "\n");
        let (report, code) = Place::new(&mended).report(name);
        assert_eq!(code, Some(0), "{mended}\n{report}");
        assert!(!verdicts(&report).contains(&"passed-unseen"), "{report}");
    }
    let ended = place.drill(&["injection", "--yes"]);
    assert_golden("empty-injection.md", &ended.output);
    let ended = place.drill(&["key-out", "--yes"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert_golden("empty-key-out.md", &ended.output);
    place.has_nothing_left();
}

#[test]
fn a_policy_in_audit_is_noticed_and_the_report_says_to_make_it_active() {
    let redactor = "[[interceptors]]\nname = \"keys\"\nplugin = \"builtin:secret-redactor\"\nmode = \"audit\"\n";
    let (report, code) = Place::new(&format!("{EMPTY}{redactor}")).report("secret-leak");
    assert_eq!(
        (verdicts(&report), code),
        (vec!["noticed"; 3], Some(0)),
        "{report}"
    );
    assert_eq!(report["advice"][0]["lines"], "mode = \"active\"");
}

#[test]
fn told_to_stop_or_killed_in_the_middle_it_leaves_nothing() {
    let gateway = Gateway::start(EMPTY);
    let place = Place::of(&gateway);
    // It may end before it is told.
    let told = (0..10).any(|_| {
        let mut drill = begun(&place);
        let status = drill.stop(PATIENCE).unwrap();
        place.has_nothing_left();
        let stopped = status.code() == Some(2);
        assert_eq!(
            stopped,
            drill.log().contains("everything that it began is undone"),
            "{}",
            drill.log()
        );
        stopped
    });
    assert!(told);
    let calls = gateway.process.output();
    assert!(
        calls.contains(r#""outcome":"stopped before its end""#),
        "{calls}"
    );

    let mut drill = begun(&place);
    drill.signal(Signal::KILL);
    drill.wait(PATIENCE).unwrap();
    assert_eq!(gateway.command(&["stops"]).output, "Nothing is stopped.\n");
    // What it could not take away itself goes when the next drill begins.
    let ended = place.drill(&["path-escape", "--yes"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    place.has_nothing_left();
}

/// A drill in whose middle calls are made.
fn begun(place: &Place) -> Process {
    let drill = Process::start(&mut place.command(&["stop", "--yes"]));
    let until = Instant::now() + PATIENCE;
    let has_calls = |folder: std::fs::DirEntry| {
        let log = std::fs::metadata(folder.path().join("calls.jsonl"));
        log.is_ok_and(|log| log.len() > 0)
    };
    while !place
        .temporary()
        .read_dir()
        .unwrap()
        .flatten()
        .any(has_calls)
    {
        assert!(Instant::now() < until, "{}", drill.log());
        std::thread::sleep(Duration::from_millis(1));
    }
    drill
}

#[test]
fn what_cannot_be_done_is_said_and_shows_nothing() {
    let allow = "[[interceptors]]\nname = \"allow\"\nplugin = \"builtin:allow-tools\"\n\
                 settings = { rules = [{ who = [\"*\"], allow = [\"*/look_up\", \"*/write_to\"] }] }\n";
    let place = Place::new(&format!("{EMPTY}{allow}"));
    let in_folder = |name: &str| place.folder.path().join(name);
    std::fs::write(in_folder("calls.jsonl"), "real").unwrap();
    std::os::unix::fs::symlink("calls.jsonl", in_folder("r.md")).unwrap();
    for (args, said) in [
        (
            vec!["secret-leek", "--yes"],
            "did you mean \"secret-leak\"?",
        ),
        (vec!["stop"], "--yes begins it"),
        (
            vec!["stop", "--yes", "--server", "desk"],
            "no server \"desk\"",
        ),
        (vec!["stop", "--yes", "--as", "eve"], "no client \"eve\""),
        (
            vec!["stop", "--yes", "--report", "r.pdf"],
            "ends in .md or .html",
        ),
        (
            vec!["stop", "--yes", "--report", "r.md"],
            "r.md is no regular file of your own",
        ),
        (
            vec!["stop", "--yes", "--report", "nowhere/r.md"],
            "--report: nowhere/r.md: ",
        ),
        (vec!["stop", "--yes", "--keep", "nowhere"], "no folder"),
        (vec!["stop", "--yes", "--read", "a b"], "--read and --send"),
        (
            vec!["stop", "--yes"],
            "a harmless call of stand-in/read_ticket does not pass: allow refused",
        ),
    ] {
        let ended = place.drill(&args);
        assert_eq!(ended.code, Some(2), "{args:?}: {ended:?}");
        assert!(ended.log.contains(said), "{args:?}: {ended:?}");
        place.has_nothing_left();
    }
    // By the names of tools that are allowed, with what it did for `why`.
    let args = ["path-escape", "--yes", "--json", "--keep", "."];
    let named = ["--read", "look_up", "--send", "write_to"];
    let ended = place.drill(&[&args[..], &named[..]].concat());
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let report: Value = serde_json::from_str(&ended.output).unwrap();
    let call = report["steps"][0]["call"].as_str().unwrap();
    let mut why = Command::new(sandgate());
    why.args(["why", call, "--log"])
        .arg(in_folder(report["kept"].as_str().unwrap()));
    let told = why.output().unwrap();
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    assert!(told.contains("look_up"), "{told}");
    let real = std::fs::read_to_string(in_folder("calls.jsonl"));
    assert_eq!(real.unwrap(), "real");
    let list = place.drill(&["list"]);
    assert!(list.output.contains("poisoned-tool"), "{list:?}");
}

#[test]
fn what_refuses_whatever_comes_is_not_taken_for_a_policy_that_saw_the_attack() {
    // The calls before the steps are all that it lets pass.
    let rate = "[[interceptors]]\nname = \"rate\"\nplugin = \"builtin:rate-limit\"\ngrants = { state = true }\n\
                settings = { limits = [{ calls = 2, per = \"1d\" }] }\n";
    let place = Place::new(&format!("{EMPTY}{rate}"));
    let ended = place.drill(&["path-escape", "--yes"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    let said = "a harmless call of stand-in/read_ticket does not pass: rate refused";
    assert!(ended.log.contains(said), "{ended:?}");
    // A stop is rehearsed all the same: each of its calls is at the server.
    let (report, code) = place.report("stop");
    assert_eq!(
        (verdicts(&report), code),
        (vec!["stopped"; 2], Some(0)),
        "{report}"
    );
}

#[track_caller]
fn assert_golden(name: &str, report: &str) {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("journeys/operator/drills")
        .join(name);
    let report = plain(report);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&golden, &report).unwrap();
    }
    let expected = std::fs::read_to_string(&golden).unwrap_or_default();
    assert_eq!(report, expected, "{name} differs; BLESS=1 writes it anew");
}

/// Without what differs from run to run: times, counts, calls, made-up values, paths.
fn plain(report: &str) -> String {
    let is_end = |c: char| c.is_whitespace() || "<>".contains(c);
    let words: Vec<_> = report.split_inclusive(is_end).collect();
    let next = words.iter().skip(1).copied().chain([""]);
    let mut plain = String::new();
    for (word, next) in words.iter().zip(next) {
        let text = word.trim_end_matches(is_end);
        let is_number = !text.is_empty() && text.chars().all(|c| c.is_ascii_digit() || c == '.');
        let is_counted = ["ms", "were", "of", "calls"]
            .contains(&next.trim_end_matches(is_end).trim_end_matches(';'));
        plain += match text {
            _ if text.ends_with('…') => "VALUE",
            _ if text.contains("/sandgate.toml") => "CONFIG,",
            _ if text.contains(".sock") => "SOCKET:",
            _ if text.len() >= 26 && text.chars().all(|c| c.is_ascii_hexdigit()) => "HEX",
            _ if text.starts_with("202") && text.ends_with('Z') => "TIME",
            _ if is_number && is_counted => "N",
            _ => text,
        };
        plain += &word[text.len()..];
    }
    plain
}

#![allow(clippy::unwrap_used)]
use std::io::{self, Read};
use std::path::Path;
use std::time::{Instant, SystemTime};

use sandgate_config::{Destination, Files};
use sandgate_gateway::Decision;
use sandgate_message::{Call, CallId, Json, Limits};
use sandgate_pipeline::Trail;
use serde_json::Value;

use super::sink::STALL;
use super::*;

fn call() -> Call {
    Call {
        id: CallId("0001".into()),
        principal: Some("alice".into()),
        attributes: Arc::new([
            ("client.name".into(), "test".into()),
            ("client.version".into(), "1".into()),
        ]),
        ..Call::example()
    }
}

fn forward(record: &CallLogWriter, params: &str) -> Result<(), CallLogError> {
    let params = Json::parse(params.to_owned(), &Limits::default()).unwrap();
    let at = SystemTime::UNIX_EPOCH + Duration::from_micros(1_500_000);
    record.forwarded(&Forwarded {
        call: &call(),
        at,
        request_bytes: 10,
        params: &params,
    })
}

pub(super) fn end(record: &CallLogWriter) -> Result<(), CallLogError> {
    let trail = Trail {
        version: 7,
        entries: Vec::new(),
    };
    record.ended(&Ended {
        call: &call(),
        at: SystemTime::UNIX_EPOCH,
        decision: Decision::Refused,
        trail: &trail,
        request_bytes: 10,
        reply_bytes: Some(20),
        failed: true,
        reply: None,
        took: Duration::from_micros(42),
        server: Some(Duration::from_micros(7)),
        refused_by: None,
    })
}

fn open(to: &Destination, payloads: bool, files: &Files) -> CallLogWriter {
    let parts = CallLogParts {
        payloads: plain(payloads),
        ..CallLogParts::default()
    };
    CallLogWriter::to(CallLogTarget::open(to, files, parts).unwrap())
}

fn plain(payloads: bool) -> Payloads {
    match payloads {
        true => Payloads::Plain,
        false => Payloads::None,
    }
}

/// A log that goes to this sink.
fn to_sink(payloads: bool, sink: Sink) -> CallLogWriter {
    CallLogWriter::to(CallLogTarget {
        payloads: plain(payloads),
        sink: Some(Mutex::new(sink)),
        reopen: None,
        remote: Arc::default(),
    })
}

fn in_file(folder: &Path, payloads: bool) -> CallLogWriter {
    let to = Destination::File("log".into());
    open(&to, payloads, &Files::in_folder(folder))
}

fn lines(folder: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(folder.join("log")).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn a_call_is_two_lines() {
    let folder = tempfile::tempdir().unwrap();
    let record = in_file(folder.path(), false);
    forward(&record, r#"{"name":"canary"}"#).unwrap();
    end(&record).unwrap();
    let text = std::fs::read_to_string(folder.path().join("log")).unwrap();
    assert_eq!(
        text,
        concat!(
            r#"{"record":"forwarded","time":"1970-01-01T00:00:01.500000Z","id":"0001","era":"modern","client":{"name":"test","version":"1"},"principal":"alice","direction":"client-to-server","server":"crm","method":"tools/call","target":"lookup","request_bytes":10}"#,
            "\n",
            r#"{"record":"ended","time":"1970-01-01T00:00:00.000000Z","id":"0001","era":"modern","client":{"name":"test","version":"1"},"principal":"alice","direction":"client-to-server","server":"crm","method":"tools/call","target":"lookup","decision":"refused","failed":true,"request_bytes":10,"reply_bytes":20,"us":42,"server_us":7,"trail":{"version":7,"entries":[]}}"#,
            "\n"
        )
    );
}

#[test]
fn payloads_are_recorded_only_where_asked_for_and_on_one_line() {
    let folder = tempfile::tempdir().unwrap();
    forward(
        &in_file(folder.path(), true),
        "{\r\n  \"name\": \"a\\nb\",\n  \"big\": 1e400\n}",
    )
    .unwrap();
    let text = std::fs::read_to_string(folder.path().join("log")).unwrap();
    assert_eq!(text.lines().count(), 1);
    assert!(
        text.contains(r#""params":{  "name": "a\nb",  "big": 1e400}"#),
        "{text}"
    );
}

#[test]
fn a_terminal_that_shows_a_record_obeys_nothing_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let strange = "\u{9b}2J\x7f";
    forward(
        &in_file(folder.path(), true),
        &format!(r#"{{"name":"{strange}\u001b"}}"#),
    )
    .unwrap();
    let text = std::fs::read_to_string(folder.path().join("log")).unwrap();
    assert!(
        !text.trim_end().contains(|c: char| c.is_control()),
        "{text:?}"
    );
    let name = &lines(folder.path())[0]["params"]["name"];
    assert_eq!(name.as_str().unwrap(), format!("{strange}\x1b"));
}

#[test]
fn a_torn_tail_becomes_a_line_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("log"), "{\"record\":\"forw").unwrap();
    end(&in_file(folder.path(), false)).unwrap();
    let text = std::fs::read_to_string(folder.path().join("log")).unwrap();
    assert_eq!(text.lines().count(), 2);
    assert!(serde_json::from_str::<Value>(text.lines().nth(1).unwrap()).is_ok());
}

#[test]
fn a_full_disk_is_reported() {
    let files = Files::in_folder(Path::new("/dev"));
    let record = open(&Destination::File("full".into()), false, &files);
    let error = end(&record).unwrap_err();
    assert!(error.to_string().contains("No space left"), "{error}");
    assert!(end(&record).is_err());
}

#[test]
fn a_stalled_reader_fails_records_and_gets_whole_lines_once_it_reads_again() {
    let (mut reader, writer) = io::pipe().unwrap();
    let record = to_sink(true, Sink::new(writer.into()));
    let params = format!("\"{}\"", "x".repeat(10_000));
    let mut written = 0;
    while forward(&record, &params).is_ok() {
        written += 1;
    }
    assert!(written > 0);
    let before = Instant::now();
    assert!(forward(&record, &params).is_err());
    assert!(
        before.elapsed() < STALL,
        "a later record waited for the stalled reader"
    );

    let mut text = vec![0; 60_000];
    let count = reader.read(&mut text).unwrap();
    text.truncate(count);
    end(&record).unwrap();
    drop(record);
    reader.read_to_end(&mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    let records: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(records.len() > written);
    assert_eq!(records.last().unwrap()["record"], "ended");
    let gap = &records[records.len() - 2];
    assert_eq!(
        (&gap["record"], &gap["unwritten"]),
        (&"gap".into(), &2.into())
    );
}

#[test]
fn a_log_that_nobody_writes_to_learns_that_it_can_be_written_again() {
    let (mut reader, writer) = io::pipe().unwrap();
    let record = to_sink(false, Sink::new(writer.into()));
    while end(&record).is_ok() {}
    record.retry();
    assert_eq!(record.failure().unwrap().count, 1);
    let mut text = vec![0; 60_000];
    assert!(reader.read(&mut text).unwrap() > 0);
    record.retry();
    assert_eq!((record.failure(), record.unwritten()), (None, 1));
}

#[test]
fn a_reader_that_is_gone_is_an_error() {
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    let record = to_sink(false, Sink::new(writer.into()));
    assert!(end(&record).is_err());
}

#[test]
fn lines_from_many_threads_are_whole() {
    let folder = tempfile::tempdir().unwrap();
    let record = in_file(folder.path(), true);
    let params = format!("\"{}\"", "x".repeat(20_000));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..25).for_each(|_| forward(&record, &params).unwrap()));
        }
    });
    assert_eq!(lines(folder.path()).len(), 100);
}

#[test]
fn after_a_rotation_the_log_is_reopened_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let record = in_file(folder.path(), false);
    end(&record).unwrap();
    std::fs::rename(folder.path().join("log"), folder.path().join("log.1")).unwrap();
    record.reopen().unwrap();
    end(&record).unwrap();
    assert_eq!(lines(folder.path()).len(), 1);
}

#[test]
fn nothing_is_written_nowhere() {
    let files = Files::in_folder(Path::new("/nonexistent"));
    let record = open(&Destination::None, true, &files);
    end(&record).unwrap();
    record.reopen().unwrap();
}

#[test]
fn a_connection_is_recorded_when_it_opens_and_ends_and_a_flood_of_refused_ones_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("calls.jsonl");
    let files = Files::beside(&folder.path().join("sandgate.toml"));
    let to = Destination::File("calls.jsonl".into());
    let record = open(&to, false, &files).remembering();
    let mut connection = sandgate_egress::Connection {
        id: "1-0".into(),
        server: "crm".into(),
        began: SystemTime::UNIX_EPOCH,
        host: Some("api.example.com".into()),
        port: Some(443),
        address: Some("93.184.216.34".parse().unwrap()),
        sni: None,
        verdict: sandgate_egress::Verdict::Allowed,
        reason: None,
        up: 7,
        down: 9,
        took: Duration::from_micros(1_500_000),
        left_out: false,
        others: 0,
    };
    record.connection_opened(&connection).unwrap();
    record.connection_ended(&connection).unwrap();
    connection.verdict = sandgate_egress::Verdict::Refused;
    connection.reason = Some(sandgate_egress::Reason::SniMismatch);
    connection.sni = Some("evil\u{202e}.example".into());
    connection.left_out = true;
    record.connection_ended(&connection).unwrap();
    connection.left_out = false;
    connection.others = 1;
    record.connection_ended(&connection).unwrap();
    let text = std::fs::read_to_string(log).unwrap();
    let expected = [
        r#"{"record":"egress-opened","time":"1970-01-01T00:00:01.500000Z","id":"1-0","server":"crm","host":"api.example.com","port":443,"address":"93.184.216.34","verdict":"allowed","us":1500000}"#,
        r#"{"record":"egress-ended","time":"1970-01-01T00:00:01.500000Z","id":"1-0","server":"crm","host":"api.example.com","port":443,"address":"93.184.216.34","verdict":"allowed","up_bytes":7,"down_bytes":9,"us":1500000}"#,
        r#"{"record":"egress-ended","time":"1970-01-01T00:00:01.500000Z","id":"1-0","server":"crm","host":"api.example.com","port":443,"address":"93.184.216.34","verdict":"refused","reason":"sni-mismatch","sni":"evil\u202e.example","up_bytes":7,"down_bytes":9,"us":1500000,"left_out":1}"#,
    ];
    assert_eq!(text.lines().collect::<Vec<_>>(), expected);
    let tally = record.recent().unwrap().connections().tally("crm");
    assert_eq!((tally.allowed, tally.refused), (1, 2));
}

/// The configuration of a log that is chained and rotated, and its key.
fn chained(folder: &Path, call_log: &str) -> (sandgate_config::CallLog, sandgate_config::Audit) {
    let key = folder.join("key");
    if !key.exists() {
        let made = sandgate_audit::SigningKey::generate("gateway").unwrap();
        std::fs::write(&key, &*made.text()).unwrap();
        let own = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(&key, own).unwrap();
    }
    let text = format!(
        "[servers.a]\nurl = \"http://127.0.0.1:9/mcp\"\n[call-log]\nto = \"log\"\n{call_log}\n[audit]\nkey = \"key\"\n"
    );
    let loaded = sandgate_config::Loaded::parse(Path::new("sandgate.toml"), text);
    let config = loaded.unwrap().config;
    (config.call_log, config.audit.unwrap())
}

pub(super) fn open_chained(folder: &Path, call_log: &str) -> (CallLogWriter, Arc<Auditor>) {
    let (config, audit) = chained(folder, call_log);
    let files = Files::in_folder(folder);
    let auditor = Auditor::new(&audit, &files).unwrap();
    let parts = CallLogParts {
        rotation: Rotation::of(&config),
        auditor: Some(&auditor),
        ..CallLogParts::default()
    };
    let target = CallLogTarget::open(config.to.as_ref().unwrap(), &files, parts).unwrap();
    let writer = CallLogWriter::to(target).audited(Some(auditor.clone()));
    (writer, auditor)
}

/// The log's files, the oldest first.
pub(super) fn log_files(folder: &Path) -> Vec<PathBuf> {
    let all = std::fs::read_dir(folder).unwrap().flatten();
    let mut all: Vec<_> = all
        .map(|entry| entry.path())
        .filter(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            name == "log" || (name.starts_with("log.2") && name.ends_with('Z'))
        })
        .collect();
    all.sort();
    // The one without a time is the newest.
    all.rotate_left(1);
    all
}

fn verify(folder: &Path, auditor: &Auditor) -> sandgate_audit::Summary {
    let key = sandgate_audit::VerifierKey::from_text(&auditor.verifier()).unwrap();
    let mut verifier = sandgate_audit::Verifier::new(vec![key], Default::default());
    for path in log_files(folder) {
        verifier.begin_file(&path.display().to_string());
        let file = io::BufReader::new(std::fs::File::open(path).unwrap());
        sandgate_audit::each_line(file, |line| verifier.line(line)).unwrap();
    }
    verifier.finish()
}

#[test]
fn a_file_never_grows_beyond_its_size_and_the_chain_goes_on_from_file_to_file() {
    let folder = tempfile::tempdir().unwrap();
    let (record, auditor) = open_chained(folder.path(), "max-size = \"64KiB\"");
    for _ in 0..600 {
        end(&record).unwrap();
    }
    let files = log_files(folder.path());
    assert!(files.len() >= 3, "{files:?}");
    for file in &files {
        let size = file.metadata().unwrap().len();
        // The checkpoint with which a file ends comes on top.
        assert!(size <= (64 << 10) + 1024, "{size}");
    }
    record.checkpoint().unwrap();
    let found = verify(folder.path(), &auditor);
    assert_eq!((found.problems, found.first), (vec![], Some(0)));
    // Killed: another one goes on, whatever was moved away last.
    drop((record, auditor));
    let (record, auditor) = open_chained(folder.path(), "max-size = \"64KiB\"");
    end(&record).unwrap();
    record.checkpoint().unwrap();
    let found = verify(folder.path(), &auditor);
    assert_eq!((found.problems, found.first), (vec![], Some(0)));
}

#[test]
fn what_retention_removes_is_said_and_vouched_for_before_it_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let bounds = "max-size = \"64KiB\"\nmax-files = 2";
    let (record, auditor) = open_chained(folder.path(), bounds);
    // Files of others are none of the gateway's: packed, moved by hand, a link with such a name.
    let others = ["log.1", "log.20260301T094100.123456Z.gz", "log.chained"];
    for other in others {
        std::fs::write(folder.path().join(other), "").unwrap();
    }
    let link = folder.path().join("log.20200101T000000.000000Z");
    std::os::unix::fs::symlink(folder.path().join("key"), &link).unwrap();
    for _ in 0..900 {
        end(&record).unwrap();
    }
    let before = log_files(folder.path()).len();
    assert!(before > 4);
    record.retain().unwrap();
    std::fs::remove_file(&link).unwrap();
    assert_eq!(log_files(folder.path()).len(), 3);
    assert!(
        others
            .iter()
            .all(|other| folder.path().join(other).exists())
    );
    let found = verify(folder.path(), &auditor);
    let retention = found.retention.unwrap();
    assert_eq!(found.problems, []);
    assert_eq!(Some(retention.to + 1), found.first);
    assert_eq!(retention.why, "max-files");
    // It removes no more than it has to, and says nothing where it removes nothing.
    let lines = auditor.lines();
    record.retain().unwrap();
    assert_eq!(auditor.lines(), lines);
}

#[test]
fn what_retention_removes_is_decided_by_what_the_gateway_knows_of_its_files() {
    let folder = tempfile::tempdir().unwrap();
    let bounds = "max-size = \"64KiB\"\nmax-files = 2\nkeep = \"1d\"";
    let (record, auditor) = open_chained(folder.path(), bounds);
    for _ in 0..900 {
        end(&record).unwrap();
    }
    let before = log_files(folder.path());
    assert!(before.len() > 4, "{before:?}");
    // Whoever can write to the folder puts files there that are to count, makes old ones of new ones, and others of old ones.
    let text = std::fs::read(&before[1]).unwrap();
    for day in 1..9 {
        let name = format!("log.2099010{day}T000000.000000Z");
        std::fs::write(folder.path().join(name), &text).unwrap();
    }
    let newest = &before[before.len() - 2];
    let aged = std::fs::File::options().append(true).open(newest).unwrap();
    aged.set_modified(SystemTime::UNIX_EPOCH).unwrap();
    std::fs::rename(&before[0], folder.path().join("elsewhere")).unwrap();
    std::fs::write(&before[0], "another one").unwrap();
    // Killed in between: the next one knows them too.
    drop((record, auditor));
    let (record, auditor) = open_chained(folder.path(), bounds);
    end(&record).unwrap();
    record.retain().unwrap();
    let left: Vec<_> = before.iter().map(|path| path.exists()).collect();
    let removed = before.len() - 4;
    let expected: Vec<_> = (0..before.len())
        .map(|index| index == 0 || index > removed)
        .collect();
    assert_eq!(left, expected);
    let planted = |path: &PathBuf| path.to_string_lossy().contains("log.2099");
    assert_eq!(
        log_files(folder.path())
            .iter()
            .filter(|it| planted(it))
            .count(),
        8
    );
    for path in log_files(folder.path()) {
        if planted(&path) {
            std::fs::remove_file(path).unwrap();
        }
    }
    std::fs::remove_file(&before[0]).unwrap();
    record.checkpoint().unwrap();
    let found = verify(folder.path(), &auditor);
    assert_eq!(found.problems, []);
    assert_eq!(Some(found.retention.unwrap().to + 1), found.first);
}

#[test]
fn a_file_that_cannot_be_removed_is_recorded_once_and_keeps_no_other_one() {
    let folder = tempfile::tempdir().unwrap();
    let (record, auditor) = open_chained(folder.path(), "max-size = \"64KiB\"\nmax-files = 1");
    for _ in 0..600 {
        end(&record).unwrap();
    }
    let files = log_files(folder.path());
    assert!(files.len() > 3, "{files:?}");
    // Its first line cannot be had, whatever it is: nothing is read of it.
    let unreadable = std::os::unix::fs::PermissionsExt::from_mode(0o000);
    std::fs::set_permissions(&files[0], unreadable).unwrap();
    record.retain().unwrap();
    assert_eq!(log_files(folder.path()).len(), 2);
    let lines = auditor.lines();
    record.retain().unwrap();
    assert_eq!(auditor.lines(), lines, "it is said once");
}

#[test]
fn a_reload_that_opened_the_file_before_it_was_moved_away_goes_on_in_the_one_with_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let (record, auditor) = open_chained(folder.path(), "max-size = \"64KiB\"");
    end(&record).unwrap();
    let (config, _) = chained(folder.path(), "max-size = \"64KiB\"");
    let parts = CallLogParts {
        rotation: Rotation::of(&config),
        auditor: Some(&auditor),
        ..CallLogParts::default()
    };
    let files = Files::in_folder(folder.path());
    let target = CallLogTarget::open(config.to.as_ref().unwrap(), &files, parts).unwrap();
    {
        let target = record.target.load();
        let mut sink = target.sink.as_ref().unwrap().lock();
        record.rotate(&mut sink, &target);
    }
    record.redirect(target);
    end(&record).unwrap();
    record.checkpoint().unwrap();
    let files = log_files(folder.path());
    let newest = std::fs::read_to_string(&files[1]).unwrap();
    assert!(newest.contains("\"record\":\"ended\""), "{newest}");
    assert_eq!(verify(folder.path(), &auditor).problems, []);
}

#[test]
fn a_log_that_is_too_old_is_moved_away_and_an_idle_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let (record, auditor) = open_chained(folder.path(), "max-age = \"1s\"\nkeep = \"1s\"");
    end(&record).unwrap();
    record.rotate_by_age();
    assert_eq!(log_files(folder.path()).len(), 1, "it is young");
    std::thread::sleep(Duration::from_millis(1100));
    record.rotate_by_age();
    let files = log_files(folder.path());
    assert_eq!(files.len(), 2, "{files:?}");
    record.retain().unwrap();
    assert_eq!(log_files(folder.path()).len(), 2, "it is kept");
    std::thread::sleep(Duration::from_millis(1100));
    record.retain().unwrap();
    assert_eq!(log_files(folder.path()).len(), 1);
    // Only the chain's own records are in the new file: nobody needs another one for them.
    std::thread::sleep(Duration::from_millis(1100));
    record.rotate_by_age();
    assert_eq!(log_files(folder.path()).len(), 1);
    let found = verify(folder.path(), &auditor);
    assert_eq!(found.problems, []);
    assert_eq!(found.retention.unwrap().why, "keep");
}

#[test]
fn a_log_that_cannot_be_moved_away_goes_on_in_its_file() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("real")).unwrap();
    std::os::unix::fs::symlink("real/log", folder.path().join("log")).unwrap();
    let (record, _) = open_chained(folder.path(), "max-size = \"64KiB\"");
    for _ in 0..400 {
        end(&record).unwrap();
    }
    let size = std::fs::metadata(folder.path().join("real/log"))
        .unwrap()
        .len();
    assert!(size > 64 << 10, "{size}");
    assert_eq!(record.unwritten(), 0);
}

#[test]
fn a_log_is_handed_over_to_another_key_and_only_that_one_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let files = Files::in_folder(folder.path());
    let (record, auditor) = open_chained(folder.path(), "");
    end(&record).unwrap();
    let next = sandgate_audit::SigningKey::generate("gateway").unwrap();
    let path = folder.path().join("next");
    std::fs::write(&path, &*next.text()).unwrap();
    // Whoever can read the key can sign, so it is not taken.
    let refused = record.hand_over(Path::new("next"), &files).unwrap_err();
    assert!(refused.contains("can be read by others"), "{refused}");
    let own = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&path, own).unwrap();
    let handed = record.hand_over(Path::new("next"), &files).unwrap();
    assert_eq!(handed.trouble, None);
    let (before, after) = (handed.before, handed.after);
    assert_eq!(after, next.verifier().to_string());
    assert!(
        record.hand_over(Path::new("next"), &files).is_err(),
        "it is the same"
    );
    end(&record).unwrap();
    record.checkpoint().unwrap();
    // The anchor gets the hand-over, and the latest checkpoint.
    let unanchored = auditor.unanchored().unwrap();
    assert!(unanchored.contains("next-key "), "{unanchored}");
    auditor.anchored(&unanchored);
    assert!(!auditor.unanchored().unwrap().contains("next-key "));
    let key = sandgate_audit::VerifierKey::from_text(&before).unwrap();
    let mut verifier = sandgate_audit::Verifier::new(vec![key], Default::default());
    let text = std::fs::read_to_string(folder.path().join("log")).unwrap();
    text.lines().for_each(|line| verifier.line(line.as_bytes()));
    let found = verifier.finish();
    assert_eq!(found.problems, []);
    assert_eq!(found.key_changes.len(), 1);
    drop((record, auditor));
    // With the former key it does not go on; with the next one it does, from where it was.
    let open = |key: &str, former: Vec<String>| {
        let (config, mut audit) = chained(folder.path(), "");
        audit.key = key.into();
        audit.former_keys = former;
        let auditor = Auditor::new(&audit, &files)?;
        let parts = CallLogParts {
            auditor: Some(&auditor),
            ..CallLogParts::default()
        };
        let opened = CallLogTarget::open(config.to.as_ref().unwrap(), &files, parts);
        opened.map(|_| auditor.lines())
    };
    let refused = open("key", Vec::new());
    assert!(
        matches!(refused, Err(OpenError::AnotherKey(_))),
        "{refused:?}"
    );
    let lines = text.lines().count() as u64;
    assert_eq!(open("next", Vec::new()).unwrap(), lines);
    // From what a former key signed it does not go on, also where that key is named: somebody else may have it by now.
    let other = sandgate_audit::SigningKey::generate("gateway").unwrap();
    std::fs::write(&path, &*other.text()).unwrap();
    for former in [vec![], vec![after]] {
        let refused = open("next", former);
        assert!(
            matches!(refused, Err(OpenError::AnotherKey(_))),
            "{refused:?}"
        );
    }
    let wrong = open("next", vec!["x".to_owned()]);
    assert!(matches!(wrong, Err(OpenError::FormerKey { index: 0, .. })));
}

#[test]
fn payloads_are_hashes_where_that_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let key = sandgate_audit::HashKey::generate().unwrap();
    let text = key.text();
    let to = Destination::File("log".into());
    let parts = CallLogParts {
        payloads: Payloads::Hashed(Box::new(sandgate_audit::HashKey::from_text(&text).unwrap())),
        ..CallLogParts::default()
    };
    let files = Files::in_folder(folder.path());
    let record = CallLogWriter::to(CallLogTarget::open(&to, &files, parts).unwrap());
    forward(
        &record,
        r#"{"name":"lookup","arguments":{"who":"ada@example.com"}}"#,
    )
    .unwrap();
    let line = &lines(folder.path())[0];
    assert_eq!(
        line["params"]["arguments"]["who"],
        key.hash("ada@example.com")
    );
    assert!(!line.to_string().contains("ada@example.com"));
}

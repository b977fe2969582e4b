#![allow(clippy::unwrap_used)]
use std::io::Read;
use std::path::Path;
use std::time::{Instant, SystemTime};

use sandgate_gateway::Decision;
use sandgate_message::{Call, CallId, Limits};
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

fn end(record: &CallLogWriter) -> Result<(), CallLogError> {
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
    CallLogWriter::to(CallLogTarget::open(to, payloads, files, None).unwrap())
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
    let record = CallLogWriter::to(CallLogTarget::new(
        true,
        Some(Sink::new(writer.into())),
        None,
    ));
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
    let record = CallLogWriter::to(CallLogTarget::new(
        false,
        Some(Sink::new(writer.into())),
        None,
    ));
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
    let record = CallLogWriter::to(CallLogTarget::new(
        false,
        Some(Sink::new(writer.into())),
        None,
    ));
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

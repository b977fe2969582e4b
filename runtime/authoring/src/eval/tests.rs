#![allow(clippy::unwrap_used)]

use std::path::Path;

use super::*;
use crate::args::{EvalPlugin, Place};

const ROWS: &str = r#"{"id":"1","label":"pii","kind":"pii.email","source":"a","text":"write to ann@example.com now","spans":[{"type":"EMAIL","start":9,"end":24}]}
{"id":"2","label":"pii","kind":"pii.name","source":"b","text":"Ann called","spans":[{"type":"PERSON","start":0,"end":3}]}
{"id":"3","label":"benign","kind":"pii.lookalike","source":"b","text":"nothing to see"}

{"id":"4","label":"unreviewed","kind":"pii.email","text":"?"}
"#;

fn asked(folder: &Path, rows: &str) -> EvalPlugin {
    let corpus = folder.join("rows.jsonl");
    std::fs::write(&corpus, rows).unwrap();
    EvalPlugin {
        plugin: "builtin:pii-scrubber".into(),
        corpus: vec![corpus],
        settings: None,
        place: None,
        misses: true,
        json: true,
    }
}

#[tokio::test]
async fn what_is_found_missed_and_flagged_is_counted_by_kind_source_and_span() {
    let folder = tempfile::tempdir().unwrap();
    let evaluated = eval(&asked(folder.path(), ROWS)).await.unwrap();
    let json = evaluated.as_json();
    assert_eq!(json["all"]["positive"], 2);
    assert_eq!(json["all"]["found"], 1);
    assert_eq!(json["all"]["flagged"], 0);
    assert_eq!(json["kinds"]["pii.email"]["recall"], 1.0);
    assert_eq!(json["sources"]["b"]["recall"], 0.0);
    assert_eq!(json["spans"]["EMAIL"]["found"], 1);
    assert_eq!(json["spans"]["PERSON"]["found"], 0);
    assert_eq!(json["not-scored"], 1);
    assert_eq!(json["misses"][0]["id"], "2");
    let text = evaluated.text();
    assert!(text.contains("recall 0.500"), "{text}");
    assert!(text.contains("missed   2 pii.name"), "{text}");
}

#[tokio::test]
async fn a_place_that_no_hook_looks_at_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let asked = EvalPlugin {
        plugin: "builtin:argument-validator".into(),
        ..asked(folder.path(), ROWS)
    };
    let json = eval(&asked).await.unwrap().as_json();
    assert_eq!(json["not-seen"], 3, "{json}");
    assert_eq!(json["all"]["recall"], Value::Null);
    let asked = EvalPlugin {
        place: Some(Place::Argument),
        ..asked
    };
    let json = eval(&asked).await.unwrap().as_json();
    assert_eq!(json["not-seen"], 0, "{json}");
}

#[tokio::test]
async fn lines_that_are_no_rows_are_said_and_a_file_without_rows_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let rows = format!("{ROWS}oops\n");
    let json = eval(&asked(folder.path(), &rows)).await.unwrap().as_json();
    let unreadable = json["unreadable"][0].as_str().unwrap();
    assert!(unreadable.contains("the first is line 6"), "{unreadable}");
    let error = eval(&asked(folder.path(), "oops\n")).await.err().unwrap();
    assert!(error.to_string().contains("line 1"), "{error}");
    let error = eval(&asked(folder.path(), "")).await.err().unwrap();
    assert!(error.to_string().contains("no row in it"), "{error}");
}

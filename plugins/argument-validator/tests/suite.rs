//! The official JSON Schema test suite (drafts 7 and 2020-12, required tests), through the policy as it is called.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::PathBuf;

use argument_validator::ArgumentValidator;
use sandgate_sdk::testing::{context, document};
use sandgate_sdk::{Interceptor, PreDecision};
use serde_json::{Value, json};

/// Where `make peers` puts it.
fn suite() -> PathBuf {
    let peers = std::env::var_os("SANDGATE_PEERS").map_or_else(
        || {
            // …/<profile>/deps/<test>
            let test = std::env::current_exe().unwrap();
            test.ancestors().nth(3).unwrap().join("peers")
        },
        PathBuf::from,
    );
    let suite = peers.join("json-schema-suite/tests");
    assert!(
        suite.is_dir(),
        "{} is missing: run `make peers` (`make test` does)",
        suite.display()
    );
    suite
}

#[derive(Default, Debug)]
struct Outcome {
    tests: usize,
    directly: usize,
    /// Schemas that lead out of themselves: the policy never fetches anything.
    remote: usize,
    wrong: Vec<String>,
}

/// None where the schema cannot be used, else whether the value is let through.
fn verdict(schema: &Value, data: &Value) -> Option<bool> {
    let mut settings = json!({"coerce": false});
    for class in argument_validator::Class::ALL {
        settings[class.name()] = "pass".into();
    }
    let policy = ArgumentValidator::configure(serde_json::from_value(settings).unwrap()).unwrap();
    let definition = json!({"name": "x", "inputSchema": schema}).to_string();
    let context = context("tools/call").definition(&definition).build();
    let params = document(&json!({"name": "x", "arguments": data}).to_string());
    match policy.pre_call(&context, &params).unwrap() {
        PreDecision::Proceed => Some(true),
        PreDecision::Refuse(refusal) if refusal.code == "arguments.schema" => Some(false),
        PreDecision::Refuse(refusal) if refusal.code == "arguments.unusable-schema" => None,
        other => panic!("{other:?}"),
    }
}

fn run(draft: &str, dialect: &str) -> Outcome {
    let mut outcome = Outcome::default();
    let mut files: Vec<PathBuf> = fs::read_dir(suite().join(draft))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .collect();
    files.sort();
    for file in files {
        let groups: Vec<Value> = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        for group in groups {
            let mut schema = group["schema"].clone();
            if let Some(members) = schema.as_object_mut() {
                members.entry("$schema").or_insert_with(|| dialect.into());
            }
            for test in group["tests"].as_array().unwrap() {
                let data = &test["data"];
                let expected = test["valid"].as_bool().unwrap();
                outcome.tests += 1;
                let directly = schema_interpreter::fits(&schema.to_string(), &data.to_string());
                outcome.directly += usize::from(directly.is_some());
                let verdict = verdict(&schema, data);
                if verdict.is_none() && schema.to_string().contains("http://localhost:1234/") {
                    outcome.remote += 1;
                } else if verdict != Some(expected) || directly.is_some_and(|ours| ours != expected)
                {
                    outcome.wrong.push(format!(
                        "{}: {} / {}: {verdict:?}, directly {directly:?}",
                        file.display(),
                        group["description"],
                        test["description"]
                    ));
                }
            }
        }
    }
    outcome
}

#[test]
fn draft_7_is_judged_as_the_suite_says() {
    let outcome = run("draft7", "http://json-schema.org/draft-07/schema#");
    assert!(outcome.wrong.is_empty(), "{outcome:#?}");
    assert!(outcome.directly * 2 > outcome.tests, "{outcome:#?}");
}

#[test]
fn draft_2020_12_is_judged_as_the_suite_says() {
    let outcome = run(
        "draft2020-12",
        "https://json-schema.org/draft/2020-12/schema",
    );
    assert!(outcome.wrong.is_empty(), "{outcome:#?}");
    assert!(outcome.directly * 2 > outcome.tests, "{outcome:#?}");
}

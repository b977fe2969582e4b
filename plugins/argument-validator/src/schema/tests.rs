#![allow(clippy::unwrap_used)]
use serde_json::{Value, json};

use super::{Refusal, Tape, trouble};

/// The schema is a member of the definition, as in a call.
fn trouble_of(schema: &Value, arguments: &Value) -> Option<Refusal> {
    let definition = json!({"name": "x", "inputSchema": schema}).to_string();
    let definition = Tape::parse(&definition).unwrap();
    let arguments = arguments.to_string();
    let arguments = Tape::parse(&arguments).unwrap();
    let schema = definition.root().get("inputSchema").unwrap();
    trouble(schema, &arguments, false).unwrap()
}

fn code(schema: Value, arguments: Value) -> Option<String> {
    trouble_of(&schema, &arguments).map(|refusal| refusal.code)
}

#[test]
fn what_fits_is_let_through() {
    let schema =
        json!({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]});
    assert_eq!(code(schema, json!({"n": 1})), None);
}

#[test]
fn what_does_not_fit_is_named_without_being_repeated() {
    let schema = json!({
        "type": "object", "additionalProperties": false, "required": ["n"],
        "properties": {"n": {"type": "integer"}, "mode": {"enum": ["a", "b"]}, "id": {"pattern": "^\\d+$"}},
    });
    let refusal = trouble_of(
        &schema,
        &json!({"mode": "canary1", "id": "canary2", "canary3": 1}),
    )
    .unwrap();
    assert_eq!(refusal.code, "arguments.schema");
    assert!(
        !refusal.message.contains("canary")
            && !refusal.details.as_ref().unwrap().contains("canary"),
        "{}",
        refusal.message
    );
    for part in [
        "\"n\" is a required property",
        "/arguments/mode",
        "\"a\"",
        "/arguments/id",
        "only members that the schema names",
    ] {
        assert!(
            refusal.message.contains(part),
            "{part} in {}",
            refusal.message
        );
    }
}

#[test]
fn a_schema_that_leads_out_or_is_none_refuses() {
    for schema in [
        json!({"$ref": "https://example.com/s"}),
        json!({"$ref": "file:///etc/passwd"}),
        json!({"type": 5}),
        json!({"pattern": "("}),
    ] {
        assert_eq!(
            code(schema.clone(), json!({})).as_deref(),
            Some("arguments.unusable-schema"),
            "{schema}"
        );
    }
}

#[test]
fn a_schema_that_doubles_with_each_step_refuses() {
    let mut definitions = serde_json::Map::new();
    for n in 0..30 {
        let next = json!({"$ref": format!("#/$defs/d{}", n + 1)});
        definitions.insert(format!("d{n}"), json!({"allOf": [next, next]}));
    }
    definitions.insert("d30".into(), json!(true));
    assert_eq!(
        code(
            json!({"$ref": "#/$defs/d0", "$defs": definitions}),
            json!({})
        )
        .as_deref(),
        Some("arguments.unusable-schema")
    );
    assert_eq!(
        code(json!({"$ref": "#"}), json!({})).as_deref(),
        Some("arguments.unusable-schema")
    );
}

#[test]
fn a_schema_that_doubles_by_other_ways_refuses() {
    type Reference = fn(usize) -> Value;
    let references: [(&str, Reference); 6] = [
        (
            "percent-encoded pointers",
            |n| json!({"$ref": format!("#/%24defs/d{n}")}),
        ),
        ("anchors", |n| json!({"$ref": format!("#a{n}")})),
        (
            "dynamic references",
            |n| json!({"$dynamicRef": format!("#a{n}")}),
        ),
        (
            "identifiers",
            |n| json!({"$ref": format!("https://example.com/s/i{n}")}),
        ),
        (
            "pointers within an identified schema",
            |n| json!({"$ref": format!("https://example.com/s/root#/$defs/d{n}")}),
        ),
        (
            "schemas for dependants",
            |n| json!({"dependentSchemas": {"x": {"$ref": format!("#/$defs/d{n}")}}}),
        ),
    ];
    for (way, to) in references {
        let mut definitions = serde_json::Map::new();
        for n in 0..30 {
            let next = to(n + 1);
            let mut definition = json!({"allOf": [next, next]});
            match way {
                "anchors" => definition["$anchor"] = format!("a{n}").into(),
                "dynamic references" => definition["$dynamicAnchor"] = format!("a{n}").into(),
                "identifiers" => definition["$id"] = format!("i{n}").into(),
                _ => {}
            }
            definitions.insert(format!("d{n}"), definition);
        }
        let last = json!({"$anchor": "a30", "$dynamicAnchor": "a30"});
        definitions.insert("d30".into(), last);
        let schema =
            json!({"$id": "https://example.com/s/root", "allOf": [to(0)], "$defs": definitions});
        let began = std::time::Instant::now();
        let refused = code(schema, json!({"x": 1}));
        assert_eq!(
            refused.as_deref(),
            Some("arguments.unusable-schema"),
            "{way}"
        );
        assert!(began.elapsed().as_secs() < 5, "{way}");
    }
}

#[test]
fn a_tree_of_trees_is_no_doubling() {
    let schema = json!({"type": "object", "properties": {"child": {"$ref": "#"}}});
    assert_eq!(code(schema.clone(), json!({"child": {"child": {}}})), None);
    assert_eq!(
        code(schema, json!({"child": {"child": 1}})).as_deref(),
        Some("arguments.schema")
    );
}

#[test]
fn a_pattern_that_runs_away_is_stopped() {
    let schema = json!({"properties": {"x": {"pattern": "^(?=(a+)+$)(a|aa)+\\1$"}}});
    let refused = code(schema, json!({"x": format!("{}b", "a".repeat(2000))}));
    assert_eq!(refused.as_deref(), Some("arguments.schema"));
}

//! Checks that `schema-interpreter` judges as the library does.
#![allow(clippy::unwrap_used)]

use std::cell::Cell;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value, json};

use super::library;

/// The verdict of `schema-interpreter`, which must equal the library's.
fn agreed(schema: &Value, value: &Value) -> Option<bool> {
    let ours = schema_interpreter::fits(&schema.to_string(), &value.to_string())?;
    let theirs = library::trouble(schema, value).map(|refusal| refusal.code);
    let expected = (!ours).then_some("arguments.schema");
    assert_eq!(theirs.as_deref(), expected, "{schema} on {value}");
    Some(ours)
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[abc]",
        1 => prop::sample::select(vec!["", "ab", "é", "a/b", "not", "type", "$ref", "$x", "$id", "$anchor", "long-name-of-a-member", "a\"b\\"])
            .prop_map(str::to_owned),
    ]
}

fn number() -> impl Strategy<Value = Value> {
    let texts = vec![
        "0",
        "-0",
        "0.0",
        "-0.0",
        "1",
        "1.0",
        "10e-1",
        "2",
        "3",
        "-1",
        "1.5",
        "0.1",
        "1e3",
        "1e300",
        "-1e300",
        "9007199254740992",
        "9007199254740993",
        "9007199254740993.0",
        "9223372036854775807",
        "9223372036854775808",
        "9223372036854775808.0",
        "-9223372036854775808",
        "-9223372036854775809",
        "18446744073709551615",
        "18446744073709551616",
        "18446744073709551616.0",
        "1e-400",
        "123456789012345678901234567890",
    ];
    prop_oneof![
        3 => (-3i64..5).prop_map(Value::from),
        2 => prop::sample::select(texts).prop_map(|text| serde_json::from_str(text).unwrap()),
    ]
}

fn text() -> impl Strategy<Value = Value> {
    let texts = vec![
        "",
        "a",
        "b",
        "ab",
        "aab",
        "é",
        "日本語",
        "a\nb",
        "1",
        "2026-11-29",
        "2026-02-30",
        "2026-11-29T10:00:00Z",
        "2026-11-29T10:00:00.5+09:00",
        "2026-11-29T25:00:00Z",
        "a@b.example",
        "a@",
        "https://example.com/a?b=c",
        "https://",
        "not a uri",
        "x\u{2028}y",
        "\u{1f600}",
    ];
    prop::sample::select(texts).prop_map(Value::from)
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        number(),
        text(),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((name(), inner), 0..5)
                .prop_map(|members| members.into_iter().collect::<Map<_, _>>().into()),
        ]
    })
}

fn type_name() -> impl Strategy<Value = Value> {
    let names = vec![
        "null", "boolean", "integer", "number", "string", "array", "object",
    ];
    prop::sample::select(names).prop_map(Value::from)
}

fn pattern() -> impl Strategy<Value = String> {
    let patterns = vec![
        "^a",
        "b$",
        "^[a-c]+$",
        r"\d",
        "^.$",
        "^a{1,2}b?$",
        "",
        "^(a|ab)*$",
        "[^a]",
        r"^\w+$",
        r"\s",
        "(?=a)",
        "(",
        "é",
    ];
    prop::sample::select(patterns).prop_map(str::to_owned)
}

fn leaf_keyword() -> impl Strategy<Value = (String, Value)> {
    let sizes = vec![
        "minLength",
        "maxLength",
        "minItems",
        "maxItems",
        "minProperties",
        "maxProperties",
    ];
    let bounds = vec![
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
    ];
    let formats = vec!["date", "date-time", "email", "uri", "uuid", "ipv4", "x"];
    let notes = vec![
        "title",
        "description",
        "default",
        "examples",
        "readOnly",
        "deprecated",
        "x-note",
        "$comment",
        "contentEncoding",
    ];
    let size = prop_oneof![8 => (0i64..4).prop_map(Value::from), 1 => number()];
    prop_oneof![
        4 => type_name().prop_map(|name| ("type".to_owned(), name)),
        1 => prop::collection::vec(type_name(), 1..3).prop_map(|names| ("type".to_owned(), names.into())),
        2 => prop::collection::vec(value(), 0..4).prop_map(|values| ("enum".to_owned(), values.into())),
        1 => value().prop_map(|value| ("const".to_owned(), value)),
        3 => (prop::sample::select(sizes), size).prop_map(|(name, size)| (name.to_owned(), size)),
        3 => (prop::sample::select(bounds), number()).prop_map(|(name, bound)| (name.to_owned(), bound)),
        2 => prop::collection::vec(name(), 0..3).prop_map(|names| ("required".to_owned(), names.into())),
        1 => any::<bool>().prop_map(|unique| ("uniqueItems".to_owned(), unique.into())),
        1 => pattern().prop_map(|pattern| ("pattern".to_owned(), pattern.into())),
        1 => prop::sample::select(formats).prop_map(|format| ("format".to_owned(), format.into())),
        1 => (prop::sample::select(notes), value()).prop_map(|(name, value)| (name.to_owned(), value)),
        1 => (name(), prop::collection::vec(name(), 0..3))
            .prop_map(|(name, names)| ("dependentRequired".to_owned(), json!({ name: names }))),
        1 => prop::sample::select(vec!["#", "#/$defs/a", "#/$defs/b", "#/definitions/a", "#/properties/a", "#/allOf/0", "#/$defs/none", "other"])
            .prop_map(|reference| ("$ref".to_owned(), reference.into())),
    ]
}

fn schema() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        1 => any::<bool>().prop_map(Value::from),
        9 => prop::collection::vec(leaf_keyword(), 0..3)
            .prop_map(|members| members.into_iter().collect::<Map<_, _>>().into()),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        let one = vec!["additionalProperties", "propertyNames", "items", "contains", "not", "if", "then", "else", "additionalItems"];
        let list = vec!["allOf", "anyOf", "oneOf", "prefixItems", "items"];
        let map = vec!["properties", "properties", "properties", "$defs", "definitions", "dependentSchemas"];
        let named = prop::collection::vec((name(), inner.clone()), 0..4)
            .prop_map(|members| Value::from(members.into_iter().collect::<Map<_, _>>()));
        let matched = prop::collection::vec((pattern(), inner.clone()), 0..3)
            .prop_map(|members| Value::from(members.into_iter().collect::<Map<_, _>>()));
        let keyword = prop_oneof![
            4 => leaf_keyword(),
            3 => (prop::sample::select(one), inner.clone()).prop_map(|(name, schema)| (name.to_owned(), schema)),
            2 => (prop::sample::select(list), prop::collection::vec(inner, 1..4))
                .prop_map(|(name, schemas)| (name.to_owned(), schemas.into())),
            4 => (prop::sample::select(map), named).prop_map(|(name, schemas)| (name.to_owned(), schemas)),
            1 => matched.prop_map(|schemas| ("patternProperties".to_owned(), schemas)),
        ];
        prop::collection::vec(keyword, 0..5)
            .prop_map(|members| members.into_iter().collect::<Map<_, _>>().into())
    })
}

fn of_draft_7(schema: &Value) -> Value {
    let mut schema = schema.clone();
    if let Some(members) = schema.as_object_mut() {
        members.insert(
            "$schema".into(),
            "http://json-schema.org/draft-07/schema#".into(),
        );
    }
    schema
}

#[test]
fn generated_schemas_are_judged_as_by_the_library() {
    let (fit, unfit, unsure) = (Cell::new(0), Cell::new(0), Cell::new(0));
    let cases = std::env::var("PROPTEST_CASES").map_or(3_000, |cases| cases.parse().unwrap());
    let mut runner = TestRunner::new(Config::with_cases(cases));
    let count = |agreed: Option<bool>| {
        let counter = match agreed {
            Some(true) => &fit,
            Some(false) => &unfit,
            None => &unsure,
        };
        counter.set(counter.get() + 1);
    };
    let schemas_and_values = (schema(), prop::collection::vec(value(), 4));
    runner
        .run(&schemas_and_values, |(schema, values)| {
            for value in &values {
                count(agreed(&schema, value));
                count(agreed(&of_draft_7(&schema), value));
            }
            Ok(())
        })
        .unwrap();
    let all: u32 = fit.get() + unfit.get() + unsure.get();
    // Enough cases must be compared, not left out as unsure.
    assert!(
        fit.get() * 5 > all && unfit.get() * 10 > all,
        "{fit:?} {unfit:?} {unsure:?}"
    );
}

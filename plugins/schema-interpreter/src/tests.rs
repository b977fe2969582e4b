use super::*;

fn of(schema: &str, value: &str) -> Option<bool> {
    fits(schema, value)
}

#[test]
fn schemas_as_tools_have_them_are_judged() {
    let schema = r##"{
        "$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "title": "Search",
        "properties": {
            "query": {"type": "string", "minLength": 1, "description": "What to look for"},
            "limit": {"type": "integer", "minimum": 1, "maximum": 100, "default": 10},
            "order": {"enum": ["asc", "desc"]},
            "since": {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]},
            "filter": {"$ref": "#/$defs/Filter"}
        },
        "required": ["query"], "additionalProperties": false,
        "$defs": {"Filter": {"type": "object", "properties": {"tag": {"type": "string"}, "not": {"$ref": "#/$defs/Filter"}}}}
    }"##;
    for value in [
        r#"{"query": "x"}"#,
        r#"{"query": "x", "limit": 10.0, "order": "asc", "since": null}"#,
        r#"{"query": "x", "filter": {"not": {"not": {"tag": "a"}}}}"#,
    ] {
        assert_eq!(of(schema, value), Some(true), "{value}");
    }
    for value in [
        "{}",
        r#"{"query": ""}"#,
        r#"{"query": "x", "limit": 0}"#,
        r#"{"query": "x", "limit": 1.5}"#,
        r#"{"query": "x", "order": "up"}"#,
        r#"{"query": "x", "since": 1}"#,
        r#"{"query": "x", "more": 1}"#,
        r#"{"query": "x", "filter": {"not": {"not": {"tag": 1}}}}"#,
    ] {
        assert_eq!(of(schema, value), Some(false), "{value}");
    }
}

#[test]
fn members_may_be_named_as_those_of_odata_are() {
    let schema =
        r#"{"properties": {"$filter": {"type": "string"}}, "required": ["$filter"], "$note": 1}"#;
    assert_eq!(of(schema, r#"{"$filter": "x"}"#), Some(true));
    assert_eq!(of(schema, "{}"), Some(false));
}

#[test]
fn what_is_no_schema_is_not_judged_wherever_it_is_wrong() {
    for schema in [
        "5",
        r#"{"type": 5}"#,
        r#"{"type": "text"}"#,
        r#"{"type": []}"#,
        r#"{"type": ["string", "string"]}"#,
        r#"{"properties": {"never": {"properties": {"reached": {"type": 5}}}}}"#,
        r#"{"$defs": {"unused": {"minLength": -1}}}"#,
        r#"{"required": ["a", "a"]}"#,
        r#"{"required": "a"}"#,
        r#"{"allOf": []}"#,
        r#"{"pattern": "("}"#,
        r#"{"minimum": "1"}"#,
        r#"{"multipleOf": 0}"#,
        r#"{"description": 1}"#,
        r##"{"$ref": "#/$defs/none"}"##,
        r##"{"$ref": "#/x", "x": {}}"##,
        r#"{"$ref": "other.json"}"#,
        r#"{"then": 1}"#,
    ] {
        assert_eq!(of(schema, "{}"), None, "{schema}");
    }
}

#[test]
fn what_is_not_known_here_is_left_to_a_library() {
    for schema in [
        r#"{"$id": "x"}"#,
        r#"{"default": {"$id": "x"}}"#,
        r##"{"$dynamicRef": "#a"}"##,
        r#"{"properties": {"a": {"$schema": "http://json-schema.org/draft-07/schema#"}}}"#,
        r#"{"$schema": "http://json-schema.org/draft-04/schema#"}"#,
        r#"{"unevaluatedProperties": false}"#,
        r#"{"multipleOf": 0.1}"#,
        r#"{"type": "object", "type": "object"}"#,
        r##"{"$schema": "http://json-schema.org/draft-07/schema#", "dependencies": {}}"##,
    ] {
        assert_eq!(of(schema, "{}"), None, "{schema}");
    }
    assert_eq!(of("true", r#"{"a": 1, "a": 2}"#), None);
}

#[test]
fn hostile_schemas_and_values_end_soon() {
    let nested = |depth: usize| format!("{}{{}}{}", r#"{"not":"#.repeat(depth), "}".repeat(depth));
    assert!(of(&nested(30), "1").is_some());
    assert_eq!(of(&nested(70), "1"), None);

    // References that double with each step, and references that lead to themselves.
    let doubling: Vec<String> = (0..30)
        .map(|n| {
            let next = n + 1;
            format!(r##""d{n}": {{"allOf": [{{"$ref": "#/$defs/d{next}"}}, {{"$ref": "#/$defs/d{next}"}}]}}"##)
        })
        .collect();
    let doubling = format!(
        r##"{{"$ref": "#/$defs/d0", "$defs": {{{}, "d30": true}}}}"##,
        doubling.join(",")
    );
    assert_eq!(of(&doubling, "1"), None);
    assert_eq!(of(r##"{"$ref": "#"}"##, "1"), None);
    assert_eq!(
        of(
            r##"{"$ref": "#/$defs/a", "$defs": {"a": {"not": {"$ref": "#"}}}}"##,
            "1"
        ),
        None
    );

    // Recursive schemas, with a value as deep as the parser allows.
    let tree = r##"{"properties": {"child": {"allOf": [{"$ref": "#"}]}}}"##;
    let deep = format!("{}1{}", r#"{"child":"#.repeat(120), "}".repeat(120));
    assert_eq!(of(tree, &deep), None);

    let list = |count: usize, element: &dyn Fn(usize) -> String| {
        let elements: Vec<String> = (0..count).map(element).collect();
        format!("[{}]", elements.join(","))
    };
    // A long `enum` for each of many values.
    let choices = format!(
        r#"{{"items": {{"enum": {}}}}}"#,
        list(20_000, &|n| n.to_string())
    );
    assert_eq!(
        of(&choices, &list(2_000, &|n| (n + 19_000).to_string())),
        None
    );
    // Many elements that have to be compared with each other.
    let unique = r#"{"uniqueItems": true}"#;
    assert_eq!(of(unique, &list(5_000, &|n| format!("[{n}]"))), None);
    assert_eq!(
        of(unique, &list(5_000, &|n| format!("\"{n}\""))),
        Some(true)
    );
    // A pattern for each of many values, many patterns, and many references into a large map.
    assert_eq!(
        of(
            r#"{"items": {"pattern": "^a{100}$"}}"#,
            &list(5_000, &|_| "\"b\"".into())
        ),
        Some(false)
    );
    assert_eq!(
        of(
            r#"{"items": {"pattern": "^b"}}"#,
            &list(5_000, &|_| "\"b\"".into())
        ),
        None
    );
    assert_eq!(
        of(
            &format!(
                r#"{{"allOf": {}}}"#,
                list(500, &|_| r#"{"pattern": "a{100}"}"#.into())
            ),
            "1"
        ),
        None
    );
    let map = list(2_000, &|n| format!("\"m{n}\": true"));
    let references = list(2_000, &|_| r##"{"items": {"$ref": "#/$defs/m0"}}"##.into());
    let map = map.trim_matches(['[', ']']);
    assert_eq!(
        of(
            &format!(r#"{{"$defs": {{{map}}}, "prefixItems": {references}}}"#),
            "1"
        ),
        None
    );
}

#[test]
fn numbers_are_compared_by_value() {
    for (schema, value, fits) in [
        (r#"{"const": 1}"#, "1.0", true),
        (r#"{"const": 1}"#, "10e-1", true),
        (r#"{"type": "integer"}"#, "1e300", true),
        (
            r#"{"type": "integer"}"#,
            "123456789012345678901234567890",
            true,
        ),
        (
            r#"{"maximum": 18446744073709551615}"#,
            "18446744073709551616",
            false,
        ),
        (
            r#"{"maximum": 9007199254740992}"#,
            "9007199254740993",
            false,
        ),
        (
            r#"{"maximum": 9007199254740992.0}"#,
            "9007199254740993",
            false,
        ),
        (
            r#"{"enum": [18446744073709551615]}"#,
            "18446744073709551615.0",
            false,
        ),
        (r#"{"const": 0}"#, "-0.0", true),
        (r#"{"multipleOf": 3}"#, "-9", true),
        (r#"{"uniqueItems": true}"#, "[1, 1.0]", false),
    ] {
        assert_eq!(of(schema, value), Some(fits), "{schema} {value}");
    }
}

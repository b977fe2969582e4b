//! Settings for a plugin that nobody has given any: the defaults and examples of its schema.

use serde_json::{Map, Value};

/// The most levels of nested objects that get values, since a schema may refer to itself.
const DEEPEST: usize = 8;

/// The least settings that the schema may accept: for each required property its default, its first example, or a
/// value of its type. Whether the schema accepts them has to be checked.
pub(crate) fn least(schema: &Value) -> Value {
    object(schema, schema, 0).into()
}

fn object(root: &Value, schema: &Value, depth: usize) -> Map<String, Value> {
    let required = schema["required"].as_array().into_iter().flatten();
    let names = required.filter_map(Value::as_str);
    let values = names.map(|name| {
        let value = value(root, &schema["properties"][name], depth);
        (name.to_owned(), value)
    });
    values.collect()
}

fn value(root: &Value, schema: &Value, depth: usize) -> Value {
    let said = [&schema["default"], &schema["const"]];
    let listed = [&schema["examples"][0], &schema["enum"][0]];
    if let Some(value) = said
        .into_iter()
        .chain(listed)
        .find(|value| !value.is_null())
    {
        return value.clone();
    }
    if depth == DEEPEST {
        return Value::Null;
    }
    let target = schema["$ref"]
        .as_str()
        .and_then(|target| target.strip_prefix('#'));
    if let Some(target) = target.and_then(|pointer| root.pointer(pointer)) {
        return value_of_part(root, target, depth);
    }
    for either in ["oneOf", "anyOf"] {
        if let Some(first) = schema[either].get(0) {
            return value_of_part(root, first, depth);
        }
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds.first().and_then(Value::as_str),
        kind => kind.as_str(),
    };
    let least = || schema.get("minimum").cloned().unwrap_or_else(|| 1.into());
    match kind {
        Some("object") => object(root, schema, depth + 1).into(),
        Some("array") if schema["minItems"].as_u64().unwrap_or(0) == 0 => Value::Array(Vec::new()),
        Some("array") => vec![value_of_part(root, &schema["items"], depth)].into(),
        Some("integer" | "number") => least(),
        Some("boolean") => false.into(),
        Some("null") => Value::Null,
        _ => "example".into(),
    }
}

fn value_of_part(root: &Value, schema: &Value, depth: usize) -> Value {
    value(root, schema, depth + 1)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn required_settings_get_what_the_schema_says_and_others_none() {
        let schema = json!({
            "type": "object",
            "required": ["key", "mode", "limit", "more", "hosts", "again"],
            "properties": {
                "key": { "type": "string" },
                "mode": { "enum": ["mask", "drop"] },
                "limit": { "type": "integer", "minimum": 3 },
                "more": { "$ref": "#/$defs/more" },
                "hosts": { "type": "array", "minItems": 1, "items": { "examples": ["a.example"] } },
                "again": { "$ref": "#/properties/again" },
                "left-out": { "default": 7 },
            },
            "$defs": { "more": { "type": "object", "required": ["on"], "properties": { "on": { "default": true } } } },
        });
        assert_eq!(
            least(&schema),
            json!({
                "key": "example", "mode": "mask", "limit": 3, "more": { "on": true }, "hosts": ["a.example"],
                "again": null,
            })
        );
        assert_eq!(least(&json!({ "type": "object" })), json!({}));
    }
}

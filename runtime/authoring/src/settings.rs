//! Settings for a plugin that nobody has given any: the defaults and examples of its schema.

use serde_json::{Map, Value};

/// The most levels of nested objects that get values, since a schema may refer to itself.
const DEEPEST: usize = 8;
/// The most values.
const MOST: usize = 1000;

/// The least settings that a schema may accept. Whether the schema accepts them has to be checked.
pub(crate) struct Least {
    /// For each required property its default, its first example, or a value of its type.
    pub(crate) settings: Value,
    /// Whether a value is invented, so that the plugin may well reject it.
    pub(crate) invented: bool,
}

/// The least settings that the schema may accept.
pub(crate) fn least(schema: &Value) -> Least {
    let mut maker = Maker {
        root: schema,
        invented: false,
        left: MOST,
    };
    Least {
        settings: maker.object(schema, 0).into(),
        invented: maker.invented,
    }
}

struct Maker<'a> {
    root: &'a Value,
    invented: bool,
    /// The number of values that may still be made.
    left: usize,
}

impl Maker<'_> {
    fn object(&mut self, schema: &Value, depth: usize) -> Map<String, Value> {
        let required = schema["required"].as_array().into_iter().flatten();
        let names = required.filter_map(Value::as_str);
        let values = names.map(|name| {
            let value = self.value(&schema["properties"][name], depth);
            (name.to_owned(), value)
        });
        values.collect()
    }

    fn value(&mut self, schema: &Value, depth: usize) -> Value {
        let said = [&schema["default"], &schema["const"]];
        let listed = [&schema["examples"][0], &schema["enum"][0]];
        let mut said = said.into_iter().chain(listed);
        if let Some(value) = said.find(|value| !value.is_null()) {
            return value.clone();
        }
        if depth == DEEPEST || self.left == 0 {
            return Value::Null;
        }
        self.left -= 1;
        let target = schema["$ref"].as_str();
        let target = target.and_then(|target| target.strip_prefix('#'));
        if let Some(target) = target.and_then(|pointer| self.root.pointer(pointer)) {
            return self.value(target, depth + 1);
        }
        for either in ["oneOf", "anyOf"] {
            if let Some(first) = schema[either].get(0) {
                return self.value(first, depth + 1);
            }
        }
        let kind = match &schema["type"] {
            Value::Array(kinds) => kinds.first().and_then(Value::as_str),
            kind => kind.as_str(),
        };
        match kind {
            Some("object") => return self.object(schema, depth + 1).into(),
            Some("array") if schema["minItems"].as_u64().unwrap_or(0) == 0 => {
                return Value::Array(Vec::new());
            }
            Some("array") => return vec![self.value(&schema["items"], depth + 1)].into(),
            _ => {}
        }
        self.invented = true;
        match kind {
            Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or(1.into()),
            Some("boolean") => false.into(),
            Some("null") => Value::Null,
            _ => "example".into(),
        }
    }
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
            least(&schema).settings,
            json!({
                "key": "example", "mode": "mask", "limit": 3, "more": { "on": true }, "hosts": ["a.example"],
                "again": null,
            })
        );
        assert!(least(&schema).invented);
        let nothing = least(&json!({ "type": "object" }));
        assert_eq!((nothing.settings, nothing.invented), (json!({}), false));
    }
}

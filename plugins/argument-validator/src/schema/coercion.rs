//! Numbers and truth values that were sent as strings, as models do. Many servers read `"1"` as 1: pydantic does so for
//! every parameter, zod where it is told to. Other servers refuse such a call themselves.

use serde_json::Value;

/// The longest chain of references that is followed.
const REFERENCES: usize = 8;

/// Replaces each string that is exactly a JSON number or truth value where the schema wants one. Returns whether
/// anything was replaced.
pub(super) fn coerce(root: &Value, value: &mut Value) -> bool {
    at(root, root, value)
}

fn at(root: &Value, schema: &Value, value: &mut Value) -> bool {
    let schema = resolved(root, schema);
    match value {
        Value::String(text) => {
            let read = match wanted(root, schema, 0) {
                types if types.string => None,
                types => read(text, types),
            };
            let is_read = read.is_some();
            if let Some(read) = read {
                *value = read;
            }
            is_read
        }
        Value::Object(members) => {
            let Some(properties) = schema.get("properties") else {
                return false;
            };
            let mut is_any = false;
            for (name, member) in members {
                let property = properties.get(name);
                is_any |= property.is_some_and(|property| at(root, property, member));
            }
            is_any
        }
        Value::Array(elements) => {
            let Some(items) = schema.get("items") else {
                return false;
            };
            let mut is_any = false;
            for element in elements {
                is_any |= at(root, items, element);
            }
            is_any
        }
        _ => false,
    }
}

/// The scalar types that a schema accepts.
#[derive(Clone, Copy, Default)]
struct Types {
    string: bool,
    integer: bool,
    number: bool,
    boolean: bool,
}

fn wanted(root: &Value, schema: &Value, depth: usize) -> Types {
    let mut types = Types::default();
    let mut name = |name: &str| match name {
        "string" => types.string = true,
        "integer" => types.integer = true,
        "number" => types.number = true,
        "boolean" => types.boolean = true,
        _ => {}
    };
    match schema.get("type") {
        Some(Value::String(one)) => name(one),
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).for_each(name),
        _ => {}
    }
    if depth < REFERENCES {
        for keyword in ["anyOf", "oneOf"] {
            let branches = schema.get(keyword).and_then(Value::as_array);
            for branch in branches.into_iter().flatten().take(16) {
                let more = wanted(root, resolved(root, branch), depth + 4);
                types.string |= more.string;
                types.integer |= more.integer;
                types.number |= more.number;
                types.boolean |= more.boolean;
            }
        }
    }
    types
}

fn read(text: &str, types: Types) -> Option<Value> {
    let is_spelled = text.starts_with(|first: char| first.is_ascii_digit() || first == '-')
        && !text.ends_with(char::is_whitespace);
    match text {
        "true" if types.boolean => Some(Value::Bool(true)),
        "false" if types.boolean => Some(Value::Bool(false)),
        _ if is_spelled && (types.integer || types.number) => {
            let number: Value = serde_json::from_str(text).ok()?;
            let is_whole = number.as_f64().is_some_and(|number| number.fract() == 0.0);
            (number.is_number() && (types.number || is_whole)).then_some(number)
        }
        _ => None,
    }
}

fn resolved<'s>(root: &'s Value, schema: &'s Value) -> &'s Value {
    let mut schema = schema;
    for _ in 0..REFERENCES {
        let target = schema
            .get("$ref")
            .and_then(Value::as_str)
            .and_then(|reference| root.pointer(reference.strip_prefix('#')?));
        match target {
            Some(target) => schema = target,
            None => break,
        }
    }
    schema
}

//! Whether a tool's output schema leaves room for a mark. The check errs on the strict side: where a part of the schema
//! cannot be read, or asks for a form, there is no room, and the reply is withheld.

use sandgate_sdk::pointer::unescape;
use serde_json::{Map, Value};

/// Most references and nested schemas that are followed.
const DEPTH: usize = 64;

/// Most schemas that are looked at for one value: `anyOf` with two references to itself doubles with each step.
const STEPS: usize = 1_000;

/// Whether the value at the pointer may become `text`.
pub(crate) fn has_room(schema: &Value, pointer: &str, text: &str) -> bool {
    let path: Vec<String> = pointer
        .split('/')
        .skip(1)
        .map(|part| unescape(part).into_owned())
        .collect();
    let mut search = Search {
        root: schema,
        text,
        steps: 0,
        has_room: true,
    };
    search.look(schema, &path, 0);
    search.has_room
}

struct Search<'s> {
    root: &'s Value,
    text: &'s str,
    steps: usize,
    has_room: bool,
}

impl<'s> Search<'s> {
    fn look(&mut self, schema: &'s Value, path: &[String], depth: usize) {
        let Value::Object(schema) = schema else {
            return;
        };
        self.steps += 1;
        if depth > DEPTH || self.steps > STEPS || schema.contains_key("$dynamicRef") {
            self.has_room = false;
        }
        if !self.has_room {
            return;
        }
        if let Some(reference) = schema.get("$ref") {
            let target = reference
                .as_str()
                .and_then(|reference| reference.strip_prefix('#'))
                .and_then(|pointer| self.root.pointer(pointer));
            match target {
                Some(target) => self.look(target, path, depth + 1),
                None => self.has_room = false,
            }
        }
        for keyword in ["allOf", "anyOf", "oneOf"] {
            let branches = schema.get(keyword).and_then(Value::as_array);
            for branch in branches.into_iter().flatten() {
                self.look(branch, path, depth + 1);
            }
        }
        for keyword in ["then", "else"] {
            if let Some(branch) = schema.get(keyword) {
                self.look(branch, path, depth + 1);
            }
        }
        match path.split_first() {
            None => self.has_room &= admits(schema, self.text),
            Some((name, rest)) => {
                // What does not apply to a string's neighbours may still name the whole.
                self.has_room &= !schema.contains_key("const") && !schema.contains_key("enum");
                for part in parts(schema, name) {
                    self.look(part, rest, depth + 1);
                }
            }
        }
    }
}

/// Whether no keyword excludes the text. A pattern or a format that a key has, a mark has not.
fn admits(schema: &Map<String, Value>, text: &str) -> bool {
    let length = text.chars().count() as u64;
    schema
        .iter()
        .all(|(keyword, value)| match keyword.as_str() {
            "pattern" | "enum" | "const" | "not" | "contentEncoding" => false,
            "format" => value.as_str() == Some("password"),
            "minLength" => value.as_u64().is_some_and(|least| length >= least),
            "maxLength" => value.as_u64().is_some_and(|most| length <= most),
            _ => true,
        })
}

/// The schemas that apply to the member with that name, or to the element with that index.
fn parts<'s>(schema: &'s Map<String, Value>, name: &str) -> Vec<&'s Value> {
    let mut parts = Vec::new();
    if let Some(member) = schema
        .get("properties")
        .and_then(|members| members.get(name))
    {
        parts.push(member);
    } else {
        // The patterns are not matched against the name. The value must satisfy the schemas of all of them.
        let patterns = schema.get("patternProperties").and_then(Value::as_object);
        parts.extend(patterns.into_iter().flat_map(Map::values));
        parts.extend(schema.get("additionalProperties"));
        parts.extend(schema.get("unevaluatedProperties"));
    }
    if let Ok(index) = name.parse::<usize>() {
        let tuple = schema
            .get("prefixItems")
            .or(schema.get("items"))
            .and_then(Value::as_array);
        match tuple.and_then(|tuple| tuple.get(index)) {
            Some(element) => parts.push(element),
            None => parts.extend(
                ["items", "additionalItems", "unevaluatedItems"]
                    .into_iter()
                    .filter_map(|keyword| schema.get(keyword)),
            ),
        }
    }
    parts
}

/// Whether the input schema says that the argument at the pointer takes a credential: `format: password` or
/// `writeOnly: true`.
pub(crate) fn takes_credential(schema: &Value, pointer: &str) -> bool {
    let mut at = schema;
    for name in pointer.split('/').skip(1) {
        let name = unescape(name);
        let next = at
            .get("properties")
            .and_then(|members| members.get(&*name))
            .or_else(|| at.get("items"));
        let Some(next) = next else {
            return false;
        };
        at = next;
    }
    at.get("format").and_then(Value::as_str) == Some("password")
        || at.get("writeOnly").and_then(Value::as_bool) == Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn forms_leave_no_room() {
        let schema = json!({
            "$defs": {"key": {"pattern": "^sk_"}},
            "properties": {
                "free": {"type": "string", "description": "x"}, "key": {"$ref": "#/$defs/key"}, "id": {"format": "uuid"},
                "short": {"maxLength": 5}, "one": {"enum": ["a"]}, "secret": {"format": "password"},
                "far": {"$ref": "https://example.com/s"},
                "list": {"items": {"anyOf": [{"type": "null"}, {"const": "x"}]}},
            },
        });
        for (pointer, room) in [
            ("/free", true),
            ("/other", true),
            ("/secret", true),
            ("/key", false),
            ("/id", false),
            ("/short", false),
            ("/one", false),
            ("/far", false),
            ("/list/3", false),
        ] {
            assert_eq!(has_room(&schema, pointer, "[secret~x]"), room, "{pointer}");
        }
        assert!(!has_room(
            &json!({"anyOf": [{"$ref": "#"}, {"$ref": "#"}]}),
            "/a",
            "x"
        ));
    }

    #[test]
    fn a_schema_can_ask_for_a_credential() {
        let schema = json!({"properties": {
            "value": {"format": "password"}, "pin": {"writeOnly": true}, "note": {"type": "string"},
            "list": {"items": {"properties": {"x": {"format": "password"}}}},
        }});
        for (pointer, takes) in [
            ("/value", true),
            ("/pin", true),
            ("/note", false),
            ("/list/0/x", true),
            ("/no/x", false),
        ] {
            assert_eq!(takes_credential(&schema, pointer), takes, "{pointer}");
        }
    }
}

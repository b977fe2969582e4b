//! Whether a mark may stand where a tool's own schema says what stands there. Where it says more than "a text", the
//! client would reject the mark, so there is no room.

use sandgate_sdk::pointer;
use serde_json::Value;

/// References and alternatives that are followed.
const DEEPEST: usize = 32;

/// Keywords that bind no text.
const FREE: [&str; 10] = [
    "title",
    "description",
    "default",
    "examples",
    "deprecated",
    "readOnly",
    "writeOnly",
    "$comment",
    "nullable",
    "x-order",
];

/// Keywords of a whole schema that bind nothing by themselves.
const KEPT: [&str; 5] = [
    "$defs",
    "definitions",
    "$schema",
    "$id",
    "x-fastmcp-wrap-result",
];

/// What a tool's definition says of `structuredContent`.
pub(crate) enum Room {
    /// Nothing.
    Unbound,
    /// Something that cannot be read.
    Unknown,
    /// The output schema.
    Schema(Value),
}

impl Room {
    /// Without a definition, or without an output schema in it, nothing is bound.
    pub(crate) fn of(definition: Option<&str>) -> Self {
        let Some(definition) = definition else {
            return Self::Unbound;
        };
        match serde_json::from_str::<Value>(definition) {
            Ok(mut definition) => match definition.get_mut("outputSchema") {
                Some(schema) => Self::Schema(schema.take()),
                None => Self::Unbound,
            },
            Err(_) => Self::Unknown,
        }
    }

    /// Whether any text may stand at this pointer of `structuredContent`.
    pub(crate) fn takes_any_text(&self, pointer: &str) -> bool {
        let schema = match self {
            Self::Unbound => return true,
            Self::Unknown => return false,
            Self::Schema(schema) => schema,
        };
        let tokens: Vec<String> = pointer
            .split('/')
            .skip(1)
            .map(|part| pointer::unescape(part).into_owned())
            .collect();
        takes(schema, schema, &tokens, DEEPEST)
    }
}

fn takes(root: &Value, schema: &Value, path: &[String], depth: usize) -> bool {
    let Some(depth) = depth.checked_sub(1) else {
        return false;
    };
    let members = match schema {
        Value::Bool(any) => return *any,
        Value::Object(members) => members,
        _ => return false,
    };
    // Beside a reference or alternatives, what binds would bind as well.
    let is_alone = |keyword: &str| {
        members
            .keys()
            .all(|other| other == keyword || FREE.contains(&&**other) || KEPT.contains(&&**other))
    };
    if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
        if !is_alone("$ref") {
            return false;
        }
        let target = reference.strip_prefix('#').and_then(|at| root.pointer(at));
        return target.is_some_and(|target| takes(root, target, path, depth));
    }
    for keyword in ["anyOf", "oneOf"] {
        if let Some(alternatives) = members.get(keyword).and_then(Value::as_array) {
            return is_alone(keyword)
                && alternatives.iter().any(|one| takes(root, one, path, depth));
        }
    }
    let Some((first, rest)) = path.split_first() else {
        let is_text = match members.get("type") {
            None => true,
            Some(Value::String(kind)) => kind == "string",
            Some(kinds) => kinds
                .as_array()
                .is_some_and(|kinds| kinds.iter().any(|kind| kind == "string")),
        };
        return is_text
            && members
                .keys()
                .all(|keyword| keyword == "type" || FREE.contains(&keyword.as_str()));
    };
    // What other keywords say of members and elements is not followed.
    let is_plain = members.keys().all(|keyword| {
        FREE.contains(&keyword.as_str())
            || KEPT.contains(&keyword.as_str())
            || matches!(
                keyword.as_str(),
                "type" | "properties" | "items" | "required" | "additionalProperties"
            )
    });
    if !is_plain {
        return false;
    }
    if let Some(member) = members.get("properties").and_then(|all| all.get(first)) {
        return takes(root, member, rest, depth);
    }
    let others = match first.bytes().all(|byte| byte.is_ascii_digit()) {
        true => members.get("items").or(members.get("additionalProperties")),
        false => members.get("additionalProperties"),
    };
    others.is_none_or(|others| takes(root, others, rest, depth))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_mark_has_room_where_the_schema_wants_a_text_and_no_more() {
        let definition = json!({"outputSchema": {
            "type": "object",
            "properties": {
                "note": {"type": "string", "description": "d"},
                "maybe": {"anyOf": [{"type": "string"}, {"type": "null"}]},
                "mail": {"type": "string", "format": "email"},
                "kind": {"enum": ["a"]},
                "short": {"type": "string", "maxLength": 5},
                "list": {"type": "array", "items": {"$ref": "#/$defs/row"}},
                "odd": {"allOf": [{"type": "string"}]},
                "loop": {"$ref": "#/properties/loop"},
                "long": {"type": "string", "minLength": 50},
                "told": {"title": "t", "default": null, "anyOf": [{"type": "string"}, {"type": "null"}]},
                "bound": {"$ref": "#/properties/note", "maxLength": 5},
                "typed": {"type": "number", "anyOf": [{"type": "string"}]},
                "both": {"oneOf": [{"type": "string"}], "enum": ["a"]},
            },
            "$defs": {"row": {"type": "object", "properties": {"name": {"type": "string"}, "id": {"pattern": "^x"}}}},
        }})
        .to_string();
        let room = Room::of(Some(&definition));
        let takes = |pointer: &str| room.takes_any_text(pointer);
        for pointer in [
            "/note",
            "/maybe",
            "/told",
            "/list/0/name",
            "/unknown",
            "/list/3/other/deep",
        ] {
            assert!(takes(pointer), "{pointer}");
        }
        for pointer in [
            "/mail",
            "/kind",
            "/short",
            "/list/0/id",
            "/odd",
            "/loop",
            "/long",
            "/bound",
            "/typed",
            "/both",
        ] {
            assert!(!takes(pointer), "{pointer}");
        }
        assert!(Room::of(None).takes_any_text("/mail"));
        assert!(Room::of(Some("{}")).takes_any_text("/mail"));
        assert!(!Room::of(Some("{")).takes_any_text("/mail"));
    }
}

//! What a tool's output schema requires of a value. The check errs on the strict side: where a part of the schema
//! cannot be read, no value passes, and the reply is withheld.

use std::net::{Ipv4Addr, Ipv6Addr};

use sandgate_sdk::pointer;
use serde_json::{Map, Value};

/// Most references and nested schemas that are followed.
const DEPTH: usize = 64;

/// Most schemas that are looked at for one value: `anyOf` with two references to itself doubles with each step.
const STEPS: usize = 1_000;

/// The schemas that restrict one value.
pub(crate) struct Bounds<'s> {
    rules: Vec<&'s Map<String, Value>>,
    /// Whether a part of the schema could not be read.
    unreadable: bool,
    /// Whether a schema of the value allows no text.
    no_text: bool,
    /// Whether the value is in a list whose elements differ.
    distinct: bool,
    steps: usize,
}

impl<'s> Bounds<'s> {
    /// The bounds of the value at the pointer, which leads into `structuredContent`.
    pub(crate) fn of(schema: &'s Value, pointer: &str) -> Self {
        let path: Vec<String> = pointer
            .split('/')
            .skip(1)
            .map(|part| pointer::unescape(part).into_owned())
            .collect();
        let mut bounds = Self {
            rules: Vec::new(),
            unreadable: false,
            no_text: false,
            distinct: false,
            steps: 0,
        };
        bounds.collect(schema, schema, &path, 0);
        bounds
    }

    /// Whether every text satisfies the bounds.
    pub(crate) fn are_free(&self) -> bool {
        !self.unreadable && self.rules.is_empty()
    }

    /// Whether the text satisfies all bounds.
    pub(crate) fn let_pass(&self, text: &str) -> bool {
        !self.unreadable
            && self.rules.iter().all(|rule| {
                rule.iter()
                    .all(|(keyword, value)| passes(keyword, value, text))
            })
    }

    /// Whether the value must differ from the others of its list.
    pub(crate) fn are_distinct(&self) -> bool {
        self.distinct
    }

    /// Whether the value, which is a number, may become a text.
    pub(crate) fn let_texts_pass(&self) -> bool {
        !self.unreadable && !self.no_text
    }

    fn collect(&mut self, root: &'s Value, schema: &'s Value, path: &[String], depth: usize) {
        let Value::Object(schema) = schema else {
            return;
        };
        self.steps += 1;
        if depth > DEPTH || self.steps > STEPS {
            self.unreadable = true;
            return;
        }
        if let Some(reference) = schema.get("$ref") {
            match reference
                .as_str()
                .and_then(|reference| reference.strip_prefix('#'))
                .and_then(|pointer| root.pointer(pointer))
            {
                Some(target) => self.collect(root, target, path, depth + 1),
                None => self.unreadable = true,
            }
        }
        self.unreadable |= schema.contains_key("$dynamicRef");
        for keyword in ["allOf", "anyOf", "oneOf"] {
            for branch in schema
                .get(keyword)
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
            {
                self.collect(root, branch, path, depth + 1);
            }
        }
        for keyword in ["then", "else"] {
            if let Some(branch) = schema.get(keyword) {
                self.collect(root, branch, path, depth + 1);
            }
        }
        match path.split_first() {
            None => {
                self.no_text |= schema.get("type").is_some_and(|kind| !allows_text(kind));
                if schema
                    .keys()
                    .any(|keyword| BINDING.contains(&keyword.as_str()))
                {
                    self.rules.push(schema);
                }
            }
            Some((name, rest)) => {
                self.distinct |= schema.get("uniqueItems") == Some(&Value::Bool(true));
                for part in parts(schema, name) {
                    self.collect(root, part, rest, depth + 1);
                }
            }
        }
    }
}

/// The keywords that may exclude a mask.
const BINDING: [&str; 13] = [
    "format",
    "pattern",
    "enum",
    "const",
    "minLength",
    "maxLength",
    "not",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "contentEncoding",
];

/// The schemas that apply to the member with that name, or to the element with that index.
fn parts<'s>(schema: &'s Map<String, Value>, name: &str) -> Vec<&'s Value> {
    let mut parts = Vec::new();
    let member = schema
        .get("properties")
        .and_then(|members| members.get(name));
    parts.extend(member);
    let patterns = schema.get("patternProperties").and_then(Value::as_object);
    for (pattern, part) in patterns.into_iter().flatten() {
        // A pattern that cannot be read may fit.
        if regex_lite::Regex::new(pattern).map_or(true, |pattern| pattern.is_match(name)) {
            parts.push(part);
        }
    }
    if member.is_none() {
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

/// Whether the value of `type` allows a text.
fn allows_text(kind: &Value) -> bool {
    match kind {
        Value::Array(kinds) => kinds.iter().any(allows_text),
        kind => kind == "string",
    }
}

/// Whether the text satisfies the keyword.
fn passes(keyword: &str, value: &Value, text: &str) -> bool {
    let length = || text.chars().count() as u64;
    match keyword {
        "format" => value.as_str().is_none_or(|format| has_format(format, text)),
        "pattern" => value
            .as_str()
            .and_then(|pattern| regex_lite::Regex::new(pattern).ok())
            .is_some_and(|pattern| pattern.is_match(text)),
        "enum" | "const" | "not" | "contentEncoding" => false,
        "minLength" => value.as_u64().is_some_and(|least| length() >= least),
        "maxLength" => value.as_u64().is_some_and(|most| length() <= most),
        _ => true,
    }
}

/// Whether the text has the format. Formats that no mask has are never satisfied; unknown names restrict nothing.
fn has_format(format: &str, text: &str) -> bool {
    match format {
        "email" | "idn-email" => text.split_once('@').is_some_and(|(local, domain)| {
            let is_plain = |part: &str| {
                !part.is_empty()
                    && part
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'))
            };
            is_plain(local) && is_plain(domain)
        }),
        "ipv4" => text.parse::<Ipv4Addr>().is_ok(),
        "ipv6" => text.parse::<Ipv6Addr>().is_ok(),
        "uri" | "uri-reference" | "iri" | "iri-reference" => {
            !text.contains(['[', ']', ' ', '"', '<', '>'])
        }
        "date"
        | "time"
        | "date-time"
        | "duration"
        | "uuid"
        | "hostname"
        | "idn-hostname"
        | "regex"
        | "json-pointer"
        | "relative-json-pointer"
        | "uri-template" => false,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn passes_at(schema: &Value, pointer: &str, text: &str) -> bool {
        Bounds::of(schema, pointer).let_pass(text)
    }

    #[test]
    fn a_plain_string_is_free() {
        let schema = json!({"type": "object", "properties": {"note": {"type": "string", "description": "x"}}});
        assert!(Bounds::of(&schema, "/note").are_free());
        assert!(Bounds::of(&json!(true), "/note").are_free());
    }

    #[test]
    fn formats_lengths_and_patterns_bind() {
        let schema = json!({"properties": {
            "mail": {"format": "email"}, "code": {"pattern": "^\\+\\d+$"}, "short": {"maxLength": 5}, "one": {"const": "x"}, "odd": {"pattern": "(?<=x)y"},
        }});
        assert!(passes_at(&schema, "/mail", "masked-1@example.invalid"));
        assert!(!passes_at(&schema, "/mail", "[email]"));
        assert!(passes_at(&schema, "/code", "+9990000001"));
        assert!(!passes_at(&schema, "/code", "[phone]"));
        assert!(!passes_at(&schema, "/short", "[email]"));
        assert!(!passes_at(&schema, "/one", "x"));
        assert!(
            !passes_at(&schema, "/odd", "xy"),
            "a pattern that cannot be read binds"
        );
    }

    #[test]
    fn references_branches_and_lists_are_followed() {
        let schema = json!({
            "$defs": {"contact": {"anyOf": [{"type": "null"}, {"properties": {"mail": {"format": "email"}}}]}},
            "properties": {"people": {"items": {"$ref": "#/$defs/contact"}}},
        });
        assert!(!passes_at(&schema, "/people/3/mail", "[email]"));
        assert!(Bounds::of(&schema, "/people/3/name").are_free());
    }

    #[test]
    fn what_cannot_be_read_lets_nothing_pass() {
        for schema in [
            json!({"$ref": "https://example.com/schema"}),
            json!({"$ref": "#/nowhere"}),
            json!({"anyOf": [{"$ref": "#"}, {"$ref": "#"}]}),
            json!({"$ref": "#"}),
        ] {
            assert!(!passes_at(&schema, "/a", "x"), "{schema}");
        }
    }

    #[test]
    fn a_number_may_become_a_text_only_where_a_text_may_stand() {
        let schema = json!({"properties": {"card": {"type": "integer"}, "any": {}, "both": {"type": ["integer", "string"]}}});
        assert!(!Bounds::of(&schema, "/card").let_texts_pass());
        assert!(Bounds::of(&schema, "/any").let_texts_pass());
        assert!(Bounds::of(&schema, "/both").let_texts_pass());
    }

    #[test]
    fn patterns_of_names_bind_members_that_are_listed_too() {
        let schema = json!({"properties": {"mail": {}}, "patternProperties": {"^m": {"format": "email"}, "^x": {"const": 1}}});
        assert!(!passes_at(&schema, "/mail", "[email]"));
        assert!(passes_at(&schema, "/mail", "masked-1@example.invalid"));
    }

    #[test]
    fn elements_of_a_set_are_distinct() {
        let schema = json!({"properties": {"all": {"items": {}, "uniqueItems": true}, "list": {"items": {}}}});
        assert!(Bounds::of(&schema, "/all/0").are_distinct());
        assert!(!Bounds::of(&schema, "/list/0").are_distinct());
    }
}

//! Checking settings against a plugin's JSON Schema. The work that a schema takes is counted before it is used: anybody
//! may have written the schema, and a few lines of it can take more time than there is.

use std::collections::HashMap;

use jsonschema::error::ValidationErrorKind;
use sandgate_message::pointer;
use serde_json::Value;

/// Subschemas of one schema, each counted as often as it is referred to. The largest schema of the plugins that come
/// with the gateway has fewer than a hundred.
const MAX_WORK: u64 = 100_000;
/// Subschemas that are nested in one another or refer to one another in a row.
const MAX_DEPTH: usize = 200;
/// Issues that are reported; further ones are dropped.
const MAX_ISSUES: usize = 100;

/// A part of the settings that is not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    /// The JSON Pointer to the part within the settings.
    pub pointer: String,
    /// What is wrong. The text never holds a value that came from the environment or a file.
    pub message: String,
}

/// Checks that a settings schema can be used.
///
/// # Errors
/// The text says why not: the schema is not valid, refers to something outside of it, or takes too much work.
pub fn check_schema(schema: &Value) -> Result<(), String> {
    issues(schema, &Value::Null, true).map(drop)
}

/// Checks settings against a schema and returns what is wrong, at most [`MAX_ISSUES`] issues. With `private`, the texts
/// hold no values of the settings.
///
/// # Errors
/// The schema cannot be used, see [`check_schema`].
pub(crate) fn issues(
    schema: &Value,
    settings: &Value,
    private: bool,
) -> Result<Vec<Issue>, String> {
    let mut work = WorkCounter {
        root: schema,
        known: HashMap::new(),
    };
    work.count(schema, 0)?;
    let validator = jsonschema::draft202012::new(schema).map_err(|error| {
        let place = error.instance_path().to_string();
        if place.is_empty() {
            error.to_string()
        } else {
            format!("{error} (at {place})")
        }
    })?;
    Ok(validator
        .iter_errors(settings)
        .flat_map(|error| issues_of(&error, private))
        .take(MAX_ISSUES)
        .collect())
}

/// The issues that one error of the validator stands for.
fn issues_of(error: &jsonschema::ValidationError<'_>, private: bool) -> Vec<Issue> {
    let pointer = error.instance_path().to_string();
    let message = match error.kind() {
        // The validator points at the object. The issue points at the key, which is what has to be changed.
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            let unknown = |name: &String| Issue {
                pointer: format!("{pointer}/{}", pointer::escape(name)),
                message: "there is no such setting".to_owned(),
            };
            return unexpected.iter().map(unknown).collect();
        }
        _ if private => error.masked().to_string(),
        // The validator would leave most options out, and the one that was meant is likely among them.
        ValidationErrorKind::Enum { options } => {
            let options: Vec<_> = options
                .as_array()
                .into_iter()
                .flatten()
                .map(Value::to_string)
                .collect();
            format!("{} is not one of {}", error.instance(), options.join(", "))
        }
        _ => error.to_string(),
    };
    vec![Issue { pointer, message }]
}

/// Counts the work of checking one place of a document against a schema: the number of subschemas that apply.
struct WorkCounter<'a> {
    root: &'a Value,
    /// The work of each part that was counted, by the part's address in memory. A part whose count is in progress has
    /// 1: a reference back to it is followed only as deep as the document goes.
    known: HashMap<*const Value, u64>,
}

impl<'a> WorkCounter<'a> {
    /// The work of `part`, which lies `depth` levels below the schema.
    fn count(&mut self, part: &'a Value, depth: usize) -> Result<u64, String> {
        let parts = match part {
            Value::Object(members) => members.len(),
            Value::Array(elements) => elements.len(),
            _ => return Ok(1),
        };
        if let Some(weight) = self.known.get(&std::ptr::from_ref(part)) {
            return Ok(*weight);
        }
        if depth > MAX_DEPTH {
            return Err("it is nested, or refers on, too deeply".into());
        }
        self.known.insert(part, 1);
        let mut weight = 1 + parts as u64;
        let mut add = |more: u64| {
            weight += more;
            if weight > MAX_WORK {
                return Err(format!(
                    "it takes too much work: more than {MAX_WORK} subschemas, each counted as often as it is referred to"
                ));
            }
            Ok(())
        };
        match part {
            Value::Object(members) => {
                for (name, member) in members {
                    let member = self.resolve(name, member, depth)?;
                    add(self.count(member, depth + 1)?)?;
                }
            }
            Value::Array(elements) => {
                for element in elements {
                    add(self.count(element, depth + 1)?)?;
                }
            }
            _ => {}
        }
        self.known.insert(part, weight);
        Ok(weight)
    }

    /// The member, or the part of the schema that it refers to. A reference that could mean anything but a place in
    /// this schema is refused, so that the parts that were counted are the parts that the validator follows.
    fn resolve(&self, name: &str, member: &'a Value, depth: usize) -> Result<&'a Value, String> {
        let Value::String(text) = member else {
            return Ok(member);
        };
        match name {
            "$ref" | "$dynamicRef" => text
                .strip_prefix('#')
                .filter(|pointer| !pointer.contains('%'))
                .and_then(|pointer| self.root.pointer(pointer))
                .ok_or_else(|| {
                    format!("it refers to {text:?}: only places within it can be referred to, as #/$defs/name")
                }),
            "$schema" if text != "https://json-schema.org/draft/2020-12/schema" => Err(format!(
                "it is written for {text:?}; this gateway reads https://json-schema.org/draft/2020-12/schema"
            )),
            "$id" if depth > 0 => Err("it has an `$id` below the top".into()),
            _ => Ok(member),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    fn wrong(schema: Value) -> String {
        issues(&schema, &json!({}), false).unwrap_err()
    }

    #[test]
    fn issues_point_at_the_place() {
        let schema = json!({ "properties": { "a": { "$ref": "#/$defs/n" } }, "$defs": { "n": { "maximum": 3 } } });
        let found = issues(&schema, &json!({ "a": 5 }), false).unwrap();
        assert_eq!(found[0].pointer, "/a");
        assert!(found[0].message.contains('5'));
        let found = issues(&schema, &json!({ "a": 5 }), true).unwrap();
        assert!(!found[0].message.contains('5'), "{found:?}");
    }

    #[test]
    fn an_unknown_setting_is_named_and_a_choice_told_as_a_whole() {
        let kinds = ["a", "b", "c", "d", "e", "f", "g"];
        let schema =
            json!({ "properties": { "kind": { "enum": kinds } }, "additionalProperties": false });
        let found = issues(
            &schema,
            &json!({ "kind": "x", "k/nd": 1, "kimd": 2 }),
            false,
        )
        .unwrap();
        let mut pointers: Vec<_> = found.iter().map(|issue| issue.pointer.as_str()).collect();
        pointers.sort_unstable();
        assert_eq!(pointers, ["/kimd", "/kind", "/k~1nd"]);
        let choice = found.iter().find(|issue| issue.pointer == "/kind").unwrap();
        assert_eq!(
            choice.message,
            r#""x" is not one of "a", "b", "c", "d", "e", "f", "g""#
        );
        let private = issues(&schema, &json!({ "kind": "canary" }), true).unwrap();
        assert!(!private[0].message.contains("canary"), "{private:?}");
    }

    #[test]
    fn a_schema_may_refer_to_itself() {
        let schema = json!({
            "type": "object", "additionalProperties": { "$ref": "#" }, "properties": { "$ref": { "type": "string" } },
        });
        let nested = json!({ "a": { "b": {} }, "$ref": "a property of this name" });
        assert_eq!(issues(&schema, &nested, false), Ok(Vec::new()));
        assert_eq!(
            issues(&schema, &json!({ "a": { "b": 1 } }), false)
                .unwrap()
                .len(),
            1
        );
    }

    #[test]
    fn work_is_counted_before_it_is_done() {
        let mut defs = serde_json::Map::new();
        for n in 0..40 {
            let next = json!({ "$ref": format!("#/$defs/d{}", n + 1) });
            defs.insert(format!("d{n}"), json!({ "anyOf": [next, next] }));
        }
        defs.insert("d40".into(), json!(true));
        assert!(wrong(json!({ "$ref": "#/$defs/d0", "$defs": defs })).contains("too much work"));
    }

    #[test]
    fn a_long_way_is_refused_before_it_is_gone() {
        let mut defs = serde_json::Map::new();
        for n in 0..10_000 {
            defs.insert(
                format!("d{n}"),
                json!({ "$ref": format!("#/$defs/d{}", n + 1) }),
            );
        }
        defs.insert("d10000".into(), json!(true));
        assert!(wrong(json!({ "$ref": "#/$defs/d0", "$defs": defs })).contains("too deeply"));
    }

    #[test]
    fn what_could_mean_something_else_than_was_weighed_is_refused() {
        for (schema, says) in [
            (
                json!({ "$ref": "https://example.com/schema" }),
                "example.com",
            ),
            (
                json!({ "$ref": "#name", "$defs": { "a": { "$anchor": "name" } } }),
                "#name",
            ),
            (
                json!({ "$ref": "#/%24defs/a", "$defs": { "a": true } }),
                "%24",
            ),
            (json!({ "$ref": "#/$defs/none" }), "none"),
            (
                json!({ "$schema": "http://json-schema.org/draft-04/schema#" }),
                "draft-04",
            ),
            (json!({ "$defs": { "a": { "$id": "other" } } }), "$id"),
        ] {
            let why = wrong(schema);
            assert!(why.contains(says), "{why}");
        }
    }
}

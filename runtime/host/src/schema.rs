//! Settings against a plugin's own JSON Schema, which is looked at before it is used: anyone may have written it, and a
//! few lines of it can say more work than there is time.

use std::collections::HashMap;

use jsonschema::error::ValidationErrorKind;
use serde_json::Value;

/// Subschemas, each counted as often as something refers to it. The largest schema in the contract's own plugins has
/// fewer than a hundred.
const WORK: u64 = 100_000;
/// Subschemas within or behind one another.
const DEPTH: usize = 200;
/// Issues told.
const ISSUES: usize = 100;

/// Something wrong with the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    /// JSON Pointer into the settings.
    pub pointer: String,
    /// What is wrong; never a value that came from the environment or a file.
    pub message: String,
}

/// Whether settings can be checked against this schema at all.
///
/// # Errors
/// Why not: it is none, refers to something outside, or takes too much work.
pub fn check_schema(schema: &Value) -> Result<(), String> {
    issues(schema, &Value::Null, true).map(drop)
}

/// What is wrong with the settings, by the schema; nothing where they fit. `private`: values are left out of the text.
///
/// # Errors
/// The schema is none, refers to something outside, or takes too much work.
pub(crate) fn issues(
    schema: &Value,
    settings: &Value,
    private: bool,
) -> Result<Vec<Issue>, String> {
    let mut weights = Weights {
        root: schema,
        known: HashMap::new(),
    };
    weights.of(schema, 0)?;
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
        .flat_map(|error| told(&error, private))
        .take(ISSUES)
        .collect())
}

fn told(error: &jsonschema::ValidationError<'_>, private: bool) -> Vec<Issue> {
    let pointer = error.instance_path().to_string();
    let message = match error.kind() {
        // At the key, where it is to be mended, rather than at what surrounds it.
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            let unknown = |name: &String| Issue {
                pointer: format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1")),
                message: "there is no such setting".to_owned(),
            };
            return unexpected.iter().map(unknown).collect();
        }
        _ if private => error.masked().to_string(),
        // All of them: what is meant is likely among those that would be left out.
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

/// How much work each part of a schema is at one place of a document.
struct Weights<'a> {
    root: &'a Value,
    /// By where the part lies in memory. What is still being weighed counts as one: a reference back to it is followed
    /// only as deep as the document goes.
    known: HashMap<*const Value, u64>,
}

impl<'a> Weights<'a> {
    fn of(&mut self, part: &'a Value, depth: usize) -> Result<u64, String> {
        let parts = match part {
            Value::Object(members) => members.len(),
            Value::Array(elements) => elements.len(),
            _ => return Ok(1),
        };
        if let Some(weight) = self.known.get(&std::ptr::from_ref(part)) {
            return Ok(*weight);
        }
        if depth > DEPTH {
            return Err("it is nested, or refers on, too deeply".into());
        }
        self.known.insert(part, 1);
        let mut weight = 1 + parts as u64;
        let mut add = |more: u64| {
            weight += more;
            if weight > WORK {
                return Err(format!(
                    "it takes too much work: more than {WORK} subschemas, each counted as often as it is referred to"
                ));
            }
            Ok(())
        };
        match part {
            Value::Object(members) => {
                for (name, member) in members {
                    let member = self.member(name, member, depth)?;
                    add(self.of(member, depth + 1)?)?;
                }
            }
            Value::Array(elements) => {
                for element in elements {
                    add(self.of(element, depth + 1)?)?;
                }
            }
            _ => {}
        }
        self.known.insert(part, weight);
        Ok(weight)
    }

    /// The member, or what it refers to. Everything by which a reference could mean something else than a place in this
    /// text is refused: what was weighed must be what is followed.
    fn member(&self, name: &str, member: &'a Value, depth: usize) -> Result<&'a Value, String> {
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
